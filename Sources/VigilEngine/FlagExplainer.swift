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
        var state = try fold(start, subjects: [raise.subject], raise: raise, moment: moment)
        let subjects = state.fold.subjectsRead(with: raise.subject)
        if subjects.count > 1 {
            state = try fold(start, subjects: subjects, raise: raise, moment: moment)
        }
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

    private func findRaise(of flagID: String) throws -> FlagExplanation.Raise {
        var found: FlagExplanation.Raise?
        let document = JSONDocument()
        let wanted = Array("\"\(flagID)\"".utf8)
        try reader.scan(from: 0) { view in
            // A log of years has millions of outputs: only what names the flag is read as JSON.
            guard view.kind == .output, view.payload.holds(wanted) else { return .next }
            let record = view.record
            found = try? document.withRoot(of: record.payload) { root -> FlagExplanation.Raise? in
                func text(_ name: StaticString) -> String? { root.member(name).first?.text }
                guard text("flagid") == flagID, text("type")?.hasSuffix(".raised.v1") == true,
                    let time = text("time").flatMap({ TimeText.instant(rfc3339: $0.utf8) })
                else { return nil }
                let data = root.member("data").first
                let risk = data?.member("prediction").first?.children.first
                return FlagExplanation.Raise(
                    offset: record.entry.offset, time: time, reason: text("reason") ?? "",
                    subject: record.entry.subject, rule: text("rule") ?? "",
                    pack: text("pack") ?? "",
                    detail: data?.member("detail").first?.text
                        ?? risk?.member("rationale").first?.text ?? "")
            }
            return found == nil ? .next : .stop
        }
        guard let found else { throw ExplanationError.unknownFlag(flagID) }
        return found
    }

    /// What was known of some subjects, and the rules in force, when the flag was raised or at a
    /// moment; of all others no more than who they are.
    private func fold(
        _ start: Fold, subjects: [String], raise: FlagExplanation.Raise, moment: Instant?
    ) throws -> (fold: Fold, packs: [PackSource], settings: FoldSettings) {
        var fold = start
        var packs: [PackSource] = []
        var settings = FoldSettings()
        let wanted = subjects.map { Array($0.utf8) }
        let patients = Array("patient.".utf8)
        try reader.scan(from: 0, to: moment == nil ? raise.offset : .max) { view in
            if let moment, view.recorded > moment { return .stop }
            // Any Patient resource may say that its records are another's; of all other events
            // only the subjects' own are read.
            if view.kind == .output
                || view.kind == .input && !view.topicBytes.starts(with: patients)
                    && !wanted.contains(where: view.subjectBytes.elementsEqual)
            {
                return .next
            }
            let record = view.record
            switch (view.kind, record.entry.topic) {
            case (.control, "system.pack"):
                switch try PackChange(record: record.payload, settings: settings) {
                case .activate(let source, _):
                    packs.removeAll { $0.id == source.id }
                    packs.append(source)
                case .deactivate(let id): packs.removeAll { $0.id == id }
                }
            case (.control, "system.settings"):
                settings = FoldSettings(record: record.payload) ?? settings
                fold.begin(settings, packs: [], now: view.recorded)
                _ = fold.step(through: .max, now: view.recorded)
            case (.observation, let topic):
                // What names no date does not count in a load.
                guard let load = LoadMessage(topic: topic, payload: record.payload) else { break }
                fold.bound(load.bound, source: load.source, now: view.recorded)
            case (.input, _):
                let zone = fold.settings.source(record.entry.source).zone
                let decoded = try decoder.decode(record, zone: zone)
                guard case .input(let event) = decoded.event else { break }
                _ = fold.take(event, offset: view.offset, now: view.recorded)
            default: break
            }
            return .next
        }
        return (fold, packs, settings)
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
    fileprivate func holds(_ wanted: [UInt8]) -> Bool {
        guard let first = wanted.first else { return true }
        let head = prefix(2048)
        var rest = head[...]
        while let place = rest.firstIndex(of: first) {
            if rest[place...].starts(with: wanted) { return true }
            rest = rest[(place + 1)...]
        }
        return false
    }
}
