// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

extension FoldSettings {
    /// Writes the settings as a file takes them, for JSON is YAML.
    ///
    /// What is not set is left out.
    func encodeFile(to json: inout JSONWriter) {
        json.array("sources") { json in
            for source in sources {
                json.object { json in
                    json.string("source", source.source)
                    json.string("subjects", source.subjects.rawValue)
                    json.string("registration", source.registration.rawValue)
                    if let zone = source.zone { json.string("zone", zone.name) }
                    if let rhythm = source.rhythmMilliseconds {
                        json.string("rhythm", FoldSettings.time(rhythm))
                    }
                }
            }
        }
        json.object("parameters") { json in
            for pack in Set(parameters.map(\.pack)).sorted() {
                json.object(pack) { json in
                    for parameter in parameters where parameter.pack == pack {
                        json.string(parameter.name, parameter.value)
                    }
                }
            }
        }
        json.array("coverage") { json in
            for entry in coverage {
                json.object { json in
                    json.string("practice", entry.practice)
                    json.string("kind", entry.kind.rawValue)
                    json.string("from", entry.from.description)
                }
            }
        }
        json.array("budgets") { json in
            for budget in budgets {
                json.object { json in
                    if let practice = budget.practice { json.string("practice", practice) }
                    json.string("severity", budget.severity.rawValue)
                    json.number("raisesPerDay", budget.raisesPerDay)
                }
            }
        }
        if let unreviewedMilliseconds {
            json.string("unreviewed", FoldSettings.time(unreviewedMilliseconds))
        }
    }

    /// A time that a file has given, in the greatest unit that it is a whole number of.
    private static func time(_ milliseconds: Int64) -> String {
        let unit = timeUnits.last { milliseconds % $0.milliseconds == 0 } ?? timeUnits[0]
        return "\(milliseconds / unit.milliseconds) \(unit.name)"
    }

    /// The units of times in a file, in milliseconds, the smallest first.
    static let timeUnits: [(name: String, milliseconds: Int64)] = [
        ("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
}
