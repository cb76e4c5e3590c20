# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Patients who turn out to be one, in the plainest way: whose records are read as whose."""

from brute_force import Record


class Kin:
    """Several subjects' records, and what their links say."""

    def __init__(self):
        self.records = {}
        #: What names the practice of a subject: its Patient events as (time, offset, practice,
        #: whether the resource names one), and the practice of its first event.
        self.places = {}
        self.first_place = {}

    def take(self, event, offset, practice):
        """Takes an event in."""
        subject = event["subject"]
        self.records.setdefault(subject, Record()).take(event, offset)
        self.first_place.setdefault(subject, practice)
        data = event["data"]
        if data["resourceType"] == "Patient":
            gone = event["type"].split(".")[-2] == "deleted"
            names = not gone and ("managingOrganization" in data or "generalPractitioner" in data)
            version = self.records[subject].registrations
            self.places.setdefault(subject, []).append(
                (next(item.time for item in version if item.order[-1] == offset), offset,
                 practice, names))

    def practice(self, subject):
        """The practice of a subject's flags."""
        places = sorted(self.places.get(subject, []))
        naming = [place for place in places if place[3]] or places
        return naming[-1][2] if naming else self.first_place[subject]

    def survivors(self):
        """Whom each subject that was merged is read as: its links from the newest to the oldest."""
        said = []
        for subject, record in self.records.items():
            if not record.registrations or record.person() is None:
                continue
            version = max(record.registrations, key=lambda item: item.order)
            for link in (version.resource or {}).get("link", []):
                other = link["other"]["reference"].split("/")[-1]
                pair = (subject, other) if link["type"] == "replaced-by" else (other, subject)
                if {other} <= set(self.records) and link["type"] in ("replaced-by", "replaces"):
                    said.append((version.time, version.order[-1], *pair))
        survivors = {}
        for *_, retired, survivor in sorted(said, reverse=True):
            end = survivor
            while end in survivors:
                end = survivors[end]
            if retired not in survivors and end != retired:
                survivors[retired] = survivor
        return survivors

    def wholes(self):
        """What is known of each subject that is not read as another."""
        survivors = self.survivors()
        wholes = {}
        for subject in self.records:
            if subject in survivors:
                continue
            members = [other for other in self.records if self.end(other, survivors) == subject]
            whole = wholes[subject] = Record()
            for other in members:
                for key, versions in self.records[other].versions.items():
                    whole.versions.setdefault(key, []).extend(versions)
            own = self.records[subject]
            whole.registrations = own.registrations
            whole.others = [self.records[other].person() or {} for other in members]
            whole.read_halts()
        return wholes

    @staticmethod
    def end(subject, survivors):
        """The subject as whom one is read at last."""
        while subject in survivors:
            subject = survivors[subject]
        return subject
