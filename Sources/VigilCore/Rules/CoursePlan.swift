// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What of a program can be told for many days at once: found once a program, for all patients.
struct CoursePlan: Sendable {
    /// A comparison of a day that stands still with one that moves with today.
    struct Window: Sendable {
        /// Among `tables`.
        var table: Int
        /// The node of the day that stands still.
        var fixed: Int32
        /// Whether the moving day is the left operand.
        var isLeft: Bool
    }

    let line: DayLine
    let nodes: [Node]
    /// The node of each definition.
    let definitions: [Int32]
    /// Whether a node is a Boolean or null, beside the nodes.
    private(set) var isBoolean: [Bool] = []
    /// Whether a node is a list of facts that is told fact by fact, beside the nodes.
    private(set) var isList: [Bool] = []
    /// Whether a node is the same on all days, beside the nodes.
    private(set) var isStill: [Bool] = []
    /// Beside the nodes.
    private(set) var windows: [Window?] = []
    private(set) var tables: [WindowTable] = []
    private let shared: SharedProgram
    /// The tables by how far the moving day is from today; nil for one that leaves the calendar.
    private var known: [CalendarSpan: Int?] = [:]

    var program: Program {
        _read { yield shared.program }
    }

    init(of shared: SharedProgram, on line: DayLine) {
        self.shared = shared
        self.line = line
        nodes = shared.program.nodes
        definitions = shared.program.definitions
        isStill = shared.program.motions.map { $0 == .still }
        for node in nodes {
            isBoolean.append(givesBoolean(node))
            isList.append(givesList(node))
            windows.append(window(of: node))
        }
    }

    private func givesBoolean(_ node: Node) -> Bool {
        switch node.operation {
        case .boolean, .compare, .equivalent, .and, .or, .xor, .not, .isNull, .isTrue, .isFalse,
            .exists:
            true
        case .definition: isBoolean[Int(definitions[Int(node.first)])]
        case .choose: isBoolean[Int(node.second)] && isBoolean[Int(node.third)]
        case .coalesce: isBoolean[Int(node.first)] && isBoolean[Int(node.second)]
        default: false
        }
    }

    private func givesList(_ node: Node) -> Bool {
        switch node.operation {
        case .retrieve: true
        case .definition: isList[Int(definitions[Int(node.first)])]
        case .filter, .supplies: isList[Int(node.first)]
        case .union: isList[Int(node.first)] && isList[Int(node.second)]
        default: false
        }
    }

    private mutating func window(of node: Node) -> Window? {
        guard node.operation == .compare, Comparison(detail: node.detail).precision == .day else {
            return nil
        }
        let isLeft = program.motions[Int(node.first)] != .still
        let (moving, fixed) = isLeft ? (node.first, node.second) : (node.second, node.first)
        guard program.motions[Int(fixed)] == .still, let table = table(of: moving)
        else { return nil }
        return Window(table: table, fixed: fixed, isLeft: isLeft)
    }

    /// The table of today, or of a day so many units from it.
    private mutating func table(of index: Int32) -> Int? {
        guard let span = program.span(fromToday: index) else { return nil }
        if let known = known[span] { return known }
        let table = WindowTable(span, on: line).map { table in
            tables.append(table)
            return tables.count - 1
        }
        known[span] = .some(table)
        return table
    }

    /// The definitions that an expression names itself, and not through others, ascending.
    func definitions(namedBy index: Int32) -> [Int] {
        var named: Set<Int> = []
        var pending = [index]
        while let next = pending.popLast() {
            let node = nodes[Int(next)]
            if node.operation == .definition { named.insert(Int(node.first)) }
            pending += program.operands(of: node)
        }
        return named.sorted()
    }
}
