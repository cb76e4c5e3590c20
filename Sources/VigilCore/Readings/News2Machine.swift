// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension News2 {
    /// What one record says at its moment.
    struct Sample: ReadingSample {
        enum Content {
            case reading(Parameter, Reading)
            case scale(isScale2: Bool)
        }

        var at: Instant
        var offset: UInt64
        var content: Content
    }

    /// The newest of each parameter, and what the sets so far amount to.
    struct Machine: ReadingMachine {
        private var last = [Reading?](repeating: nil, count: Parameter.allCases.count)
        private var usesScale2 = false
        /// The newest set that triggers, since the last complete one that does not.
        private(set) var newest: ReadingSet?
        /// The first of those.
        private(set) var beginning: Instant?
        /// Whether one of them was known while it could be acted on.
        private(set) var isRaised = false
        /// The newest complete set.
        private(set) var complete: Instant?

        init() {}

        static func samples(
            of fact: Fact, _ reader: ListReader, zone: ZoneTable
        ) -> [Sample] {
            News2.samples(of: fact, reader, zone: zone)
        }

        mutating func take(_ moment: ArraySlice<Sample>, zone: ZoneTable) {
            if let set = note(moment) { judge(set) }
        }

        func isSettled(_ moment: ArraySlice<Sample>, now: Instant) -> Bool {
            var next = self
            guard let set = next.note(moment) else { return true }
            return set.isOneRound || Machine.roundEnd(of: set) <= now
        }

        /// Takes in what was measured at a moment.
        ///
        /// - Returns: the set as of then; nil where nothing was measured.
        mutating func note(_ moment: ArraySlice<Sample>) -> ReadingSet? {
            guard let at = keep(moment) else { return nil }
            let earliest = at.adding(milliseconds: -setMilliseconds)
            var set = ReadingSet(at: at)
            set.readings = last.map { $0.flatMap { $0.at >= earliest ? $0 : nil } }
            set.usesScale2 = usesScale2
            return set
        }

        /// Takes in what was measured at a moment; gives the moment where anything was.
        @discardableResult
        mutating func keep(_ moment: ArraySlice<Sample>) -> Instant? {
            var at: Instant?
            for sample in moment {
                switch sample.content {
                case .scale(let isScale2): usesScale2 = isScale2
                case .reading(let parameter, let reading):
                    at = reading.at
                    note(reading, of: parameter)
                }
            }
            return at
        }

        /// Until when at least a moment's set waits for the rest of its round, where its own
        /// readings say so: a monitor that sends each second has many such moments.
        static func waits(for moment: ArraySlice<Sample>, now: Instant) -> Instant? {
            guard moment.count < Parameter.allCases.count else { return nil }
            return moment.compactMap { roundEnd(of: $0) }.max().flatMap { $0 > now ? $0 : nil }
        }

        /// Whether the rest of a sample's round may come yet.
        static func waits(for sample: Sample, now: Instant) -> Bool {
            roundEnd(of: sample).map { $0 > now } ?? false
        }

        private static func roundEnd(of sample: Sample) -> Instant? {
            guard case .reading(_, let reading) = sample.content else { return nil }
            return reading.known.adding(milliseconds: roundMilliseconds)
        }

        private mutating func note(_ reading: Reading, of parameter: Parameter) {
            if let known = last[parameter.rawValue], known.at == reading.at {
                // Of what one record says the first counts.
                if known.offset == reading.offset { return }
                // Whoever is said to be on oxygen and on air at once is on oxygen.
                if parameter == .oxygen, known.value != ExactNumber(0),
                    reading.value == ExactNumber(0)
                {
                    return
                }
            }
            last[parameter.rawValue] = reading
        }

        mutating func judge(_ set: ReadingSet) {
            if set.triggers {
                // What part of a set comes to is a lower bound: it takes nothing back.
                if set.isComplete || set.step >= newest?.step ?? 0 { newest = set }
                beginning = beginning ?? set.at
                if Machine.wasTimely(set) { isRaised = true }
            }
            guard set.isComplete else { return }
            complete = set.at
            guard !set.triggers else { return }
            newest = nil
            beginning = nil
            isRaised = false
        }

        /// When no more is waited for of a set that is not of one moment.
        static func roundEnd(of set: ReadingSet) -> Instant {
            let known = set.readings.compactMap { $0?.known }
            return (known.max() ?? set.at).adding(milliseconds: roundMilliseconds)
        }

        /// Whether the newest readings of a set were known while they could be acted on.
        private static func wasTimely(_ set: ReadingSet) -> Bool {
            set.readings.contains { reading in
                guard let reading, reading.at == set.at else { return false }
                return reading.known <= reading.at.adding(milliseconds: staleMilliseconds)
            }
        }

        mutating func forget(_ offset: UInt64) {
            for index in last.indices where last[index]?.offset == offset { last[index] = nil }
        }

        mutating func refresh(from earlier: ArraySlice<Sample>) {
            // Instructions are all kept.
            usesScale2 = false
            for sample in earlier {
                switch sample.content {
                case .scale(let isScale2): usesScale2 = isScale2
                case .reading(let parameter, let reading):
                    guard (last[parameter.rawValue]?.at ?? reading.at) <= reading.at else {
                        continue
                    }
                    note(reading, of: parameter)
                }
            }
        }
    }
}

extension News2.Machine: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(last)
        state.write(usesScale2)
        state.write(newest)
        state.write(beginning)
        state.write(isRaised)
        state.write(complete)
    }

    init(state: inout StateReader) throws(StateError) {
        last = try state.read()
        usesScale2 = try state.read()
        newest = try state.read()
        beginning = try state.read()
        isRaised = try state.read()
        complete = try state.read()
        guard last.count == News2.Parameter.allCases.count else { throw StateError() }
    }
}

extension News2.Reading: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(offset)
        state.write(at)
        state.write(known)
        state.write(value)
        state.writeShared(display)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            offset: try state.read(), at: try state.read(), known: try state.read(),
            value: try state.read(), display: try state.readShared())
    }
}

extension News2.ReadingSet: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(at)
        state.write(readings)
        state.write(usesScale2)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(at: try state.read())
        readings = try state.read()
        usesScale2 = try state.read()
        guard readings.count == News2.Parameter.allCases.count else { throw StateError() }
    }
}
