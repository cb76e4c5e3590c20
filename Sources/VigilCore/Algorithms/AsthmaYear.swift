// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A year of asthma (clinical.md section 3.3): relievers and preventers by devices, courses of oral
/// steroids, attendances and admissions.
struct AsthmaYear {
    static let lists = ["saba", "ics", "ocs", "ast", "asthma-admission"]

    private enum Role: Int {
        case saba, ics, ocs, asthma, admission
    }

    /// What was counted, with the records, newest last.
    struct Count {
        var total = ExactNumber(0)
        var facts: [Int] = []
    }

    private(set) var relievers = Count()
    private(set) var preventers = Count()
    /// Courses of oral steroids.
    private(set) var courses = Count()
    private(set) var attendances = Count()
    private(set) var admissions = Count()
    /// Whether a preventer was issued before the year began.
    private(set) var isPreventerOld = false
    private(set) var until = Instant.never

    init(_ input: borrowing AlgorithmInput) {
        let today = input.today
        let start = today.adding(months: -12) ?? .first
        relievers = count(Role.saba, doses: 200, from: start, input)
        preventers = count(Role.ics, doses: 120, from: start, input)
        isPreventerOld = MedicineSupply.issues(Role.ics.rawValue, input).contains {
            input.patient.facts[$0].day < start
        }
        countCourses(from: start, input)
        countContacts(from: start, input)
        var change = CivilDay.last
        for count in [relievers, preventers, courses, attendances, admissions] {
            for fact in count.facts {
                change = min(change, input.patient.facts[fact].day.leaves(windowOfMonths: 12))
            }
        }
        if change < .last { until = input.zone.start(of: change) }
        for fact in input.patient.facts where !input.hasCome(fact) {
            until = min(until, input.arrival(of: fact))
        }
    }

    private func count(
        _ role: Role, doses: Int128, from start: CivilDay, _ input: borrowing AlgorithmInput
    ) -> Count {
        var count = Count()
        for index in MedicineSupply.issues(role.rawValue, input) {
            let fact = input.patient.facts[index]
            guard fact.day >= start, role != .saba || isInhaled(fact, input) else { continue }
            // Of several codes that of the largest device: in doubt it is the fewer.
            let listed = fact.codings.compactMap { input.doses(of: $0, role.rawValue) }.max()
            count.facts.append(index)
            count.total =
                count.total
                + MedicineSupply.devices(of: fact, doses: listed.map { Int128($0) } ?? doses)
        }
        return count
    }

    /// Whether a reliever is inhaled: its record says so, or says nothing and the list has it as a
    /// product or by ATC, whose classes tell forms apart, and not with all that BNF puts under one
    /// drug.
    private func isInhaled(_ fact: Fact, _ input: borrowing AlgorithmInput) -> Bool {
        if let isInhaled = fact.details.isInhaled { return isInhaled }
        for coding in fact.codings where input.names(coding, Role.saba.rawValue) { return true }
        return false
    }

    /// Issues at most 14 days apart are one course; a run with gaps of at most 42 days that spans
    /// more than 84 is maintenance, and none of it a course.
    private mutating func countCourses(
        from start: CivilDay, _ input: borrowing AlgorithmInput
    ) {
        let facts = input.patient.facts
        let issues = MedicineSupply.issues(Role.ocs.rawValue, input)
        for run in AsthmaYear.runs(of: issues, gap: 42, facts) {
            guard let first = run.first, let last = run.last,
                facts[last].day.number - facts[first].day.number <= 84
            else { continue }
            for course in AsthmaYear.runs(of: run, gap: 14, facts) {
                let inYear = course.filter { facts[$0].day >= start }
                guard !inYear.isEmpty else { continue }
                courses.total = courses.total + ExactNumber(1)
                // The course is in the year until its last issue has left.
                courses.facts.append(course[course.count - 1])
            }
        }
    }

    private static func runs(of issues: [Int], gap: Int32, _ facts: [Fact]) -> [[Int]] {
        var runs: [[Int]] = []
        for issue in issues {
            if let last = runs.last?.last, facts[issue].day.number - facts[last].day.number <= gap {
                runs[runs.count - 1].append(issue)
            } else {
                runs.append([issue])
            }
        }
        return runs
    }

    private mutating func countContacts(
        from start: CivilDay, _ input: borrowing AlgorithmInput
    ) {
        for (index, fact) in input.patient.facts.enumerated()
        where fact.type == .encounter && fact.day >= start && input.hasCome(fact) {
            switch AsthmaYear.contact(fact, input) {
            case .admission?:
                admissions.facts.append(index)
                admissions.total = admissions.total + ExactNumber(1)
            case .attendance?:
                attendances.facts.append(index)
                attendances.total = attendances.total + ExactNumber(1)
            case nil: continue
            }
        }
    }

