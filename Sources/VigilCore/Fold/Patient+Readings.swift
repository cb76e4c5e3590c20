// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Patient {
    /// Takes in an event about a reading: a result with a moment and a quantity, whose codes
    /// nothing asks for as facts (`held`, by coding), or a known one in whatever form.
    ///
    /// Says whether that was all: otherwise the event is one as others are.
    mutating func applyReading(
        _ event: InputEvent, key: ResourceKey, version: ResourceVersion, now: Instant,
        codings: [CodingID], zone: ZoneTable, held: [Bool], change: inout Change
    ) -> Bool {
        // Once a fact or a tombstone, it stays one.
        guard resources[key] == nil else { return false }
        let place = series.place(of: key)
        if let place {
            change.correction = true
            change.corrects = series[place].version.offset
            if version < series[place].version { return true }
        }
        var known: Instant?
        if let place {
            let replaced = series.remove(at: place).fact
            known = replaced.known
            change.facts.append(replaced)
            change.gone.append(replaced)
        }
        if let fact = Patient.reading(
            in: event, offset: version.offset, known: known ?? now, codings: codings,
            zone: zone, held: held)
        {
            if series.insert(Reading(key: key, version: version, fact: fact)) {
                change.facts.append(fact)
            } else {
                change.isTooLate = true
            }
            return true
        }
        guard place != nil else { return false }
        // What was a reading is withdrawn, does not count, or is a fact now.
        var state = ResourceState(version: version, isWithdrawn: true)
        if case .clinical(let content) = event.resource.content {
            state.isWithdrawn = false
            if var fact = Patient.fact(
                of: content, event: event, offset: version.offset, codings: codings, zone: zone)
            {
                fact.known = known ?? now
                insert(fact)
                state.factOffset = fact.offset
                change.facts.append(fact)
            }
        } else {
            change.retraction = true
        }
        resources[key] = state
        return true
    }

    private static func reading(
        in event: InputEvent, offset: UInt64, known: Instant, codings: [CodingID],
        zone: ZoneTable, held: [Bool]
    ) -> Fact? {
        guard case .clinical(let content) = event.resource.content, content.hasQuantity,
            var fact = fact(
                of: content, event: event, offset: offset, codings: codings, zone: zone),
            fact.date.instant != nil, !fact.codings.contains(where: { held[Int($0.index)] })
        else { return nil }
        fact.known = known
        return fact
    }
}

extension ClinicalContent {
    /// Whether it states a number of something.
    fileprivate var hasQuantity: Bool {
        if case .quantity = details.value { return true }
        return details.components.contains { component in
            if case .quantity = component.value { return true }
            return false
        }
    }
}
