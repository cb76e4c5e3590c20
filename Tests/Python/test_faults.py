# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Processes killed, disks that fail, fill up or lie: what was acknowledged stays, or it is told."""

import json
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

from client import Client, Message
from daemon import binary
from events import METFORMIN, NAPROXEN, Patient, clock
from faults import (
    LOG_FAILURE, Injection, Publisher, SmallDisk, SmallDiskDaemon, padded, records_by_identity,
    require_strace, small_segments)

#: 30 by default; a night's run may ask for 300.
KILL_CYCLES = int(os.environ.get("VIGIL_KILL_CYCLES", "30"))
SEED = int(os.environ.get("VIGIL_SEED", "20240301"))


def test_kills_at_random_moments_lose_and_double_nothing(make_daemon, tmp_path, record_property):
    dice = random.Random(SEED)
    daemon = make_daemon("one", start=False)
    publishers = [Publisher(name, tmp_path) for name in ("first", "second")]
    for cycle in range(KILL_CYCLES):
        daemon.start()
        threads = []
        for known in publishers:
            publisher = Publisher(known.patient.source.rsplit(":", 1)[1], tmp_path)
            publisher.patient, publisher.messages = known.patient, known.messages
            publisher.next = known.next
            publisher.client = Client(daemon.endpoints)
            publisher.start()
            threads.append(publisher)
        time.sleep(dice.uniform(0.005, 0.1))
        daemon.kill()
        for publisher in threads:
            publisher.stopping.set()
        for publisher in threads:
            publisher.join(10)
            assert not publisher.is_alive()
            publisher.client.close()
        publishers = threads
        if cycle % 10 == 9 or cycle == KILL_CYCLES - 1:
            assert_all_there(daemon, publishers, f"seed {SEED}, cycle {cycle}")
    daemon.start()
    assert daemon.stop() == 0
    daemon.assert_replays()
    count = assert_all_there(daemon, publishers, f"seed {SEED}, at the end")
    record_property("measured", f"{KILL_CYCLES} kills: {count} acknowledged, 0 lost, 0 doubled")


def assert_all_there(daemon, publishers, when):
    """Every acknowledgement is in the log, where it said, in the publisher's order."""
    offsets, records = records_by_identity(daemon)
    count = 0
    for publisher in publishers:
        acknowledged = publisher.acknowledgements()
        assert list(acknowledged.values()) == sorted(acknowledged.values()), when
        for index, offset in acknowledged.items():
            event = json.loads(publisher.message(index).event)
            assert offsets.get((event["source"], event["id"])) == offset, when
            assert records[offset]["event"] == event, when
        count += len(acknowledged)
    return count


# Kills and errors at system calls, by strace.


def publish_one_by_one(daemon, messages):
    """Sends one message a request; the acknowledged ones until the daemon is gone."""
    client = Client(daemon.endpoints)
    acknowledged = {}
    try:
        for message in messages:
            client.send([message])
            deadline = time.monotonic() + 20
            while not client.ingest.poll(20):
                if daemon.process.poll() is not None:
                    # What was sent before the end may still be on its way.
                    if client.ingest.poll(100):
                        break
                    return acknowledged
                assert time.monotonic() < deadline, "no reply from a living daemon"
            (answer,) = client.receive()
            assert answer["status"] == "accepted", answer
            acknowledged[message] = answer["offset"]
            # Time for the daemon's other threads: the next file of the log is being prepared.
            time.sleep(0.03)
    finally:
        client.close()
    return acknowledged


