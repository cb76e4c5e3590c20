# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Observations as devices and laboratories send them, and what became of alerts."""

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"

#: Parameters of NEWS2 by LOINC code and UCUM unit.
MEASURED = {
    "rr": ("9279-1", "/min"), "spo2": ("2708-6", "%"), "sbp": ("8480-6", "mm[Hg]"),
    "hr": ("8867-4", "/min"), "temp": ("8310-5", "Cel"),
}
OXYGEN = {"air": "722742002", "O2": "371825009"}
ACVPU = {"A": "248234008", "C": "130987000", "V": "300202002", "P": "450847001",
         "U": "422768004"}


def quantity(value, unit):
    """A FHIR Quantity in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


class Chart:
    """A patient's observations, in order of their making."""

    def __init__(self, patient):
        self.patient = patient
        self.count = 0

    def observation(self, code, time, system=LOINC, sent=None, kind="observation",
                    action="created", id=None, **elements):
        """An Observation of one code at a moment."""
        self.count += 1
        resource = {
            "resourceType": "Observation", "id": id or f"o-{self.patient.subject}-{self.count}",
            "status": "final", "code": {"coding": [{"system": system, "code": code}]},
            "subject": self.patient.reference(), "effectiveDateTime": time, **elements}
        return self.patient.message(kind, resource, sent or time, action)

    def measured(self, name, value, time, **elements):
        """A vital sign."""
        code, unit = MEASURED[name]
        return self.observation(code, time, valueQuantity=quantity(value, unit), **elements)

    def oxygen(self, state, time):
        """Breathing room air or oxygen, as a code."""
        return self.observation(OXYGEN[state], time, system=SNOMED)

    def consciousness(self, level, time):
        """The ACVPU observation with its value."""
        return self.observation(
            "1104441000000107", time, system=SNOMED,
            valueCodeableConcept={"coding": [{"system": SNOMED, "code": ACVPU[level]}]})

    def scale(self, number, time):
        """An instruction to use a scale for SpO2."""
        return self.observation(
            f"news2-spo2-scale-{number}", time, system="urn:vigil:instruction")

    def news2(self, time, rr=18, spo2=97, o2="air", sbp=120, hr=80, acvpu="A", temp=37.0):
        """A set of observations; a parameter that is None is not made."""
        made = [self.measured(name, value, time) for name, value in
                (("rr", rr), ("spo2", spo2), ("sbp", sbp), ("hr", hr), ("temp", temp))
                if value is not None]
        if o2:
            made.append(self.oxygen(o2, time))
        if acvpu:
            made.append(self.consciousness(acvpu, time))
        return made

    def creatinine(self, value, time, unit="umol/L", sent=None, **elements):
        """A serum creatinine."""
        return self.observation("2160-0", time, sent=sent,
                                valueQuantity=quantity(value, unit), **elements)


def extension(resource, name):
    """The value of an extension of ours, whatever its type."""
    for entry in resource.get("extension", []):
        if entry["url"] == f"urn:vigil:{name}":
            return next((entry[key] for key in entry if key.startswith("value")),
                        entry.get("extension"))
    return None


def alerts(daemon, subject=None, rule=None):
    """The alert events of a log."""
    found = []
    for record in daemon.export("--topic", "alert."):
        event = record["event"]
        if subject in (None, event["subject"]) and rule in (None, event["rule"]):
            assert record["topic"] == (
                f"alert.{event['practice']}.{event['severity']}.{event['rule']}")
            found.append(event)
    return found


def told(daemon, subject=None, rule=None):
    """What became of alerts in shorthand: `time action severity reason`."""
    return [f"{event['time'][:16]} {event['type'].split('.')[-2]} {event['severity']} "
            f"{event.get('reason', '-')}" for event in alerts(daemon, subject, rule)]
