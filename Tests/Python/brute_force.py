# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The three rules of `pincer` once more, in the plainest way: every patient, every day.

Written from the definitions alone (PINCER GI_P3A, GI_P3D, HF_P3I in their real-time form), without
windows that move, horizons or timers: each local midnight and each event asks everything anew.
"""

import calendar
import dataclasses
import datetime
import zoneinfo

LONDON = zoneinfo.ZoneInfo("Europe/London")
RULES = ("gi-p3a", "gi-p3d", "hf-p3i")
SETTLE = {"gi-p3a": datetime.timedelta(minutes=10)}
#: How the codes of the tests are listed: by ATC prefix, or by SNOMED CT code.
NSAID, PROTECTION, ANTICOAGULANT = ("M01A",), ("A02BA", "A02BC"), ("B01AA", "B01AF")
BOTH = {"M01AE52"}
HEART_FAILURE = {"84114007", "42343007"}


def instant(text):
    """An RFC 3339 time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def local_day(moment):
    """The London day of an instant."""
    return moment.astimezone(LONDON).date()


def midnight(day):
    """The first instant of a London day, in UTC."""
    return datetime.datetime.combine(day, datetime.time(), LONDON).astimezone(
        datetime.timezone.utc)


def months_before(day, months):
    """The day so many months earlier; a day that does not exist is the month's last."""
    count = day.year * 12 + day.month - 1 - months
    year, month = divmod(count, 12)
    return datetime.date(year, month + 1, min(
        day.day, calendar.monthrange(year, month + 1)[1]))


def first_day(text):
    """The first day that a FHIR dateTime stands for, and whether it names a day."""
    if "T" in text:
        return local_day(instant(text)), True
    parts = [int(part) for part in text.split("-")]
    return datetime.date(*(parts + [1, 1])[:3]), len(parts) == 3


def years_of_age(born, day):
    """Whole years; born on 29 February, one is older from 1 March on in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclasses.dataclass
class Version:
    """One version of a resource; without a resource, a tombstone."""

    order: tuple
    time: datetime.datetime
    resource: dict | None


class Record:
    """What is known of one patient at a moment, and what it means on a day."""

    def __init__(self):
        self.versions = {}
        self.registrations = []
        #: From which day on an issue is no exposure any more, by the version's order.
        self.ended = {}

    def take(self, event, offset):
        """Takes an event in."""
        data, time = event["data"], instant(event["time"])
        gone = event["type"].split(".")[-2] == "deleted" or self.in_error(data)
        meta = data.get("meta", {})
        number = meta.get("versionId")
        order = (int(number) if number else 0, meta.get("lastUpdated", ""), time, offset)
        version = Version(order, time, None if gone else data)
        if data["resourceType"] == "Patient":
            self.registrations.append(version)
            self.registrations.sort(key=lambda item: (item.time, item.order))
        else:
            self.versions.setdefault((data["resourceType"], data["id"]), []).append(version)
            self.read_halts()

    @staticmethod
    def in_error(data):
        """Whether a resource says that it should never have been."""
        return "entered-in-error" in (data.get("status"), verification(data))

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

    def issue_days(self, listed, today):
        """The days on which a listed medicine was issued, but for those that have ended."""
        for version in self.medicines():
            day = medicine_day(version)
            if (day and today < self.ended.get(version.order, datetime.date.max)
                    and any(listed(code) for code in codes_of(version.resource))):
                yield day

    def read_halts(self):
        """Works out which issues a stop or a hold has ended, and when.

        A stop ends its order and the earlier issues with one of its codes; a hold its order alone.
        """
        self.ended = {}
        for newest in self.medicines():
            data = newest.resource
            halt, stop = halts_among(self.versions[(data["resourceType"], data["id"])])
            if halt:
                self.end(newest, local_day(halt.time))
            if not stop:
                continue
            for other in self.medicines():
                if set(codes_of(data)) & set(codes_of(other.resource)) and is_by(other, stop.time):
                    self.end(other, local_day(stop.time))

    def end(self, version, day):
        """An issue is no exposure from a day on."""
        self.ended[version.order] = min(day, self.ended.get(version.order, day))

    def problem_days(self):
        """The days of heart failure diagnoses."""
        for version in self.current("Condition"):
            data = version.resource
            if verification(data) in ("refuted", "differential"):
                continue
            if HEART_FAILURE & {coding["code"] for coding in data["code"]["coding"]}:
                text = (data.get("onsetDateTime") or data.get("onsetPeriod", {}).get("start")
                        or data.get("recordedDate"))
                yield first_day(text)[0] if text else local_day(version.time)

    def person(self):
        """The Patient resource that counts."""
        return self.registrations[-1].resource if self.registrations else None

    def left_on(self):
        """The day of deregistration."""
        left, had_practice = None, False
        for version in self.registrations:
            data, day = version.resource, local_day(version.time)
            if data is None or data.get("active") is False:
                left = left or day
            elif data.get("managingOrganization") or data.get("generalPractitioner"):
                left, had_practice = None, True
            elif had_practice:
                left = left or day
        return left

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

    def truths(self, day):
        """Each rule's denominator and numerator on a day: True, False, or None for unknown."""
        start = months_before(day, 3)
        within = [start <= issue <= day for issue in self.issue_days(is_nsaid, day)]
        exposed = any(within)
        protected = any(start <= issue <= day for issue in self.issue_days(is_protection, day))
        anticoagulated = any(
            start <= issue <= day for issue in self.issue_days(is_anticoagulant, day))
        failing = any(onset <= day for onset in self.problem_days())
        born = (self.person() or {}).get("birthDate")
        age = years_of_age(first_day(born)[0], day) if born else None
        died, left = self.died_on(), self.left_on()
        watched = ((died is None or day < died) and (left is None or day <= left)
                   and (age is None or 18 <= age <= 120))
        old = None if age is None else age >= 65
        denominators = {"gi-p3a": all_of(watched, old, not protected),
                        "gi-p3d": all_of(watched, anticoagulated),
                        "hf-p3i": all_of(watched, failing)}
        return {rule: (denominator, all_of(denominator, exposed))
                for rule, denominator in denominators.items()}


