# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""NEWS2 through the wire: every case of the clinical page, sequences, and a brute-force scorer."""

import json
import random
import re

import pytest

import news2
from daemon import ROOT
from events import Patient, clock
from vitals import Chart, alerts, extension, told

PACK = ["--pack", "deterioration"]
T = "2024-05-02T13:05:00Z"

CASES = {
    # case: parameters, scale, total, severity
    "N1": (dict(rr=18, spo2=97, o2="air", sbp=120, hr=80, acvpu="A", temp=37.0), 1, 0, None),
    "N2": (dict(rr=21, spo2=93, o2="air", sbp=120, hr=95, acvpu="A", temp=37.5), 1, 5, "moderate"),
    "N4": (dict(rr=22, spo2=96, o2="O2", sbp=120, hr=80, acvpu="A", temp=37.0), 2, 6, "moderate"),
    "N5": (dict(rr=18, spo2=97, o2="air", sbp=120, hr=80, acvpu="V", temp=37.0), 1, 3, "moderate"),
    "N7": (dict(rr=18, spo2=97, o2="air", sbp=220, hr=80, acvpu="A", temp=37.0), 1, 3, "moderate"),
    "N7b": (dict(rr=18, spo2=97, o2="air", sbp=219, hr=80, acvpu="A", temp=37.0), 1, 0, None),
    "N9": (dict(rr=20, spo2=94, o2="O2", sbp=111, hr=90, acvpu="A", temp=36.1), 1, 3, None),
    "N11a": (dict(rr=18, spo2=93, o2="air", sbp=120, hr=80, acvpu="A", temp=37.0), 2, 0, None),
    "N11b": (dict(rr=25, spo2=93, o2="O2", sbp=120, hr=80, acvpu="A", temp=37.0), 2, 6,
             "moderate"),
    "page": (dict(rr=25, spo2=91, o2="air", sbp=100, hr=118, acvpu="A", temp=38.4), 1, 11,
             "high"),
}


@pytest.fixture
def ward(make_daemon, make_client):
    """A daemon with the pack, and a client of it."""
    daemon = make_daemon(arguments=PACK)
    return daemon, make_client(daemon)


def open_chart(client, subject, born="1950-01-01", time="2024-05-01T09:00:00Z"):
    """A registered patient's chart."""
    patient = Patient(subject)
    client.accept([patient.registered(born, time=time)])
    return Chart(patient)


def test_the_cases_of_the_clinical_page(ward):
    daemon, client = ward
    charts = {}
    for name, (_, scale, _, _) in CASES.items():
        charts[name] = open_chart(client, name)
        if scale == 2:
            client.accept([charts[name].scale(2, "2024-05-01T10:00:00Z")])
    for name, (reading, _, _, _) in CASES.items():
        client.accept(charts[name].news2(T, **reading))
    found = {}
    for event in alerts(daemon):
        found[event["subject"]] = event
    for name, (reading, scale, total, severity) in CASES.items():
        assert news2.score(reading, scale)[0] == total, name
        assert (found[name]["severity"] if name in found else None) == severity, name
        if severity:
            score = found[name]["data"]["contained"][0]
            assert score["valueQuantity"]["value"] == total, name
            assert sum(part["valueQuantity"]["value"] for part in score["component"]) == total
    daemon.assert_replays()


