# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Starts, stops and kills the daemon, and runs the other commands on its folder."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOCKETS = ("events", "ingest", "alerts", "history")


def binary():
    """The `vigil` under test: VIGIL_BIN, else the debug build."""
    return os.environ.get("VIGIL_BIN", str(ROOT / ".build/debug/vigil"))


def run(*arguments, input=None, timeout=120):
    """Runs a command of `vigil` to its end; text in and out."""
    return subprocess.run(
        [binary(), *map(str, arguments)], input=input, capture_output=True, text=True,
        timeout=timeout)


def endpoints_of(line):
    """The endpoints that a `ready` line names, by socket."""
    ready = json.loads(line[line.index("{"):])
    places = [ready, *(value for value in ready.values() if isinstance(value, dict))]
    return next(place for place in places if "ingest" in place)


class Daemon:
    """One data folder and the daemon that runs on it, or not, at the moment."""

    def __init__(self, folder, clock="event", arguments=(), http="none"):
        self.data = pathlib.Path(folder) / "data"
        self.clock = clock
        self.http = http
        self.arguments = list(arguments)
        # Not in the test's own folder: the name of an ipc socket has at most 107 bytes.
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="vigil-"))
        self.process = None
        self.endpoints = {}

    def command(self):
        """The command that starts it."""
        command = [binary(), "serve", "--data", str(self.data), "--clock", self.clock,
                   "--http", self.http]
        for name in SOCKETS:
            command += [f"--{name}", f"ipc://{self.sockets}/{name}"]
        return command + self.arguments

    def start(self, timeout=60):
        """Starts it and waits for `ready`."""
        errors = open(self.sockets / "stderr", "ab")
        self.process = subprocess.Popen(
            self.command(), stdout=subprocess.PIPE, stderr=errors, text=True)
        errors.close()
        watchdog = time.monotonic() + timeout
        line = self.process.stdout.readline()
        assert line and time.monotonic() < watchdog, (
            f"the daemon did not become ready: {self.errors()}")
        self.endpoints = endpoints_of(line)
        return self

    def errors(self):
        """What it said on stderr so far."""
        return (self.sockets / "stderr").read_text(errors="replace")

    def state(self):
        """How it is and what it said last, for whoever reads of a test that failed."""
        if not self.process:
            return f"{self.data}: not running\n{self.errors()[-2000:]}"
        status = self.process.poll()
        rows = [f"{self.data}: " + ("running" if status is None else f"ended with {status}")]
        for thread in sorted(pathlib.Path(f"/proc/{self.process.pid}/task").glob("*")):
            try:
                name, rest = (thread / "stat").read_text().split(" (", 1)[1].rsplit(") ", 1)
                place = (thread / "wchan").read_text()
            except OSError:
                continue
            fields = rest.split()
            rows.append(f"  {name}: {fields[0]} {place}, {fields[11]} + {fields[12]} ticks")
        return "\n".join([*rows, self.errors()[-2000:]])

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it politely; returns its exit status."""
        process, self.process = self.process, None
        process.send_signal(signal_number)
        try:
            return process.wait(timeout=60)
        finally:
            process.kill()
            process.stdout.close()

    def kill(self):
        """Ends it as a power cut would, the disk's cache excepted."""
        process, self.process = self.process, None
        process.kill()
        process.wait()
        process.stdout.close()

    def restart(self):
        """Stops it politely and starts it again."""
        assert self.stop() == 0
        return self.start()

    def close(self):
        """Leaves nothing behind."""
        if self.process:
            self.kill()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def export(self, *arguments):
        """The log's records: dicts with offset, recorded, topic, event."""
        done = run("export", "--data", self.data, *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def export_text(self, *arguments):
        """The lines of `vigil export` as they are."""
        done = run("export", "--data", self.data, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def assert_replays(self):
        """The log gives the recorded outputs again, whether or not threads share the patients."""
        for shards in (1, 3):
            done = run("replay", "--data", self.data, "--check", "--shards", str(shards))
            assert done.returncode == 0, f"{shards} shards: {done.stdout}{done.stderr}"
