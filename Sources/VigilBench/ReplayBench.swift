// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import CParseReference
internal import VigilCodec
internal import VigilCore
internal import VigilEngine
internal import VigilPacks

/// Measures a replay, in which every output is compared byte by byte, against simdjson's parsing of
/// the same payloads, and against one whose patients threads share.
struct ReplayBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Measure a replay of a log in memory against parsing its payloads.")

    @Option(help: "Prescriptions in the log.")
    var events = 50_000

    @Option(help: "Patients that they are for.")
    var patients = 5000

    @Option(help: "Threads that share the patients.")
    var shards = 2

    @Option(help: "Runs of each, in turn.")
    var runs = 5

    func validate() throws {
        guard (1...10_000_000).contains(events), (1000...1_000_000).contains(patients),
            (1...100).contains(runs), (1...64).contains(shards)
        else { throw ValidationError("a number is out of its range; see --help") }
    }

    private static let identity = LogIdentity(
        origin: "vigil/bench", clockMode: .event, zone: .utc)

    func run() throws {
        let log = MemoryLog()
        try write(log)
        let inputs = log.records.filter { $0.entry.kind == .input }
        var folding: [Double] = []
        var parsing: [Double] = []
        var sharing: [Double] = []
        for _ in 0..<runs {
            parsing.append(Double(Measure.nanoseconds { parse(inputs) }))
            folding.append(Double(try Measure.nanoseconds { try refold(log) }))
            sharing.append(Double(try Measure.nanoseconds { try refold(log, shards: shards) }))
        }
        let ratio = Measure.median(zip(parsing, folding).map { $0 / $1 })
        let speedUp = Measure.median(zip(folding, sharing).map { $0 / $1 })
        let count = Double(inputs.count)
        print(
            #"{"inputs":\#(inputs.count),"records":\#(log.records.count),"#
                + #""parseNanoseconds":\#(Int(Measure.median(parsing) / count)),"#
                + #""replayNanoseconds":\#(Int(Measure.median(folding) / count)),"#
                + #""ratio":\#(Measure.rounded(ratio)),"shards":\#(shards),"#
                + #""sharedNanoseconds":\#(Int(Measure.median(sharing) / count)),"#
                + #""speedUp":\#(Measure.rounded(speedUp))}"#)
    }

    /// A log in memory.
    private final class MemoryLog {
        var records: [Record] = []

        var lookup: RecordLookup {
            RecordLookup { offset in
                offset < UInt64(self.records.count) ? self.records[Int(offset)] : nil
            }
        }
    }

    private func write(_ log: MemoryLog) throws {
        let workload = Workload(
            events: events, patients: patients, flaggedPerThousand: 10, day: "2026-03-01")
        var sequencer = Sequencer(identity: Self.identity, describe: log.lookup.describe)
        let decoder = EventDecoder()
        func keep(_ unit: Sequencer.Unit) {
            for draft in unit { log.records.append(sequencer.record(draft)) }
        }
        keep(sequencer.begin(at: sequencer.clock))
        for name in BundledPacks.names where name.hasPrefix("pincer") {
            keep(
                sequencer.change(
                    try PackChange(activating: BundledPacks.named(name)), now: sequencer.clock))
        }
        for made in [workload.preparation(), workload.prescriptions()] {
            for message in made.messages {
                let payload = Array(made.bytes[message.event])
                let topic = Array(made.bytes[message.topic])
                let envelope = try decoder.readEnvelope(payload, maximumBytes: .max)
                guard case .input(let event) = try decoder.readResource(envelope, topic: topic)
                else { continue }
                for unit in sequencer.advance(to: event.time) { keep(unit) }
                keep(
                    sequencer.take(
                        event, topic: String(decoding: topic, as: UTF8.self), payload: payload,
                        now: event.time))
            }
        }
    }

    private func parse(_ records: [Record]) {
        for record in records {
            let isText = record.payload.withUnsafeBufferPointer {
                vigil_reference_parse($0.baseAddress, $0.count)
            }
            precondition(isText == 1, "What was accepted is JSON.")
        }
    }

    private func refold(_ log: MemoryLog) throws {
        var sequencer = Sequencer(identity: Self.identity, describe: log.lookup.describe)
        let decoder = EventDecoder()
        for record in log.records {
            try sequencer.refold(record, comparing: .bytes, decoder: decoder)
        }
    }

    private func refold(_ log: MemoryLog, shards: Int) throws {
        try ReplayCrew.refold(log.records, shards: shards) {
            Sequencer(identity: Self.identity, describe: log.lookup.describe)
        }
    }
}
