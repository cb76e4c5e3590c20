// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Decides which raised flags and alerts are for now and which for the digest of their practice,
/// and keeps the digests until the local day ends.
///
/// It sees those of all patients in the order of the log; what is on trial reaches nobody and is
/// not counted. What is added here is added to its state below as well.
package struct DeliveryDesk: Sendable {
    private struct Account: Hashable {
        var practice: String
        var severity: Severity
    }

    private let zone: ZoneTable
    /// The local day that is counted for.
    private var day: CivilDay?
    /// Flags raised for now on the day.
    private var used: [Account: Int] = [:]
    /// What the digests will list, in the order of the log.
    private var items: [(practice: String, item: DigestReport.Item)] = []
    /// Where a flag stands among them.
    private var places: [FlagID: Int] = [:]

    /// A desk at the beginning of a log.
    package init(zone: ZoneTable) {
        self.zone = zone
    }

    /// How a raised flag is delivered.
    package mutating func delivery(
        of event: FlagEvent, at instant: Instant, budgets: [FoldSettings.Budget]
    ) -> FlagEvent.Delivery {
        let today = zone.day(of: instant)
        if day != today {
            day = today
            used = [:]
        }
        if event.reason == "baseline" { return .digest }
        // An algorithm finds now this severity, now that: it is the event's that counts.
        let severity = event.severity
        guard severity != .high, !event.rule.isShadow else { return .now }
        if event.isCovered { return .digest }
        guard
            let budget = budgets.first(where: {
                $0.practice == event.practice && $0.severity == severity
            }) ?? budgets.first(where: { $0.practice == nil && $0.severity == severity })
        else { return .now }
        let account = Account(practice: event.practice, severity: severity)
        guard used[account, default: 0] < budget.raisesPerDay else { return .digest }
        used[account, default: 0] += 1
        return .now
    }

    /// Takes note of a flag's event, for the digests.
    package mutating func note(_ event: FlagEvent, offset: UInt64) {
        guard !event.rule.isShadow else { return }
        switch event.transition {
        case .raised where event.delivery == .digest:
            places[event.flagID] = items.count
            let item = DigestReport.Item(
                flagID: event.flagID, subject: event.subject, rule: event.rule.id,
                severity: event.severity, reason: event.reason ?? "", offset: offset,
                isResolved: false)
            items.append((event.practice, item))
        case .raised: places[event.flagID] = nil
        case .resolved where event.goesOn:
            // It is raised again at once, with another severity or practice, and listed anew.
            if let place = places.removeValue(forKey: event.flagID) {
                items.remove(at: place)
                places = places.mapValues { $0 > place ? $0 - 1 : $0 }
            }
        case .resolved:
            if let place = places[event.flagID] { items[place].item.isResolved = true }
        case .updated, .reviewed: break
        }
    }

    /// When the day ends that a digest is kept for; nil where there is none.
    package var due: Instant? {
        guard let day, !items.isEmpty else { return nil }
        return zone.start(of: CivilDay(number: day.number + 1))
    }

    /// The digests of the day that ends, by practice.
    package mutating func close(at instant: Instant) -> [Output] {
        guard let due, due <= instant, let day else { return [] }
        defer {
            items = []
            places = [:]
        }
        var outputs: [Output] = []
        for practice in Set(items.map(\.practice)).sorted() {
            let listed = items.filter { $0.practice == practice }.map(\.item)
            let parts = (listed.count + DigestReport.itemsMax - 1) / DigestReport.itemsMax
            for part in 0..<parts {
                let rest = listed.dropFirst(part * DigestReport.itemsMax)
                outputs.append(
                    .digest(
                        DigestReport(
                            practice: practice, day: day, part: part + 1, parts: parts,
                            items: Array(rest.prefix(DigestReport.itemsMax)))))
            }
        }
        return outputs
    }
}

// Not `StateCodable`: the zone is the log's.
extension DeliveryDesk {
    /// Appends all but the zone.
    package func write(to state: inout StateWriter) {
        state.write(day)
        state.writeNumber(UInt64(used.count))
        let inOrder = used.sorted {
            ($0.key.practice, $0.key.severity.rawValue)
                < ($1.key.practice, $1.key.severity.rawValue)
        }
        for (account, count) in inOrder {
            state.writeShared(account.practice)
            state.write(account.severity)
            state.write(count)
        }
        state.writeNumber(UInt64(items.count))
        for (practice, item) in items {
            state.writeShared(practice)
            state.write(item)
        }
        state.write(places)
    }

    /// Reads what `write(to:)` wrote.
    package init(zone: ZoneTable, state: inout StateReader) throws(StateError) {
        self.init(zone: zone)
        day = try state.read()
        for _ in 0..<(try state.readCount()) {
            let account = Account(
                practice: try state.readShared(), severity: try state.read())
            used[account] = try state.read(Int.self)
        }
        for _ in 0..<(try state.readCount()) {
            items.append((try state.readShared(), try state.read()))
        }
        places = try state.read()
        guard places.values.allSatisfy(items.indices.contains) else { throw StateError() }
    }
}

extension DigestReport.Item: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(flagID)
        state.write(subject)
        state.writeShared(rule)
        state.write(severity)
        state.writeShared(reason)
        state.write(offset)
        state.write(isResolved)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            flagID: try state.read(), subject: try state.read(),
            rule: try state.readShared(), severity: try state.read(),
            reason: try state.readShared(), offset: try state.read(),
            isResolved: try state.read())
    }
}

/// The flags of a practice that were raised on a day for its digest.
package struct DigestReport: Sendable {
    /// One event lists no more: an event of the history has to fit in a reply.
    package static let itemsMax = 1000

    /// A flag of the digest.
    package struct Item: Hashable, Sendable {
        package var flagID: FlagID
        package var subject: String
        package var rule: String
        package var severity: Severity
        /// Why it was raised.
        package var reason: String
        /// The offset of its raise.
        package var offset: UInt64
        /// Whether it was resolved before the day ended.
        package var isResolved: Bool
    }

    package var practice: String
    package var day: CivilDay
    /// Its place among the day's digests of the practice, from 1, and how many they are.
    package var part: Int
    package var parts: Int
    /// In the order of the log.
    package var items: [Item]
}
