// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension HomePressure {
    /// What one record says of the blood pressure at its moment; nil what it does not, or what
    /// cannot be read.
    struct Sample: ReadingSample {
        var at: Instant
        var offset: UInt64
        /// The log's time at which it was first known.
        var known: Instant
        var systolic: ExactNumber?
        var diastolic: ExactNumber?
    }

    /// All that was measured at one moment: one reading.
    struct Moment: ReadingMoment {
        struct Record {
            var offset: UInt64
            var known: Instant
        }

        var at: Instant
        /// Newest first.
        var records: [Record]
        var systolic: ExactNumber?
        var diastolic: ExactNumber?

        init(_ samples: ArraySlice<Sample>, at: Instant) {
            self.at = at
            records = samples.reversed().map { Record(offset: $0.offset, known: $0.known) }
            systolic = samples.last { $0.systolic != nil }?.systolic
            diastolic = samples.last { $0.diastolic != nil }?.diastolic
        }

        var text: String {
            let parts = [systolic, diastolic].map { $0?.text(places: 0) ?? "?" }
            return parts.joined(separator: "/")
        }

        var isCrisis: Bool {
            (systolic.map { $0 >= ExactNumber(180) } ?? false)
                || (diastolic.map { $0 >= ExactNumber(120) } ?? false)
        }
    }

    /// The newest reading, the pair of very high ones that stands with it, and sums of the last
    /// days.
    struct Machine: ReadingMachine {
        struct Sum {
            var total = ExactNumber(0)
            var count = 0

            mutating func add(_ value: ExactNumber?) {
                guard let value else { return }
                total = total + value
                count += 1
            }
        }

        /// The readings of one local day.
        struct Day {
            var day: Int32
            var count = 0
            var systolic = Sum()
            var diastolic = Sum()
            /// The newest few, newest first.
            var newest: [Moment] = []
        }

        private(set) var newest: Moment?
        private var high = SpacedPair<Moment>()
        /// In order; of a week.
        private(set) var days: [Day] = []

        init() {}

        /// Two very high readings, the later one first; empty where there are none.
        var pair: [Moment] { high.pair }

        static func samples(
            of fact: Fact, _ reader: ListReader, zone: ZoneTable
        ) -> [Sample] {
            HomePressure.samples(of: fact, reader)
        }

        mutating func take(_ samples: ArraySlice<Sample>, zone: ZoneTable) {
            guard let at = samples.first?.at else { return }
            let moment = Moment(samples, at: at)
            if moment.isCrisis {
                high.add(moment, apart: apartMilliseconds)
            } else {
                high.part()
            }
            newest = moment
            let day = zone.day(of: at).number
            days.removeAll { $0.day <= day - averagedDays }
            if days.last?.day != day { days.append(Day(day: day)) }
            let last = days.count - 1
            days[last].count += 1
            days[last].systolic.add(moment.systolic)
            days[last].diastolic.add(moment.diastolic)
            days[last].newest.insert(moment, at: 0)
            if days[last].newest.count > shownMax { days[last].newest.removeLast() }
        }
    }
}

extension HomePressure.Machine: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(newest)
        state.write(high)
        state.write(days)
    }

    init(state: inout StateReader) throws(StateError) {
        newest = try state.read()
        high = try state.read()
        days = try state.read()
    }
}

extension HomePressure.Machine.Sum: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(total)
        state.write(count)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(total: try state.read(), count: try state.read())
    }
}

extension HomePressure.Machine.Day: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(day)
        state.write(count)
        state.write(systolic)
        state.write(diastolic)
        state.write(newest)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            day: try state.read(), count: try state.read(), systolic: try state.read(),
            diastolic: try state.read(), newest: try state.read())
    }
}

extension HomePressure.Moment: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(at)
        state.write(records)
        state.write(systolic)
        state.write(diastolic)
    }

    init(state: inout StateReader) throws(StateError) {
        at = try state.read()
        records = try state.read()
        systolic = try state.read()
        diastolic = try state.read()
    }
}

extension HomePressure.Moment.Record: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(offset)
        state.write(known)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(offset: try state.read(), known: try state.read())
    }
}
