// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fold {
    /// How far ahead of the log's clock a review's date may be, in milliseconds.
    private static let reviewLeadMilliseconds: Int64 = 5 * 60 * 1000

    /// Checks a review against the flag that it names (protocol section 7).
    ///
    /// - Throws: `unknown-flag`, `subject-mismatch`, `topic-mismatch`, `invalid-element` or
    ///   `stale-review`, in the order of protocol section 4.
    package func check(
        _ review: ReviewContent, event: InputEvent, now: Instant
    ) throws(Rejection) {
        let flag = flags[review.flagID]
        if let flag {
            if event.practice != flag.practice {
                throw Rejection(
                    .topicMismatch, "The flag is of another practice: publish on its topic.")
            }
            if let date = review.date.instant {
                guard date >= flag.openedAt else {
                    throw Rejection(
                        .invalidElement, "The review is dated before the flag was raised.",
                        at: "/data/mitigation/0/date")
                }
                guard date <= now.adding(milliseconds: Fold.reviewLeadMilliseconds) else {
                    throw Rejection(
                        .invalidElement, "The review is dated after the log's clock.",
                        at: "/data/mitigation/0/date")
                }
            }
            if patients[flag.patient].subject != event.subject {
                throw Rejection(
                    .subjectMismatch, "The flag is another patient's: correct the subject.",
                    at: "/subject")
            }
            if let seen = review.seen.flatMap({ UInt64($0) }), seen < flag.newest {
                throw Rejection(
                    .staleReview,
                    "The flag has changed since: look at event \(flag.newest) and review again.",
                    at: "/data/mitigation/0/extension")
            }
            return
        }
        throw Rejection(
            .unknownFlag, "No such flag was ever raised in this log: check the flag's identifier.",
            at: "/data/identifier/0/value")
    }

    /// Lets a review stand on its flag where it is the latest.
    mutating func take(
        _ review: ReviewContent, patient: Int, offset: UInt64, now: Instant
    ) -> [Output] {
        for (position, active) in rules.enumerated() {
            guard var open = patients[patient].episodes[position].open,
                open.flagID == review.flagID
            else { continue }
            let instant = review.date.instant ?? zone.start(of: review.date.writtenDay)
            if let standing = open.review, instant < standing.instant { return [] }
            open.review = StandingReview(content: review, instant: instant, offset: offset)
            patients[patient].episodes[position].open = open
            return [
                .flag(flagEvent(.reviewed, open, rule: active.rule, pack: active.pack, patient))
            ]
        }
        return []
    }
}
