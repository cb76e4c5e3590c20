// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Something the fold found out, before it has an offset and bytes.
package enum Output: Sendable {
    case flag(FlagEvent)
    case gap(SourceGap)
    case gapClosed(SourceGap)
    case coverage(CoverageReport)
    case digest(DigestReport)
    case dataQuality(DataQuality)
}

extension [Output] {
    // Mostly there is nothing to tell, and then nothing is copied.

    static func += (told: inout [Output], more: [Output]) {
        if !more.isEmpty { told.append(contentsOf: more) }
    }

    static func + (told: [Output], more: [Output]) -> [Output] {
        if told.isEmpty { return more }
        var all = told
        all += more
        return all
    }
}

/// A record that cannot be taken as it stands.
package struct DataQuality: Hashable, Sendable {
    package var subject: String
    package var practice: String
    /// The rule that met it first; nil where none was asked.
    package var rule: String?
    /// The record.
    package var offset: UInt64
    /// `unreadable-result`, `undated-record` or `late-reading`.
    package var what: String
    /// `unknown-unit`, `unknown-number`, or `baseline` for a record without a date in a history.
    package var why: String
}

/// A hole in a source's numbering, or its filling.
package struct SourceGap: Hashable, Sendable {
    package var source: String
    package var epoch: UInt64
    /// The first and the last sequence number missing.
    package var from: UInt64
    package var to: UInt64

    package init(source: String, epoch: UInt64, from: UInt64, to: UInt64) {
        self.source = source
        self.epoch = epoch
        self.from = from
        self.to = to
    }
}

/// A flag raised, updated, resolved or reviewed (protocol section 5).
package struct FlagEvent: Sendable {
    /// The last part but one of the event's type.
    package enum Transition: String, Sendable {
        case raised, updated, resolved, reviewed
    }

    /// When people are told.
    package enum Delivery: String, Sendable {
        case now, digest
    }

    package var transition: Transition
    package var flagID: FlagID
    package var subject: String
    package var practice: String
    package var pack: PackIdentity
    package var rule: Rule
    /// A code of protocol section 5; nil for a review.
    package var reason: String?
    package var openedAt: Instant
    package var closedAt: Instant?
    package var evidence: [Evidence]
    package var reviewState: String
    package var review: StandingReview?
    /// The day on which it will end if nothing more is recorded, where that is known.
    package var endsOn: CivilDay?
    /// Medicines of the rule's window in no code system that the packs read; nil where the rule
    /// does not rest on the absence of a medicine, and where nothing is raised or updated.
    package var unreadMedicines: Int?
    /// Whether an input was entered in error, so that the flag never should have been.
    package var withdrawn: Bool
    package var severity: Severity
    /// What an algorithm said, for rules that have one.
    package var assessment: Assessment?
    /// The clinical moment with which it began, where its evidence has one.
    package var occurredAt: Instant?
    /// The flag or alert that this one is a reminder of.
    package var about: FlagID?
    /// Where a correction brought it about: the record of the version that was corrected.
    package var corrects: UInt64?
    /// What flags of the patient on the same medicine share.
    package var group: FlagID
    /// Whether a baseline load raised it.
    package var isFromBaseline: Bool
    /// Whether a rule that stands for this one has a flag open in the group.
    package var isCovered = false
    package var delivery = Delivery.now

    /// `flag` or `alert`, or `shadow` where the rule is on trial: the first part of the topic.
    package var kind: String { rule.isShadow ? "shadow" : rule.emits.topicKind }

    /// Whether it ends on this topic only to be raised on another, with the same identity.
    package var goesOn: Bool { reason == "moved" || reason == "severity-changed" }

    /// `<kind>.<practice>.<severity>.<rule-id>`.
    package var topic: String {
        "\(kind).\(practice).\(severity.rawValue).\(rule.id)"
    }
}

/// Which pack a rule comes from.
package struct PackIdentity: Hashable, Sendable {
    package var id: String
    package var version: String
    /// `sha256:` and 64 hexadecimal digits.
    package var hash: String

    package init(id: String, version: String, hash: String) {
        self.id = id
        self.version = version
        self.hash = hash
    }
}

/// Records that bear a flag, in one role.
package struct Evidence: Hashable, Sendable {
    /// A code of `urn:vigil:evidence-role` and its display.
    package var role: String
    package var display: String
    /// Whether these are the flag's implicated records.
    package var isHazard: Bool
    /// Newest first; empty where the role says that something is absent.
    package var records: [EvidenceRecord]
    /// Years, where the role is the patient's age.
    package var ageYears: Int?
}

/// One record of the log as evidence.
package struct EvidenceRecord: Hashable, Sendable {
    package var offset: UInt64
    /// nil for a patient's birth date.
    package var day: CivilDay?
    /// How much of the date was given: what is partial stands for its first day.
    package var precision = ClinicalTime.Precision.day
}

/// The review that stands on a flag.
package struct StandingReview: Sendable {
    package var content: ReviewContent
    package var instant: Instant
    package var offset: UInt64
    /// When an override or a snooze ends; nil for other actions.
    package var endsAt: Instant?
    /// Whether it has ended, by its day or by new evidence: the flag is open again.
    package var hasEnded = false
}
