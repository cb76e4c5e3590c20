// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Turns the short notation of a story into events.
struct CaseEvents {
    /// What a word stands for.
    struct Meaning {
        var coding: Coding
        var kind: Manifest.ListKind
    }

    static let subject = "patient"
    private static let practice = "P1"

    private let file: String
    private let meanings: [String: Meaning]
    private var person = PatientContent(gender: "female", namesPractice: true)
    /// What was sent of each resource, for later versions of it.
    private var sent: [String: InputEvent] = [:]
    private var count = 0

    init(file: String, meanings: [String: Meaning]) {
        self.file = file
        self.meanings = meanings
    }

    private mutating func event(
        _ kind: EventKind, _ resource: Resource, at time: Instant, source: String = "urn:case",
        action: EventAction = .created
    ) -> InputEvent {
        count += 1
        return InputEvent(
            kind: kind, practice: CaseEvents.practice, id: "e\(count)", source: source,
            subject: CaseEvents.subject, action: action, time: time, resource: resource)
    }

    private mutating func personEvent(at time: Instant) -> InputEvent {
        event(
            .patient,
            Resource(type: .patient, id: CaseEvents.subject, content: .patient(person)), at: time)
    }

    /// The patient's first event, as the story's `patient` line describes it; nil for one of whom
    /// nothing is told.
    mutating func first(
        _ text: String, at time: Instant, line: Int?
    ) throws(PackError) -> InputEvent? {
        var words = Words(text, file: file, line: line)
        if words.peek == "unregistered" { return nil }
        while let word = words.next() {
            switch word {
            case "born": person.birthDate = try words.time()
            case "gender": person.gender = try words.word()
            case "male", "female", "other": person.gender = word
            case "genderless": person.gender = nil
            default:
                throw words.fault(
                    "`\(word)` says nothing of a patient",
                    "write `born 1959-04-10`, male, female, other, genderless or unregistered")
            }
        }
        return personEvent(at: time)
    }

    /// The event of a line.
    ///
    /// - Parameters:
    ///   - text: the line's words.
    ///   - time: when it comes.
    ///   - isTimed: whether its record is dated to that moment, and not to the day.
    ///   - line: where it is written.
    /// - Returns: the event.
    /// - Throws: PackError at the first word that does not read.
    mutating func event(
        _ text: String, at time: Instant, isTimed: Bool, line: Int?
    ) throws(PackError) -> InputEvent {
        var words = Words(text, file: file, line: line)
        let word = try words.word()
        switch word {
        case "born": person.birthDate = try words.time()
        case "gender": person.gender = try words.word()
        case "died":
            person.deceased = words.peek == nil ? .boolean(true) : .at(try words.time())
        case "alive": person.deceased = .boolean(false)
        case "left": person.active = false
        case "unlisted":
            person.active = true
            person.namesPractice = false
        case "joined":
            person.active = true
            person.namesPractice = true
        case "stop", "hold", "resume", "complete", "withdraw":
            return try revise(word, try words.word(), at: time, words: words)
        default:
            guard let meaning = meanings[word] else {
                let meant = suggestion(for: word, among: meanings.map(\.key).sorted())
                throw words.fault(
                    "`\(word)` is no list, no word of `codes` and nothing that happens",
                    meant.map { "did you mean `\($0)`?" } ?? "declare it under `codes`")
            }
            return try record(meaning, word, &words, at: time, isTimed: isTimed)
        }
        try words.end()
        return personEvent(at: time)
    }

    private mutating func revise(
        _ verb: String, _ name: String, at time: Instant, words: Words
    ) throws(PackError) -> InputEvent {
        guard let known = sent[name] else {
            throw words.fault("no record is called `\(name)`", "name one with `as \(name)` before")
        }
        try words.end()
        let status = ["stop": "stopped", "hold": "on-hold", "complete": "completed"]
        var resource = known.resource
        if verb == "withdraw" {
            resource.content = nil
        } else if case .clinical(var content) = resource.content {
            content.details = content.details.with(status: status[verb] ?? "active")
            resource.content = .clinical(content)
        }
        let action: EventAction = verb == "withdraw" ? .deleted : .updated
        let next = event(
            known.kind, resource, at: time, source: known.source, action: action)
        sent[name] = next
        return next
    }

