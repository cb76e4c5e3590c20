# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Killed in the middle of a publish, twenty times: what was acknowledged is there, once."""

import collections
import json
import random

from client import Client, Timeout
from events import METFORMIN, NAPROXEN, Patient

KILLS = 20
BATCH = 16
WINDOW = 8
SEED = 20240229


def workload(cycle):
    """A month of some patients, day by day; a fifth of them get an NSAID, which raises."""
    year, month = 2024 + cycle // 12, cycle % 12 + 1
    patients = [Patient(f"c{cycle}-{number}", source=f"urn:test:kill:{cycle}")
                for number in range(20)]
    messages = [patient.registered("1940-01-01", f"{year}-{month:02}-01") for patient in patients]
    for day in range(2, 12):
        for number, patient in enumerate(patients):
            medicine = NAPROXEN if number % 5 == 0 and day == 2 else METFORMIN
            messages.append(patient.prescribed(medicine, f"{year}-{month:02}-{day:02}"))
    return messages


def publish_until_killed(daemon, messages, replies_before):
    """Pipelines requests and kills the daemon after some replies; what was acknowledged."""
    client = Client(daemon.endpoints)
    acknowledged = {}
    waiting = collections.deque(
        messages[start:start + BATCH] for start in range(0, len(messages), BATCH))
    in_flight = collections.deque()
    replies = 0
    try:
        while in_flight or waiting:
            while waiting and len(in_flight) < WINDOW:
                batch = waiting.popleft()
                client.send(batch)
                in_flight.append(batch)
            if replies == replies_before:
                daemon.kill()
            try:
                # What was on its way when it was killed may still come.
                answers = client.receive(30 if daemon.process else 0.3)
            except Timeout:
                assert not daemon.process, "no reply from a living daemon"
                return acknowledged
            replies += 1
            for message, answer in zip(in_flight.popleft(), answers):
                assert answer["status"] in ("accepted", "busy"), answer
                if answer["status"] == "accepted":
                    acknowledged[message] = answer["offset"]
    finally:
        client.close()
    if daemon.process:
        daemon.kill()
    return acknowledged


def test_twenty_kills_lose_and_double_nothing(make_daemon, record_property):
    dice = random.Random(SEED)
    daemon = make_daemon()
    acknowledged = {}
    for cycle in range(KILLS):
        messages = workload(cycle)
        replies_before = dice.randrange(0, len(messages) // BATCH)
        acknowledged.update(publish_until_killed(daemon, messages, replies_before))
        daemon.start()
        daemon.assert_replays()

        records = daemon.export()
        assert [record["offset"] for record in records] == list(range(len(records)))
        stored = collections.Counter(
            (record["event"]["source"], record["event"]["id"]) for record in records)
        assert max(stored.values()) == 1, f"stored twice (seed {SEED}, cycle {cycle})"
        for message, offset in acknowledged.items():
            event = records[offset]["event"]
            assert event == json.loads(message.event), (
                f"acknowledged and not there (seed {SEED}, cycle {cycle})")

        client = Client(daemon.endpoints)
        answers = client.publish(messages, batch=64)
        for message, answer in zip(messages, answers):
            if message in acknowledged:
                assert (answer["status"], answer["offset"]) == (
                    "duplicate", acknowledged[message])
            else:
                assert answer["status"] in ("accepted", "duplicate"), answer
            acknowledged[message] = answer["offset"]
        client.close()
    assert daemon.stop() == 0
    daemon.assert_replays()
    record_property(
        "measured", f"{KILLS} kills: {len(acknowledged)} acknowledged, 0 lost, 0 doubled")


def test_outputs_after_a_kill_are_those_of_a_daemon_never_killed(make_daemon, make_client):
    messages = workload(0)
    killed, whole = make_daemon("killed"), make_daemon("whole")
    client = make_client(whole)
    client.accept(messages, batch=BATCH)
    publish_until_killed(killed, messages, 10)
    killed.start()
    again = make_client(killed)
    again.publish(messages, batch=BATCH)
    # Not byte for byte: what recovery has set aside is a record too and moves the offsets.
    facts = [[[record["event"][name] for name in ("time", "subject", "flagid", "type", "reason")]
              for record in daemon.export("--topic", "flag.")] for daemon in (killed, whole)]
    assert facts[0] == facts[1] != []
