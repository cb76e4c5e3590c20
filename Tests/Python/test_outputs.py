# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Output events: CloudEvents attributes, identities, and data that is valid FHIR R4 (4.0.1)."""

import base64
import hashlib
import json
import re

import fhir.resources
import pytest
from fhir.resources import get_fhir_model_class

from events import (HEART_FAILURE, METFORMIN, NAPROXEN, OMEPRAZOLE, WARFARIN, Patient, clock,
                    moment)

ENVELOPE = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "rule",
            "ruleversion", "severity", "practice", "flagid", "causation", "sequence", "data",
            "pack", "reason", "delivery", "group"}
DATA = {"resourceType", "id", "meta", "extension", "identifier", "status", "code", "severity",
        "patient", "identifiedPeriod", "author", "implicated", "evidence", "detail", "reference"}
SEVERITY = {"gi-p3a": "moderate", "gi-p3d": "high", "hf-p3i": "high"}
RAISED = {"event", "time", "correction", "baseline", "rules", "engine"}
RESOLVED = {"hazard-ended", "hazard-stopped", "protection-issued", "test-done", "condition-ended",
            "recovered", "expired", "corrected", "deceased", "deregistered", "moved", "merged",
            "severity-changed", "rules", "engine", "suspended"}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A life with every shipped rule raised and resolved; the log's records by offset."""
    from client import Client
    from daemon import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("outputs")).start()
    client = Client(daemon.endpoints)
    old, bleeding, failing = Patient("old"), Patient("bleeding"), Patient("failing", "B82002")
    client.accept([
        old.registered("1950-06-01"), bleeding.registered("1980-02-29"),
        failing.registered("1975-12-31"),
        old.prescribed(OMEPRAZOLE, "2024-01-12"), old.prescribed(METFORMIN, "2024-02-01"),
        bleeding.prescribed(WARFARIN, "2024-03-01"),
        failing.diagnosed(HEART_FAILURE, "2019-05", moment("2024-03-02")),
        bleeding.prescribed(NAPROXEN, "2024-03-08"),
        failing.prescribed(NAPROXEN, "2024-03-28"), old.prescribed(NAPROXEN, "2024-03-29"),
        old.prescribed(OMEPRAZOLE, "2024-04-18", moment("2024-04-18", "09:31:08")),
        clock("2024-09-01T00:00:00Z"),
        old.prescribed(NAPROXEN, "2024-10-01"), clock("2024-10-02T00:00:00Z")])
    records = {record["offset"]: record for record in daemon.export()}
    client.close()
    yield records
    daemon.close()


@pytest.fixture(scope="module")
def flags(told):
    """The flag events, in the log's order."""
    events = [record["event"] for record in told.values() if record["topic"].startswith("flag.")]
    assert {event["rule"] for event in events} == set(SEVERITY)
    return events


def action_of(event):
    return event["type"].split(".")[-2]


def extensions(element):
    """The extensions of an element by the last part of their URL; values, or nested ones."""
    found = {}
    for extension in element.get("extension", []):
        values = [value for name, value in extension.items() if name.startswith("value")]
        name = extension["url"].removeprefix("urn:vigil:")
        found[name] = values[0] if values else extensions(extension)
    return found


def test_the_library_reads_r4():
    assert fhir.resources.__fhir_version__ == "4.0.1"


def test_every_flags_data_is_valid_fhir(flags):
    model = get_fhir_model_class("DetectedIssue")
    for event in flags:
        model.parse_obj(event["data"])
        assert event["data"]["status"] in ("final", "amended", "entered-in-error")
        assert event["data"]["severity"] in ("high", "moderate", "low")


