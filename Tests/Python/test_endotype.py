# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Pointers to biologic treatment through the wire: the clinical page's vectors."""

import pytest

from events import ATC, SNOMED, Patient, clock, moment
from vitals import Chart, alerts, quantity

ASTHMA = ("195967001", "Asthma")
PREDNISOLONE = ("H02AB06", "Prednisolone 5mg tablets")
MONTELUKAST = ("R03DC03", "Montelukast 10mg tablets")
COURSES = ["2023-07-01", "2023-09-15", "2023-12-01", "2024-02-15"]
NOW = "2024-03-01"

#: name: (age, courses, eosinophils and their unit and day, FeNO, further, the medicines pointed to)
VECTORS = {
    "310 and 4": (40, 4, (310, "/uL", "2024-01-10"), None, "",
                  ["mepolizumab", "benralizumab", "tezepelumab"]),
    "310 and 3": (40, 3, (310, "/uL", "2024-01-10"), None, "", ["tezepelumab"]),
    "400 and 3": (40, 3, (400, "/uL", "2024-01-10"), None, "",
                  ["mepolizumab", "benralizumab", "reslizumab", "tezepelumab"]),
    "399 and 3": (40, 3, (399, "/uL", "2024-01-10"), None, "", ["tezepelumab"]),
    "299 and 4": (40, 4, (299, "/uL", "2024-01-10"), None, "", ["tezepelumab"]),
    "160, 25 ppb and 4": (40, 4, (160, "/uL", "2024-01-10"), 25, "",
                          ["dupilumab", "tezepelumab"]),
    "160, 24 ppb and 4": (40, 4, (160, "/uL", "2024-01-10"), 24, "", ["tezepelumab"]),
    "149, 25 ppb and 4": (40, 4, (149, "/uL", "2024-01-10"), 25, "", ["tezepelumab"]),
    "310, 25 ppb and 4": (40, 4, (310, "/uL", "2024-01-10"), 25, "",
                          ["mepolizumab", "benralizumab", "tezepelumab"]),
    "0.31 in thousands": (40, 4, (0.31, "10*9/L", "2024-01-10"), None, "",
                          ["mepolizumab", "benralizumab", "tezepelumab"]),
    "0.31 in thousands a uL": (40, 4, (0.31, "10*3/uL", "2024-01-10"), None, "",
                               ["mepolizumab", "benralizumab", "tezepelumab"]),
    "350 of 13 months ago": (40, 4, (350, "/uL", "2023-02-01"), None, "", ["tezepelumab"]),
    "an unknown unit": (40, 4, (310, "furlong", "2024-01-10"), None, "", ["tezepelumab"]),
    "no count": (40, 4, None, None, "", ["tezepelumab"]),
    "two attacks": (40, 2, (500, "/uL", "2024-01-10"), None, "", None),
    "a child of 13": (13, 4, (400, "/uL", "2024-01-10"), 30, "", ["dupilumab", "tezepelumab"]),
    "a child of 8": (8, 4, (400, "/uL", "2024-01-10"), None, "allergic", ["omalizumab"]),
    "allergic": (40, 4, (160, "/uL", "2024-01-10"), None, "allergic",
                 ["tezepelumab", "omalizumab"]),
    "no other controller": (40, 4, (400, "/uL", "2024-01-10"), None, "alone", None),
}


def slug(name):
    """An identifier of a name: letters, digits, hyphens and dots."""
    return name.replace(",", "").replace(" ", "-")


def life(name, age, courses, count, exhaled, further):
    """A patient's events with their days."""
    patient = Patient(slug(name))
    chart = Chart(patient)
    events = [("2015-01-01", patient.registered(f"{2024 - age}-01-05", day="2015-01-01")),
              ("2016-01-01", patient.diagnosed(ASTHMA, "2016-01-01", time=moment("2016-01-01")))]
    if further == "allergic":
        events.append(("2016-01-02", patient.diagnosed(
            ("424643009", "IgE-mediated allergic asthma"), "2016-01-02",
            time=moment("2016-01-02"))))
    for day in ("2023-06-01", "2023-08-01", "2023-10-01"):
        order = patient.order(("", "High-dose inhaler"), day)
        order["medicationCodeableConcept"]["coding"] = [
            {"system": "urn:vigil:instruction", "code": "high-dose-inhaled-steroid"}]
        events.append((day, patient.message("prescription", order, moment(day))))
        if further != "alone":
            events.append((day, patient.prescribed(MONTELUKAST, day)))
    events += [(day, patient.prescribed(PREDNISOLONE, day)) for day in COURSES[-courses:]]
    if count:
        value, unit, day = count
        events.append((day, chart.observation(
            "711-2", moment(day), valueQuantity=quantity(value, unit))))
    if exhaled:
        events.append(("2024-01-11", chart.observation(
            "96269-6", moment("2024-01-11"), valueQuantity=quantity(exhaled, "[ppb]"))))
    return events


