// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A fact and when it is in a list.
struct CourseMember {
    var fact: Int32
    var course: Course
}

/// The facts that are ever in a list, in their order: a stretch of `Courses.members`.
struct ListCourse {
    var start: Int
    var count: Int
}

extension Courses {
    /// When which facts are in a list that is told fact by fact.
    mutating func list(ofNode index: Int32, _ run: inout Evaluation) -> ListCourse {
        let node = plan.nodes[Int(index)]
        switch node.operation {
        case .definition:
            if let known = lists[Int(node.first)] { return known }
            let list = list(ofNode: plan.definitions[Int(node.first)], &run)
            lists[Int(node.first)] = list
            used.append(Int(node.first))
            return list
        case .retrieve: return retrieved(node, run)
        case .union:
            let left = list(ofNode: node.first, &run)
            return united(left, list(ofNode: node.second, &run))
        case .filter: return filtered(node, &run)
        default: return supplied(index, node, &run)
        }
    }

    private mutating func retrieved(_ node: Node, _ run: borrowing Evaluation) -> ListCourse {
        let first = members.count
        guard run.scratch.memberships.hasAny(list: Int(node.first)) else {
            return ListCourse(start: first, count: 0)
        }
        let wanted = ResourceTypes(rawValue: node.detail)
        for index in run.scratch.samples.indices where run.isRetrieved(index, wanted, node.first) {
            let start = steps.count
            add(.yes, from: 0, since: start)
            let end = Outcome.start(ofDay: run.exposureEnd(ofFact: index))
            add(.no, from: plan.line.place(ofKey: end), since: start)
            addMember(Int32(index), finished(since: start))
        }
        return ListCourse(start: first, count: members.count - first)
    }

    /// Leaves out what is never in the list.
    private mutating func addMember(_ fact: Int32, _ course: Course) {
        if !course.isConstant(.no) { members.append(CourseMember(fact: fact, course: course)) }
    }

    private mutating func united(_ left: ListCourse, _ right: ListCourse) -> ListCourse {
        if left.count == 0 { return right }
        if right.count == 0 { return left }
        let start = members.count
        var (first, second) = (left.start, right.start)
        let (firstEnd, secondEnd) = (left.start + left.count, right.start + right.count)
        while first < firstEnd || second < secondEnd {
            if second == secondEnd || first < firstEnd && members[first].fact < members[second].fact
            {
                members.append(members[first])
                first += 1
            } else if first == firstEnd || members[second].fact < members[first].fact {
                members.append(members[second])
                second += 1
            } else {
                let course = junction(
                    members[first].course, members[second].course, deciding: .yes)
                members.append(CourseMember(fact: members[first].fact, course: course))
                first += 1
                second += 1
            }
        }
        return ListCourse(start: start, count: members.count - start)
    }

    /// What meets a condition is in the list while it is in the source and the condition is true.
    private mutating func filtered(_ node: Node, _ run: inout Evaluation) -> ListCourse {
        let source = list(ofNode: node.first, &run)
        var found: [CourseMember] = []
        for position in source.start..<source.start + source.count {
            let member = members[position]
            run.scratch.aliases[Int(node.third)] = .fact(member.fact)
            let condition = course(ofNode: node.second, &run)
            let course = junction(member.course, condition, deciding: .no)
            if !course.isConstant(.no) {
                found.append(CourseMember(fact: member.fact, course: course))
            }
        }
        let start = members.count
        members += found
        return ListCourse(start: start, count: found.count)
    }

    /// Whether a list has anything.
    mutating func existence(in list: ListCourse) -> Course {
        if let course = sweptExistence(in: list) { return course }
        var course = Course.constant(.no)
        for position in list.start..<list.start + list.count {
            course = junction(course, members[position].course, deciding: .yes)
        }
        return course
    }

    /// The same where each fact is in the list for one stretch and later facts come into it later,
    /// as those of a window do; nil where not.
    private mutating func sweptExistence(in list: ListCourse) -> Course? {
        let start = steps.count
        add(.no, from: 0, since: start)
        var (open, end) = (0, 0)
        for position in list.start..<list.start + list.count {
            guard let stretch = stretch(of: members[position].course), stretch.lowerBound >= open
            else {
                steps.removeLast(steps.count - start)
                return nil
            }
            if stretch.lowerBound > end { add(.no, from: end, since: start) }
            add(.yes, from: stretch.lowerBound, since: start)
            open = stretch.lowerBound
            end = max(end, stretch.upperBound)
        }
        add(.no, from: end, since: start)
        return finished(since: start)
    }

    /// The one stretch in which something is true, where it is false before and behind.
    ///
    /// It changes nothing, but as a mutating function it is handed the courses and no copy.
    private mutating func stretch(of course: Course) -> Range<Int>? {
        var first = course.start
        if steps[first].truth == .no { first += 1 }
        let left = course.start + course.count - first
        guard left == 1 || left == 2, steps[first].truth == .yes else { return nil }
        guard left == 2 else { return Int(steps[first].place)..<plan.line.count }
        guard steps[first + 1].truth == .no else { return nil }
        return Int(steps[first].place)..<Int(steps[first + 1].place)
    }

    /// A list that is evaluated, again where it may no longer stand.
    private mutating func supplied(
        _ index: Int32, _ node: Node, _ run: inout Evaluation
    ) -> ListCourse {
        // For want of records there is nothing to evaluate.
        guard list(ofNode: node.first, &run).count > 0 else {
            return ListCourse(start: members.count, count: 0)
        }
        var places: [Int] = []
        var found: [[ListEntry]] = []
        var facts: Set<Int32> = []
        look(at: index, &run) { place, outcome, run in
            var entries: [ListEntry] = []
            if case .list(let list) = outcome.value { entries = Array(run.entries(of: list)) }
            places.append(place)
            found.append(entries)
            for entry in entries { facts.insert(entry.fact) }
        }
        let first = members.count
        for fact in facts.sorted() {
            let start = steps.count
            for (place, entries) in zip(places, found) {
                let entry = entries.first { $0.fact == fact }
                add(entry?.truth ?? .no, from: place, since: start)
            }
            addMember(fact, finished(since: start))
        }
        return ListCourse(start: first, count: members.count - first)
    }
}
