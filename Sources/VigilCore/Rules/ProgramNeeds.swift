// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A set of a pack's code lists, a bit a list as in the rows of a `ListMembership`.
struct ListSet: Equatable, Sendable {
    private(set) var words: [UInt64]

    /// No lists.
    init(of membership: ListMembership) {
        words = Array(repeating: 0, count: membership.wordsPerCoding)
    }

    mutating func insert(_ list: Int) {
        words[list / 64] |= 1 << UInt64(list % 64)
    }

    mutating func formUnion(_ other: ListSet) {
        for position in words.indices { words[position] |= other.words[position] }
    }

    func union(_ other: ListSet) -> ListSet {
        var both = self
        both.formUnion(other)
        return both
    }
}

/// What the definitions of a program cannot be true without.
///
/// Each need is a set of lists of which the patient must have a fact. Where there is none, the
/// definition is false for as long as nothing is recorded, and to evaluate it would tell of nothing
/// else: of no result that cannot be read, and of no error. Found once a program, from the
/// operands to the nodes that use them.
struct ProgramNeeds {
    /// No node has more needs than these.
    private static let needsMax = 16

    private let program: Program
    private var needs: [[ListSet]] = []
    /// The lists without which a list of facts is empty, beside the nodes; nil where they do not
    /// tell.
    private var sources: [ListSet?] = []
    /// Whether evaluating a node tells of nothing but its value, beside the nodes.
    private var isQuiet: [Bool] = []

    init(of program: Program, membership: ListMembership) {
        self.program = program
        let none = ListSet(of: membership)
        for (index, node) in program.nodes.enumerated() {
            needs.append(needs(of: node))
            sources.append(sources(of: node, none))
            isQuiet.append(isQuiet(node, isWindow: program.windowSlots[index] >= 0))
        }
    }

    /// What a definition cannot be true without; none where it is not known.
    func needs(of definition: DefinitionID) -> [ListSet] {
        needs[Int(program.definitions[definition.index])]
    }

    private func needs(of node: Node) -> [ListSet] {
        let first = Int(node.first)
        switch node.operation {
        case .definition: return needs[Int(program.definitions[first])]
        case .exists: return sources[first].map { [$0] } ?? []
        case .isTrue: return needs[first]
        case .not: return presence(deniedBy: node.first).map { [$0] } ?? []
        case .and:
            // The left operand is evaluated before the right one decides.
            let right = isQuiet[first] ? needs[Int(node.second)] : []
            return Array((needs[first] + right).prefix(Self.needsMax))
        case .or:
            let either = needs[first].flatMap { one in
                needs[Int(node.second)].map { one.union($0) }
            }
            return Array(either.prefix(Self.needsMax))
        default: return []
        }
    }

    /// The lists without which the first or last of a list is null, where that is what a node asks.
    private func presence(deniedBy index: Int32) -> ListSet? {
        let asked = unfolded(index)
        guard asked.operation == .isNull else { return nil }
        let element = unfolded(asked.first)
        guard element.operation == .firstOf || element.operation == .lastOf else { return nil }
        return sources[Int(element.first)]
    }

    /// A node, or what the definition is that it stands for.
    private func unfolded(_ index: Int32) -> Node {
        let node = program.nodes[Int(index)]
        return node.operation == .definition ? unfolded(program.definitions[Int(node.first)]) : node
    }

    private func sources(of node: Node, _ none: ListSet) -> ListSet? {
        let first = Int(node.first)
        switch node.operation {
        case .definition: return sources[Int(program.definitions[first])]
        case .filter, .supplies: return sources[first]
        case .retrieve:
            var own = none
            own.insert(first)
            return own
        case .union:
            guard let left = sources[first], let right = sources[Int(node.second)] else {
                return nil
            }
            return left.union(right)
        default: return nil
        }
    }

    /// Whether evaluating a node tells of nothing but its value.
    ///
    /// A window moves with time and depends on no fact; only of a fact's date it matters that a
    /// shift may leave the calendar.
    private func isQuiet(_ node: Node, isWindow: Bool) -> Bool {
        switch node.operation {
        case .definition: isQuiet[Int(program.definitions[Int(node.first)])]
        case .number, .add, .subtract, .multiply, .call, .query: false
        case .shift where !isWindow: false
        default: node.operands.allSatisfy { isQuiet[Int($0)] }
        }
    }
}
