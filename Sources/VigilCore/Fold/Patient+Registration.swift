// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Patient {
    /// Takes in an event about the Patient resource.
    mutating func applyPatient(
        _ event: InputEvent, key: ResourceKey, version: ResourceVersion, zone: ZoneTable,
        settings: FoldSettings
    ) -> Change {
        var content: PatientContent?
        if case .patient(let read) = event.resource.content { content = read }
        let registration = PatientEvent(
            resource: key, version: version, practice: event.practice, content: content)
        let position =
            registrations.firstIndex {
                ($0.version.time, $0.version.offset) > (version.time, version.offset)
            } ?? registrations.count
        registrations.insert(registration, at: position)
        let current = currentPatients
        readDemographics(current)
        readDeath(current, zone: zone)
        readRegistration(zone: zone, settings: settings)
        let known = registrations.contains { $0.resource == key && $0.version < version }
        return Change(
            facts: [], demographics: true, correction: known, retraction: content == nil,
            stop: false,
            corrects: registrations.filter { $0.resource == key && $0.version < version }
                .max { $0.version < $1.version }?.version.offset)
    }

    /// The greatest version of each Patient resource, newest event last.
    var currentPatients: [PatientEvent] {
        var greatest: [ResourceKey: ResourceVersion] = [:]
        for event in registrations {
            if let known = greatest[event.resource], event.version < known { continue }
            greatest[event.resource] = event.version
        }
        return registrations.filter { greatest[$0.resource] == $0.version }
    }

    private mutating func readDemographics(_ current: [PatientEvent]) {
        facts.birth = nil
        facts.birthOffset = nil
        facts.gender = nil
        for event in current {
            guard let content = event.content else { continue }
            if let birth = content.birthDate {
                facts.birth = birth
                facts.birthOffset = event.version.offset
            }
            if let gender = content.gender { facts.gender = gender }
        }
        if let naming = registrations.last(where: { $0.content?.namesPractice == true }) {
            practice = naming.practice
        } else if let newest = registrations.last {
            practice = newest.practice
        }
    }

    private mutating func readDeath(_ current: [PatientEvent], zone: ZoneTable) {
        facts.deathDay = nil
        for event in current {
            switch event.content?.deceased {
            case .boolean(true):
                let first = firstSayingDead(like: event) ?? event
                facts.deathDay = zone.day(of: first.version.time)
            case .at(let moment): facts.deathDay = moment.day(in: zone)
            case .boolean(false), nil: continue
            }
        }
    }

    /// The event from which on every version of the resource has said that the patient is dead.
    private func firstSayingDead(like event: PatientEvent) -> PatientEvent? {
        var first: PatientEvent?
        for earlier in registrations where earlier.resource == event.resource {
            if case .boolean(true) = earlier.content?.deceased {
                first = first ?? earlier
            } else {
                first = nil
            }
        }
        return first
    }

    /// Reads when the patient was registered; a source set to `registration: implied` registers by
    /// any Patient event.
    mutating func readRegistration(zone: ZoneTable, settings: FoldSettings) {
        var hadPractice = false
        facts.registrationDay = nil
        facts.deregistrationDay = nil
        for event in registrations {
            let day = zone.day(of: event.version.time)
            guard let content = event.content, content.active != false else {
                facts.deregistrationDay = facts.deregistrationDay ?? day
                continue
            }
            let source = settings.source(event.resource.source.text)
            if content.namesPractice || source.registration == .implied {
                if !hadPractice {
                    facts.registrationDay = .first
                } else if facts.deregistrationDay != nil {
                    facts.registrationDay = day
                }
                hadPractice = true
                facts.deregistrationDay = nil
            } else if hadPractice {
                facts.deregistrationDay = facts.deregistrationDay ?? day
            }
        }
    }
}
