// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Pointers to biologic treatment of severe asthma (clinical.md section 3.3).
///
/// What the record knows of attacks and markers is held against the thresholds of NICE's
/// appraisals. It points to an assessment and says nothing of eligibility.
enum BiologicPointers {
    static let lists =
        AsthmaYear.lists + [
            "ics-high", "controller", "eosinophils", "feno", "ige-asthma", "nasal-polyps",
            "nsaid-reaction", "abpm", "biologic",
        ]

    private enum Role: Int {
        case ocs = 2
        case asthma = 3
        case highDose = 5
        case controller, eosinophils, nitricOxide, allergic, polyps, reaction, mycosis, biologic
    }

    /// Supplies in 12 months that treatment has to have had.
    private static let suppliesMin = 3
    /// How far, in days, an admission may be from a course to be of the same attack (ours).
    private static let attackDays: Int32 = 14

    /// A result that treatment is chosen by.
    private struct Marker {
        var name: String
        var fact: Int
        var value: ExactNumber
        var isStale: Bool
    }

    /// What is known of a patient today.
    private struct Record {
        var attacks: Int
        var steroids: MaintenanceSteroids
        var eosinophils: Marker?
        var nitricOxide: Marker?
        var age: Int?
        var isAllergic: Bool

        /// The count where it is not stale.
        func count(atLeast limit: Int128) -> Bool {
            guard let eosinophils, !eosinophils.isStale else { return false }
            return eosinophils.value >= ExactNumber(limit)
        }

        func count(above limit: Int128) -> Bool {
            guard let eosinophils, !eosinophils.isStale else { return false }
            return eosinophils.value > ExactNumber(limit)
        }

        func exhales(atLeast limit: Int128) -> Bool {
            guard let nitricOxide, !nitricOxide.isStale else { return false }
            return nitricOxide.value >= ExactNumber(limit)
        }

        func isAged(_ years: Int) -> Bool { age.map { $0 >= years } ?? false }
    }

    /// A row of the table: a medicine, its appraisal, and what the record has of its thresholds.
    private struct Pointer: Sendable {
        var medicine: String
        var source: String
        var holds: @Sendable (Record) -> Bool
    }

    private static let pointers: [Pointer] = [
        Pointer(medicine: "mepolizumab", source: "NICE TA671", holds: meetsEosinophilic),
        Pointer(medicine: "benralizumab", source: "NICE TA565", holds: meetsEosinophilic),
        Pointer(medicine: "reslizumab", source: "NICE TA479", holds: meetsHighCount),
        Pointer(
            medicine: "dupilumab", source: "NICE TA751",
            holds: { record in
                record.isAged(12) && record.count(atLeast: 150) && record.exhales(atLeast: 25)
                    && record.attacks >= 4 && !meetsEosinophilic(record)
                    && !meetsHighCount(record)
            }),
        Pointer(
            medicine: "tezepelumab", source: "NICE TA880",
            holds: { $0.isAged(12) && ($0.attacks >= 3 || $0.steroids.isNow) }),
        Pointer(
            medicine: "omalizumab", source: "NICE TA278",
            holds: {
                $0.isAged(6) && $0.isAllergic && ($0.attacks >= 4 || $0.steroids.isNow)
            }),
    ]

    @Sendable private static func meetsEosinophilic(_ record: Record) -> Bool {
        let isFrequent = record.attacks >= 4 || record.steroids.isFiveMilligramsForSixMonths
        return record.isAged(18) && record.count(atLeast: 300) && isFrequent
            || meetsHighCount(record)
    }

