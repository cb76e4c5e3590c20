// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A compiled CQL library: what the evaluator runs.
///
/// Expressions are trivial nodes in one array that name their operands by index, always smaller
/// than their own: walking them allocates nothing, counts no references and cannot recurse for
/// ever.
package struct Program: Sendable {
    /// Operands before the nodes that use them.
    package private(set) var nodes: [Node] = []
    /// How each node depends on time, beside `nodes`.
    package private(set) var motions: [Motion] = []
    /// Where an evaluation remembers a node that moves with time and depends on no query alias,
    /// beside `nodes`; -1 for the others.
    private(set) var windowSlots: [Int32] = []
    /// How many such places there are.
    private(set) var windowCount: Int32 = 0
    /// The windows that filters are, beside `nodes`.
    private(set) var windowPlans: [WindowPlan?] = []
    private var usesAlias: [Bool] = []
    /// Whether a node moves by milliseconds rather than by days, beside `nodes`.
    package private(set) var isFine: [Bool] = []
    /// Whether a node depends on the patient, on time or on a fact, beside `nodes`.
    package private(set) var readsPatient: [Bool] = []
    /// What `Operation.call` nodes name.
    package private(set) var calls: [ValueCall] = []
    /// What `Operation.query` nodes name.
    package private(set) var queries: [QueryPlan] = []
    /// How many calls deep the evaluation of each node goes, beside `nodes`.
    package private(set) var heights: [Int] = []
    /// Texts that `Operation.string` nodes name.
    package private(set) var strings: [String] = []
    /// Units that mean the same, as `Operation.number` nodes name them.
    package private(set) var unitSets: [[String]] = []
    /// The node of each definition, by `DefinitionID.index`.
    package private(set) var definitions: [Int32] = []
    /// How many query aliases there are; each query has its own.
    package private(set) var aliasCount: Int32 = 0
    /// Whether a stopped order is no exposure from `Fact.stoppedOn` on.
    package var stoppedEndsExposure = true
    /// Whether an order's repeats are issues, and its supply lasts to `Fact.supplyEnd`.
    package var countsSupplies = true

    package init() {}

    /// Adds a node and names it.
    ///
    /// - Precondition: its operands are nodes of this program.
    package mutating func append(_ node: Node) -> Int32 {
        let next = Int32(nodes.count)
        let operands = self.operands(of: node)
        for operand in operands {
            precondition(operand >= 0 && operand < next, "An operand comes before its use.")
        }
        motions.append(motion(of: node))
        let below = node.operation == .definition ? [definitions[Int(node.first)]] : operands
        heights.append(1 + (below.map { heights[Int($0)] }.max() ?? 0))
        let dependsOnAlias =
            node.operation == .alias || operands.contains { usesAlias[Int($0)] }
        usesAlias.append(dependsOnAlias)
        let isWindow = !dependsOnAlias && motions[Int(next)].isMonotone
        windowSlots.append(isWindow ? windowCount : -1)
        if isWindow { windowCount += 1 }
        windowPlans.append(node.operation == .filter ? windowPlan(ofFilter: node) : nil)
        isFine.append(movesFinely(node, operands))
        readsPatient.append(isPersonal(node, operands))
        nodes.append(node)
        return next
    }

    /// Adds a call of an operator and names its node.
    package mutating func append(_ call: ValueCall) -> Int32 {
        calls.append(call)
        calls[calls.count - 1].isOverFacts = call.operands.contains { readsPatient[Int($0)] }
        return append(Node(.call, Int32(calls.count - 1)))
    }

    /// Adds a query and names its node.
    package mutating func append(_ query: QueryPlan) -> Int32 {
        queries.append(query)
        queries[queries.count - 1].isOverFacts = query.sources.contains {
            readsPatient[Int($0.node)]
        }
        return append(Node(.query, Int32(queries.count - 1)))
    }

    /// The nodes that a node reads.
    package func operands(of node: Node) -> [Int32] {
        switch node.operation {
        case .call: calls[Int(node.first)].operands
        case .query: queries[Int(node.first)].operands
        default: node.operands
        }
    }

    private func isPersonal(_ node: Node, _ operands: [Int32]) -> Bool {
        switch node.operation {
        case .today, .birthDate, .deathDate, .registrationDate, .deregistrationDate, .gender,
            .retrieve:
            true
        case .definition: readsPatient[Int(definitions[Int(node.first)])]
        // The detail says that the elements under the alias are no facts.
        case .alias: node.detail == 0
        case .call where calls[Int(node.first)].function == .now: true
        default: operands.contains { readsPatient[Int($0)] }
        }
    }

    private func movesFinely(_ node: Node, _ operands: [Int32]) -> Bool {
        switch node.operation {
        case .call:
            let function = calls[Int(node.first)].function
            if function == .now || function == .timeOfDay { return true }
            if function == .dateFrom || function.isTimeComparison { return false }
        case .definition: return isFine[Int(definitions[Int(node.first)])]
        case .compare: return false
        default: break
        }
        return operands.contains { isFine[Int($0)] }
    }

    /// Adds a text and names it.
    package mutating func append(string: String) -> Int32 {
        if let known = strings.firstIndex(of: string) { return Int32(known) }
        strings.append(string)
        return Int32(strings.count - 1)
    }

    /// Adds units that mean the same and names them.
    package mutating func append(units: [String]) -> Int32 {
        if let known = unitSets.firstIndex(of: units) { return Int32(known) }
        unitSets.append(units)
        return Int32(unitSets.count - 1)
    }

    /// Makes a node a definition, whose value one `Evaluation` computes once.
    package mutating func define(_ root: Int32) -> DefinitionID {
        precondition(nodes.indices.contains(Int(root)), "A definition is a node of its program.")
        definitions.append(root)
        return DefinitionID(index: definitions.count - 1)
    }

    /// A new query alias.
    package mutating func newAlias() -> Int32 {
        aliasCount += 1
        return aliasCount - 1
    }

    /// The lists whose members can change a definition, ascending and without repetition.
    ///
    /// An event none of whose codings is in one of them leaves the definition as it is, unless it
    /// concerns the Patient resource.
    package func lists(touching definition: DefinitionID) -> [Int] {
        Set(retrieves(of: definition).map(\.list)).sorted()
    }

    /// What a definition retrieves, through all definitions that it uses: by list, then type.
    package func retrieves(of definition: DefinitionID) -> [Retrieval] {
        var reached = [Bool](repeating: false, count: nodes.count)
        var pending = [definitions[definition.index]]
        var found: [Int: ResourceTypes] = [:]
        while let index = pending.popLast() {
            if reached[Int(index)] { continue }
            reached[Int(index)] = true
            let node = nodes[Int(index)]
            if node.operation == .definition {
                pending.append(definitions[Int(node.first)])
            } else if node.operation == .retrieve {
                found[Int(node.first), default: []].formUnion(ResourceTypes(rawValue: node.detail))
            }
            pending.append(contentsOf: operands(of: node))
        }
        return found.sorted { $0.key < $1.key }.map { Retrieval(list: $0.key, types: $0.value) }
    }
}

