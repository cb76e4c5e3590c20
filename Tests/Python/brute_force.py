# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The rules of both PINCER packs once more, in the plainest way: every patient, every day.

Written from the published definitions and their real-time form alone, without windows that move,
horizons or timers: each local midnight and each event asks everything anew, but for what no day
changes.
"""

import datetime
import decimal
import functools
import inspect

from brute_dates import first_day, instant, local_day, midnight, months_before, years_of_age
from brute_lists import TestLists
from brute_supplies import (Issue, Version, codes_of, courses_of, halts_among, is_stopped_by, issues_of,
                            medicine_day, names_of)

LIVE = ("gi-p3a", "gi-p3b", "gi-p3c", "gi-p3d", "gi-p3e", "gi-p3f", "as-p3g", "as-p3h", "hf-p3i",
        "ki-p3k", "mo-p13", "mo-p15-fbc", "mo-p15-lft", "mo-p17", "mo-p18")
AUDIT = tuple(f"{rule}-audit" for rule in LIVE if rule != "as-p3h")
RULES = LIVE + AUDIT
SETTLE = {rule: datetime.timedelta(minutes=10)
          for rule in ("gi-p3a", "gi-p3b", "gi-p3c", "gi-p3e", "gi-p3f", "as-p3h")}

UNITS = {"mL/min/{1.73_m2}", "mL/min/1.73m2", "mL/min/1.73m*2", "mL/min/1.73 m2", "mL/min"}


def remembered(method):
    """A method of a record whose answers stand until the next event, whatever the day."""
    @functools.wraps(method)
    def answer(self, *names, **options):
        key = (method.__name__, names, tuple(options.items()))
        if key not in self.answers:
            found = method(self, *names, **options)
            self.answers[key] = list(found) if inspect.isgenerator(found) else found
        return self.answers[key]
    return answer


class Record:
    """What is known of one patient at a moment, and what it means on a day."""

    def __init__(self, lists=TestLists(), coverage=None, implied=()):
        self.lists = lists
        #: From which day on what is told of a kind of event is complete; always where it is not.
        self.coverage = coverage or {}
        #: The sources of which any Patient event registers.
        self.implied = implied
        #: What is remembered until the next event.
        self.answers = {}
        self.versions = {}
        self.registrations = []
        #: The Patient resources of others that are read as this one.
        self.others = []
        #: From which day on an issue is no exposure any more, by the version's order.
        self.ended = {}
        #: From which day on another order has an order's place, by the id.
        self.replaced = {}

    def take(self, event, offset):
        """Takes an event in."""
        data, time = event["data"], instant(event["time"])
        gone = event["type"].split(".")[-2] == "deleted" or self.in_error(data)
        meta = data.get("meta", {})
        number = meta.get("versionId")
        order = (int(number) if number else 0, meta.get("lastUpdated", ""), time, offset)
        version = Version(order, time, None if gone else data, event["source"])
        self.answers.clear()
        if data["resourceType"] == "Patient":
            self.registrations.append(version)
            self.registrations.sort(key=lambda item: (item.time, item.order))
        else:
            key = (data["resourceType"], data["id"])
            self.versions.setdefault(key, []).append(version)
            self.read_halts()

    @staticmethod
    def in_error(data):
        """Whether a resource says that it should never have been."""
        return "entered-in-error" in (data.get("status"), verification(data))

    @remembered
    def current(self, kind):
        """The newest versions of the resources of a kind."""
        for (name, _), versions in self.versions.items():
            newest = max(versions, key=lambda version: version.order)
            if name == kind and newest.resource:
                yield newest

    def medicines(self):
        """The newest versions of all orders, dispenses and statements."""
        for kind in ("MedicationRequest", "MedicationDispense", "MedicationStatement"):
            yield from self.current(kind)

    @remembered
    def issues(self, name, live=True):
        """The issues of a medicine: each order with its repeats, each dispense and statement."""
        for version in self.medicines():
            data = version.resource
            if not any(self.lists.has(name, code) for code in codes_of(data)):
                continue
            if live:
                yield from issues_of(
                    version, self.versions[(data["resourceType"], data["id"])],
                    self.ended.get(version.order, datetime.date.max),
                    self.replaced.get(data["id"]))
                continue
            day = medicine_day(version)
            if day is not None:
                yield Issue(version, day, datetime.date.max, day)

    def issue_days(self, name, today, live=True):
        """The days on which a medicine was issued, but for those that have ended by today."""
        return [issue.day for issue in self.issues(name, live) if today < issue.ended]

    def supply_days(self, name, today):
        """The issue dates of a medicine where one supply is one."""
        issues = [issue for issue in self.issues(name) if today < issue.ended]
        issues.sort(key=lambda issue: (issue.day, issue.version.moment, issue.version.order[-1]))
        known = {(issue.version.source, issue.version.resource["id"]) for issue in issues}
        dispensed = {
            (issue.version.source, order) for issue in issues
            if issue.version.resource["resourceType"] == "MedicationDispense"
            and issue.day <= today for order in names_of(issue.version.resource)}
        supplies = []
        for issue in issues:
            data, source = issue.version.resource, issue.version.source
            kind = data["resourceType"]
            if kind == "MedicationRequest" and (source, data["id"]) in dispensed:
                continue
            if kind == "MedicationStatement" and any(
                    (source, name) in known for name in names_of(data)):
                continue
            for supply in reversed(supplies):
                if ((issue.day - supply[0].day).days <= 7
                        and set(codes_of(data)) & set(codes_of(supply[0].version.resource))
                        and all((other.version.resource["resourceType"], other.version.source)
                                != (kind, source) for other in supply)):
                    supply.append(issue)
                    break
            else:
                supplies.append([issue])
        return [supply[0].day for supply in supplies]

    @remembered
    def coded(self, *names, panels=False):
        """Where a code of a list stands: the records with their days."""
        wanted = set().union(*map(self.lists.codes, names), self.lists.panel if panels else ())
        for kind in ("Condition", "Observation", "DiagnosticReport", "Procedure", "Encounter"):
            for version in self.current(kind):
                day = clinical_day(version)
                if day and wanted & set(record_codes(version.resource)):
                    yield day, version

    def read_halts(self):
        """Works out which issues a stop, a hold or an order in their place has ended, and when.

        A stop ends its order and the earlier issues of its course; a hold its order alone.
        """
        self.ended, self.replaced = {}, {}
        courses = courses_of([version.resource for version in self.current("MedicationRequest")])
        medicines = list(self.medicines())
        for newest in medicines:
            data = newest.resource
            day = medicine_day(newest)
            if "priorPrescription" in data and day is not None:
                prior = data["priorPrescription"]["reference"].split("/")[-1]
                self.replaced[prior] = min(day, self.replaced.get(prior, day))
            halt, stop = halts_among(self.versions[(data["resourceType"], data["id"])])
            if halt:
                self.end(newest, local_day(halt.time))
            if not stop:
                continue
            for other in medicines:
                others = other.resource
                versions = self.versions[(others["resourceType"], others["id"])]
                if is_stopped_by(newest, stop, other, versions, courses, medicines):
                    self.end(other, local_day(stop.time))
        self.answers.clear()

    def end(self, version, day):
        """An issue is no exposure from a day on."""
        self.ended[version.order] = min(day, self.ended.get(version.order, day))

    def stated(self, name):
        """An element of the Patient resource, of one that was merged where it has none."""
        people = [self.person() or {}, *self.others]
        return next((person[name] for person in people if name in person), None)

    def person(self):
        """The Patient resource that counts."""
        return self.registrations[-1].resource if self.registrations else None

    def registers(self, version):
        """Whether a Patient event that is not inactive registers the patient."""
        return (version.source in self.implied or "managingOrganization" in version.resource
                or "generalPractitioner" in version.resource)

    @remembered
    def left_on(self):
        """The day of deregistration."""
        left, had_practice = None, False
        for version in self.registrations:
            data, day = version.resource, local_day(version.time)
            if data is None or data.get("active") is False:
                left = left or day
            elif self.registers(version):
                left, had_practice = None, True
            elif had_practice:
                left = left or day
        return left

    @remembered
    def died_on(self):
        """The day from which on the patient is dead."""
        person = self.person() or {}
        if person.get("deceasedDateTime"):
            return first_day(person["deceasedDateTime"])[0]
        if person.get("deceasedBoolean") is not True:
            return None
        first = None
        for version in self.registrations:
            says = (version.resource or {}).get("deceasedBoolean") is True
            first = (first or version.time) if says else None
        return local_day(first)

    @remembered
    def joined_on(self):
        """The day from which the patient is registered; the first time from the beginning."""
        joined, had_practice, gone = None, False, False
        for version in self.registrations:
            data, day = version.resource, local_day(version.time)
            if data is None or data.get("active") is False:
                gone = True
            elif self.registers(version):
                if not had_practice:
                    joined = datetime.date.min
                elif gone:
                    joined = day
                had_practice, gone = True, False
            elif had_practice:
                gone = True
        return joined

    def has_asthma(self, day, live):
        """Whether asthma is coded and not over."""
        coded = [(onset, version) for onset, version in self.coded("asthma")
                 if onset <= (day if live else months_before(day, 3))]
        resolved = [when for when, _ in self.coded("asthma resolved") if when <= day]
        if not coded:
            return False
        latest = max(onset for onset, _ in coded)
        if resolved and max(resolved) >= latest:
            return False
        if not live:
            return True
        ends = [end_of(version) for _, version in coded
                if version.resource["resourceType"] == "Condition"]
        stands = any(end is None or end > day for end in ends)
        ended = any(end is not None and latest <= end <= day for end in ends)
        return stands or not ended

    def is_impaired(self, day, live):
        """Whether the latest eGFR is below 45: True, False, or None for unknown."""
        limit = day if live else months_before(day, 3)
        found = [(when, version) for when, version in self.coded("egfr") if when <= limit]
        if live:
            found = [item for item in found if item[1].resource["resourceType"] == "Observation"
                     and self.reading(item[1].resource, UNITS) is not None]
        if not found:
            return False
        newest = max(found, key=lambda item: (item[0], *item[1].tie))[1]
        result = self.reading(newest.resource, UNITS if live else None)
        if result is None or result == "unreadable":
            return None if live else False
        number, comparator = result
        return (1 <= number < 45 and comparator not in (">", ">=", "~")
                and not (number == 1 and comparator == "<"))

    def reading(self, data, units):
        """A result's number and comparator, "unreadable", or None where it carries none."""
        value = data
        if not any(name in data for name in ("valueQuantity", "valueString")):
            listed = self.lists.codes("egfr")
            value = next((part for part in data.get("component", [])
                          if listed & {coding["code"] for coding in part["code"]["coding"]}), {})
        if "valueQuantity" in value:
            quantity = value["valueQuantity"]
            is_ucum = quantity.get("system") == "http://unitsofmeasure.org"
            unit = quantity.get("code") if is_ucum else quantity.get("unit")
            if units is not None and unit not in units:
                return "unreadable"
            return decimal.Decimal(str(quantity["value"])), quantity.get("comparator")
        text = value.get("valueString", "").strip()
        comparator = next((sign for sign in ("<=", ">=", "<", ">", "~") if text.startswith(sign)), None)
        number, _, unit = text[len(comparator or ""):].strip().partition(" ")
        try:
            result = decimal.Decimal(number)
        except decimal.InvalidOperation:
            return None
        if unit and units is not None and unit not in units:
            return "unreadable"
        return result, comparator

    def truths(self, day):
        """Each rule's denominator and numerator on a day: True, False, or None for unknown."""
        return {**self.judged(day, True), **{
            f"{rule}-audit": pair for rule, pair in self.judged(day, False).items()
            if rule != "as-p3h"}}

    def in_population(self, day, age, live):
        """Whether the patient is watched, or for an audit known to belong to it."""
        died, left = self.died_on(), self.left_on()
        if died is not None and died <= day:
            return False
        if live:
            return (left is None or day <= left) and (age is None or 18 <= age <= 120)
        joined = self.joined_on()
        return (joined is not None and joined <= day and (left is None or day < left)
                and age is not None and 18 <= age <= 120
                and self.stated("gender") in ("male", "female"))

    def judged(self, day, live):
        """The rules of one pack."""
        def issued(name, first, last=0):
            low, high = months_before(day, first), months_before(day, last)
            return [issue for issue in self.issue_days(name, day, live) if low <= issue <= high]

        def protected(name):
            if issued(name, 3):
                return True
            return live and any(
                issue.day <= day <= issue.lasts and day < issue.ended
                for issue in self.issues(name))

        def ever(name, months):
            return any(issue <= months_before(day, months)
                       for issue in self.issue_days(name, day, live))

        def regular(name, months):
            low = months_before(day, months)
            return len({supply for supply in self.supply_days(name, day)
                        if low <= supply <= day}) >= 2

        def done(name, months, panels=False):
            return any(months_before(day, months) <= when <= day
                       for when, _ in self.coded(name, panels=panels))

        def absent(is_there, kind, months):
            """That nothing is there; unknown where nobody would have told of it."""
            if is_there:
                return False
            start = self.coverage.get(kind)
            return True if start is None or months_before(day, months) >= start else None

        def undone(name, months, panels=False):
            return absent(done(name, months, panels), "observation", months)

        def together(one, other):
            close = any(abs((first - second).days) <= 27
                        for first in issued(one, 3) for second in issued(other, 3))
            return close or bool(live and issued(one, 3) and issued(other, 3)
                                 and regular(one, 6) and regular(other, 6))

        def treated(name, months):
            return bool(issued(name, months) and issued(name, 2 * months, months)
                        and (not live or regular(name, 2 * months)))

        born = self.stated("birthDate")
        age = years_of_age(first_day(born)[0], day) if born else None
        watched = self.in_population(day, age, live)
        matured = day if live else months_before(day, 3)
        nsaid, unprotected = bool(issued("nsaid", 3)), absent(protected("ppi"), "prescription", 3)
        old = None if age is None else age >= 65
        bled = any(when <= matured for when, _ in self.coded("ulcer or bleed"))
        failing = any(when <= matured for when, _ in self.coded("heart failure"))
        asthma = self.has_asthma(day, live)
        long_on = any(issued(name, 6) and ever(name, 15) for name in ("ace", "diuretic"))
        untested = any_of(undone("renal", 15, live), undone("electrolytes", 15, live))
        on_methotrexate = treated("methotrexate", 3)
        rules = {
            "gi-p3a": ([old, unprotected], nsaid),
            "gi-p3b": ([bled, unprotected], nsaid),
            "gi-p3c": ([bled, unprotected], bool(issued("antiplatelet", 3))),
            "gi-p3d": ([bool(issued("anticoagulant", 3))], nsaid),
            "gi-p3e": ([bool(issued("anticoagulant", 3)), unprotected],
                       together("anticoagulant", "antiplatelet")),
            "gi-p3f": ([bool(issued("aspirin", 3)), unprotected],
                       together("aspirin", "other antiplatelet")),
            "as-p3g": ([asthma], bool(issued("beta-blocker", 3))),
            "as-p3h": ([asthma, bool(issued("beta-agonist", 3))],
                       absent(protected("corticosteroid"), "prescription", 3)),
            "hf-p3i": ([failing], nsaid),
            "ki-p3k": ([self.is_impaired(day, live)], nsaid),
            "mo-p13": ([None if age is None else age >= 75, long_on], untested),
            "mo-p15-fbc": ([on_methotrexate], undone("blood count", 3)),
            "mo-p15-lft": ([on_methotrexate], undone("liver", 3)),
            "mo-p17": ([treated("lithium", 3)], undone("lithium level", 3)),
            "mo-p18": ([treated("amiodarone", 6)], undone("thyroid", 6))}
        return {rule: (all_of(watched, *parts), all_of(watched, *parts, hazard))
                for rule, (parts, hazard) in rules.items()}


