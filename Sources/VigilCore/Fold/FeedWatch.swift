// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// That a source has been quiet for longer than its rhythm.
package struct SourceSilence: Hashable, Sendable {
    package var source: String
    /// When it was last heard, or when something was first expected of it.
    package var since: Instant
    package var rhythmMilliseconds: Int64

    package init(source: String, since: Instant, rhythmMilliseconds: Int64) {
        self.source = source
        self.since = since
        self.rhythmMilliseconds = rhythmMilliseconds
    }

    /// The moment from which it is silent.
    package var instant: Instant { since.adding(milliseconds: rhythmMilliseconds) }
}

/// When each source was last heard, what it tells of, and which are silent.
///
/// That a source is silent is for the shell to find and for the log to say; everything else
/// follows from the log's inputs. What is added here or to a source is added to its state below
/// as well.
struct FeedWatch: Sendable {
    struct Sender: Sendable {
        let source: String
        var lastHeard: Instant
        /// nil where nothing is expected of it.
        var rhythmMilliseconds: Int64?
        var isSilent = false
        /// When what it has to make up for after a silence will have come.
        var settlesAt: Instant?
        /// The kinds of events that it has sent, by practice: a bit each.
        var kinds: [ExactText: UInt16] = [:]
        /// Patients who would have a flag if the silence said that nothing happened.
        var held: Set<Int> = []

        /// The practice of the last event, of which so much is in `kinds`.
        private var lastPractice = ""
        private var lastKinds: UInt16 = 0

        init(source: String, lastHeard: Instant) {
            self.source = source
            self.lastHeard = lastHeard
        }

        mutating func note(_ kind: UInt16, of practice: String) {
            // A source tells of one practice for long: then there is nothing to look up.
            guard lastKinds & kind == 0 || !lastPractice.isExactly(practice) else { return }
            let key = ExactText(practice)
            let known = (kinds[key] ?? 0) | kind
            kinds[key] = known
            lastPractice = practice
            lastKinds = known
        }

        var silence: SourceSilence? {
            guard !isSilent, let rhythmMilliseconds else { return nil }
            return SourceSilence(
                source: source, since: lastHeard, rhythmMilliseconds: rhythmMilliseconds)
        }
    }

    /// How long after a silence absence goes on to say nothing: the events that a publisher has
    /// kept come one after the other, oldest first.
    static let settleMilliseconds: Int64 = 10 * 60_000

    /// In order of appearance.
    private(set) var sources: [Sender] = []
    private var index: [ExactText: Int] = [:]
    /// Sources that are silent, or were until just now: nothing is asked of the others.
    private(set) var quiet: [Int] = []
    /// The source that was heard last.
    private var recent: Int?
    /// No source becomes silent before this instant.
    private var earliest = Instant.never

    /// Takes note of a source that sent something.
    ///
    /// - Parameters:
    ///   - source: its name.
    ///   - kind: the kind of the event, nil for a message that is about no patient.
    ///   - practice: the practice in the event's topic.
    ///   - now: the log's time.
    /// - Returns: the source's place where that ended its silence.
    mutating func heard(
        _ source: String, _ kind: EventKind?, of practice: String, at now: Instant
    ) -> Int? {
        let isSame = recent.map { $0 < sources.count && sources[$0].source.isExactly(source) }
        let place = isSame == true ? recent ?? 0 : place(of: source, at: now)
        recent = place
        if let kind { sources[place].note(FeedWatch.bit(kind), of: practice) }
        sources[place].lastHeard = max(sources[place].lastHeard, now)
        guard sources[place].isSilent else { return nil }
        sources[place].isSilent = false
        sources[place].settlesAt = now.adding(milliseconds: FeedWatch.settleMilliseconds)
        if let silence = sources[place].silence { earliest = min(earliest, silence.instant) }
        return place
    }

    /// Expects of each source what the settings say.
    mutating func expect(_ settings: FoldSettings, at now: Instant) {
        for place in sources.indices {
            let rhythm = settings.source(sources[place].source).rhythmMilliseconds
            sources[place].rhythmMilliseconds = rhythm
            // Of whom nothing is expected any more nobody can say that it is silent.
            if rhythm == nil, sources[place].isSilent {
                sources[place].isSilent = false
                sources[place].settlesAt = now
                // A change of settings has everybody looked at.
                sources[place].held = []
            }
        }
        for setting in settings.sources where setting.rhythmMilliseconds != nil {
            let place = place(of: setting.source, at: now)
            sources[place].rhythmMilliseconds = setting.rhythmMilliseconds
        }
        findEarliest()
    }

    /// The source that is silent first, at or before an instant; of two the one that appeared
    /// first.
    mutating func next(through limit: Instant) -> SourceSilence? {
        guard earliest <= limit else { return nil }
        findEarliest()
        guard earliest <= limit else { return nil }
        return sources.lazy.compactMap(\.silence).first { $0.instant == earliest }
    }

    private mutating func findEarliest() {
        earliest = sources.reduce(.never) { min($0, $1.silence?.instant ?? .never) }
    }

    /// Takes note that the log says of a source that it is silent.
    mutating func fallsSilent(_ source: String, at now: Instant) {
        let place = place(of: source, at: now)
        sources[place].isSilent = true
        sources[place].settlesAt = nil
        if !quiet.contains(place) { quiet.append(place) }
    }

