# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The schemas against the daemon: what they say of events, outputs and settings is what it does."""

import copy
import json
import subprocess

import pytest
import yaml
import zmq
from jsonschema import Draft202012Validator

from client import Client, Message
from daemon import ROOT, Daemon, binary, run
from events import METFORMIN, NAPROXEN, OMEPRAZOLE, Patient, clock, encoded, moment

#: More than can be told one by one, wherever in them a second ends.
REFUSED = 320
IBUPROFEN = ("M01AE01", "Ibuprofen 400mg tablets")


def schema(name):
    """A validator for one of the schemas."""
    text = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(text)
    return Draft202012Validator(text)


def faults(validator, value):
    """Why a value is not valid, in short."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


# Outputs.


def numbered(patient, medicine, day, sequence):
    """An issue of a medicine that its source has numbered."""
    return patient.message("prescription", patient.order(medicine, day), moment("2025-02-01"),
                           sequence=str(sequence))


def told(records):
    """How many rejections were told one by one, and how many merged."""
    data = [record["event"]["data"] for record in records
            if record["topic"] == "system.rejected"]
    return sum("count" not in one for one in data), sum(one.get("count", 0) for one in data)


def bound(name):
    """What begins or ends a bulk load."""
    event = {"specversion": "1.0", "id": name, "source": "urn:test:history",
             "type": f"health.vigil.system.{name}.v1", "time": "2025-02-08T00:00:00Z"}
    return Message(f"system.{name}".encode(), encoded(event))


def load(client):
    """A history with something undated in it and something true at its end, and the day's end."""
    old = Patient("old", "A81001", source="urn:test:history")
    undated = old.order(METFORMIN, "2025-02-08")
    del undated["authoredOn"]
    client.accept([
        bound("loading"), old.registered("1940-06-01", "2025-02-08"),
        old.prescribed(NAPROXEN, "2025-02-08"),
        old.message("prescription", undated, moment("2025-02-08")), bound("loaded")])
    client.accept([clock("2025-02-09T12:00:00Z")])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Everything that was published while each kind of output was brought about, and its log."""
    daemon = Daemon(tmp_path_factory.mktemp("schemas")).start()
    client = Client(daemon.endpoints)
    live = client.subscribe("")
    seen = []
    simulated = run("simulate", "--patients", "60", "--seed", "7").stdout
    sent = run("publish", "--ingest", daemon.endpoints["ingest"], "-", input=simulated)
    assert sent.returncode == 0, sent.stderr
    moved = Patient("moved", "A81001")
    client.accept([
        moved.registered("1940-06-01", "2025-01-01"),
        numbered(moved, NAPROXEN, "2025-02-01", 3), clock("2025-02-01T12:00:00Z"),
        numbered(moved, OMEPRAZOLE, "2024-01-01", 1), numbered(moved, IBUPROFEN, "2025-02-02", 2)])
    raised = [record["event"] for record in daemon.export("--topic", "flag.")
              if record["event"]["subject"] == "moved"][-1]
    client.accept([moved.review(raised, time=moment("2025-02-05"))])
    moved.practice = "B82002"
    client.accept([
        moved.registered("1940-06-01", "2025-02-06"),
        moved.prescribed(OMEPRAZOLE, "2025-02-07")])
    load(client)
    refused = [Message(b"patient.A81001", b"{}")] * REFUSED
    assert {answer["status"] for answer in client.publish(refused)} == {"rejected"}
    # What is merged is told when its second is over.
    for _ in range(10):
        seen += live.until(0)
        records = daemon.export()
        if sum(told(records)) >= REFUSED:
            break
    last = max(record["offset"] for record in records if is_published(record["topic"]))
    events = seen + live.until(last)
    events.append(("system.heartbeat", live_heartbeat(live)))
    client.close()
    yield events, records
    daemon.close()


def live_heartbeat(live):
    """The next heartbeat whole."""
    while True:
        topic, event = live.receive(10)
        if topic == "system.heartbeat":
            return event


def is_published(topic):
    """Whether records of a topic are published: flags, and system events but controls."""
    return topic.startswith(("flag.", "system.digest.", "system.data-quality.")) or topic in (
        "system.gap", "system.gap-closed", "system.rejected", "system.loading", "system.loaded",
        "system.coverage")


def test_everything_that_is_published_is_as_the_schema_says(published):
    events, _ = published
    validator = schema("output")
    assert [fault for topic, event in events for fault in faults(validator, event)] == []


def test_everything_of_the_daemons_own_in_the_log_is_as_the_schema_says(published):
    _, records = published
    own = [record["event"] for record in records if record["event"]["source"] == "vigil/local"]
    assert {"health.vigil.system.genesis.v1", "health.vigil.system.pack.v1",
            "health.vigil.system.clock.v1"} <= {event["type"] for event in own}
    validator = schema("output")
    assert [fault for event in own for fault in faults(validator, event)] == []


def test_every_kind_of_output_was_seen(published):
    events, records = published
    assert {event["type"].removeprefix("health.vigil.").removesuffix(".v1")
            for _, event in events} == {
        "flag.raised", "flag.updated", "flag.resolved", "flag.reviewed", "system.gap",
        "system.gap-closed", "system.rejected", "system.heartbeat", "system.loading",
        "system.loaded", "system.coverage", "system.digest", "system.data-quality"}
    singly, merged = told(records)
    assert singly >= 100 and merged > 0 and singly + merged == REFUSED


def test_what_is_published_is_what_the_page_says_is_published(published):
    events, records = published
    live = {event["id"] for topic, event in events if topic != "system.heartbeat"}
    logged = {record["event"]["id"] for record in records if is_published(record["topic"])}
    assert live == logged


@pytest.mark.parametrize("change", [
    lambda event: event.pop("flagid"),
    lambda event: event.update(causation=1),
    lambda event: event.update(reason="because"),
    lambda event: event.update(unheard="of"),
    lambda event: event["data"].pop("detail"),
    lambda event: event["data"]["extension"].pop(0),
    lambda event: event["data"].update(status="preliminary")])
def test_a_flag_that_is_otherwise_is_refused_by_the_schema(published, change):
    event = copy.deepcopy(next(event for topic, event in published[0]
                               if event["type"] == "health.vigil.flag.raised.v1"))
    change(event)
    assert faults(schema("output"), event) != []


# Inbound events.


def test_every_simulated_event_is_as_the_schema_says():
    validator = schema("event")
    lines = run("simulate", "--patients", "60", "--seed", "3").stdout.splitlines()
    assert len(lines) > 500
    assert [fault for line in lines for fault in faults(validator, json.loads(line)["event"])] == []


#: What is done to a good event, and whether the daemon and the schema still take it.
CHANGES = {
    "as it is": ({}, True),
    "null attributes": ({"sequence": None, "epoch": None, "datacontenttype": None}, True),
    "attributes of others": ({"traceparent": "00-abc", "practice": "A81001"}, True),
    "a time with an offset": ({"time": "2024-02-29t23:59:60.123456+05:30"}, True),
    "a content type with a parameter": (
        {"datacontenttype": "Application/FHIR+JSON; charset=utf-8"}, True),
    "numbers": ({"sequence": "18446744073709551615", "epoch": "007"}, True),
    "another version of CloudEvents": ({"specversion": "0.3"}, False),
    "no id": ({"id": None}, False),
    "an empty source": ({"source": ""}, False),
    "an id too long": ({"id": "x" * 129}, False),
    "a control character": ({"subject": "a\u0085b"}, False),
    "no subject": ({"subject": None}, False),
    "a type of no kind": ({"type": "health.vigil.banana.created.v1"}, False),
    "no such action": ({"type": "health.vigil.patient.moved.v1"}, False),
    "a time without an offset": ({"time": "2024-01-01T09:00:00"}, False),
    "a time of another age": ({"time": "1899-12-31T23:59:59Z"}, False),
    "another content type": ({"datacontenttype": "application/json"}, False),
    "a sequence of zero": ({"sequence": "0"}, False),
    "a sequence as a number": ({"sequence": 1}, False),
    "no data": ({"data": None}, False),
    "data of another kind": ({"data": {"resourceType": "Encounter", "id": "e"}}, False),
    "data without an id": ({"data": {"resourceType": "Patient"}}, False),
    "an id that FHIR does not know": ({"data": {"resourceType": "Patient", "id": "a b"}}, False),
}


def test_the_schema_takes_what_the_daemon_takes(client):
    validator = schema("event")
    differing = []
    for number, (name, (change, is_good)) in enumerate(CHANGES.items()):
        patient = Patient("p")
        event = patient.envelope(
            "patient", {"resourceType": "Patient", "id": "p"}, moment("2024-01-01"))
        event["id"] = f"change-{number}"
        event.update(change)
        taken = client.request(Message(b"patient.A81001", encoded(event)))[0]
        valid = faults(validator, event) == []
        if (taken["status"] == "accepted", valid) != (is_good, is_good):
            differing.append((name, taken, valid))
    assert differing == []


def test_a_clock_event_needs_neither_subject_nor_data():
    assert faults(schema("event"), json.loads(clock("2024-01-01T00:00:00Z").event)) == []


# Settings.


def serve(folder, text):
    """What a daemon says that is started with a settings file and is to refuse it."""
    file = folder / "settings.yaml"
    file.write_text(text)
    return run("serve", "--data", folder / "data", "--config", file, timeout=30)


def test_the_settings_of_the_schema_are_those_that_the_daemon_names(tmp_path):
    done = serve(tmp_path, "noSuchSetting: 1\n")
    assert done.returncode == 78
    named = done.stderr.strip().rpartition("the settings are ")[2].split(", ")
    assert sorted(named) == sorted(schema("config").schema["properties"])


@pytest.mark.parametrize("text", [
    "clock: moon", "eventBytesMax: 0", "eventBytesMax: 1048577", "eventBytesMax: many",
    "events: tcp://127.0.0.1:0", "ingest: udp://127.0.0.1:1", "name: a/b", "packs: pincer",
    "- name", "sources: urn:a", "sources: [{subjects: same}]",
    "sources: [{source: urn:a, subjects: maped}]", "sources: [{source: urn:a, rhythm: daily}]",
    "parameters: [pincer]", "parameters: {pincer: 65}",
    "coverage: [{practice: A81001, kind: prescription}]",
    "coverage: [{practice: 'A 1', kind: prescription, from: '2015-01-01'}]",
    "coverage: [{practice: A81001, kind: drug, from: '2015-01-01'}]"])
def test_what_the_schema_refuses_the_daemon_refuses(tmp_path, text):
    assert faults(schema("config"), yaml.safe_load(text)) != []
    done = serve(tmp_path, text + "\n")
    assert done.returncode == 78, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_file_with_every_setting_is_taken(tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    list_name = "pincer-anticoag.csv"
    (lists / list_name).write_bytes(
        (ROOT / "Sources/VigilPacks/Packs/pincer/codelists/anticoag.csv").read_bytes())
    further = tmp_path / "further.csv"
    further.write_text("system,code,to-system,to-code\ndmd,329925006,bnf,0601022B0\n")
    settings = {
        "data": str(tmp_path / "data"), "name": "south-pcn", "zone": "Europe/London", "clock": "event", "eventBytesMax": 70000,
        "events": ["tcp://127.0.0.1:*", ">tcp://127.0.0.1:9"], "ingest": "tcp://127.0.0.1:*",
        "alerts": "tcp://localhost:*", "history": "tcp://127.0.0.1:*", "http": "none",
        "packs": ["pincer"], "codelists": str(lists), "map": str(further),
        "segmentBytesMax": 1 << 20,
        "snapshotRecords": 1000, "queueBytesMax": 32 << 20,
        "curve": {"keyFile": str(tmp_path / "key"), "connectionsMax": 100, "principals": [{
            "name": "all", "key": zmq.curve_keypair()[0].decode(),
            "publish": {"sources": ["urn:a:*"], "topics": ["*.A1"]},
            "read": {"topics": ["flag.A1"], "inbound": ["*"]}}]},
        "sources": [{"source": "urn:a", "subjects": "mapped", "registration": "implied",
                     "zone": "Europe/Paris", "rhythm": "90 min"}],
        "parameters": {"pincer": {}}, "unreviewed": "24 h",
        "coverage": [{"practice": "A81001", "kind": "prescription", "from": "2015-04-01"}],
        "budgets": [{"severity": "low", "raisesPerDay": 0},
                    {"practice": "A81001", "severity": "moderate", "raisesPerDay": 20}]}
    assert run("keys", "new", "--out", tmp_path / "key").returncode == 0
    assert faults(schema("config"), settings) == []
    assert set(settings) == set(schema("config").schema["properties"])
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(settings))
    process = subprocess.Popen(
        [binary(), "serve", "--config", str(file)],
        stdout=subprocess.PIPE, text=True)
    try:
        assert "ready" in json.loads(process.stdout.readline())
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()
