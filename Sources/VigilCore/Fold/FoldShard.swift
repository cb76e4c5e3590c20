// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Which patients a fold decides for, where several folds share those of a log.
///
/// Each is given every record, so that they agree about rules, settings, sources and links; a
/// patient's records are folded by the one fold that the patient belongs to, and the one that
/// decides for no patient tells what all have decided, in the order of a fold of the whole.
package struct FoldShard: Sendable {
    /// Which of the folds it is; nil for the one that decides for no patient.
    package let number: Int?
    /// How many there are beside that one.
    package let count: Int
    /// Subjects whose records may be read as one patient's, and the fold that they belong to.
    private let linked: [ExactText: Int]

    /// One of several folds.
    ///
    /// - Parameters:
    ///   - number: which, from 0; nil for the one that decides for no patient.
    ///   - count: how many decide for patients.
    ///   - linked: groups of subjects that belong to one fold, since links may join them.
    package init(number: Int?, of count: Int, linked: [[String]]) {
        self.number = number
        self.count = count
        var places: [ExactText: Int] = [:]
        for group in linked {
            let place = group.first.map { FoldShard.place(of: $0, among: count) }
            for subject in group { places[ExactText(subject)] = place }
        }
        self.linked = places
    }

    /// Whether a patient belongs to the fold.
    func includes(_ subject: String) -> Bool {
        guard let number else { return false }
        let linked = linked.isEmpty ? nil : linked[ExactText(subject)]
        return (linked ?? FoldShard.place(of: subject, among: count)) == number
    }

    /// The same on every machine.
    private static func place(of subject: String, among count: Int) -> Int {
        Int(IdentifierHash(subject).bits % UInt64(count))
    }
}

/// What the fold that a patient belongs to has decided at a record.
package struct PatientDecision: Sendable {
    /// When it fell due, where time alone brought it about.
    let due: Instant?
    /// Its place among the decisions of the record, or of the instant.
    let place: Int
    let outputs: [Output]
    let judgements: [DecisionTrace.Judgement]

    /// Whether it precedes another one of the same record in a fold of the whole.
    package static func precedes(_ left: PatientDecision, _ right: PatientDecision) -> Bool {
        (left.due ?? .never, left.place) < (right.due ?? .never, right.place)
    }
}

/// What a fold knows of the others that it shares the patients with.
struct Sharding: Sendable {
    let shard: FoldShard
    /// By patient, whether it belongs to this fold.
    var owns: [Bool] = []
    /// Decided here since the owner last took it away.
    var decided: [PatientDecision] = []
    /// Decided by the others because it fell due, and yet to be told.
    var due: ArraySlice<PatientDecision> = []
    /// Decided by the others at the record that is being folded, and yet to be told.
    var atRecord: ArraySlice<PatientDecision> = []
}

extension Fold {
    /// Makes a fold of nothing yet one of several that share the patients.
    package mutating func become(_ shard: FoldShard) {
        sharding = Sharding(shard: shard)
        if shard.number != nil { trace.collect() }
    }

    /// Whether others decide for some of the patients, and this one for the rest.
    package var isShard: Bool { sharding.map { $0.shard.number != nil } ?? false }

    /// Whether the fold tells what is no patient's.
    var tellsShared: Bool { !isShard }

    /// Whether the fold decides for a patient.
    func decides(for index: Int) -> Bool { sharding.map { $0.owns[index] } ?? true }

    /// Hands out what was decided since this was last asked, in the order of it.
    package mutating func takeDecisions() -> [PatientDecision] {
        defer { sharding?.decided = [] }
        return sharding?.decided ?? []
    }

    /// Takes what the others have decided at the record that is folded next, and before it, in
    /// order.
    package mutating func expect(_ decisions: [PatientDecision]) {
        for decision in decisions {
            if decision.due == nil {
                sharding?.atRecord.append(decision)
            } else {
                sharding?.due.append(decision)
            }
        }
    }

    /// Decides for a patient, or tells what the fold that it belongs to has decided.
    ///
    /// - Parameters:
    ///   - index: the patient.
    ///   - place: orders what one record brings about, or one instant.
    ///   - due: the instant, where time alone brings it about.
    ///   - body: decides.
    /// - Returns: what that brings about and this fold is to tell.
    mutating func decide(
        for index: Int, place: Int, due: Instant? = nil, _ body: (inout Fold) -> [Output]
    ) -> [Output] {
        guard sharding != nil else { return body(&self) }
        guard isShard else { return told(place: place, due: due) }
        guard decides(for: index) else { return [] }
        let outputs = body(&self)
        let judgements = trace.takeJudgements()
        if !outputs.isEmpty || !judgements.isEmpty {
            sharding?.decided.append(
                PatientDecision(
                    due: due, place: place, outputs: outputs, judgements: judgements))
        }
        return outputs
    }

    /// What was decided elsewhere; nothing where that was nothing.
    private mutating func told(place: Int, due: Instant?) -> [Output] {
        let decision: PatientDecision
        if let due {
            guard let first = sharding?.due.first, first.place == place, first.due == due else {
                return []
            }
            decision = first
            sharding?.due.removeFirst()
        } else {
            guard let first = sharding?.atRecord.first, first.place == place else { return [] }
            decision = first
            sharding?.atRecord.removeFirst()
        }
        trace.note(decision.judgements)
        return decision.outputs
    }

    /// Takes note of a patient for whom another fold decides.
    ///
    /// That folds agree on the order of those who wait for the end of a load is for whoever shares
    /// a log to see to: no patient is linked to another one where there are loads.
    mutating func passOver(_ event: InputEvent, patient index: Int) {
        _ = endLoads(of: index)
        if let load = loads.number(ofSource: event.source) { hold([index], load: load) }
    }
}
