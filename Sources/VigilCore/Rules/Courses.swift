// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// How a truth goes on over the days of a line: a stretch of `Courses.steps`.
struct Course {
    var start: Int
    var count: Int

    /// What stays the same.
    static func constant(_ truth: Truth) -> Course { Course(start: Int(truth.rawValue), count: 1) }

    /// Whether it is one truth on all days.
    func isConstant(_ truth: Truth) -> Bool { count == 1 && start == Int(truth.rawValue) }
}

/// A place of a line, and what is true from there to the next step.
struct CourseStep {
    var place: Int32
    var truth: Truth
}

/// How the definitions of a program go on over the days of a line, for one patient after another.
///
/// What an `Evaluation` says of one moment this says of all days at once: where a fact's date is
/// held against the end of a window, the day on which that changes is looked up, and truths are
/// joined change by change. Whatever has no course of its own is evaluated, again where it may no
/// longer stand.
package struct Courses: Sendable {
    let plan: CoursePlan
    /// What courses consist of; in front of all the truths that stay the same.
    var steps: [CourseStep]
    /// What list courses consist of.
    var members: [CourseMember] = []
    /// What value courses consist of.
    var looks: [CourseLook] = []
    private(set) var truths: [Course?]
    var lists: [ListCourse?]
    var values: [ValueCourse?]
    /// The definitions of which a course was found.
    var used: [Int] = []
    /// The definitions that an expression names, beside the nodes; found when it is evaluated.
    var named: [[Int]?]

    private static let constants = [Truth.no, .yes, .unknown].map {
        CourseStep(place: 0, truth: $0)
    }

    package init(of program: SharedProgram, on line: DayLine) {
        plan = CoursePlan(of: program, on: line)
        steps = Self.constants
        truths = Array(repeating: nil, count: plan.definitions.count)
        lists = Array(repeating: nil, count: plan.definitions.count)
        values = Array(repeating: nil, count: plan.definitions.count)
        named = Array(repeating: nil, count: plan.nodes.count)
    }

    /// Forgets the patient before.
    package mutating func begin() {
        steps.removeLast(steps.count - Self.constants.count)
        members.removeAll(keepingCapacity: true)
        looks.removeAll(keepingCapacity: true)
        for index in used {
            truths[index] = nil
            lists[index] = nil
            values[index] = nil
        }
        used.removeAll(keepingCapacity: true)
    }

    /// When a definition's truth changes.
    ///
    /// - Parameters:
    ///   - id: one of the program's definitions.
    ///   - run: of the program, for the patient, at any moment; at another one afterwards.
    /// - Returns: the places, from 0 on, and what is true from each.
    package mutating func changes(
        of id: DefinitionID, _ run: inout Evaluation
    ) -> [(place: Int, truth: Truth)] {
        let course = course(of: id, &run)
        return steps(of: course).map { (Int($0.place), $0.truth) }
    }

    func steps(of course: Course) -> ArraySlice<CourseStep> {
        steps[course.start..<course.start + course.count]
    }

    mutating func course(of id: DefinitionID, _ run: inout Evaluation) -> Course {
        course(ofDefinition: id.index, &run)
    }

    mutating func course(ofDefinition index: Int, _ run: inout Evaluation) -> Course {
        if let known = truths[index] { return known }
        let course = course(ofNode: plan.definitions[index], &run)
        truths[index] = course
        used.append(index)
        return course
    }

    /// The course of a node's truth; what is no Boolean is unknown.
    mutating func course(ofNode index: Int32, _ run: inout Evaluation) -> Course {
        let node = plan.nodes[Int(index)]
        switch node.operation {
        case .null: return .constant(.unknown)
        case .boolean: return .constant(node.first != 0 ? .yes : .no)
        case .definition: return course(ofDefinition: Int(node.first), &run)
        case .and: return junction(node, deciding: .no, &run)
        case .or: return junction(node, deciding: .yes, &run)
        case .xor:
            return joined(
                course(ofNode: node.first, &run), course(ofNode: node.second, &run)
            ) { $0 == .unknown || $1 == .unknown ? .unknown : $0 == $1 ? .no : .yes }
        case .not:
            return mapped(course(ofNode: node.first, &run)) {
                $0 == .unknown ? .unknown : $0 == .yes ? .no : .yes
            }
        case .isTrue: return mapped(course(ofNode: node.first, &run)) { $0 == .yes ? .yes : .no }
        case .isFalse: return mapped(course(ofNode: node.first, &run)) { $0 == .no ? .yes : .no }
        case .isNull where plan.isBoolean[Int(node.first)]:
            return mapped(course(ofNode: node.first, &run)) { $0 == .unknown ? .yes : .no }
        case .choose:
            let condition = mapped(course(ofNode: node.first, &run)) { $0 == .yes ? .yes : .no }
            return chosen(node.second, where: condition, else: node.third, &run)
        case .coalesce where plan.isBoolean[Int(node.first)]:
            let isKnown = mapped(course(ofNode: node.first, &run)) { $0 == .unknown ? .no : .yes }
            return chosen(node.first, where: isKnown, else: node.second, &run)
        case .exists where plan.isList[Int(node.first)]:
            return existence(in: list(ofNode: node.first, &run))
        case .compare:
            if let window = plan.windows[Int(index)], let course = comparison(node, window, &run) {
                return course
            }
        default: break
        }
        return stillTruth(index, &run).map { .constant($0) } ?? looked(index, &run)
    }

    /// What depends on no moment, evaluated at whatever moment it is; nil of what may change.
    private func stillTruth(_ index: Int32, _ run: inout Evaluation) -> Truth? {
        guard plan.isStill[Int(index)] else { return nil }
        run.renewBudget()
        let outcome = run.evaluate(index)
        run.cut(to: 0)
        return outcome.until == Outcome.never ? outcome.value.truth : nil
    }

    // MARK: Steps

    mutating func add(_ truth: Truth, from place: Int, since start: Int) {
        guard place < plan.line.count else { return }
        if steps.count > start, steps[steps.count - 1].place >= place { steps.removeLast() }
        if steps.count > start, steps[steps.count - 1].truth == truth { return }
        steps.append(CourseStep(place: Int32(place), truth: truth))
    }

    /// The course of the steps that were added since there were so many.
    mutating func finished(since start: Int) -> Course {
        guard steps.count - start == 1 else {
            return Course(start: start, count: steps.count - start)
        }
        return .constant(steps.removeLast().truth)
    }

    /// Which step of a course is in force at a place.
    func step(of course: Course, at place: Int) -> Int {
        var (low, high) = (course.start, course.start + course.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if steps[middle].place <= place { low = middle } else { high = middle }
        }
        return low
    }

    @inline(__always)
    mutating func mapped(_ course: Course, _ map: (Truth) -> Truth) -> Course {
        let start = steps.count
        for position in course.start..<course.start + course.count {
            let step = steps[position]
            add(map(step.truth), from: Int(step.place), since: start)
        }
        return finished(since: start)
    }

    @inline(__always)
    mutating func joined(
        _ one: Course, _ other: Course, _ join: (Truth, Truth) -> Truth
    ) -> Course {
        let start = steps.count
        var (left, right) = (one.start, other.start)
        let (leftEnd, rightEnd) = (one.start + one.count, other.start + other.count)
        var place: Int32 = 0
        while true {
            add(join(steps[left].truth, steps[right].truth), from: Int(place), since: start)
            let nextLeft = left + 1 < leftEnd ? steps[left + 1].place : .max
            let nextRight = right + 1 < rightEnd ? steps[right + 1].place : .max
            place = min(nextLeft, nextRight)
            if place == .max { return finished(since: start) }
            if nextLeft == place { left += 1 }
            if nextRight == place { right += 1 }
        }
    }

    // MARK: Logic

    private mutating func junction(
        _ node: Node, deciding: Truth, _ run: inout Evaluation
    ) -> Course {
        let left = course(ofNode: node.first, &run)
        if left.isConstant(deciding) { return left }
        return junction(left, course(ofNode: node.second, &run), deciding: deciding)
    }

    /// `and`, decided by what is false, or `or`, decided by what is true.
    mutating func junction(_ left: Course, _ right: Course, deciding: Truth) -> Course {
        let other: Truth = deciding == .no ? .yes : .no
        if left.isConstant(deciding) || right.isConstant(other) { return left }
        if right.isConstant(deciding) || left.isConstant(other) { return right }
        return joined(left, right) { left, right in
            if left == deciding || right == deciding { return deciding }
            return left == .unknown || right == .unknown ? .unknown : other
        }
    }

    /// One node's course where a condition is true, another's where it is false.
    private mutating func chosen(
        _ one: Int32, where condition: Course, else other: Int32, _ run: inout Evaluation
    ) -> Course {
        if condition.isConstant(.yes) { return course(ofNode: one, &run) }
        if condition.isConstant(.no) { return course(ofNode: other, &run) }
        let first = junction(condition, course(ofNode: one, &run), deciding: .no)
        let opposite = mapped(condition) { $0 == .yes ? .no : .yes }
        let second = junction(opposite, course(ofNode: other, &run), deciding: .no)
        return junction(first, second, deciding: .yes)
    }

    /// A day that stands still against one that moves with today; nil where it is no whole day.
    private mutating func comparison(
        _ node: Node, _ window: CoursePlan.Window, _ run: inout Evaluation
    ) -> Course? {
        run.renewBudget()
        let fixed = run.evaluate(window.fixed)
        if fixed.value.isNull, fixed.until == Outcome.never { return .constant(.unknown) }
        guard case .date(let date) = fixed.value, date.precision == .day,
            fixed.until == Outcome.never
        else { return nil }
        let comparison = Comparison(detail: node.detail)
        let table = plan.tables[window.table]
        let start = steps.count
        let before: ValueOrder = window.isLeft ? .less : .greater
        let after: ValueOrder = window.isLeft ? .greater : .less
        add(comparison.holds(before), from: 0, since: start)
        add(
            comparison.holds(.equal), from: Int(table.place(reaching: date.day.number)),
            since: start)
        add(
            comparison.holds(after), from: Int(table.place(reaching: date.day.number + 1)),
            since: start)
        return finished(since: start)
    }
}
