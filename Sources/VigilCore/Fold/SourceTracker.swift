// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Follows the numbering of each source, so that a loss is seen (protocol section 4).
struct SourceTracker {
    private struct Key: Hashable {
        var source: ExactText
        var epoch: UInt64
    }

    private struct Progress {
        /// The greatest number seen.
        var high: UInt64 = 0
        var gaps: [Gap] = []
    }

    private struct Gap {
        var whole: SourceGap
        /// What of it is still missing, ascending.
        var missing: [ClosedRange<UInt64>]

        var range: ClosedRange<UInt64> { whole.from...whole.to }
    }

    private var progress: [Key: Progress] = [:]

    /// Takes note of an accepted event's number.
    ///
    /// - Returns: the gap that it opened or the gap that it closed, if any.
    mutating func observe(source: String, epoch: UInt64, sequence: UInt64) -> Output? {
        let key = Key(source: ExactText(source), epoch: epoch)
        var state = progress[key] ?? Progress()
        defer { progress[key] = state }
        if sequence > state.high {
            let expected = state.high + 1
            state.high = sequence
            guard sequence > expected else { return nil }
            let gap = SourceGap(source: source, epoch: epoch, from: expected, to: sequence - 1)
            state.gaps.append(Gap(whole: gap, missing: [expected...(sequence - 1)]))
            return .gap(gap)
        }
        let gap = SourceTracker.index(of: sequence, in: state.gaps.lazy.map(\.range))
        guard let index = gap else { return nil }
        guard let place = SourceTracker.index(of: sequence, in: state.gaps[index].missing) else {
            return nil
        }
        let range = state.gaps[index].missing[place]
        state.gaps[index].missing.replaceSubrange(
            place...place, with: SourceTracker.remove(sequence, from: range))
        guard state.gaps[index].missing.isEmpty else { return nil }
        return .gapClosed(state.gaps.remove(at: index).whole)
    }

    /// The range that a number lies in, by halving: they are ascending and apart.
    private static func index<Ranges: RandomAccessCollection>(
        of number: UInt64, in ranges: Ranges
    ) -> Int? where Ranges.Element == ClosedRange<UInt64>, Ranges.Index == Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < number {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < ranges.count && ranges[low].contains(number) ? low : nil
    }

    private static func remove(
        _ number: UInt64, from range: ClosedRange<UInt64>
    ) -> [ClosedRange<UInt64>] {
        guard range.contains(number) else { return [range] }
        var rest: [ClosedRange<UInt64>] = []
        if range.lowerBound < number { rest.append(range.lowerBound...(number - 1)) }
        if number < range.upperBound { rest.append((number + 1)...range.upperBound) }
        return rest
    }
}

extension SourceTracker: StateCodable {
    func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(progress.count))
        for (key, value) in progress {
            state.write(key.source)
            state.write(key.epoch)
            state.write(value.high)
            state.writeNumber(UInt64(value.gaps.count))
            for gap in value.gaps {
                state.write(gap.whole)
                state.writeNumber(UInt64(gap.missing.count))
                for range in gap.missing {
                    state.write(range.lowerBound)
                    state.write(range.upperBound)
                }
            }
        }
    }

    init(state: inout StateReader) throws(StateError) {
        for _ in 0..<(try state.readCount()) {
            let key = Key(source: try state.read(), epoch: try state.read())
            var value = Progress(high: try state.read())
            for _ in 0..<(try state.readCount()) {
                var gap = Gap(whole: try state.read(), missing: [])
                for _ in 0..<(try state.readCount()) {
                    let low = try state.read(UInt64.self)
                    let high = try state.read(UInt64.self)
                    guard low <= high else { throw StateError() }
                    gap.missing.append(low...high)
                }
                value.gaps.append(gap)
            }
            progress[key] = value
        }
    }
}

extension SourceGap: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeShared(source)
        state.write(epoch)
        state.write(from)
        state.write(to)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            source: try state.readShared(), epoch: try state.read(), from: try state.read(),
            to: try state.read())
    }
}
