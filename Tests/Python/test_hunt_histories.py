# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Histories by chance, with everything at once: packs that come and go, sources that fall silent
and come back, late and corrected records, loads, reviews, kills. Whatever comes is answered, and
the log is in order."""

import datetime
import json
import random
import signal

import pytest
import yaml

from client import Client, Message
from daemon import Daemon, run
from events import HEART_FAILURE, METFORMIN, NAPROXEN, OMEPRAZOLE, WARFARIN, Patient, clock, encoded
from vitals import Chart

PACKS = ["pincer", "pincer-audit", "prescribing-safety", "asthma", "kidney", "deterioration",
         "home-monitoring", "endotype"]
SOURCES = ["urn:test:silent", "urn:test:zoned", "urn:test:other"]
SALBUTAMOL = ("R03AC02", "Salbutamol 100micrograms/dose inhaler")
METHOTREXATE = ("L04AX03", "Methotrexate 2.5mg tablets")
ASTHMA = ("195967001", "Asthma")
MEDICINES = [NAPROXEN, OMEPRAZOLE, WARFARIN, METFORMIN, SALBUTAMOL, METHOTREXATE]
VALUES = {"rr": (8, 16, 25), "spo2": (88, 93, 97), "sbp": (85, 120, 220), "hr": (60, 118, 135),
          "temp": (35.0, 37.0, 39.5)}
ROUNDS = 12


class Story:
    """Messages by chance, of a dozen patients, while time goes on by fits and starts."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = datetime.datetime(2024, 1, 1, 9, tzinfo=datetime.timezone.utc)
        self.people = {
            (name, source): Patient(f"p{name}", self.random.choice(["A81001", "B82002"]), source)
            for name in range(12) for source in SOURCES}
        self.charts = {key: Chart(patient) for key, patient in self.people.items()}
        self.flags = []
        self.made = 0

    def settings(self):
        """What a daemon is told about its sources."""
        settings = {"sources": [
            {"source": SOURCES[0], "rhythm": self.random.choice(["30 h", "2 h"])},
            {"source": SOURCES[1], "registration": "implied", "zone": "America/New_York"}]}
        if self.random.random() < 0.5:
            settings["unreviewed"] = "24 h"
        if self.random.random() < 0.5:
            settings["budgets"] = [{"severity": "moderate", "raisesPerDay": 2}]
        if self.random.random() < 0.5:
            settings["coverage"] = [
                {"practice": "A81001", "kind": "prescription", "from": "2023-06-01"}]
        return yaml.safe_dump(settings)

    def packs(self):
        """Some packs, to be in force together."""
        chosen = self.random.sample(PACKS, self.random.randint(2, 5))
        return [word for pack in chosen for word in ("--pack", pack)]

    def message(self):
        """The next message."""
        choose, chance = self.random.choice, self.random.random()
        self.made += 1
        if self.random.random() < 0.3:
            self.now += datetime.timedelta(minutes=choose([1, 10, 60, 600, 3000, 40000]))
        late = datetime.timedelta(minutes=choose([0, 0, 0, 5, 100, 5000, 100000]))
        sent, when = self.text(self.now), self.text(self.now - late)
        key = choose(list(self.people))
        patient, chart = self.people[key], self.charts[key]
        # An id that was there before is a further version of that record.
        again = f"{key[0]}-{self.random.randrange(40)}"
        if chance < 0.08:
            links = [{"type": choose(["replaced-by", "replaces"]),
                      "other": {"reference": f"Patient/p{self.random.randrange(14)}"}}]
            return patient.registered(
                choose(["1935-02-28", "1950-01-01", "2015-06-01"]), time=sent,
                active=self.random.random() < 0.9, link=links if self.random.random() < 0.2 else [])
        if chance < 0.45:
            return patient.prescribed(
                choose(MEDICINES), when[:10], sent, id=f"rx-{again}",
                action=choose(["created", "updated"]),
                status=choose(["active", "active", "stopped", "on-hold", "entered-in-error"]))
        if chance < 0.55:
            return patient.diagnosed(
                choose([HEART_FAILURE, ASTHMA]), when[:10], sent, id=f"c-{again}")
        if chance < 0.65:
            return chart.creatinine(choose([60, 90, 200, 400]), when, sent=sent, id=f"k-{again}")
        if chance < 0.85:
            name = choose(list(VALUES))
            return chart.measured(name, choose(VALUES[name]), when, sent=sent)
        if chance < 0.93 and self.flags:
            flag = choose(self.flags)
            reviewer = Patient(flag["subject"], flag["practice"], f"urn:test:review-{self.made}")
            return reviewer.review(flag, choose(["accept", "reopen"]), time=sent)
        if chance < 0.96:
            name = choose(["loading", "loaded"])
            event = {"specversion": "1.0", "id": f"{name}-{self.made}", "source": choose(SOURCES),
                     "type": f"health.vigil.system.{name}.v1", "time": sent}
            return Message(f"system.{name}".encode(), encoded(event))
        self.now += datetime.timedelta(hours=choose([1, 30, 200]))
        return clock(self.text(self.now), id=f"clock-{self.made}")

    @staticmethod
    def text(moment):
        """An RFC 3339 time."""
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def disturb(story, daemon, settings):
    """What may happen between requests; says whether clients have to connect again."""
    def with_data(*command):
        run(*command, "--data", daemon.data)

    chance = story.random.random()
    if chance < 0.15:
        with_data("rule", "suspend", story.random.choice(["gi-p3a", "news2", "mo-p13"]),
                  "--practice", "all", "--reason", "by chance")
    elif chance < 0.25:
        with_data("rule", "resume", story.random.choice(["gi-p3a", "news2", "mo-p13"]),
                  "--practice", "all")
    elif chance < 0.35:
        with_data("pack", "activate", story.random.choice(PACKS))
    elif chance < 0.45:
        settings.write_text(story.settings())
        daemon.process.send_signal(signal.SIGHUP)
    elif chance < 0.6:
        daemon.kill()
        daemon.start()
        return True
    elif chance < 0.75:
        daemon.arguments = ["--config", str(settings), *story.packs()]
        daemon.restart()
        return True
    return False


