# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Orders with repeats, and patients who turn out to be one, against the daemon."""

import datetime
import json
import os
import random

import pytest

from brute_dates import instant
from brute_force import Record, Watch
from client import Message
from events import NAPROXEN, WARFARIN, Patient, clock, encoded
from test_timelines import flags

SEED = int(os.environ.get("VIGIL_HUNT_SEED", "20240531"))
PATIENTS = 36
FIRST, LAST = datetime.date(2023, 1, 10), "2026-06-01T00:00:00Z"


def random_order(patient, rng, number, day):
    """An order of an NSAID or an anticoagulant, with or without repeats."""
    order = patient.order(rng.choice([NAPROXEN, WARFARIN]), day.isoformat(),
                          id=f"rx-{patient.subject}-{number}")
    request = {}
    if rng.random() < 0.8:
        value, code = rng.choice([(28, "d"), (4, "wk"), (1, "mo"), (56, "d"), (0.5, "wk"),
                                  (672, "h"), (1, "a"), (31, "d")])
        request["expectedSupplyDuration"] = {
            "value": value, "system": "http://unitsofmeasure.org", "code": code}
    if rng.random() < 0.8:
        request["numberOfRepeatsAllowed"] = rng.choice([0, 1, 2, 5, 12])
    if rng.random() < 0.3:
        end = day + datetime.timedelta(days=rng.randrange(0, 300))
        # To a year, to a month or to the day.
        request["validityPeriod"] = {"end": end.isoformat()[:(4, 7, 10)[end.day % 3]]}
    return {**order, "dispenseRequest": request}


def random_life(number, rng):
    """A patient's events: orders, and later versions of them."""
    patient = Patient(f"supply-{number}")
    events = [(f"{FIRST}T08:00:00Z", "patient", {
        "resourceType": "Patient", "id": patient.subject, "birthDate": "1980-01-01",
        "managingOrganization": {"identifier": {"value": "A81001"}}})]
    for count in range(rng.randrange(2, 6)):
        day = FIRST + datetime.timedelta(days=rng.randrange(0, 500))
        order = random_order(patient, rng, count, day)
        if rng.random() < 0.2:
            order["status"] = "stopped"
        events.append((f"{day}T09:00:00Z", "prescription", order))
        if rng.random() < 0.5:
            later = day + datetime.timedelta(days=rng.randrange(1, 200))
            status = rng.choice(["stopped", "on-hold", "completed", "cancelled", "active"])
            events.append((f"{later}T10:00:00Z", "prescription", {**order, "status": status}))
    return [(time, kind, patient.envelope(kind, resource, time))
            for time, kind, resource in sorted(events, key=lambda item: item[0])]


def test_repeats_count_on_the_days_that_an_evaluator_counts_out(daemon, client):
    print(f"VIGIL_HUNT_SEED={SEED}")
    rng = random.Random(SEED)
    lives = [random_life(number, random.Random(rng.random())) for number in range(PATIENTS)]
    events = sorted((item for life in lives for item in life), key=lambda item: item[0])
    offsets = client.accept(
        [Message(f"{kind}.A81001".encode(), encoded(event)) for _, kind, event in events]
        + [clock(LAST)])
    watches = {}
    for (time, _, event), offset in zip(events, offsets):
        if event["subject"] not in watches:
            watches[event["subject"]] = Watch(Record())
        watches[event["subject"]].take(event, offset, instant(time))
    told = 0
    for subject, watch in watches.items():
        watch.advance(instant(LAST))
        expected = [(moment, action) for moment, rule, action in watch.told if rule == "gi-p3d"]
        found = [(instant(time), action) for time, _, rule, action, _ in flags(daemon, subject)
                 if rule == "gi-p3d"]
        told += len(expected)
        assert found == expected, [json.dumps(event) for _, _, event in events
                                   if event["subject"] == subject]
    assert told > PATIENTS / 2
    daemon.assert_replays()


