// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCQL
internal import VigilCore

/// Measures what an event costs with more and more rules in force of which it touches the same
/// few.
struct RulesBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Measure the fold's cost of an event by the number of rules in force.")

    @Option(help: "Medicines to take in and measure.")
    var events = 20_000

    @Option(help: "Patients that the medicines are for.")
    var patients = 1_000

    /// How many rules read the list that the events' medicines are in.
    private static let touched = 5

    func validate() throws {
        guard (1...10_000_000).contains(events), (1...1_000_000).contains(patients) else {
            throw ValidationError("a number is out of its range; see --help")
        }
    }

    func run() throws {
        let counts = [15, 150, 1500]
        // In turn, so that what disturbs one disturbs the others.
        let rounds = try (0..<5).map { _ in try counts.map { try nanoseconds(rules: $0) } }
        for (place, count) in counts.enumerated() {
            let cost = Measure.median(rounds.map { $0[place] })
            let ratio = Measure.median(rounds.map { $0[place] / $0[0] })
            print(
                #"{"rules":\#(count),"nanosecondsPerEvent":\#(Int(cost)),"#
                    + #""ratio":\#(Measure.rounded(ratio))}"#)
        }
    }

    /// The processor time of an event.
    private func nanoseconds(rules count: Int) throws -> Double {
        var fold = Fold(origin: "vigil/bench", zone: .utc)
        guard let start = CivilDay(year: 2024, month: 1, day: 1) else { return 0 }
        let begin = ZoneTable.utc.start(of: start)
        _ = fold.activate([try Self.pack(rules: count)], now: begin)
        var offset: UInt64 = 0
        for patient in 0..<patients {
            _ = fold.take(Self.birth(of: patient), offset: offset, now: begin)
            offset += 1
        }
        let medicines = (0..<events).map { event in
            let now = begin.adding(milliseconds: Int64(event) * 60_000)
            return (now, Self.medicine(event, of: event % patients, at: now))
        }
        let time = Measure.nanoseconds {
            for (now, medicine) in medicines {
                _ = fold.take(medicine, offset: offset, now: now)
                offset += 1
            }
        }
        return Double(time) / Double(events)
    }

    private static func pack(rules count: Int) throws -> CompiledPack {
        var text = """
            library Bench version '1.0.0'
            using FHIR version '4.0.1'
            include Vigil version '1.0.0' called Vigil

            """
        var identifiers: [String: Int] = [:]
        for list in 0..<count {
            text += "valueset \"L\(list)\": 'urn:vigil:list:\(list)'\n"
            identifiers["urn:vigil:list:\(list)"] = list
        }
        text += "context Patient\n"
        for rule in 0..<count {
            let list = rule < touched ? 0 : rule
            text += """
                define "R\(rule)": AgeInYears() >= 65 and exists ([MedicationRequest: "L\(list)"] M
                  where Vigil.ClinicalDate(M) during Interval[Today() - 3 months, Today()])

                """
        }
        let library = try CQLCompiler.compile(text, file: "bench.cql", lists: identifiers)
        let sentence = try SentenceTemplate("It is so.")
        let rules = (0..<count).compactMap { number in
            library.definitions["R\(number)"].map { definition in
                Rule(
                    id: "r\(number)", version: "1.0.0", severity: .low, title: "A rule",
                    settleMilliseconds: 0, sentence: sentence, denominator: definition,
                    numerator: definition, evidence: [], endings: [])
            }
        }
        let lists = (0..<count).map { list in
            CodeList(name: "\(list)", rows: [.init(system: "s", match: .is, code: "\(list)")])
        }
        return CompiledPack(
            id: "bench", version: "1.0.0", hash: "", rules: rules, program: library.program,
            lists: lists)
    }

    private static func birth(of patient: Int) -> InputEvent {
        let born = CivilDay(year: 1940, month: 1, day: 1).map {
            ClinicalTime(writtenDay: $0, precision: .day)
        }
        return event(
            .patient, "p", of: patient, at: ZoneTable.utc.start(of: .earliestEvent),
            Resource(
                type: .patient, id: "p\(patient)",
                content: .patient(PatientContent(birthDate: born, namesPractice: true))))
    }

    private static func medicine(_ number: Int, of patient: Int, at now: Instant) -> InputEvent {
        event(
            .prescription, "m\(number)", of: patient, at: now,
            Resource(
                type: .medicationRequest, id: "m\(number)",
                content: .clinical(
                    ClinicalContent(
                        codings: [Coding(system: "s", code: "0")],
                        details: FactDetails(status: "active")))))
    }

    private static func event(
        _ kind: EventKind, _ id: String, of patient: Int, at time: Instant, _ resource: Resource
    ) -> InputEvent {
        InputEvent(
            kind: kind, practice: "A81001", id: id, source: "urn:bench", subject: "\(patient)",
            action: .created, time: time, resource: resource)
    }
}