    private static let types: [String: ResourceType] = [
        "ordered": .medicationRequest, "dispensed": .medicationDispense,
        "stated": .medicationStatement, "coded": .condition, "observed": .observation,
        "reported": .diagnosticReport, "performed": .procedure, "visit": .encounter,
    ]

    private mutating func record(
        _ meaning: Meaning, _ word: String, _ words: inout Words, at time: Instant,
        isTimed: Bool
    ) throws(PackError) -> InputEvent {
        var draft = RecordDraft(meaning, word)
        var type: ResourceType =
            switch meaning.kind {
            case .medicine: .medicationRequest
            case .condition: .condition
            case .result: .observation
            }
        var name = "r\(count + 1)"
        var source = "urn:case"
        while let option = words.next() {
            if let other = CaseEvents.types[option] {
                type = other
            } else if option == "as" {
                name = try words.word()
            } else if option == "from" {
                source = try words.word()
            } else {
                try draft.take(option, &words)
            }
        }
        let kind: EventKind =
            switch type {
            case .condition: .condition
            case .encounter: .encounter
            case .observation, .diagnosticReport, .procedure: .observation
            default: .prescription
            }
        let isKnown = sent[name] != nil
        let event = event(
            kind,
            Resource(
                type: type, id: name,
                content: .clinical(draft.content(of: type, at: time, isTimed: isTimed))),
            at: time, source: source, action: isKnown ? .updated : .created)
        sent[name] = event
        return event
    }
}

extension FactDetails {
    fileprivate func with(status: String) -> FactDetails {
        FactDetails(
            status: status, issued: issued, value: value, components: components,
            referenceHigh: referenceHigh, encounterClass: encounterClass, quantity: quantity,
            directions: directions, isInhaled: isInhaled)
    }
}

/// A clinical record as the options of a line describe it.
private struct RecordDraft {
    private var content: ClinicalContent
    private var status = "active"
    private var issued: Instant?
    private var value: ObservedValue?
    private var encounterClass: String?
    private var basedOn: [String] = []
    private var authorizing: [String] = []
    private var group: String?
    private var prior: String?
    private var supplyDays: String?
    private var repeats: Int?
    private var validUntil: ClinicalTime?
    private var referenceHigh: String?
    private var directions: [DosageInstruction] = []
    private var isInhaled: Bool?

    init(_ meaning: CaseEvents.Meaning, _ word: String) {
        content = ClinicalContent(codings: [meaning.coding], text: word)
    }

    mutating func take(_ option: String, _ words: inout Words) throws(PackError) {
        switch option {
        case "dated": content.date = try words.time()
        case "ended": content.end = try words.time()
        case "issued":
            issued = Instant(day: try words.time().writtenDay, millisecondOfDay: 0)
        case "status": status = try words.word()
        case "uncounted": content.counts = false
        case "plan": basedOn.append(try words.word())
        case "of": authorizing.append(try words.word())
        case "group": group = try words.word()
        case "after": prior = try words.word()
        case "for": supplyDays = try words.number()
        case "repeats": repeats = Int(try words.number())
        case "valid": validUntil = try words.time()
        case "class": encounterClass = try words.word()
        case "reference": referenceHigh = try words.number()
        case "text": value = .text(words.takeRest())
        case "form":
            let word = try words.word()
            guard let isInhaled = MedicineForm.isInhaled(words: word) else {
                throw words.fault(
                    "`\(word)` is no form that is read",
                    "write inhaler, nebuliser, tablets, capsules, syrup or injection")
            }
            self.isInhaled = isInhaled
        case "take":
            directions.append(try RecordDraft.rhythm(&words))
        case "told":
            var said = DosageInstruction()
            said[.wording] = DosageWording.frequency(in: words.takeRest())
            directions.append(said)
        case "needed":
            if let last = directions.indices.last { directions[last][.asNeeded] = "yes" }
        default:
            let comparators = ["<=", ">=", "<", ">", "~"]
            let comparator = comparators.first(where: option.hasPrefix)
            let number = option.dropFirst(comparator?.count ?? 0)
            guard let digit = number.first, digit.isNumber else {
                throw words.fault(
                    "`\(option)` is no option",
                    "write dated, ended, issued, status, as, from, plan, of, group, after, for, "
                        + "repeats, valid, class, reference, text, form, take, told, needed, "
                        + "uncounted, a kind of record or a value")
            }
            let unit = words.takeRest()
            value = .quantity(
                ObservedQuantity(
                    value: String(number), comparator: comparator, unit: unit.isEmpty ? nil : unit))
        }
    }

