// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization
package import VigilCore
internal import VigilPacks
internal import VigilTransport

/// What an operator orders of a running daemon.
package enum Order: Sendable {
    /// Packs to be put in force, in place of those of the same ids.
    case activate([PackChange])
    /// What the configuration says now: those packs and no others, and those settings.
    case configure([PackChange], FoldSettings)
    case suspend(SuspensionOrder)
    /// A list of the rules in force.
    case rules
}

/// What became of an order.
package enum OrderOutcome: Sendable {
    /// The offset of its last record, which is durable; nil where there was nothing to do.
    case done(offset: UInt64?)
    /// Why nothing was done, as a sentence.
    case refused(String)
    case rules([RuleState])
}

/// A rule in force, or switched off, and where it is suspended.
package struct RuleState: Sendable {
    package var pack: PackIdentity
    package var rule: String
    package var severity: Severity?
    /// Why the code lists have switched it off; nil where they have not.
    package var switchedOff: String?
    package var suspensions: [Suspension]
}

/// Hands orders to the engine's thread, and what became of them back.
package final class Orders: Sendable {
    /// An order that waits for its outcome.
    final class Pending: Sendable {
        let order: Order
        private let outcome = Mutex<OrderOutcome?>(nil)
        private let done = DispatchSemaphore(value: 0)

        init(_ order: Order) {
            self.order = order
        }

        func answer(_ outcome: OrderOutcome) {
            self.outcome.withLock { $0 = outcome }
            done.signal()
        }

        func wait() -> OrderOutcome {
            done.wait()
            return outcome.withLock { $0 } ?? .refused("the daemon stops")
        }
    }

    private struct State {
        var waiting: [Pending] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let progress: CommitProgress

    init(waking progress: CommitProgress) {
        self.progress = progress
    }

    /// Gives an order, and waits until what it does is durable.
    package func give(_ order: Order) -> OrderOutcome {
        let pending = Pending(order)
        let isTaken = state.withLock { state in
            if !state.isClosed { state.waiting.append(pending) }
            return !state.isClosed
        }
        guard isTaken else { return .refused("the daemon stops") }
        progress.wake.wake()
        return pending.wait()
    }

    /// The orders that came since this was last asked.
    func take() -> [Pending] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// Takes no more, and refuses what waits.
    func close() {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for pending in left { pending.answer(.refused("the daemon stops")) }
    }
}

extension Intake {
    /// Does what an order says.
    ///
    /// - Returns: its outcome, which counts once everything staged is durable.
    mutating func carryOut(_ order: Order, wall: Instant) -> OrderOutcome {
        guard !isFull else { return .refused("the disk is full: nothing can be recorded") }
        let now = sequencer.recordedTime(wall: wall)
        let before = sequencer.nextOffset
        switch order {
        case .rules:
            return .rules(sequencer.ruleStates)
        case .activate(let changes):
            return activate(changes, removingOthers: false, settings: nil, now: now)
        case .configure(let changes, let settings):
            return activate(changes, removingOthers: true, settings: settings, now: now)
        case .suspend(let order):
            if let why = sequencer.refusal(of: order) { return .refused(why) }
            advance(to: now)
            stage(sequencer.change(order, now: now))
        }
        return .done(offset: sequencer.nextOffset == before ? nil : sequencer.nextOffset - 1)
    }

    private mutating func activate(
        _ changes: [PackChange], removingOthers: Bool, settings: FoldSettings?, now: Instant
    ) -> OrderOutcome {
        let before = sequencer.nextOffset
        if let why = sequencer.refusal(of: changes, removingOthers: removingOthers) {
            return .refused(why)
        }
        do {
            advance(to: now)
            try change(
                changes, removingOthers: removingOthers, settings: settings ?? sequencer.settings,
                now: now)
        } catch {
            return .refused(error.description)
        }
        return .done(offset: sequencer.nextOffset == before ? nil : sequencer.nextOffset - 1)
    }
}

extension Sequencer {
    /// The rules in force and those switched off, by pack.
    var ruleStates: [RuleState] {
        compiledPacks.flatMap { pack in
            let identity = PackIdentity(id: pack.id, version: pack.version, hash: pack.hash)
            return pack.rules.map { rule in
                RuleState(
                    pack: identity, rule: rule.id, severity: rule.severity,
                    suspensions: fold.suspensions.filter { $0.rule == rule.id })
            }
                + pack.switchedOff.map { rule, why in
                    RuleState(
                        pack: identity, rule: rule, switchedOff: why,
                        suspensions: fold.suspensions.filter { $0.rule == rule })
                }
        }
    }

    /// Why packs cannot be put in force together; nil where they can.
    ///
    /// A rule's id is part of its flags' identity and topics: two packs cannot share one.
    func refusal(of changes: [PackChange], removingOthers: Bool) -> String? {
        var packs = removingOthers ? PackSet() : packs
        for change in changes { packs.apply(change, recordedAt: 0) }
        return packs.sharedRule
    }

    func refusal(of order: SuspensionOrder) -> String? {
        let asked = order.suspension
        let standing = fold.suspensions.filter { $0.rule == asked.rule }
        let known = compiledPacks.flatMap { $0.rules.map(\.id) }
        guard known.contains(asked.rule) || !standing.isEmpty else {
            return "there is no rule \(asked.rule) in force: they are "
                + known.joined(separator: ", ")
        }
        let place = asked.practice.map { "practice \($0)" } ?? "all practices"
        let isStanding = standing.contains { $0.practice == asked.practice }
        if !order.isResumption {
            return isStanding ? "\(asked.rule) is suspended for \(place) already" : nil
        }
        if isStanding || (asked.practice == nil && !standing.isEmpty) { return nil }
        return standing.contains { $0.practice == nil }
            ? "\(asked.rule) is suspended for all practices: resume it for all"
            : "\(asked.rule) is not suspended for \(place)"
    }
}