def case_messages(case):
    """Some events of a patient of the case's own, 80 KB in all."""
    patient = Patient(f"case-{case}", source="urn:test:cases")
    messages = [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01")]
    messages += [padded(patient.prescribed(METFORMIN, "2024-03-02"), 39_000) for _ in range(2)]
    return messages


@pytest.mark.parametrize("call", ["fdatasync", "pwrite64", "fsync", "rename"])
def test_a_kill_at_any_system_call_loses_and_doubles_nothing(
        make_daemon, tmp_path, call, record_property):
    require_strace()
    daemon = make_daemon("one", start=False, arguments=small_segments(tmp_path))
    acknowledged = {}
    kills, number = 0, 1
    while True:
        daemon.start()
        with Injection(daemon, f"{call}:signal=KILL:when={number}"):
            acknowledged.update(publish_one_by_one(daemon, case_messages(f"{call}-{number}")))
            # The call may be another thread's, on its way still.
            time.sleep(0.05)
        if daemon.process.poll() is None:
            break
        kills += 1
        number += 1
        daemon.kill()
    assert daemon.stop() == 0
    assert kills > 0, f"{call} was never called"
    daemon.assert_replays()
    offsets, records = records_by_identity(daemon)
    for message, offset in acknowledged.items():
        event = json.loads(message.event)
        assert offsets.get((event["source"], event["id"])) == offset, event["id"]
        assert records[offset]["event"] == event
    record_property("measured", f"{kills} kills at {call}: {len(acknowledged)} acknowledged")


@pytest.mark.parametrize("call", ["fdatasync", "pwrite64", "fsync", "mkdir"])
def test_a_kill_at_any_system_call_of_a_first_start_leaves_a_log_that_opens(
        make_daemon, tmp_path, call):
    require_strace()
    number = 0
    line = ""
    while not line:
        number += 1
        daemon = make_daemon(f"{call}-{number}", start=False)
        traced = subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
             "-e", f"inject={call}:signal=KILL:when={number}", *daemon.command()],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = traced.stdout.readline()
        if line:
            # It came through: the end of its start is a moment to be killed at, too.
            children = pathlib.Path(f"/proc/{traced.pid}/task/{traced.pid}/children")
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        traced.wait(30)
        traced.stdout.close()
        daemon.start()
        assert daemon.stop() == 0
        assert daemon.export()[0]["topic"] == "system.genesis"
    assert number > 1, f"{call} was never called"


@pytest.mark.parametrize("what", ["fdatasync:error=EIO", "pwrite64:error=EIO",
                                  "pwrite64:error=ENOSPC"])
def test_after_the_first_failure_nothing_is_acknowledged(make_daemon, what):
    require_strace()
    daemon = make_daemon()
    patient = Patient("p")
    messages = [patient.registered("1940-01-01")]
    messages += [patient.prescribed(METFORMIN, f"2024-03-{day:02}") for day in range(1, 20)]
    # Only the fifth fails: the sixth would succeed, and would lie.
    with Injection(daemon, f"{what}:when=5"):
        acknowledged = publish_one_by_one(daemon, messages)
    assert daemon.process.wait(20) == LOG_FAILURE
    assert len(acknowledged) < len(messages)
    failure = daemon.errors().splitlines()[-1]
    assert what.split(":")[0].removesuffix("64") in failure or "no space" in failure
    daemon.kill()
    daemon.start()
    offsets, _ = records_by_identity(daemon)
    for message, offset in acknowledged.items():
        event = json.loads(message.event)
        assert offsets[(event["source"], event["id"])] == offset
    client = Client(daemon.endpoints)
    answers = client.publish(messages, batch=1)
    client.close()
    for message, answer in zip(messages, answers):
        assert answer["status"] == ("duplicate" if message in acknowledged else answer["status"])
        assert answer["status"] in ("accepted", "duplicate")
    assert daemon.stop() == 0
    daemon.assert_replays()


# A full disk.


@pytest.fixture
def small_daemon(tmp_path):
    """A daemon on a disk of 100 MiB, not started."""
    disk = SmallDisk(tmp_path, 100)
    if not disk.is_there:
        disk.close()
        pytest.skip("this machine permits no mount namespace")
    daemon = SmallDiskDaemon(tmp_path)
    daemon.disk = disk
    yield daemon
    daemon.close()
    disk.close()


