// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The pages of the example.
enum GoldenText {
    static let metrics = """
        # HELP process_start_time_seconds When the process was started, since 1970.
        # TYPE process_start_time_seconds gauge
        process_start_time_seconds 1700000000.25
        # HELP process_cpu_seconds_total Processor time of all threads.
        # TYPE process_cpu_seconds_total counter
        process_cpu_seconds_total 1.5
        # HELP process_resident_memory_bytes Memory that is in use.
        # TYPE process_resident_memory_bytes gauge
        process_resident_memory_bytes 4096
        # HELP vigil_ready 1 where messages are taken in, else 0.
        # TYPE vigil_ready gauge
        vigil_ready 1
        # HELP vigil_disk_free_bytes What may still be written to the log's device.
        # TYPE vigil_disk_free_bytes gauge
        vigil_disk_free_bytes 5000000000
        # HELP vigil_messages_total Messages received, by what became of them: together they \
        are all.
        # TYPE vigil_messages_total counter
        vigil_messages_total{outcome="accepted"} 5
        vigil_messages_total{outcome="duplicate"} 2
        vigil_messages_total{outcome="rejected"} 2
        vigil_messages_total{outcome="busy"} 3
        # HELP vigil_rejections_total Rejected messages, by rejection code.
        # TYPE vigil_rejections_total counter
        vigil_rejections_total{code="bad-frames"} 0
        vigil_rejections_total{code="too-large"} 0
        vigil_rejections_total{code="malformed-json"} 1
        vigil_rejections_total{code="not-cloudevents"} 0
        vigil_rejections_total{code="unauthorised"} 0
        vigil_rejections_total{code="id-conflict"} 1
        vigil_rejections_total{code="unsupported-type"} 0
        vigil_rejections_total{code="topic-mismatch"} 0
        vigil_rejections_total{code="not-fhir"} 0
        vigil_rejections_total{code="missing-element"} 0
        vigil_rejections_total{code="invalid-element"} 0
        vigil_rejections_total{code="subject-mismatch"} 0
        vigil_rejections_total{code="unknown-flag"} 0
        vigil_rejections_total{code="stale-review"} 0
        # HELP vigil_quarantine_messages_total Rejected messages that were kept in the quarantine.
        # TYPE vigil_quarantine_messages_total counter
        vigil_quarantine_messages_total 2
        # HELP vigil_refusals_total What was refused at the sockets for lack of a key or a grant, or \
        as too much.
        # TYPE vigil_refusals_total counter
        vigil_refusals_total{kind="key"} 0
        vigil_refusals_total{kind="handshake"} 0
        vigil_refusals_total{kind="connections"} 0
        vigil_refusals_total{kind="publish"} 3
        vigil_refusals_total{kind="subscribe"} 0
        vigil_refusals_total{kind="flood"} 0
        vigil_refusals_total{kind="history"} 0
        # HELP vigil_outputs_passed_over_total Output events that missed a subscriber whose queue \
        was full.
        # TYPE vigil_outputs_passed_over_total counter
        vigil_outputs_passed_over_total 2
        # HELP vigil_subscribers Subscribers, by principal.
        # TYPE vigil_subscribers gauge
        vigil_subscribers{principal="auditor"} 1
        vigil_subscribers{principal="tool"} 0
        # HELP vigil_slow_subscribers Subscribers that do not take what is sent to them, by \
        principal.
        # TYPE vigil_slow_subscribers gauge
        vigil_slow_subscribers{principal="auditor"} 1
        vigil_slow_subscribers{principal="tool"} 0
        # HELP vigil_subscribers_fallen_behind_total How often a subscriber has become slow, by \
        principal.
        # TYPE vigil_subscribers_fallen_behind_total counter
        vigil_subscribers_fallen_behind_total{principal="auditor"} 2
        vigil_subscribers_fallen_behind_total{principal="tool"} 0
        # HELP vigil_sources Sources that messages have come from.
        # TYPE vigil_sources gauge
        vigil_sources 2
        # HELP vigil_unread_sources Sources whose medicines the packs in force do not read.
        # TYPE vigil_unread_sources gauge
        vigil_unread_sources{fault="unread-share"} 1
        vigil_unread_sources{fault="none-listed"} 0
        # HELP vigil_silent_sources Sources that have been quiet for longer than their rhythm.
        # TYPE vigil_silent_sources gauge
        vigil_silent_sources 1
        # HELP vigil_loads_open Bulk loads that are under way.
        # TYPE vigil_loads_open gauge
        vigil_loads_open 1
        # HELP vigil_load_patients_waiting Patients of loads that have ended who are yet to be \
        looked at.
        # TYPE vigil_load_patients_waiting gauge
        vigil_load_patients_waiting 7
        # HELP vigil_log_offset The last durable offset of the log.
        # TYPE vigil_log_offset gauge
        vigil_log_offset 41
        # HELP vigil_log_time_seconds The log's clock: the time of its newest record, since 1970.
        # TYPE vigil_log_time_seconds gauge
        vigil_log_time_seconds 1704067200.5
        # HELP vigil_commit_duration_seconds From handing a commit to the disk until it is known \
        to be durable.
        # TYPE vigil_commit_duration_seconds histogram
        vigil_commit_duration_seconds_bucket{le="0.0005"} 1
        vigil_commit_duration_seconds_bucket{le="0.001"} 2
        vigil_commit_duration_seconds_bucket{le="0.0025"} 2
        vigil_commit_duration_seconds_bucket{le="0.005"} 2
        vigil_commit_duration_seconds_bucket{le="0.01"} 2
        vigil_commit_duration_seconds_bucket{le="0.025"} 2
        vigil_commit_duration_seconds_bucket{le="0.05"} 2
        vigil_commit_duration_seconds_bucket{le="0.1"} 2
        vigil_commit_duration_seconds_bucket{le="0.25"} 2
        vigil_commit_duration_seconds_bucket{le="0.5"} 2
        vigil_commit_duration_seconds_bucket{le="1"} 2
        vigil_commit_duration_seconds_bucket{le="2.5"} 2
        vigil_commit_duration_seconds_bucket{le="+Inf"} 3
        vigil_commit_duration_seconds_sum 3.001001
        vigil_commit_duration_seconds_count 3
        # HELP vigil_outputs_total Output events of flags, by what happened.
        # TYPE vigil_outputs_total counter
        vigil_outputs_total{transition="raised"} 4
        vigil_outputs_total{transition="updated"} 0
        vigil_outputs_total{transition="resolved"} 1
        vigil_outputs_total{transition="reviewed"} 0
        # HELP vigil_shadow_outputs_total Output events of rules on trial, by what happened.
        # TYPE vigil_shadow_outputs_total counter
        vigil_shadow_outputs_total{transition="raised"} 0
        vigil_shadow_outputs_total{transition="updated"} 0
        vigil_shadow_outputs_total{transition="resolved"} 0
        # HELP vigil_open_flags Flags that are open now.
        # TYPE vigil_open_flags gauge
        vigil_open_flags 3
        # HELP vigil_pack_info The packs in force; the value is always 1.
        # TYPE vigil_pack_info gauge
        vigil_pack_info{pack="pincer",version="1.0.0",hash="sha256:00ff"} 1
        # HELP vigil_rules_switched_off Rules of a pack that the code lists in use have \
        switched off.
        # TYPE vigil_rules_switched_off gauge
        vigil_rules_switched_off{pack="pincer"} 1
        # HELP vigil_rule_errors_total Operations of rules that came to null by an error, by \
        zero or out of range.
        # TYPE vigil_rule_errors_total counter
        vigil_rule_errors_total{pack="pincer"} 6

        """

