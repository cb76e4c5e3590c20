// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// One reading as a patient's series keeps it.
struct Reading: Sendable {
    var key: Patient.ResourceKey
    /// The greatest version known.
    var version: ResourceVersion
    var fact: Fact

    /// The moment of the reading; only what has one is a reading.
    var at: Instant {
        guard let at = fact.date.instant else {
            preconditionFailure("A reading has a moment.")
        }
        return at
    }

    static func precedes(_ left: Reading, _ right: Reading) -> Bool {
        (left.at, left.fact.offset) < (right.at, right.fact.offset)
    }
}

/// The newest readings of one patient that bear the same codes, in order of their moments.
///
/// A device may send a reading a second for years. What it sent before the newest few hundred is
/// in the algorithms' running state and in the log, and no longer here.
struct ReadingSeries: Sendable {
    /// So many readings are kept at least.
    static let keptMin = 512
    /// With so many the oldest go, until `keptMin` are left.
    static let keptMax = 640

    /// Ascending, without repetition.
    let codings: [CodingID]
    private(set) var readings: [Reading] = []
    /// The newest moment of which readings have gone; what is not after it comes too late.
    private(set) var goneThrough: Instant?

    init(codings: [CodingID]) {
        self.codings = codings
    }

    /// What was kept, in its order.
    init(codings: [CodingID], readings: [Reading], goneThrough: Instant?) {
        self.codings = codings
        self.readings = readings
        self.goneThrough = goneThrough
    }

    mutating func insert(_ reading: Reading) {
        var place = readings.count
        while place > 0, Reading.precedes(reading, readings[place - 1]) { place -= 1 }
        readings.insert(reading, at: place)
    }

    mutating func remove(at place: Int) -> Reading { readings.remove(at: place) }

    /// The newest moment of the readings that are to go, where there are too many; none of a
    /// moment stays.
    var excessThrough: Instant? {
        readings.count > Self.keptMax ? readings[readings.count - Self.keptMin - 1].at : nil
    }

    mutating func drop(through moment: Instant) {
        readings.removeFirst(readings.prefix { $0.at <= moment }.count)
        goneThrough = moment
    }
}

/// All series of a patient.
struct SeriesTable: Sendable {
    /// In order of their first reading.
    private(set) var series: [ReadingSeries] = []

    init() {}

    /// What was kept, in its order.
    init(series: [ReadingSeries]) {
        self.series = series
    }

    var readings: some Sequence<Reading> { series.lazy.flatMap(\.readings) }

    /// Where a resource's reading is.
    func place(of key: Patient.ResourceKey) -> (series: Int, reading: Int)? {
        for (number, series) in series.enumerated() {
            // The fingerprint first: it tells nearly all apart.
            let place = series.readings.lastIndex { $0.key.id == key.id && $0.key == key }
            if let place {
                return (number, place)
            }
        }
        return nil
    }

    subscript(place: (series: Int, reading: Int)) -> Reading {
        series[place.series].readings[place.reading]
    }

    mutating func remove(at place: (series: Int, reading: Int)) -> Reading {
        series[place.series].remove(at: place.reading)
    }

    /// Takes a reading in.
    ///
    /// - Returns: whether it did: not where readings of its time have gone.
    mutating func insert(_ reading: Reading) -> Bool {
        let number = number(of: reading.fact.codings)
        if let gone = series[number].goneThrough, reading.at <= gone { return false }
        series[number].insert(reading)
        return true
    }

    private mutating func number(of codings: [CodingID]) -> Int {
        if let known = series.firstIndex(where: { $0.codings == codings }) { return known }
        series.append(ReadingSeries(codings: codings))
        return series.count - 1
    }

    /// The codes of a series that has too many readings, and the newest moment of those to go.
    var excess: (codings: [CodingID], through: Instant)? {
        for series in series {
            if let through = series.excessThrough { return (series.codings, through) }
        }
        return nil
    }

    mutating func drop(_ codings: [CodingID], through moment: Instant) {
        guard let number = series.firstIndex(where: { $0.codings == codings }) else { return }
        series[number].drop(through: moment)
    }

    /// Takes away whole series, and gives their readings.
    mutating func takeSeries(where isTaken: ([CodingID]) -> Bool) -> [Reading] {
        let taken = series.filter { isTaken($0.codings) }
        guard !taken.isEmpty else { return [] }
        series.removeAll { isTaken($0.codings) }
        return taken.flatMap(\.readings)
    }
}

extension Reading: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(key)
        state.write(version)
        state.write(fact)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(key: try state.read(), version: try state.read(), fact: try state.read())
        guard fact.date.instant != nil else { throw StateError() }
    }
}

extension ReadingSeries: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(codings)
        state.write(readings)
        state.write(goneThrough)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            codings: try state.read(), readings: try state.read(), goneThrough: try state.read())
    }
}

extension SeriesTable: StateCodable {
    func write(to state: inout StateWriter) { state.write(series) }
    init(state: inout StateReader) throws(StateError) { self.init(series: try state.read()) }
}
