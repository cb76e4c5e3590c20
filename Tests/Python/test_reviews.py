# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Reviews, row by row of the contract's tables, for flags and for alerts alike."""

import copy
import json

import pytest

from client import Message
from events import HEART_FAILURE, NAPROXEN, WARFARIN, Patient, clock, encoded, moment
from vitals import Chart, extension

MITIGATION = "/data/mitigation/0"
RAISED = "2024-05-02T08:00:00Z"
NOW = "2024-05-02T12:00:00Z"
GONE = object()


def until(day):
    """An extension that ends a snooze or an override."""
    return {"url": "urn:vigil:until", "valueDate": day}


def reason(code, text=None):
    """Why something is overridden."""
    concept = {"coding": [{"system": "urn:vigil:override-reason", "code": code}]}
    return {"url": "urn:vigil:reason",
            "valueCodeableConcept": {**concept, **({"text": text} if text else {})}}


def performed(code):
    """What was done."""
    return {"url": "urn:vigil:performed", "valueCode": code}


class Desk:
    """A daemon with a moderate flag, a high one, a moderate alert and a high one."""

    def __init__(self, daemon, client):
        self.daemon, self.client, self.count = daemon, client, 0
        self.patients = {name: Patient(name) for name in (
            "flag", "high-flag", "alert", "high-alert")}
        client.accept([patient.registered("1950-01-01", day="2024-01-01")
                       for patient in self.patients.values()])
        client.accept([self.patients["high-flag"].diagnosed(HEART_FAILURE, "2024-02-01")])
        client.accept([
            self.patients[name].prescribed(NAPROXEN, "2024-05-02", time="2024-05-02T07:50:00Z")
            for name in ("flag", "high-flag")])
        self.charts = {name: Chart(self.patients[name]) for name in ("alert", "high-alert")}
        client.accept(self.charts["alert"].news2(RAISED, acvpu="V"))
        client.accept(self.charts["high-alert"].news2(RAISED, rr=25, spo2=91, sbp=100))
        client.accept([clock("2024-05-02T11:59:00Z")])

    def events(self, name):
        """What became of the flag or alert that is reviewed."""
        rule = {"flag": "gi-p3a", "high-flag": "hf-p3i"}.get(name, "news2")
        return [record["event"] for topic in ("flag.", "alert.")
                for record in self.daemon.export("--topic", topic)
                if record["event"]["subject"] == name and record["event"]["rule"] == rule]

    def review(self, name, action="accept", *extensions, date=NOW, time=NOW, seen=None, id=None,
               kind="created"):
        """A review as a dict: the envelope with its data."""
        self.count += 1
        newest = [event for event in self.events(name)
                  if not event["type"].endswith("reviewed.v1")][-1]
        message = self.patients[name].review(newest, action, time=time, date=date)
        event = json.loads(message.event)
        event["id"] = f"review-{self.count}"
        event["type"] = f"health.vigil.review.{kind}.v1"
        event["data"]["id"] = id or f"review-{self.count}"
        event["data"]["mitigation"][0]["extension"] += extensions
        if seen:
            event["data"]["mitigation"][0]["extension"][0]["valueString"] = seen
        return event

    def offer(self, event, topic="review.A81001"):
        """What the daemon answers."""
        return self.client.request(Message(topic.encode(), encoded(event)))[0]

    def decide(self, *arguments, **options):
        """Offers a review that must be accepted."""
        reply = self.offer(self.review(*arguments, **options))
        assert reply["status"] == "accepted", reply

    def state(self, name):
        """The review state that the newest event tells."""
        return extension(self.events(name)[-1]["data"], "review-state")


@pytest.fixture
def desk(make_daemon, make_client):
    daemon = make_daemon(arguments=["--pack", "pincer", "--pack", "deterioration"])
    return Desk(daemon, make_client(daemon))


def changed(event, pointer, value):
    """A copy with one element replaced or taken away."""
    event = copy.deepcopy(event)
    *path, last = pointer.strip("/").split("/")
    place = event
    for step in path:
        place = place[int(step)] if isinstance(place, list) else place[step]
    last = int(last) if isinstance(place, list) else last
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return event