    /// Until when a silence keeps a kind's absence at a practice from saying anything; nil where
    /// it does not.
    func unknown(_ kind: EventKind, of practice: String, at now: Instant) -> Instant? {
        var until: Instant?
        for place in quiet {
            let source = sources[place]
            guard (source.kinds[ExactText(practice)] ?? 0) & FeedWatch.bit(kind) != 0 else {
                continue
            }
            let end = source.isSilent ? Instant.never : source.settlesAt ?? now
            if end > now { until = max(until ?? end, end) }
        }
        return until
    }

    /// Keeps a patient in mind who is to be looked at when the silence of some kinds is over.
    mutating func hold(_ patient: Int, kinds: [EventKind], of practice: String) {
        let wanted = kinds.reduce(0) { $0 | FeedWatch.bit($1) }
        for place in quiet where sources[place].isSilent {
            guard (sources[place].kinds[ExactText(practice)] ?? 0) & wanted != 0 else { continue }
            sources[place].held.insert(patient)
        }
    }

    /// Hands out whom a source's silence has kept, in the order of their first appearance, and
    /// when they are to be looked at.
    mutating func takeHeld(_ place: Int) -> (patients: [Int], at: Instant)? {
        guard let settlesAt = sources[place].settlesAt else { return nil }
        let held = sources[place].held.sorted()
        sources[place].held = []
        return (held, settlesAt)
    }

    /// Forgets silences that were over long enough ago.
    mutating func forgetSettled(at now: Instant) {
        guard !quiet.isEmpty else { return }
        quiet.removeAll { place in
            !sources[place].isSilent && (sources[place].settlesAt ?? now) <= now
                && sources[place].held.isEmpty
        }
    }

    /// The sources that are silent, in order of appearance.
    var silences: [SourceSilence] {
        sources.compactMap { source in
            guard source.isSilent, let rhythm = source.rhythmMilliseconds else { return nil }
            return SourceSilence(
                source: source.source, since: source.lastHeard, rhythmMilliseconds: rhythm)
        }
    }

    private mutating func place(of source: String, at now: Instant) -> Int {
        let key = ExactText(source)
        if let known = index[key] { return known }
        let place = sources.count
        index[key] = place
        sources.append(Sender(source: source, lastHeard: now))
        return place
    }

    private static func bit(_ kind: EventKind) -> UInt16 {
        switch kind {
        case .patient: 1
        case .encounter: 2
        case .condition: 4
        case .prescription: 8
        case .observation: 16
        case .device: 32
        case .review: 64
        }
    }
}

extension FeedWatch: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(sources)
        state.write(quiet)
    }

    init(state: inout StateReader) throws(StateError) {
        sources = try state.read()
        quiet = try state.read()
        guard quiet.allSatisfy(sources.indices.contains) else { throw StateError() }
        for (place, source) in sources.enumerated() { index[ExactText(source.source)] = place }
        findEarliest()
    }
}

extension FeedWatch.Sender: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(source)
        state.write(lastHeard)
        state.write(rhythmMilliseconds)
        state.write(isSilent)
        state.write(settlesAt)
        state.writeNumber(UInt64(kinds.count))
        // In an order that is chance: nothing that is read back depends on it.
        for (practice, bits) in kinds {
            state.write(practice)
            state.write(UInt64(bits))
        }
        state.write(held.sorted())
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(source: try state.read(), lastHeard: try state.read())
        rhythmMilliseconds = try state.read()
        isSilent = try state.read()
        settlesAt = try state.read()
        for _ in 0..<(try state.readCount()) {
            let practice = try state.read(ExactText.self)
            kinds[practice] = UInt16(truncatingIfNeeded: try state.read(UInt64.self))
        }
        held = Set(try state.read([Int].self))
    }
}

extension Fold {
    /// The source that becomes silent first, at or before an instant; nil where none does.
    package mutating func nextSilence(through limit: Instant) -> SourceSilence? {
        watch.next(through: limit)
    }

    /// Takes note that the log says of a source that it is silent.
    package mutating func fallsSilent(_ source: String, now: Instant) {
        watch.fallsSilent(source, at: now)
    }

    /// The sources that are silent, in order of appearance.
    package var silences: [SourceSilence] { watch.silences }

    /// Takes note of a source that sent a message about no patient.
    package mutating func heard(_ source: String, now: Instant) {
        heard(source, nil, of: "", now: now)
    }

    /// Takes note of a source that sent something, and has those looked at in good time whom its
    /// silence has kept from a flag.
    mutating func heard(
        _ source: String, _ kind: EventKind?, of practice: String, now: Instant
    ) {
        watch.forgetSettled(at: now)
        guard let place = watch.heard(source, kind, of: practice, at: now) else { return }
        release(place)
    }

    private mutating func release(_ place: Int) {
        guard let (held, instant) = watch.takeHeld(place) else { return }
        // A rule that only counts is never looked at: it would stay due for ever.
        let resting = rules.indices.filter {
            !rules[$0].rule.absences.isEmpty && rules[$0].rule.emits != .indicators
        }
        for patient in held where patients[patient].mergedInto == nil {
            for rule in resting {
                let stable = patients[patient].episodes[rule].stableUntil
                patients[patient].episodes[rule].stableUntil = min(stable, instant)
            }
            dueQueue.set(patients[patient].due, patient: patient)
        }
    }

    /// Keeps a patient in mind whose flag only a silence stands in the way of.
    mutating func holdForSilence(_ verdict: Verdict, patient: Int, rule: Int) {
        let absences = rules[rule].rule.absences
        guard verdict.truth == .unknown, !absences.isEmpty, !watch.quiet.isEmpty else { return }
        watch.hold(patient, kinds: absences.map(\.kind), of: patients[patient].practice)
    }
}
