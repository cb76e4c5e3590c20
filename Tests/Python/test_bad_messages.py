# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Bad messages are refused with the reason and the place, kept, published and survived."""

import base64
import copy
import hashlib
import json
import shutil
import time

import pytest
import zmq

from client import Message
from events import NAPROXEN, Patient, encoded, moment

DAY = "2024-03-01"
#: What `change` uses to take a member away.
GONE = object()


def good(number, kind="prescription", resource=None):
    """A good event as a dict, from a source of its own: each source has its own reporting limit."""
    patient = Patient("p1", source=f"urn:test:bad:{number}")
    if resource is None:
        resource = patient.order(NAPROXEN, DAY, id="rx-1")
    return patient.envelope(kind, resource, moment(DAY))


def change(event, pointer, value):
    """Sets, or takes away, the element that a JSON Pointer names; returns the event."""
    *path, last = [int(part) if part.isdigit() else part for part in pointer.split("/")[1:]]
    place = event
    for part in path:
        place = place[part]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return event


OBSERVATION = {
    "resourceType": "Observation", "id": "o1", "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "33914-3"}]},
    "subject": {"reference": "Patient/p1"}, "effectiveDateTime": DAY,
    "valueQuantity": {"value": 44, "system": "http://unitsofmeasure.org",
                      "code": "mL/min/{1.73_m2}"}}
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1940-01-01", "gender": "female"}
CONDITION = {
    "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "84114007"}]},
    "onsetDateTime": DAY}
REVIEW = {
    "resourceType": "DetectedIssue", "id": "r1", "status": "final",
    "identifier": [{"system": "urn:vigil:flag", "value": "aaaaaaaaaaaaaaaaaaaaaaaaaa"}],
    "patient": {"type": "Patient", "identifier": {"system": "urn:vigil:subject", "value": "p1"}},
    "mitigation": [{
        "extension": [{"url": "urn:vigil:seen", "valueString": "7"}],
        "action": {"coding": [{"system": "urn:vigil:review-action", "code": "accept"}]},
        "date": moment(DAY),
        "author": {"type": "Practitioner", "identifier": {"system": "urn:x", "value": "1"}}}]}
KINDS = {"observation": OBSERVATION, "patient": PATIENT, "condition": CONDITION, "review": REVIEW,
         "prescription": None}

