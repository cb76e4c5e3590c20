# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Random patients: the daemon's flags are those of an evaluator that asks anew every day."""

import collections
import datetime
import json
import multiprocessing
import os
import random

import pytest
import yaml

from brute_dates import instant, local_day
from brute_force import RULES, Record, Watch
from brute_lists import PublishedLists, TestLists
from client import Client, Message
from daemon import ROOT, Daemon, run
from events import ATC, SNOMED, Patient, clock, encoded

UCUM = "http://unitsofmeasure.org"
LOCAL = "urn:test:local"
#: Licensed data that is no part of the project.
PUBLISHED = ROOT.parent / "shared" / "codelists"
SEED = int(os.environ.get("VIGIL_HUNT_SEED", "20240229"))
PATIENTS = int(os.environ.get("VIGIL_HUNT_PATIENTS", "60"))
FIRST = datetime.datetime(2022, 11, 20, tzinfo=datetime.timezone.utc)
LAST = datetime.datetime(2025, 3, 5, tzinfo=datetime.timezone.utc)

LOINC = "http://loinc.org"
NSAIDS = ["M01AE02", "M01AE01", "M01AB05", "M01AE52"]
PROTECTIONS = ["A02BC01", "A02BA02"]
ANTICOAGULANTS = ["B01AA03", "B01AF02"]
ANTIPLATELETS = ["B01AC06", "B01AC04", "B01AC06", "B01AC56", "B01AC24"]
OTHERS = ["A10BA02", "N02BE01", "M02AA13", "C03AA03", "C07AB03"]
PANELS = ["24321-2", "1000971000000107", "24323-8"]
#: What a patient's record is about: medicines, diagnoses and results, each with a few codes.
THEMES = [
    ([NSAIDS, NSAIDS, PROTECTIONS, ANTICOAGULANTS], ["84114007", "42343007"], []),
    ([NSAIDS, PROTECTIONS, ANTIPLATELETS], ["13200003", "74474003", "397825006"], []),
    ([ANTICOAGULANTS, ANTIPLATELETS, ANTIPLATELETS, PROTECTIONS], ["13200003"], []),
    ([["C07AA05", "S01ED01"], ["R03AC12", "R03AC13"], ["R03BA01", "R03AK06"]],
     ["195967001", "195967001", "233678006", "162660004"], []),
    ([NSAIDS], ["84114007"], ["33914-3", "62238-1", "80274001"]),
    ([["C09AA05", "C09CA01"], ["C03CA01", "C03DA01"]], ["84114007"],
     ["2160-0", "2823-3", "33914-3", *PANELS]),
    ([["L04AX03", "L01BA01"]], ["38341003"], ["718-7", "1742-6", "24323-8"]),
    ([["N05AN01"], ["C01BD01"]], ["38341003"], ["14334-7", "3016-3"]),
]
UNITS = ["mL/min/{1.73_m2}", "mL/min/1.73m2", "mL/min", "mL/min", "mL/min", "mL/s"]
#: Days on which months end, leap years show, and clocks change.
AWKWARD = ["2023-11-30", "2023-12-31", "2024-01-31", "2024-02-28", "2024-02-29", "2024-03-30",
           "2024-03-31", "2024-05-31", "2024-07-27", "2024-07-31", "2024-10-26", "2024-10-27",
           "2024-11-29", "2024-11-30", "2024-12-31", "2025-02-28"]
#: Moments to look back to: midnights, clock changes, between, and after the end.
MOMENTS = ["2024-02-29T00:00:00Z", "2024-03-30T23:59:59.999Z", "2024-03-31T00:00:00Z",
           "2024-06-30T23:00:00Z", "2024-10-26T23:00:00Z", "2024-10-27T12:00:00Z",
           "2025-01-01T00:00:00Z", "2025-06-01T00:00:00Z"]
