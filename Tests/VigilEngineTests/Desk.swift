// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilLog
import VigilPacks

@testable import VigilEngine

/// Greenwich and summer time of 2023 to 2025 (The Summer Time Order 2002).
let london = ZoneTable(
    name: "Europe/London", initialOffsetSeconds: 0,
    transitions: [
        (1_679_792_400, 3600), (1_698_541_200, 0), (1_711_846_800, 3600), (1_729_990_800, 0),
        (1_743_296_400, 3600), (1_761_440_400, 0),
    ].map { ZoneTable.Transition(unixSeconds: $0, offsetSeconds: $1) })

/// An instant written as `2024-03-01T09:00:00Z`.
func at(_ text: String) throws -> Instant {
    try #require(TimeText.instant(rfc3339: Array(text.utf8)))
}

/// The pack `pincer`, compiled once.
enum Pincer {
    private static let compiled = Result { () throws -> (PackSource, PackChange) in
        let source = try BundledPacks.named("pincer")
        return (source, try PackChange(activating: source))
    }

    static func source() throws -> PackSource { try compiled.get().0 }
    static func change() throws -> PackChange { try compiled.get().1 }
}

/// An intake over a log in memory.
struct Desk {
    /// What is written: the log's records in their units.
    private(set) var units: [[Record]] = []
    var intake: Intake
    private let store: Store

    private final class Store {
        var records: [Record] = []
    }

    static func identity(_ clock: ClockMode) -> LogIdentity {
        LogIdentity(origin: "vigil/test", clockMode: clock, zone: london)
    }

    /// A new log, or one that goes on after units that are written already.
    init(_ clock: ClockMode, after written: [[Record]] = [], now: Instant) throws {
        let store = Store()
        self.store = store
        let lookup = RecordLookup { offset in
            offset < UInt64(store.records.count) ? store.records[Int(offset)] : nil
        }
        var sequencer = Sequencer(identity: Desk.identity(clock), describe: lookup.describe)
        let decoder = EventDecoder()
        for record in written.joined() {
            store.records.append(record)
            try sequencer.refold(record, comparing: .bytes, decoder: decoder)
        }
        intake = Intake(
            sequencer: sequencer, lookup: lookup, eventBytesMax: Intake.eventBytesDefault)
        for record in written.joined() where record.entry.kind == .input {
            intake.remember(
                source: record.entry.source, id: record.entry.eventID,
                offset: record.entry.offset)
        }
        units = written
        if written.isEmpty {
            intake.stage(intake.sequencer.begin(at: max(now, intake.sequencer.clock)))
            intake.stage(
                intake.sequencer.change(try Pincer.change(), now: intake.sequencer.clock))
        } else {
            for unit in intake.sequencer.takeUnwritten() { intake.stage(unit) }
        }
        flush()
    }

    /// Writes what is staged.
    mutating func flush() {
        for unit in intake.takeStaged() {
            units.append(unit)
            store.records += unit
        }
    }

    @discardableResult
    mutating func send(
        _ event: [UInt8], topic: String, wall: Instant
    ) -> Intake.Outcome {
        defer { flush() }
        return intake.receive(
            topic: Array(topic.utf8), event: event, socket: "ingest", wall: wall)
    }

    var records: [Record] { units.flatMap { $0 } }
    var outputs: [Record] { records.filter { $0.entry.kind == .output } }

    /// Every record folded again, as a check does it.
    func refold(_ clock: ClockMode) throws {
        let lookup = RecordLookup { [store] in store.records[Int($0)] }
        var sequencer = Sequencer(identity: Desk.identity(clock), describe: lookup.describe)
        let decoder = EventDecoder()
        for record in records {
            try sequencer.refold(record, comparing: .bytes, decoder: decoder)
        }
        #expect(sequencer.nextOffset == UInt64(records.count))
    }
}

/// Events as their publishers write them.
enum Events {
    static func text(
        _ type: String, id: String, subject: String = "ann", time: String, more: String = "",
        data: String?
    ) -> [UInt8] {
        let resource = data.map { #","data":\#($0)"# } ?? ""
        return Array(
            (#"{"specversion":"1.0","id":"\#(id)","source":"urn:test","type":"\#(type)","#
                + #""subject":"\#(subject)","time":"\#(time)"\#(more)\#(resource)}"#).utf8)
    }

    static func patient(_ time: String, id: String = "p1", subject: String = "ann") -> [UInt8] {
        text(
            "health.vigil.patient.created.v1", id: id, subject: subject, time: time,
            data: #"{"resourceType":"Patient","id":"\#(subject)","birthDate":"1940-01-01","#
                + #""gender":"female","managingOrganization":{"display":"Practice"}}"#)
    }

    static func naproxen(
        _ time: String, id: String, more: String = "", subject: String = "ann",
        named name: String = "Naproxen 500mg tablets"
    ) -> [UInt8] {
        medicine(time, id: id, code: "1001010P0AAAEAE", name: name, more: more, subject: subject)
    }

    static func medicine(
        _ time: String, id: String, code: String, name: String, more: String = "",
        subject: String = "ann"
    ) -> [UInt8] {
        text(
            "health.vigil.prescription.created.v1", id: id, subject: subject, time: time,
            more: more,
            data: #"{"resourceType":"MedicationRequest","id":"rx-\#(id)","status":"active","#
                + #""intent":"order","subject":{"reference":"Patient/\#(subject)"},"#
                + #""authoredOn":"\#(time)","medicationCodeableConcept":{"text":"\#(name)","#
                + #""coding":[{"system":"https://www.nhsbsa.nhs.uk/bnf","code":"\#(code)"}]}}"#)
    }

    static func clock(_ time: String, id: String, more: String = "") -> [UInt8] {
        text("health.vigil.system.clock.v1", id: id, time: time, more: more, data: nil)
    }

    static func review(
        _ time: String, id: String, flag: String, action: String = "accept", extras: String = "",
        seen: UInt64? = nil, subject: String = "ann", type: String = "created"
    ) -> [UInt8] {
        let saw = seen.map { #"{"url":"urn:vigil:seen","valueString":"\#($0)"}"# }
        let extensions = [saw, extras.isEmpty ? nil : extras].compactMap { $0 }
        return text(
            "health.vigil.review.\(type).v1", id: "\(id)-\(type)", subject: subject, time: time,
            data: #"{"resourceType":"DetectedIssue","id":"\#(id)","status":"final","#
                + #""identifier":[{"system":"urn:vigil:flag","value":"\#(flag)"}],"#
                + #""mitigation":[{"extension":[\#(extensions.joined(separator: ","))],"#
                + #""action":{"coding":[{"system":"urn:vigil:review-action","#
                + #""code":"\#(action)"}]},"date":"\#(time)","#
                + #""author":{"type":"Practitioner","identifier":{"value":"2071234"}}}]}"#)
    }
}
