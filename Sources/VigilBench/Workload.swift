// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Messages made before the clock starts, in one piece of memory.
struct Messages {
    struct Message {
        var topic: Range<Int>
        var event: Range<Int>
    }

    var bytes: [UInt8] = []
    var messages: [Message] = []

    mutating func append(topic: String, event: String) {
        let start = bytes.count
        bytes.append(contentsOf: topic.utf8)
        let middle = bytes.count
        bytes.append(contentsOf: event.utf8)
        messages.append(Message(topic: start..<middle, event: middle..<bytes.count))
    }
}

/// Prescriptions of about one kilobyte for many patients; each flagged one is an NSAID for another
/// patient who takes warfarin, which raises at once.
struct Workload {
    var events: Int
    var patients: Int
    var flaggedPerThousand: Int
    /// A civil date, such as `2026-03-01`.
    var day: String

    /// How many of the prescriptions raise a flag.
    static func flaggedCount(events: Int, perThousand: Int) -> Int {
        events * perThousand / 1000
    }

    /// The day of the machine's clock in UTC.
    static func today() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        let year = parts.tm_year + 1900
        return "\(year)-\(twoDigits(Int(parts.tm_mon) + 1))-\(twoDigits(Int(parts.tm_mday)))"
    }

    private static func twoDigits(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    private var flagged: Int {
        Self.flaggedCount(events: events, perThousand: flaggedPerThousand)
    }

    /// What must be known before: the patients, and warfarin for those to be flagged.
    func preparation() -> Messages {
        var made = Messages()
        for patient in 0..<patients {
            made.append(topic: "patient.BENCH1", event: patientEvent(patient))
        }
        for patient in 0..<flagged {
            let order = Order(
                number: "w\(patient)", patient: patient, atc: "B01AA03",
                name: "Warfarin 3mg tablets")
            made.append(topic: "prescription.BENCH1", event: event(of: order))
        }
        return made
    }

    /// What is measured.
    func prescriptions() -> Messages {
        var made = Messages()
        made.bytes.reserveCapacity(events * 1200)
        made.messages.reserveCapacity(events)
        var sent = 0
        for number in 0..<events {
            let isFlagged = number * flagged / events >= sent && sent < flagged
            let patient = isFlagged ? sent : flagged + number % (patients - flagged)
            if isFlagged { sent += 1 }
            let order = Order(
                number: "p\(number)", patient: patient, atc: isFlagged ? "M01AE02" : "A10BA02",
                name: isFlagged ? "Naproxen 500mg tablets" : "Metformin 500mg tablets")
            made.append(topic: "prescription.BENCH1", event: event(of: order))
        }
        return made
    }

    /// Some of the prescriptions, as short as they may be; of a thousand one comes twice, and one
    /// more is no event.
    ///
    /// - Parameters:
    ///   - numbers: which of them.
    ///   - orders: how many orders a patient has, of which all further ones are versions; nil where
    ///     each is an order of its own.
    /// - Returns: the messages, in order.
    func shortPrescriptions(_ numbers: Range<Int>, orders: Int?) -> Messages {
        var made = Messages()
        made.bytes.reserveCapacity(numbers.count * 500)
        made.messages.reserveCapacity(numbers.count)
        for number in numbers {
            if number % 1000 == 999, let last = made.messages.last {
                made.messages.append(last)
                made.append(topic: "prescription.BENCH1", event: "{\"specversion\":\(number)}")
            }
            let patient = flagged + number % (patients - flagged)
            let order =
                orders.map { "\(patient)-\(number / (patients - flagged) % $0)" } ?? "p\(number)"
            let data = """
                {"resourceType":"MedicationRequest","id":"\(order)","status":"active",\
                "intent":"order","medicationCodeableConcept":{"coding":[\
                {"system":"http://www.whocc.no/atc","code":"A10BA02"}]},\
                "subject":{"reference":"Patient/bench-\(patient)"},"authoredOn":"\(day)"}
                """
            made.append(
                topic: "prescription.BENCH1",
                event: envelope(
                    id: "p\(number)", kind: "prescription", patient: patient, data: data))
        }
        return made
    }

    private func envelope(id: String, kind: String, patient: Int, data: String) -> String {
        """
        {"specversion":"1.0","id":"\(id)","source":"urn:vigil:bench",\
        "type":"health.vigil.\(kind).created.v1","subject":"bench-\(patient)",\
        "time":"\(day)T00:00:00Z","datacontenttype":"application/fhir+json","data":\(data)}
        """
    }

    private func patientEvent(_ patient: Int) -> String {
        envelope(
            id: "patient-\(patient)", kind: "patient", patient: patient,
            data: """
                {"resourceType":"Patient","id":"bench-\(patient)","active":true,\
                "birthDate":"1960-01-01","gender":"female",\
                "managingOrganization":{"identifier":{"value":"BENCH1"}}}
                """)
    }

    private struct Order {
        var number: String
        var patient: Int
        var atc: String
        var name: String
    }

    private func event(of order: Order) -> String {
        envelope(
            id: order.number, kind: "prescription", patient: order.patient,
            data: """
                {"resourceType":"MedicationRequest","id":"\(order.number)",\
                "meta":{"versionId":"1","lastUpdated":"\(day)T00:00:00Z"},\
                "status":"active","intent":"order",\
                "medicationCodeableConcept":{"coding":[{"system":"http://www.whocc.no/atc",\
                "code":"\(order.atc)"}],"text":"\(order.name)"},\
                "subject":{"reference":"Patient/bench-\(order.patient)"},\
                "encounter":{"reference":"Encounter/enc-\(order.number)"},\
                "authoredOn":"\(day)",\
                "requester":{"reference":"Practitioner/gp-12","display":"Dr A. Example"},\
                "groupIdentifier":{"system":"urn:example:plan","value":"plan-\(order.number)"},\
                "dosageInstruction":[{"sequence":1,"text":"Take one twice a day with food",\
                "timing":{"repeat":{"frequency":2,"period":1,"periodUnit":"d"}},\
                "doseAndRate":[{"doseQuantity":{"value":1,"unit":"tablet"}}]}],\
                "dispenseRequest":{"validityPeriod":{"start":"\(day)"},\
                "quantity":{"value":56,"unit":"tablet"},\
                "expectedSupplyDuration":{"value":28,"unit":"day",\
                "system":"http://unitsofmeasure.org","code":"d"}}}
                """)
    }
}