    /// Directions such as `2 tablets 3 per 1 d`.
    private static func rhythm(_ words: inout Words) throws(PackError) -> DosageInstruction {
        var said = DosageInstruction()
        let dose = try words.word()
        said[.doseLow] = dose
        said[.doseHigh] = dose
        said[.doseUnit] = try words.word()
        said[.frequency] = try words.number()
        guard try words.word() == "per" else {
            throw words.fault("the directions do not read", "write them as 2 tablets 3 per 1 d")
        }
        said[.period] = try words.number()
        said[.periodUnit] = try words.word()
        return said
    }

    func content(of type: ResourceType, at time: Instant, isTimed: Bool) -> ClinicalContent {
        var content = content
        // Dated to the day unless the line says otherwise, as most records are.
        content.date =
            content.date
            ?? ClinicalTime(
                writtenDay: time.utc.day, precision: isTimed ? .time : .day,
                instant: isTimed ? time : nil)
        var quantity: ObservedQuantity?
        if case .quantity(let written) = value { quantity = written }
        content.details = FactDetails(
            status: type == .observation || type == .diagnosticReport ? "final" : status,
            issued: issued, value: type.isMedicine ? nil : value,
            referenceHigh: referenceHigh.map {
                ObservedQuantity(value: $0, unit: quantity?.unit)
            }, encounterClass: encounterClass, quantity: type.isMedicine ? quantity : nil,
            directions: type.isMedicine ? DosageInstruction.text(of: directions) : nil,
            isInhaled: type.isMedicine ? isInhaled : nil)
        guard type.isMedicine else { return content }
        content.supply = Supply(
            intent: "order", basedOn: basedOn, groups: group.map { [$0] } ?? [], prior: prior,
            authorizing: authorizing,
            duration: supplyDays.map { ObservedQuantity(value: $0, unit: "d") }, repeats: repeats,
            validUntil: validUntil)
        return content
    }
}

/// The words of a line, one after the other.
private struct Words {
    private let file: String
    private let line: Int?
    private var remaining: ArraySlice<Substring>

    init(_ text: String, file: String, line: Int?) {
        self.file = file
        self.line = line
        remaining = text.split { $0 == " " || $0 == "," }[...]
    }

    var peek: String? { remaining.first.map(String.init) }

    mutating func next() -> String? { remaining.popFirst().map(String.init) }

    /// All that is left.
    mutating func takeRest() -> String {
        defer { remaining = [] }
        return remaining.joined(separator: " ")
    }

    mutating func word() throws(PackError) -> String {
        guard let word = next() else { throw fault("the line ends too early", "complete it") }
        return word
    }

    mutating func number() throws(PackError) -> String {
        let word = try word()
        guard Int(word) != nil else { throw fault("`\(word)` is no number", "write digits") }
        return word
    }

    mutating func time() throws(PackError) -> ClinicalTime {
        let word = try word()
        guard let time = CaseFile.time(word) else {
            throw fault("`\(word)` is no date", "write it as 2024-04-10, 2024-04 or 2024")
        }
        return time
    }

    func end() throws(PackError) {
        guard let word = peek else { return }
        throw fault("`\(word)` is too much here", "take it out")
    }

    func fault(_ what: String, _ remedy: String) -> PackError {
        PackError(.manifest, file: file, line: line, what: what, remedy: remedy)
    }
}