    @Sendable private static func meetsHighCount(_ record: Record) -> Bool {
        record.isAged(18) && record.count(atLeast: 400) && record.attacks >= 3
    }

    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let year = AsthmaYear(input)
        var result = AlgorithmResult(assessment: Assessment(), until: year.until)
        result.assessment.ending = "recovered"
        let isTreated = isTreated(input, &result)
        let record = Record(
            attacks: attacks(of: year, input),
            steroids: MaintenanceSteroids(role: Role.ocs.rawValue, input, &result.until),
            eosinophils: marker("Blood eosinophils", .eosinophils, input, &result),
            nitricOxide: marker("FeNO", .nitricOxide, input, &result),
            age: age(input, &result), isAllergic: has(.allergic, input))
        guard isTreated, !hasBiologic(input, &result) else { return result }
        var assessment = Assessment(severity: .low)
        let notes = self.notes(record)
        let reason = reason(record)
        for (bit, pointer) in pointers.enumerated() where pointer.holds(record) {
            assessment.marks |= 1 << bit
            assessment.predictions.append(
                Assessment.Prediction(
                    outcome: "Consider referral for assessment: \(pointer.medicine)",
                    rationale: "\(reason) (\(pointer.source)).\(notes)"))
        }
        guard !assessment.predictions.isEmpty else { return result }
        for (bit, marker) in [record.eosinophils, record.nitricOxide].enumerated()
        where marker?.isStale == true {
            assessment.marks |= 1 << (16 + bit)
        }
        let tags = tags(record, input)
        assessment.rationale = reason + "." + notes
        if !tags.isEmpty {
            let text =
                " The record has the pattern of \(tags.joined(separator: " and ")), which is no "
                + "diagnosis."
            assessment.rationale += text
            for index in assessment.predictions.indices {
                assessment.predictions[index].rationale += text
            }
        }
        assessment.basis = basis(record, year, input)
        result.assessment = assessment
        return result
    }

    // MARK: - The record

    /// High-dose inhaled steroid and another controller, each supplied three times in the year.
    private static func isTreated(
        _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> Bool {
        let start = input.today.adding(months: -12) ?? .first
        var isTreated = true
        for role in [Role.highDose, .controller] {
            let supplies = MedicineSupply.issues(role.rawValue, input).map {
                input.patient.facts[$0].day
            }.filter { $0 >= start }
            isTreated = isTreated && supplies.count >= suppliesMin
            for day in supplies {
                let end = input.zone.start(of: day.leaves(windowOfMonths: 12))
                result.until = min(result.until, end)
            }
        }
        return isTreated
    }

    /// Whoever has had a biologic in the year has been assessed for one.
    private static func hasBiologic(
        _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> Bool {
        let start = input.today.adding(months: -12) ?? .first
        let newest = MedicineSupply.issues(Role.biologic.rawValue, input).last.map {
            input.patient.facts[$0].day
        }
        guard let newest, newest >= start else { return false }
        result.until = min(
            result.until, input.zone.start(of: newest.leaves(windowOfMonths: 12)))
        return true
    }

    /// Courses of oral steroid, and admissions that are of no course's attack.
    private static func attacks(
        of year: AsthmaYear, _ input: borrowing AlgorithmInput
    ) -> Int {
        let facts = input.patient.facts
        let admissions = year.admissions.facts.filter { admission in
            !year.courses.facts.contains { course in
                abs(facts[course].day.number - facts[admission].day.number) <= attackDays
            }
        }
        return year.courses.facts.count + admissions.count
    }

    /// The newest result of a list that can be read.
    private static func marker(
        _ name: String, _ role: Role, _ input: borrowing AlgorithmInput,
        _ result: inout AlgorithmResult
    ) -> Marker? {
        let start = input.today.adding(months: -12) ?? .first
        let measurement: Measurement =
            role == .eosinophils ? .eosinophils : .exhaledNitricOxide
        var newest: Marker?
        for (index, fact) in input.patient.facts.enumerated() where fact.type == .observation {
            guard input.contains(fact, role.rawValue), input.hasCome(fact),
                let quantity = input.quantity(of: fact, role.rawValue),
                let value = measurement.read(quantity, of: fact, noting: &result.problems)
            else { continue }
            newest = Marker(name: name, fact: index, value: value, isStale: fact.day < start)
        }
        if let newest, !newest.isStale {
            let day = input.patient.facts[newest.fact].day
            result.until = min(
                result.until, input.zone.start(of: day.leaves(windowOfMonths: 12)))
        }
        return newest
    }

    private static func age(
        _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> Int? {
        guard let birth = input.patient.birth?.day(in: input.zone) else { return nil }
        let age = birth.wholeYears(to: input.today)
        for limit in [6, 12, 18] where age < limit {
            result.until = min(
                result.until, input.zone.start(of: birth.firstDay(ofAge: limit)))
        }
        return age
    }

    /// Whether a condition or allergy of a list is on record.
    private static func has(_ role: Role, _ input: borrowing AlgorithmInput) -> Bool {
        input.patient.facts.contains { fact in
            (fact.type == .condition || fact.type == .allergyIntolerance) && input.hasCome(fact)
                && input.contains(fact, role.rawValue)
        }
    }

    // MARK: - What is said

    private static func reason(_ record: Record) -> String {
        var parts = ["\(record.attacks) attacks in 12 months"]
        if record.steroids.isNow { parts.append("oral steroid as maintenance") }
        for (marker, unit) in [(record.eosinophils, "/uL"), (record.nitricOxide, " ppb")] {
            guard let marker, !marker.isStale else { continue }
            parts.append("\(marker.name) \(marker.value.text(places: 0))\(unit)")
        }
        return "On high-dose inhaled steroid and another controller, "
            + parts.joined(separator: ", ")
    }

    /// Markers that are too old to choose by, or that nobody has measured.
    private static func notes(_ record: Record) -> String {
        var text = ""
        for marker in [record.eosinophils, record.nitricOxide] {
            guard let marker, marker.isStale else { continue }
            text += " Stale biomarker: \(marker.name) last measured more than 12 months ago."
        }
        return record.eosinophils == nil
            ? text + " No count of blood eosinophils is known." : text
    }

    /// Patterns of PRACTALL endotypes that a record can show (Lötvall and others, 2011).
    private static func tags(
        _ record: Record, _ input: borrowing AlgorithmInput
    ) -> [String] {
        let facts = input.patient.facts
        let first = facts.first { fact in
            fact.type == .condition && input.contains(fact, Role.asthma.rawValue)
        }
        let onset = input.patient.birth.flatMap { birth in
            first.map { birth.day(in: input.zone).wholeYears(to: $0.day) }
        }
        let isLate = onset.map { $0 >= 18 } ?? false
        var names: [String] = []
        if has(.polyps, input), has(.reaction, input) {
            names.append("aspirin-exacerbated respiratory disease")
        }
        if has(.mycosis, input) { names.append("allergic bronchopulmonary mycosis") }
        if record.isAllergic, record.isAged(18) { names.append("allergic asthma of adults") }
        if record.count(above: 1500), isLate {
            names.append("late-onset hypereosinophilic asthma")
        }
        return names
    }

    private static func basis(
        _ record: Record, _ year: AsthmaYear, _ input: borrowing AlgorithmInput
    ) -> [BasisRecord] {
        let facts = input.patient.facts
        var basis: [BasisRecord] = []
        for (marker, unit) in [(record.eosinophils, "/uL"), (record.nitricOxide, "[ppb]")] {
            guard let marker else { continue }
            let fact = facts[marker.fact]
            let text = marker.value.text(places: 2)
            let shown = unit == "/uL" ? "/uL" : "ppb"
            basis.append(
                BasisRecord(
                    offset: fact.offset, at: fact.date.instant, day: fact.day,
                    value: (text, unit, shown),
                    display: "\(marker.name) \(text)\(unit == "/uL" ? "" : " ")\(shown)"))
        }
        for (facts, what) in [
            (year.courses.facts, "Course of oral steroid"),
            (year.admissions.facts, "Admission for asthma"),
        ] {
            basis += facts.map { index in
                let fact = input.patient.facts[index]
                return BasisRecord(
                    offset: fact.offset, at: fact.date.instant, day: fact.day,
                    display: "\(what), \(fact.day)")
            }
        }
        return basis
    }
}

/// Oral steroid that is no course: a run of issues with gaps of at most 42 days over more than 84.
struct MaintenanceSteroids {
    private static let gap: Int32 = 42
    private static let span: Int32 = 84
    private static let fiveMilligrams = ExactNumber(5)

    /// Whether the run has not ended: the newest issue is at most 42 days old (ours).
    private(set) var isNow = false
    /// Whether it has gone on for 6 months, with at least 5 mg of prednisolone a day by every
    /// issue's directions.
    private(set) var isFiveMilligramsForSixMonths = false

    init(role: Int, _ input: borrowing AlgorithmInput, _ until: inout Instant) {
        let facts = input.patient.facts
        let issues = MedicineSupply.issues(role, input)
        guard let last = issues.last else { return }
        var run = [last]
        for index in issues.dropLast().reversed() {
            guard let earliest = run.last,
                facts[earliest].day.number - facts[index].day.number <= MaintenanceSteroids.gap
            else { break }
            run.append(index)
        }
        guard let first = run.last,
            facts[last].day.number - facts[first].day.number > MaintenanceSteroids.span,
            input.today.number - facts[last].day.number <= MaintenanceSteroids.gap,
            let end = facts[last].day.adding(days: Int(MaintenanceSteroids.gap) + 1)
        else { return }
        isNow = true
        until = min(until, input.zone.start(of: end))
        let start = input.today.adding(months: -6) ?? .first
        guard facts[first].day <= start else {
            var day = facts[first].day.adding(months: 6) ?? .last
            while let ago = day.adding(months: -6), ago < facts[first].day,
                let next = day.adding(days: 1)
            {
                day = next
            }
            until = min(until, input.zone.start(of: day))
            return
        }
        for index in run where facts[index].day >= start {
            let leaves = input.zone.start(of: facts[index].day.leaves(windowOfMonths: 6))
            until = min(until, leaves)
        }
        isFiveMilligramsForSixMonths = run.filter { facts[$0].day >= start }.allSatisfy {
            MaintenanceSteroids.prednisolone(in: $0, role: role, input)
                >= MaintenanceSteroids.fiveMilligrams
        }
    }

    /// At least so many milligrams of prednisolone a day.
    private static func prednisolone(
        in index: Int, role: Int, _ input: borrowing AlgorithmInput
    ) -> ExactNumber {
        let fact = input.patient.facts[index]
        guard let amount = fact.codings.compactMap({ input.amount(of: $0, role) }).first,
            let factor = ExactNumber(decimal: amount.factor),
            let text = CurrentMedicines.stated(index, input.patient.facts)
        else { return ExactNumber(0) }
        return Directions(text).aDay(DoseReading(amount).read).least * factor
    }
}
