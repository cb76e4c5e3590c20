// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

extension FoldSettings {
    /// Writes the members of `data` of a `system.settings` record.
    package func encode(to json: inout JSONWriter) {
        json.array("sources") { json in
            for source in sources {
                json.object { json in
                    json.string("source", source.source)
                    json.string("subjects", source.subjects.rawValue)
                    json.string("registration", source.registration.rawValue)
                    if let zone = source.zone { json.object("zone") { zone.encode(to: &$0) } }
                    if let rhythm = source.rhythmMilliseconds {
                        json.number("rhythmMilliseconds", rhythm)
                    }
                }
            }
        }
        json.array("parameters") { json in
            for parameter in parameters {
                json.object { json in
                    json.string("pack", parameter.pack)
                    json.string("name", parameter.name)
                    json.string("value", parameter.value)
                }
            }
        }
        if let unreviewedMilliseconds {
            json.number("unreviewedMilliseconds", unreviewedMilliseconds)
        }
        json.array("coverage") { json in
            for coverage in coverage {
                json.object { json in
                    json.string("practice", coverage.practice)
                    json.string("kind", coverage.kind.rawValue)
                    json.string("from", coverage.from.description)
                }
            }
        }
        writeBudgets(&json)
    }

    private func writeBudgets(_ json: inout JSONWriter) {
        json.array("budgets") { json in
            for budget in budgets {
                json.object { json in
                    json.string("practice", orNull: budget.practice)
                    json.string("severity", budget.severity.rawValue)
                    json.number("raisesPerDay", budget.raisesPerDay)
                }
            }
        }
    }

    private static func readBudgets(_ data: JSONValue) -> [Budget]? {
        var budgets: [Budget] = []
        for item in items(data, "budgets") {
            guard let practice = item.member("practice").first,
                let severity = text(item, "severity").flatMap({ Severity(rawValue: $0) }),
                let raises = text(item, "raisesPerDay").flatMap({ Int($0) })
            else { return nil }
            budgets.append(
                Budget(
                    practice: practice.kind == .string ? practice.text : nil, severity: severity,
                    raisesPerDay: raises))
        }
        return budgets
    }

    /// Reads the `data` of a `system.settings` record; members that this version does not know
    /// are left aside.
    ///
    /// - Returns: nil where a member that it knows is not as it writes it.
    package init?(record payload: [UInt8]) {
        let read = try? JSONDocument().withRoot(of: payload) { root in
            root.member("data").first.flatMap(FoldSettings.read)
        }
        guard let settings = read.flatMap({ $0 }) else { return nil }
        self = settings
    }

    private static func read(_ data: JSONValue) -> FoldSettings? {
        var sources: [Source] = []
        for item in items(data, "sources") {
            guard let name = text(item, "source"),
                let subjects = text(item, "subjects").flatMap({ Source.Subjects(rawValue: $0) }),
                let registration = text(item, "registration").flatMap({
                    Source.Registration(rawValue: $0)
                })
            else { return nil }
            var source = Source(source: name)
            source.subjects = subjects
            source.registration = registration
            if let zone = item.member("zone").first {
                guard let table = ZoneTable(zone) else { return nil }
                source.zone = table
            }
            source.rhythmMilliseconds = text(item, "rhythmMilliseconds").flatMap { Int64($0) }
            sources.append(source)
        }
        var parameters: [Parameter] = []
        for item in items(data, "parameters") {
            guard let pack = text(item, "pack"), let name = text(item, "name"),
                let value = text(item, "value")
            else { return nil }
            parameters.append(Parameter(pack: pack, name: name, value: value))
        }
        var coverage: [Coverage] = []
        for item in items(data, "coverage") {
            guard let practice = text(item, "practice"),
                let kind = text(item, "kind").flatMap({ EventKind(rawValue: $0) }),
                let from = text(item, "from").flatMap(day)
            else { return nil }
            coverage.append(Coverage(practice: practice, kind: kind, from: from))
        }
        guard let budgets = readBudgets(data) else { return nil }
        var settings = FoldSettings(
            sources: sources, parameters: parameters, coverage: coverage, budgets: budgets)
        settings.unreviewedMilliseconds = text(data, "unreviewedMilliseconds").flatMap {
            Int64($0)
        }
        return settings
    }

    private static func items(_ data: JSONValue, _ name: StaticString) -> [JSONValue] {
        data.member(name).first.map { Array($0.children) } ?? []
    }

    private static func text(_ value: JSONValue, _ name: StaticString) -> String? {
        value.member(name).first?.text
    }

    private static func day(_ text: String) -> CivilDay? {
        guard let date = TimeText.date(fhir: text.utf8), date.precision == .day else { return nil }
        return date.writtenDay
    }
}