# One case a row: the kind of event, the element changed, its new value, the codes that name the
# fault, the pointer of the reply (None: the page does not fix one).
CHANGED = [
    ("prescription", "/specversion", GONE, "not-cloudevents", ""),
    ("prescription", "/specversion", "0.3", "not-cloudevents", "/specversion"),
    ("prescription", "/specversion", 1.0, "not-cloudevents", "/specversion"),
    ("prescription", "/id", GONE, "not-cloudevents", ""),
    ("prescription", "/id", "", "not-cloudevents", "/id"),
    ("prescription", "/id", "x" * 129, "not-cloudevents", "/id"),
    ("prescription", "/id", 7, "not-cloudevents", "/id"),
    ("prescription", "/source", GONE, "not-cloudevents", ""),
    ("prescription", "/source", "", "not-cloudevents", "/source"),
    ("prescription", "/source", "x" * 257, "not-cloudevents", "/source"),
    ("prescription", "/source", ["a"], "not-cloudevents", "/source"),
    ("prescription", "/type", GONE, "not-cloudevents", ""),
    ("prescription", "/type", 5, "not-cloudevents", "/type"),
    ("prescription", "/type", "", "not-cloudevents", "/type"),
    ("prescription", "/subject", GONE, "not-cloudevents", ""),
    ("prescription", "/subject", "", "not-cloudevents", "/subject"),
    ("prescription", "/subject", "ä" * 65, "not-cloudevents", "/subject"),
    ("prescription", "/time", GONE, "not-cloudevents", ""),
    ("prescription", "/time", 1709283600, "not-cloudevents", "/time"),
    ("prescription", "/time", "yesterday", "not-cloudevents", "/time"),
    ("prescription", "/time", "2024-03-01", "not-cloudevents", "/time"),
    ("prescription", "/time", "2024-03-01T09:00:00", "not-cloudevents", "/time"),
    ("prescription", "/time", "2024-02-30T09:00:00Z", "not-cloudevents", "/time"),
    ("prescription", "/time", "2024-03-01T25:00:00Z", "not-cloudevents", "/time"),
    ("prescription", "/time", "1899-12-31T23:59:59Z", "not-cloudevents", "/time"),
    ("prescription", "/time", "2101-01-01T00:00:00Z", "not-cloudevents", "/time"),
    ("prescription", "/datacontenttype", "text/plain", "not-cloudevents", "/datacontenttype"),
    ("prescription", "/sequence", "x", "not-cloudevents", "/sequence"),
    ("prescription", "/sequence", 1, "not-cloudevents", "/sequence"),
    ("prescription", "/epoch", "-1", "not-cloudevents", "/epoch"),
    ("prescription", "/data", GONE, "not-cloudevents|not-fhir|missing-element", ""),
    ("prescription", "/type", "com.example.other", "unsupported-type", "/type"),
    ("prescription", "/type", "health.vigil.invoice.created.v1", "unsupported-type", "/type"),
    ("prescription", "/type", "health.vigil.prescription.erased.v1", "unsupported-type", "/type"),
    ("prescription", "/type", "health.vigil.prescription.created.v2", "unsupported-type", "/type"),
    ("prescription", "/type", "health.vigil.observation.created.v1", "topic-mismatch", None),
    ("prescription", "/data", "text", "not-fhir", "/data"),
    ("prescription", "/data", [], "not-fhir", "/data"),
    ("prescription", "/data", {}, "not-fhir|missing-element", "/data"),
    ("prescription", "/data/resourceType", "Invoice", "not-fhir", "/data/resourceType"),
    ("prescription", "/data/resourceType", "Observation", "not-fhir", "/data/resourceType"),
    ("prescription", "/data/resourceType", 3, "not-fhir", "/data/resourceType"),
    ("prescription", "/data/id", GONE, "missing-element", "/data"),
    ("prescription", "/data/id", 12, "invalid-element", "/data/id"),
    ("prescription", "/data/id", "", "invalid-element", "/data/id"),
    ("prescription", "/data/status", GONE, "missing-element", "/data"),
    ("prescription", "/data/status", "nonsense", "invalid-element", "/data/status"),
    ("prescription", "/data/status", ["active"], "invalid-element", "/data/status"),
    ("prescription", "/data/medicationCodeableConcept", GONE, "missing-element", "/data"),
    ("prescription", "/data/medicationCodeableConcept/coding", "M01AE02", "invalid-element",
     "/data/medicationCodeableConcept/coding"),
    ("prescription", "/data/medicationCodeableConcept/coding/0/code", 5, "invalid-element",
     "/data/medicationCodeableConcept/coding/0/code"),
    ("prescription", "/data/authoredOn", "2024-02-30", "invalid-element", "/data/authoredOn"),
    ("prescription", "/data/authoredOn", "1 March", "invalid-element", "/data/authoredOn"),
    ("prescription", "/data/authoredOn", 20240301, "invalid-element", "/data/authoredOn"),
    ("prescription", "/data/doNotPerform", "no", "invalid-element", "/data/doNotPerform"),
    ("prescription", "/data/subject/reference", "Group/p1", "invalid-element",
     "/data/subject/reference"),
    ("prescription", "/data/subject/reference", "Patient/p2", "subject-mismatch", None),
    ("prescription", "/subject", "p2", "subject-mismatch", None),
    ("observation", "/data/code", GONE, "missing-element", "/data"),
    ("observation", "/data/status", "done", "invalid-element", "/data/status"),
    ("observation", "/data/valueQuantity/value", "44", "invalid-element",
     "/data/valueQuantity/value"),
    ("observation", "/data/effectiveDateTime", "2024-13-01", "invalid-element",
     "/data/effectiveDateTime"),
    ("patient", "/data/birthDate", "1940-13-01", "invalid-element", "/data/birthDate"),
    ("patient", "/data/birthDate", 1940, "invalid-element", "/data/birthDate"),
    ("patient", "/data/deceasedBoolean", "yes", "invalid-element", "/data/deceasedBoolean"),
    ("patient", "/data/id", "someone-else", "subject-mismatch", None),
    ("condition", "/data/onsetDateTime", "soon", "invalid-element", "/data/onsetDateTime"),
    ("review", "/data/resourceType", "Flag", "not-fhir", "/data/resourceType"),
    ("review", "/data/mitigation", GONE, "missing-element", "/data"),
    ("review", "/data/mitigation/0/date", GONE, "missing-element", "/data/mitigation/0"),
    ("review", "/data/mitigation/0/author", GONE, "missing-element", "/data/mitigation/0"),
    ("review", "/data/mitigation/0/action/coding/0/code", "shrug", "invalid-element",
     "/data/mitigation/0/action/coding/0/code"),
    ("review", "/data/identifier/0/value", "zzzzzzzzzzzzzzzzzzzzzzzzzz", "unknown-flag",
     "/data/identifier/0/value"),
    ("review", "/data/mitigation/0/date", "2090-01-01", "invalid-element",
     "/data/mitigation/0/date"),
]

