# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""On which days medicines were issued: orders with their repeats, dispenses and statements, and
what stops them; counted out issue by issue."""

import dataclasses
import datetime
import fractions

from brute_dates import first_day, instant, last_day, local_day, midnight, months_before

DAYS = {"h": fractions.Fraction(1, 24), "d": 1, "wk": 7}
MONTHS = {"mo": 1, "a": 12}
#: What a dispense or a statement calls the records that it repeats.
REPEATING = {"MedicationDispense": ["authorizingPrescription"],
             "MedicationStatement": ["basedOn", "partOf", "derivedFrom"]}


@dataclasses.dataclass
class Version:
    """One version of a resource; without a resource, a tombstone."""

    order: tuple
    time: datetime.datetime
    resource: dict | None
    source: str

    @property
    def moment(self):
        """The instant of the record's date; its day's beginning where it names none."""
        text = clinical_text(self.resource) or self.time.isoformat()
        return instant(text) if "T" in text else midnight(first_day(text)[0])

    @property
    def tie(self):
        """What decides between results of one day: the instant where there is one, the offset."""
        return (self.moment, self.order[-1])


@dataclasses.dataclass
class Issue:
    """One issue of a medicine."""

    version: Version
    day: datetime.date
    #: From this day on it is no exposure.
    ended: datetime.date
    #: The last day on which its supply protects.
    lasts: datetime.date


def clinical_text(data):
    """The date of a medicine or result as written; None if there is none."""
    if data["resourceType"].startswith("Medication"):
        return medicine_date(data)
    return data.get("effectiveDateTime")


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
        # A plan is no issue that could count to the end of its window.
        is_news = was_unstopped or versions[-1].resource.get("intent") == "plan"
        if status == "on-hold" or (status == "stopped" and is_news):
            halt = halt or version
            stop = stop or (version if status == "stopped" else None)
        elif status not in ("stopped", "completed"):
            halt = stop = None
        was_unstopped = was_unstopped or status != "stopped"
    if stop and is_of_no_course(versions[-1].resource):
        stop = None
    return halt, stop


def is_of_no_course(data):
    """Whether a record proposes or forbids a medicine: its stop ends no course."""
    return bool(data.get("doNotPerform")) or data.get("intent") in ("proposal", "option")


def stop_of(versions):
    """The version since which an order has been stopped, whether or not it was ever active."""
    stop = None
    for version in sorted(versions, key=lambda version: version.order):
        if version.resource is None:
            continue
        status = version.resource["status"]
        if status == "stopped":
            stop = stop or version
        elif status not in ("completed", "on-hold"):
            stop = None
    return stop


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


def last_part(reference):
    """The id that a reference ends with."""
    return reference["reference"].split("/")[-1]


def names_of(data):
    """The records that a dispense or a statement says it repeats, by id."""
    return {last_part(reference) for field in REPEATING.get(data["resourceType"], [])
            for reference in data.get(field, [])}


def links_of(data):
    """What an order says of its course; nothing of anything else."""
    if data["resourceType"] != "MedicationRequest":
        return set()
    links = set()
    groups = {data["groupIdentifier"]["value"]} if "groupIdentifier" in data else set()
    for reference in data.get("basedOn", []):
        if reference["reference"].startswith("MedicationRequest/"):
            links.add(("order", last_part(reference)))
        else:
            groups.add(last_part(reference))
    if "priorPrescription" in data:
        links.add(("order", last_part(data["priorPrescription"])))
    # A form or a plan may hold several medicines: each is a course of its own.
    return links | {("group", group, code) for group in groups for code in codes_of(data)}


def courses_of(orders):
    """The courses of linked orders: sets of what they are and name, none with part of another."""
    courses = []
    for order in orders:
        links = links_of(order)
        if not links:
            continue
        links = links | {("order", order["id"])}
        apart = [course for course in courses if not course & links]
        courses = [*apart, links.union(*(course for course in courses if course & links))]
    return courses


def course_of(data, courses):
    """The course of a record by what it names; None where nothing says of which it is."""
    names = {("order", data["id"])} | {("order", name) for name in names_of(data)}
    return next((course for course in courses if course & names), None)


def are_of_one_course(one, other, courses):
    """Whether two records are of one course: by what they name, else by a code of both."""
    course, others = course_of(one, courses), course_of(other, courses)
    if course is not None or others is not None:
        return course is others
    if {one["id"], *names_of(one)} & {other["id"], *names_of(other)}:
        return True
    return bool(set(codes_of(one)) & set(codes_of(other)))


def issue_time(version):
    """When a medicine was issued: its day, and its instant where that is known."""
    day, text = medicine_day(version), medicine_date(version.resource)
    return day, version.time if not text else instant(text) if "T" in text else None


def is_before(one, other):
    """Whether the first of two issue times is the earlier one."""
    if one[1] and other[1]:
        return one[1] < other[1]
    return one[0] < other[0]


def is_earlier(stopped, other, medicines):
    """Whether a medicine was issued before the one that was stopped, or is part of it."""
    own = {stopped.resource["id"], *names_of(stopped.resource)}
    names = names_of(other.resource)
    if own & {other.resource["id"], *names} or medicine_day(stopped) is None:
        return True
    if other.resource["resourceType"] == "MedicationRequest":
        return medicine_day(other) is not None and is_before(
            issue_time(other), issue_time(stopped))
    orders = [issue_time(order) for order in medicines
              if order.resource["id"] in names and medicine_day(order) is not None]
    return not orders or any(
        not any(is_before(order, later) for later in orders)
        and is_before(order, issue_time(stopped)) for order in orders)


def is_stopped_by(stopped, stop, other, versions, courses, medicines):
    """Whether a stop ends another medicine's own issue."""
    if not are_of_one_course(stopped.resource, other.resource, courses):
        return False
    if not is_earlier(stopped, other, medicines):
        return False
    text = medicine_date(other.resource)
    if not text or "T" in text:
        return (instant(text) if text else other.time) <= stop.time
    day, stop_day = first_day(text)[0], local_day(stop.time)
    if day != stop_day:
        return day < stop_day
    told = [version for version in versions
            if version.resource and version.resource["status"] != "stopped"]
    if not told:
        return True
    first = min(told, key=lambda version: version.order)
    return (first.time, first.order[-1]) < (stop.time, stop.order[-1])


