// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore

/// Logs that another version of the engine has written, and how this one takes them over.
extension Sequencer {
    /// Whether what is read now was decided by another engine.
    package var isForeign: Bool { semantics != engineSemantics }

    /// The state at the beginning of the log, for whoever decides it all anew.
    var freshFold: Fold {
        var fresh = fold
        fresh.isAdopting = false
        return fresh
    }

    /// Puts into the log that this engine decides from here on; steps look at the patients again.
    package mutating func takeOver(now: Instant) -> Unit {
        takeOver(semantics: engineSemantics, now: now)
    }

    private mutating func takeOver(semantics number: Int, now: Instant) -> Unit {
        let cause = control("semantics", now: now) { $0.number("semantics", number) }
        semantics = number
        uncheckedCount = nextOffset
        guard !isForeign else { return cause }
        traced = nextOffset
        fold.endAdoption()
        return cause
    }

    /// The semantics that a record goes over to; nil for any other record.
    package static func semantics(of record: Record) -> Int? {
        guard record.entry.topic == "system.semantics" else { return nil }
        return record.data("semantics").flatMap { Int($0) }
    }

    /// Takes in that an engine has taken the log over in an earlier run.
    mutating func changeSemantics(by record: Record) throws(ReplayDifference) -> Unit {
        guard let number = Sequencer.semantics(of: record) else {
            throw ReplayDifference(
                offset: record.entry.offset, what: "the semantics cannot be read")
        }
        guard number > semantics, number <= engineSemantics else {
            throw ReplayDifference(
                offset: record.entry.offset,
                what: "semantics \(number) after \(semantics), and this version has "
                    + "\(engineSemantics)")
        }
        return takeOver(semantics: number, now: record.entry.recorded)
    }

    /// Takes in a record that was decided by another engine, as it stands.
    mutating func adopt(_ record: Record, decode: InputDecoding) throws(ReplayDifference) {
        let entry = record.entry
        uncheckedCount = entry.offset + 1
        let unit: Unit
        switch (entry.kind, entry.topic) {
        case (.output, _): unit = [adoptOutput(record)]
        case (.control, "system.clock"): unit = try adoptClock(record)
        default: unit = try fold(record, decode: decode)
        }
        guard let draft = unit.first else { return }
        try compare(draft, with: record, .place)
    }

    private mutating func adoptClock(_ record: Record) throws(ReplayDifference) -> Unit {
        let entry = record.entry
        guard let due = record.data("instant").flatMap({ TimeText.instant(rfc3339: $0.utf8) })
        else {
            throw ReplayDifference(offset: entry.offset, what: "the clock cannot be read")
        }
        let subject = entry.subject.isEmpty ? nil : entry.subject
        let cause = clockRecord(at: due, subject: subject, recorded: entry.recorded)
        // A clock of nobody is the end of a day.
        if subject == nil {
            _ = fold.closeCoverage(at: due)
            _ = desk.close(at: due)
        }
        return [cause]
    }

    private mutating func adoptOutput(_ record: Record) -> Draft {
        let entry = record.entry
        let offset = nextOffset
        _ = place(
            offset, causation: entry.causation, time: entry.recorded, topic: entry.topic)
        let draft = draft(
            .output, topic: entry.topic, source: identity.origin, id: String(offset),
            subject: entry.subject, causation: entry.causation, recorded: entry.recorded,
            payload: .bytes(record.payload))
        if entry.topic == "system.trace" {
            fold.trace.begin()
            traced = nextOffset
        } else if entry.topic.hasPrefix("system.data-quality.") {
            if let unreadable = record.data("offset").flatMap({ UInt64($0) }) {
                fold.adopt(unreadable: unreadable, subject: entry.subject)
            }
        } else if let told = RecordedFlag(record) {
            flagChanges.append(
                FlagChange(
                    flagID: told.flagID, transition: told.transition, topic: entry.topic,
                    offset: offset, goesOn: told.goesOn))
            if let event = fold.adopt(told, offset: offset, now: entry.recorded) {
                if event.transition == .raised {
                    _ = desk.delivery(
                        of: event, at: entry.recorded, budgets: settings.budgets)
                }
                desk.note(event, offset: offset)
            }
        }
        return draft
    }
}

extension RecordedFlag {
    /// Reads an event of a flag or alert; nil for any other record.
    fileprivate init?(_ record: Record) {
        let kinds = ["flag.", "alert.", "shadow."]
        guard kinds.contains(where: record.entry.topic.hasPrefix) else { return nil }
        let read = try? JSONDocument().withRoot(of: record.payload) { root -> RecordedFlag? in
            func text(_ name: StaticString) -> String? { root.member(name).first?.text }
            func identity(_ name: StaticString) -> FlagID? { text(name).flatMap { FlagID($0) } }
            guard let type = text("type"), let flagID = identity("flagid"),
                let group = identity("group"), let rule = text("rule"),
                let practice = text("practice"),
                let severity = text("severity").flatMap({ Severity(rawValue: $0) }),
                let transition = type.split(separator: ".").dropLast().last.flatMap({
                    FlagEvent.Transition(rawValue: String($0))
                })
            else { return nil }
            var told = RecordedFlag(
                transition: transition, flagID: flagID, subject: record.entry.subject, rule: rule,
                practice: practice, severity: severity, group: group, reason: text("reason"),
                delivery: text("delivery").flatMap { FlagEvent.Delivery(rawValue: $0) } ?? .now)
            let data = root.member("data").first
            told.reviewState =
                data?.member("extension").first?.children
                .first { $0.member("url").first?.text == "urn:vigil:review-state" }?
                .member("valueCode").first?.text
            if text("pack") == "vigil" {
                let about =
                    data?.member("basis").first?.children
                    .compactMap { $0.member("identifier").first }
                    .first { $0.member("system").first?.text == "urn:vigil:flag" }
                told.about = (about?.member("value").first?.text).flatMap { FlagID($0) }
            }
            return told
        }
        guard let told = read.flatMap({ $0 }) else { return nil }
        self = told
    }
}
