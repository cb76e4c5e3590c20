# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""How much people are told of alerts: budgets, digests, the noise report, baseline loads."""

import json
import shutil

import pytest
import yaml

import daemon as daemons
from events import HEART_FAILURE, NAPROXEN, WARFARIN, Patient, clock, moment
from test_feeds import publish, system, write
from vitals import Chart, alerts, extension, quantity

PACKS = ["pincer", "pincer-audit", "deterioration", "kidney", "asthma", "home-monitoring",
         "prescribing-safety", "endotype"]
READINGS = {"news2", "aki", "hf-w2", "copd-o2", "cgm", "cgm-tir", "cgm-stale", "bp-crisis",
            "bp-home"}


def all_packs():
    """The arguments that put every bundled pack in force."""
    return [word for pack in PACKS for word in ("--pack", pack)]


@pytest.fixture
def ward(make_daemon, make_client, tmp_path):
    """A daemon whose practices are told of two moderate things a day at once."""
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({
        "budgets": [{"severity": "moderate", "raisesPerDay": 2}], "unreviewed": "24 h"}))

    def make(name, *more):
        daemon = make_daemon(name, arguments=[
            "--pack", "pincer", "--pack", "deterioration", "--config", str(config), *more])
        return daemon, make_client(daemon)
    return make


def deliveries(daemon):
    """Raises as (subject, severity, delivery), flags and alerts in the order of the log."""
    found = []
    for record in daemon.export():
        event = record["event"]
        if record["topic"].startswith(("alert.", "flag.")) and event["type"].endswith("raised.v1"):
            found.append((event["subject"], event["severity"], event["delivery"]))
    return found


def busy_day(client):
    """Moderate and high alerts and flags of one day, with reviews."""
    charts = {name: Chart(Patient(name)) for name in ("a", "b", "c", "d", "worse", "high")}
    client.accept([chart.patient.registered("1950-01-01", time="2024-05-02T07:00:00Z")
                   for chart in charts.values()])
    for hour, name in enumerate(("a", "b", "c", "d", "worse"), start=8):
        client.accept(charts[name].news2(f"2024-05-02T{hour:02}:00:00Z", acvpu="V"))
    client.accept(charts["high"].news2("2024-05-02T13:00:00Z", rr=25, spo2=91, sbp=100))
    client.accept(charts["worse"].news2("2024-05-02T14:00:00Z", rr=25, spo2=91, sbp=100))
    client.accept(charts["d"].news2("2024-05-02T15:00:00Z"))
    flagged = Patient("flagged")
    client.accept([
        flagged.registered("1950-01-01", time="2024-05-02T16:00:00Z"),
        flagged.prescribed(NAPROXEN, "2024-05-02", time="2024-05-02T16:01:00Z"),
        clock("2024-05-02T17:00:00Z")])
    return charts


def snooze(patient, event, time, day):
    """A review that snoozes."""
    message = patient.review(event, "snooze", time=time)
    content = json.loads(message.event)
    content["data"]["mitigation"][0]["extension"].append(
        {"url": "urn:vigil:until", "valueDate": day})
    return message._replace(event=json.dumps(content).encode())


def test_alerts_over_the_budget_wait_for_the_digest_and_high_ones_never(ward):
    daemon, client = ward("one")
    charts = busy_day(client)
    assert deliveries(daemon) == [
        ("a", "moderate", "now"), ("b", "moderate", "now"), ("c", "moderate", "digest"),
        ("d", "moderate", "digest"), ("worse", "moderate", "digest"), ("high", "high", "now"),
        ("worse", "high", "now"), ("flagged", "moderate", "digest")]
    client.accept([clock("2024-05-02T23:00:00Z")])
    digest, = system(daemon, "digest")
    assert digest["time"] == "2024-05-02T23:00:00.000Z"
    # What has become high is told of by itself, and listed no more.
    assert [(one["subject"], one["rule"], one["severity"], one["open"])
            for one in digest["data"]["flags"]] == [
        ("c", "news2", "moderate", True), ("d", "news2", "moderate", False),
        ("flagged", "gi-p3a", "moderate", True)]
    # The next day has its budget again.
    client.accept(charts["d"].news2("2024-05-03T08:00:00Z", acvpu="V"))
    assert deliveries(daemon)[-1] == ("d", "moderate", "now")
    daemon.assert_replays()