#: (what is wrong, the review's action and extensions, element, value, code, pointer)
WRONG = [
    ("no DetectedIssue", ("accept",), "/data/resourceType", "Flag", "not-fhir",
     "/data/resourceType"),
    ("no flag named", ("accept",), "/data/identifier", [], "missing-element", "/data"),
    ("two flags named", ("accept",), "/data/identifier",
     [{"system": "urn:vigil:flag", "value": "a"}, {"system": "urn:vigil:flag", "value": "b"}],
     "invalid-element", "/data/identifier/1"),
    ("no decision", ("accept",), "/data/mitigation", GONE, "missing-element", "/data"),
    ("an unknown action", ("accept",), MITIGATION + "/action/coding/0/code", "ignore",
     "invalid-element", MITIGATION + "/action/coding/0/code"),
    ("nobody decided", ("accept",), MITIGATION + "/author", GONE, "missing-element", MITIGATION),
    ("an author without identifier", ("accept",), MITIGATION + "/author/identifier", GONE,
     "missing-element", MITIGATION + "/author"),
    ("the patient decided", ("accept",), MITIGATION + "/author/type", "Patient",
     "invalid-element", MITIGATION + "/author/type"),
    ("no date", ("accept",), MITIGATION + "/date", GONE, "missing-element", MITIGATION),
    ("act without what was done", ("act",), None, None, "missing-element", MITIGATION),
    ("an unknown deed", ("act", performed("prayed")), None, None, "invalid-element",
     MITIGATION + "/extension/1/valueCode"),
    ("override without a reason", ("override",), None, None, "missing-element", MITIGATION),
    ("another reason without words", ("override", reason("other")), None, None,
     "missing-element", MITIGATION + "/extension/1/valueCodeableConcept"),
    ("snooze without an end", ("snooze",), None, None, "missing-element", MITIGATION),
    ("hand-over to nobody", ("hand-over",), None, None, "missing-element", MITIGATION),
    ("dated before the raise", ("accept",), MITIGATION + "/date", "2024-05-02T07:00:00Z",
     "invalid-element", MITIGATION + "/date"),
    ("dated over 5 minutes after the clock", ("accept",), MITIGATION + "/date",
     "2024-05-02T12:05:01Z", "invalid-element", MITIGATION + "/date"),
    ("ends on the day of its date", ("snooze", until("2024-05-02")), None, None,
     "invalid-element", MITIGATION + "/extension/1/valueDate"),
    ("a snooze of 91 days", ("snooze", until("2024-08-01")), None, None, "invalid-element",
     MITIGATION + "/extension/1/valueDate"),
    ("an override of 367 days", ("override", reason("will-monitor"), until("2025-05-04")), None,
     None, "invalid-element", MITIGATION + "/extension/2/valueDate"),
    ("a flag that never was", ("accept",), "/data/identifier",
     [{"system": "urn:other", "value": "x"},
      {"system": "urn:vigil:flag", "value": "aaaaaaaaaaaaaaaaaaaaaaaaaa"}], "unknown-flag",
     "/data/identifier/1/value"),
    ("a flag that never was, ending before it begins", ("snooze", until("2024-05-01")),
     "/data/identifier/0/value", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "invalid-element",
     MITIGATION + "/extension/1/valueDate"),
    ("an event that is not the newest", ("accept",), MITIGATION + "/extension/0/valueString", "1",
     "stale-review", MITIGATION + "/extension/0/valueString"),
    ("an event that is yet to come", ("accept",), MITIGATION + "/extension/0/valueString",
     "99999", "invalid-element", MITIGATION + "/extension/0/valueString"),
]


@pytest.mark.parametrize("name", ["flag", "alert"])
def test_what_is_refused_and_why(desk, name):
    for title, (action, *extensions), pointer, value, code, where in WRONG:
        event = desk.review(name, action, *extensions)
        if pointer:
            event = changed(event, pointer, value)
        reply = desk.offer(event)
        assert (reply["status"], reply.get("code")) == ("rejected", code), (title, reply)
        if where:
            assert reply["pointer"] == where, (title, reply)
    twice = desk.review(name)
    twice["data"]["mitigation"] *= 2
    reply = desk.offer(twice)
    assert (reply["code"], reply["pointer"]) == ("invalid-element", "/data/mitigation/1")
    del twice["data"]["mitigation"][0]["author"]
    twice["data"]["mitigation"][1] = {}
    reply = desk.offer(twice)
    assert (reply["code"], reply["pointer"]) == ("missing-element", MITIGATION)
    # Whom it is about is judged after what it says, by reference as by subject.
    late = changed(desk.review(name), MITIGATION + "/date", "2024-05-02T07:00:00Z")
    late["data"]["patient"] = {"reference": "Patient/somebody"}
    assert desk.offer(late)["code"] == "invalid-element"
    late["data"]["mitigation"][0]["date"] = NOW
    late["id"] += "-again"
    assert desk.offer(late)["code"] == "subject-mismatch"
    assert desk.offer(desk.review(name), topic="review.B82002")["code"] == "topic-mismatch"
    other = desk.review(name)
    other["subject"] = other["data"]["patient"]["identifier"]["value"] = "somebody"
    reply = desk.offer(other)
    assert (reply["code"], reply["pointer"]) == ("subject-mismatch", "/subject")
    assert desk.state(name) == "open"
    desk.daemon.assert_replays()


