// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore

/// Finds records by offset, also those that are not durable yet.
///
/// Owned by one thread. What is staged is kept here until the log's readers can see it.
package final class RecordLookup {
    /// In the order of their offsets, without a gap.
    private var staged: ArraySlice<Record> = []
    private let readDurable: (UInt64) throws -> Record?
    private let decoder = EventDecoder()
    /// What recent records are called, each at its offset's remainder: most evidence is recent, and
    /// reading a record costs a commit.
    private var described: [(offset: UInt64, description: EvidenceDescription)?] = []
    private static let describedMax = 1 << 18
    /// The first record that could not be read: nothing that was decided since may be written.
    package private(set) var failure: (any Error)?

    /// A lookup over a log.
    ///
    /// - Parameter readDurable: reads a durable record.
    package init(readDurable: @escaping (UInt64) throws -> Record?) {
        self.readDurable = readDurable
    }

    /// Remembers what an event will be called that is about to get a record.
    package func remember(_ description: EvidenceDescription, at offset: UInt64) {
        let slot = Int(offset % UInt64(RecordLookup.describedMax))
        while described.count <= slot { described.append(nil) }
        described[slot] = (offset, description)
    }

    /// Keeps a record until `forget(through:)` says that it is durable.
    package func stage(_ record: Record) {
        if let last = staged.last {
            precondition(record.entry.offset == last.entry.offset + 1, "offsets have no gap")
        }
        staged.append(record)
    }

    /// Lets go of records that readers can see.
    package func forget(through offset: UInt64) {
        guard let first = staged.first?.entry.offset, first <= offset else { return }
        staged.removeFirst(min(Int(offset - first) + 1, staged.count))
    }

    /// The record at an offset; nil where the log has none, or, as `failure` then says, cannot be
    /// read.
    package func record(at offset: UInt64) -> Record? {
        if let first = staged.first?.entry.offset, first <= offset,
            offset - first < UInt64(staged.count)
        {
            return staged[staged.startIndex + Int(offset - first)]
        }
        do {
            return try readDurable(offset)
        } catch {
            failure = failure ?? error
            return nil
        }
    }

    /// What a record is called as evidence; nil where it is none.
    ///
    /// Its times are not part of it: any zone will do to read them.
    package func describe(_ offset: UInt64) -> EvidenceDescription? {
        let slot = Int(offset % UInt64(RecordLookup.describedMax))
        if slot < described.count, let known = described[slot], known.offset == offset {
            return known.description
        }
        guard let record = record(at: offset),
            case .input(let event) = try? decoder.decode(record, zone: .utc).event
        else { return nil }
        let description = EvidenceDescription(of: event)
        remember(description, at: offset)
        return description
    }
}

extension EvidenceDescription {
    /// What an event is called as evidence: by its text, its first coding, or else its type, and a
    /// result by its value, too.
    init(of event: InputEvent) {
        var text = event.resource.type.rawValue
        if case .clinical(let content) = event.resource.content {
            text = content.text ?? content.codings.first.map { $0.display ?? $0.code } ?? text
            switch content.details.value {
            case .quantity(let quantity):
                text += " \(quantity.comparator ?? "")\(quantity.value)"
                if let unit = quantity.unit { text += " \(unit)" }
            case .text(let value): text += " \(value)"
            case .codings, .boolean, nil: break
            }
        }
        self.init(type: event.resource.type, id: event.resource.id, text: text)
    }
}
