// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilPacks

@testable import VigilCore

/// A fold with the pack `pincer` and patients told in shorthand, one event a line.
///
///     2024-03-01 09:00 ann born 1940-01-01
///     2024-03-01 09:05 ann naproxen rx1 on 2024-02-27 version 2 sent 2024-02-28
///     2024-03-02 09:00 ann delete rx1
///     2024-03-02 10:00 now
///
/// The first two words are the log's time, and the event's unless `sent` says otherwise. Times
/// are of the log's zone, UTC where a test names no other.
struct Ward {
    var fold: Fold
    private let zone: ZoneTable
    private var offset: UInt64 = 0
    /// What came out, one line an output.
    private(set) var lines: [String] = []
    /// The same as it came out.
    private(set) var outputs: [Output] = []

    struct Unreadable: Error {
        var line: Substring
    }

    private static let compiled = Result { try BundledPacks.named("pincer").compile() }

    static func pincer() throws -> CompiledPack { try compiled.get() }

    init(zone: ZoneTable = .utc, packs: [CompiledPack]? = nil) throws {
        self.zone = zone
        fold = Fold(origin: "vigil/test", zone: zone)
        _ = fold.activate(try packs ?? [Ward.pincer()], now: Instant(milliseconds: 0))
    }

    /// Plays a story and gives what came of it, one line an output.
    mutating func play(_ story: String) throws -> String {
        lines = []
        outputs = []
        for line in story.split(separator: "\n") {
            try play(line: line.drop { $0 == " " })
        }
        return lines.joined(separator: "\n")
    }

    /// Lets time pass, working off what is due.
    mutating func pass(to now: Instant) {
        while let due = fold.nextDue(through: now) {
            note(fold.workOff(subject: due.subject, instant: due.instant), at: due.instant)
        }
    }

    /// Takes one event in at a time of the log.
    mutating func take(_ event: InputEvent, now: Instant) {
        pass(to: now)
        note(fold.take(event, offset: offset, now: now), at: now)
        offset += 1
    }

    mutating func activate(_ packs: [CompiledPack], now: Instant) {
        note(fold.activate(packs, now: now), at: now)
    }

    private mutating func play(line: Substring) throws {
        var words = line.split(separator: " ")
        guard words.count >= 3 else { throw Unreadable(line: line) }
        let now = try instant(words[0], words[1])
        guard words[2] != "now" else { return pass(to: now) }
        var options: [Substring: Substring] = [:]
        let names = [
            "on", "version", "sent", "dated", "source", "practice", "died", "plan", "status",
            "supply", "repeats", "valid", "prior", "as", "of", "link", "until", "intent",
        ]
        while words.count > 4, names.contains(where: { $0 == words[words.count - 2] }) {
            let value = words.removeLast()
            options[words.removeLast()] = value
        }
        let sent = try options["sent"].map { try instant($0, "00:00") } ?? now
        let resource = try resource(Array(words.dropFirst(3)), options, line: line)
        take(
            InputEvent(
                kind: .prescription, practice: String(options["practice"] ?? "A81001"),
                id: "e\(offset)", source: String(options["source"] ?? "urn:test"),
                subject: String(words[2]), action: .updated, time: sent, resource: resource),
            now: now)
    }

    private func instant(_ day: Substring, _ time: Substring) throws -> Instant {
        let clock = time.split(separator: ":").compactMap { Int($0) }
        guard clock.count >= 2 else { throw Unreadable(line: time) }
        let seconds = clock[0] * 3600 + clock[1] * 60 + (clock.count > 2 ? clock[2] : 0)
        return zone.start(of: try Ward.day(day)).adding(milliseconds: Int64(seconds) * 1000)
    }

    static func day(_ text: some StringProtocol) throws -> CivilDay {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3,
            let day = CivilDay(year: parts[0], month: parts[1], day: parts[2])
        else { throw Unreadable(line: Substring(text)) }
        return day
    }

    /// A date of a day, a month or a year.
    static func date(_ text: some StringProtocol) throws -> ClinicalTime {
        switch text.split(separator: "-").count {
        case 1: ClinicalTime(writtenDay: try day("\(text)-01-01"), precision: .year)
        case 2: ClinicalTime(writtenDay: try day("\(text)-01"), precision: .month)
        default: ClinicalTime(writtenDay: try day(text), precision: .day)
        }
    }

    private mutating func note(_ found: [Output], at instant: Instant) {
        outputs += found
        for output in found {
            guard case .flag(let event) = output else { continue }
            lines.append(
                "\(zone.describe(instant).prefix(16)) \(event.rule.id) "
                    + "\(event.transition.rawValue) \(event.reason ?? "-")")
        }
    }
}

// MARK: - Resources

