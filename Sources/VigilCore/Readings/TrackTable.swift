// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What algorithms follow the readings by: some lists of a pack.
struct TrackUse: Sendable {
    var following: Algorithm.Following
    /// The pack's hash: another version may have other lists.
    var pack: String
    /// The pack's lists that the algorithms name, by index.
    var lists: [Int]
    /// The pack's place among those in force; nil while it is none of them.
    var place: Int?

    func isSame(as other: TrackUse) -> Bool {
        following == other.following && pack == other.pack && lists == other.lists
    }
}

/// A patient's tracks of one kind, ascending by the use that each is of.
struct TrackShelf<Machine: ReadingMachine>: Sendable {
    private(set) var tracks: [(use: Int, track: ReadingTrack<Machine>)] = []

    init() {}

    subscript(use: Int) -> ReadingTrack<Machine>? { tracks.first { $0.use == use }?.track }

    /// Changes a track where it is: a copy would cost more than most changes.
    mutating func change(_ use: Int, _ body: (inout ReadingTrack<Machine>) -> Void) {
        let place = tracks.firstIndex { $0.use >= use } ?? tracks.count
        if place == tracks.count || tracks[place].use != use {
            tracks.insert((use, ReadingTrack()), at: place)
        }
        body(&tracks[place].track)
    }

    mutating func keep(where isKept: (Int) -> Bool) {
        tracks.removeAll { !isKept($0.use) }
    }

    mutating func invalidate() {
        for place in tracks.indices { tracks[place].track.invalidate() }
    }
}

/// All tracks of a patient.
struct TrackTable: Sendable {
    var vitalSigns = TrackShelf<News2.Machine>()
    var oxygen = TrackShelf<HomeOxygen.Machine>()
    var pressure = TrackShelf<HomePressure.Machine>()
    var glucose = TrackShelf<Glucose.Machine>()

    init() {}

    /// What is done to a track of any kind.
    enum Work {
        case forget(UInt64)
        case add(Fact, now: Instant)
        case update(now: Instant)
        case advance(through: Instant, now: Instant)

        func perform<Machine>(
            on track: inout ReadingTrack<Machine>, _ source: ReadingTrack<Machine>.Source
        ) {
            switch self {
            case .forget(let offset): track.forget(offset)
            case .add(let fact, let now): track.add(fact, from: source, now: now)
            case .update(let now): track.update(from: source, now: now)
            case .advance(let moment, let now):
                track.advance(through: moment, from: source, now: now)
            }
        }
    }

    mutating func perform(
        _ work: Work, on use: Int, following: Algorithm.Following, _ reader: ListReader,
        zone: ZoneTable, facts: @escaping () -> [Fact]
    ) {
        switch following {
        case .vitalSigns:
            vitalSigns.change(use) {
                work.perform(on: &$0, .init(reader: reader, zone: zone, facts: facts))
            }
        case .oxygen:
            oxygen.change(use) {
                work.perform(on: &$0, .init(reader: reader, zone: zone, facts: facts))
            }
        case .pressure:
            pressure.change(use) {
                work.perform(on: &$0, .init(reader: reader, zone: zone, facts: facts))
            }
        case .glucose:
            glucose.change(use) {
                work.perform(on: &$0, .init(reader: reader, zone: zone, facts: facts))
            }
        }
    }

    func isCurrent(_ use: Int, following: Algorithm.Following) -> Bool {
        switch following {
        case .vitalSigns: vitalSigns[use]?.isCurrent ?? false
        case .oxygen: oxygen[use]?.isCurrent ?? false
        case .pressure: pressure[use]?.isCurrent ?? false
        case .glucose: glucose[use]?.isCurrent ?? false
        }
    }

    /// Whether all of it follows from the readings that are kept.
    var follows: Bool {
        vitalSigns.follows && oxygen.follows && pressure.follows && glucose.follows
    }

    mutating func keep(where isKept: (Int) -> Bool) {
        vitalSigns.keep(where: isKept)
        oxygen.keep(where: isKept)
        pressure.keep(where: isKept)
        glucose.keep(where: isKept)
    }

    mutating func invalidate() {
        vitalSigns.invalidate()
        oxygen.invalidate()
        pressure.invalidate()
        glucose.invalidate()
    }
}

extension TrackUse: StateCodable {
    /// The place follows from the packs in force.
    func write(to state: inout StateWriter) {
        state.writeShared(following.rawValue)
        state.writeShared(pack)
        state.write(lists)
    }

    init(state: inout StateReader) throws(StateError) {
        guard let following = Algorithm.Following(rawValue: try state.readShared()) else {
            throw StateError()
        }
        self.init(following: following, pack: try state.readShared(), lists: try state.read())
    }
}

extension TrackShelf: StateCodable {
    /// Whether nothing of it is lost that is not worked out anew from the readings that are kept.
    var follows: Bool { tracks.allSatisfy { $0.track.baseThrough == nil } }

    /// Only of what has outlived its readings.
    func write(to state: inout StateWriter) {
        let outliving = tracks.filter { $0.track.baseThrough != nil }
        state.writeNumber(UInt64(outliving.count))
        for (use, track) in outliving {
            state.write(use)
            state.write(track)
        }
    }

    init(state: inout StateReader) throws(StateError) {
        for _ in 0..<(try state.readCount()) {
            let use = try state.read(Int.self)
            tracks.append((use, try state.read()))
        }
    }
}

extension TrackTable: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(vitalSigns)
        state.write(oxygen)
        state.write(pressure)
        state.write(glucose)
    }

    init(state: inout StateReader) throws(StateError) {
        vitalSigns = try state.read()
        oxygen = try state.read()
        pressure = try state.read()
        glucose = try state.read()
    }
}