def test_an_order_that_takes_anothers_place_ends_its_repeats(daemon, client):
    patient = Patient("prior")
    monthly = {"dispenseRequest": {
        "expectedSupplyDuration": {"value": 28, "system": "http://unitsofmeasure.org", "code": "d"},
        "numberOfRepeatsAllowed": 12}}
    client.accept([
        patient.registered("1940-01-01"),
        patient.prescribed(NAPROXEN, "2024-03-01", id="first", **monthly),
        patient.prescribed(NAPROXEN, "2024-04-10", priorPrescription={
            "reference": "MedicationRequest/first"}), clock("2025-06-01T00:00:00Z")])
    told = [(time, rule, action) for time, _, rule, action, _ in flags(daemon, "prior")]
    assert told == [("2024-03-01T09:10:00.000Z", "gi-p3a", "raised"),
                    ("2024-07-10T23:00:00.000Z", "gi-p3a", "resolved")]


def dispensed(patient, medicine, day, order, id):
    """A dispense of an order."""
    resource = patient.order(medicine, day, id=id)
    for name in ("authoredOn", "intent"):
        del resource[name]
    resource.update(resourceType="MedicationDispense", status="completed", whenHandedOver=day,
                    authorizingPrescription=[{"reference": f"MedicationRequest/{order}"}])
    return patient.message("prescription", resource, f"{day}T12:00:00Z")


def test_a_stop_ends_what_shares_a_code_also_where_orders_were_dispensed(daemon, client):
    patient = Patient("dispensed")
    client.accept([
        patient.registered("1940-01-01"),
        patient.prescribed(NAPROXEN, "2024-03-01", id="first"),
        dispensed(patient, NAPROXEN, "2024-03-02", "first", "d1"),
        patient.prescribed(NAPROXEN, "2024-03-29", id="second"),
        dispensed(patient, NAPROXEN, "2024-03-30", "second", "d2"),
        patient.prescribed(NAPROXEN, "2024-03-29", time="2024-04-05T09:00:00Z", id="second",
                           action="updated", status="stopped"),
        clock("2024-09-01T00:00:00Z")])
    assert [(time, rule, action, reason)
            for time, _, rule, action, reason in flags(daemon, "dispensed")] == [
        ("2024-03-01T09:10:00.000Z", "gi-p3a", "raised", "event"),
        ("2024-04-05T09:00:00.000Z", "gi-p3a", "resolved", "hazard-stopped")]
    daemon.assert_replays()


@pytest.mark.parametrize("elements, ending", [
    ({"intent": "plan"}, "hazard-stopped"),
    ({"intent": "proposal"}, "hazard-ended"),
    ({"intent": "option"}, "hazard-ended"),
    ({"doNotPerform": True}, "hazard-ended"),
    ({"intent": "plan", "doNotPerform": True}, "hazard-ended"),
])
def test_of_what_is_no_issue_only_a_plans_stop_ends_a_course(daemon, client, elements, ending):
    patient = Patient("proposed")
    client.accept([
        patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01", id="order"),
        patient.prescribed(NAPROXEN, "2024-03-05", id="other", **elements),
        patient.prescribed(NAPROXEN, "2024-03-05", time="2024-03-10T09:00:00Z", id="other",
                           action="updated", status="stopped", **elements),
        clock("2024-09-01T00:00:00Z")])
    assert [(rule, action, reason) for _, _, rule, action, reason in flags(daemon, "proposed")] == [
        ("gi-p3a", "raised", "event"), ("gi-p3a", "resolved", ending)]
    daemon.assert_replays()


@pytest.mark.parametrize("value", ["28", "28.0000", "2.8E+1"])
def test_a_supplys_length_is_read_however_it_is_written(daemon, client, value):
    patient = Patient("written")
    topic, event = patient.prescribed(NAPROXEN, "2024-03-01", dispenseRequest={
        "expectedSupplyDuration": {
            "value": "LENGTH", "system": "http://unitsofmeasure.org", "code": "d"},
        "numberOfRepeatsAllowed": 2})
    client.accept([
        patient.registered("1940-01-01"),
        Message(topic, event.replace(b'"LENGTH"', value.encode())),
        clock("2025-06-01T00:00:00Z")])
    assert [(time, action) for time, _, _, action, _ in flags(daemon, "written")] == [
        ("2024-03-01T09:10:00.000Z", "raised"), ("2024-07-26T23:00:00.000Z", "resolved")]