def used_up(day, duration, count):
    """The day on which so many supplies from a day on are used up."""
    value, unit = fractions.Fraction(str(duration["value"])), duration["code"]
    if unit in MONTHS:
        return months_before(day, -int(value * MONTHS[unit]) * count)
    return day + datetime.timedelta(days=int(value * DAYS[unit] * count))


def issues_of(version, versions, ended, replaced):
    """Each issue of a medicine: its own, and those of an order's repeats.

    `ended` is the day from which on it is no exposure, `replaced` that of an order in its place.
    """
    data = version.resource
    first = medicine_day(version)
    if first is None:
        return
    stop = stop_of(versions)
    stop_day = local_day(stop.time) if stop else None
    request = data.get("dispenseRequest", {})
    duration = data.get("daysSupply", request.get("expectedSupplyDuration"))
    if not duration:
        yield Issue(version, first, ended, first)
        return

    def lasts(day, count):
        """Until when a supply lasts: one that was stopped when first seen ends with the stop."""
        end = used_up(first, duration, count)
        if stop_day and ended == datetime.date.max and end > stop_day:
            return max(stop_day, day)
        return end

    yield Issue(version, first, ended, lasts(first, 1))
    valid = request.get("validityPeriod", {}).get("end")
    last = first
    for count in range(1, request.get("numberOfRepeatsAllowed", 0) + 1):
        day = used_up(first, duration, count)
        if valid and day > last_day(valid):
            return
        if day > last:
            ends = [end for end in (stop_day, replaced) if end and day >= end]
            yield Issue(version, day, min([ended, *ends]), lasts(day, count + 1))
        last = max(last, day)
