// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import VigilTransport

/// What is refused, by where.
package enum RefusalKind: String, CaseIterable, Hashable, Sendable {
    /// A key that no principal has.
    case key
    /// A peer that does not speak the protocol, or has no key or another's.
    case handshake
    /// A connection beyond the limit.
    case connections
    /// An event of a source or on a topic that is not granted.
    case publish
    /// A subscription to what is not granted, or is too long.
    case subscribe
    /// More subscriptions than anybody needs.
    case flood
    /// A question about what is not granted.
    case history
}

/// Who may do what at the sockets: one answer for all threads, also after a reload.
package final class AccessControl: Sendable {
    /// How long a key that floods is kept out.
    private static let suspension = Duration.seconds(60)

    private struct State {
        var principals: [String: Grants]
        var suspended: [String: ContinuousClock.Instant] = [:]
        /// Grows with every change that standing connections must feel.
        var version: UInt64 = 0
        var refusals: [RefusalKind: UInt64] = [:]
        var untold: [RefusalKind: (count: Int, since: ContinuousClock.Instant)] = [:]
    }

    /// The daemon's own keys; nil where whoever reaches the sockets may do everything.
    package let keys: CurveKeyPair?
    private let state: Mutex<State>
    /// Takes a line for the operator.
    let tell: @Sendable (String) -> Void

    /// Access for nobody yet, or without keys for everybody.
    ///
    /// - Parameters:
    ///   - keys: the daemon's own.
    ///   - principals: who may do what.
    ///   - tell: takes a line for the operator.
    package init(
        keys: CurveKeyPair? = nil, principals: [CurvePublicKey: Grants] = [:],
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.keys = keys
        self.tell = tell
        state = Mutex(State(principals: AccessControl.byText(principals)))
    }

    private static func byText(_ principals: [CurvePublicKey: Grants]) -> [String: Grants] {
        Dictionary(uniqueKeysWithValues: principals.map { ($0.key.text, $0.value) })
    }

    /// Whether everybody is known by a key.
    var isEnforced: Bool { keys != nil }

    /// Puts other principals in place.
    ///
    /// - Returns: whether anything changed for anybody.
    package func replace(_ principals: [CurvePublicKey: Grants]) -> Bool {
        let principals = AccessControl.byText(principals)
        return state.withLock { state in
            guard state.principals != principals else { return false }
            state.principals = principals
            state.version += 1
            return true
        }
    }

    /// Who has sent what came with a User-Id.
    func sender(_ userID: String?) -> Sender {
        guard isEnforced else { return .anybody }
        guard let userID else { return .stranger }
        return grants(of: userID).map(Sender.principal) ?? .stranger
    }

    private func grants(of key: String) -> Grants? {
        state.withLock { state in
            if let end = state.suspended[key], end > .now { return nil }
            return state.principals[key]
        }
    }

    /// Grows with every change that standing subscriptions must feel.
    var version: UInt64 {
        state.withLock { $0.version }
    }

    /// Whether the owner of a key may connect now; nil where it is nobody's.
    func mayConnect(_ key: CurvePublicKey) -> Bool? {
        state.withLock { state in
            guard state.principals[key.text] != nil else { return nil }
            guard let end = state.suspended[key.text] else { return true }
            guard end <= .now else { return false }
            state.suspended[key.text] = nil
            return true
        }
    }

    /// Keeps the owner of a key out for a minute.
    func suspend(_ key: String) {
        state.withLock { state in
            state.suspended[key] = .now + AccessControl.suspension
            state.version += 1
        }
    }

    // MARK: - Refusals

    /// Counts a refusal, and tells the operator: of each kind at once, and then of what followed
    /// at most every ten seconds.
    ///
    /// - Parameters:
    ///   - kind: where it was refused.
    ///   - what: who was refused what; never with anything of a payload.
    func refused(_ kind: RefusalKind, _ what: @autoclosure () -> String) {
        let now = ContinuousClock.now
        let more: Int? = state.withLock { state in
            state.refusals[kind, default: 0] += 1
            guard let last = state.untold[kind], last.since.duration(to: now) < .seconds(10) else {
                defer { state.untold[kind] = (0, now) }
                return state.untold[kind]?.count ?? 0
            }
            state.untold[kind] = (last.count + 1, last.since)
            return nil
        }
        guard let more else { return }
        let others = more > 0 ? " (and \(more) more refusals of this kind before it)" : ""
        tell("refused (\(kind.rawValue)): \(what())\(others)")
    }

    /// How much was refused since the start.
    package var refusals: [RefusalKind: UInt64] {
        state.withLock { $0.refusals }
    }
}