extension Ward {
    static let codes: [Substring: Coding] = [
        "naproxen": Coding(system: "https://www.nhsbsa.nhs.uk/bnf", code: "1001010P0AAAEAE"),
        "ibuprofen": Coding(system: "https://www.nhsbsa.nhs.uk/bnf", code: "1001010J0AAADAD"),
        "omeprazole": Coding(
            system: "http://www.nlm.nih.gov/research/umls/rxnorm", code: "198051"),
        "apixaban": Coding(system: "http://www.whocc.no/atc", code: "B01AF02"),
        "methotrexate": Coding(system: "http://www.whocc.no/atc", code: "L04AX03"),
        "failure": Coding(system: "http://snomed.info/sct", code: "84114007"),
        "foreign": Coding(system: "urn:somewhere", code: "1"),
    ]

    /// A review of one of a patient's flags.
    static func override(
        _ flagID: String, on day: String, until: String, deleted: Bool = false,
        of subject: String = "ann"
    ) throws -> InputEvent {
        let review = ReviewContent(
            flagID: flagID, action: "override", seen: nil, date: try date(day),
            until: try date(until), mitigation: [])
        let places = ReviewPlaces(flag: "", date: "", until: "", seen: "", isUntilFirst: false)
        return InputEvent(
            kind: .review, practice: "A81001", id: deleted ? "d" : "r", source: "urn:test",
            subject: subject, action: deleted ? .deleted : .created,
            time: ZoneTable.utc.start(of: try Ward.day(day)).adding(milliseconds: deleted ? 1 : 0),
            resource: Resource(
                type: .detectedIssue, id: "r-\(flagID)",
                content: deleted ? nil : .review(review, at: places)))
    }

    private func resource(
        _ words: [Substring], _ options: [Substring: Substring], line: Substring
    ) throws -> Resource {
        let number = options["version"].flatMap { VersionNumber($0.utf8) }
        let dated = try options["dated"].map { zone.start(of: try Ward.day($0)) }
        let verb = words[0]
        let content: Content?
        var type = ResourceType.medicationRequest
        var id = words.count > 1 ? String(words[1]) : "p"
        switch verb {
        case "born", "left", "gone":
            type = .patient
            id = "p"
            content = .patient(try demographics(words, options))
        case "delete" where words[1] == "p":
            type = .patient
            content = nil
        case "delete":
            if id.hasPrefix("c") { type = .condition }
            content = nil
        default:
            guard let coding = Ward.codes[verb] else { throw Unreadable(line: line) }
            if verb == "failure" { type = .condition }
            if options["as"] == "dispense" { type = .medicationDispense }
            if options["as"] == "statement" { type = .medicationStatement }
            let status = options["status"].map { String($0) } ?? "active"
            let counts = !["cancelled", "draft"].contains(status) && !words.contains("planned")
            content = .clinical(
                ClinicalContent(
                    counts: counts, codings: [coding],
                    date: try options["on"].map { try Ward.date($0) },
                    end: try options["until"].map { try Ward.date($0) },
                    details: FactDetails(status: status),
                    supply: verb == "failure" ? nil : try Ward.supply(options)))
        }
        return Resource(
            type: type, id: id, versionNumber: number, lastUpdated: dated, content: content)
    }

    /// `supply 28d`, `repeats 5`, `valid 2024-06-30`, `plan id`, `prior id`, `of id`,
    /// `intent proposal`.
    private static func supply(_ options: [Substring: Substring]) throws -> Supply {
        Supply(
            intent: options["intent"].map { String($0) },
            basedOn: options["plan"].map { [String($0)] } ?? [],
            prior: options["prior"].map { String($0) },
            authorizing: options["of"].map { [String($0)] } ?? [],
            duration: options["supply"].map { text in
                ObservedQuantity(
                    value: String(text.prefix { !$0.isLetter }),
                    unit: String(text.drop { !$0.isLetter }))
            }, repeats: options["repeats"].flatMap { Int($0) },
            validUntil: try options["valid"].map { try date($0) })
    }

    private func demographics(
        _ words: [Substring], _ options: [Substring: Substring]
    ) throws -> PatientContent {
        let birth = words[0] == "born" && words.count > 1 ? try Ward.date(words[1]) : nil
        var deceased: PatientContent.Deceased?
        if words.contains("dead") { deceased = .boolean(true) }
        if words.contains("alive") { deceased = .boolean(false) }
        if let died = options["died"] { deceased = .at(try Ward.date(died)) }
        let link = options["link"].map { text in
            let parts = text.split(separator: ":")
            return PatientLink(
                direction: parts[0] == "replaces" ? .replaces : .replacedBy,
                names: parts.dropFirst().map(String.init))
        }
        return PatientContent(
            birthDate: birth, active: words[0] == "left" ? false : nil, deceased: deceased,
            namesPractice: words[0] != "gone", links: link.map { [$0] } ?? [])
    }
}
