// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore
internal import VigilLog
internal import VigilPacks

/// What a start has to write before the daemon accepts: nothing where a log goes on unchanged.
struct StartWork {
    /// Whether the log has no record yet.
    let isNew: Bool
    let settings: FoldSettings
    let changes: [PackChange]
    /// Tails that a recovery has set aside and that the log does not tell of yet.
    var tails: [TornTail]

    /// The file that a record tells to be a tail that was set aside; nil for any other record.
    static func tailFile(in record: Record) -> String? {
        record.entry.topic == "system.tail" ? record.data("file") : nil
    }
}

extension Intake {
    /// Stages what a start has to write, and the first step of what it changes.
    ///
    /// - Throws: where a pack in force does not compile with the settings.
    mutating func begin(_ work: StartWork, now: Instant) throws(PackError) {
        for unit in sequencer.takeUnwritten() { stage(unit) }
        let now = sequencer.recordedTime(wall: now)
        if work.isNew {
            stage(sequencer.begin(at: now))
        } else {
            advance(to: now)
            if sequencer.isForeign { stage(sequencer.takeOver(now: now)) }
        }
        for tail in work.tails {
            stage(
                sequencer.tell(
                    tornTailAt: tail.offset, byteCount: tail.byteCount, file: tail.name, now: now))
        }
        try change(
            work.changes, removingOthers: true, settings: work.settings, now: now)
        if sequencer.isStepping { stage(sequencer.step(now: now)) }
    }

    /// Stages the records that put packs and settings in force that are not.
    ///
    /// - Throws: where a pack in force does not compile with the settings.
    mutating func change(
        _ changes: [PackChange], removingOthers: Bool, settings: FoldSettings, now: Instant
    ) throws(PackError) {
        // Those that go first: a rule may have moved from one of them to one that comes.
        let named = changes.compactMap { change in
            if case .activate(_, let pack) = change { pack.id } else { nil }
        }
        for pack in sequencer.activePacks where removingOthers && !named.contains(pack.id) {
            stage(sequencer.change(.deactivate(id: pack.id), now: now))
        }
        if sequencer.settings != settings {
            stage(try sequencer.change(settings, now: now))
        }
        for case .activate(let source, let pack) in changes
        where !sequencer.activePacks.contains(where: { $0.hash == pack.hash }) {
            stage(sequencer.change(.activate(source, pack), now: now))
        }
    }

    /// Brings patients up to a change of rules, a step at a time.
    mutating func step(wall: Instant) {
        guard sequencer.isStepping, !isFull else { return }
        advance(to: sequencer.recordedTime(wall: wall))
        stage(sequencer.step(now: sequencer.recordedTime(wall: wall)))
    }

    /// Whether steps are left that come before any input.
    ///
    /// An input may move an event clock by years: what falls due on the way does so for patients
    /// that have been brought up, however the messages came together.
    var isSteppingFirst: Bool {
        sequencer.identity.clockMode == .event && sequencer.isStepping && !isFull
    }

    /// Brings all patients up, where that comes before any input.
    mutating func finishSteps(wall: Instant) {
        while isSteppingFirst { step(wall: wall) }
    }
}