def test_the_alert_is_as_the_contract_shows_it(ward):
    daemon, client = ward
    chart = open_chart(client, "2c11e0")
    client.accept(chart.news2("2024-05-02T14:05:00+01:00", **CASES["page"][0]))
    event = alerts(daemon)[-1]
    data = event["data"]
    assert data["resourceType"] == "RiskAssessment"
    assert [extension(data, name) for name in ("severity", "review-state", "complete")] == [
        "high", "open", True]
    assert data["occurrencePeriod"] == {"start": "2024-05-02T14:05:00+01:00"}
    assert data["prediction"][0]["rationale"] == (
        "NEWS2 11, high: respiratory rate 25 (3), SpO2 91 % on air, scale 1 (3), systolic 100 "
        "(2), pulse 118 (2), temperature 38.4 (1), alert (0). All seven parameters at 14:05.")
    assert [item.get("display") for item in data["basis"]] == [
        None, "Respiratory rate 25/min", "SpO2 91 % on air, scale 1", "Breathing room air",
        "Systolic blood pressure 100 mmHg", "Pulse 118/min", "Alert", "Temperature 38.4 Cel"]
    assert extension(data["basis"][4], "value") == {
        "value": 100, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    score = data["contained"][0]
    assert [part["valueQuantity"]["value"] for part in score["component"]] == [3, 3, 0, 2, 2, 0, 1]
    assert event["reason"] == "event" and event["delivery"] == "now"


def test_the_alert_is_the_example_of_the_page(ward):
    page = (ROOT / "Sources/VigilDaemon/VigilDaemon.docc/Examples.md").read_text()
    blocks = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    example = next(event for event in map(json.loads, blocks) if event.get("rule") == "news2")
    daemon, client = ward
    chart = open_chart(client, "2c11e0")
    client.accept(chart.news2("2024-05-02T14:05:00+01:00", **CASES["page"][0]))
    event = alerts(daemon)[-1]
    # The origin is this log's, the identity made of it, and the hash that of the pack as it is.
    text = json.dumps(event).replace(event["source"], example["source"]).replace(
        event["flagid"], example["flagid"])
    mine, theirs = (re.search(r"sha256:[0-9a-f]{64}", one).group()
                    for one in (text, json.dumps(example)))
    found = json.loads(text.replace(mine, theirs))
    assert list(found) == list(example) and found == example


def test_a_late_reading_takes_back_nothing_while_it_waits_for_its_round(ward):
    daemon, client = ward
    chart = open_chart(client, "late")
    client.accept([
        chart.measured("rr", 25, "2024-05-02T09:05:00Z"),
        chart.measured("spo2", 90, "2024-05-02T09:04:00Z", sent="2024-05-02T09:05:00Z"),
        chart.measured("sbp", 90, "2024-05-02T09:05:00Z")])
    # Of the hour before the newest: it joins the set that was raised.
    client.accept([chart.measured(
        "temp", 37.0, "2024-05-02T09:01:00Z", sent="2024-05-02T09:40:00Z")])
    client.accept([clock("2024-05-02T09:50:00Z")])
    whole = open_chart(client, "whole", time="2024-05-02T09:50:00Z")
    client.accept([whole.measured("temp", 37.0, "2024-05-02T10:00:00Z"), *whole.news2(
        "2024-05-02T10:05:00Z", rr=25, spo2=91, sbp=100, hr=118, temp=None)])
    # A second pulse of the same moment, which is worse.
    client.accept([whole.measured(
        "hr", 131, "2024-05-02T10:05:00Z", sent="2024-05-02T10:21:00Z")])
    client.accept([clock("2024-05-02T10:30:00Z")])
    assert told(daemon, "late") == ["2024-05-02T09:07 raised high time"]
    assert told(daemon, "whole") == ["2024-05-02T10:07 raised high time"]
    daemon.assert_replays()


def test_readings_that_are_always_late_keep_no_alert_open(ward):
    daemon, client = ward
    chart = open_chart(client, "lagging")
    client.accept(chart.news2("2024-05-02T09:00:00Z", rr=25, spo2=91, sbp=100, hr=118))
    # Each temperature comes minutes after it was measured, when its set was judged already.
    for minute in range(30, 50):
        now, then = f"2024-05-02T10:{minute}:00Z", f"2024-05-02T10:{minute - 6}:40Z"
        if minute >= 35:
            client.accept([chart.measured("temp", 37.0, then, sent=now)])
        client.accept(chart.news2(now, temp=None))
    # The first that is complete is of 10:30, with the temperature that comes at 10:35.
    assert told(daemon, "lagging") == [
        "2024-05-02T09:00 raised high event", "2024-05-02T10:37 resolved high recovered"]
    daemon.assert_replays()


def test_part_of_a_set_lowers_nothing(ward):
    daemon, client = ward
    chart = open_chart(client, "part")
    client.accept(chart.news2("2024-05-02T09:05:00Z", rr=25, spo2=91, sbp=100, hr=118))
    # Three points of one parameter are a lower bound, and no evidence against eleven of seven.
    client.accept([chart.measured("rr", 25, "2024-05-02T11:00:00Z")])
    client.accept([clock("2024-05-02T12:00:00Z")])
    client.accept(chart.news2("2024-05-02T13:00:00Z", rr=21, spo2=93, hr=95))
    assert told(daemon, "part") == [
        "2024-05-02T09:05 raised high event",
        "2024-05-02T13:00 resolved high severity-changed",
        "2024-05-02T13:00 raised moderate event"]
    daemon.assert_replays()


def test_one_episode_from_raise_to_resolve(ward):
    daemon, client = ward
    chart = open_chart(client, "one")
    client.accept(chart.news2("2024-05-02T08:00:00Z", acvpu="V"))
    client.accept(chart.news2("2024-05-02T09:30:00Z", rr=21, spo2=93, hr=95))
    client.accept(chart.news2("2024-05-02T11:00:00Z", rr=25, spo2=91, sbp=100, hr=118))
    client.accept(chart.news2("2024-05-02T12:30:00Z", rr=25, spo2=91, sbp=100, hr=119))
    # Incomplete: it can raise but never clear.
    client.accept(chart.news2("2024-05-02T14:00:00Z", acvpu=None))
    client.accept([clock("2024-05-02T15:00:00Z")])
    client.accept(chart.news2("2024-05-02T16:00:00Z"))
    assert told(daemon, "one") == [
        "2024-05-02T08:00 raised moderate event",
        "2024-05-02T09:30 updated moderate step",
        "2024-05-02T11:00 resolved moderate severity-changed",
        "2024-05-02T11:00 raised high event",
        "2024-05-02T16:00 resolved high recovered"]
    assert len({event["flagid"] for event in alerts(daemon)}) == 1
    daemon.assert_replays()


def test_what_is_not_confirmed_for_12_hours_goes_stale_by_time_alone(ward):
    daemon, client = ward
    chart = open_chart(client, "stale")
    client.accept(chart.news2("2024-05-02T08:00:00Z", acvpu="V"))
    client.accept([clock("2024-05-02T20:00:00Z"), clock("2024-05-04T20:00:00Z")])
    assert told(daemon, "stale") == [
        "2024-05-02T08:00 raised moderate event", "2024-05-02T20:00 updated moderate stale"]
    # What was known too late to act on raises nothing.
    late = open_chart(client, "late", time="2024-05-04T20:00:00Z")
    made = [late.measured("rr", 30, "2024-05-03T19:00:00Z", sent="2024-05-04T20:01:00Z")]
    client.accept(made)
    assert told(daemon, "late") == []
    daemon.assert_replays()


def test_a_reading_that_cannot_be_read_is_told_and_not_scored(ward):
    daemon, client = ward
    chart = open_chart(client, "odd")
    client.accept([
        chart.observation("9279-1", T, valueQuantity={"value": 40, "unit": "furlong"}),
        chart.measured("spo2", 130, T), chart.measured("hr", 200, T),
        chart.observation(
            "8310-5", T, valueQuantity={"value": 102.4, "unit": "degF", "code": "[degF]",
                                        "system": "http://unitsofmeasure.org"})])
    records = daemon.export("--topic", "system.data-quality.A81001")
    assert [record["event"]["data"]["why"] for record in records] == [
        "unknown-unit", "impossible-value"]
    assert alerts(daemon) == []
    client.accept([clock("2024-05-02T13:07:00Z")])
    event = alerts(daemon)[-1]
    # Pulse 200 scores 3, 102.4 °F are 39.1 °C and score 2.
    assert event["severity"] == "moderate"
    assert event["data"]["contained"][0]["valueQuantity"]["value"] == 5
    assert extension(event["data"], "complete") is False


def test_random_sets_score_as_the_table_says(ward):
    daemon, client = ward
    seed = 20240502
    print("seed", seed)
    dice = random.Random(seed)
    messages, expected = [], {}
    for number in range(600):
        subject = f"r{number}"
        patient = Patient(subject)
        chart = Chart(patient)
        scale = dice.choice([1, 1, 2])
        reading = dict(
            rr=dice.randint(5, 32), spo2=dice.randint(80, 100), o2=dice.choice(["air", "O2"]),
            sbp=dice.randint(80, 230), hr=dice.randint(35, 140),
            acvpu=dice.choice("AAAAACVPU"), temp=dice.randint(340, 400) / 10)
        for name in list(reading):
            if dice.random() < 0.08:
                reading[name] = None
        messages.append(patient.registered("1950-01-01", time=T))
        if scale == 2:
            messages.append(chart.scale(2, T))
        made = chart.news2(T, **reading)
        dice.shuffle(made)
        messages += made
        expected[subject] = (news2.severity(reading, scale), news2.score(reading, scale)[0])
    # An incomplete set waits for the rest of its round.
    client.accept(messages + [clock("2024-05-02T13:07:00Z")])
    found = {}
    for event in alerts(daemon):
        action = event["type"].split(".")[-2]
        found[event["subject"]] = None if action == "resolved" else event
    wrong = {}
    for subject, (severity, total) in expected.items():
        event = found.get(subject)
        got = event["severity"] if event else None
        if got != severity:
            wrong[subject] = (severity, total, got)
    assert not wrong
    daemon.assert_replays()