    static let status =
        #"{"phase":"serving","ready":true,"reasons":[],"started":"2023-11-14T22:13:20.250Z","#
        + #""uptimeSeconds":61,"origin":"vigil/local","clock":"event","log":{"head":41,"#
        + #""lastOutput":40,"time":"2024-01-01T00:00:00.500Z","freeBytes":5000000000},"packs":["#
        + #"{"id":"pincer","version":"1.0.0","hash":"sha256:00ff","rules":["gi-p3a"],"#
        + #""switchedOff":[{"rule":"hf-p3i","why":"Switched off: \"hf\"."}]}],"flags":{"open":3,"#
        + #""raised":4,"updated":0,"resolved":1,"reviewed":0},"messages":{"received":12,"#
        + #""accepted":5,"duplicate":2,"rejected":2,"busy":3},"rejections":{"malformed-json":1,"#
        + #""id-conflict":1},"degraded":true,"unread":[{"source":"urn:a","#
        + #""faults":["unread-share"],"notWatching":["gi-p3a"]}],"silent":[{"#
        + #""source":"urn:c","since":"2024-01-01T00:00:00.500Z"}],"loads":[{"source":"urn:b","#
        + #""since":"2024-01-01T00:00:00.500Z","patients":9}],"patientsWaiting":7,"#
        + #""sources":[{"source":null,"received":4,"accepted":0,"duplicate":0,"#
        + #""rejected":1,"busy":3},{"source":"urn:a","received":8,"accepted":5,"duplicate":2,"#
        + #""rejected":1,"busy":0}],"sourcesOmitted":0}"#
}
