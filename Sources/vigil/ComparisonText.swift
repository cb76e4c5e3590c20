// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilEngine

/// A comparison of packs as it is printed.
enum ComparisonText {
    /// The lines of a table with examples, or one line of JSON.
    static func lines(_ comparison: PackComparison, asJSON: Bool) -> [[UInt8]] {
        if asJSON { return [json(comparison)] }
        var rows = [
            [
                "RULE", "OLD", "NEW", "SAME", "ADDED", "DROPPED", "MOVED", "ADDED/1000",
                "DROPPED/1000",
            ]
        ]
        rows += comparison.rows.map { row in
            [
                row.rule, String(row.oldCount), String(row.newCount), String(row.sameCount),
                String(row.addedCount), String(row.droppedCount), String(row.movedCount),
                comparison.perThousand(row.addedCount), comparison.perThousand(row.droppedCount),
            ]
        }
        let head = "Flags over \(comparison.patientCount) patients, until \(comparison.asOf):"
        let examples = comparison.rows.flatMap { row in
            row.examples.map { example in
                [
                    "\(row.rule) \(example.kind.rawValue)", example.subject,
                    span(example.old), "->", span(example.new),
                ]
            }
        }
        return [Array(head.utf8)] + TextTable.lines(rows)
            + (examples.isEmpty ? [] : [Array("Examples:".utf8)] + TextTable.lines(examples))
    }

    private static func span(_ episode: PackComparison.Episode?) -> String {
        guard let episode else { return "none" }
        return "\(episode.from) to \(episode.to?.description ?? "now")"
    }

    private static func json(_ comparison: PackComparison) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.number("patients", comparison.patientCount)
            json.string("asOf", comparison.asOf.description)
            json.array("rules") { json in
                for row in comparison.rows {
                    json.object { json in
                        json.string("rule", row.rule)
                        json.number("old", row.oldCount)
                        json.number("new", row.newCount)
                        json.number("same", row.sameCount)
                        json.number("added", row.addedCount)
                        json.number("dropped", row.droppedCount)
                        json.number("moved", row.movedCount)
                        json.raw(
                            "addedPerThousand",
                            Array(comparison.perThousand(row.addedCount).utf8))
                        json.raw(
                            "droppedPerThousand",
                            Array(comparison.perThousand(row.droppedCount).utf8))
                        json.array("examples") { json in
                            for example in row.examples { write(example, to: &json) }
                        }
                    }
                }
            }
        }
        return json.bytes
    }

    private static func write(_ example: PackComparison.Difference, to json: inout JSONWriter) {
        json.object { json in
            json.string("change", example.kind.rawValue)
            json.string("subject", example.subject)
            for (name, episode) in [("old", example.old), ("new", example.new)] {
                guard let episode else { continue }
                json.object(name) { json in
                    json.string("practice", episode.practice)
                    json.string("from", episode.from.description)
                    json.string("to", orNull: episode.to?.description)
                }
            }
        }
    }
}
