// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore
internal import VigilEngine

/// The metrics: no label of theirs has values that come from outside, so that nobody outside can
/// make their number grow.
enum MetricsPage {
    static func encode(_ report: DaemonReport) -> [UInt8] {
        var page = PrometheusText()
        write(report.process, started: report.started, to: &page)
        page.metric("vigil_ready", .gauge, help: "1 where messages are taken in, else 0.")
        page.sample(report.isReady ? 1 : 0)
        if let status = report.status {
            page.metric(
                "vigil_disk_free_bytes", .gauge,
                help: "What may still be written to the log's device.")
            page.sample(report.health.freeBytes)
            writeMessages(status, to: &page)
            writeFeeds(status, to: &page)
            writeLog(status, to: &page)
            writeFlags(status, to: &page)
        }
        return page.bytes
    }

    private static func writeMessages(_ status: EngineStatus, to page: inout PrometheusText) {
        page.metric(
            "vigil_messages_total", .counter,
            help: "Messages received, by what became of them: together they are all.")
        page.sample(status.messages.accepted, ["outcome": "accepted"])
        page.sample(status.messages.duplicate, ["outcome": "duplicate"])
        page.sample(status.messages.rejected, ["outcome": "rejected"])
        page.sample(status.messages.busy, ["outcome": "busy"])
        page.metric(
            "vigil_rejections_total", .counter, help: "Rejected messages, by rejection code.")
        for code in Rejection.Code.allCases {
            page.sample(status.rejections[code] ?? 0, ["code": code.rawValue])
        }
        page.metric(
            "vigil_quarantine_messages_total", .counter,
            help: "Rejected messages that were kept in the quarantine.")
        page.sample(status.quarantined)
        page.metric(
            "vigil_refusals_total", .counter,
            help: "What was refused at the sockets for lack of a key or a grant, or as too much.")
        for kind in RefusalKind.allCases {
            page.sample(status.refusals[kind] ?? 0, ["kind": kind.rawValue])
        }
        page.metric(
            "vigil_outputs_passed_over_total", .counter,
            help: "Output events that missed a subscriber whose queue was full.")
        page.sample(status.passedOver)
        writeSubscribers(status, to: &page)
        page.metric("vigil_sources", .gauge, help: "Sources that messages have come from.")
        page.sample(status.sources.count)
    }

    private static func writeSubscribers(_ status: EngineStatus, to page: inout PrometheusText) {
        let subscribers = status.subscribers.sorted { $0.key < $1.key }
        page.metric("vigil_subscribers", .gauge, help: "Subscribers, by principal.")
        for (name, counts) in subscribers {
            page.sample(counts.connected, ["principal": name])
        }
        page.metric(
            "vigil_slow_subscribers", .gauge,
            help: "Subscribers that do not take what is sent to them, by principal.")
        for (name, counts) in subscribers { page.sample(counts.slow, ["principal": name]) }
        page.metric(
            "vigil_subscribers_fallen_behind_total", .counter,
            help: "How often a subscriber has become slow, by principal.")
        for (name, counts) in subscribers {
            page.sample(counts.fallenBehind, ["principal": name])
        }
    }

    private static func writeFeeds(_ status: EngineStatus, to page: inout PrometheusText) {
        page.metric(
            "vigil_unread_sources", .gauge,
            help: "Sources whose medicines the packs in force do not read.")
        for fault in FeedFault.allCases {
            page.sample(
                status.faultyFeeds.count { $0.faults.contains(fault) },
                ["fault": fault.rawValue])
        }
        page.metric(
            "vigil_silent_sources", .gauge,
            help: "Sources that have been quiet for longer than their rhythm.")
        page.sample(status.silences.count)
        page.metric("vigil_loads_open", .gauge, help: "Bulk loads that are under way.")
        page.sample(status.loads.count)
        page.metric(
            "vigil_load_patients_waiting", .gauge,
            help: "Patients of loads that have ended who are yet to be looked at.")
        page.sample(status.waitingPatients)
    }

    private static func writeLog(_ status: EngineStatus, to page: inout PrometheusText) {
        if let durable = status.durable {
            page.metric("vigil_log_offset", .gauge, help: "The last durable offset of the log.")
            page.sample(durable)
        }
        page.metric(
            "vigil_log_time_seconds", .gauge,
            help: "The log's clock: the time of its newest record, since 1970.")
        page.sample(microseconds: microseconds(status.logTime))
        page.metric(
            "vigil_commit_duration_seconds", .histogram,
            help: "From handing a commit to the disk until it is known to be durable.")
        var count: UInt64 = 0
        let bounds = DurationHistogram.boundsMicroseconds
        for (bound, observed) in zip(bounds, status.commits.buckets) {
            count += observed
            page.sample(count, ["le": PrometheusText.seconds(bound)], suffix: "_bucket")
        }
        count += status.commits.buckets.last ?? 0
        page.sample(count, ["le": "+Inf"], suffix: "_bucket")
        page.sample(microseconds: status.commits.sumMicroseconds, suffix: "_sum")
        page.sample(count, suffix: "_count")
    }

    private static func writeFlags(_ status: EngineStatus, to page: inout PrometheusText) {
        page.metric(
            "vigil_outputs_total", .counter, help: "Output events of flags, by what happened.")
        page.sample(status.flags.raised, ["transition": "raised"])
        page.sample(status.flags.updated, ["transition": "updated"])
        page.sample(status.flags.resolved, ["transition": "resolved"])
        page.sample(status.flags.reviewed, ["transition": "reviewed"])
        page.metric(
            "vigil_shadow_outputs_total", .counter,
            help: "Output events of rules on trial, by what happened.")
        page.sample(status.shadows.raised, ["transition": "raised"])
        page.sample(status.shadows.updated, ["transition": "updated"])
        page.sample(status.shadows.resolved, ["transition": "resolved"])
        page.metric("vigil_open_flags", .gauge, help: "Flags that are open now.")
        page.sample(status.openFlags)
        page.metric(
            "vigil_pack_info", .gauge, help: "The packs in force; the value is always 1.")
        for pack in status.packs {
            let identity = pack.identity
            page.sample(
                1, ["pack": identity.id, "version": identity.version, "hash": identity.hash])
        }
        page.metric(
            "vigil_rules_switched_off", .gauge,
            help: "Rules of a pack that the code lists in use have switched off.")
        for pack in status.packs {
            page.sample(pack.switchedOff.count, ["pack": pack.identity.id])
        }
        page.metric(
            "vigil_rule_errors_total", .counter,
            help: "Operations of rules that came to null by an error, by zero or out of range.")
        for pack in status.packs {
            page.sample(status.ruleErrors[pack.identity.id] ?? 0, ["pack": pack.identity.id])
        }
    }

    private static func write(
        _ process: ProcessUsage, started: Instant, to page: inout PrometheusText
    ) {
        page.metric(
            "process_start_time_seconds", .gauge, help: "When the process was started, since 1970.")
        page.sample(microseconds: microseconds(started))
        page.metric(
            "process_cpu_seconds_total", .counter, help: "Processor time of all threads.")
        page.sample(microseconds: process.processorMicroseconds)
        page.metric(
            "process_resident_memory_bytes", .gauge, help: "Memory that is in use.")
        page.sample(process.residentBytes)
    }

    private static func microseconds(_ instant: Instant) -> Int64 {
        instant.milliseconds.multipliedReportingOverflow(by: 1000).partialValue
    }
}
