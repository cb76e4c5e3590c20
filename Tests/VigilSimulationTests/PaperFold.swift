// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilPacks
import VigilSimulation

/// A fold of one practice's events as simple as can be: it decodes them, keeps each patient's
/// records, asks the evaluator at every event and horizon, and notes when rules turn.
struct PaperFold {
    /// A flag from its raise to its end.
    struct Flag: Hashable, CustomStringConvertible {
        var rule: String
        var subject: String
        var raised: Instant
        var resolved: Instant?

        var description: String {
            "\(rule) \(subject) \(raised) to \(resolved.map(\.description) ?? "open")"
        }
    }

    let pack: CompiledPack
    private let decoder = EventDecoder()
    private var codings = CodingTable()
    private var membership: ListMembership
    private var patients: [String: Patient] = [:]
    private(set) var subjects: [String] = []
    private(set) var flags: [Flag] = []

    init(_ pack: CompiledPack) {
        self.pack = pack
        membership = ListMembership(lists: pack.lists)
    }

    private struct Watch {
        var isTrueSince: Instant?
        var open: Int?
        var due = Instant.never
    }

    private struct Patient {
        var facts = PatientFacts()
        var records: [String: Fact] = [:]
        var watches: [Watch]
    }

    /// Takes one event, after everything that was due before it.
    mutating func take(_ event: SimulatedEvent) throws -> InputEvent {
        let envelope = try decoder.readEnvelope(event.bytes, maximumBytes: 65_536)
        guard
            case .input(let input) = try decoder.readResource(
                envelope, topic: Array(event.topic.utf8))
        else { throw PaperFault.notAnInput }
        try EventDecoder.checkSubject(input)
        if patients[input.subject] == nil {
            subjects.append(input.subject)
            patients[input.subject] = Patient(
                watches: Array(repeating: Watch(), count: pack.rules.count))
        }
        advance(input.subject, to: input.time)
        if apply(input) { evaluate(input.subject, at: input.time, isEvent: true) }
        return input
    }

    /// Lets time pass for everybody.
    mutating func advance(to end: Instant) {
        for subject in subjects { advance(subject, to: end) }
    }

    private mutating func advance(_ subject: String, to instant: Instant) {
        while let due = patients[subject]?.watches.map(\.due).min(), due <= instant {
            evaluate(subject, at: due, isEvent: false)
        }
    }

    /// Whether the event can change what the rules see.
    private mutating func apply(_ input: InputEvent) -> Bool {
        guard var patient = patients[input.subject] else { return false }
        defer { patients[input.subject] = patient }
        let key = "\(input.resource.type) \(input.resource.id)"
        switch input.resource.content {
        case .patient(let content):
            patient.facts.birth = content.birthDate
            if case .at(let death) = content.deceased {
                patient.facts.deathDay = death.day(in: london)
            }
            if content.active == false {
                patient.facts.deregistrationDay = london.day(of: input.time)
            }
            return true
        case .clinical(let content):
            guard input.kind == .prescription || input.kind == .condition else { return false }
            let date =
                content.date
                ?? ClinicalTime(
                    writtenDay: london.day(of: input.time), precision: .time, instant: input.time)
            var fact = Fact(
                type: input.resource.type,
                offset: patient.records[key]?.offset
                    ?? UInt64(patient.records.count),
                codings: content.codings.map {
                    codings.intern(system: $0.system, code: $0.code)
                }.sorted(),
                date: date, day: date.day(in: london), details: content.details)
            if content.details.status == "stopped" { fact.stoppedOn = london.day(of: input.time) }
            patient.records[key] = content.counts ? fact : nil
        case nil: patient.records[key] = nil
        case .review: return false
        }
        patient.facts.facts = patient.records.values.sorted {
            ($0.day, $0.date.instant ?? .never, $0.offset)
                < ($1.day, $1.date.instant ?? .never, $1.offset)
        }
        return true
    }

    private mutating func evaluate(_ subject: String, at now: Instant, isEvent: Bool) {
        guard var patient = patients[subject] else { return }
        membership.extend(to: codings)
        var evaluation = Evaluation(
            program: pack.sharedProgram, patient: patient.facts, membership: membership, now: now,
            zone: london)
        for (index, rule) in pack.rules.enumerated() {
            let judgement = evaluation.judge(rule.numerator)
            var watch = patient.watches[index]
            watch.due = judgement.stableUntil
            if judgement.truth == .yes {
                if watch.isTrueSince == nil { watch.isTrueSince = now }
                let settled =
                    watch.open != nil || (watch.isTrueSince == now && !isEvent)
                    ? now
                    : (watch.isTrueSince ?? now).adding(milliseconds: rule.settleMilliseconds)
                if watch.open == nil, settled <= now {
                    watch.open = flags.count
                    flags.append(Flag(rule: rule.id, subject: subject, raised: now))
                } else if watch.open == nil {
                    watch.due = min(watch.due, settled)
                }
            } else {
                watch.isTrueSince = nil
                if let open = watch.open { flags[open].resolved = now }
                watch.open = nil
            }
            patient.watches[index] = watch
        }
        patients[subject] = patient
    }
}

/// What stops a fold.
enum PaperFault: Error {
    case notAnInput
}
