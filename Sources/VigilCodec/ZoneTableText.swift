// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

extension ZoneTable {
    /// Writes the zone whole, as the log keeps it.
    package func encode(to json: inout JSONWriter) {
        json.string("name", name)
        json.number("initialOffsetSeconds", initialOffsetSeconds)
        json.array("transitions") { json in
            for transition in transitions {
                json.object { json in
                    json.number("unixSeconds", transition.unixSeconds)
                    json.number("offsetSeconds", transition.offsetSeconds)
                }
            }
        }
    }

    /// Reads what `encode(to:)` wrote; nil where it is not that.
    package init?(_ value: JSONValue) {
        guard let name = value.member("name").first?.text,
            let initial = ZoneTable.number(value, "initialOffsetSeconds"),
            let transitions = value.member("transitions").first
        else { return nil }
        self.init(
            name: name, initialOffsetSeconds: initial,
            transitions: transitions.children.compactMap { transition in
                guard let seconds = ZoneTable.number(transition, "unixSeconds"),
                    let offset = ZoneTable.number(transition, "offsetSeconds")
                else { return nil }
                return Transition(unixSeconds: Int64(seconds), offsetSeconds: offset)
            })
    }

    private static func number(_ value: JSONValue, _ name: StaticString) -> Int? {
        value.member(name).first.flatMap { Int($0.text) }
    }
}
