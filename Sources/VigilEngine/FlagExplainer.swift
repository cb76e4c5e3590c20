// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore
package import VigilLog
internal import VigilPacks

/// Why a flag was raised, from the log alone.
package struct FlagExplanation {
    /// What the event of the raise says.
    package struct Raise: Sendable {
        package var offset: UInt64
        package var time: Instant
        package var reason: String
        package var subject: String
        package var rule: String
        package var pack: String
        package var detail: String
    }

    package var flagID: String
    package var raise: Raise
    package var rule: Rule
    package var pack: PackIdentity
    /// The moment of the values.
    package var at: Instant
    package var numerator: ExplainedDefinition
    package var denominator: ExplainedDefinition
    /// What the records are called that the values name.
    package var descriptions: [UInt64: EvidenceDescription]
}

/// Why nothing can be explained.
package enum ExplanationError: Error, Sendable, CustomStringConvertible {
    case unknownFlag(String)
    case ruleNotInForce(rule: String, at: Instant)

    package var description: String {
        switch self {
        case .unknownFlag(let id): "the log never raised a flag \(id): check its identifier"
        case .ruleNotInForce(let rule, let instant):
            "no pack in force at \(instant) has the rule \(rule): name another moment"
        }
    }
}

/// Explains flags of a log.
package struct FlagExplainer {
    private let directory: String
    private let reader: LogReader
    private let lookup: RecordLookup
    private let decoder = EventDecoder()

    /// An explainer for the log in a data directory, beside its daemon or not.
    ///
    /// - Throws: `LogError` where there is no log that can be read.
    package init(directory: String) throws(LogError) {
        self.directory = directory
        reader = try LogReader(directory: directory)
        let evidence = try LogReader(directory: directory)
        lookup = RecordLookup { try evidence.record(at: $0) }
    }

    /// The rule's definitions with their values when a flag was raised, or at another moment.
    ///
    /// - Parameters:
    ///   - flagID: the flag.
    ///   - moment: nil for the moment of the raise.
    /// - Returns: the definitions, and what there is to say of the flag.
    /// - Throws: `ExplanationError`, `LogError`, `PackError` or `OpeningError`.
    package func explain(_ flagID: String, at moment: Instant?) throws -> FlagExplanation {
        guard let genesis = try reader.record(at: 0) else {
            throw OpeningError.noLog(directory: directory)
        }
        let raise = try findRaise(of: flagID)
        let start = try Sequencer(begunBy: genesis, lookup: lookup).freshFold
        let state = try state(start, raise: raise, moment: moment)
        let at = moment ?? raise.time
        let packs = try state.packs.map { try PackSet.compile($0, settings: state.settings) }
        guard let pack = packs.first(where: { $0.rules.contains { $0.id == raise.rule } }),
            let rule = pack.rules.first(where: { $0.id == raise.rule }),
            let numerator = state.fold.explain(
                rule.numerator, of: pack, subject: raise.subject, at: at),
            let denominator = state.fold.explain(
                rule.denominator, of: pack, subject: raise.subject, at: at)
        else { throw ExplanationError.ruleNotInForce(rule: raise.rule, at: at) }
        var descriptions: [UInt64: EvidenceDescription] = [:]
        for offset in numerator.offsets + denominator.offsets {
            descriptions[offset] = lookup.describe(offset)
        }
        if let failure = lookup.failure { throw failure }
        return FlagExplanation(
            flagID: flagID, raise: raise, rule: rule,
            pack: PackIdentity(id: pack.id, version: pack.version, hash: pack.hash), at: at,
            numerator: numerator, denominator: denominator, descriptions: descriptions)
    }

    /// The raise of a flag: from the newest of its events, which is searched for from the log's
    /// end, by the chain of its subject's records.
    private func findRaise(of flagID: String) throws -> FlagExplanation.Raise {
        let document = JSONDocument()
        let wanted = Array("\"\(flagID)\"".utf8)
        var next = try reader.newest { view in
            // A log of years has millions of outputs: only what names the flag is read as JSON.
            guard view.kind == .output, view.payload.holds(wanted) else { return false }
            let isOwn = try? document.withRoot(of: view.record.payload) {
                $0.member("flagid").first?.text == flagID
            }
            return isOwn ?? false
        }
        while let record = next {
            if record.entry.kind == .output, record.payload[...].holds(wanted),
                let raise = raise(in: record, of: flagID, document)
            {
                return raise
            }
            next = try reader.previous(of: record)
        }
        throw ExplanationError.unknownFlag(flagID)
    }

    private func raise(
        in record: Record, of flagID: String, _ document: JSONDocument
    ) -> FlagExplanation.Raise? {
        try? document.withRoot(of: record.payload) { root -> FlagExplanation.Raise? in
            func text(_ name: StaticString) -> String? { root.member(name).first?.text }
            guard text("flagid") == flagID, text("type")?.hasSuffix(".raised.v1") == true,
                let time = text("time").flatMap({ TimeText.instant(rfc3339: $0.utf8) })
            else { return nil }
            return FlagExplanation.Raise(
                offset: record.entry.offset, time: time, reason: text("reason") ?? "",
                subject: record.entry.subject, rule: text("rule") ?? "", pack: text("pack") ?? "",
                detail: root.member("data").first?.member("detail").first?.text ?? "")
        }
    }

    /// What the log amounts to for an explanation.
    private struct State {
        var fold: Fold
        var packs: [PackSource] = []
        var settings = FoldSettings()
        /// Whether a Patient resource may say that its records are another's.
        var mayHaveLinks = false
    }

    /// What was known of the flag's subject, and the rules in force, when the flag was raised or at
    /// a moment.
    ///
    /// Settings, packs, loads and links lie anywhere before it, and nothing in the log leads from
    /// one to the other: the log up to there is read, and of most records no more than the kind.
    private func state(
        _ start: Fold, raise: FlagExplanation.Raise, moment: Instant?
    ) throws -> State {
        let own = [raise.subject]
        let alone = try fold(start, subjects: own, raise: raise, moment: moment)
        guard alone.mayHaveLinks else { return alone }
        let linked = try fold(
            start, subjects: own, withAllPatients: true, raise: raise, moment: moment)
        let subjects = linked.fold.subjectsRead(with: raise.subject)
        guard subjects.count > 1 else { return linked }
        return try fold(
            start, subjects: subjects, withAllPatients: true, raise: raise, moment: moment)
    }

    /// What was known of some subjects; of all others at most who they are.
    private func fold(
        _ start: Fold, subjects: [String], withAllPatients: Bool = false,
        raise: FlagExplanation.Raise, moment: Instant?
    ) throws -> State {
        var state = State(fold: start)
        let wanted = subjects.map { Array($0.utf8) }
        let patients = Array("patient.".utf8)
        try reader.scan(from: 0, to: moment == nil ? raise.offset : .max) { view in
            if let moment, view.recorded > moment { return .stop }
            guard view.kind != .output else { return .next }
            if view.kind == .input {
                let isPatient = view.topicBytes.starts(with: patients)
                if isPatient, view.payload.mayHaveLinks { state.mayHaveLinks = true }
                guard
                    isPatient && withAllPatients
                        || wanted.contains(where: view.subjectBytes.elementsEqual)
                else { return .next }
            }
            let record = view.record
            switch (view.kind, record.entry.topic) {
            case (.control, "system.pack"):
                switch try PackChange(record: record.payload, settings: state.settings) {
                case .activate(let source, _):
                    state.packs.removeAll { $0.id == source.id }
                    state.packs.append(source)
                case .deactivate(let id): state.packs.removeAll { $0.id == id }
                }
            case (.control, "system.settings"):
                state.settings = FoldSettings(record: record.payload) ?? state.settings
                state.fold.begin(state.settings, packs: [], now: view.recorded)
                _ = state.fold.step(through: .max, now: view.recorded)
            case (.observation, let topic):
                // What names no date does not count in a load.
                guard let load = LoadMessage(topic: topic, payload: record.payload) else { break }
                state.fold.bound(load.bound, source: load.source, now: view.recorded)
            case (.input, _):
                let zone = state.fold.settings.source(record.entry.source).zone
                let decoded = try decoder.decode(record, zone: zone)
                guard case .input(let event) = decoded.event else { break }
                _ = state.fold.take(event, offset: view.offset, now: view.recorded)
            default: break
            }
            return .next
        }
        return state
    }
}

extension ExplainedDefinition {
    /// The records that its value and those of its parts name.
    var offsets: [UInt64] {
        var offsets: [UInt64] = []
        if case .facts(let facts) = value { offsets = facts.map(\.offset) }
        return offsets + parts.flatMap(\.offsets)
    }
}

extension ArraySlice<UInt8> {
    /// Whether some bytes are among the first of an event, where its attributes are.
    fileprivate func holds(_ wanted: [UInt8]) -> Bool { prefix(2048).contains(wanted) }

    /// Whether a Patient resource may have links: the member's name as it is, or with letters that
    /// are written as escapes.
    fileprivate var mayHaveLinks: Bool {
        contains(Array("\"link\"".utf8)) || contains(Array("\\u006".utf8))
    }

    private func contains(_ wanted: [UInt8]) -> Bool {
        withUnsafeBytes { bytes in
            guard let first = wanted.first, bytes.count >= wanted.count else { return false }
            return (0...bytes.count - wanted.count).contains { start in
                bytes[start] == first && bytes[start...].starts(with: wanted)
            }
        }
    }
}