TOPICS = [b"prescription", b"prescription.", b"invoice.A81001", b"prescription.A 81",
          b"prescription.A81001.more", b"prescription." + b"x" * 33, b"observation.A81001",
          b"PRESCRIPTION.A81001", b"prescription.\xff"]


def texts():
    """Bytes that are no valid JSON document, each made from a good event."""
    text = encoded(good("text"))
    nested = b'{"specversion":"1.0","x":' + b"[" * 70 + b"]" * 70 + b"}"
    return {
        "nothing": b"", "prose": b"not json", "truncated": text[:-1], "half": text[:200],
        "trailing text": text + b"x", "two documents": text + text,
        "not UTF-8": text.replace(b"Naproxen", b"Napr\xff\xfexen"),
        "a control character": text.replace(b"Naproxen", b"Napro\x01xen"),
        "an unknown escape": text.replace(b"Naproxen", b"Napro\\xen"),
        "a truncated escape": text.replace(b"Naproxen", b"\\u12"),
        "a trailing comma": text[:-1] + b",}",
        "single quotes": text.replace(b'"1.0"', b"'1.0'"),
        "a leading zero": text.replace(b'"1.0"', b"01"),
        "a bare point": text.replace(b'"1.0"', b".5"),
        "NaN": text.replace(b'"1.0"', b"NaN"),
        "half a literal": text.replace(b'"1.0"', b"tru"),
        "a member without a value": text.replace(b'"1.0"', b""),
        "a comment": b"/* hello */" + text,
        "nested too deep": nested,
    }


def all_cases():
    """(name, message, codes, pointer) for every bad message."""
    cases = []
    for name, text in texts().items():
        cases.append((name, Message(b"prescription.A81001", text), "malformed-json", None))
    for name, text in (("an array", b"[]"), ("a string", b'"event"'), ("a number", b"42")):
        cases.append((name, Message(b"prescription.A81001", text), "not-cloudevents", ""))
    for number, (kind, pointer, value, codes, at) in enumerate(CHANGED):
        event = change(good(number, kind, copy.deepcopy(KINDS[kind])), pointer, value)
        name = f"{kind} {pointer} {'gone' if value is GONE else repr(value)[:30]}"
        cases.append((name, Message(f"{kind}.A81001".encode(), encoded(event)), codes, at))
    for number, topic in enumerate(TOPICS):
        event = encoded(good(f"topic-{number}"))
        cases.append((f"topic {topic!r}", Message(topic, event), "topic-mismatch", None))
    duplicate_id = encoded(good("twice")).replace(b'"id":', b'"id":"other","id":', 1)
    cases.append(("two ids", Message(b"prescription.A81001", duplicate_id),
                  "not-cloudevents|malformed-json", "/id"))
    duplicate_status = encoded(good("status")).replace(
        b'"status":', b'"status":"draft","status":', 1)
    cases.append(("two statuses", Message(b"prescription.A81001", duplicate_status),
                  "malformed-json|invalid-element|not-fhir", "/data/status"))
    unresolved = good("unresolved")
    del unresolved["data"]["medicationCodeableConcept"]
    unresolved["data"]["medicationReference"] = {"reference": "Medication/elsewhere"}
    cases.append(("a medicine elsewhere", Message(b"prescription.A81001", encoded(unresolved)),
                  "invalid-element|missing-element", None))
    mitigations = good("mitigations", "review", copy.deepcopy(REVIEW))
    mitigations["data"]["mitigation"] *= 2
    cases.append(("two decisions", Message(b"review.A81001", encoded(mitigations)),
                  "invalid-element", None))
    large = good("large")
    large["data"]["note"] = [{"text": "x" * 70_000}]
    cases.append(("too large", Message(b"prescription.A81001", encoded(large)), "too-large", None))
    return cases


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """Sends every bad message, each alone, and a good one after; what then can be seen."""
    from client import Client
    from daemon import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("bad")).start()
    client = Client(daemon.endpoints)
    try:
        live = client.subscribe("system.rejected")
        # The clock must have come to the day, or a review of that day would be of the future.
        client.accept([Message(b"prescription.A81001", encoded(good("before")))])
        replies = []
        for name, message, codes, pointer in all_cases():
            replies.append((name, message, codes, pointer, client.request(message)))
            # Over 100 a second of one source are reported merged: stay below.
            time.sleep(0.012)
        after = client.request(Message(b"prescription.A81001", encoded(good("after"))))
        last = client.history({"from": 0, "limit": 1})[0]["head"]
        published = live.until(0)
        deadline = time.monotonic() + 20
        while len(published) < len(replies) and time.monotonic() < deadline:
            published += live.until(0)
        yield {"daemon": daemon, "replies": replies, "after": after, "head": last,
               "published": [event for _, event in published]}
    finally:
        client.close()
        daemon.close()


