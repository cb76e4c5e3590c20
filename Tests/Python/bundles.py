# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""FHIR Bundles as CloudEvents, by section 9 of the protocol page: what `vigil publish` does too."""

import datetime
import hashlib
import json
import re

from client import Message

KIND = {
    "Patient": "patient", "Encounter": "encounter", "Condition": "condition",
    "AllergyIntolerance": "condition", "MedicationRequest": "prescription",
    "MedicationDispense": "prescription", "MedicationStatement": "prescription",
    "Observation": "observation", "DiagnosticReport": "observation", "Procedure": "observation",
    "DetectedIssue": "review"}

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')


def compact(text):
    """JSON without the white space outside its strings, nothing else changed."""
    return SPACE.sub(lambda match: match.group(1) or "", text)


def resources(text):
    """The texts of a Bundle's resources, as they stand in compact JSON, in order."""
    text = compact(text)
    depth, start, found = 0, None, []
    for match in TOKEN.finditer(text):
        token = match.group()
        if token in "{[":
            depth += 1
        elif token in "}]":
            depth -= 1
            if depth == 3 and start is not None:
                found.append(text[start:match.end()])
                start = None
        elif depth == 3 and token == '"resource"' and text[match.end()] == ":":
            start = match.end() + 1
    return found


def clinical_time(resource):
    """The clinical date as written (clinical page, section 1.8); None where there is none."""
    get = resource.get
    period = {
        "Condition": (get("onsetPeriod") or {}).get("start"),
        "Encounter": (get("period") or {}).get("start"),
        "Observation": (get("effectivePeriod") or {}).get("end")
        or (get("effectivePeriod") or {}).get("start"),
        "DiagnosticReport": (get("effectivePeriod") or {}).get("end")
        or (get("effectivePeriod") or {}).get("start"),
        "MedicationStatement": (get("effectivePeriod") or {}).get("start"),
        "Procedure": (get("performedPeriod") or {}).get("start"),
    }.get(resource["resourceType"])
    first = {
        "MedicationRequest": get("authoredOn"),
        "MedicationDispense": get("whenHandedOver") or get("whenPrepared"),
        "MedicationStatement": get("effectiveDateTime"),
        "Condition": get("onsetDateTime"),
        "AllergyIntolerance": get("onsetDateTime"),
        "Observation": get("effectiveDateTime") or get("effectiveInstant"),
        "DiagnosticReport": get("effectiveDateTime") or get("effectiveInstant"),
        "Procedure": get("performedDateTime"),
    }.get(resource["resourceType"])
    return first or period or get("recordedDate") or get("issued")


def instant(text):
    """A clinical date as an RFC 3339 time; one without a time of day is its midnight in UTC."""
    if len(text) == 4:
        text += "-01-01"
    if len(text) == 7:
        text += "-01"
    return text if "T" in text else text + "T00:00:00Z"


def moment_of(text):
    """An RFC 3339 time as a moment that sorts."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def subject_of(resource):
    """The patient's name: the last segment of the reference, or the Patient's own id."""
    if resource["resourceType"] == "Patient":
        return resource["id"]
    reference = (resource.get("subject") or resource.get("patient"))["reference"]
    return re.sub(r"/_history/.*", "", reference.removeprefix("urn:uuid:")).split("/")[-1]


def messages(texts, practice, source):
    """The Bundles' events, merged and in order of clinical time."""
    rows = []
    for text in texts:
        for raw in resources(text):
            resource = json.loads(raw)
            if resource["resourceType"] in KIND:
                rows.append((raw, resource))
    earliest = {}
    for _, resource in rows:
        time = clinical_time(resource)
        if time:
            subject = subject_of(resource)
            known = earliest.get(subject)
            if known is None or moment_of(instant(time)) < moment_of(known):
                earliest[subject] = instant(time)
    made = []
    for raw, resource in rows:
        kind = KIND[resource["resourceType"]]
        if kind == "observation" and resource["resourceType"] == "Observation" \
                and "device" in resource:
            kind = "device"
        subject = subject_of(resource)
        is_patient = kind == "patient"
        time = earliest[subject] if is_patient else instant(
            clinical_time(resource) or earliest[subject])
        digest = hashlib.sha256(raw.encode()).hexdigest()[:16]
        envelope = json.dumps({
            "specversion": "1.0",
            "id": f"{resource['resourceType']}/{resource['id']}/{digest}",
            "source": source, "type": f"health.vigil.{kind}.created.v1", "subject": subject,
            "time": time, "datacontenttype": "application/fhir+json"}, separators=(",", ":"))
        event = f'{envelope[:-1]},"data":{raw}}}'.encode()
        key = (moment_of(time), not is_patient)
        made.append((key, Message(f"{kind}.{practice}".encode(), event)))
    # A Patient goes before what is of the same moment; beyond that, file and position decide.
    return [message for _, message in sorted(made, key=lambda row: row[0])]
