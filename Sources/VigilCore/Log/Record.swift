// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What the fold does with a record (design section 2).
package enum RecordKind: UInt8, CaseIterable, Sendable {
    /// An event from outside, byte for byte as received.
    case input = 1
    /// `system.genesis`, `.settings`, `.pack`, `.clock` ...: input to the fold, made by the daemon.
    case control = 2
    /// `system.rejected`, `.silent` ...: what the daemon saw; published.
    case observation = 3
    /// Recomputed by a replay and compared: flags, alerts, `system.gap` ...; published.
    case output = 4
}

/// The small public part of a record: what an auditor sees and the Merkle tree covers.
package struct RecordEntry: Hashable, Sendable {
    package var offset: UInt64
    /// The log's time when the record was made; never less than the record's before it.
    package var recorded: Instant
    package var kind: RecordKind
    package var topic: String
    /// The CloudEvents `source` and `id`.
    package var source: String
    package var eventID: String
    /// Empty where the record is about no patient.
    package var subject: String
    /// The offset of the record that brought this one about; its own for a cause.
    package var causation: UInt64
    /// The newest earlier record of the same subject, nil for its first (or no subject).
    package var previous: UInt64?

    package init(
        offset: UInt64, recorded: Instant, kind: RecordKind, topic: String, source: String,
        eventID: String, subject: String, causation: UInt64, previous: UInt64?
    ) {
        self.offset = offset
        self.recorded = recorded
        self.kind = kind
        self.topic = topic
        self.source = source
        self.eventID = eventID
        self.subject = subject
        self.causation = causation
        self.previous = previous
    }
}

/// An entry and its payload: the CloudEvents JSON, as received or as made.
package struct Record: Hashable, Sendable {
    package var entry: RecordEntry
    package var payload: [UInt8]

    package init(entry: RecordEntry, payload: [UInt8]) {
        self.entry = entry
        self.payload = payload
    }
}
