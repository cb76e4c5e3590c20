# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The second wave of safety flags: for each rule a patient who has it and one who nearly has."""

import datetime

from events import Patient, clock, moment

MEDICINES = {
    "warfarin": "B01AA03", "apixaban": "B01AF02", "naproxen": "M01AE02", "ramipril": "C09AA05",
    "furosemide": "C03CA01", "bendroflumethiazide": "C03AA01", "methotrexate": "L04AX03",
    "trimethoprim": "J01EA01", "risperidone": "N05AX08", "diltiazem": "C08DB01",
    "metformin": "A10BA02", "valproate": "N03AG01", "coc": "G03AA07", "spironolactone": "C03DA01",
    "sertraline": "N06AB06", "clopidogrel": "B01AC04", "omeprazole": "A02BC01",
    "lithium": "N05AN01",
}
PROBLEMS = {"dementia": "52448006", "psychosis": "69322001", "hf": "84114007",
            "dvt": "128053003"}
TESTS = {"inr": "6301-6", "creatinine": "2160-0", "weight": "29463-7", "potassium": "2823-3"}

#: rule: (who has it, who has not), each `age; what when, what when, ...`, days before the last.
CASES = {
    "oac2": ("50; apixaban 60, warfarin 10", "50; warfarin 60, apixaban 10"),
    "triple": ("70; naproxen 5, ramipril 6, bendroflumethiazide 7", "70; naproxen 5, ramipril 6"),
    "mtx-tmp": ("50; methotrexate 30, trimethoprim 3", "50; methotrexate 30, trimethoprim 9"),
    "dem-ap": ("80; dementia 400, risperidone 60, risperidone 20",
               "80; dementia 400, psychosis 300, risperidone 60, risperidone 20"),
    "ccb-hf": ("60; hf 400, diltiazem 3", "60; diltiazem 3"),
    "met-30": ("60; egfr=29 10, metformin 3", "60; egfr=30 10, metformin 3"),
    "valp": ("30; valproate 200, valproate 3", "60; valproate 200, valproate 3"),
    "coc-vte": ("30; dvt 900, coc 3", "30; coc 3"),
    "inr-12w": ("60; warfarin 120, warfarin 3, inr 90", "60; warfarin 120, warfarin 3, inr 80"),
    "doac-rf": ("60; apixaban 3, creatinine 100", "60; apixaban 3, creatinine 100, weight 100"),
    "k-spare": ("60; spironolactone 3, ramipril 4",
                "60; spironolactone 3, ramipril 4, potassium 90"),
    "ssri-gi": ("60; sertraline 3, clopidogrel 4", "60; sertraline 3, clopidogrel 4, omeprazole 5"),
    "li-ue": ("60; lithium 120, lithium 3", "60; lithium 120, lithium 3, creatinine 90"),
}


def life(subject, text):
    """The events of a life told in shorthand, as (day before the last, message)."""
    today = datetime.date(2024, 6, 3)
    age, _, story = text.partition(";")
    patient = Patient(subject)
    born = today.replace(year=today.year - int(age), month=1)
    events = [(2000, patient.registered(str(born), day="2018-01-01"))]
    for part in story.split(","):
        what, days = part.split()
        name, _, value = what.partition("=")
        day = str(today - datetime.timedelta(days=int(days)))
        if name in MEDICINES:
            message = patient.prescribed((MEDICINES[name], name), day)
        elif name in PROBLEMS:
            message = patient.diagnosed((PROBLEMS[name], name), day, time=moment(day))
        else:
            code = TESTS.get(name, "62238-1")
            message = patient.message("observation", {
                "resourceType": "Observation", "id": f"o-{subject}-{patient.count}",
                "status": "final", "effectiveDateTime": day, "subject": patient.reference(),
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "valueQuantity": {"value": float(value or 1), "unit": "mL/min"}}, moment(day))
        events.append((int(days), message))
    return events


def test_each_rule_fires_for_whom_it_should_and_nobody_else(make_daemon, make_client):
    daemon = make_daemon(arguments=["--pack", "prescribing-safety"])
    client = make_client(daemon)
    events = []
    for rule, texts in CASES.items():
        for suffix, text in zip(("yes", "no"), texts):
            events += life(f"{rule}.{suffix}", text)
    client.accept([message for _, message in sorted(events, key=lambda pair: -pair[0])])
    client.accept([clock("2024-06-03T12:00:00Z")])
    state = {}
    for record in daemon.export("--topic", "flag."):
        event = record["event"]
        state[event["subject"], event["rule"]] = not event["type"].endswith("resolved.v1")
    for rule in CASES:
        assert state.get((f"{rule}.yes", rule), False), rule
        assert not state.get((f"{rule}.no", rule), False), rule
    daemon.assert_replays()