def test_there_are_at_least_fifty_kinds():
    assert len(all_cases()) >= 50
    assert len({message for _, message, _, _ in all_cases()}) == len(all_cases())


def test_each_is_rejected_with_its_code(refused):
    wrong = [(name, codes, answer) for name, _, codes, _, answer in refused["replies"]
             if len(answer) != 1 or answer[0].get("status") != "rejected"
             or answer[0].get("code") not in codes.split("|")]
    assert wrong == []


def test_each_reply_points_at_the_first_offending_element(refused):
    wrong = [(name, pointer, answer[0]) for name, _, _, pointer, answer in refused["replies"]
             if pointer is not None and answer[0].get("pointer") != pointer]
    assert wrong == []


def test_each_reply_says_in_words_what_is_wrong_and_names_the_event(refused):
    for name, message, _, _, (answer,) in refused["replies"]:
        assert answer["message"].strip(), name
        assert isinstance(answer.get("pointer"), str), name
        try:
            identity = json.loads(message.event, parse_constant=int)["id"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(identity, str) and 1 <= len(identity) <= 128 and name not in (
                "two ids", "too large"):
            assert answer.get("id") == identity, name


def test_the_daemon_goes_on_and_the_log_replays(refused):
    assert refused["after"][0]["status"] == "accepted"
    refused["daemon"].assert_replays()


def test_each_is_kept_raw_in_quarantine(refused):
    folder = refused["daemon"].data / "quarantine"
    kept = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    lost = [name for name, message, *_ in refused["replies"]
            if message.event not in kept and base64.b64encode(message.event) not in kept]
    assert lost == []


def test_each_is_logged_and_published_with_length_and_digest(refused):
    logged = [record["event"] for record in refused["daemon"].export("--topic", "system.rejected")]
    for where, events in (("logged", logged), ("published", refused["published"])):
        facts = [json.dumps(event) for event in events]
        for name, message, codes, _, _ in refused["replies"]:
            digest = hashlib.sha256(message.event).hexdigest()
            mine = [fact for fact in facts if digest in fact]
            assert mine, f"{name}: not {where}"
            assert any(code in fact for fact in mine for code in codes.split("|")), name
            assert any(str(len(message.event)) in fact for fact in mine), name


def test_no_patient_data_reaches_the_daemons_own_messages(refused):
    assert "Naproxen" not in refused["daemon"].errors()


def test_bad_frames_get_one_reply_and_nothing_is_kept(daemon, client):
    patient = Patient("frames")
    pair = patient.prescribed(NAPROXEN, DAY)
    before = len(daemon.export("--topic", "prescription."))
    for frames in ([b"topic only"], [*pair, b"a topic too many"], [b""], [*pair] * 1025):
        client.ingest.send_multipart(frames)
        assert client.ingest.poll(20_000)
        *delimiter, answer = client.ingest.recv_multipart()
        assert json.loads(answer)["code"] == "bad-frames"
        assert delimiter == ([b""] if frames == [b""] else [])
    assert len(daemon.export("--topic", "prescription.")) == before
    assert client.request(pair)[0]["status"] == "accepted"


def test_other_bytes_under_a_known_id_are_a_conflict(client):
    event = good("conflict")
    first = Message(b"prescription.A81001", encoded(event))
    changed = change(event, "/data/authoredOn", "2024-03-02")
    other = Message(b"prescription.A81001", encoded(changed))
    accepted, duplicate, conflict = client.request(first, first, other)
    assert accepted["status"] == "accepted"
    assert duplicate["status"] == "duplicate"
    assert (duplicate["id"], duplicate["offset"]) == (accepted["id"], accepted["offset"])
    assert (conflict["status"], conflict["code"]) == ("rejected", "id-conflict")


def test_a_fault_of_the_text_comes_before_what_the_log_has(client):
    event = good("text-first")
    first = Message(b"prescription.A81001", encoded(event))
    twice = Message(b"prescription.A81001", encoded(event).replace(
        b'"status":', b'"status":"draft","status":', 1))
    accepted, answer = client.request(first, twice)
    assert accepted["status"] == "accepted"
    assert (answer["code"], answer["pointer"]) == ("malformed-json", "/data/status")


def test_a_patient_is_deleted_by_its_id_alone(client):
    patient = Patient("7f3a9c", source="urn:test:deleted")
    event = patient.envelope("patient", {"resourceType": "Patient", "id": "pat-7f3a"}, moment(DAY),
                             action="deleted")
    answer, = client.request(Message(b"patient.A81001", encoded(event)))
    assert answer["status"] == "accepted", answer


def test_good_and_bad_of_one_request_are_answered_in_its_order(client):
    patient = Patient("mixed")
    bad = Message(b"prescription.A81001", b"{")
    answers = client.request(
        patient.prescribed(NAPROXEN, DAY), bad, patient.prescribed(NAPROXEN, DAY), bad)
    assert [answer["status"] for answer in answers] == ["accepted", "rejected"] * 2
    assert answers[2]["offset"] > answers[0]["offset"]


def test_a_clock_event_is_unsupported_on_a_wall_clock(make_daemon, make_client):
    from events import clock

    client = make_client(make_daemon(clock="wall"))
    message = clock("2024-07-01T00:00:00Z")
    for topic in (message.topic, b"prescription.A81001", b"nonsense"):
        answer, = client.request(Message(topic, message.event))
        assert (answer["status"], answer["code"]) == ("rejected", "unsupported-type")


def quarantined(daemon):
    """What the quarantine's newest file holds."""
    path = daemon.data / "quarantine" / "rejected.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_quarantine_that_was_moved_away_is_begun_anew(daemon, client):
    def reject(text):
        answer, = client.request(Message(b"device.A81001", text))
        assert answer["status"] == "rejected"
        return base64.b64encode(text).decode()

    folder = daemon.data / "quarantine"
    reject(b"{1")
    (folder / "rejected.ndjson").rename(folder / "yesterday.ndjson")
    later = [reject(b"{2"), reject(b"{3")]
    assert [line["event"] for line in quarantined(daemon)] == later
    shutil.rmtree(folder)
    last = reject(b"{4")
    assert [line["event"] for line in quarantined(daemon)] == [last]


def test_what_comes_in_on_the_stream_is_never_dropped_without_a_trace(daemon, client):
    patient = Patient("stream")
    stream = client.context.socket(zmq.PUB)
    stream.linger = 0
    bound = daemon.endpoints["events"]
    stream.connect(bound if isinstance(bound, str) else bound[0])
    deadline = time.monotonic() + 30
    while not daemon.export("--topic", "prescription."):
        assert time.monotonic() < deadline, "nothing of the stream was accepted"
        # Until the subscription is in force a PUB drops what it sends.
        stream.send_multipart(patient.prescribed(NAPROXEN, DAY))
        time.sleep(0.2)
    bad = [[b"prescription.A81001"], [b"prescription.A81001", b"{", b"third"],
           [b"prescription.A81001", b"{"], [b"invoice.A81001", encoded(good("stream"))]]
    for frames in bad:
        stream.send_multipart(frames)
    last = patient.prescribed(NAPROXEN, DAY)
    stream.send_multipart(last)
    identity = json.loads(last.event)["id"]
    while not any(record["event"]["id"] == identity
                  for record in daemon.export("--topic", "prescription.")):
        assert time.monotonic() < deadline, "the stream stopped after a bad message"
        time.sleep(0.2)
    facts = [json.dumps(record["event"]) for record in daemon.export("--topic", "system.rejected")]
    assert sum("bad-frames" in fact for fact in facts) == 2
    told = [json.loads(fact)["data"] for fact in facts if "bad-frames" in fact]
    for frames, data in zip(bad, told):
        sent = b"".join(frames)
        assert data["length"] == len(sent)
        assert data["sha256"] == hashlib.sha256(sent).hexdigest()
    kept = [line for line in quarantined(daemon) if line["code"] == "bad-frames"]
    assert [(line["length"], line["sha256"]) for line in kept] == [
        (data["length"], data["sha256"]) for data in told]
    assert sum("malformed-json" in fact for fact in facts) == 1
    assert sum("topic-mismatch" in fact for fact in facts) == 1
    daemon.assert_replays()
