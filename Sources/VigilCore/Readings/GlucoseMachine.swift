// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Glucose {
    /// The sensor that is worn, the runs below each threshold, and counts of the last days.
    struct Machine: ReadingMachine {
        /// Whether readings were last below a threshold, or not, for long enough.
        struct Level {
            private let threshold: Threshold
            /// The moment of the first reading of the run without a gap that is on one side.
            private var start: Instant?
            private var newest: Instant?
            private var isBelow = false
            /// The newest of the run that was known while it could be acted on.
            private var timely: Instant?
            /// The newest reading of the newest run that was long enough.
            private(set) var decidedAt: Instant?
            /// That reading and those before it, newest first; empty where they are not low.
            private var shown: [Sample] = []

            init(_ threshold: Threshold) {
                self.threshold = threshold
            }

            /// The readings of a low that was found no longer ago than a moment.
            func low(since oldest: Instant) -> [Sample]? {
                guard let decidedAt, decidedAt >= oldest, !shown.isEmpty else { return nil }
                return shown
            }

            /// Takes in the newest reading, the first of the recent ones.
            mutating func take(_ recent: [Sample]) {
                guard let reading = recent.first else { return }
                let side = reading.isBelow(threshold)
                let gap = newest.map { reading.at.milliseconds - $0.milliseconds } ?? .max
                if gap > persistMilliseconds || side != isBelow {
                    start = reading.at
                    timely = nil
                }
                (newest, isBelow) = (reading.at, side)
                if reading.known <= reading.at.adding(milliseconds: silentMilliseconds) {
                    timely = reading.at
                }
                guard let start, isLong(start, reading.at) else { return }
                if !side {
                    decidedAt = reading.at
                    shown = []
                } else if let timely, isLong(start, timely) {
                    decidedAt = reading.at
                    shown = recent
                }
            }

            private func isLong(_ start: Instant, _ end: Instant) -> Bool {
                end.milliseconds - start.milliseconds >= persistMilliseconds
            }
        }

        /// How often so many steps were between two readings.
        struct Gap {
            var steps: Int16
            var count: Int
        }

        /// The readings of one local day.
        struct Day {
            var day: Int32
            var shares = Shares()
            /// Between each reading and the one before it.
            var gaps: [Gap] = []
            /// Before the day's first reading.
            var firstGap: Int16?
            var newest: Sample
        }

        /// The newest few readings, newest first.
        private var recent: [Sample] = []
        /// The first reading of the sensor that is worn.
        private(set) var began: Instant?
        /// The newest end of a sensor.
        private(set) var endedAt: Instant?
        private(set) var low = Level(.low)
        private(set) var veryLow = Level(.veryLow)
        private(set) var days: [Day] = []

        init() {}

        var newest: Sample? { recent.first }

        static func samples(
            of fact: Fact, _ reader: ListReader, zone: ZoneTable
        ) -> [Sample] {
            Glucose.samples(of: fact, reader)
        }

        mutating func take(_ moment: ArraySlice<Sample>, zone: ZoneTable) {
            for sample in moment where sample.value != nil { take(sample, zone: zone) }
            if let end = moment.first(where: { $0.value == nil }) { endedAt = end.at }
        }

        private mutating func take(_ reading: Sample, zone: ZoneTable) {
            let age = began.map { reading.at.milliseconds - $0.milliseconds } ?? .max
            let hasEnded = endedAt.map { end in newest.map { $0.at <= end } ?? false } ?? false
            if age >= sensorMilliseconds || hasEnded { began = reading.at }
            count(reading, on: zone.day(of: reading.at).number)
            recent.insert(reading, at: 0)
            if recent.count > shownMax { recent.removeLast() }
            low.take(recent)
            veryLow.take(recent)
        }

        private mutating func count(_ reading: Sample, on day: Int32) {
            days.removeAll { $0.day < day - rangeDays }
            let gap = newest.map { last in
                let steps =
                    (reading.at.milliseconds - last.at.milliseconds + gapStepMilliseconds / 2)
                    / gapStepMilliseconds
                return Int16(
                    min(
                        max(steps, 60_000 / gapStepMilliseconds),
                        persistMilliseconds / gapStepMilliseconds))
            }
            if days.last?.day != day {
                days.append(Day(day: day, firstGap: gap, newest: reading))
            }
            let last = days.count - 1
            days[last].shares.add(reading)
            days[last].newest = reading
            guard let gap else { return }
            if let known = days[last].gaps.firstIndex(where: { $0.steps == gap }) {
                days[last].gaps[known].count += 1
            } else {
                days[last].gaps.append(Gap(steps: gap, count: 1))
            }
        }
    }
}

extension Glucose.Machine: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(recent)
        state.write(began)
        state.write(endedAt)
        state.write(low)
        state.write(veryLow)
        state.write(days)
    }

    init(state: inout StateReader) throws(StateError) {
        recent = try state.read()
        began = try state.read()
        endedAt = try state.read()
        low = try state.read()
        veryLow = try state.read()
        days = try state.read()
    }
}

extension Glucose.Machine.Level: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(threshold.rawValue)
        state.write(start)
        state.write(newest)
        state.write(isBelow)
        state.write(timely)
        state.write(decidedAt)
        state.write(shown)
    }

    init(state: inout StateReader) throws(StateError) {
        guard let threshold = Glucose.Threshold(rawValue: try state.read()) else {
            throw StateError()
        }
        self.init(threshold)
        start = try state.read()
        newest = try state.read()
        isBelow = try state.read()
        timely = try state.read()
        decidedAt = try state.read()
        shown = try state.read()
    }
}

extension Glucose.Machine.Gap: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(Int(steps))
        state.write(count)
    }

    init(state: inout StateReader) throws(StateError) {
        let steps = try state.read(Int.self)
        guard let narrow = Int16(exactly: steps), narrow > 0 else { throw StateError() }
        self.init(steps: narrow, count: try state.read())
    }
}

extension Glucose.Machine.Day: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(day)
        state.write(shares)
        state.write(gaps)
        state.write(firstGap.map(Int.init))
        state.write(newest)
    }

    init(state: inout StateReader) throws(StateError) {
        let day = try state.read(Int32.self)
        let shares = try state.read(Glucose.Shares.self)
        let gaps = try state.read([Glucose.Machine.Gap].self)
        let firstGap = try state.read(Int?.self)
        self.init(
            day: day, shares: shares, gaps: gaps,
            firstGap: firstGap.map { Int16(clamping: $0) }, newest: try state.read())
    }
}

extension Glucose.Shares: StateCodable {
    func write(to state: inout StateWriter) {
        for number in [count, veryLow, low, inRange, high, veryHigh] { state.write(number) }
    }

    init(state: inout StateReader) throws(StateError) {
        count = try state.read()
        veryLow = try state.read()
        low = try state.read()
        inRange = try state.read()
        high = try state.read()
        veryHigh = try state.read()
    }
}

extension Glucose.Sample: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(at)
        state.write(offset)
        state.write(known)
        state.write(value)
        state.write(isMilligrams)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            at: try state.read(), offset: try state.read(), known: try state.read(),
            value: try state.read(), isMilligrams: try state.read())
    }
}
