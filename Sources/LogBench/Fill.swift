// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilLog

/// Puts records behind those of a log that a daemon has begun, as fast as the log takes them.
struct Fill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fill a log that a daemon has begun; prints the seconds that took.",
        discussion: """
            Patients first, then prescriptions that raise nothing: what a daemon would have written \
            for them, with a digest of its (empty) decisions every 4,096 records. A daemon that \
            starts on it compares all of it.
            """)

    @Argument(help: "The data directory of a daemon that has been stopped.")
    var data: String

    @Option(help: "Records that the log has at the end.")
    var records: UInt64 = 20_000_000

    @Option(help: "Patients.")
    var patients = 1_000_000

    func run() throws {
        var state = State(patients: patients)
        let room = Room()
        let (writer, _) = try LogWriter.open(
            directory: data, report: { _ in room.tell() }, visit: { state.take($0) })
        let seconds = try LogBench.seconds {
            while writer.nextOffset < records {
                try writer.append(unit: state.unit(at: writer.nextOffset))
                guard writer.bufferedByteCount >= 256 << 10 else { continue }
                try room.wait(for: writer)
                try writer.submit()
            }
            try writer.drain()
        }
        try writer.close()
        print(seconds)
    }

    /// What the next record depends on.
    private struct State {
        /// As often a digest of the decisions follows.
        static let recordsPerTrace: UInt64 = 4096
        static let day = "2026-03-01"

        /// The newest record of each patient; 0 for none.
        var newest: [UInt64]
        var number = 0
        var origin = ""
        var recorded = Instant(milliseconds: 0)
        var traced: UInt64 = 0
        var traceCount = 0

        init(patients: Int) { newest = [UInt64](repeating: 0, count: patients) }

        /// Takes in what the daemon has written.
        mutating func take(_ record: LogRecordView) {
            if record.offset == 0 { origin = record.source }
            recorded = record.recorded
            guard record.topic == "system.trace" else { return }
            traced = record.offset + 1
            traceCount += 1
        }

        mutating func unit(at offset: UInt64) -> [Record] {
            let input = number < newest.count ? registration(at: offset) : prescription(at: offset)
            number += 1
            guard offset + 1 - traced >= Self.recordsPerTrace else { return [input] }
            return [input, trace(at: offset + 1)]
        }

        private mutating func registration(at offset: UInt64) -> Record {
            let name = "\(number)"
            return input(
                "patient", id: "filled-patient-" + name, patient: number, at: offset,
                data: "{\"resourceType\":\"Patient\",\"id\":\"filled-" + name
                    + "\",\"active\":true,\"birthDate\":\"1960-01-01\",\"gender\":\"female\","
                    + "\"managingOrganization\":{\"identifier\":{\"value\":\"BENCH1\"}}}")
        }

        private mutating func prescription(at offset: UInt64) -> Record {
            let name = "filled-\(number)"
            let patient = number % newest.count
            return input(
                "prescription", id: name, patient: patient, at: offset,
                data: "{\"resourceType\":\"MedicationRequest\",\"id\":\"" + name
                    + "\",\"status\":\"active\",\"intent\":\"order\","
                    + "\"medicationCodeableConcept\":{\"coding\":[{\"system\":"
                    + "\"http://www.whocc.no/atc\",\"code\":\"A10BA02\"}]},\"subject\":"
                    + "{\"reference\":\"Patient/filled-\(patient)\"},\"authoredOn\":\""
                    + Self.day + "\"}")
        }

        private mutating func input(
            _ kind: String, id: String, patient: Int, at offset: UInt64, data: String
        ) -> Record {
            let subject = "filled-\(patient)"
            let before = newest[patient]
            newest[patient] = offset
            let event =
                "{\"specversion\":\"1.0\",\"id\":\"" + id
                + "\",\"source\":\"urn:vigil:bench\",\"type\":\"health.vigil." + kind
                + ".created.v1\",\"subject\":\"" + subject + "\",\"time\":\"" + Self.day
                + "T00:00:00Z\",\"datacontenttype\":\"application/fhir+json\",\"data\":" + data
                + "}"
            return Record(
                entry: RecordEntry(
                    offset: offset, recorded: recorded, kind: .input, topic: kind + ".BENCH1",
                    source: "urn:vigil:bench", eventID: id, subject: subject,
                    causation: offset, previous: before == 0 ? nil : before),
                payload: Array(event.utf8))
        }

        private mutating func trace(at offset: UInt64) -> Record {
            traceCount += 1
            let zeros = String(repeating: "0", count: 64)
            let event = """
                {"specversion":"1.0","id":"\(offset)","source":"\(origin)",\
                "type":"health.vigil.system.trace.v1","time":"\(recorded)",\
                "datacontenttype":"application/json","causation":"\(offset - 1)",\
                "sequence":"\(traceCount)","data":{"from":\(traced),"to":\(offset - 1),\
                "decisions":0,"sha256":"\(zeros)"}}
                """
            traced = offset + 1
            return Record(
                entry: RecordEntry(
                    offset: offset, recorded: recorded, kind: .output, topic: "system.trace",
                    source: origin, eventID: "\(offset)", subject: "", causation: offset - 1,
                    previous: nil),
                payload: Array(event.utf8))
        }
    }
}