def all_of(*parts):
    """Three-valued and."""
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def verification(data):
    """A condition's verification status."""
    codings = data.get("verificationStatus", {}).get("coding", [])
    return codings[0]["code"] if codings else None


def codes_of(resource):
    """The codes of a resource's medicine, contained or not."""
    concept = resource.get("medicationCodeableConcept")
    if concept is None:
        name = resource["medicationReference"]["reference"].lstrip("#")
        concept = next(item for item in resource["contained"] if item["id"] == name)["code"]
    return [coding["code"] for coding in concept["coding"]]


def halts_among(versions):
    """The versions of a medicine since which it is halted, and since which it is stopped."""
    versions = sorted((version for version in versions if version.resource),
                      key=lambda version: version.order)
    halt = stop = None
    was_unstopped = False
    for version in versions:
        status = version.resource["status"]
        if status == "on-hold" or (status == "stopped" and was_unstopped):
            halt = halt or version
            stop = stop or (version if status == "stopped" else None)
        elif status not in ("stopped", "completed"):
            halt = stop = None
        was_unstopped = was_unstopped or status != "stopped"
    return halt, stop


def is_by(version, moment):
    """Whether a medicine is dated at an instant or before, to the day if it names no time."""
    text = medicine_date(version.resource)
    if text and "T" not in text:
        return first_day(text)[0] <= local_day(moment)
    return (instant(text) if text else version.time) <= moment


def medicine_date(data):
    """The clinical date of an order, dispense or statement as written; None if there is none."""
    kind = data["resourceType"]
    if kind == "MedicationRequest":
        return data.get("authoredOn")
    if kind == "MedicationDispense":
        return data.get("whenHandedOver") or data.get("whenPrepared")
    return data.get("effectiveDateTime") or data.get("effectivePeriod", {}).get("start")


def medicine_day(version):
    """The day on which a medicine counts; None if it does not."""
    data = version.resource
    kind, status = data["resourceType"], data["status"]
    if kind == "MedicationRequest":
        if (status in ("draft", "cancelled") or data.get("doNotPerform")
                or data["intent"] in ("proposal", "plan", "option")):
            return None
    elif kind == "MedicationDispense":
        if status in ("cancelled", "declined", "preparation") or (
                status == "in-progress" and not data.get("whenHandedOver")):
            return None
    elif status in ("intended", "not-taken"):
        return None
    text = medicine_date(data)
    if not text:
        return local_day(version.time)
    day, is_whole = first_day(text)
    return day if is_whole else None


def is_nsaid(code):
    """Whether an ATC code is an oral NSAID's."""
    return code.startswith(NSAID)


def is_protection(code):
    """Whether an ATC code is that of a PPI or H2 antagonist."""
    return code.startswith(PROTECTION) or code in BOTH


def is_anticoagulant(code):
    """Whether an ATC code is an oral anticoagulant's."""
    return code.startswith(ANTICOAGULANT)


class Watch:
    """One patient's flags as time passes."""

    def __init__(self):
        self.record = Record()
        self.open = set()
        self.pending = {}
        self.told = []
        self.clock = None

    def judge(self, moment, by_time):
        """Asks everything anew at an instant."""
        for rule, (_, truth) in self.record.truths(local_day(moment)).items():
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