def test_a_log_with_reviews_snoozes_budgets_and_digests_replays_to_the_byte(ward):
    """And a daemon that was stopped in between, or keeps snapshots, writes the same outputs."""
    whole, client = ward("whole")
    halted, other = ward("halted")
    outputs = []
    for daemon, peer, stops in ((whole, client, False), (halted, other, True)):
        charts = busy_day(peer)
        raised = {event["subject"]: event for event in alerts(daemon)
                  if event["type"].endswith("raised.v1")}
        peer.accept([
            snooze(charts["a"].patient, raised["a"], "2024-05-02T18:00:00Z", "2024-05-04"),
            charts["c"].patient.review(raised["c"], "accept", time="2024-05-02T18:01:00Z")])
        if stops:
            daemon.stop()
            daemon.start()
            peer = type(peer)(daemon.endpoints)
        peer.accept([clock("2024-05-03T14:30:00Z"), clock("2024-05-06T00:00:00Z")])
        if stops:
            peer.close()
        outputs.append([(record["topic"], record["event"]) for record in daemon.export()
                        if record["topic"].startswith(("alert.", "flag.", "system.digest"))])
        daemon.assert_replays()
    assert outputs[0] == outputs[1]
    reasons = {event.get("reason") for _, event in outputs[0]}
    assert {"snooze-ended", "stale", "severity-changed"} <= reasons
    assert any(topic == "alert.A81001.high.unreviewed" for topic, _ in outputs[0])
    assert any(topic == "system.digest.A81001" for topic, _ in outputs[0])


def test_what_is_on_trial_takes_nothing_of_a_budget_and_is_in_no_digest(
        make_daemon, make_client, tmp_path):
    source = daemons.ROOT / "Sources/VigilPacks/Packs/deterioration"
    folder = tmp_path / "pack"
    shutil.copytree(source, folder)
    text = (folder / "pack.yaml").read_text()
    (folder / "pack.yaml").write_text(
        text.replace("  - id: news2\n", "  - id: news2\n    shadow: true\n"))
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"budgets": [{"severity": "moderate", "raisesPerDay": 1}]}))
    daemon = make_daemon(arguments=[
        "--pack", "pincer", "--pack", str(folder), "--config", str(config)])
    client = make_client(daemon)
    busy_day(client)
    client.accept([clock("2024-05-03T12:00:00Z")])
    assert deliveries(daemon) == [("flagged", "moderate", "now")]
    assert daemon.export("--topic", "shadow.")
    assert system(daemon, "digest") == []
    daemon.assert_replays()


