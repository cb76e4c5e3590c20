# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Processes killed, disks that fail, fill up or lie: what was acknowledged stays, or it is told."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest

from client import Client, Message, Timeout
from daemon import Daemon, binary, run
from events import METFORMIN, NAPROXEN, OMEPRAZOLE, Patient, clock, encoded

#: 30 by default; a night's run may ask for 300.
KILL_CYCLES = int(os.environ.get("VIGIL_KILL_CYCLES", "30"))
SEED = int(os.environ.get("VIGIL_SEED", "20240301"))
LOG_FAILURE = 74


def padded(message, length):
    """The same event with a long text in it: it fills the log's files quickly."""
    event = json.loads(message.event)
    event["data"]["text"] = {"status": "generated", "div": "x" * length}
    return Message(message.topic, encoded(event))


def records_by_identity(daemon):
    """The log's records: offsets by source and id, and the records; none is there twice."""
    records = daemon.export()
    offsets = {}
    for index, record in enumerate(records):
        assert record["offset"] == index
        identity = (record["event"]["source"], record["event"]["id"])
        assert identity not in offsets, f"stored twice: {identity}"
        offsets[identity] = index
    return offsets, records


class Publisher(threading.Thread):
    """Sends numbered events, and keeps each acknowledgement in a file of its own, synced."""

    def __init__(self, name, folder):
        super().__init__(daemon=True)
        self.patient = Patient(f"patient-of-{name}", source=f"urn:test:{name}")
        self.path = pathlib.Path(folder) / f"{name}.acknowledged"
        self.messages = [self.patient.registered("1940-01-01")]
        self.next = 0
        self.client = None
        self.stopping = threading.Event()

    def message(self, index):
        """The event of an index: made once, sent again as it was."""
        while len(self.messages) <= index:
            number = len(self.messages)
            medicine = (METFORMIN, OMEPRAZOLE, NAPROXEN)[number // 7 % 3]
            day = f"2024-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"
            self.messages.append(self.patient.prescribed(medicine, day))
        return self.messages[index]

    def run(self):
        """Publishes, a few requests in flight, until the daemon is gone."""
        in_flight = []
        with open(self.path, "a", encoding="ascii") as acknowledged:
            while not self.stopping.is_set():
                while len(in_flight) < 4:
                    start = self.next + sum(len(batch) for batch in in_flight)
                    batch = range(start, start + 5)
                    self.client.send([self.message(index) for index in batch])
                    in_flight.append(batch)
                try:
                    answers = self.client.receive(0.2)
                except Timeout:
                    continue
                batch = in_flight.pop(0)
                for index, answer in zip(batch, answers):
                    assert answer["status"] in ("accepted", "duplicate"), answer
                    acknowledged.write(f"{index} {answer['offset']}\n")
                acknowledged.flush()
                os.fsync(acknowledged.fileno())
                self.next = batch[-1] + 1

    def acknowledgements(self):
        """What the file says: offsets by index."""
        rows = [line.split() for line in self.path.read_text(encoding="ascii").splitlines()]
        for number, (index, offset) in enumerate(rows):
            known = rows[:number]
            assert all(o == offset for i, o in known[-40:] if i == index), "two offsets"
        return {int(index): int(offset) for index, offset in rows}


def test_kills_at_random_moments_lose_and_double_nothing(make_daemon, tmp_path, capsys):
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
    with capsys.disabled():
        print(f"\n{KILL_CYCLES} kills, {count} acknowledged, 0 lost, 0 doubled", end=" ")


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


def require_strace():
    """Skips where strace is missing or may not attach."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
    if done.returncode != 0:
        pytest.skip("this machine permits no tracing")


class Injection:
    """A strace that is attached to all threads of a daemon, and injects."""

    def __init__(self, daemon, what):
        self.daemon = daemon
        call = what.split(":")[0]
        self.process = subprocess.Popen(
            ["strace", "-f", "-p", str(daemon.process.pid), "-o", "/dev/null",
             "-e", f"trace={call}", "-e", f"inject={what}"], stderr=subprocess.PIPE, text=True)
        threads = len(os.listdir(f"/proc/{daemon.process.pid}/task"))
        attached = 0
        while attached < threads:
            line = self.process.stderr.readline()
            if not line:
                pytest.skip("this machine permits no attaching")
            attached += line.count("attached")
            words = line.split()
            if "with" in words and words[-2].isdigit():
                attached += int(words[-2]) - line.count("attached")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()


def small_segments(tmp_path):
    """Arguments of a daemon whose log begins a new file every few commits."""
    path = tmp_path / "small.yaml"
    path.write_text("segmentBytesMax: 65536\n")
    return ["--config", str(path)]


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
def test_a_kill_at_any_system_call_loses_and_doubles_nothing(make_daemon, tmp_path, call, capsys):
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
    with capsys.disabled():
        print(f"\n{kills} kills at {call}, {len(acknowledged)} acknowledged", end=" ")


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


class SmallDisk:
    """A file system of some MiB, seen by processes of its own alone."""

    def __init__(self, folder, mebibytes):
        self.folder = pathlib.Path(folder)
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             f"mount -t tmpfs -o size={mebibytes}m none '{self.folder}'"
             " && echo mounted && exec sleep 600"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.is_there = self.holder.stdout.readline() == "mounted\n"

    @property
    def inside(self):
        """The way in from here."""
        return pathlib.Path(f"/proc/{self.holder.pid}/root{self.folder}")

    def command(self, command):
        """A command to be run in there."""
        return ["nsenter", f"--target={self.holder.pid}", "--mount", *command]

    def fill(self):
        """Leaves no byte free."""
        with open(self.inside / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 65536):
                    pass
            except OSError:
                pass

    def empty(self):
        """Takes the filler away."""
        (self.inside / "filler").unlink()

    def close(self):
        """Unmounts: the last process in there is gone."""
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class SmallDiskDaemon(Daemon):
    """A daemon whose folder is on a small disk."""

    disk = None

    def command(self):
        return self.disk.command(super().command())


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


def assert_is_served(daemon, client, messages, offsets):
    """History and what is open answer as ever."""
    items, _ = client.pages()
    by_offset = {item.offset: item.event for item in items}
    for message, offset in zip(messages, offsets):
        assert by_offset[offset] == message.event
    opened, _ = client.open(["flag."])
    assert len(opened) == 1


# Damage, torn tails and what is told of them.


def stopped_log(make_daemon, count=40):
    """A daemon that was stopped, with a log of some commits."""
    daemon = make_daemon()
    patient = Patient("p")
    messages = [patient.registered("1940-01-01")]
    messages += [patient.prescribed(METFORMIN, f"2024-03-{n % 28 + 1:02}") for n in range(count)]
    client = Client(daemon.endpoints)
    for message in messages:
        client.accept([message])
    client.close()
    assert daemon.stop() == 0
    return daemon, messages


def last_segment(daemon):
    """The newest file of the log."""
    return sorted((daemon.data / "log").glob("*.vlog"))[-1]


def test_damage_stops_the_daemon_and_is_told_by_every_reader(make_daemon):
    daemon, _ = stopped_log(make_daemon)
    whole = daemon.export_text()
    segment = last_segment(daemon)
    data = bytearray(segment.read_bytes())
    position = data.index(b"p-20")
    data[position] ^= 1
    segment.write_bytes(data)

    served = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=60)
    assert served.returncode == LOG_FAILURE
    assert segment.name in served.stderr
    assert "at byte" in served.stderr and "backup" in served.stderr
    assert segment.read_bytes() == data, "nothing was changed"

    exported = run("export", "--data", daemon.data)
    assert exported.returncode == LOG_FAILURE
    assert "damaged" in exported.stderr
    lines = exported.stdout.splitlines()
    assert 10 < len(lines) < len(whole)
    assert lines == whole[:len(lines)]

    replayed = run("replay", "--data", daemon.data)
    assert replayed.returncode == LOG_FAILURE
    assert "damaged" in replayed.stderr
    assert f"{len(lines)} records before the damage" in replayed.stdout
    figures = run("replay", "--data", daemon.data, "--indicators")
    assert (figures.returncode, figures.stdout) == (LOG_FAILURE, "")

    timeline = run("timeline", "p", "--data", daemon.data)
    assert timeline.returncode == LOG_FAILURE


def test_a_torn_tail_becomes_a_record_that_replays(make_daemon):
    daemon, messages = stopped_log(make_daemon, count=5)
    segment = last_segment(daemon)
    inspected = json.loads(run("log", "inspect", "--data", daemon.data, "--json").stdout)
    used = inspected["usedBytes"]
    with open(segment, "r+b") as file:
        # Behind the seal, which is a commit without records.
        file.seek(used + 512)
        file.write(b"half a commit")
    records = len(daemon.export())
    for _ in range(2):
        daemon.start()
        assert daemon.stop() == 0
    (tail,) = daemon.export("--topic", "system.tail")
    assert tail["offset"] == records
    (file,) = (daemon.data / "log" / "torn").iterdir()
    assert tail["event"]["data"] == {"offset": records, "bytes": 512, "file": file.name}
    assert file.read_bytes().rstrip(b"\0") == b"half a commit"
    daemon.assert_replays()
    daemon.start()
    client = Client(daemon.endpoints)
    assert {answer["status"] for answer in client.publish(messages)} == {"duplicate"}
    client.close()


def test_inspect_and_timeline_add_up_to_the_export(make_daemon, tmp_path):
    daemon = make_daemon("one", arguments=small_segments(tmp_path))
    client = Client(daemon.endpoints)
    one, other = Patient("one"), Patient("other", source="urn:test:other")
    for number in range(12):
        for patient in (one, other):
            client.accept([padded(patient.prescribed(NAPROXEN, "2024-03-01"), 20_000)])
    client.accept([one.registered("1940-01-01")])
    client.close()
    records = daemon.export_text()

    done = run("log", "inspect", "--data", daemon.data, "--json")
    files = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(files) > 2
    assert sum(file["records"] for file in files) == len(records)
    table = run("log", "inspect", "--data", daemon.data).stdout.splitlines()
    assert len(table) == len(files) + 1

    for subject in ("one", "other"):
        done = run("timeline", subject, "--data", daemon.data)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            line for line in records if json.loads(line)["event"].get("subject") == subject]
    missing = run("timeline", "nobody", "--data", daemon.data)
    assert (missing.returncode, missing.stdout) == (66, "")


def test_a_copy_of_a_running_log_is_a_log(make_daemon, tmp_path):
    daemon = make_daemon("one", arguments=small_segments(tmp_path))
    publisher = Publisher("first", tmp_path)
    publisher.client = Client(daemon.endpoints)
    publisher.start()
    copies = []
    for number in range(3):
        time.sleep(0.3)
        acknowledged = len(publisher.path.read_text(encoding="ascii").splitlines())
        copy = make_daemon(f"copy-{number}", start=False)
        # As the documentation says: first what is claimed, then the files in their order.
        (copy.data / "log").mkdir(parents=True)
        for path in [daemon.data / "log/durable", *sorted((daemon.data / "log").glob("*.vlog"))]:
            shutil.copy(path, copy.data / "log")
        copies.append((copy, acknowledged))
    publisher.stopping.set()
    publisher.join(10)
    publisher.client.close()
    original = daemon.export_text()
    for copy, acknowledged in copies:
        copied = copy.export_text()
        assert copied == original[:len(copied)]
        inputs = sum("urn:test:first" in line and "prescription" in line for line in copied)
        assert inputs >= acknowledged - 1 > 0
        copy.assert_replays()
    # Yesterday's copy in place of today's log: what it lacks is accepted again.
    assert daemon.stop() == 0
    copy = copies[0][0].start()
    client = Client(copy.endpoints)
    answers = client.publish(publisher.messages[:publisher.next], batch=100)
    client.close()
    statuses = [answer["status"] for answer in answers]
    known = statuses.index("accepted")
    assert statuses == ["duplicate"] * known + ["accepted"] * (len(statuses) - known)
    assert known > 0