def all_of(*parts):
    """Three-valued and."""
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def any_of(*parts):
    """Three-valued or."""
    if any(part is True for part in parts):
        return True
    return None if any(part is None for part in parts) else False


def verification(data):
    """A condition's verification status."""
    codings = data.get("verificationStatus", {}).get("coding", [])
    return codings[0]["code"] if codings else None


def record_codes(data):
    """The codes for which a record that is no medicine counts."""
    concepts = [data.get("code"), *(part["code"] for part in data.get("component", [])),
                *data.get("type", []), *data.get("reasonCode", [])]
    return [coding["code"] for concept in concepts if concept for coding in concept["coding"]]


def clinical_day(version):
    """The day on which a diagnosis, result or contact counts; None if it does not."""
    data = version.resource
    kind, status = data["resourceType"], data.get("status")
    if kind == "Condition":
        if verification(data) in ("refuted", "differential"):
            return None
        text = (data.get("onsetDateTime") or data.get("onsetPeriod", {}).get("start")
                or data.get("recordedDate"))
        return first_day(text)[0] if text else local_day(version.time)
    if kind in ("Observation", "DiagnosticReport"):
        if status in ("registered", "cancelled"):
            return None
        text = data.get("effectiveDateTime") or data.get("issued")
    elif kind == "Procedure":
        if status != "completed":
            return None
        text = data.get("performedDateTime")
    else:
        if status in ("planned", "cancelled"):
            return None
        text = data.get("period", {}).get("start")
    if not text:
        return local_day(version.time)
    day, is_whole = first_day(text)
    return day if is_whole else None