@pytest.fixture
def clinic(make_daemon, make_client):
    daemon = make_daemon(arguments=["--pack", "endotype"])
    return daemon, make_client(daemon)


def medicines(event):
    """The medicines that an alert points to."""
    return [one["outcome"]["text"].removeprefix("Consider referral for assessment: ")
            for one in event["data"]["prediction"]]


def test_every_row_that_is_true_is_listed_and_none_that_is_not(clinic):
    daemon, client = clinic
    events = []
    for name, (age, courses, count, exhaled, further, _) in VECTORS.items():
        events += life(name, age, courses, count, exhaled, further)
    events.sort(key=lambda pair: pair[0])
    client.accept([message for _, message in events])
    client.accept([clock(f"{NOW}T12:00:00Z")])
    newest = {event["subject"]: event for event in alerts(daemon)}
    found = {name: medicines(newest[slug(name)]) if slug(name) in newest else None
             for name in VECTORS}
    assert found == {name: vector[-1] for name, vector in VECTORS.items()}
    for event in newest.values():
        text = str(event["data"])
        assert "eligible" not in text.lower()
        assert event["severity"] == "low"
        assert "Consider referral" in event["data"]["mitigation"]
    stale = newest["350-of-13-months-ago"]["data"]["prediction"][0]["rationale"]
    assert "Stale biomarker: Blood eosinophils" in stale
    assert "No count of blood eosinophils" in newest["no-count"]["data"]["prediction"][0][
        "rationale"]
    quality = daemon.export("--topic", "system.data-quality.")
    assert [(record["event"]["subject"], record["event"]["data"]["why"]) for record in quality] == [
        ("an-unknown-unit", "unknown-unit")]
    daemon.assert_replays()


def test_patterns_of_endotypes_are_named_and_are_no_diagnosis(clinic):
    daemon, client = clinic
    events = life("triad", 50, 4, (1600, "/uL", "2024-01-10"), None, "")
    patient = Patient("triad", source="urn:test:other")
    patient.count = 100
    polyps = {"resourceType": "Condition", "id": "polyps", "subject": patient.reference(),
              "onsetDateTime": "2020-01-01",
              "code": {"coding": [{"system": "urn:vigil:instruction", "code": "nasal-polyps"}]}}
    allergy = {"resourceType": "AllergyIntolerance", "id": "aspirin",
               "patient": patient.reference(), "onsetDateTime": "2020-01-02",
               "code": {"coding": [{"system": ATC, "code": "M01AE02"},
                                   {"system": SNOMED, "code": "293586001"}]}}
    events += [("2020-01-01", patient.message("condition", polyps, moment("2020-01-01"))),
               ("2020-01-02", patient.message("condition", allergy, moment("2020-01-02")))]
    events.sort(key=lambda pair: pair[0])
    client.accept([message for _, message in events])
    text = alerts(daemon)[-1]["data"]["prediction"][0]["rationale"]
    assert "aspirin-exacerbated respiratory disease" in text
    assert "late-onset hypereosinophilic asthma" in text and "no diagnosis" in text


def test_five_milligrams_a_day_for_six_months(clinic):
    daemon, client = clinic
    events = []
    for name, dose in (("five", 5), ("four", 4), ("unsaid", None)):
        patient_events = life(name, 40, 1, (310, "/uL", "2024-01-10"), None, "")[:8]
        patient = Patient(name, source="urn:test:other")
        patient.count = 100
        for month in ("2023-08", "2023-09", "2023-10", "2023-11", "2023-12", "2024-01", "2024-02"):
            day = f"{month}-20"
            directions = {} if dose is None else {"dosageInstruction": [{
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": quantity(dose, "mg")}]}]}
            patient_events.append((day, patient.prescribed(PREDNISOLONE, day, **directions)))
        chart = Chart(patient)
        chart.count = 50
        patient_events.append(("2024-01-10", chart.observation(
            "711-2", moment("2024-01-10"), valueQuantity=quantity(310, "/uL"))))
        events += patient_events
    events.sort(key=lambda pair: pair[0])
    client.accept([message for _, message in events])
    client.accept([clock("2024-03-01T12:00:00Z")])
    newest = {event["subject"]: medicines(event) for event in alerts(daemon)}
    assert newest == {"five": ["mepolizumab", "benralizumab", "tezepelumab"],
                      "four": ["tezepelumab"], "unsaid": ["tezepelumab"]}
    daemon.assert_replays()
