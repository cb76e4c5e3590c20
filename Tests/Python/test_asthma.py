# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Asthma alerts through the wire: the cases of the clinical page."""

import datetime

import pytest

from events import Patient, clock
from vitals import Chart, alerts, quantity, told

SALBUTAMOL = ("R03AC02", "Salbutamol 100 micrograms inhaler")
ICS = ("R03BA01", "Beclometasone 100 micrograms inhaler")
PREDNISOLONE = ("H02AB06", "Prednisolone 5mg tablets")
ASTHMA = ("195967001", "Asthma")
RESOLVED = ("162660004", "Asthma resolved")


@pytest.fixture
def practice(make_daemon, make_client):
    """A daemon with the pack, and a client of it."""
    daemon = make_daemon(arguments=["--pack", "asthma"])
    return daemon, make_client(daemon)


class Life:
    """A patient with asthma, whose preventer and review are in order unless told otherwise."""

    def __init__(self, subject, reviewed="2024-01-10", preventer=True):
        self.patient = Patient(subject)
        self.chart = Chart(self.patient)
        self.events = []
        self.add("2020-01-01", self.patient.registered("1980-01-01", day="2020-01-01"))
        self.diagnosed(ASTHMA, "2020-01-02")
        if preventer:
            for month in range(1, 13):
                self.prescribed(ICS, f"2023-{month:02}-05")
        if reviewed:
            self.add(reviewed, self.chart.observation(
                "394700004", reviewed, system="http://snomed.info/sct",
                sent=f"{reviewed}T09:00:00Z"))

    def add(self, day, message):
        """An event of a day."""
        self.events.append((day, len(self.events), message))

    def diagnosed(self, problem, day):
        """A diagnosis of a day."""
        self.add(day, self.patient.diagnosed(problem, day, time=f"{day}T09:00:00Z"))

    def prescribed(self, medicine, day, count=1):
        """An issue of so many devices."""
        self.add(day, self.patient.prescribed(medicine, day, dispenseRequest={
            "quantity": {"value": count, "unit": "inhaler"}}))

    def visited(self, kind, start, end, day=None):
        """An encounter for asthma."""
        self.patient.count += 1
        resource = {
            "resourceType": "Encounter", "id": f"e-{self.patient.subject}-{self.patient.count}",
            "status": "finished", "class": {"code": kind},
            "reasonCode": [{"coding": [{"system": "http://snomed.info/sct",
                                        "code": "195967001" if kind != "AMB" else "185349003"}]}],
            "subject": self.patient.reference(), "period": {"start": start, "end": end}}
        self.add((day or end)[:10], self.patient.message(
            "encounter", resource, (day or end)[:10] + "T18:00:00Z"))


def play(client, *lives, until):
    """Sends all events in the order of their days, and moves the clock."""
    events = [entry for life in lives for entry in life.events]
    client.accept([message for _, _, message in sorted(events, key=lambda entry: entry[:2])])
    client.accept([clock(until)])


def open_rules(daemon, subject):
    """The rules whose alerts are open at the end."""
    state = {}
    for event in alerts(daemon, subject):
        state[event["rule"]] = not event["type"].endswith("resolved.v1")
    return sorted(rule for rule, is_open in state.items() if is_open)


def test_the_cases_of_the_clinical_page(practice):
    daemon, client = practice
    lives = {name: Life(name, preventer=name != "a6") for name in
             ("a1", "a2", "a4", "a6", "a10", "thirteen", "courses", "maintenance")}
    for day in range(1, 6):
        lives["a1"].prescribed(SALBUTAMOL, f"2024-01-{day + 10:02}")
    lives["a1"].prescribed(PREDNISOLONE, "2024-01-20")
    for day in range(1, 7):
        lives["a2"].prescribed(SALBUTAMOL, f"2024-01-{day + 10:02}")
    lives["a4"].prescribed(SALBUTAMOL, "2024-01-12", 3)
    lives["a4"].prescribed(SALBUTAMOL, "2024-01-13", 3)
    lives["a6"].prescribed(SALBUTAMOL, "2024-01-12")
    for day in range(1, 7):
        lives["a10"].prescribed(SALBUTAMOL, f"2024-01-{day + 10:02}")
    lives["a10"].diagnosed(RESOLVED, "2023-06-01")
    lives["thirteen"].prescribed(SALBUTAMOL, "2024-01-12", 7)
    lives["thirteen"].prescribed(SALBUTAMOL, "2024-01-13", 6)
    for day in ("2023-07-01", "2023-07-15", "2023-10-01", "2024-01-12"):
        lives["courses"].prescribed(PREDNISOLONE, day)
    for week in range(8):
        day = datetime.date(2023, 9, 1) + datetime.timedelta(days=14 * week)
        lives["maintenance"].prescribed(PREDNISOLONE, str(day))
    play(client, *lives.values(), until="2024-01-31T12:00:00Z")
    assert {name: open_rules(daemon, name) for name in lives} == {
        "a1": ["ast-saba3"], "a2": ["ast-hr"], "a4": ["ast-hr"],
        "a6": ["ast-ics0"], "a10": [], "thirteen": ["ast-hr", "ast-saba12"],
        "courses": ["ast-hr", "ast-ocs3"], "maintenance": []}
    daemon.assert_replays()


