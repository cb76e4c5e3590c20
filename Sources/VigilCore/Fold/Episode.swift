// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where one rule stands for one patient.
///
/// What is added here or to a part of it is added in `Episode+State.swift` as well.
struct Episode {
    /// How many flags the rule has raised for the patient.
    var count = 0
    // Few rules have either, and both are wide: each is kept aside, as an array of at most one.
    private var opened: [OpenEpisode] = []
    private var overridden: [PastOverride] = []
    /// What an input has made true and is yet to settle.
    var pending: Pending?
    /// Whether what it rests on came in a baseline load that may not raise it, and nothing live
    /// since.
    var isQuiet = false
    /// Until when the last judgement holds if nothing but time passes.
    var stableUntil = Instant.never
    /// What the last judgement said: a change of it is part of the trace.
    var truth = Truth.no

    /// An override that stood on a flag when it was resolved.
    struct PastOverride {
        var review: StandingReview
        var hazardCodings: [CodingID]
        var diagnosisCodings: [CodingID] = []

        /// Whether its day has come.
        func hasEnded(by now: Instant) -> Bool { (review.endsAt ?? .never) <= now }

        /// Whether it still stands, for a flag of these medicines and diagnoses; what rests on no
        /// medicine is a new matter each time.
        func covers(_ open: OpenEpisode, at now: Instant) -> Bool {
            !hasEnded(by: now) && !open.hazardCodings.isEmpty
                && open.hazardCodings.allSatisfy(hazardCodings.contains)
                && open.diagnosisCodings.allSatisfy(diagnosisCodings.contains)
        }
    }

    /// Since when a rule has been true, and why it will be raised.
    struct Pending {
        var since: Instant
        var reason: String
        /// When it has been true for long enough; never where it has and nothing but the next look
        /// at the patient, whenever that comes, is to raise it.
        var settlesAt: Instant
        /// The record of the version that what made it true has replaced or withdrawn.
        var corrects: UInt64?
    }

    /// A rule that has raised so many flags and of which nothing stands.
    init(count: Int = 0) {
        self.count = count
    }

    var isOpen: Bool { !opened.isEmpty }

    var open: OpenEpisode? {
        get { opened.first }
        _modify {
            var value = opened.popLast()
            defer { if let value { opened.append(value) } }
            yield &value
        }
    }

    /// The override of the last flag, which also covers a later one of the same medicines.
    var override: PastOverride? {
        get { overridden.first }
        set { overridden = newValue.map { [$0] } ?? [] }
    }

    /// Ends the open flag.
    ///
    /// An override outlives it: its own, or an earlier one that was not about it.
    mutating func close() {
        guard let open else { return }
        if let own = open.pastOverride {
            override = own
        } else if open.inherited != nil {
            override = nil
        }
        self.open = nil
    }

    /// What outlives the rule's being in force: how many flags it has raised, and an override of
    /// them; nil where there is neither.
    var remains: Episode? {
        var ended = self
        ended.close()
        guard count > 0 || ended.override != nil else { return nil }
        var remains = Episode(count: count)
        remains.override = ended.override
        return remains
    }

    /// When the rule must be looked at again.
    var due: Instant {
        let due = min(stableUntil, pending?.settlesAt ?? .never)
        guard let open else { return due }
        return min(due, open.reviewEndsAt, open.remindAt)
    }
}

/// A flag from raise to resolve.
struct OpenEpisode {
    var flagID: String
    var openedAt: Instant
    /// The practice in its topic.
    var practice: String
    var evidence: [Evidence]
    /// What flags of the patient on the same medicine share: the identity of the first of them.
    var group: String
    /// Whether a baseline load raised it.
    var isFromBaseline = false
    /// The codings of every hazard seen so far: one that is new changes the evidence materially.
    var hazardCodings: [CodingID]
    var review: StandingReview?
    /// The override of an earlier flag that this one was raised under.
    var inherited: StandingReview?
    /// Overrides and snoozes up to this record have ended early: what came up since is nothing
    /// that they were about.
    var endedThrough: UInt64?
    /// The severity in its topic.
    var severity: Severity
    /// The codings of every diagnosis among the evidence so far: one that is new ends what people
    /// have decided.
    var diagnosisCodings: [CodingID] = []
    /// What an algorithm said when it was last raised or updated.
    var assessment: Assessment?
    /// The clinical moment with which it began, where its evidence has one.
    var occurredAt: Instant?
    /// When the people responsible are reminded that nobody has reviewed it.
    var remindAt = Instant.never
    /// The alert that nobody has.
    var reminder: Reminder?

    /// Ends an override or snooze early.
    mutating func endReview() {
        guard let review, review.endsAt != nil else { return }
        self.review?.hasEnded = true
        endedThrough = max(endedThrough ?? review.offset, review.offset)
    }

    /// A review as it stands on the flag: one that was ended early stays so.
    func standing(_ review: StandingReview?) -> StandingReview? {
        guard var review, review.endsAt != nil, let endedThrough, review.offset <= endedThrough
        else { return review }
        review.hasEnded = true
        return review
    }

    /// The override that stands on the flag, for what is raised after it.
    var pastOverride: Episode.PastOverride? {
        guard let review, review.content.action == "override", !review.hasEnded else { return nil }
        return Episode.PastOverride(
            review: review, hazardCodings: hazardCodings, diagnosisCodings: diagnosisCodings)
    }

    /// When the override or snooze that stands on the flag ends.
    var reviewEndsAt: Instant {
        guard let review, !review.hasEnded else { return .never }
        return review.endsAt ?? .never
    }

    /// The code of the extension `urn:vigil:review-state`.
    var reviewState: String {
        review?.state ?? "open"
    }
}

extension StandingReview {
    /// The code of `urn:vigil:review-state` that it gives what it is about.
    var state: String {
        guard !hasEnded else { return "open" }
        return switch content.action {
        case "accept": "accepted"
        case "act": "acted"
        case "override": "overridden"
        case "snooze": "snoozed"
        case "hand-over": "handed-over"
        default: "open"
        }
    }
}

/// The identity of a flag from raise to resolve (protocol section 5).
///
/// - Parameters:
///   - origin: the log's.
///   - subject: the patient.
///   - rule: its id.
///   - episode: the number of the episode for the subject and rule, from 1.
/// - Returns: lower-case base32 of the first 16 bytes of
///   SHA-256(origin 0x00 subject 0x00 rule 0x00 episode), 26 characters.
package func flagID(origin: String, subject: String, rule: String, episode: Int) -> String {
    var bytes = Array(origin.utf8)
    for part in [subject, rule, String(episode)] {
        bytes.append(0)
        bytes.append(contentsOf: part.utf8)
    }
    return base32(SHA256.digest(of: bytes).prefix(16))
}
