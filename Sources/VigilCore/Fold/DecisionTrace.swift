// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A running digest of what the rules were judged to be, wherever that changed.
///
/// Most judgements bring no output about: without a trace of them a fold that goes astray shows
/// only at some later output of the same patient.
package struct DecisionTrace: Sendable {
    /// The offset of the record that is being folded; for what time alone brings about, of the one
    /// that would be written for it.
    package var cause: UInt64 = 0
    /// How many judgements have changed.
    package private(set) var count: UInt64 = 0
    /// SHA-256 over the digest before, the cause, the subject, the rule, the old and the new truth.
    package private(set) var digest = [UInt8](repeating: 0, count: 32)

    /// What changed, where another's trace is to have it.
    private var judgements: [Judgement]?

    /// A rule that was judged otherwise than before.
    struct Judgement: Sendable {
        var subject: String
        var rule: String
        var old: Truth
        var new: Truth
    }

    init() {}

    /// Keeps judgements for another's trace from now on.
    mutating func collect() { judgements = [] }

    /// Hands out the judgements that were kept.
    mutating func takeJudgements() -> [Judgement] {
        guard let taken = judgements, !taken.isEmpty else { return [] }
        judgements = []
        return taken
    }

    mutating func note(subject: String, rule: String, from old: Truth, to new: Truth) {
        guard judgements == nil else {
            judgements?.append(Judgement(subject: subject, rule: rule, old: old, new: new))
            return
        }
        var bytes = digest
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: cause >> UInt64(shift)))
        }
        bytes.append(contentsOf: subject.utf8)
        bytes.append(0)
        bytes.append(contentsOf: rule.utf8)
        bytes.append(0)
        bytes.append(old.rawValue)
        bytes.append(new.rawValue)
        digest = SHA256.digest(of: bytes)
        count += 1
    }

    /// Takes in what another's trace has kept.
    mutating func note(_ judgements: [Judgement]) {
        for change in judgements {
            note(subject: change.subject, rule: change.rule, from: change.old, to: change.new)
        }
    }

    /// Begins anew, after the digest was taken.
    package mutating func begin() {
        count = 0
        digest = [UInt8](repeating: 0, count: 32)
    }
}

extension DecisionTrace: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(cause)
        state.write(count)
        state.writeBytes(digest)
    }

    package init(state: inout StateReader) throws(StateError) {
        cause = try state.read()
        count = try state.read()
        digest = Array(try state.readBytes())
    }
}

extension Fold {
    /// Keeps what a rule was judged to be of a patient; a change of it goes into the trace.
    mutating func note(_ truth: Truth, patient: Int, rule: Int) {
        let old = patients[patient].episodes[rule].truth
        guard truth != old else { return }
        patients[patient].episodes[rule].truth = truth
        trace.note(
            subject: patients[patient].subject, rule: rules[rule].rule.id, from: old, to: truth)
    }
}
