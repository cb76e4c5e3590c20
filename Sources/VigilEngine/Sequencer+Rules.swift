// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
package import VigilPacks

extension Sequencer {
    /// The settings in force.
    package var settings: FoldSettings { fold.settings }

    /// Puts a change of the packs in force into the log; steps bring the patients up to it.
    package mutating func change(_ change: PackChange, now: Instant) -> Unit {
        packs.apply(change, recordedAt: nextOffset)
        let cause = control("pack", now: now) { change.encode(to: &$0) }
        fold.begin(packs.compiled)
        return cause
    }

    /// Puts settings into the log, whole; steps bring the patients up to them.
    ///
    /// - Throws: where a pack in force does not compile.
    package mutating func change(
        _ settings: FoldSettings, now: Instant
    ) throws(PackError) -> Unit {
        var packs = packs
        try packs.apply(settings, before: fold.settings)
        self.packs = packs
        let cause = control("settings", now: now) { settings.encode(to: &$0) }
        fold.begin(settings, packs: packs.compiled, now: now)
        return cause
    }

    /// Takes a rule out of service, or puts it back; steps bring the patients up to it.
    package mutating func change(_ order: SuspensionOrder, now: Instant) -> Unit {
        let cause = control(order.isResumption ? "resume" : "suspend", now: now) {
            order.encode(to: &$0)
        }
        let suspension = order.suspension
        if order.isResumption {
            fold.endSuspension(ofRule: suspension.rule, practice: suspension.practice)
        } else {
            fold.begin(suspension)
        }
        return cause
    }

    /// Whether patients are left to be brought up to a change, or looked at after a load.
    package var isStepping: Bool { fold.isStepping || fold.waitingPatientCount > 0 }

    /// Brings up the patients that come next, as many as are a step.
    ///
    /// What is due by now must have been worked off.
    package mutating func step(now: Instant) -> Unit {
        guard fold.isStepping else { return release(now: now) }
        fold.trace.cause = nextOffset
        let (outputs, end) = fold.step(now: now)
        return step(through: end, outputs, now: now)
    }

    /// Brings up patients as the step of an earlier run did.
    mutating func step(through end: Int, now: Instant) -> Unit {
        fold.trace.cause = nextOffset
        return step(through: end, fold.step(through: end, now: now), now: now)
    }

    private mutating func step(through end: Int, _ outputs: [Output], now: Instant) -> Unit {
        let offset = nextOffset
        let cause = control("step", now: now) { $0.number("through", end) }
        return write(outputs, after: cause, causation: offset, time: now, now: now)
    }

    /// Takes in a control record of an earlier run that changes rules; nil for any other.
    mutating func changeRules(by record: Record) throws(ReplayDifference) -> Unit? {
        let entry = record.entry
        func unreadable(_ what: String) -> ReplayDifference {
            ReplayDifference(offset: entry.offset, what: "the \(what) cannot be read")
        }
        switch entry.topic {
        case "system.pack":
            do throws(PackError) {
                return change(
                    try PackChange(record: record.payload, settings: settings),
                    now: entry.recorded)
            } catch {
                throw unreadable("pack (\(error))")
            }
        case "system.settings":
            guard let settings = FoldSettings(record: record.payload) else {
                throw unreadable("settings")
            }
            do throws(PackError) {
                return try change(settings, now: entry.recorded)
            } catch {
                throw unreadable("pack (\(error)) with the settings")
            }
        case "system.suspend", "system.resume":
            guard
                let order = SuspensionOrder(
                    record: record.payload, isResumption: entry.topic == "system.resume")
            else { throw unreadable("suspension") }
            return change(order, now: entry.recorded)
        case "system.step":
            if let end = record.data("through").flatMap({ Int($0) }) {
                return step(through: end, now: entry.recorded)
            }
            guard let count = record.data("loaded").flatMap({ Int($0) }) else {
                throw unreadable("step")
            }
            return release(count, now: entry.recorded)
        default:
            return nil
        }
    }
}

/// An order to take a rule out of service for a practice or for all, or to put it back.
package struct SuspensionOrder: Hashable, Sendable {
    package var suspension: Suspension
    package var isResumption: Bool

    package init(_ suspension: Suspension, isResumption: Bool) {
        self.suspension = suspension
        self.isResumption = isResumption
    }

    func encode(to json: inout JSONWriter) {
        json.string("rule", suspension.rule)
        json.string("practice", orNull: suspension.practice)
        json.string("reason", suspension.reason)
    }

    init?(record payload: [UInt8], isResumption: Bool) {
        let read = try? JSONDocument().withRoot(of: payload) { root -> Suspension? in
            guard let data = root.member("data").first,
                let rule = data.member("rule").first?.text,
                let practice = data.member("practice").first,
                let reason = data.member("reason").first?.text
            else { return nil }
            return Suspension(
                rule: rule, practice: practice.kind == .string ? practice.text : nil,
                reason: reason)
        }
        guard let suspension = read.flatMap({ $0 }) else { return nil }
        self.init(suspension, isResumption: isResumption)
    }
}
