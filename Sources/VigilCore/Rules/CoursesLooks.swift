// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A place of a line, and what a definition's value is from there to the next look.
struct CourseLook {
    var place: Int32
    var value: Value
}

/// How a value goes on: a stretch of `Courses.looks`.
struct ValueCourse {
    var start: Int
    var count: Int
}

/// What has no course of its own is evaluated at the first place, and again where it may no longer
/// stand. The definitions that it names are looked up in their courses then.
extension Courses {
    /// The course of an evaluated truth.
    mutating func looked(_ index: Int32, _ run: inout Evaluation) -> Course {
        prepare(index, &run)
        let start = steps.count
        var place = 0
        while place < plan.line.count {
            let outcome = outcome(of: index, at: place, &run)
            add(outcome.value.truth, from: place, since: start)
            place = max(place + 1, plan.line.place(ofKey: outcome.until))
        }
        return finished(since: start)
    }

    /// Hands out what a node is wherever it may be something else than before.
    mutating func look(
        at index: Int32, _ run: inout Evaluation,
        _ visit: (Int, Outcome, inout Evaluation) -> Void
    ) {
        prepare(index, &run)
        var place = 0
        while place < plan.line.count {
            let outcome = outcome(of: index, at: place, &run)
            visit(place, outcome, &run)
            place = max(place + 1, plan.line.place(ofKey: outcome.until))
        }
    }

    private func outcome(of index: Int32, at place: Int, _ run: inout Evaluation) -> Outcome {
        run.move(to: plan.line.moments[place], key: plan.line.key(at: place))
        for definition in named[Int(index)] ?? [] { hand(definition, at: place, to: &run) }
        return run.evaluate(index)
    }

    /// Finds the courses of the definitions that an expression names.
    private mutating func prepare(_ index: Int32, _ run: inout Evaluation) {
        if named[Int(index)] == nil {
            // Lists are evaluated with the expression, which needs them as such.
            named[Int(index)] = plan.definitions(namedBy: index).filter {
                !plan.isList[Int(plan.definitions[$0])]
            }
        }
        for definition in named[Int(index)] ?? [] {
            if plan.isBoolean[Int(plan.definitions[definition])] {
                _ = course(ofDefinition: definition, &run)
            } else {
                findValue(ofDefinition: definition, &run)
            }
        }
    }

    /// Tells an evaluation what a definition is at a place.
    private func hand(_ definition: Int, at place: Int, to run: inout Evaluation) {
        if plan.isBoolean[Int(plan.definitions[definition])], let course = truths[definition] {
            let step = step(of: course, at: place)
            let isLast = step + 1 == course.start + course.count
            let end = isLast ? Outcome.never : plan.line.key(at: Int(steps[step + 1].place))
            run.adopt(Outcome(steps[step].truth, until: end), of: definition)
        } else if let course = values[definition] {
            let end = course.start + course.count
            let next = looks[course.start..<end].firstIndex { $0.place > place } ?? end
            let until = next == end ? Outcome.never : plan.line.key(at: Int(looks[next].place))
            run.adopt(Outcome(looks[next - 1].value, until: until), of: definition)
        }
    }

    // MARK: Values

    private mutating func findValue(ofDefinition definition: Int, _ run: inout Evaluation) {
        guard values[definition] == nil else { return }
        let index = plan.definitions[definition]
        let node = plan.nodes[Int(index)]
        var found: [CourseLook] = []
        if node.operation == .firstOf || node.operation == .lastOf, plan.isList[Int(node.first)] {
            let list = list(ofNode: node.first, &run)
            found = ends(of: list, isLast: node.operation == .lastOf)
        } else {
            look(at: index, &run) { place, outcome, run in
                let value = run.settle(outcome).value
                found.append(CourseLook(place: Int32(place), value: value))
            }
        }
        values[definition] = ValueCourse(start: looks.count, count: found.count)
        looks += found
        used.append(definition)
    }

    /// The first or last fact of a list wherever that may be another: null where an unknown one
    /// may come before it.
    private func ends(of list: ListCourse, isLast: Bool) -> [CourseLook] {
        let range = list.start..<list.start + list.count
        var places: Set<Int32> = [0]
        for position in range {
            for step in steps(of: members[position].course) { places.insert(step.place) }
        }
        return places.sorted().map { place in
            func isPossible(_ position: Int) -> Bool {
                truth(of: members[position].course, at: Int(place)) != .no
            }
            let end = isLast ? range.last(where: isPossible) : range.first(where: isPossible)
            guard let end, truth(of: members[end].course, at: Int(place)) == .yes else {
                return CourseLook(place: place, value: .null)
            }
            return CourseLook(place: place, value: .fact(members[end].fact))
        }
    }

    private func truth(of course: Course, at place: Int) -> Truth {
        steps[step(of: course, at: place)].truth
    }
}