@pytest.mark.parametrize("name, high", [("flag", "high-flag"), ("alert", "high-alert")])
def test_the_longest_times_are_taken_and_high_ones_are_shorter(desk, name, high):
    desk.decide(name, "snooze", until("2024-07-31"))
    desk.decide(name, "override", reason("will-monitor"), until("2025-05-03"))
    reply = desk.offer(desk.review(high, "snooze", until("2024-05-31")))
    assert (reply["code"], reply["pointer"]) == (
        "invalid-element", MITIGATION + "/extension/1/valueDate")
    desk.decide(high, "snooze", until("2024-05-30"))
    desk.decide(high, "accept", date="2024-05-02T12:05:00Z")
    assert [desk.state(one) for one in (name, high)] == ["overridden", "accepted"]


@pytest.mark.parametrize("name", ["flag", "alert"])
def test_every_action_and_the_state_that_it_gives(desk, name):
    for minute, (action, extensions, state) in enumerate([
            ("accept", (), "accepted"),
            ("act", (performed("prescriber-contacted"),), "acted"),
            ("override", (reason("benefit-outweighs"),), "overridden"),
            ("override", (reason("other", "Seen by the team."),), "overridden"),
            # A code of one's own may come first.
            ("override", ({"url": "urn:vigil:reason", "valueCodeableConcept": {"coding": [
                {"system": "urn:local", "code": "L1"}, {"system": "urn:local", "display": "L"},
                {"system": "urn:vigil:override-reason", "code": "will-monitor"}]}},),
             "overridden"),
            ("snooze", (until("2024-05-10"),), "snoozed"),
            ("hand-over", ({"url": "urn:vigil:to", "valueString": "The heart failure nurse"},),
             "handed-over"),
            ("reopen", (), "open")]):
        time = f"2024-05-02T12:{minute:02}:00Z"
        desk.decide(name, action, *extensions, date=time, time=time)
        assert desk.state(name) == state
    desk.daemon.assert_replays()


@pytest.mark.parametrize("name", ["flag", "alert"])
def test_the_latest_date_wins_and_what_is_taken_back_gives_way(desk, name):
    desk.decide(name, "accept", date="2024-05-02T11:00:00Z", id="first")
    desk.decide(name, "snooze", until("2024-05-10"), date="2024-05-02T10:00:00Z", id="second")
    assert desk.state(name) == "accepted"
    desk.decide(name, "act", performed("referred"), date="2024-05-02T11:30:00Z", id="third")
    assert desk.state(name) == "acted"
    for id, kind, state in (("third", "deleted", "accepted"), ("first", "deleted", "snoozed")):
        event = desk.review(name, "accept", id=id, kind=kind)
        event["data"] = {"resourceType": "DetectedIssue", "id": id}
        assert desk.offer(event)["status"] == "accepted"
        assert desk.state(name) == state
    desk.decide(name, "hand-over", {"url": "urn:vigil:to", "valueString": "x"},
                date="2024-05-02T10:00:00Z", id="second", kind="updated")
    assert desk.state(name) == "handed-over"
    desk.daemon.assert_replays()


@pytest.mark.parametrize("name", ["flag", "alert"])
def test_a_snooze_and_an_override_end_by_the_clock(desk, name):
    # The alert is borne out again, so that it is not stale then.
    desk.decide(name, "snooze", until("2024-05-04"))
    desk.client.accept([clock("2024-05-04T12:00:00Z")])
    ended = [event for event in desk.events(name) if event.get("reason") == "snooze-ended"]
    assert [event["time"] for event in ended] == ["2024-05-03T23:00:00.000Z"]
    assert desk.state(name) == "open"
    desk.decide(name, "override", reason("will-monitor"), until("2024-05-06"),
                date="2024-05-04T12:00:00Z", time="2024-05-04T12:00:00Z")
    desk.client.accept([clock("2024-05-06T12:00:00Z")])
    ended = [event for event in desk.events(name) if event.get("reason") == "override-ended"]
    assert [event["time"] for event in ended] == ["2024-05-05T23:00:00.000Z"]
    desk.daemon.assert_replays()


