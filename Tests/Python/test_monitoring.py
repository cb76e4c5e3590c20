# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Streams of readings through the wire: simulated wards and homes, what cannot be read, and what
time alone brings about on the machine's own clock."""

import datetime
import json
import time

import pytest

from daemon import run
from events import HEART_FAILURE, Patient, clock
from vitals import Chart, alerts, quantity, told

ALL_PACKS = [argument for name in (
    "pincer", "pincer-audit", "prescribing-safety", "deterioration", "kidney", "asthma",
    "home-monitoring") for argument in ("--pack", name)]


def stamp(moment):
    """A moment as FHIR writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def episodes(daemon):
    """(rule, subject, raised, resolved) of the alerts in a log."""
    found = {}
    for event in alerts(daemon):
        if event["rule"] == "unreviewed":
            continue
        state = found.setdefault(
            event["flagid"], [event["rule"], event["subject"], event["time"], None])
        action = event["type"].split(".")[-2]
        if action == "raised":
            state[3] = None
        elif action == "resolved":
            state[3] = event["time"]
    return {tuple(state) for state in found.values()}


@pytest.mark.parametrize(("scene", "packs", "patients"), [
    ("ward", ["deterioration", "kidney"], 10), ("home", ["home-monitoring"], 10)])
def test_a_simulation_finds_all_that_is_planted_and_nothing_else(
        make_daemon, scene, packs, patients):
    daemon = make_daemon(arguments=[word for name in packs for word in ("--pack", name)])
    options = ["--scene", scene, "--patients", patients, "--days", 12, "--start", "2024-01-08"]
    expected = run("simulate", *options, "--expect")
    assert expected.returncode == 0, expected.stderr
    sent = run("simulate", *options, "--ingest", daemon.endpoints["ingest"], timeout=580)
    assert sent.returncode == 0, sent.stderr
    planted = set()
    for line in expected.stdout.splitlines():
        entry = json.loads(line)
        planted.add((entry["rule"], entry["subject"], entry["raised"], entry.get("resolved")))
    assert planted
    assert episodes(daemon) == planted
    daemon.assert_replays()


def test_what_cannot_be_read_is_told_and_alerts_to_nothing(make_daemon, make_client):
    daemon = make_daemon(arguments=ALL_PACKS)
    client = make_client(daemon)
    chart = Chart(Patient("odd"))
    when = "2024-05-01T08:00:00Z"
    client.accept([
        chart.patient.registered("1950-01-01", time="2024-04-01T09:00:00Z"),
        chart.patient.diagnosed(HEART_FAILURE, "2020-01-01", time="2024-04-02T09:00:00Z")])

    def device(code, value, unit, **elements):
        return chart.observation(
            code, when, kind="device", valueQuantity=quantity(value, unit), **elements)
    client.accept([
        device("29463-7", 80, "stone"), device("29463-7", 1, "kg"), device("29463-7", 80, "kg"),
        device("29463-7", 55, "kg"), device("59408-5", 80, "ratio"), device("59408-5", 101, "%"),
        device("99504-3", 2.0, "mol"), device("99504-3", 95, "mmol/L"),
        device("8480-6", 700, "mm[Hg]"), device("8480-6", 210, "cubit"),
        device("2160-0", 900, "kg"),
        chart.observation("59408-5", when, kind="device", valueQuantity={
            **quantity(80, "%"), "comparator": "<"})])
    client.accept([clock("2024-05-01T10:00:00Z")])
    quality = daemon.export("--topic", "system.data-quality.A81001")
    assert [record["event"]["data"]["why"] for record in quality] == [
        "unknown-unit", "impossible-value", "wrong-person", "unknown-unit", "impossible-value",
        "unknown-unit", "impossible-value", "impossible-value", "unknown-unit", "unknown-unit",
        "unreadable-value"]
    assert {record["event"]["subject"] for record in quality} == {"odd"}
    assert alerts(daemon) == []
    daemon.assert_replays()


def test_a_device_without_a_patient_is_quarantined_and_never_guessed(make_daemon, make_client):
    daemon = make_daemon(arguments=ALL_PACKS)
    client = make_client(daemon)
    chart = Chart(Patient("somebody"))
    client.accept([chart.patient.registered("1950-01-01", time="2024-04-01T09:00:00Z")])
    replies = []
    for name, change in {
            "nobody": lambda event: event.pop("subject"),
            "itself": lambda event: event["data"].update(
                subject={"reference": "Device/oximeter-7"}),
            "another": lambda event: event["data"].update(
                subject={"reference": "Patient/somebody-else"})}.items():
        reading = chart.observation(
            "59408-5", "2024-05-01T08:00:00Z", kind="device", id=name,
            valueQuantity=quantity(70, "%"), device={"reference": "Device/oximeter-7"})
        content = json.loads(reading.event)
        change(content)
        replies += client.publish([reading._replace(event=json.dumps(content).encode())])
    assert [(reply["status"], reply["code"]) for reply in replies] == [
        ("rejected", "not-cloudevents"), ("rejected", "invalid-element"),
        ("rejected", "subject-mismatch")]
    assert len(daemon.export("--topic", "system.rejected")) == 3
    assert alerts(daemon) == []


def test_a_signal_is_lost_by_the_machines_clock_with_no_event(make_daemon, make_client):
    daemon = make_daemon(clock="wall", arguments=["--pack", "home-monitoring"])
    client = make_client(daemon)
    chart = Chart(Patient("quiet"))
    now = datetime.datetime.now(datetime.timezone.utc)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    client.accept([chart.patient.registered("1950-01-01", time=stamp(now))])
    last = now - datetime.timedelta(minutes=20) + datetime.timedelta(seconds=8)
    client.accept([chart.observation(
        "105272-9", stamp(last), sent=stamp(now), kind="device",
        valueQuantity=quantity(6.1, "mmol/L"))])
    for _ in range(240):
        if told(daemon, "quiet"):
            break
        time.sleep(0.5)
    event = alerts(daemon, "quiet", "cgm-stale")[0]
    assert event["reason"] == "time"
    assert event["time"] == stamp(last + datetime.timedelta(minutes=20, milliseconds=1))
