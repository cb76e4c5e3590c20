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

    /// Checks the practice of the flag that a review names, where there is such a flag, and the
    /// days that it names (protocol section 7).
    ///
    /// - Throws: `topic-mismatch` or `invalid-element`.
    package func checkBounds(
        of review: ReviewContent, at places: ReviewPlaces, event: InputEvent, now: Instant
    ) throws(Rejection) {
        let flag = knownFlag(review.flagID)?.flag
        if let flag, event.practice != flag.practice {
            throw Rejection(
                .topicMismatch, "The flag is of another practice: publish on its topic.")
        }
        let date = faultOfDate(review, places, flag: flag, now: now)
        let until = faultOfUntil(review, places, flag: flag)
        if let fault = places.isUntilFirst ? until ?? date : date ?? until { throw fault }
    }

    /// Checks that the flag that a review names was raised, of its patient, and not changed since.
    ///
    /// - Throws: `subject-mismatch`, `unknown-flag` or `stale-review`.
    package func checkFlag(
        of review: ReviewContent, at places: ReviewPlaces, event: InputEvent
    ) throws(Rejection) {
        guard let (patient, flag) = knownFlag(review.flagID) else {
            throw Rejection(
                .unknownFlag,
                "No such flag was ever raised in this log: check the flag's identifier.",
                at: places.flag)
        }
        if !patients[patient].subject.isExactly(event.subject) {
            throw Rejection(
                .subjectMismatch, "The flag is another patient's: correct the subject.",
                at: "/subject")
        }
        if let seen = review.seen.flatMap({ UInt64($0) }), seen < flag.newest {
            throw Rejection(
                .staleReview,
                "The flag has changed since: look at event \(flag.newest) and review again.",
                at: places.seen)
        }
    }

    private func faultOfDate(
        _ review: ReviewContent, _ places: ReviewPlaces, flag: KnownFlag?, now: Instant
    ) -> Rejection? {
        let latest = now.adding(milliseconds: Fold.reviewLeadMilliseconds)
        let day = review.date.day(in: zone)
        // A date without a time is as late, and as early, as its day may be.
        let isEarly =
            flag.map { flag in
                review.date.instant.map { $0 < flag.openedAt }
                    ?? (day < zone.day(of: flag.openedAt))
            } ?? false
        let isLate = review.date.instant.map { $0 > latest } ?? (day > zone.day(of: latest))
        guard isEarly || isLate else { return nil }
        return Rejection(
            .invalidElement,
            isEarly
                ? "The review is dated before the flag was raised."
                : "The review is dated after the log's clock.",
            at: places.date)
    }

    private func faultOfUntil(
        _ review: ReviewContent, _ places: ReviewPlaces, flag: KnownFlag?
    ) -> Rejection? {
        guard let until = review.until?.writtenDay else { return nil }
        let day = review.date.day(in: zone)
        let longest: Int32 =
            switch review.action {
            case "snooze": flag?.severity == .high ? 28 : 90
            case "override": 366
            default: .max
            }
        let days = until.number.subtractingReportingOverflow(day.number).partialValue
        if until > day, days <= longest { return nil }
        return Rejection(
            .invalidElement,
            until > day
                ? "until is more than \(longest) days after the date."
                : "until is not after the date.",
            at: places.until)
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
        if case .review(let review, _) = event.resource.content { content = review }
        let held = HeldReview(key: key, version: version, content: content, offset: offset)
        if let known {
            patients[patient].reviews[known] = held
        } else {
            patients[patient].reviews.append(held)
        }
        let outputs = restateReviews(patient: patient, now: now)
        let whole = survivor(of: patient)
        guard whole != patient else { return outputs }
        return outputs + bringUp(patient: whole, now: now)
            + restateReviews(patient: whole, now: now)
    }

    /// Says on which of a patient's open flags another review now stands.
    mutating func restateReviews(patient: Int, now: Instant) -> [Output] {
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

    /// The newest override of earlier flags that covers one that is being raised.
    func inherited(
        by open: OpenEpisode, patient: Int, rule: Int, now: Instant
    ) -> StandingReview? {
        patients[patient].episodes[rule].overrides.filter { $0.covers(open, at: now) }
            .compactMap { standing($0.review, patient: patient) }
            .max { ($0.instant, $0.offset) < ($1.instant, $1.offset) }
    }

    /// A review of an earlier flag, of the patient's or of one whose records are read as the
    /// patient's, unless it has been taken back.
    func standing(_ review: StandingReview?, patient: Int) -> StandingReview? {
        guard let review else { return nil }
        let isHeld = ([patient] + (merges.members[patient] ?? [])).contains { index in
            patients[\.reviews, of: index].contains {
                $0.content != nil && $0.offset == review.offset
            }
        }
        return isHeld ? review : nil
    }

    /// The review of the latest date, then of the greatest offset.
    func latestReview(of flag: FlagID, patient: Int, now: Instant) -> StandingReview? {
        let flagID = flag.text
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