def test_what_time_alone_raises_and_clears(practice):
    daemon, client = practice
    admitted = Life("a7", reviewed=None, preventer=False)
    admitted.visited("IMP", "2024-03-31T09:00:00Z", "2024-04-02T09:00:00Z")
    admitted.visited("AMB", "2024-04-03T09:00:00Z", "2024-04-03T09:30:00Z")
    overdue = Life("a8", reviewed="2024-02-29")
    forgotten = Life("post")
    # Thursday before Easter: the working days are Tuesday and Wednesday.
    forgotten.visited("EMER", "2024-03-28T09:00:00Z", "2024-03-28T12:00:00Z")
    play(client, admitted, overdue, forgotten, until="2025-04-03T00:00:00Z")
    assert told(daemon, "a7", "ast-hr") == [
        "2024-04-02T18:00 raised high event", "2025-03-31T23:00 resolved high recovered"]
    assert told(daemon, "a8", "ast-rev")[-1] == "2025-03-01T00:00 raised low time"
    assert told(daemon, "post", "ast-post") == [
        "2024-04-03T23:00 raised high time", "2024-04-24T23:00 resolved high expired"]
    assert told(daemon, "a7", "ast-post") == []
    daemon.assert_replays()


def test_each_stay_needs_a_visit_after_it(practice):
    daemon, client = practice
    # Wednesday, seen in the morning and in the emergency department at noon.
    early = Life("early")
    early.visited("AMB", "2024-03-06T09:00:00Z", "2024-03-06T09:20:00Z")
    early.visited("EMER", "2024-03-06T12:00:00Z", "2024-03-06T15:00:00Z")
    again = Life("again")
    again.visited("EMER", "2024-03-06T12:00:00Z", "2024-03-06T15:00:00Z")
    again.visited("EMER", "2024-03-11T12:00:00Z", "2024-03-11T15:00:00Z")
    again.visited("AMB", "2024-03-12T09:00:00Z", "2024-03-12T09:20:00Z")
    play(client, early, again, until="2024-03-13T12:00:00Z")
    assert told(daemon, "early", "ast-post") == ["2024-03-09T00:00 raised high time"]
    assert told(daemon, "again", "ast-post") == [
        "2024-03-09T00:00 raised high time", "2024-03-12T18:00 resolved high test-done"]
    daemon.assert_replays()


def test_a_worse_peak_flow_that_is_known_late_ends_no_alert(practice):
    daemon, client = practice
    lives = {name: Life(name) for name in ("open", "none")}
    for name, flows in {"open": (("11", 500, "11"), ("12", 300, "12"), ("13", 150, "15")),
                        "none": (("11", 500, "11"), ("13", 150, "15"))}.items():
        for day, flow, known in flows:
            lives[name].add(f"2024-01-{known}", lives[name].chart.observation(
                "19935-6", f"2024-01-{day}T10:00:00Z", sent=f"2024-01-{known}T10:00:00Z",
                valueQuantity=quantity(flow, "L/min")))
    play(client, *lives.values(), until="2024-01-15T12:00:00Z")
    assert told(daemon, "open", "ast-pef") == [
        "2024-01-12T10:00 raised moderate event",
        "2024-01-15T10:00 resolved moderate severity-changed",
        "2024-01-15T10:00 raised high event"]
    assert told(daemon, "none", "ast-pef") == []
    daemon.assert_replays()


def test_peak_flow_zones(practice):
    daemon, client = practice
    lives = {}
    for name, value in {"green": 400, "amber": 399, "amber2": 250, "red": 249, "danger": 164,
                        "no-value": 901}.items():
        lives[name] = Life(name)
        for day, flow in (("2024-01-11", 500), ("2024-01-12", value)):
            lives[name].add(day, lives[name].chart.observation(
                "19935-6", f"{day}T10:00:00Z", valueQuantity=quantity(flow, "L/min")))
    play(client, *lives.values(), until="2024-01-12T12:00:00Z")
    found = {event["subject"]: event["severity"] for event in alerts(daemon, rule="ast-pef")}
    assert found == {"amber": "moderate", "amber2": "moderate", "red": "high", "danger": "high"}
    quality = daemon.export("--topic", "system.data-quality.A81001")
    assert [record["event"]["subject"] for record in quality] == ["no-value"]


