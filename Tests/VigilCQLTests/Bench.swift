// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// A library over a few lists, and patients in shorthand.
struct Bench {
    static let lists = ["nsaid", "ppi", "hf", "mtx"]
    static let header = """
        library Test version '1.0.0'
        using FHIR version '4.0.1'
        include Vigil version '1.0.0' called Vigil
        valueset "NSAID": 'urn:vigil:list:nsaid'
        valueset "PPI": 'urn:vigil:list:ppi'
        valueset "HF": 'urn:vigil:list:hf'
        valueset "MTX": 'urn:vigil:list:mtx'
        context Patient

        """

    let library: CompiledLibrary
    let membership: ListMembership

    init(_ definitions: String, header: String = Bench.header) throws {
        library = try CQLCompiler.compile(
            header + definitions, file: "test.cql", lists: Bench.identifiers)
        var membership = ListMembership(
            lists: Bench.lists.map {
                CodeList(name: $0, rows: [.init(system: "s", match: .is, code: $0)])
            })
        membership.extend(to: Bench.codings)
        self.membership = membership
    }

    static let identifiers = Dictionary(
        uniqueKeysWithValues: lists.enumerated().map { ("urn:vigil:list:\($1)", $0) })

    static let codings: CodingTable = {
        var table = CodingTable()
        for list in lists { _ = table.intern(system: "s", code: list) }
        return table
    }()

    /// The value of one Boolean expression on a day.
    static func truth(
        of expression: String, on day: String = "2024-03-01", patient: PatientFacts = .init()
    ) throws -> Truth {
        try Bench("define \"It\": \(expression)").judge("It", patient, on: day).truth
    }

    func evaluation(_ patient: PatientFacts, at now: Instant, _ zone: ZoneTable) -> Evaluation {
        Evaluation(
            program: SharedProgram(library.program), patient: patient, membership: membership,
            now: now,
            zone: zone)
    }

    func judge(
        _ name: String, _ patient: PatientFacts, on day: String, zone: ZoneTable = .utc
    ) throws -> Judgement {
        let definition = try #require(library.definitions[name])
        let now = zone.start(of: try .on(day))
        var evaluation = evaluation(patient, at: now, zone)
        return evaluation.judge(definition)
    }

    /// The days on which a definition changes, as `day truth`, found by going from horizon to
    /// horizon; the first is the state at `from`.
    func transitions(
        _ name: String, _ patient: PatientFacts, from: String, until: String,
        zone: ZoneTable = .utc
    ) throws -> [String] {
        let definition = try #require(library.definitions[name])
        var now = zone.start(of: try .on(from))
        let end = zone.start(of: try .on(until))
        var found: [String] = []
        var last: Truth?
        while now < end {
            var evaluation = evaluation(patient, at: now, zone)
            let judgement = evaluation.judge(definition)
            if judgement.truth != last { found.append("\(zone.day(of: now)) \(judgement.truth)") }
            last = judgement.truth
            try #require(judgement.stableUntil > now)
            now = judgement.stableUntil
        }
        return found
    }
}

extension CivilDay {
    init?(_ text: String) {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3 else { return nil }
        self.init(year: parts[0], month: parts[1], day: parts[2])
    }

    static func on(_ text: String) throws -> CivilDay {
        try #require(CivilDay(text))
    }
}

extension PatientFacts {
    /// A patient from lines such as `born 1959-04-10`, `nsaid 2024-03-01`,
    /// `hf 2020-01-01 status inactive` and `ppi 2024-03-01 stopped 2024-03-15`.
    init(_ text: String) throws {
        self.init()
        for line in text.split(whereSeparator: { $0 == "\n" || $0 == ";" }) {
            let words = line.split(separator: " ").map(String.init)
            let day = try CivilDay.on(words[1])
            switch words[0] {
            case "born": birth = ClinicalTime(writtenDay: day, precision: .day)
            case "died": deathDay = day
            case "left": deregistrationDay = day
            default: facts.append(try Fact(words, day, offset: UInt64(facts.count)))
            }
        }
        facts.sort { ($0.day, $0.offset) < ($1.day, $1.offset) }
    }
}

extension Fact {
    fileprivate init(_ words: [String], _ day: CivilDay, offset: UInt64) throws {
        let list = try #require(Bench.lists.firstIndex(of: words[0]))
        self.init(
            type: words[0] == "hf" ? .condition : .medicationRequest, offset: offset,
            codings: [CodingID(index: Int32(list))],
            date: ClinicalTime(writtenDay: day, precision: .day), day: day)
        for index in stride(from: 2, to: words.count - 1, by: 2) {
            switch words[index] {
            case "status": details = FactDetails(status: words[index + 1])
            case "stopped": stoppedOn = try .on(words[index + 1])
            case "until": endDay = try .on(words[index + 1])
            case "lasts": supplyEnd = try .on(words[index + 1])
            case "as":
                type = words[index + 1] == "dispense" ? .medicationDispense : .medicationStatement
            case "is":
                // `is source/id`, or `is source/id/named`.
                let parts = words[index + 1].split(separator: "/").map(String.init)
                supply = SupplyIdentity(
                    source: ExactText(parts[0]), id: IdentifierHash(parts[1]),
                    names: parts.dropFirst(2).map { IdentifierHash($0) })
            default: Issue.record("no such word: \(words[index])")
            }
        }
    }
}