def assert_in_order(records):
    """Topics are numbered without a hole, and what is raised is open until it is resolved."""
    sequences, topics = {}, {}
    for record in records:
        topic, event = record["topic"], record["event"]
        if not topic.startswith(("flag.", "alert.")):
            continue
        sequences[topic] = sequences.get(topic, 0) + 1
        assert event["sequence"] == str(sequences[topic]), record
        what, flag = event["type"].split(".")[3], event["flagid"]
        if what == "raised":
            assert flag not in topics, record
            topics[flag] = topic
        elif what != "reviewed":
            assert topics[flag] == topic, record
            if what == "resolved":
                del topics[flag]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_is_answered_and_the_log_is_in_order(tmp_path, seed):
    story = Story(seed)
    settings = tmp_path / "vigil.yaml"
    settings.write_text(story.settings())
    daemon = Daemon(tmp_path, arguments=["--config", str(settings), *story.packs()]).start()
    client = Client(daemon.endpoints)
    try:
        for _ in range(ROUNDS):
            messages = [story.message() for _ in range(story.random.choice([1, 5, 60, 250]))]
            replies = client.publish(messages, batch=story.random.choice([1, 7, 256]))
            assert {reply["status"] for reply in replies} <= {"accepted", "rejected"}
            story.flags = [event for item in client.open(["flag.", "alert."])[0]
                           if "flagid" in (event := json.loads(item.event))]
            if disturb(story, daemon, settings):
                client.close()
                client = Client(daemon.endpoints)
        items, _ = client.open(["flag.", "alert.", "shadow."])
        shown = sorted(item.event.decode() for item in items)
        replayed = run("replay", "--data", daemon.data, "--open").stdout.splitlines()
        assert shown == sorted(replayed)
        records = daemon.export()
        assert any(record["topic"].startswith(("flag.", "alert.")) for record in records)
        assert_in_order(records)
        daemon.assert_replays()
    finally:
        client.close()
        daemon.close()
