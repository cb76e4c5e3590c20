# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Directions as FHIR has them, read for methotrexate, opioids and direct oral anticoagulants."""

import json

import pytest

import daemon as daemons
from events import Patient, clock, moment
from vitals import Chart, quantity

METHOTREXATE = ("L04AX03", "Methotrexate 2.5mg tablets")
MORPHINE = ("N02AA01", "Morphine")
APIXABAN = ("B01AF02", "Apixaban 5mg tablets")
DAY = "2024-03-01"


def every(frequency=1, period=1, unit="d", **more):
    """A rhythm."""
    return {"timing": {"repeat": {
        "frequency": frequency, "period": period, "periodUnit": unit, **more}}}


def coded(code):
    """One of FHIR's timing abbreviations."""
    return {"timing": {"code": {"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation", "code": code}]}}}


#: directions of methotrexate: the severity of the flag; None for none
WEEKLY = {
    "once a week": ([every(unit="wk")], None),
    "every 7 days": ([every(period=7)], None),
    "every 168 hours": ([every(period=168, unit="h")], None),
    "fortnightly": ([every(period=2, unit="wk")], None),
    "once a month": ([every(unit="mo")], None),
    "on Mondays": ([every(dayOfWeek=["mon"])], None),
    "one dose": ([every(count=1)], None),
    "weekly by code": ([coded("WK")], None),
    "weekly in words": ([{"text": "Take FOUR tablets ONCE a WEEK on Mondays"}], None),
    "on named dates": ([{"timing": {"event": ["2024-03-04", "2024-03-11"]}}], None),
    "two instructions for one day": (
        [every(unit="wk", dayOfWeek=["mon"]), every(unit="wk", dayOfWeek=["mon"])], None),
    "one day after the other sequence": (
        [{"sequence": 1, **every(unit="wk", dayOfWeek=["mon"])},
         {"sequence": 2, **every(unit="wk", dayOfWeek=["fri"])}], None),
    "daily": ([every()], "high"),
    "every 6 days": ([every(period=6)], "high"),
    "twice a week": ([every(frequency=2, unit="wk")], "high"),
    "once or twice a week": ([every(unit="wk", frequencyMax=2)], "high"),
    "on two days": ([every(unit="wk", dayOfWeek=["mon", "thu"])], "high"),
    "two instructions for two days": (
        [every(unit="wk", dayOfWeek=["mon"]), every(unit="wk", dayOfWeek=["fri"])], "high"),
    "daily by code": ([coded("QD")], "high"),
    "in the evening by code": ([coded("PM")], "high"),
    "daily in words": ([{"text": "One tablet daily"}], "high"),
    "weekly in numbers and daily in words": ([{"text": "One daily", **every(unit="wk")}], "high"),
    "on dates within a week": ([{"timing": {"event": ["2024-03-04", "2024-03-08"]}}], "high"),
    "as directed": ([{"text": "As directed by the hospital"}], "low"),
    "nothing": ([], "low"),
}


def dose(value, unit, **more):
    """How much at a time."""
    return {"doseAndRate": [{"doseQuantity": quantity(value, unit)}], **more}


#: directions of morphine: whether they come to 120 mg a day
OPIOID = {
    "60 mg twice a day": ([{**dose(60, "mg"), **every(2)}], True),
    "60 mg twice a day by code": ([{**dose(60, "mg"), **coded("BID")}], True),
    "59.9 mg twice a day": ([{**dose(59.9, "mg"), **every(2)}], False),
    "0.06 g every 12 hours": ([{**dose(0.06, "g"), **every(1, 12, "h")}], True),
    "60 mg at two times of day": ([{**dose(60, "mg"), "timing": {"repeat": {
        "timeOfDay": ["08:00:00", "20:00:00"]}}}], True),
    "30 to 60 mg twice a day": ([{"doseAndRate": [{"doseRange": {
        "low": quantity(30, "mg"), "high": quantity(60, "mg")}}], **every(2)}], False),
    "60 mg once or twice a day": ([{**dose(60, "mg"), **every(1, frequencyMax=2)}], False),
    "40 mg twice and 40 mg once": (
        [{**dose(40, "mg"), **every(2)}, {**dose(40, "mg"), **every(1)}], True),
    "60 mg twice, then less": (
        [{"sequence": 1, **dose(60, "mg"), **every(2)},
         {"sequence": 2, **dose(30, "mg"), **every(2)}], False),
    "as needed": ([{**dose(60, "mg"), **every(4), "asNeededBoolean": True}], False),
    "as needed for pain": ([{**dose(60, "mg"), **every(4),
                             "asNeededCodeableConcept": {"text": "pain"}}], False),
    "tablets of no known strength": ([{**dose(4, "tablet"), **every(4)}], False),
    "in words": ([{"text": "60 mg twice a day"}], False),
}


