// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where one rule stands for one patient.
///
/// What is added here or to a part of it is added in `Episode+State.swift` as well.
struct Episode {
    /// How many flags the rule has raised for the patient.
    var count = 0
    // Few rules have one, and it is wide: it is kept aside, as an array of at most one.
    private var opened: [OpenEpisode] = []
    /// The overrides of flags that have ended, which also cover later ones of the same medicines;
    /// in the order in which they were kept.
    var overrides: [PastOverride] = []
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

        /// Whether another one says nothing that this one does not: it is not later, and of no
        /// other medicine or diagnosis.
        func says(_ other: PastOverride) -> Bool {
            (other.review.instant, other.review.offset) <= (review.instant, review.offset)
                && other.hazardCodings.allSatisfy(hazardCodings.contains)
                && other.diagnosisCodings.allSatisfy(diagnosisCodings.contains)
        }

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

    /// A rule that has raised so many flags and of which nothing but overrides stands.
    init(count: Int = 0, overrides: [PastOverride] = []) {
        self.count = count
        self.overrides = overrides
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

    /// Keeps an override in place of those that say no more, and drops those whose day has come.
    mutating func keep(_ override: PastOverride, now: Instant) {
        overrides.removeAll { $0.hasEnded(by: now) }
        guard !override.hasEnded(by: now), !overrides.contains(where: { $0.says(override) }) else {
            return
        }
        overrides.removeAll { override.says($0) }
        overrides.append(override)
    }

    /// Ends the open flag.
    ///
    /// Overrides outlive it: its own, and earlier ones that it did not bring to an end.
    mutating func close(now: Instant) {
        guard let open else { return }
        let own = open.pastOverride
        if let inherited = open.inherited, own?.review.offset != inherited.offset {
            // What was decided since stands in place of all that covered it.
            overrides.removeAll {
                $0.review.offset == inherited.offset || $0.covers(open, at: now)
            }
        }
        if let own { keep(own, now: now) }
        self.open = nil
    }

    /// What outlives the rule's being in force: how many flags it has raised, and overrides of
    /// them; nil where there is neither.
    func remains(now: Instant) -> Episode? {
        var ended = self
        ended.close(now: now)
        guard count > 0 || !ended.overrides.isEmpty else { return nil }
        return Episode(count: count, overrides: ended.overrides)
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
    var flagID: FlagID
    var openedAt: Instant
    /// The practice in its topic.
    var practice: String
    var evidence: [Evidence]
    /// What flags of the patient on the same medicine share: the identity of the first of them.
    var group: FlagID
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
