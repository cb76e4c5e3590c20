// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// One end of a bulk load of a source's history.
package enum LoadBound: String, CaseIterable, Sendable {
    /// From here on the source's facts are folded without evaluation.
    case loading
    /// The history is there: its patients are looked at, once each.
    case loaded
}

/// The bulk loads that are under way, and the patients that are yet to be looked at after those
/// that have ended.
///
/// What is added here or to a load is added to its state below as well.
struct BaselineLoads: Sendable {
    struct Load: Sendable {
        let number: Int
        let source: String
        let since: Instant
        /// In the order of their first event in it.
        var patients: [Int] = []
    }

    private(set) var open: [Load] = []
    /// Patients of loads that have ended, in the order in which they are looked at.
    private(set) var waiting: ArraySlice<Int> = []
    private var count = 0

    /// The number of a source's load, where one is under way.
    func number(ofSource source: String) -> Int? {
        open.first { $0.source.isExactly(source) }?.number
    }

    func isOpen(_ number: Int) -> Bool {
        open.contains { $0.number == number }
    }

    /// Begins a load; a source that is loading goes on with the one that it has.
    mutating func begin(source: String, at now: Instant) {
        guard number(ofSource: source) == nil else { return }
        count += 1
        open.append(Load(number: count, source: source, since: now))
    }

    /// A patient who comes under a load that has ended waits for a step.
    mutating func add(patient: Int, to number: Int) {
        guard let index = open.firstIndex(where: { $0.number == number }) else {
            waiting.append(patient)
            return
        }
        open[index].patients.append(patient)
    }

    /// Ends a source's load, where one is under way: its patients wait to be looked at.
    mutating func end(source: String) {
        guard let index = open.firstIndex(where: { $0.source.isExactly(source) }) else { return }
        waiting += open.remove(at: index).patients
    }

    mutating func takeWaiting(_ count: Int) -> ArraySlice<Int> {
        let taken = waiting.prefix(count)
        waiting = waiting.dropFirst(count)
        return taken
    }
}

extension BaselineLoads: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(open)
        state.write(Array(waiting))
        state.write(count)
    }

    init(state: inout StateReader) throws(StateError) {
        open = try state.read()
        waiting = try state.read([Int].self)[...]
        count = try state.read()
    }
}

extension BaselineLoads.Load: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(number)
        state.write(source)
        state.write(since)
        state.write(patients)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            number: try state.read(), source: try state.read(), since: try state.read(),
            patients: try state.read())
    }
}

/// A bulk load that is under way, for people.
package struct OpenLoad: Hashable, Sendable {
    package var source: String
    package var since: Instant
    /// How many patients it has told of so far.
    package var patientCount: Int

    package init(source: String, since: Instant, patientCount: Int) {
        self.source = source
        self.since = since
        self.patientCount = patientCount
    }
}

extension Fold {
    /// Takes note that a source begins to load its history, or has done so.
    package mutating func bound(_ bound: LoadBound, source: String, now: Instant) {
        switch bound {
        case .loading: loads.begin(source: source, at: now)
        case .loaded:
            loads.end(source: source)
            feeds.reopen(on: zone.day(of: now))
        }
    }

    /// The loads under way, oldest first.
    package var openLoads: [OpenLoad] {
        loads.open.map {
            OpenLoad(source: $0.source, since: $0.since, patientCount: $0.patients.count)
        }
    }

    /// Patients of loads that have ended and that no step has looked at yet.
    package var waitingPatientCount: Int { loads.waiting.count }

    /// Puts patients under the load that tells of them.
    mutating func hold(_ indexes: [Int], load: Int) {
        for index in indexes
        where patients[index].mergedInto == nil && !patients[index].loads.contains(load) {
            patients[index].loads.append(load)
            loads.add(patient: index, to: load)
        }
    }

    /// Lets a patient go all of whose loads have ended.
    ///
    /// - Returns: whether that is so and the patient is to be looked at.
    mutating func endLoads(of index: Int) -> Bool {
        let held = patients[\.loads, of: index]
        guard !held.isEmpty, !held.contains(where: loads.isOpen) else { return false }
        patients[index].loads = []
        // Merged since, its records are another's, who was put under the load then.
        return patients[index].mergedInto == nil
    }

    /// Looks at a patient all of whose loads have ended, where that is yet to be done.
    mutating func release(patient index: Int, now: Instant) -> [Output] {
        guard endLoads(of: index) else { return [] }
        // A merge that was undone in the load may have taken away what somebody had decided.
        return evaluate(
            patient: index, rules: Array(rules.indices), now: now, cause: .baseline)
            + restateReviews(patient: index, now: now)
    }

    /// Looks at the patients that come next after loads that have ended, as many as are a step.
    ///
    /// - Returns: what is true of them, and how many they were.
    package mutating func releaseNext(now: Instant) -> (outputs: [Output], count: Int) {
        var outputs: [Output] = []
        var count = 0
        while count < Fold.patientsPerStep, outputs.count < Fold.outputsPerStep,
            !loads.waiting.isEmpty
        {
            outputs += releaseNext(1, now: now)
            count += 1
        }
        return (outputs, count)
    }

    /// Looks at so many patients as a step did.
    package mutating func releaseNext(_ count: Int, now: Instant) -> [Output] {
        loads.takeWaiting(count).enumerated().flatMap { place, index in
            let outputs = decide(for: index, place: place) { fold in
                fold.bringUp(patient: index, now: now) + fold.release(patient: index, now: now)
            }
            if !decides(for: index) { _ = endLoads(of: index) }
            return outputs
        }
    }

    /// What of an event in a load is not taken as it stands.
    ///
    /// Live, what names no date has happened when it was published; a history was published long
    /// after (clinical.md section 1.8): there it does not count.
    func withoutGuess(_ event: InputEvent) -> InputEvent? {
        guard case .clinical(var content) = event.resource.content, content.counts,
            content.date == nil
        else { return nil }
        content.counts = false
        var resource = event.resource
        resource.content = .clinical(content)
        return event.with(resource)
    }
}
