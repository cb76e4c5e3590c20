// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension HomeOxygen.Sample: ReadingMoment {}

extension HomeOxygen {
    /// The newest reading, the pair of low ones that stands with it, and how often which value was
    /// read on each of the last days.
    struct Machine: ReadingMachine {
        /// How often a value was read on a day.
        struct Count {
            var value: ExactNumber
            var count: Int
        }

        /// The values of one local day.
        struct Day {
            var day: Int32
            var counts: [Count] = []
        }

        private(set) var newest: Sample?
        private var low = SpacedPair<Sample>()
        private var days: [Day] = []

        init() {}

        /// Whether no other reading of the newest one's local day came before it.
        var isFirstOfDay: Bool { days.last.map { $0.counts.map(\.count) == [1] } ?? false }

        /// Two low readings, the later one first; empty where there are none.
        var pair: [Sample] { low.pair }

        static func samples(
            of fact: Fact, _ reader: ListReader, zone: ZoneTable
        ) -> [Sample] {
            HomeOxygen.samples(of: fact, reader)
        }

        mutating func take(_ moment: ArraySlice<Sample>, zone: ZoneTable) {
            for reading in moment {
                let day = zone.day(of: reading.at).number
                days.removeAll { $0.day < day - medianDays }
                if isFarBelow(reading) {
                    low.add(reading, apart: apartMilliseconds)
                } else {
                    low.part()
                }
                count(reading.value, on: day)
                newest = reading
            }
        }

        private mutating func count(_ value: ExactNumber, on day: Int32) {
            if days.last?.day != day { days.append(Day(day: day)) }
            let last = days.count - 1
            if let known = days[last].counts.firstIndex(where: { $0.value == value }) {
                days[last].counts[known].count += 1
            } else {
                days[last].counts.append(Count(value: value, count: 1))
            }
        }

        /// Below the target, or 4 points below the median of the fortnight before.
        private func isFarBelow(_ reading: Sample) -> Bool {
            if reading.value < ExactNumber(88) { return true }
            let limit = reading.value + ExactNumber(4)
            guard days.contains(where: { $0.counts.contains { $0.value >= limit } }),
                let median
            else { return false }
            return median >= limit
        }

        /// Nil of too few readings to mean anything.
        private var median: ExactNumber? {
            let counts = days.flatMap(\.counts).sorted { $0.value < $1.value }
            let total = counts.reduce(0) { $0 + $1.count }
            guard total >= medianReadings else { return nil }
            func value(_ place: Int) -> ExactNumber {
                var passed = 0
                for count in counts {
                    passed += count.count
                    if passed > place { return count.value }
                }
                return counts[counts.count - 1].value
            }
            if total % 2 == 1 { return value(total / 2) }
            return (value(total / 2 - 1) + value(total / 2)) / ExactNumber(2)
        }
    }
}

extension HomeOxygen.Machine: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(newest)
        state.write(low)
        state.write(days)
    }

    init(state: inout StateReader) throws(StateError) {
        newest = try state.read()
        low = try state.read()
        days = try state.read()
    }
}

extension HomeOxygen.Machine.Day: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(day)
        state.write(counts)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(day: try state.read(), counts: try state.read())
    }
}

extension HomeOxygen.Machine.Count: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(value)
        state.write(count)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(value: try state.read(), count: try state.read())
    }
}

extension HomeOxygen.Sample: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(at)
        state.write(offset)
        state.write(known)
        state.write(value)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            at: try state.read(), offset: try state.read(), known: try state.read(),
            value: try state.read())
    }
}
