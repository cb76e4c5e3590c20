# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The examples for client authors, run as they are, while everything around them fails."""

import json
import select
import socket
import subprocess
import sys
import threading
import time

from daemon import ROOT, binary
from events import NAPROXEN, Patient, clock

EXAMPLES = ROOT / "deploy/examples"


class Link:
    """A network between clients and an ipc socket of the daemon, which can be cut."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_cut = False
        self.pairs = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                if self.is_cut:
                    raise OSError
                far.connect(self.path)
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            threading.Thread(target=self.carry, args=(near, far), daemon=True).start()

    def carry(self, near, far):
        other = {near: far, far: near}
        try:
            while True:
                for end in select.select([near, far], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            near.close()
            far.close()

    def cut(self):
        self.is_cut = True
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs = []

    def mend(self):
        self.is_cut = False


def started(name, *arguments):
    return subprocess.Popen([sys.executable, str(EXAMPLES / name), *map(str, arguments)])


def history(number):
    patient = Patient(f"x{number:03}")
    day = f"2024-{number // 25 + 1:02}-{number % 25 + 1:02}"
    return [patient.registered("1940-01-01", day), patient.prescribed(NAPROXEN, day),
            clock(f"{day}T12:00:00Z")]


def wait_until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


def test_publisher_and_watcher_miss_nothing_whatever_fails(daemon, tmp_path):
    links = {name: Link(f"{daemon.sockets}/{name}") for name in ("ingest", "alerts", "history")}
    path, watched = tmp_path / "events.ndjson", tmp_path / "flags.ndjson"
    path.touch()
    publisher_command = ("publish.py", path, "--ingest", links["ingest"].endpoint)
    watcher_command = ("watch.py", watched, "--topic", "flag.", "--alerts",
                       links["alerts"].endpoint, "--history", links["history"].endpoint)
    publisher, watcher = started(*publisher_command), started(*watcher_command)
    messages = [message for number in range(120) for message in history(number)]
    try:
        for step in range(12):
            with path.open("ab") as file:
                for message in messages[step * 30:(step + 1) * 30]:
                    file.write(b'{"topic":"%s","event":%s}\n' % (message.topic, message.event))
            time.sleep(0.3)
            if step % 4 == 0:
                daemon.kill()
                daemon.start()
            elif step % 4 == 1:
                watcher.kill()
                watcher.wait()
                watcher = started(*watcher_command)
            elif step % 4 == 2:
                for link in links.values():
                    link.cut()
                time.sleep(1)
                for link in links.values():
                    link.mend()
            else:
                publisher.kill()
                publisher.wait()
                publisher = started(*publisher_command)
        position = tmp_path / "events.ndjson.position"
        wait_until(lambda: position.exists() and position.read_text() == str(path.stat().st_size))
        expected = [record["event"] for record in daemon.export("--topic", "flag.")]
        assert len(expected) >= 120
        wait_until(lambda: len(watched.read_bytes().splitlines()) >= len(expected))
    finally:
        for process in (publisher, watcher):
            process.kill()
            process.wait()
    assert [json.loads(line) for line in watched.read_text().splitlines()] == expected
    inputs = [record["event"]["id"] for record in daemon.export()
              if record["event"].get("source", "").startswith("urn:")]
    assert sorted(inputs) == sorted(json.loads(message.event)["id"] for message in messages)
    assert not (tmp_path / "events.ndjson.rejected").exists()


def test_the_examples_are_short():
    for name in ("watch.py", "publish.py"):
        assert len((EXAMPLES / name).read_text().splitlines()) < 80, name


def test_watch_misses_nothing_while_the_network_is_away(daemon, make_client, tmp_path):
    links = {name: Link(f"{daemon.sockets}/{name}") for name in ("alerts", "history")}
    path = tmp_path / "watched"
    with open(path, "wb") as file:
        watch = subprocess.Popen(
            [binary(), "watch", "--topic", "flag.", "--from", "0", "--alerts",
             links["alerts"].endpoint, "--history", links["history"].endpoint],
            stdout=file, stderr=subprocess.DEVNULL)
    client = make_client(daemon)
    try:
        for step in range(4):
            first = step * 20
            client.accept([m for number in range(first, first + 10) for m in history(number)])
            for link in links.values():
                link.cut()
            client.accept([m for number in range(first + 10, first + 20) for m in history(number)])
            time.sleep(1)
            for link in links.values():
                link.mend()
        expected = [record["event"] for record in daemon.export("--topic", "flag.")]
        wait_until(lambda: len(path.read_bytes().splitlines()) >= len(expected))
    finally:
        watch.kill()
        watch.wait()
    printed = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(expected) >= 80
    assert sorted(printed, key=lambda event: int(event["id"])) == expected
