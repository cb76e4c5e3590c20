# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Builders of inbound events: CloudEvents that carry FHIR R4, as a practice's system sends them."""

import json

from client import Message

ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"
NAPROXEN = ("M01AE02", "Naproxen 500mg tablets")
OMEPRAZOLE = ("A02BC01", "Omeprazole 20mg gastro-resistant capsules")
WARFARIN = ("B01AA03", "Warfarin 3mg tablets")
METFORMIN = ("A10BA02", "Metformin 500mg tablets")
HEART_FAILURE = ("84114007", "Heart failure")


def moment(day, clock="09:00:00"):
    """An RFC 3339 time in UTC."""
    return f"{day}T{clock}Z"


def encoded(value):
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Patient:
    """A patient of a practice, who makes events about themselves."""

    def __init__(self, subject, practice="A81001", source="urn:nhs:ods:A81001:test"):
        self.subject = subject
        self.practice = practice
        self.source = source
        self.count = 0

    def envelope(self, kind, resource, time, action="created", **attributes):
        """An event as a dict."""
        self.count += 1
        return {
            "specversion": "1.0",
            "id": f"{self.subject}-{self.count}",
            "source": self.source,
            "type": f"health.vigil.{kind}.{action}.v1",
            "subject": self.subject,
            "time": time,
            "datacontenttype": "application/fhir+json",
            **attributes,
            "data": resource,
        }

    def message(self, kind, resource, time, action="created", **attributes):
        """An event as it goes on the wire."""
        event = self.envelope(kind, resource, time, action, **attributes)
        return Message(f"{kind}.{self.practice}".encode(), encoded(event))

    def reference(self):
        """How the patient's resources name them."""
        return {"reference": f"Patient/{self.subject}"}

    def registered(self, born, day="2024-01-01", time=None, **elements):
        """The patient, registered at the practice."""
        resource = {
            "resourceType": "Patient", "id": self.subject, "active": True, "gender": "female",
            "birthDate": born,
            "managingOrganization": {"identifier": {"value": self.practice}}, **elements}
        return self.message("patient", resource, time or moment(day))

    def order(self, medicine, day, id=None, **elements):
        """A MedicationRequest as a dict."""
        code, text = medicine
        return {
            "resourceType": "MedicationRequest", "id": id or f"rx-{self.subject}-{self.count + 1}",
            "status": "active", "intent": "order",
            "medicationCodeableConcept": {
                "coding": [{"system": ATC, "code": code, "display": text}], "text": text},
            "subject": self.reference(), "authoredOn": day, **elements}

    def prescribed(self, medicine, day, time=None, action="created", **elements):
        """An issue of a medicine."""
        resource = self.order(medicine, day, **elements)
        return self.message("prescription", resource, time or moment(day), action)

    def diagnosed(self, problem, day, time=None, **elements):
        """A condition with its onset."""
        code, text = problem
        resource = {
            "resourceType": "Condition", "id": f"c-{self.subject}-{self.count + 1}",
            "clinicalStatus": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": "active"}]},
            "code": {"coding": [{"system": SNOMED, "code": code, "display": text}], "text": text},
            "subject": self.reference(), "onsetDateTime": day, **elements}
        return self.message("condition", resource, time or moment(day))

    def review(self, flag, action="accept", time=None, date=None, **elements):
        """A pharmacist's review of a flag event."""
        resource = {
            "resourceType": "DetectedIssue", "id": f"review-{self.subject}-{self.count + 1}",
            "identifier": [{"system": "urn:vigil:flag", "value": flag["flagid"]}],
            "status": "final",
            "patient": {"type": "Patient", "identifier": {
                "system": "urn:vigil:subject", "value": self.subject}},
            "mitigation": [{
                "extension": [{"url": "urn:vigil:seen", "valueString": flag["id"]}],
                "action": {"coding": [{"system": "urn:vigil:review-action", "code": action}]},
                "date": date or time,
                "author": {"type": "Practitioner", "identifier": {
                    "system": "https://fhir.hl7.org.uk/Id/gphc-number", "value": "2071234"}}}],
            **elements}
        return self.message("review", resource, time)


def clock(time, id=None):
    """Moves an event clock on."""
    event = {"specversion": "1.0", "id": id or f"clock-{time}", "source": "urn:test:clock",
             "type": "health.vigil.system.clock.v1", "time": time}
    return Message(b"system.clock", encoded(event))