/// What a definition asks of a code list.
package struct Retrieval: Hashable, Sendable {
    /// The list's index.
    package var list: Int
    /// The resource types whose codings are looked up in it.
    package var types: ResourceTypes
}

/// A set of resource types.
package struct ResourceTypes: OptionSet, Hashable, Sendable {
    /// One bit a type.
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The set of one type.
    package init(_ type: ResourceType) {
        switch type {
        case .patient: rawValue = 1 << 0
        case .encounter: rawValue = 1 << 1
        case .condition: rawValue = 1 << 2
        case .allergyIntolerance: rawValue = 1 << 3
        case .medicationRequest: rawValue = 1 << 4
        case .medicationDispense: rawValue = 1 << 5
        case .medicationStatement: rawValue = 1 << 6
        case .observation: rawValue = 1 << 7
        case .diagnosticReport: rawValue = 1 << 8
        case .procedure: rawValue = 1 << 9
        case .detectedIssue: rawValue = 1 << 10
        }
    }

    /// Orders, dispenses and statements: what `stopped` can end.
    package static let medications: ResourceTypes = [
        ResourceTypes(.medicationRequest), ResourceTypes(.medicationDispense),
        ResourceTypes(.medicationStatement),
    ]

    /// The members, in the order of `ResourceType`'s cases.
    package var types: [ResourceType] {
        ResourceType.allCases.filter { contains(ResourceTypes($0)) }
    }
}
