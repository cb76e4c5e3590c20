// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Sources with names of their own for patients: setting `subjects: mapped` (protocol section 3).
extension Fold {
    /// Checks that a source's name for a patient is still that subject's.
    ///
    /// - Throws: `subject-mismatch` where an earlier event bound the name to another subject.
    package func checkBinding(of event: InputEvent) throws(Rejection) {
        guard let name = Fold.names(in: event).first,
            let bound = bindings[MergeTable.Name(source: ExactText(event.source), name: name)],
            bound != ExactText(event.subject)
        else { return }
        throw Rejection(
            .subjectMismatch,
            "The source's earlier events gave this patient's name to another subject.",
            at: "/subject")
    }

    /// Binds what an event of a mapped source calls its patient to the event's subject.
    mutating func bind(_ event: InputEvent) {
        guard settings.source(event.source).subjects == .mapped else { return }
        let source = ExactText(event.source)
        for name in Fold.names(in: event) {
            let key = MergeTable.Name(source: source, name: name)
            if bindings[key] == nil { bindings[key] = ExactText(event.subject) }
        }
    }

    /// By what a resource names its patient: first the id or reference, then identifiers.
    private static func names(in event: InputEvent) -> [ExactText] {
        switch event.resource.patient {
        case .names(let names): names.map { ExactText($0) }
        case .identifierOnly(let name): [ExactText(name)]
        case nil: []
        }
    }
}