def test_the_envelope_has_each_attribute_of_the_page_and_no_other(told, flags):
    for event in flags:
        assert set(event) == ENVELOPE, event["id"]
        assert all(isinstance(value, str) for name, value in event.items() if name != "data")
        assert event["specversion"] == "1.0"
        assert event["datacontenttype"] == "application/fhir+json"
        assert re.fullmatch(r"vigil/[\w.-]+", event["source"])
        assert re.fullmatch(r"health\.vigil\.flag\.(raised|updated|resolved|reviewed)\.v1",
                            event["type"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
        assert event["pack"] == "pincer"
        assert event["severity"] == SEVERITY[event["rule"]]
        assert event["delivery"] == "now"
        reasons = {"raised": RAISED, "resolved": RESOLVED}.get(action_of(event))
        assert reasons is None or event["reason"] in reasons


def test_id_is_the_offset_and_the_topic_is_made_of_the_attributes(told, flags):
    for offset, record in told.items():
        event = record["event"]
        if record["topic"].startswith("flag."):
            assert event["id"] == str(offset)
            assert record["topic"] == ".".join(
                ["flag", event["practice"], event["severity"], event["rule"]])
    assert {event["practice"] for event in flags} == {"A81001", "B82002"}


def test_the_cause_is_an_earlier_record_of_the_same_moment(told, flags):
    for event in flags:
        cause = told[int(event["causation"])]
        assert cause["offset"] < int(event["id"])
        assert not cause["topic"].startswith("flag.")
        if cause["topic"] == "system.clock" and "instant" in json.dumps(cause["event"]):
            assert event["time"][:19] in json.dumps(cause["event"])
        else:
            assert cause["event"]["time"][:19] == event["time"][:19]


def test_the_flag_id_is_derived_from_origin_patient_rule_and_episode(flags):
    episodes = {}
    for event in flags:
        key = (event["subject"], event["rule"])
        if action_of(event) == "raised":
            episodes[key] = episodes.get(key, 0) + 1
        text = "\0".join([event["source"], *key, str(episodes[key])])
        digest = hashlib.sha256(text.encode()).digest()[:16]
        assert event["flagid"] == base64.b32encode(digest).decode().rstrip("=").lower()
    assert episodes[("old", "gi-p3a")] == 2


def test_raise_and_resolve_alternate_within_an_episode(flags):
    open_flags = set()
    for event in flags:
        if action_of(event) == "raised":
            assert event["flagid"] not in open_flags
            open_flags.add(event["flagid"])
        elif action_of(event) == "resolved":
            open_flags.remove(event["flagid"])
    assert len(open_flags) == 1


def test_the_detected_issue_names_flag_rule_pack_patient_and_engine(flags):
    for event in flags:
        data, offered = event["data"], extensions(event["data"])
        assert set(data) - {"mitigation"} == DATA
        assert data["id"] == event["flagid"]
        assert data["identifier"] == [{"system": "urn:vigil:flag", "value": event["flagid"]}]
        assert data["meta"]["versionId"] == event["id"]
        assert data["code"]["coding"][0]["system"] == "urn:vigil:rule"
        assert data["code"]["coding"][0]["code"] == event["rule"]
        assert data["code"]["text"]
        assert data["severity"] == event["severity"]
        assert data["patient"] == {"type": "Patient", "identifier": {
            "system": "urn:vigil:subject", "value": event["subject"]}}
        assert data["author"]["type"] == "Device"
        assert data["author"]["identifier"] == {
            "system": "urn:vigil:engine", "value": event["source"]}
        assert data["reference"] == "urn:vigil:rule:{}/{}/{}".format(
            event["pack"], offered["rule"]["packVersion"], event["rule"])
        assert offered["rule"]["id"] == event["rule"]
        assert offered["rule"]["version"] == event["ruleversion"]
        assert offered["rule"]["pack"] == event["pack"]
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", offered["rule"]["packHash"])
        assert offered["review-state"] == "open"


def test_evidence_has_roles_and_points_at_records_of_the_log(told, flags):
    for event in flags:
        data = event["data"]
        roles = [entry["code"][0]["coding"][0] for entry in data["evidence"]]
        assert all(role["system"] == "urn:vigil:evidence-role" for role in roles)
        if action_of(event) == "raised":
            assert "hazard" in [role["code"] for role in roles]
            assert data["implicated"]
        details = [detail for entry in data["evidence"] for detail in entry.get("detail", [])]
        for reference in details + data["implicated"]:
            assert reference["identifier"]["system"] == "urn:vigil:offset"
            resource = told[int(reference["identifier"]["value"])]["event"]["data"]
            assert reference["reference"] == f"{resource['resourceType']}/{resource['id']}"
            assert reference["type"] == resource["resourceType"]
            assert reference["display"]
            if resource["resourceType"] == "MedicationRequest":
                assert extensions(reference)["clinical-date"] == resource["authoredOn"]


def test_the_sentence_names_medicine_date_and_age(flags):
    first = next(event for event in flags if (event["subject"], event["rule"]) == (
        "old", "gi-p3a"))
    for part in ("Naproxen 500mg tablets", "2024-03-29", "73", "2024-01-12"):
        assert part in first["data"]["detail"]
    assert "{" not in "".join(event["data"]["detail"] for event in flags)


def test_the_lapsed_protection_is_evidence(flags):
    first = next(event for event in flags if event["subject"] == "old")
    roles = {entry["code"][0]["coding"][0]["code"]: entry for entry in first["data"]["evidence"]}
    assert roles["protection-lapsed"]["detail"][0]["display"].startswith("Omeprazole")
    assert roles["age"]["detail"][0]["type"] == "Patient"


def test_a_resolved_flag_says_why_and_since_when(flags):
    resolved = [event for event in flags if action_of(event) == "resolved"]
    assert len(resolved) >= 3
    for event in resolved:
        period = event["data"]["identifiedPeriod"]
        assert period["start"] <= period["end"]
        resolution = extensions(event["data"])["resolution"]
        assert resolution["code"] == event["reason"]
        assert isinstance(resolution["daysOpen"], int)
        assert "mitigation" not in event["data"]
    protected = next(event for event in resolved if event["subject"] == "old")
    assert protected["reason"] == "protection-issued"
    assert protected["data"]["identifiedPeriod"] == {
        "start": "2024-04-13T00:00:00+01:00", "end": "2024-04-18T10:31:08+01:00"}
    assert extensions(protected["data"])["resolution"]["daysOpen"] == 5
    roles = [entry["code"][0]["coding"][0]["code"] for entry in protected["data"]["evidence"]]
    assert "protection-issued" in roles


def test_an_open_flag_has_no_end(flags):
    for event in flags:
        if action_of(event) == "raised":
            assert set(event["data"]["identifiedPeriod"]) == {"start"}
            assert extensions(event["data"])["baseline"] is False


def test_a_forecast_says_when_it_ends_and_what_would_end_it_at_once(flags):
    forecasts = [extensions(event["data"])["forecast"] for event in flags
                 if action_of(event) == "raised" and event["rule"] == "gi-p3a"
                 and "forecast" in extensions(event["data"])]
    assert forecasts
    for forecast in forecasts:
        assert forecast["becomes"] == "resolved"
        assert forecast["if"] == (
            "nothing further is recorded; or at once when the hazardous medicine is stopped "
            "or a protective medicine is issued")
