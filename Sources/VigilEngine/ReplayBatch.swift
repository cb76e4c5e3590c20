// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// An input of a log as it was read, or why it is none.
typealias ReadInput = Result<(envelope: Envelope, event: DecodedEvent), Rejection>

/// Records of a log on their way through a crew's threads.
final class ReplayBatch: Sendable {
    /// What one thread adds: it alone writes here until it has said that it is done.
    private final class Part: @unchecked Sendable {
        var inputs: [ReadInput?] = []
        var decisions: [(record: Int, decision: PatientDecision)] = []
    }

    private let records: [Record]
    /// In force for all of the records.
    private let settings: FoldSettings
    /// By thread.
    private let parts: [Part]

    init(_ records: [Record], settings: FoldSettings, threads: Int) {
        self.records = records
        self.settings = settings
        parts = (0..<threads).map { _ in Part() }
    }

    /// Reads a thread's part of the inputs.
    func read(by thread: Int, _ decoder: EventDecoder) {
        for index in stride(from: thread, to: records.count, by: parts.count) {
            parts[thread].inputs.append(read(records[index], decoder))
        }
    }

    private func read(_ record: Record, _ decoder: EventDecoder) -> ReadInput? {
        guard record.entry.kind == .input else { return nil }
        do throws(Rejection) {
            return .success(
                try decoder.decode(record, zone: settings.source(record.entry.source).zone))
        } catch {
            return .failure(error)
        }
    }

    private func input(at index: Int) -> ReadInput? {
        parts[index % parts.count].inputs[index / parts.count]
    }

    /// Decides about all records for a thread's patients, once all inputs have been read.
    ///
    /// - Throws: as `Sequencer.decide` does.
    func decide(by thread: Int, _ sequencer: inout Sequencer) throws(ReplayDifference) {
        for (index, record) in records.enumerated() {
            let input = input(at: index)
            let decided = try sequencer.decide(record) { _, _ throws(Rejection) in
                try input.read()
            }
            for decision in decided { parts[thread].decisions.append((index, decision)) }
        }
    }

    /// Hands out the records in order, each with what was decided at it and before it, once all
    /// threads have decided.
    func forEach(
        _ body: (Record, ReadInput?, [PatientDecision]) throws -> Void
    ) rethrows {
        var decided = parts.map { $0.decisions[...] }
        for (index, record) in records.enumerated() {
            var decisions: [PatientDecision] = []
            for thread in decided.indices {
                while let first = decided[thread].first, first.record == index {
                    decisions.append(first.decision)
                    decided[thread].removeFirst()
                }
            }
            if decided.count > 1 { decisions.sort(by: PatientDecision.precedes) }
            try body(record, input(at: index), decisions)
        }
    }
}

extension ReadInput? {
    /// What was read.
    func read() throws(Rejection) -> (envelope: Envelope, event: DecodedEvent) {
        switch self {
        case .success(let input): return input
        case .failure(let rejection): throw rejection
        case nil: preconditionFailure("Only inputs are read.")
        }
    }
}