def test_what_was_done_is_linked_to_the_end_of_a_flag(desk):
    desk.decide("flag", "act", performed("stopped-hazard"))
    order = desk.events("flag")[0]["data"]["implicated"][0]["reference"].split("/")[1]
    desk.client.accept([desk.patients["flag"].prescribed(
        NAPROXEN, "2024-05-02", time="2024-05-05T09:00:00Z", action="updated", id=order,
        status="stopped")])
    ended = desk.events("flag")[-1]
    assert ended["reason"] == "hazard-stopped"
    resolution = {part["url"]: part for part in extension(ended["data"], "resolution")}
    assert resolution["daysOpen"]["valueUnsignedInt"] == 3
    assert resolution["daysFromReview"]["valueUnsignedInt"] == 3
    done, = ended["data"]["mitigation"]
    assert done["action"]["coding"][0]["code"] == "act"
    assert {"url": "urn:vigil:performed", "valueCode": "stopped-hazard"} in done["extension"]
    assert "3 days after the review" in ended["data"]["detail"]
    # Later reviews of it are taken, and change nothing.
    count = len(desk.events("flag"))
    desk.decide("flag", "accept", date="2024-05-05T09:01:00Z", time="2024-05-05T09:01:00Z")
    assert len(desk.events("flag")) == count
    desk.daemon.assert_replays()


def test_what_was_done_is_linked_to_the_end_of_an_alert(desk):
    desk.decide("alert", "act", performed("referred"))
    desk.client.accept(desk.charts["alert"].news2("2024-05-04T09:00:00Z"))
    ended = desk.events("alert")[-1]
    assert ended["reason"] == "recovered"
    resolution = {part["url"]: part for part in extension(ended["data"], "resolution")}
    assert resolution["daysFromReview"]["valueUnsignedInt"] == 2
    parts = {part["url"]: part for part in extension(ended["data"], "mitigation")}
    assert parts["action"]["valueCodeableConcept"]["coding"][0]["code"] == "act"
    assert parts["urn:vigil:performed"]["valueCode"] == "referred"
    desk.daemon.assert_replays()


def test_an_override_covers_the_next_flag_of_the_medicine_and_no_other(desk):
    desk.decide("flag", "override", reason("tolerated-before"), until("2025-04-30"))
    patient = desk.patients["flag"]
    desk.client.accept([clock("2024-08-10T00:00:00Z")])
    assert desk.events("flag")[-1]["reason"] == "hazard-ended"
    desk.client.accept([patient.prescribed(NAPROXEN, "2024-09-01"),
                        clock("2024-09-01T12:00:00Z")])
    raised = desk.events("flag")[-1]
    assert raised["type"].endswith("raised.v1")
    assert desk.state("flag") == "overridden"
    desk.client.accept([patient.prescribed(
        ("M01AE01", "Ibuprofen 400mg tablets"), "2024-09-10"), clock("2024-09-10T12:00:00Z")])
    assert desk.events("flag")[-1]["reason"] == "evidence"
    assert desk.state("flag") == "open"
    desk.daemon.assert_replays()


def test_high_flags_and_alerts_that_nobody_reviews_are_told_of(make_daemon, make_client, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("unreviewed: 48 h\n")
    daemon = make_daemon("unreviewed", arguments=[
        "--pack", "pincer", "--pack", "deterioration", "--config", str(config)])
    desk = Desk(daemon, make_client(daemon))
    desk.client.accept([clock("2024-05-04T07:49:00Z")])

    def reminders():
        return [(record["topic"], record["event"]["subject"], record["event"]["time"][:16],
                 record["event"]["type"].split(".")[3])
                for record in daemon.export("--topic", "alert.A81001.high.unreviewed")]
    assert reminders() == []
    desk.client.accept([clock("2024-05-04T08:00:00Z")])
    topic = "alert.A81001.high.unreviewed"
    assert reminders() == [(topic, "high-flag", "2024-05-04T07:50", "raised"),
                           (topic, "high-alert", "2024-05-04T08:00", "raised")]
    for name in ("high-flag", "high-alert"):
        desk.decide(name, "accept", date="2024-05-04T08:00:00Z", time="2024-05-04T08:00:00Z")
    assert [one[3] for one in reminders()] == ["raised", "raised", "resolved", "resolved"]
    daemon.assert_replays()