    /// What an encounter for asthma is.
    enum Contact {
        case attendance, admission
    }

    static func contact(_ fact: Fact, _ input: borrowing AlgorithmInput) -> Contact? {
        let isListed = input.contains(fact, Role.admission.rawValue)
        guard isListed || input.contains(fact, Role.asthma.rawValue) else { return nil }
        switch fact.details.encounterClass {
        // HL7's code is NONAC; people write NONACUTE, too.
        case "IMP", "ACUTE", "NONAC", "NONACUTE": return .admission
        case _ where isListed: return .admission
        case "EMER": return .attendance
        default: return nil
        }
    }

    // MARK: - Rules

    static func assessHighRisk(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let year = AsthmaYear(input)
        var reasons: [String] = []
        var facts: [Int] = []
        let limits: [(Count, Int128, String)] = [
            (year.relievers, 6, "reliever inhalers"), (year.courses, 2, "courses of oral steroid"),
            (year.attendances, 2, "emergency attendances for asthma"),
            (year.admissions, 1, "asthma admission"),
        ]
        for (count, limit, name) in limits where count.total >= ExactNumber(limit) {
            reasons.append("\(count.total.text(places: 1)) \(name)")
            facts += count.facts
        }
        return year.result(
            reasons.isEmpty ? nil : .high, facts, input,
            "At high risk of an asthma attack: in 12 months "
                + reasons.joined(separator: ", ") + ".")
    }

    /// At least 3 relievers, where the rules for more of them say nothing.
    static func assessRelievers(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let year = AsthmaYear(input)
        let total = year.relievers.total
        let isThree = total >= ExactNumber(3) && total < ExactNumber(6)
        return year.result(
            isThree ? .moderate : nil, year.relievers.facts, input,
            "\(total.text(places: 1)) reliever inhalers in 12 months.")
    }

    static func assessManyRelievers(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let year = AsthmaYear(input)
        let total = year.relievers.total
        return year.result(
            total > ExactNumber(12) ? .high : nil, year.relievers.facts, input,
            "\(total.text(places: 1)) reliever inhalers in 12 months: more than one a month.")
    }

    /// At least one reliever, of a patient whose rule has found no preventer: only what is said to
    /// be tablets or the like is none.
    static func assessLoneRelievers(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let year = AsthmaYear(input)
        let facts = input.patient.facts
        let start = input.today.adding(months: -12) ?? .first
        let latest = MedicineSupply.issues(Role.saba.rawValue, input).last {
            facts[$0].day >= start && facts[$0].details.isInhaled != false
        }
        guard let latest else {
            return AlgorithmResult(
                assessment: Assessment(ending: "hazard-ended"), until: year.until)
        }
        var result = year.result(
            .high, [latest], input,
            "A reliever issued \(facts[latest].day), and no inhaled corticosteroid in 12 months.")
        let end = facts[latest].day.leaves(windowOfMonths: 12)
        result.until = min(result.until, input.zone.start(of: end))
        return result
    }

    /// Preventers for fewer than 75 % of the days, a device being 30 of them.
    static func assessPreventers(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let year = AsthmaYear(input)
        let total = year.preventers.total
        let days = total * ExactNumber(30)
        let isLow =
            year.isPreventerOld && total > ExactNumber(0)
            && days * ExactNumber(100) < ExactNumber(365 * 75)
        var result = year.result(
            isLow ? .moderate : nil, year.preventers.facts, input,
            "\(total.text(places: 1)) preventer inhalers in 12 months, for "
                + "\((days * ExactNumber(100) / ExactNumber(365)).text(places: 0)) % of the days.")
        result.assessment.step = total < ExactNumber(4) ? 2 : 1
        return result
    }

    static func assessCourses(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let year = AsthmaYear(input)
        let total = year.courses.total
        return year.result(
            total > ExactNumber(2) ? .high : nil, year.courses.facts, input,
            "\(total.text(places: 0)) courses of oral steroid in 12 months: consider referral.")
    }

    private func result(
        _ severity: Severity?, _ facts: [Int], _ input: borrowing AlgorithmInput,
        _ rationale: String
    ) -> AlgorithmResult {
        var assessment = Assessment(severity: severity, ending: "recovered")
        guard severity != nil else {
            return AlgorithmResult(assessment: assessment, until: until)
        }
        assessment.ending = nil
        assessment.rationale = rationale
        assessment.basis = facts.sorted().reversed().prefix(16).map { index in
            let fact = input.patient.facts[index]
            return BasisRecord(
                offset: fact.offset, at: fact.date.instant, day: fact.day,
                display: "\(fact.type.rawValue) of \(fact.day)")
        }
        return AlgorithmResult(assessment: assessment, until: until)
    }
}
