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

    /// `union`, `intersect` and `except` of lists or intervals.
    mutating func combination(
        _ function: ValueFunction, _ left: Located, _ right: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let first = try value(left)
        let second = try value(right)
        if function == .union, first.type == .list, second.type == .list,
            isOrderedByTime(first.node), isOrderedByTime(second.node)
        {
            return .node(union(first.node, second.node), .list)
        }
        let type: CQLType
        switch (first.type, second.type) {
        case (.listOf(let one), .listOf(let other)): type = .listOf(common(one, other) ?? .any)
        case (.interval, .interval), (.interval, .any), (.any, .interval), (.listOf, .any),
            (.any, .listOf), (.any, .any):
            type = try common(first.type, second.type, at: position)
        default:
            throw .invalid(
                "'\(function.rawValue)' does not take \(first.type.name) and "
                    + "\(second.type.name)", at: position)
        }
        let nodes = [
            widen(first.node, first.type, to: type), widen(second.node, second.type, to: type),
        ]
        return call(function, nodes, type, position)
    }

    /// Whether a list of facts is one of those that the evaluator keeps in clinical order.
    func isOrderedByTime(_ index: Int32) -> Bool {
        let node = program.nodes[Int(index)]
        switch node.operation {
        case .retrieve, .union, .filter, .supplies: return true
        case .definition: return isOrderedByTime(program.definitions[Int(node.first)])
        default: return false
        }
    }

    private mutating func union(_ first: Int32, _ second: Int32) -> Int32 {
        let (one, other) = (program.nodes[Int(first)], program.nodes[Int(second)])
        guard one.operation == .retrieve, other.operation == .retrieve, one.first == other.first
        else { return add(.union, first, second) }
        // One walk over the facts serves all the types that are looked up in one list.
        return add(.retrieve, one.first, detail: one.detail | other.detail)
    }

    // MARK: Queries

    mutating func query(_ query: QuerySyntax, _ position: Position) throws(Refusal) -> Compiled {
        let outer = scope.count
        defer { scope.removeLast(scope.count - outer) }
        var plan = QueryPlan()
        plan.isScalar = true
        var types: [CQLType] = []
        var isFiltered = false
        for source in query.sources {
            var (node, type) = try value(source.value)
            if type == .list, query.sources.count == 1, isOrderedByTime(node) {
                node = try filtered(node, source.name, query)
                isFiltered = true
                if query.lets.isEmpty, query.result == nil, query.aggregate == nil,
                    query.sort.isEmpty
                {
                    return .node(node, .list)
                }
            }
            let alias = program.newAlias()
            let element = type.listElement ?? type
            if type.listElement != nil { plan.isScalar = false }
            plan.sources.append(.init(node: node, alias: alias))
            plan.names.append(source.name)
            types.append(element)
            let isFact = element == .fact || !isPlain(node)
            let read = add(.alias, alias, detail: isFact ? 0 : 1)
            scope.append(ScopedName(name: source.name, value: .node(read, element)))
        }
        for definition in query.lets {
            let (node, type) = try value(definition.value)
            let alias = program.newAlias()
            plan.lets.append(.init(node: node, alias: alias))
            let read = add(.alias, alias, detail: isPlain(node) ? 1 : 0)
            scope.append(ScopedName(name: definition.name, value: .node(read, type)))
        }
        if !isFiltered {
            for relation in query.relations {
                plan.conditions.append(try existence(relation))
            }
            if let condition = query.condition {
                plan.conditions.append(try operand(condition, .boolean))
            }
        }
        return try finish(query, &plan, types, position)
    }

    /// The conditions of a query over facts as a filter of the list.
    private mutating func filtered(
        _ list: Int32, _ alias: String, _ query: QuerySyntax
    ) throws(Refusal) -> Int32 {
        // Conditions that use a `let` see its expression in its place.
        let slot = program.newAlias()
        let outer = scope.count
        defer { scope.removeLast(scope.count - outer) }
        scope.append(ScopedName(name: alias, value: .node(add(.alias, slot), .fact)))
        for definition in query.lets {
            scope.append(
                ScopedName(name: definition.name, value: try compile(definition.value)))
        }
        var tests: [Int32] = []
        for relation in query.relations { tests.append(try existence(relation)) }
        if let condition = query.condition { tests.append(try operand(condition, .boolean)) }
        guard let first = tests.first else { return list }
        return add(.filter, list, tests.dropFirst().reduce(first) { add(.and, $0, $1) }, slot)
    }

    /// `with` and `without`.
    private mutating func existence(_ relation: QuerySyntax.Relation) throws(Refusal) -> Int32 {
        let (related, type) = try value(relation.source)
        let slot = program.newAlias()
        let element = type.listElement ?? type
        let isFact = element == .fact || !isPlain(related)
        scope.append(
            ScopedName(
                name: relation.alias,
                value: .node(add(.alias, slot, detail: isFact ? 0 : 1), element)))
        defer { scope.removeLast() }
        let holds = try operand(relation.condition, .boolean)
        let exists: Int32
        if type == .list, isOrderedByTime(related) {
            exists = add(.exists, add(.filter, related, holds, slot))
        } else {
            var plan = QueryPlan()
            plan.sources = [.init(node: related, alias: slot)]
            plan.names = [relation.alias]
            plan.conditions = [holds]
            exists = program.append(ValueCall(.exists, [program.append(plan)]))
        }
        return relation.isWithout ? add(.not, exists) : exists
    }

    /// What follows the conditions: `return`, `aggregate` and `sort`.
    private mutating func finish(
        _ query: QuerySyntax, _ plan: inout QueryPlan, _ types: [CQLType], _ position: Position
    ) throws(Refusal) -> Compiled {
        if let aggregate = query.aggregate {
            return try self.aggregate(aggregate, &plan)
        }
        var type: CQLType =
            types.count == 1
            ? types[0]
            : .tuple(zip(plan.names, types).map { TupleElementType(name: $0, type: $1) })
        if let result = query.result {
            let (node, resultType) = try value(result)
            plan.result = node
            plan.isDistinct = query.isDistinct
            type = resultType
        }
        if !query.sort.isEmpty {
            if plan.isScalar {
                throw .invalid("one value cannot be sorted", at: position)
            }
            plan.element = program.newAlias()
            let isFact = type == .fact || plan.sources.contains { !isPlain($0.node) }
            let element = add(.alias, plan.element, detail: isFact ? 0 : 1)
            let outer = sortElement
            sortElement = (element, type)
            defer { sortElement = outer }
            for key in query.sort {
                var node: Int32?
                if let expression = key.expression { node = try value(expression).node }
                plan.sort.append(.init(node: node, isDescending: key.isDescending))
            }
        }
        return .node(program.append(plan), plan.isScalar ? type : .listOf(type))
    }

    private mutating func aggregate(
        _ aggregate: QuerySyntax.Aggregate, _ plan: inout QueryPlan
    ) throws(Refusal) -> Compiled {
        var start = (node: add(.null), type: CQLType.any)
        if let expression = aggregate.start { start = try value(expression) }
        let slot = program.newAlias()
        let isPersonal = plan.sources.contains { !isPlain($0.node) }
        // Without a start the total's type is known only from its own expression.
        let read = add(.alias, slot, detail: isPersonal ? 0 : 1)
        scope.append(ScopedName(name: aggregate.name, value: .node(read, start.type)))
        let (step, type) = try value(aggregate.step)
        plan.aggregate = .init(alias: slot, start: start.node, step: step)
        plan.isDistinct = aggregate.isDistinct
        return .node(
            program.append(plan), start.type == .any ? type : common(start.type, type) ?? .any)
    }
}