def linked(patient, other, time, kind="replaced-by"):
    """The patient again, with a link to another."""
    return patient.registered("1940-01-01", time=time, link=[{
        "type": kind, "other": {"reference": f"Patient/{other.subject}"}}])


def test_a_merged_patient_is_one_until_the_link_goes(daemon, client):
    ann, bob = Patient("ann"), Patient("bob", practice="B82002")
    client.accept([
        ann.registered("1940-01-01"), bob.registered("1940-01-01"),
        ann.prescribed(NAPROXEN, "2024-03-01"), clock("2024-03-01T10:00:00Z"),
        linked(ann, bob, "2024-03-02T09:00:00Z"),
        ann.prescribed(WARFARIN, "2024-03-03"),
        ann.registered("1940-01-01", time="2024-03-04T09:00:00Z"),
        clock("2024-03-05T00:00:00Z")])
    assert [(subject, rule, action, reason)
            for _, subject, rule, action, reason in flags(daemon)
            if rule in ("gi-p3a", "gi-p3d")] == [
        ("ann", "gi-p3a", "raised", "event"),
        ("ann", "gi-p3a", "resolved", "merged"),
        ("bob", "gi-p3a", "raised", "event"),
        ("bob", "gi-p3d", "raised", "event"),
        ("ann", "gi-p3d", "raised", "correction"),
        ("bob", "gi-p3a", "resolved", "corrected"),
        ("bob", "gi-p3d", "resolved", "corrected"),
        ("ann", "gi-p3a", "raised", "correction")]
    topics = {record["topic"] for record in daemon.export("--topic", "flag.")
              if record["event"]["subject"] == "bob"}
    assert {topic.split(".")[1] for topic in topics} == {"B82002"}
    daemon.assert_replays()


def test_an_order_that_goes_on_under_the_survivor_is_one_order(daemon, client):
    ann, bob = Patient("ann"), Patient("bob")
    client.accept([
        ann.registered("1940-01-01"), bob.registered("1940-01-01"),
        ann.prescribed(NAPROXEN, "2024-03-01", id="order"), clock("2024-03-01T10:00:00Z"),
        linked(ann, bob, "2024-03-02T09:00:00Z"),
        bob.prescribed(NAPROXEN, "2024-03-01", time="2024-03-05T09:00:00Z", id="order",
                       action="updated", status="stopped"),
        clock("2024-09-01T00:00:00Z")])
    assert [(subject, action, reason) for _, subject, _, action, reason in flags(daemon)] == [
        ("ann", "raised", "event"), ("ann", "resolved", "merged"), ("bob", "raised", "event"),
        ("bob", "resolved", "hazard-stopped")]
    daemon.assert_replays()


def test_what_is_corrected_is_named(daemon, client):
    patient = Patient("named")
    offsets = client.accept([
        patient.registered("1940-01-01"),
        patient.prescribed(NAPROXEN, "2024-03-01", id="wrong"), clock("2024-03-01T10:00:00Z"),
        patient.prescribed(NAPROXEN, "2024-03-01", time="2024-03-02T09:00:00Z", id="wrong",
                           status="entered-in-error")])
    resolved = [record["event"] for record in daemon.export("--topic", "flag.")][-1]
    assert (resolved["reason"], resolved["data"]["status"]) == ("corrected", "entered-in-error")
    assert {"url": "urn:vigil:corrects", "valueString": str(offsets[1])} in (
        resolved["data"]["extension"])


def test_a_partial_date_is_shown_as_such(daemon, client):
    patient = Patient("partial")
    client.accept([
        patient.registered("1980-01-01"),
        patient.diagnosed(("84114007", "Heart failure"), "2020-05", time="2024-01-02T09:00:00Z"),
        patient.prescribed(NAPROXEN, "2024-03-01")])
    raised = [record["event"] for record in daemon.export("--topic", "flag.")][-1]
    details = [detail for item in raised["data"]["evidence"] for detail in item.get("detail", [])]
    shown = next(detail for detail in details if detail["type"] == "Condition")
    assert shown["extension"] == [{"url": "urn:vigil:clinical-date", "valueDate": "2020-05"}]
    assert "counted from 2020-05-01" in shown["display"]
