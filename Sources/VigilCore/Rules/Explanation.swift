// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A definition of a pack with its value for a patient at a moment.
package struct ExplainedDefinition: Sendable {
    /// What it comes to.
    package enum Value: Sendable {
        case unknown
        case truth(Bool)
        case facts([Fact])
        /// Any other value, as CQL writes it.
        case other(String)
    }

    package var name: String
    package var value: Value
    /// Until when that holds if nothing but time passes; `never` for ever.
    package var stableUntil: Instant
    /// The definitions that it names, in the order in which it names them.
    package var parts: [ExplainedDefinition]
}

extension Fold {
    /// A rule's definitions with their values for a patient.
    ///
    /// - Parameters:
    ///   - definition: of the pack's program.
    ///   - pack: any pack, in force or not.
    ///   - subject: the patient.
    ///   - now: the moment.
    /// - Returns: nil where nothing is known of the patient.
    package func explain(
        _ definition: DefinitionID, of pack: CompiledPack, subject: String, at now: Instant
    ) -> ExplainedDefinition? {
        guard let index = patients.index(of: subject) else { return nil }
        var membership = ListMembership(lists: pack.lists)
        membership.extend(to: codings)
        var run = Evaluation(
            program: pack.sharedProgram, patient: seen(of: survivor(of: index)),
            membership: membership, now: now, zone: zone)
        return run.explain(definition, names: pack.definitionNames)
    }

    /// The subjects whose records are read together with a subject's, itself among them.
    package func subjectsRead(with subject: String) -> [String] {
        guard let index = patients.index(of: subject) else { return [subject] }
        let whole = survivor(of: index)
        return ([whole] + (merges.members[whole] ?? [])).map { patients[$0].subject }
    }
}

extension Evaluation {
    /// A definition and those that it rests on, each with its value.
    mutating func explain(_ id: DefinitionID, names: [String]) -> ExplainedDefinition {
        let judgement = judge(id)
        let value: ExplainedDefinition.Value
        switch definition(id.index).value {
        case .null: value = .unknown
        case .boolean(let truth): value = .truth(truth)
        case .integer(let number): value = .other(String(number))
        case .date(let date): value = .other("@\(date.day)")
        case .decimal: value = .other(lift(definition(id.index).value).literal)
        case .string(let reference): value = text(reference).map { .other("'\($0)'") } ?? .unknown
        case .fact, .list:
            value = .facts(factIndexes(of: id).map { patient.facts[$0] })
        case .box(let index): value = .other(boxes[Int(index)].literal)
        }
        var parts: [ExplainedDefinition] = []
        for part in shared.program.definitionsNamed(by: id) {
            parts.append(explain(part, names: names))
        }
        return ExplainedDefinition(
            name: id.index < names.count ? names[id.index] : "", value: value,
            stableUntil: judgement.stableUntil, parts: parts)
    }
}

extension Program {
    /// The definitions that a definition names itself, in the order of the text.
    func definitionsNamed(by definition: DefinitionID) -> [DefinitionID] {
        var found: [DefinitionID] = []
        var pending = [definitions[definition.index]]
        while let index = pending.popLast() {
            let node = nodes[Int(index)]
            if node.operation == .definition {
                let id = DefinitionID(index: Int(node.first))
                if !found.contains(id) { found.append(id) }
            }
            pending.append(contentsOf: node.operands.reversed())
        }
        return found
    }
}
