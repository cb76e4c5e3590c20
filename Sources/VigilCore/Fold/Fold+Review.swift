// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The newest version of a review; without content it was taken back.
struct HeldReview {
    var key: Patient.ResourceKey
    var version: ResourceVersion
    var content: ReviewContent?
    var offset: UInt64
}

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
        guard let flag = flags[review.flagID] else {
            throw Rejection(
                .unknownFlag,
                "No such flag was ever raised in this log: check the flag's identifier.",
                at: "/data/identifier/0/value")
        }
        if event.practice != flag.practice {
            throw Rejection(
                .topicMismatch, "The flag is of another practice: publish on its topic.")
        }
        try checkDates(of: review, flag: flag, now: now)
        if !patients[flag.patient].subject.isExactly(event.subject) {
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
    }

    private func checkDates(
        of review: ReviewContent, flag: KnownFlag, now: Instant
    ) throws(Rejection) {
        let latest = now.adding(milliseconds: Fold.reviewLeadMilliseconds)
        let day = review.date.day(in: zone)
        // A date without a time is as late, and as early, as its day may be.
        let isEarly =
            review.date.instant.map { $0 < flag.openedAt } ?? (day < zone.day(of: flag.openedAt))
        let isLate = review.date.instant.map { $0 > latest } ?? (day > zone.day(of: latest))
        if isEarly || isLate {
            throw Rejection(
                .invalidElement,
                isEarly
                    ? "The review is dated before the flag was raised."
                    : "The review is dated after the log's clock.",
                at: "/data/mitigation/0/date")
        }
        guard let until = review.until?.writtenDay else { return }
        let longest: Int32 =
            switch review.action {
            case "snooze": flag.severity == .high ? 28 : 90
            case "override": 366
            default: .max
            }
        guard until > day,
            until.number.subtractingReportingOverflow(day.number).partialValue
                <= longest
        else {
            throw Rejection(
                .invalidElement,
                until > day
                    ? "until is more than \(longest) days after the date."
                    : "until is not after the date.",
                at: "/data/mitigation/0/extension")
        }
    }

    /// Takes in a version of a review, or what takes it back, and says where another review now
    /// stands on a flag.
    mutating func takeReview(
        _ event: InputEvent, patient: Int, offset: UInt64, now: Instant
    ) -> [Output] {
        let key = Patient.ResourceKey(
            source: ExactText(event.source), type: .detectedIssue,
            id: IdentifierHash(event.resource.id))
        let version = ResourceVersion(
            number: event.resource.versionNumber, lastUpdated: event.resource.lastUpdated,
            time: event.time, offset: offset)
        let known = patients[patient].reviews.firstIndex { $0.key == key }
        if let known, version < patients[patient].reviews[known].version { return [] }
        var content: ReviewContent?
        if case .review(let review) = event.resource.content { content = review }
        let held = HeldReview(key: key, version: version, content: content, offset: offset)
        if let known {
            patients[patient].reviews[known] = held
        } else {
            patients[patient].reviews.append(held)
        }
        var outputs: [Output] = []
        for position in patients[patient].episodes.open {
            let active = rules[position]
            guard var open = patients[patient].episodes[position].open else { continue }
            let latest = open.standing(
                latestReview(of: open.flagID, patient: patient, now: now)
                    ?? standing(open.inherited, patient: patient))
            guard latest?.offset != open.review?.offset else { continue }
            open.review = latest
            open.remindAt = reminderDue(open, from: now)
            patients[patient].episodes[position].open = open
            outputs.append(.flag(flagEvent(.reviewed, open, of: active, patient)))
            guard open.review != nil else { continue }
            patients[patient].episodes[position].open?.reminder = nil
            outputs += endReminder(of: open, patient: patient, now: now)
        }
        outputs += reviewReminders(patient: patient, now: now)
        dueQueue.set(patients[patient].due, patient: patient)
        return outputs
    }

    /// A review of an earlier flag, unless it has been taken back.
    func standing(_ review: StandingReview?, patient: Int) -> StandingReview? {
        let held = patients[patient].reviews
        return held.contains { $0.content != nil && $0.offset == review?.offset } ? review : nil
    }

    /// The review of the latest date, then of the greatest offset.
    func latestReview(of flagID: String, patient: Int, now: Instant) -> StandingReview? {
        var latest: StandingReview?
        for held in patients[patient].reviews {
            guard let content = held.content, content.flagID == flagID else { continue }
            let instant = content.date.instant ?? zone.start(of: content.date.writtenDay)
            if let latest, (instant, held.offset) < (latest.instant, latest.offset) { continue }
            let endsAt = end(of: content)
            latest = StandingReview(
                content: content, instant: instant, offset: held.offset, endsAt: endsAt,
                hasEnded: endsAt.map { $0 <= now } ?? false)
        }
        return latest
    }

    /// 00:00 of the day named by `until`; an override without one lasts 12 months.
    private func end(of review: ReviewContent) -> Instant? {
        switch review.action {
        case "snooze": review.until.map { zone.start(of: $0.writtenDay) }
        case "override":
            (review.until?.writtenDay ?? review.date.day(in: zone).adding(months: 12)).map {
                zone.start(of: $0)
            }
        default: nil
        }
    }
}