def end_of(version):
    """The day from which a condition is over; None while it is not known to be."""
    data = version.resource
    ends = []
    if data.get("abatementDateTime"):
        ends.append(first_day(data["abatementDateTime"])[0])
    codings = data.get("clinicalStatus", {}).get("coding", [])
    if codings and codings[0]["code"] in ("inactive", "remission", "resolved"):
        ends.append(local_day(version.time))
    return min(ends, default=None)


class Watch:
    """One patient's flags as time passes."""

    def __init__(self, record):
        self.record = record
        self.open = set()
        self.pending = {}
        self.told = []
        self.clock = None

    def judge(self, moment, by_time):
        """Asks everything anew at an instant."""
        for rule, (_, truth) in self.record.judged(local_day(moment), True).items():
            if truth is not True:
                self.pending.pop(rule, None)
                if truth is False and rule in self.open:
                    self.open.remove(rule)
                    self.told.append((moment, rule, "resolved"))
            elif rule not in self.open:
                settle = SETTLE.get(rule, datetime.timedelta())
                if not by_time:
                    self.pending.setdefault(rule, moment)
                since = self.pending.get(rule)
                if since is None or since + settle <= moment:
                    self.pending.pop(rule, None)
                    self.open.add(rule)
                    self.told.append((moment, rule, "raised"))

    def settled_by(self, limit):
        """The next instant up to a limit at which something has settled."""
        ends = [since + SETTLE.get(rule, datetime.timedelta())
                for rule, since in self.pending.items()]
        return min((end for end in ends if end <= limit), default=None)

    def advance(self, now):
        """Lets the clock reach an instant."""
        if self.clock is not None:
            day = local_day(self.clock) + datetime.timedelta(days=1)
            while midnight(day) <= now:
                while (settled := self.settled_by(midnight(day))) is not None:
                    self.judge(settled, by_time=True)
                self.judge(midnight(day), by_time=True)
                day += datetime.timedelta(days=1)
            while (settled := self.settled_by(now)) is not None:
                self.judge(settled, by_time=True)
        self.clock = now

    def take(self, event, offset, now):
        """Takes in an event that was recorded at an instant."""
        self.advance(now)
        self.record.take(event, offset)
        self.judge(now, by_time=False)