@pytest.fixture
def practice(make_daemon, make_client):
    daemon = make_daemon(arguments=["--pack", "prescribing-safety"])
    return daemon, make_client(daemon)


def slug(name):
    """An identifier of a name: letters, digits, hyphens and dots."""
    return name.replace(",", "").replace(" ", "-")


def open_flags(daemon, rule):
    """The newest event of each patient's flag that is open."""
    state = {}
    for record in daemon.export("--topic", "flag."):
        event = record["event"]
        if event["rule"] == rule:
            state[event["subject"]] = event
    return {subject: event for subject, event in state.items()
            if not event["type"].endswith("resolved.v1")}


def ordered(client, medicine, directions):
    """A patient for each of the directions, who has an issue with them."""
    messages = []
    for name, (instructions, _) in directions.items():
        patient = Patient(slug(name))
        given = {"dosageInstruction": instructions} if instructions else {}
        messages += [patient.registered("1970-01-01", day="2024-01-01"),
                     patient.prescribed(medicine, DAY, **given)]
    client.accept(messages)


def test_methotrexate_is_taken_once_a_week(practice):
    daemon, client = practice
    ordered(client, METHOTREXATE, WEEKLY)
    found = open_flags(daemon, "mtx-day")
    assert {slug(name): found[slug(name)]["severity"] if slug(name) in found else None
            for name in WEEKLY} == {
        slug(name): severity for name, (_, severity) in WEEKLY.items()}
    assert "more than one day a week" in found["daily"]["data"]["detail"]
    assert "review" in found["nothing"]["data"]["detail"]
    assert found["daily"]["data"]["resourceType"] == "DetectedIssue"
    assert found["daily"]["data"]["implicated"][0]["display"].startswith("Methotrexate 2.5mg")
    daemon.assert_replays()


def test_opioids_come_to_120_milligrams_only_where_that_is_certain(practice):
    daemon, client = practice
    ordered(client, MORPHINE, OPIOID)
    found = open_flags(daemon, "ome-120")
    assert {name: slug(name) in found for name in OPIOID} == {
        name: reached for name, (_, reached) in OPIOID.items()}
    assert "120 mg of oral morphine" in found["60-mg-twice-a-day"]["data"]["detail"]
    daemon.assert_replays()


def test_what_is_left_open_is_counted_as_unknown(practice):
    daemon, client = practice
    ordered(client, MORPHINE, OPIOID)
    client.accept([clock("2024-03-02T12:00:00Z")])
    daemon.stop()
    done = daemons.run("replay", "--data", daemon.data, "--indicators")
    assert done.returncode == 0, done.stderr
    rows = {row["rule"]: row for row in map(json.loads, done.stdout.splitlines())}
    reached = [name for name, (_, yes) in OPIOID.items() if yes]
    assert rows["ome-120"]["denominator"] == len(OPIOID)
    assert rows["ome-120"]["numerator"] == len(reached)
    # 59.9 mg twice a day is known not to reach it.
    assert rows["ome-120"]["unknown"] == len(OPIOID) - len(reached) - 1


def test_a_clearance_of_30_asks_for_tests_every_3_months(practice):
    daemon, client = practice
    for name, creatinine in (("thirty", 233.7), ("unread", None)):
        patient = Patient(name)
        chart = Chart(patient)
        value = ({"valueQuantity": quantity(creatinine, "umol/L")} if creatinine
                 else {"valueQuantity": {"value": 2, "unit": "furlong"}})
        client.accept([
            patient.registered("1960-01-15", day="2024-01-01", gender="male"),
            chart.observation("2160-0", moment("2024-01-02"), **value),
            chart.observation("29463-7", moment("2024-01-02"),
                              valueQuantity=quantity(75, "kg"))])
    for name in ("thirty", "unread"):
        patient = Patient(name)
        patient.count = 50
        client.accept([patient.prescribed(APIXABAN, "2024-02-01")])
    client.accept([clock("2024-04-05T12:00:00Z")])
    found = open_flags(daemon, "doac-rf")
    assert list(found) == ["thirty"]
    assert found["thirty"]["time"] == "2024-04-02T23:00:00.000Z"
    assert "clearance of 30 mL/min" in found["thirty"]["data"]["detail"]
    daemon.assert_replays()