MOMENTS = sorted(MOMENTS + [
    f"{(FIRST + datetime.timedelta(days=random.Random(SEED + number).randrange(830))).date()}"
    "T12:00:00Z" for number in range(int(os.environ.get("VIGIL_HUNT_MOMENTS", "4")))])


def rfc3339(moment):
    """An instant as the tests' events write it."""
    text = moment.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class LocalPatient(Patient):
    """A patient of a source that has its own names for patients and registers by any event."""

    def __init__(self, subject, practice):
        super().__init__(subject, practice, source=LOCAL)

    def reference(self):
        return {"reference": f"Patient/local-{self.subject}"}


class Life:
    """A patient's random events, in the order in which they are sent."""

    patients = [Patient, Patient, LocalPatient]
    themes, medicine_system, others, unlisted = THEMES, ATC, OTHERS, "38341003"

    def __init__(self, number, rng, theme=None):
        self.rng = rng
        #: Of a practice of their own: the indicators of a practice are then one patient's.
        self.patient = rng.choice(self.patients)(
            f"life-{number}", practice=f"P{number:05}")
        #: From which days on the practice's events of some kinds are complete.
        self.coverage = {
            kind: FIRST.date() + datetime.timedelta(days=rng.randrange(-100, 500))
            for kind in ("prescription", "observation") if rng.random() < 0.15}
        self.medicines, self.problems, self.results = theme or rng.choice(self.themes)
        #: How this patient's system tells versions apart.
        self.versioning = rng.choice(["number", "updated", "time"])
        self.resources = []
        self.versions = 0
        self.events = []
        self.person = self.first_person()
        when = FIRST + datetime.timedelta(seconds=rng.randrange(86_400 * 40))
        late = rng.random() < 0.15
        if not late:
            self.register(when)
        for _ in range(rng.randrange(2, 18)):
            when += datetime.timedelta(seconds=rng.choice(
                [0, 1, 300, 599, 600, 601, 3600, 86_400, 86_400 * 20, 86_400 * 45])
                * rng.randrange(1, 3))
            if when < LAST:
                self.happen(when)
        if late and when < LAST:
            self.register(when)

    def first_person(self):
        """The Patient resource at first."""
        rng = self.rng
        born = rng.choice(["1959", "1958", "1960", "2006", "1904", "1949", "1948", "1940", "1940",
                           "1975"])
        born += rng.choice(["", "-02", "-04", "-11"])
        if len(born) == 7 and rng.random() < 0.8:
            born += rng.choice(["-28", "-29", "-01", "-15"])
        if born.endswith("-02-29") and int(born[:4]) % 4:
            born = born[:-2] + "28"
        name = self.patient.reference()["reference"].split("/")[1]
        person = {"resourceType": "Patient", "id": name, "active": True,
                  "managingOrganization": {"identifier": {"value": "A81001"}}}
        if rng.random() < 0.9:
            person["gender"] = rng.choice(["male", "female", "female", "other", "unknown"])
        if rng.random() < 0.9:
            person["birthDate"] = born
        return person

    def send(self, kind, resource, when, action="created"):
        """One more event."""
        self.versions += 1
        resource = dict(resource)
        if kind == "patient" or self.versioning == "time":
            resource.pop("meta", None)
        elif self.versioning == "number":
            # Now and then an old version comes late.
            late = self.rng.random() < 0.2
            number = 1000 + self.versions - (15 if late else 0)
            resource["meta"] = {"versionId": str(number)}
        else:
            shift = self.rng.choice([0, 0, 0, 86_400 * 60])
            updated = when - datetime.timedelta(seconds=shift, milliseconds=-self.versions)
            resource["meta"] = {"lastUpdated": rfc3339(updated)}
        event = self.patient.envelope(kind, resource, rfc3339(when), action)
        self.events.append((when, kind, self.patient.practice, event))

    def register(self, when):
        self.send("patient", self.person, when)

    def happen(self, when):
        """Something, at an instant."""
        chance = self.rng.random()
        if chance < 0.62 or not self.resources:
            kind, resource = self.anything(when)
            self.resources.append((kind, resource))
            self.send(kind, resource, when)
        elif chance < 0.88:
            self.correct(when)
        else:
            self.change_person(when)

    def moment(self, when, partial):
        """A FHIR dateTime near an instant, of any precision that FHIR has."""
        rng = self.rng
        day = rng.choice([
            local_day(when), local_day(when), local_day(when),
            local_day(when) - datetime.timedelta(days=rng.randrange(120)),
            local_day(when) - datetime.timedelta(days=rng.randrange(700)),
            local_day(when) + datetime.timedelta(days=rng.randrange(60)),
            datetime.date.fromisoformat(rng.choice(AWKWARD))])
        form = rng.choice(["day", "day", "offset", "utc", "partial"])
        if form == "partial":
            return day.isoformat()[:rng.choice([4, 7])] if partial else None
        if form == "offset":
            return f"{day}T{rng.choice(['00:30:00', '23:59:59.999'])}" + rng.choice(
                ["+00:00", "+01:00", "-11:00", "+14:00"])
        return f"{day}T{rng.choice(['00:00:00', '23:00:00', '22:59:59'])}Z" if (
            form == "utc") else day.isoformat()

    def anything(self, when):
        """A medicine, a diagnosis or a result."""
        chance = self.rng.random()
        if self.results and chance < 0.3:
            return self.result(when)
        return self.problem(when) if chance > 0.85 else self.supply(when)

    def another(self, kind):
        """The id of an earlier record of a type, or of none."""
        names = [resource["id"] for _, resource in self.resources
                 if resource["resourceType"] == kind]
        return self.rng.choice(names or ["nobody"])

    def supply(self, when):
        """An order, dispense or statement."""
        rng = self.rng
        code = rng.choice(rng.choice([*self.medicines, *self.medicines, self.others]))
        concept = {"coding": [{"system": self.medicine_system, "code": code,
                               "display": f"Medicine {code}"}]}
        name = f"m-{self.patient.subject}-{len(self.resources)}"
        kind = rng.choice(["MedicationRequest"] * 4 + ["MedicationDispense", "MedicationStatement"])
        resource = {"resourceType": kind, "id": name, "subject": self.patient.reference()}
        if rng.random() < 0.2:
            resource["contained"] = [{"resourceType": "Medication", "id": "m1", "code": concept}]
            resource["medicationReference"] = {"reference": "#m1"}
        else:
            resource["medicationCodeableConcept"] = concept
        date = self.moment(when, partial=True)
        if kind == "MedicationRequest":
            resource["intent"] = rng.choice(["order"] * 12 + ["plan", "proposal", "option",
                                                              "reflex-order"])
            resource["status"] = rng.choice(
                ["active"] * 12 + ["completed", "draft", "cancelled", "stopped"])
            resource.update(self.course())
            if rng.random() < 0.05:
                resource["doNotPerform"] = True
            if rng.random() < 0.2:
                supply = {"expectedSupplyDuration": {
                    "system": UCUM, **rng.choice([
                        {"value": 28, "code": "d"}, {"value": 56, "code": "d"},
                        {"value": 168, "code": "d"}, {"value": 12, "code": "wk"},
                        {"value": 1, "code": "mo"}, {"value": 672, "code": "h"}])}}
                if rng.random() < 0.6:
                    supply["numberOfRepeatsAllowed"] = rng.randrange(6)
                if rng.random() < 0.2:
                    end = local_day(when) + datetime.timedelta(days=rng.randrange(200))
                    supply["validityPeriod"] = {"end": end.isoformat()}
                resource["dispenseRequest"] = supply
            fields = {"authoredOn": date}
        elif kind == "MedicationDispense":
            resource["status"] = rng.choice(["completed"] * 6 + ["in-progress", "declined"])
            if rng.random() < 0.5:
                resource["authorizingPrescription"] = [
                    {"reference": f"MedicationRequest/{self.another('MedicationRequest')}"}]
            if rng.random() < 0.2:
                resource["daysSupply"] = {"value": 112, "system": UCUM, "code": "d"}
            fields = {rng.choice(["whenHandedOver", "whenPrepared"]): date}
        else:
            resource["status"] = rng.choice(["active"] * 6 + ["not-taken", "completed"])
            fields = rng.choice([{"effectiveDateTime": date},
                                 {"effectivePeriod": {"start": date} if date else {}}])
        resource.update({name: value for name, value in fields.items() if value})
        return "prescription", resource

    def course(self):
        """What an order says of the course that it is of."""
        return self.rng.choice([{}] * 12 + [
            {"basedOn": [{"reference": "CarePlan/plan-1"}]},
            {"basedOn": [{"reference": f"MedicationRequest/{self.another('MedicationRequest')}"}]},
            {"groupIdentifier": {"value": "group-1"}},
            {"priorPrescription": {
                "reference": f"MedicationRequest/{self.another('MedicationRequest')}"}}])

    def problem(self, when):
        """A diagnosis, mostly as a Condition."""
        rng = self.rng
        code = rng.choice([*self.problems, *self.problems, self.unlisted])
        if rng.random() < 0.2:
            return self.visit(code, when)
        resource = {"resourceType": "Condition", "subject": self.patient.reference(),
                    "id": f"c-{self.patient.subject}-{len(self.resources)}",
                    "code": {"coding": [{"system": SNOMED, "code": code}]}}
        date = self.moment(when, partial=True)
        if date:
            resource.update(rng.choice([
                {"onsetDateTime": date}, {"onsetPeriod": {"start": date}},
                {"recordedDate": date}]))
        if rng.random() < 0.2:
            resource["verificationStatus"] = {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                "code": rng.choice(["refuted", "differential", "confirmed", "provisional"])}]}
        if rng.random() < 0.2:
            resource["clinicalStatus"] = {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": rng.choice(["active", "relapse", "inactive", "remission", "resolved"])}]}
        end = self.moment(when, partial=True)
        if rng.random() < 0.2 and end:
            resource["abatementDateTime"] = end
        return "condition", resource

    def visit(self, code, when):
        """A diagnosis as the reason of a contact, or as a procedure's code."""
        rng = self.rng
        concept = {"coding": [{"system": SNOMED, "code": code}]}
        kind = rng.choice(["Encounter", "Procedure"])
        resource = {"resourceType": kind, "subject": self.patient.reference(),
                    "id": f"v-{self.patient.subject}-{len(self.resources)}"}
        date = self.moment(when, partial=True)
        if kind == "Encounter":
            resource.update({"status": rng.choice(["finished", "in-progress", "planned"]),
                             "class": {"code": "AMB"}, "reasonCode": [concept]})
            resource.update({"period": {"start": date}} if date else {})
        else:
            resource.update({"status": rng.choice(["completed", "completed", "preparation"]),
                             "code": concept})
            resource.update({"performedDateTime": date} if date else {})
        return "encounter" if kind == "Encounter" else "observation", resource

    def result(self, when):
        """An Observation or a DiagnosticReport."""
        rng = self.rng
        code = rng.choice(self.results)
        system = LOINC if "-" in code else SNOMED
        concept = {"coding": [{"system": system, "code": code}]}
        kind = rng.choice(["Observation"] * 5 + ["DiagnosticReport"])
        resource = {"resourceType": kind, "subject": self.patient.reference(), "code": concept,
                    "id": f"o-{self.patient.subject}-{len(self.resources)}",
                    "status": rng.choice(["final"] * 6 + ["preliminary", "cancelled"])}
        date = self.moment(when, partial=True)
        if date:
            resource["effectiveDateTime"] = date
        if kind == "Observation":
            value = self.value()
            if value and rng.random() < 0.2:
                resource["code"] = {"coding": [{"system": LOINC, "code": "24362-6"}]}
                resource["component"] = [{"code": concept, **value}]
            else:
                resource.update(value)
        return "observation", resource

    def value(self):
        """A result near the bounds of the rules."""
        rng = self.rng
        number = rng.choice([0.9, 1, 1.1, 30, 44, 44.9, 44.99, 45, 60])
        sign = rng.choice(["", "", "", "<", "<=", ">", ">="])
        unit = rng.choice(UNITS)
        form = rng.random()
        if form < 0.6:
            quantity = {"value": number, "system": UCUM, "code": unit}
            if sign:
                quantity["comparator"] = sign
            if rng.random() < 0.2:
                quantity = {**quantity, "unit": unit}
                del quantity["system"], quantity["code"]
            return {"valueQuantity": quantity}
        if form < 0.8:
            return {"valueString": rng.choice([f"{sign}{number}", f"{sign}{number} {unit}",
                                               "haemolysed", ">90"])}
        return {}

    def correct(self, when):
        """Another version of something that was sent before."""
        rng = self.rng
        index = rng.randrange(len(self.resources))
        kind, before = self.resources[index]
        chance = rng.random()
        if chance < 0.3:
            shell = {name: before[name] for name in ("resourceType", "id", "subject")}
            self.send(kind, rng.choice([before, shell]), when, "deleted")
        elif chance < 0.5 and kind == "prescription":
            self.send(kind, {**before, "status": "entered-in-error"}, when, "updated")
        elif chance < 0.75 and before["resourceType"] == "MedicationRequest":
            status = rng.choice(["stopped", "stopped", "on-hold", "active", "completed"])
            self.resources[index] = (kind, {**before, "status": status})
            self.send(kind, self.resources[index][1], when, "updated")
        else:
            _, other = self.supply(when) if kind == "prescription" else (
                self.problem(when) if kind in ("condition", "encounter") else self.result(when)
                if self.results else self.problem(when))
            changed = {**other, "id": before["id"], "resourceType": before["resourceType"]}
            if changed["resourceType"] != other["resourceType"]:
                changed = before
            self.resources[index] = (kind, changed)
            self.send(kind, changed, when, rng.choice(["updated", "created"]))

    def change_person(self, when):
        """Death, its being taken back, moving away and back, another birth date."""
        rng = self.rng
        person = dict(self.person)
        for name in ("deceasedBoolean", "deceasedDateTime"):
            person.pop(name, None)
        change = rng.choice(["dead", "date", "alive", "inactive", "active", "gone", "born",
                             "deleted"])
        if change == "dead":
            person["deceasedBoolean"] = True
        elif change == "date":
            date = self.moment(when, partial=False)
            person.update({"deceasedDateTime": date} if date else {})
        elif change == "alive":
            person["deceasedBoolean"] = False
        elif change in ("inactive", "active"):
            person["active"] = change == "active"
            person["managingOrganization"] = {"identifier": {"value": "A81001"}}
        elif change == "gone":
            person.pop("managingOrganization", None)
        elif change == "born":
            person["birthDate"] = rng.choice(["1959-02-28", "1960-02-29", "1960", "1990-01-01"])
        self.person = person
        self.send("patient", person, when, "deleted" if change == "deleted" else "updated")


def in_order(lives, rng):
    """All events with the log's time of each, as they are sent: some come late."""
    events = sorted((item for life in lives for item in life.events), key=lambda item: item[0])
    for index in range(len(events) - 1):
        if rng.random() < 0.05:
            other = min(index + rng.randrange(1, 40), len(events) - 1)
            events.insert(other, events.pop(index))
    now = FIRST
    for item in events:
        now = max(now, instant(item[3]["time"]))
        yield now, item


def foretell(task):
    """What becomes of one patient: flags by time, those open at the end, and what is so at each
    moment."""
    lists, coverage, events = task
    watch, seen = Watch(Record(lists, coverage, implied={LOCAL})), {}
    moments = collections.deque(map(instant, MOMENTS))

    def look(moment):
        watch.advance(moment)
        seen[moment] = (len(watch.open), watch.record.truths(local_day(moment)))

    for index, now, event in events:
        while moments and moments[0] < now:
            moment = moments.popleft()
            if watch.clock is not None:
                look(moment)
        watch.take(event, index, now)
    while moments and moments[0] < LAST:
        look(moments.popleft())
    watch.advance(LAST)
    told, still_open = list(watch.told), set(watch.open)
    for moment in moments:
        look(moment)
    return told, still_open, seen


def live(folder, lives, rng, lists, arguments, rules):
    """Tells a daemon of many lives; what each should have come to, and the daemon."""
    events = list(in_order(lives, rng))
    coverage = {life.patient.subject: life.coverage for life in lives}
    known = collections.defaultdict(list)
    for index, (now, (_, _, _, event)) in enumerate(events):
        known[event["subject"]].append((index, now, event))
    with multiprocessing.get_context("fork").Pool() as pool:
        expected = dict(zip(known, pool.map(
            foretell, [(lists, coverage[subject], each) for subject, each in known.items()],
            chunksize=4)))
    settings = folder / "settings.yaml"
    settings.write_text(yaml.safe_dump({
        "sources": [{"source": LOCAL, "subjects": "mapped", "registration": "implied"}],
        "coverage": [{"practice": life.patient.practice, "kind": kind, "from": day.isoformat()}
                     for life in lives for kind, day in life.coverage.items()]}))
    daemon = Daemon(folder, arguments=[*arguments, "--config", str(settings)]).start()
    client = Client(daemon.endpoints)
    client.accept([Message(f"{kind}.{practice}".encode(), encoded(event))
                   for _, (_, kind, practice, event) in events] + [clock(rfc3339(LAST))])
    told = {subject: each[0] for subject, each in expected.items()}
    print(f"{len(known)} patients, {len(events)} events, {len(MOMENTS)} moments, "
          f"{sum(map(len, told.values()))} raised or resolved, seed {SEED}")
    return {"daemon": daemon, "client": client, "told": told, "rules": rules,
            "open": {(subject, rule) for subject, each in expected.items() for rule in each[1]},
            "events": [item for _, item in events],
            "seen": {moment: {subject: each[2][moment] for subject, each in expected.items()
                              if moment in each[2]} for moment in map(instant, MOMENTS)}}


@pytest.fixture(scope="module", params=["our lists", "published lists"])
def lived(request, tmp_path_factory):
    """A daemon that was told of many lives, and what each of them should have come to."""
    rng = random.Random(SEED)
    packs = ["--pack", "pincer", "--pack", "pincer-audit"]
    folder = tmp_path_factory.mktemp("lives")
    if request.param == "our lists":
        lives = [Life(number, random.Random(rng.random())) for number in range(PATIENTS)]
        world = live(folder, lives, rng, TestLists(), packs, set(RULES))
    else:
        if not PUBLISHED.is_dir():
            pytest.skip(f"the published lists are not in {PUBLISHED}")
        lists = PublishedLists(PUBLISHED)
        Published = published_life(lists)
        lives = [Published(number, random.Random(rng.random())) for number in range(PATIENTS)]
        # Nothing is listed for the beta-agonists: that rule is switched off.
        world = live(folder, lives, rng, lists, [*packs, "--codelists", str(PUBLISHED)],
                     set(RULES) - {"as-p3h"})
    yield world
    world["client"].close()
    world["daemon"].close()


def published_life(lists):
    """Lives with codes of the published lists."""
    def some(*names):
        rng = random.Random(SEED)
        return [rng.choice(sorted(lists.codes(name))) for name in names for _ in range(6)]

    class PublishedLife(Life):
        """A patient whose system uses dm+d and SNOMED CT."""

        themes = [
            ([some("nsaid"), some("nsaid"), some("ppi"), some("anticoagulant")],
             some("heart failure"), []),
            ([some("nsaid"), some("ppi"), some("antiplatelet")], some("ulcer or bleed"), []),
            ([some("anticoagulant"), some("aspirin"), some("other antiplatelet"), some("ppi")],
             some("ulcer or bleed"), []),
            ([some("beta-blocker"), some("beta-blocker")],
             some("asthma", "asthma") + ["162660004"], []),
            ([some("nsaid")], some("heart failure"), some("egfr")),
            ([some("ace"), some("diuretic")], some("heart failure"),
             some("renal", "electrolytes") + ["1000971000000107"]),
            ([some("methotrexate")], some("asthma"), some("blood count", "liver")),
            ([some("lithium"), some("amiodarone")], some("asthma"),
             some("lithium level", "thyroid"))]
        medicine_system = "https://dmd.nhs.uk"
        #: Metformin 500mg tablets: in none of the lists.
        others = ["325278007"]

    return PublishedLife


def history_of(events, subject):
    """A patient's events, for the message of a failed test."""
    return [json.dumps(event) for *_, event in events if event["subject"] == subject]


def readable(told):
    """What became of flags, with its times as text."""
    return [(rfc3339(moment), rule, action) for moment, rule, action in told]


def test_every_flag_is_raised_and_resolved_when_it_should_be(lived):
    told = {}
    for record in lived["daemon"].export("--topic", "flag."):
        event = record["event"]
        action = event["type"].split(".")[-2]
        if action in ("raised", "resolved"):
            told.setdefault(event["subject"], []).append(
                (instant(event["time"]), event["rule"], action))
    wrong = []
    for subject, expected in lived["told"].items():
        if sorted(expected) != sorted(told.get(subject, [])):
            wrong.append(subject)
    assert sum(len(expected) for expected in lived["told"].values()) > PATIENTS / 4
    explained = ["\n".join([
        subject, *history_of(lived["events"], subject),
        f"expected {readable(lived['told'][subject])}",
        f"found {readable(told.get(subject, []))}"]) for subject in wrong[:3]]
    assert not wrong, f"{len(wrong)} of {PATIENTS}, seed {SEED}\n" + "\n".join(explained)


def test_the_log_replays(lived):
    lived["daemon"].assert_replays()


def test_what_is_open_is_what_should_be(lived):
    items, _ = lived["client"].open(["flag."], limit=7)
    found = sorted((event["subject"], event["rule"])
                   for event in (json.loads(item.event) for item in items))
    assert found == sorted(lived["open"])


@pytest.mark.parametrize("until", MOMENTS)
def test_replay_until_a_moment_counts_what_was_so_then(lived, until):
    moment = instant(until)
    truths = {subject: pairs for subject, (_, pairs) in lived["seen"][moment].items()}
    open_flags = sum(count for count, _ in lived["seen"][moment].values())
    done = run("replay", "--data", lived["daemon"].data, "--until", until, "--indicators")
    assert done.returncode == 0, done.stderr
    rows = list(map(json.loads, done.stdout.splitlines()))
    assert {row["rule"] for row in rows} == lived["rules"]
    assert len(rows) == len(lived["rules"]) * len(truths)
    subjects = {f"P{int(subject.split('-')[1]):05}": subject for subject in truths}
    wrong = []
    for row in rows:
        assert row["asOf"] == rfc3339(moment)
        subject = subjects[row["practice"]]
        pair = truths[subject][row["rule"]]
        expected = (pair[0] is True, pair[1] is True, None in pair)
        if expected != (row["denominator"], row["numerator"], row["unknown"]):
            wrong.append((subject, row["rule"], pair, row))
    explained = ["\n".join([str(item), *history_of(lived["events"], item[0])])
                 for item in wrong[:3]]
    assert not wrong, f"{len(wrong)} at {until}, seed {SEED}\n" + "\n".join(explained)
    done = run("replay", "--data", lived["daemon"].data, "--until", until, "--json")
    assert json.loads(done.stdout)["open"] == open_flags