def test_a_full_disk_is_busy_and_loses_nothing(small_daemon):
    daemon = small_daemon.start()
    patient = Patient("p")
    first = [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01"),
             clock("2024-03-02T00:00:00Z")]
    client = Client(daemon.endpoints)
    offsets = client.accept(first)
    subscription = client.subscribe("flag.")
    daemon.disk.fill()
    later = [patient.prescribed(METFORMIN, f"2024-03-{day:02}") for day in range(2, 8)]
    answers = client.request(*later)
    assert {answer["status"] for answer in answers} == {"busy"}
    assert all(answer["retryAfterMs"] > 0 for answer in answers)
    # What cannot be kept is not refused for good either.
    assert client.request(Message(b"device.A81001", b"{"))[0]["status"] == "busy"
    assert_is_served(daemon, client, first, offsets)
    subscription.next_heartbeat()
    client.close()

    # A start on the full disk, and one with a torn tail that has no place to go.
    assert daemon.stop() == 0
    for is_torn in (False, True):
        if is_torn:
            daemon.disk.empty()
            (segment,) = (daemon.disk.inside / "data/log").glob("*.vlog")
            with open(segment, "ab") as file:
                file.write(b"torn" * 300)
            daemon.disk.fill()
        daemon.start()
        assert "no space" in daemon.errors()
        client = Client(daemon.endpoints)
        subscription = client.subscribe("flag.")
        assert_is_served(daemon, client, first, offsets)
        assert {answer["status"] for answer in client.request(*later)} == {"busy"}
        client.close()
        assert daemon.stop() == 0

    daemon.start()
    client = Client(daemon.endpoints)
    assert client.request(later[0])[0]["status"] == "busy"
    daemon.disk.empty()
    client.accept(later)
    assert client.publish(first)[0] == {
        "status": "duplicate", "id": json.loads(first[0].event)["id"], "offset": offsets[0]}
    items, _ = client.pages(topics=["system.tail"])
    assert [json.loads(item.event)["data"]["bytes"] for item in items] == [1200]
    client.close()
    assert daemon.stop() == 0
    replay = daemon.disk.command([binary(), "replay", "--check", "--data", str(daemon.data)])
    done = subprocess.run(replay, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def roomy_daemon(tmp_path):
    """A daemon that writes snapshots often, on a disk of 600 MiB; not started."""
    disk = SmallDisk(tmp_path, 600)
    if not disk.is_there:
        disk.close()
        pytest.skip("this machine permits no mount namespace")
    config = disk.inside / "often.yaml"
    config.write_text("snapshotRecords: 256\n")
    daemon = SmallDiskDaemon(tmp_path, arguments=["--config", str(tmp_path / "often.yaml")])
    daemon.disk = disk
    yield daemon
    daemon.close()
    disk.close()


def test_a_snapshot_without_room_is_left_out_and_costs_no_event(roomy_daemon):
    daemon = roomy_daemon.start()
    messages = []
    for number in range(200):
        patient = Patient(f"p{number}")
        messages += [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01")]
        messages += [patient.prescribed(METFORMIN, f"2024-03-{day:02}") for day in range(1, 29)]
    client = Client(daemon.endpoints)
    folder = daemon.disk.inside / "data/snapshots"

    def accept_until(done, first):
        """Publishes some at a time until something has come about."""
        for start in range(first, len(messages), 64):
            client.accept(messages[start:start + 64])
            if done():
                return start + 64
            time.sleep(0.05)
        raise AssertionError("all was sent, and nothing came of it")

    sent = accept_until(lambda: list(folder.glob("*.snapshot")), 0)
    # Room for the log, and less than a snapshot leaves to it.
    with open(daemon.disk.inside / "filler", "wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, 400 << 20)
    sent = accept_until(lambda: "no snapshot was written" in daemon.errors(), sent)
    assert "no space" in daemon.errors()
    assert not (folder / "unfinished").exists()
    before = {file.name for file in folder.glob("*.snapshot")}
    daemon.disk.empty()
    accept_until(lambda: {file.name for file in folder.glob("*.snapshot")} - before, sent)
    client.close()
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.stop() == 0
    replay = daemon.disk.command([binary(), "replay", "--check", "--data", str(daemon.data)])
    done = subprocess.run(replay, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def assert_is_served(daemon, client, messages, offsets):
    """History and what is open answer as ever."""
    items, _ = client.pages()
    by_offset = {item.offset: item.event for item in items}
    for message, offset in zip(messages, offsets):
        assert by_offset[offset] == message.event
    opened, _ = client.open(["flag."])
    assert len(opened) == 1
