// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
    mutating func retrieve(
        _ typeName: String, _ list: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        guard let type = ResourceType(rawValue: typeName), type != .patient,
            type != .detectedIssue
        else {
            let known = ResourceType.allCases.filter { $0 != .patient && $0 != .detectedIssue }
            throw .unsupported(
                "retrieves of \(typeName); facts are "
                    + known.map(\.rawValue).joined(separator: ", "), at: position)
        }
        let compiled = try compile(list)
        guard case .valueSet(let index) = compiled else {
            throw .invalid("expected a value set, found \(compiled.shownType)", at: list.position)
        }
        let detail = ResourceTypes(type).rawValue
        return .node(add(.retrieve, Int32(index), detail: detail), .list)
    }

    mutating func union(_ left: Located, _ right: Located) throws(Refusal) -> Compiled {
        let first = try operand(left, .list)
        let second = try operand(right, .list)
        let (one, other) = (program.nodes[Int(first)], program.nodes[Int(second)])
        guard one.operation == .retrieve, other.operation == .retrieve, one.first == other.first
        else { return .node(add(.union, first, second), .list) }
        // One walk over the facts serves all the types that are looked up in one list.
        return .node(add(.retrieve, one.first, detail: one.detail | other.detail), .list)
    }

    mutating func query(
        _ source: Located, _ alias: String, _ relations: [Syntax.Relation], _ condition: Located?
    ) throws(Refusal) -> Compiled {
        let list = try operand(source, .list)
        let slot = program.newAlias()
        aliases.append((alias, slot))
        defer { aliases.removeLast() }
        var tests: [Int32] = []
        for relation in relations {
            let related = try operand(relation.source, .list)
            let relatedSlot = program.newAlias()
            aliases.append((relation.alias, relatedSlot))
            defer { aliases.removeLast() }
            let holds = try operand(relation.condition, .boolean)
            let exists = add(.exists, add(.filter, related, holds, relatedSlot))
            tests.append(relation.isWithout ? add(.not, exists) : exists)
        }
        if let condition { tests.append(try operand(condition, .boolean)) }
        guard let first = tests.first else { return .node(list, .list) }
        let all = tests.dropFirst().reduce(first) { add(.and, $0, $1) }
        return .node(add(.filter, list, all, slot), .list)
    }
}