def result(patient, name, day, value, **more):
    """A result of a day, in UCUM."""
    code = TESTS.get(name, "62238-1")
    return patient.message("observation", {
        "resourceType": "Observation", "id": f"{name}-{patient.subject}-{day}",
        "status": "final", "effectiveDateTime": day, "subject": patient.reference(),
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {
            "value": value, "system": "http://unitsofmeasure.org", **more}}, moment(day))


def test_a_creatinine_that_cannot_be_read_is_told_once_the_rule_asks_for_it(
        make_daemon, make_client):
    daemon = make_daemon(arguments=["--pack", "prescribing-safety"])
    client = make_client(daemon)
    tests = {"unit": {"code": "furlong"}, "comparator": {"code": "umol/L", "comparator": ">"},
             "read": {"code": "umol/L"}, "none": {"code": "furlong"}}
    for name, more in tests.items():
        patient = Patient(name)
        client.accept([
            patient.registered("1960-01-01", day="2018-01-01"),
            result(patient, "creatinine", "2024-01-10", 90, **more),
            result(patient, "weight", "2024-01-10", 80, code="kg")])
        if name != "none":
            # Each issue asks again.
            client.accept([patient.prescribed((MEDICINES["apixaban"], "Apixaban"), day)
                           for day in ("2024-03-01", "2024-03-29")])
    client.accept([clock("2024-04-03T12:00:00Z")])
    assert daemon.export("--topic", "flag.") == []
    told = [record["event"] for record in daemon.export("--topic", "system.data-quality.")]
    assert [(event["subject"], event["data"]["rule"], event["data"]["what"],
             event["data"]["why"]) for event in told] == [
        ("unit", "doac-rf", "unreadable-result", "unknown-unit"),
        ("comparator", "doac-rf", "unreadable-result", "unreadable-value")]
    daemon.assert_replays()


def test_a_birth_date_that_is_taken_back_ends_no_flag_that_any_age_bears_out(
        make_daemon, make_client):
    daemon = make_daemon(arguments=["--pack", "prescribing-safety"])
    client = make_client(daemon)
    patient = Patient("p")
    # At 18 a clearance of 21 mL/min.
    client.accept([
        patient.registered("1960-01-01", day="2018-01-01"),
        result(patient, "creatinine", "2024-01-05", 300, code="umol/L"),
        result(patient, "weight", "2024-01-05", 50, code="kg"),
        patient.prescribed((MEDICINES["apixaban"], "Apixaban"), "2024-04-20"),
        patient.message("patient", {
            "resourceType": "Patient", "id": "p", "active": True, "gender": "female",
            "managingOrganization": {"identifier": {"value": patient.practice}}},
            moment("2024-04-25"))])
    client.accept([clock("2024-05-01T12:00:00Z")])
    flags = [record["event"] for record in daemon.export("--topic", "flag.")]
    assert [(event["rule"], event["type"].split(".")[-2]) for event in flags] == [
        ("doac-rf", "raised")]
    daemon.assert_replays()


def test_an_egfr_in_another_unit_is_told_and_one_with_another_annotation_is_read(
        make_daemon, make_client):
    daemon = make_daemon(arguments=["--pack", "prescribing-safety"])
    client = make_client(daemon)
    units = {"a": "mL/min/{1.73m2}", "b": "mL/min{1.73_m2}", "c": "ml/min", "d": "umol/L",
             "e": "%", "f": "{mL/min}"}
    for name, unit in units.items():
        patient = Patient(name)
        client.accept([
            patient.registered("1960-01-01", day="2018-01-01"),
            result(patient, "egfr", "2024-01-10", 25, code=unit),
            patient.prescribed((MEDICINES["metformin"], "Metformin"), "2024-03-01")])
    client.accept([clock("2024-03-03T12:00:00Z")])
    flags = [record["event"] for record in daemon.export("--topic", "flag.")]
    assert [(event["subject"], event["rule"]) for event in flags] == [
        ("a", "met-30"), ("b", "met-30"), ("c", "met-30")]
    told = [record["event"] for record in daemon.export("--topic", "system.data-quality.")]
    assert [(event["subject"], event["data"]["why"]) for event in told] == [
        ("d", "unknown-unit"), ("e", "unknown-unit"), ("f", "unknown-unit")]
    daemon.assert_replays()
