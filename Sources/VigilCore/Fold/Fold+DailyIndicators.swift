// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// How many patients a rule counts at the beginning of each of some days, over all practices.
package struct DailyIndicator: Hashable, Sendable {
    package var pack: String
    package var rule: String
    /// By the day, from the first.
    package var denominators: [Int]
    package var numerators: [Int]
    /// Patients of whom the denominator or the numerator cannot be said.
    package var unknown: [Int]
}

/// What is counted, and room for it.
private struct DayCount {
    let line: DayLine
    var series: [DailyIndicator]
    /// By the pack.
    var courses: [Courses]
    var scratch: [EvaluationScratch]
}

extension Fold {
    /// The indicators at the beginning of each of some days, by what is known now, in the order of
    /// the rules.
    ///
    /// Each definition is told for all days at once (`Courses`).
    package func dailyIndicators(_ days: ClosedRange<CivilDay>) -> [DailyIndicator] {
        let line = DayLine(days, zone: zone)
        let none = Array(repeating: 0, count: line.count)
        var count = DayCount(
            line: line,
            series: rules.map { active in
                DailyIndicator(
                    pack: packs[active.pack].pack.id, rule: active.rule.id,
                    denominators: none, numerators: none, unknown: none)
            },
            courses: packs.map { Courses(of: $0.pack.sharedProgram, on: line) },
            scratch: packs.map { _ in EvaluationScratch() })
        // At first only what changes is written down.
        forEachPatient { fold, index in
            guard fold.patients[index].mergedInto == nil else { return }
            fold.addDays(of: index, to: &count)
        }
        for rule in count.series.indices { count.series[rule].sum() }
        return count.series
    }

    /// Adds at each day by how much a patient changes the counts.
    private func addDays(of patient: Int, to count: inout DayCount) {
        let isSure = isSureOfAbsence(patient: patient)
        var rule = 0
        // Rules stand in the order of their packs, and those of a pack share courses.
        while rule < rules.count {
            let pack = rules[rule].pack
            var run = self.run(
                pack: pack, patient: patient, now: count.line.moments[0],
                taking: &count.scratch[pack])
            count.courses[pack].begin()
            while rule < rules.count, rules[rule].pack == pack {
                var denominator = count.courses[pack].course(
                    of: rules[rule].rule.denominator, &run)
                var numerator = count.courses[pack].course(of: rules[rule].rule.numerator, &run)
                if rules[rule].rule.algorithm != nil || !isSure {
                    denominator = confirmed(
                        denominator: denominator, ofRule: rule, patient: patient,
                        &count.courses[pack])
                    numerator = confirmed(
                        numerator: numerator, ofRule: rule, patient: patient,
                        &count.courses[pack])
                }
                count.courses[pack].count(
                    denominator, numerator, in: &count.series[rule])
                rule += 1
            }
            run.giveBack(to: &count.scratch[pack])
        }
    }

    private func confirmed(
        denominator: Course, ofRule rule: Int, patient: Int, _ courses: inout Courses
    ) -> Course {
        let active = rules[rule]
        guard active.rule.absences.contains(where: \.inDenominator) else { return denominator }
        return courses.confirmed(denominator) { judgement, now in
            known(judgement, of: active.rule, patient: patient, now: now)
        }
    }

    private func confirmed(
        numerator: Course, ofRule rule: Int, patient: Int, _ courses: inout Courses
    ) -> Course {
        let active = rules[rule]
        return courses.confirmed(numerator) { judgement, now in
            var verdict = Verdict(judgement, active.rule)
            confirm(&verdict, active, patient: patient, now: now)
            return Judgement(truth: verdict.truth, stableUntil: verdict.stableUntil)
        }
    }

    /// Whether an absence is evidence of a patient at any time.
    private func isSureOfAbsence(patient: Int) -> Bool {
        settings.coverage.isEmpty && watch.quiet.isEmpty && patients[patient].loads.isEmpty
    }
}

extension DailyIndicator {
    /// Makes counts of changes.
    fileprivate mutating func sum() {
        for day in denominators.indices.dropFirst() {
            denominators[day] += denominators[day - 1]
            numerators[day] += numerators[day - 1]
            unknown[day] += unknown[day - 1]
        }
    }
}

extension Courses {
    /// Looks closer at what is true, again where that may no longer stand.
    fileprivate mutating func confirmed(
        _ course: Course, _ confirm: (Judgement, Instant) -> Judgement
    ) -> Course {
        let start = steps.count
        for position in course.start..<course.start + course.count {
            let step = steps[position]
            var place = Int(step.place)
            guard step.truth == .yes else {
                add(step.truth, from: place, since: start)
                continue
            }
            let isLast = position + 1 == course.start + course.count
            let end = isLast ? plan.line.count : Int(steps[position + 1].place)
            let until = isLast ? Instant.never : plan.line.moments[end]
            while place < end {
                let judgement = confirm(
                    Judgement(truth: .yes, stableUntil: until), plan.line.moments[place])
                add(judgement.truth, from: place, since: start)
                place = max(place + 1, plan.line.place(of: judgement.stableUntil))
            }
        }
        return finished(since: start)
    }

    /// Counts one patient.
    fileprivate mutating func count(
        _ denominator: Course, _ numerator: Course, in indicator: inout DailyIndicator
    ) {
        let isUnknown = joined(denominator, numerator) {
            $0 == .unknown || $1 == .unknown ? .yes : .no
        }
        add(denominator, to: &indicator.denominators)
        add(numerator, to: &indicator.numerators)
        add(isUnknown, to: &indicator.unknown)
    }

    /// Adds at each day whether a truth begins or ends.
    private mutating func add(_ course: Course, to changes: inout [Int]) {
        var isCounted = false
        for position in course.start..<course.start + course.count {
            let step = steps[position]
            guard (step.truth == .yes) != isCounted else { continue }
            isCounted.toggle()
            changes[Int(step.place)] += isCounted ? 1 : -1
        }
    }
}