def test_the_noise_of_flags_and_alerts(ward):
    daemon, client = ward("one")
    charts = busy_day(client)
    raised = {event["subject"]: event for event in alerts(daemon)
              if event["type"].endswith("raised.v1")}
    flag = [record["event"] for record in daemon.export("--topic", "flag.")][-1]
    override = json.loads(charts["b"].patient.review(
        raised["b"], "override", time="2024-05-02T18:00:00Z").event)
    override["data"]["mitigation"][0]["extension"].append(
        {"url": "urn:vigil:reason", "valueCode": "not-my-patient"})
    act = json.loads(Patient("flagged").review(
        flag, "act", time="2024-05-02T18:00:00Z").event)
    act["id"] = act["data"]["id"] = "act-1"
    act["data"]["mitigation"][0]["extension"].append(
        {"url": "urn:vigil:performed", "valueCode": "stopped-hazard"})
    message = charts["b"].patient.review(raised["b"], time="2024-05-02T18:00:00Z")
    client.accept([message._replace(event=json.dumps(event).encode())
                   for event in (override, act)])
    client.accept([snooze(charts["a"].patient, raised["a"], "2024-05-02T18:30:00Z",
                          "2024-05-04")])
    done = daemons.run("report", "noise", "--data", daemon.data, "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["rule"]: row for row in map(json.loads, done.stdout.splitlines())}
    minute = 60_000
    assert rows["news2"] == {
        "rule": "news2", "practice": "A81001", "raised": 6, "resolvedByItself": 1, "accepted": 0,
        "acted": 0, "snoozed": 1, "overridden": 1, "overrideReasons": {"not-my-patient": 1},
        "reviewed": 2, "medianReviewMilliseconds": 9 * 60 * minute,
        "p90ReviewMilliseconds": 630 * minute}
    assert rows["gi-p3a"] == {
        "rule": "gi-p3a", "practice": "A81001", "raised": 1, "resolvedByItself": 0, "accepted": 0,
        "acted": 1, "snoozed": 0, "overridden": 0, "overrideReasons": {}, "reviewed": 1,
        "medianReviewMilliseconds": 109 * minute, "p90ReviewMilliseconds": 109 * minute}
    done = daemons.run("report", "noise", "--data", daemon.data)
    assert "overridden most: news2 (1 of 2 reviewed)" in done.stdout


def history():
    """Years of some patients, with something of every pack, and what still stands."""
    asthma, morphine = ("195967001", "Asthma"), ("N02AA01", "Morphine")
    salbutamol, warfarin = ("R03AC02", "Salbutamol 100 micrograms inhaler"), WARFARIN
    messages = []
    for number in range(12):
        patient = Patient(f"old-{number}", source="urn:test:history")
        chart = Chart(patient)
        messages += [
            patient.registered("1945-06-01", day="2019-01-01"),
            patient.diagnosed(asthma, "2019-02-01", time=moment("2019-02-01")),
            patient.diagnosed(HEART_FAILURE, "2019-02-02", time=moment("2019-02-02"))]
        for month in range(1, 13):
            messages += [
                patient.prescribed(salbutamol, f"2023-{month:02}-03"),
                patient.prescribed(warfarin, f"2023-{month:02}-03"),
                chart.creatinine(80, f"2023-{month:02}-04T09:00:00Z"),
                chart.observation("29463-7", f"2023-{month:02}-04T09:01:00Z",
                                  valueQuantity=quantity(80, "kg"))]
        messages += [
            patient.prescribed(NAPROXEN, "2024-01-10"),
            patient.prescribed(morphine, "2024-01-10", dosageInstruction=[{
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": quantity(60, "mg")}]}]),
            chart.creatinine(300, "2024-01-11T09:00:00Z"),
            chart.observation("29463-7", "2024-01-11T09:01:00Z",
                              valueQuantity=quantity(85, "kg"))]
        messages += chart.news2("2024-01-11T10:00:00Z", rr=26)
        messages.append(chart.observation(
            "99504-3", "2024-01-11T10:00:00Z", valueQuantity=quantity(2.5, "mmol/L")))
    return sorted(messages, key=lambda message: json.loads(message.event)["time"])


def test_a_history_through_all_packs_is_raised_once_and_for_the_digest(
        make_daemon, make_client, tmp_path):
    daemon = make_daemon(arguments=all_packs())
    client = make_client(daemon)
    file = write(tmp_path / "history.ndjson", history())
    done, summary = publish(daemon, "--baseline", file)
    assert done.returncode == 0, done.stderr
    client.accept([clock("2024-01-12T12:00:00Z")])
    events = [record["event"] for record in daemon.export()
              if record["topic"].startswith(("flag.", "alert."))]
    raised = [event for event in events if event["type"].endswith("raised.v1")]
    assert raised and {event["delivery"] for event in raised} == {"digest"}
    assert {event["reason"] for event in raised} == {"baseline"}
    assert len({(event["subject"], event["rule"]) for event in raised}) == len(raised)
    rules = {event["rule"] for event in raised}
    assert {"gi-p3d", "hf-p3i", "ast-hr", "ast-ics0", "ome-120", "inr-12w"} <= rules
    # Nobody is alerted to readings of the past.
    assert not rules & READINGS
    assert all(extension(event["data"], "baseline") in (True, None) for event in raised)
    listed = [one for event in system(daemon, "digest") for one in event["data"]["flags"]]
    assert {(one["subject"], one["rule"]) for one in listed} == {
        (event["subject"], event["rule"]) for event in raised}
    # A further live event raises nothing of the old again.
    count = len(raised)
    patient = Patient("old-0", source="urn:test:live")
    patient.count = 500
    client.accept([patient.prescribed(NAPROXEN, "2024-01-13"), clock("2024-01-13T12:00:00Z")])
    again = [record["event"] for record in daemon.export()
             if record["topic"].startswith(("flag.", "alert."))
             and record["event"]["type"].endswith("raised.v1")]
    assert len(again) == count
    daemon.assert_replays()
