# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Home monitoring through the wire: the cases of the clinical page."""

import datetime

import pytest

from events import HEART_FAILURE, Patient, clock
from vitals import Chart, alerts, quantity, told

START = datetime.datetime(2024, 5, 1, 8, 0, tzinfo=datetime.timezone.utc)


def at(minutes=0, days=0):
    """A moment after the start."""
    moment = START + datetime.timedelta(minutes=minutes, days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def home(make_daemon, make_client):
    """A daemon with the pack, and a client of it."""
    daemon = make_daemon(arguments=["--pack", "home-monitoring"])
    return daemon, make_client(daemon)


def chart_of(client, subject):
    """A registered patient's chart."""
    chart = Chart(Patient(subject))
    client.accept([chart.patient.registered("1950-01-01", time="2024-04-01T09:00:00Z")])
    return chart


def in_order(client, messages):
    """Sends (time, message) pairs in the order of their times."""
    client.accept([message for _, message in sorted(messages, key=lambda pair: pair[0])])


def short(daemon, subject, rule):
    """Actions, severities and minutes after the start."""
    found = []
    for line in told(daemon, subject, rule):
        time, action, severity, reason = line.split(" ")
        moment = datetime.datetime.fromisoformat(time + ":00+00:00")
        minutes = int((moment - START).total_seconds() // 60)
        found.append(f"{minutes} {action} {severity} {reason}")
    return found


def test_weight_in_heart_failure(home):
    daemon, client = home
    cases = {"h1": [80, 80.5, 81.2, 82.1], "h2": [80, 80.5, 81.2, 82.0],
             "h4": [80, 80.7, 81.4, 82.1, 82.8], "h6": [80, 80.2, 64]}
    messages = []
    for name, weights in cases.items():
        chart = chart_of(client, name)
        client.accept([chart.patient.diagnosed(
            HEART_FAILURE, "2020-01-01", time="2024-04-02T09:00:00Z")])
        for day, weight in enumerate(weights):
            messages.append((at(days=day), chart.observation(
                "29463-7", at(days=day), kind="device",
                valueQuantity=quantity(weight, "kg"))))
    in_order(client, messages)
    assert [line.split(" ", 1)[1] for line in told(daemon, "h1")] == ["raised moderate event"]
    assert told(daemon, "h2") == []
    assert [line.split(" ", 1)[1] for line in told(daemon, "h4")] == ["raised moderate event"]
    assert told(daemon, "h4")[0].startswith("2024-05-04")
    assert told(daemon, "h6") == []
    quality = daemon.export("--topic", "system.data-quality.A81001")
    assert [(record["event"]["subject"], record["event"]["data"]["why"])
            for record in quality] == [("h6", "wrong-person")]
    client.accept([clock(at(days=12))])
    # Four whole days without a weight, at midnight in London.
    assert told(daemon, "h1")[-1] == "2024-05-08T23:00 resolved moderate expired"
    daemon.assert_replays()


def test_oxygen_with_and_without_a_target(home):
    daemon, client = home
    messages = []
    plain = {"o1": 95, "o2": 94, "o3": 92}
    for name, value in plain.items():
        chart = chart_of(client, name)
        messages.append((at(), chart.measured("spo2", value, at())))
    for name, values in {"o4": [(0, 88)], "o5": [(0, 87), (6, 87)], "o6": [(0, 87)],
                         "o7": [(0, 87), (3, 87)], "o8": [(0, 87), (70, 87)]}.items():
        chart = chart_of(client, name)
        client.accept([chart.observation(
            "spo2-target-88-92", "2024-04-02T09:00:00Z", system="urn:vigil:instruction")])
        messages += [(at(minutes), chart.measured("spo2", value, at(minutes)))
                     for minutes, value in values]
    chart = chart_of(client, "copd")
    client.accept([chart.patient.diagnosed(
        ("13645005", "COPD"), "2015-01-01", time="2024-04-02T09:00:00Z")])
    messages.append((at(), chart.measured("spo2", 85, at())))
    in_order(client, messages)
    found = {event["subject"]: event["severity"] for event in alerts(daemon)}
    assert found == {"o2": "moderate", "o3": "high", "o5": "high"}
    quality = daemon.export("--topic", "system.data-quality.A81001")
    assert [record["event"]["data"]["what"] for record in quality] == ["target-missing"]


def test_glucose_episodes_and_a_lost_signal(home):
    daemon, client = home
    cases = {
        "c1": [5.0, 4.2, 3.8, 3.6, 3.5, 3.4, 3.3, 3.5, 3.8, 4.0, 4.2, 4.3, 4.4, 5.0],
        "c3": [3.4, 2.9, 2.8, 2.9, 2.8, 2.9, 3.1, 3.2, 3.3, 3.4, 3.5],
        "c5": [3.9] * 6, "mg": [69] * 4, "mg70": [70] * 6}
    messages = []
    for name, values in cases.items():
        chart = chart_of(client, name)
        unit = "mg/dL" if name.startswith("mg") else "mmol/L"
        messages += [(at(5 * step), chart.observation(
            "99504-3", at(5 * step), kind="device", valueQuantity=quantity(value, unit)))
            for step, value in enumerate(values)]
    gap = chart_of(client, "gap")
    messages += [(at(minutes), gap.observation(
        "99504-3", at(minutes), valueQuantity=quantity(3.5, "mmol/L")))
        for minutes in (0, 5, 10, 26, 31)]
    in_order(client, messages)
    client.accept([clock(at(120))])
    assert short(daemon, "c1", "cgm") == ["25 raised moderate event", "60 resolved moderate recovered"]
    assert short(daemon, "c3", "cgm") == [
        "15 raised moderate event", "20 resolved moderate severity-changed",
        "20 raised high event", "45 resolved high severity-changed", "45 raised moderate event"]
    assert short(daemon, "c5", "cgm") == short(daemon, "mg70", "cgm") == []
    assert short(daemon, "mg", "cgm") == ["15 raised moderate event"]
    assert short(daemon, "gap", "cgm") == []
    assert short(daemon, "c5", "cgm-stale") == ["45 raised moderate time"]
    daemon.assert_replays()


def test_time_in_range_of_a_fortnight(home):
    daemon, client = home
    counts = {"r1": (20, 100, 2900, 800, 180), "r2": (50, 110, 3000, 700, 140),
              "r3": (100, 300, 1600, 500, 120)}
    levels = (2.5, 3.5, 6.0, 12.0, 15.0)
    # From midnight in London on, without the end of the fortnight where there are fewer.
    begin = datetime.datetime(2024, 4, 30, 23, 0, tzinfo=datetime.timezone.utc)
    messages = []
    for name, parts in counts.items():
        chart = chart_of(client, name)
        values = [level for level, count in zip(levels, parts) for _ in range(count)]
        for step, value in enumerate(values):
            time = (begin + datetime.timedelta(minutes=5 * step)).strftime("%Y-%m-%dT%H:%M:%SZ")
            messages.append((time, chart.observation(
                "99504-3", time, valueQuantity=quantity(value, "mmol/L"))))
    messages.sort(key=lambda pair: pair[0])
    client.publish([message for _, message in messages], batch=64)
    client.accept([clock("2024-05-14T23:30:00Z")])
    # Before the fortnight is full, what is there of it counts.
    newest = {event["subject"]: event for event in alerts(daemon, rule="cgm-tir")}
    assert {subject for subject, event in newest.items()
            if not event["type"].endswith("resolved.v1")} == {"r2"}
    assert newest["r1"]["reason"] == "recovered"


def test_pressure_crises_and_averages(home):
    daemon, client = home
    cases = {"b1": [(0, 182, 118), (2, 181, 115)], "b2": [(0, 182, 100), (2, 170, 95)],
             "b3": [(0, 150, 121), (2, 149, 120)], "b4": [(0, 180, 119), (2, 179, 119)],
             "b5": [(0, 185, 100), (30, 185, 100)]}
    messages = []

    def pressure(chart, time, systolic, diastolic):
        return chart.observation("85354-9", time, kind="device", component=[
            {"code": {"coding": [{"system": "http://loinc.org", "code": code}]},
             "valueQuantity": quantity(value, "mm[Hg]")}
            for code, value in (("8480-6", systolic), ("8462-4", diastolic))])
    for name, readings in cases.items():
        chart = chart_of(client, name)
        messages += [(at(minutes), pressure(chart, at(minutes), systolic, diastolic))
                     for minutes, systolic, diastolic in readings]
    for name, mean in {"b6": (134.9, 84.9), "b7": (135, 80), "b8": (150, 80)}.items():
        chart = chart_of(client, name)
        for day in range(4):
            for minutes in (0, 600):
                values = (190, 119) if day == 0 else mean
                messages.append((at(minutes, day), pressure(chart, at(minutes, day), *values)))
    in_order(client, messages)
    found = {event["subject"]: event["severity"] for event in alerts(daemon, rule="bp-crisis")}
    assert found == {"b1": "high", "b3": "high"}
    found = {event["subject"]: event["severity"] for event in alerts(daemon, rule="bp-home")}
    assert found == {"b7": "low", "b8": "moderate"}
    daemon.assert_replays()


def test_what_is_known_late_ends_no_alert(home):
    daemon, client = home
    chart = chart_of(client, "late")
    client.accept([chart.measured("spo2", 91, at()),
                   chart.measured("spo2", 85, at(60), sent=at(15 * 60 + 30))])
    assert short(daemon, "late", "copd-o2") == ["0 raised high event", "720 updated high stale"]
    client.accept([chart.measured("spo2", 97, at(16 * 60))])
    assert short(daemon, "late", "copd-o2")[2:] == ["960 resolved high recovered"]
    fresh = chart_of(client, "fresh")
    client.accept([fresh.measured("spo2", 85, at(16 * 60), sent=at(29 * 60))])
    assert short(daemon, "fresh", "copd-o2") == []
    daemon.assert_replays()


def test_a_weight_with_none_before_it_ends_no_gain(home):
    daemon, client = home
    chart = chart_of(client, "gap")
    client.accept([chart.patient.diagnosed(
        HEART_FAILURE, "2020-01-01", time="2024-04-02T09:00:00Z")])
    client.accept([chart.observation("29463-7", at(days=day), kind="device",
                                     valueQuantity=quantity(weight, "kg"))
                   for day, weight in ((0, 80), (1, 80.5), (2, 81.2), (3, 82.1), (7, 84))])
    assert short(daemon, "gap", "hf-w2") == ["4320 raised moderate event"]
    client.accept([clock(at(days=20))])
    # Four whole days after the last weight, at midnight in London.
    assert told(daemon, "gap", "hf-w2")[1:] == ["2024-05-12T23:00 resolved moderate expired"]
    daemon.assert_replays()


def test_two_readings_need_not_be_neighbours(home):
    daemon, client = home
    pressure = chart_of(client, "pressure")
    client.accept([pressure.measured("sbp", value, at(minutes))
                   for minutes, value in ((0, 182), (1, 178), (3, 185), (6, 170))])
    assert short(daemon, "pressure", "bp-crisis") == [
        "3 raised high event", "6 resolved high recovered"]
    oxygen = chart_of(client, "oxygen")
    client.accept([oxygen.observation(
        "spo2-target-88-92", at(8), system="urn:vigil:instruction")])
    client.accept([oxygen.measured("spo2", value, at(10 + minutes))
                   for minutes, value in ((0, 87), (3, 88), (6, 86), (9, 90))])
    assert short(daemon, "oxygen", "copd-o2") == [
        "16 raised high event", "19 resolved high recovered"]
    daemon.assert_replays()