@pytest.mark.parametrize("system", ["https://dmd.nhs.uk", "http://snomed.info/sct"])
def test_products_of_a_map_match_under_either_system(make_daemon, make_client, tmp_path, system):
    products = {"R03AC02": "9000011000001106", "R03BA01": "9000021000001102",
                "H02AB06": "9000031000001100", "R03AC12": "9000041000001107"}
    mapping = tmp_path / "map.csv"
    mapping.write_text("system,code,to-system,to-code\n" + "".join(
        f"dmd,{product},atc,{code}\n" for code, product in products.items()))
    daemon = make_daemon(arguments=["--pack", "asthma", "--map", mapping])
    client = make_client(daemon)
    lives = {name: Life(name, preventer=False) for name in ("alone", "protected")}

    def issued(name, code, day):
        lives[name].add(day, lives[name].patient.prescribed(
            (code, "A product"), day, medicationCodeableConcept={
                "coding": [{"system": system, "code": products[code]}]}))
    for name in lives:
        issued(name, "R03AC02", "2024-01-12")
    issued("protected", "R03BA01", "2024-01-11")
    play(client, *lives.values(), until="2024-01-31T12:00:00Z")
    assert {name: open_rules(daemon, name) for name in lives} == {
        "alone": ["ast-ics0"], "protected": []}
    daemon.assert_replays()


def test_what_nobody_would_have_told_of_is_no_absence(make_daemon, make_client, tmp_path):
    history = tmp_path / "coverage.yaml"
    history.write_text("coverage:\n  - {practice: A81001, kind: prescription, from: 2023-06-01}\n")
    daemon = make_daemon(arguments=["--pack", "asthma", "--config", history])
    client = make_client(daemon)
    life = Life("a6", preventer=False)
    life.prescribed(SALBUTAMOL, "2024-01-12")
    play(client, life, until="2024-05-31T12:00:00Z")
    assert open_rules(daemon, "a6") == []
    client.accept([clock("2024-06-01T12:00:00Z")])
    assert told(daemon, "a6", "ast-ics0") == ["2024-05-31T23:00 raised high time"]
    daemon.assert_replays()


def test_an_alert_that_rests_on_an_absence_says_what_could_not_be_read(practice):
    daemon, client = practice
    bare = Life("bare", preventer=False)
    low = Life("low", preventer=False)
    low.prescribed(ICS, "2022-06-05")
    low.prescribed(ICS, "2024-01-12")
    for life in (bare, low):
        # Of these two the first has left the 12 months.
        for day in ("2022-12-20", "2023-06-05"):
            life.add(day, life.patient.prescribed(
                ICS, day, medicationCodeableConcept={"text": "An inhaler"}))
        life.prescribed(SALBUTAMOL, "2024-01-12", 3)
    play(client, bare, low, until="2024-01-13T12:00:00Z")

    def unread(subject):
        return {event["rule"]: [one["valueUnsignedInt"] for one in event["data"]["extension"]
                                if one["url"] == "urn:vigil:unread-medicines"]
                for event in alerts(daemon) if event["subject"] == subject}

    assert unread("bare") == {"ast-rev": [], "ast-saba3": [], "ast-ics0": [1]}
    assert unread("low") == {"ast-rev": [], "ast-saba3": [], "ast-icslow": [1]}
    daemon.assert_replays()


def test_relievers_are_counted_where_they_are_inhaled(practice):
    daemon, client = practice
    bnf = "https://www.nhsbsa.nhs.uk/bnf"
    orders = {
        "by-mouth": ("R03AC02", "http://www.whocc.no/atc", "Salbutamol", "26643006", None),
        "tablets": ("0301011R0AAADAD", bnf, "Salbutamol 2mg tablets", None, None),
        "syrup": ("0301011R0", bnf, "Salbutamol", None, "Oral solution"),
        "inhaler": ("0301011R0", bnf, "Salbutamol 100micrograms/dose inhaler", None, None),
        "route": ("0301011R0", bnf, "Salbutamol", "18679011000001101", None),
        "form": ("0301011R0", bnf, "Salbutamol", None, "Pressurised inhalation"),
        "class": ("R03AC02", "http://www.whocc.no/atc", "Salbutamol", None, None),
    }
    lives = {name: Life(name) for name in orders}
    for name, (code, system, display, route, form) in orders.items():
        concept = {"coding": [{"system": system, "code": code, "display": display}]}
        with_form = {"contained": [{"resourceType": "Medication", "id": "m", "code": concept,
                                    "form": {"text": form}}],
                     "medicationReference": {"reference": "#m"}}
        medicine = with_form if form else {"medicationCodeableConcept": concept}
        if route:
            medicine["dosageInstruction"] = [{"route": {"coding": [
                {"system": "http://snomed.info/sct", "code": route}]}}]
        resource = lives[name].patient.order(
            SALBUTAMOL, "2024-01-12", dispenseRequest={"quantity": {"value": 4}})
        del resource["medicationCodeableConcept"]
        lives[name].add("2024-01-12", lives[name].patient.message(
            "prescription", {**resource, **medicine}, "2024-01-12T09:00:00Z"))
    play(client, *lives.values(), until="2024-01-13T12:00:00Z")
    found = {event["subject"] for event in alerts(daemon, rule="ast-saba3")}
    assert found == {"inhaler", "route", "form", "class"}
    daemon.assert_replays()
