# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Random patients who turn out to be one, and not after all, who move, and whose events come in
any order and twice: at every quiet moment the open flags are those of an evaluator that asks anew.
"""

import collections
import datetime
import json
import os
import random

from brute_dates import instant, local_day
from brute_merges import Kin
from client import Message
from events import Patient, clock, encoded
from test_hunt_differential import FIRST, LAST, SEED, THEMES, Life, rfc3339

FAMILIES = int(os.environ.get("VIGIL_HUNT_FAMILIES", "30"))
#: Longer than anything settles.
QUIET = datetime.timedelta(minutes=11)


class Relative(Life):
    """A patient whose Patient resource may name another one."""

    patients = [Patient]

    def __init__(self, number, rng, names, theme):
        self.names = names
        super().__init__(number, rng, theme)

    def change_person(self, when):
        """Most often a link or its end, or another practice."""
        chance = self.rng.random()
        if chance < 0.5:
            self.person = {name: value for name, value in self.person.items() if name != "link"}
            if self.rng.random() < 0.6:
                self.person["link"] = [{
                    "type": self.rng.choice(["replaced-by", "replaced-by", "replaces", "seealso"]),
                    "other": {"reference": f"Patient/{self.rng.choice(self.names)}"}}]
            self.send("patient", self.person, when, "updated")
        elif chance < 0.7:
            self.patient.practice = self.rng.choice(["A81001", "B82002", "C83003"])
            self.send("patient", self.person, when, "updated")
        elif chance < 0.8:
            super().change_person(when)
        else:
            self.send("patient", self.person, when, "updated")

    def first_person(self):
        """Most of an age that is watched."""
        person = super().first_person()
        if self.rng.random() < 0.7:
            person["birthDate"] = self.rng.choice(["1940-05-05", "1948", "1959-04-10"])
        return person


def family(number, rng):
    """The events of two or three patients, in the order in which they are sent."""
    numbers = [number * 10 + place for place in range(rng.choice([2, 2, 3]))]
    names = [f"life-{one}" for one in numbers]
    # Their records belong together.
    theme = rng.choice(THEMES)
    events = []
    for one, name in zip(numbers, names):
        others = [other for other in names if other != name]
        life = Relative(one, random.Random(rng.random()), others, theme)
        for _ in range(rng.randrange(4)):
            life.change_person(FIRST + datetime.timedelta(seconds=rng.randrange(86_400 * 700)))
        events += life.events
    if rng.random() < 0.3:
        rng.shuffle(events)
    else:
        events.sort(key=lambda item: item[0])
        for index in range(len(events) - 1):
            if rng.random() < 0.1:
                events.insert(min(index + rng.randrange(1, 6), len(events) - 1), events.pop(index))
    return events


def with_clock(events):
    """The events with the log's time of each, were there no other patients."""
    now = FIRST
    for item in events:
        now = max(now, instant(item[3]["time"]))
        yield now, item


def open_at(records, moments):
    """The flags that are open at each of some moments: {(subject, rule): practice}."""
    found, states = {}, []
    records = collections.deque(record["event"] for record in records)
    for moment in moments:
        while records and instant(records[0]["time"]) <= moment:
            event = records.popleft()
            key = (event["subject"], event["rule"])
            action = event["type"].split(".")[-2]
            if action == "raised":
                found[key] = event["practice"]
            elif action == "resolved" and found.get(key) == event["practice"]:
                del found[key]
        states.append(dict(found))
    return states


def quiet_moments(times, rng):
    """After which event to look, and when: before the next one, once everything has settled."""
    for index, time in enumerate(times):
        end = times[index + 1] if index + 1 < len(times) else LAST
        if end - time > QUIET:
            yield index, time + QUIET
            if end - time > datetime.timedelta(days=2):
                yield index, time + QUIET + rng.random() * (end - time - 2 * QUIET)


def send(client, messages, rng):
    """Sends all, some twice: what comes again is a duplicate; returns the offsets."""
    sent = []
    for index, message in enumerate(messages):
        sent.append((index, message))
        if rng.random() < 0.1:
            earlier = rng.randrange(index + 1)
            sent.append((earlier, messages[earlier]))
    offsets = {}
    for (index, _), reply in zip(sent, client.publish([message for _, message in sent])):
        assert reply["status"] == ("duplicate" if index in offsets else "accepted"), reply
        assert offsets.setdefault(index, reply["offset"]) == reply["offset"]
    return [offsets[index] for index in range(len(messages))]


def differences(events, records, rng):
    """Where one family's flags are not those of the evaluator, and how often they were compared."""
    kin, index, wrong = Kin(), 0, []
    looks = list(quiet_moments([now for now, *_ in events], rng))
    states = open_at(records, [moment for _, moment in looks])
    open_count = sum(map(len, states))
    for (last, moment), found in zip(looks, states):
        while index <= last:
            _, (_, _, practice, event), offset = events[index]
            kin.take(event, offset, practice)
            index += 1
        for subject, whole in kin.wholes().items():
            for rule, (_, truth) in whole.judged(local_day(moment), True).items():
                practice = found.pop((subject, rule), None)
                # Unknown is neither a flag nor its end.
                if truth is not None and practice != (kin.practice(subject) if truth else None):
                    wrong.append((rfc3339(moment), subject, rule, truth, practice))
        wrong += [(rfc3339(moment), *key, "merged", practice) for key, practice in found.items()]
    return wrong, len(looks), open_count


def test_open_flags_are_those_of_whoever_is_one(daemon, client):
    print(f"VIGIL_HUNT_SEED={SEED}")
    rng = random.Random(SEED + 1)
    families = [list(with_clock(family(number, random.Random(rng.random()))))
                for number in range(FAMILIES)]
    events = sorted(((now, number, item) for number, each in enumerate(families)
                     for now, item in each), key=lambda one: one[0])
    offsets = send(client, [Message(f"{kind}.{practice}".encode(), encoded(event))
                            for _, _, (_, kind, practice, event) in events], rng)
    client.accept([clock(rfc3339(LAST))])
    told = [collections.deque() for _ in families]
    for record in daemon.export("--topic", "flag."):
        told[int(record["event"]["subject"].split("-")[1]) // 10].append(record)
    known = [[] for _ in families]
    for (now, number, item), offset in zip(events, offsets):
        known[number].append((now, item, offset))
    wrong, compared, flags = [], 0, 0
    for number, each in enumerate(known):
        found, count, open_count = differences(each, told[number], rng)
        compared += count
        flags += open_count
        if found:
            wrong.append("\n".join([*map(str, found[:5]), *(
                f"{rfc3339(now)} {practice} {json.dumps(event)}"
                for now, (_, _, practice, event), _ in each)]))
    print(f"{FAMILIES} families, {len(events)} events, {compared} moments, {flags} open flags")
    assert flags > FAMILIES
    assert not wrong, f"{len(wrong)} of {FAMILIES}, seed {SEED}\n" + "\n\n".join(wrong[:2])
    daemon.assert_replays()
