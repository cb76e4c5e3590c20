# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, on purpose: publishers that are cut off, failing calls, and a small disk."""

import json
import os
import pathlib
import shutil
import subprocess
import threading

import pytest

from client import Message, Timeout
from daemon import Daemon
from events import METFORMIN, NAPROXEN, OMEPRAZOLE, Patient, encoded

#: The exit code of a daemon whose log failed.
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
