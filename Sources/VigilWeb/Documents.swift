// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilEngine

/// What went wrong with a request, as history tells it (protocol section 6).
enum ErrorDocument {
    static func encode(code: String, message: String) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.object("error") { json in
                json.string("code", code)
                json.string("message", message)
            }
        }
        return json.bytes
    }
}

/// Whether the daemon is ready, and if not, why.
enum ReadinessDocument {
    static func encode(_ report: DaemonReport) -> [UInt8] {
        var json = JSONWriter()
        json.object { write(report, to: &$0) }
        return json.bytes
    }

    static func write(_ report: DaemonReport, to json: inout JSONWriter) {
        json.boolean("ready", report.isReady)
        json.array("reasons") { json in
            for reason in report.reasons {
                json.object { json in
                    json.string("code", reason.code)
                    json.string("message", reason.message)
                }
            }
        }
    }
}

/// The whole state of the daemon, for a person or a dashboard.
enum StatusDocument {
    /// Sources that are listed; of further ones only the number is told.
    static let sourcesMax = 10_000

    static func encode(_ report: DaemonReport) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("phase", report.health.phase.rawValue)
            ReadinessDocument.write(report, to: &json)
            json.string("started", report.started.description)
            json.number("uptimeSeconds", report.uptime.components.seconds)
            if let status = report.status {
                write(status, freeBytes: report.health.freeBytes, to: &json)
            }
        }
        return json.bytes
    }

    private static func write(
        _ status: EngineStatus, freeBytes: UInt64, to json: inout JSONWriter
    ) {
        json.string("origin", status.origin)
        json.string("clock", status.clockMode.rawValue)
        json.object("log") { json in
            if let durable = status.durable { json.number("head", durable) }
            if status.lastOutput > 0 { json.number("lastOutput", status.lastOutput) }
            json.string("time", status.logTime.description)
            json.number("freeBytes", freeBytes)
        }
        json.array("packs") { json in
            for pack in status.packs { json.object { write(pack, to: &$0) } }
        }
        json.object("flags") { json in
            json.number("open", status.openFlags)
            json.number("raised", status.flags.raised)
            json.number("updated", status.flags.updated)
            json.number("resolved", status.flags.resolved)
            json.number("reviewed", status.flags.reviewed)
        }
        json.object("messages") { write(status.messages, to: &$0) }
        json.object("rejections") { json in
            for code in Rejection.Code.allCases {
                if let count = status.rejections[code] { json.number(code.rawValue, count) }
            }
        }
        json.boolean("degraded", !status.faultyFeeds.isEmpty || !status.silences.isEmpty)
        json.array("unread") { json in
            for feed in status.faultyFeeds { json.object { write(feed, to: &$0) } }
        }
        json.array("silent") { json in
            for silence in status.silences.prefix(sourcesMax) {
                json.object { json in
                    json.string("source", silence.source)
                    json.string("since", silence.since.description)
                }
            }
        }
        json.array("loads") { json in
            for load in status.loads {
                json.object { json in
                    json.string("source", load.source)
                    json.string("since", load.since.description)
                    json.number("patients", load.patientCount)
                }
            }
        }
        json.number("patientsWaiting", status.waitingPatients)
        json.array("sources") { json in
            for (name, counts) in listed(status.sources) {
                json.object { json in
                    // Of what cannot be read the source is not known.
                    if name.isEmpty { json.raw("source", Array("null".utf8)) }
                    if !name.isEmpty { json.string("source", name) }
                    write(counts, to: &json)
                }
            }
        }
        json.number("sourcesOmitted", max(0, status.sources.count - sourcesMax))
    }

    /// A source whose medicines are not read, and the rules that do not watch it therefore.
    private static func write(_ feed: CoverageReport, to json: inout JSONWriter) {
        json.string("source", feed.source)
        json.array("faults") { json in
            for fault in feed.faults { json.string(fault.rawValue) }
        }
        json.array("notWatching") { json in
            for rule in feed.notWatching { json.string(rule) }
        }
    }

    private static func listed(
        _ sources: [String: SourceCounts]
    ) -> ArraySlice<(key: String, value: SourceCounts)> {
        sources.sorted { $0.key < $1.key }.prefix(sourcesMax)
    }

    private static func write(_ pack: EngineStatus.Pack, to json: inout JSONWriter) {
        json.string("id", pack.identity.id)
        json.string("version", pack.identity.version)
        json.string("hash", pack.identity.hash)
        json.array("rules") { json in
            for rule in pack.rules { json.string(rule) }
        }
        json.array("switchedOff") { json in
            for (rule, why) in pack.switchedOff {
                json.object { json in
                    json.string("rule", rule)
                    json.string("why", why)
                }
            }
        }
    }

    private static func write(_ counts: SourceCounts, to json: inout JSONWriter) {
        json.number("received", counts.received)
        json.number("accepted", counts.accepted)
        json.number("duplicate", counts.duplicate)
        json.number("rejected", counts.rejected)
        json.number("busy", counts.busy)
    }
}
