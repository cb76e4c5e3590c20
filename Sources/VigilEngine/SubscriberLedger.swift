// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// The subscribers of one principal.
package struct SubscriberCounts: Hashable, Sendable {
    /// Those that are connected.
    package var connected: UInt64 = 0
    /// Those of them that do not take what is sent to them.
    package var slow: UInt64 = 0
    /// How often one of them has fallen behind, since the start.
    package var fallenBehind: UInt64 = 0

    package init() {}
}

/// Who subscribes, and who does not keep up.
///
/// For whom of its subscribers an XPUB's queue is full libzmq does not tell. But a queue fills only
/// once the kernel takes no more for the connection, and that can be asked; which connection is
/// whose is known from its subscriptions. What lies unread in a tcp peer's own kernel nobody here
/// can see: a peer is slow when that is full too, or when it acknowledges nothing.
struct SubscriberLedger {
    /// Each look is at every fifth connection: it is a system call for each.
    private static let turns = 5
    /// Looks in a row at which something waited, until a subscriber counts as slow.
    private static let looksUntilSlow = 3

    private struct Connection {
        let descriptor: Int32
        /// The kernel's number for it: descriptors are given to others.
        let cookie: UInt64
        let name: String
        var acknowledged: UInt64
        var lagging = 0

        var isSlow: Bool { lagging >= SubscriberLedger.looksUntilSlow }
    }

    private var connections: [Connection] = []
    private var turn = 0
    /// By the names of principals.
    private(set) var counts: [String: SubscriberCounts] = [:]

    /// Takes note of a connection that a subscription came on.
    mutating func met(_ descriptor: Int32, of name: String) {
        var found = vigil_connection()
        guard vigil_look_at_connection(descriptor, &found) == 0 else { return }
        if let index = connections.firstIndex(where: { $0.descriptor == descriptor }) {
            guard connections[index].cookie != found.cookie else { return }
            remove(at: index)
        }
        connections.append(
            Connection(
                descriptor: descriptor, cookie: found.cookie, name: name,
                acknowledged: found.acknowledged))
        counts[name, default: SubscriberCounts()].connected += 1
    }

    private mutating func remove(at index: Int) {
        let gone = connections.remove(at: index)
        counts[gone.name]?.connected -= 1
        if gone.isSlow { counts[gone.name]?.slow -= 1 }
    }

    /// Looks at some of the connections.
    ///
    /// - Returns: whose subscribers have just become slow, a name for each.
    mutating func look() -> [String] {
        turn = (turn + 1) % SubscriberLedger.turns
        var fallen: [String] = []
        for index in connections.indices.reversed() {
            guard Int(connections[index].descriptor) % SubscriberLedger.turns == turn else {
                continue
            }
            var now = vigil_connection()
            let connection = connections[index]
            guard vigil_look_at_connection(connection.descriptor, &now) == 0,
                now.cookie == connection.cookie
            else {
                remove(at: index)
                continue
            }
            let isStuck =
                now.is_unacknowledged != 0 && now.acknowledged == connection.acknowledged
            connections[index].acknowledged = now.acknowledged
            connections[index].lagging = now.unsent > 0 || isStuck ? connection.lagging + 1 : 0
            guard connections[index].isSlow != connection.isSlow else { continue }
            if connection.isSlow {
                counts[connection.name]?.slow -= 1
            } else {
                counts[connection.name]?.slow += 1
                counts[connection.name]?.fallenBehind += 1
                fallen.append(connection.name)
            }
        }
        return fallen
    }
}
