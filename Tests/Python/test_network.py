# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Crowds, storms of connections, readers that stop, and cables that are cut.

What is stated here of nothing lost and nothing stored twice holds at any size. The sizes of a
measurement are asked for by the environment: VIGIL_CROWD (publishers, and as many subscribers),
VIGIL_PAUSE_SECONDS (of a reader that stops) and VIGIL_CUT_SECONDS (of a cable that is cut).
"""

import bisect
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import zmq

from client import Client
from crowd import Publishers, Subscribers, percentile
from daemon import ROOT, binary
from events import NAPROXEN, Patient, clock
from keys import KeyedContext, Site, wait_until
from test_http import metrics

CROWD = int(os.environ.get("VIGIL_CROWD", "60"))
PAUSE_SECONDS = float(os.environ.get("VIGIL_PAUSE_SECONDS", "5"))
CUT_SECONDS = [float(word) for word in os.environ.get("VIGIL_CUT_SECONDS", "1,8").split(",")]
PRACTICES = max(10, CROWD // 10)
EVERYBODY = {
    "crowd": {"publish": {"sources": ["*"], "topics": ["*"]},
              "read": {"topics": ["*"], "inbound": ["*"]}}}


def life(publisher, round):
    """A patient with a hazard: an NSAID at eighty with nothing that protects."""
    day = (datetime.date(2024, 1, 1) + datetime.timedelta(days=round)).isoformat()
    practice = f"P{publisher % PRACTICES}"
    patient = Patient(
        f"s{publisher}-{round}", practice, f"urn:crowd:{publisher}")
    return [patient.registered("1940-01-01", day),
            patient.prescribed(NAPROXEN, day)]


def flags(daemon):
    """Offsets of the flags in the log, by practice."""
    found = {f"P{number}": set() for number in range(PRACTICES)}
    for record in daemon.export("--topic", "flag."):
        found[record["topic"].split(".")[1]].add(record["offset"])
    return found


def resident_bytes(daemon):
    """The daemon's resident memory."""
    with open(f"/proc/{daemon.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def keyed_site(tmp_path, make_daemon):
    """A daemon with keys where one principal may do everything."""
    made = Site(tmp_path, make_daemon, EVERYBODY)
    yield made
    made.close()


@pytest.fixture
def connect(keyed_site):
    """Makes sockets with keys: connect(kind, name of the endpoint)."""
    context = KeyedContext(io_threads=2)
    context.max_sockets = 10 * CROWD + 1000
    object.__setattr__(context, "server", keyed_site.server.encode())
    object.__setattr__(context, "pair", keyed_site.pair("crowd"))

    def make(kind, name):
        socket = context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = socket.sndhwm = 0
        socket.connect(keyed_site.daemon.endpoints[name])
        return socket

    yield make
    context.destroy(linger=0)


def test_a_crowd_that_comes_again_all_at_once_loses_nothing(keyed_site, connect):
    daemon = keyed_site.daemon
    publishers = Publishers(connect)
    publishers.come(range(CROWD))
    subscribers = Subscribers(
        connect, [f"flag.P{number % PRACTICES}." for number in range(CROWD)])
    subscribers.start()
    wait_until(subscribers.are_live, 120)
    waits = {"before": [], "during": [], "after": []}
    rounds = iter(range(100))
    for phase in waits:
        for count in range(3):
            round = next(rounds)
            is_storm = phase == "during" and count == 1
            if is_storm:
                subscribers.storm()
            waits[phase] += publishers.round(
                {number: life(number, round) for number in range(CROWD)},
                storm_after=CROWD // 2 if is_storm else None)
    publishers.round({0: [clock("2034-12-01T00:00:00Z")]})
    sent = {m.event for round in range(next(rounds)) for n in range(CROWD) for m in life(n, round)}
    stored = [record for record in daemon.export()
              if record["topic"].split(".")[0] in ("patient", "prescription")]
    ids = [(record["event"]["source"], record["event"]["id"]) for record in stored]
    assert len(ids) == len(set(ids)) == len(sent), "stored twice, or lost"
    by_id = {record["event"]["id"]: record["offset"] for record in stored}
    assert by_id == {id: offset for id, offset in publishers.offsets.items() if id in by_id}
    assert set(publishers.statuses) <= {"accepted", "duplicate", "busy"}, publishers.statuses
    expected = flags(daemon)
    assert sum(map(len, expected.values())) >= len(sent) // 2
    last = max(max(offsets) for offsets in expected.values() if offsets)
    wait_until(lambda: subscribers.failure or subscribers.are_live(last) and all(
        one.offsets >= expected[one.prefix.split(".")[1]] for one in subscribers.all), 120 + CROWD)
    subscribers.is_done.set()
    subscribers.join()
    assert subscribers.failure is None, subscribers.failure
    for one in subscribers.all:
        assert one.offsets == expected[one.prefix.split(".")[1]]
    for phase, seconds in waits.items():
        print(f"{phase}: {len(seconds)} requests, p50 {percentile(seconds, 0.5):.1f} ms, "
              f"p99 {percentile(seconds, 0.99):.1f} ms")
    print(f"{len(sent)} events, {sum(map(len, expected.values()))} flags, {CROWD} publishers, "
          f"{CROWD} subscribers; {dict(publishers.statuses)}")
    assert daemon.stop() == 0
    daemon.assert_replays()


FOLLOWER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from client import Client
client = Client(json.loads(sys.argv[2]))
live = client.subscribe("flag.")
print("ready", flush=True)
while True:
    topic, event = live.receive(600)
    if topic.startswith("flag."):
        print(time.monotonic(), event["id"], event["causation"], event["sequence"], topic,
              flush=True)
"""


def test_a_reader_that_stops_costs_the_others_nothing(make_daemon, tmp_path):
    daemon = make_daemon()
    followers, paths = [], []
    for number in range(10):
        path = tmp_path / f"follower-{number}"
        with open(path, "wb") as file:
            followers.append(subprocess.Popen(
                [sys.executable, "-c", FOLLOWER, str(ROOT / "Tests/Python"),
                 json.dumps(daemon.endpoints)], stdout=file))
        paths.append(path)
    try:
        wait_until(lambda: all(path.read_text().startswith("ready") for path in paths))
        client = Client(daemon.endpoints)
        sent, memory = {}, []

        def load(rounds, seconds=0):
            end = time.monotonic() + seconds
            while rounds or time.monotonic() < end:
                number = len(sent)
                messages = [m for p in range(20) for m in life(p, number)]
                begun = time.monotonic()
                client.send(messages)
                for answer in client.receive():
                    assert answer["status"] == "accepted"
                    sent.setdefault(number, []).append((answer["offset"], begun))
                memory.append(resident_bytes(daemon))
                rounds = max(0, rounds - 1)

        load(20)
        before = len(sent)
        followers[0].send_signal(signal.SIGSTOP)
        load(20, PAUSE_SECONDS)
        during = len(sent)
        followers[0].send_signal(signal.SIGCONT)
        load(20)
        expected = sorted(
            record["offset"] for record in daemon.export("--topic", "flag."))
        wait_until(lambda: all(
            len(path.read_text().splitlines()) - 1 >= len(expected) for path in paths), 60)
        for path in paths:
            lines = [line.split() for line in path.read_text().splitlines()[1:]]
            # Also the one that was stopped: its queue held what came meanwhile.
            assert [int(line[1]) for line in lines] == expected
        # A flag's cause, an event or the clock before it, lies within the round that brought it.
        ends = [max(offset for offset, _ in sent[number]) for number in sorted(sent)]
        for phase, first, last in (("before", 0, before), ("during", before, during),
                                   ("after", during, len(sent))):
            waits = []
            for line in (text for path in paths[1:] for text in path.read_text().splitlines()[1:]):
                arrived, _, cause = line.split()[:3]
                number = bisect.bisect_left(ends, int(cause))
                if first <= number < last:
                    waits.append(float(arrived) - sent[number][0][1])
            print(f"{phase}: {len(waits)} flags at the nine, p50 {percentile(waits, 0.5):.1f} ms,"
                  f" p99 {percentile(waits, 0.99):.1f} ms")
        print(f"memory: {memory[0] >> 20} MiB at first, {max(memory) >> 20} MiB at most")
        client.close()
    finally:
        for follower in followers:
            follower.kill()
            follower.wait()


KEYED_FOLLOWER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from keys import KeyedClient
endpoints, server, public, secret = json.loads(sys.argv[2])
client = KeyedClient(endpoints, server.encode(), (public.encode(), secret.encode()))
live = client.subscribe("flag.", "system.")
print("ready", flush=True)
while True:
    live.receive(600)
"""


@pytest.mark.parametrize("has_keys", [True, False], ids=["keys", "no keys"])
def test_who_does_not_keep_up_is_counted_and_named(tmp_path, make_daemon, has_keys):
    """A subscriber that stops, goes on, and one that ends while it is stopped."""
    site, name, followers = None, "somebody", []
    if has_keys:
        site = Site(tmp_path, make_daemon, {
            **{name: {"read": {"topics": ["*"]}} for name in ("quick", "stopped")}},
            http="127.0.0.1:0")
        daemon, name = site.daemon, "stopped"
    else:
        daemon = make_daemon(http="127.0.0.1:0")

    def follow(principal):
        code, endpoints = FOLLOWER, daemon.endpoints
        if has_keys:
            code = KEYED_FOLLOWER
            endpoints = [endpoints, site.server, *map(bytes.decode, site.pair(principal))]
        followers.append(subprocess.Popen(
            [sys.executable, "-c", code, str(ROOT / "Tests/Python"), json.dumps(endpoints)],
            stdout=subprocess.PIPE, text=True))
        assert followers[-1].stdout.readline() == "ready\n"
        return followers[-1]

    def count(metric, principal=name):
        return metrics(daemon).get((f"vigil_{metric}", ("principal", principal)), 0)

    try:
        follow("quick")
        first, second = follow("stopped"), follow("stopped")
        wait_until(lambda: count("subscribers") == (2 if has_keys else 3))
        for number in range(20):
            time.sleep(0.25)
            assert count("slow_subscribers") == 0, number
        first.send_signal(signal.SIGSTOP)
        wait_until(lambda: count("slow_subscribers") == 1, 60)
        assert count("subscribers_fallen_behind_total") == 1
        assert f"do not take what is published ({name})" in daemon.errors()
        first.send_signal(signal.SIGCONT)
        wait_until(lambda: count("slow_subscribers") == 0, 60)
        second.send_signal(signal.SIGSTOP)
        wait_until(lambda: count("slow_subscribers") == 1, 60)
        second.kill()
        second.wait()
        wait_until(lambda: count("slow_subscribers") == 0, 60)
        assert count("subscribers") == (1 if has_keys else 2)
        assert count("subscribers_fallen_behind_total") == 2
        if has_keys:
            assert count("subscribers", "quick") == 1
            assert count("subscribers_fallen_behind_total", "quick") == 0
    finally:
        for follower in followers:
            follower.kill()
            follower.wait()
        if site:
            site.close()


# Cables that are cut.


@pytest.fixture
def cable():
    """A namespace at the other end of a cable of its own; it can be pulled out."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the command ip")
    name = f"vigil{os.getpid() % 10000}"
    made = Cable(name)
    if not made.lay():
        pytest.skip("this machine permits no network namespace")
    yield made
    made.remove()


class Cable:
    """A pair of linked interfaces, one of them in a namespace of its own."""

    here, there = "10.211.77.1", "10.211.77.2"

    def __init__(self, name):
        self.name = name
        self.ours, self.theirs = f"{name}a", f"{name}b"

    def ip(self, *words, check=True):
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        assert done.returncode == 0 or not check, done.stderr
        return done.returncode == 0

    def lay(self):
        """Makes it; returns whether the machine permits that."""
        if not self.ip("netns", "add", self.name, check=False):
            return False
        if not self.ip("link", "add", self.ours, "type", "veth", "peer", self.theirs, "netns",
                       self.name, check=False):
            self.remove()
            return False
        self.ip("addr", "add", f"{self.here}/24", "dev", self.ours)
        self.ip("link", "set", self.ours, "up")
        inside = ("-n", self.name)
        self.ip(*inside, "addr", "add", f"{self.there}/24", "dev", self.theirs)
        self.ip(*inside, "link", "set", self.theirs, "up")
        self.ip(*inside, "link", "set", "lo", "up")
        return True

    def cut(self):
        """Pulls it out: neither side is told."""
        self.ip("link", "set", self.ours, "down")

    def restore(self):
        """Puts it back."""
        self.ip("link", "set", self.ours, "up")

    def start(self, *command, **options):
        """Starts a command at the other end."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *map(str, command)], **options)

    def remove(self):
        self.ip("netns", "del", self.name, check=False)
        self.ip("link", "del", self.ours, check=False)


@pytest.fixture
def far_site(cable, tmp_path, make_daemon):
    """A daemon with keys that listens at this end of the cable."""
    def make(arguments):
        daemon = make_daemon(start=False, arguments=arguments)
        whole = daemon.command

        def command():
            words = whole()
            return [f"tcp://{cable.here}:*" if word.startswith("ipc://") else word
                    for word in words]
        daemon.command = command
        daemon.start()
        # After a restart the ports are the same: clients come back by themselves.
        endpoints = daemon.endpoints
        ports = {name: (text if isinstance(text, str) else text[0])
                 for name, text in endpoints.items() if name != "http"}
        daemon.command = lambda: [
            ports[before[2:]] if word.startswith("ipc://") and before[2:] in ports else word
            for before, word in zip([""] + whole(), whole())]
        return daemon

    made = Site(tmp_path, make, EVERYBODY)
    yield made
    made.close()


PUBLISHER = """
import json, sys, zmq, zmq.auth
endpoint, server, keys, journal = sys.argv[1:5]
public, secret = zmq.auth.load_certificate(keys)
context = zmq.Context()

def connect():
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.curve_serverkey = server.encode()
    socket.curve_publickey, socket.curve_secretkey = public, secret
    socket.connect(endpoint)
    return socket

socket = connect()
for line in sys.stdin:
    frames = [frame.encode() for frame in json.loads(line)]
    while True:
        socket.send_multipart(frames)
        if socket.poll(3000):
            answers = [json.loads(frame) for frame in socket.recv_multipart()]
            if all(answer["status"] in ("accepted", "duplicate") for answer in answers):
                break
            time.sleep(0.1)
            continue
        # Nothing came back: whether it was stored is not known, so it is sent again.
        socket.close()
        socket = connect()
    with open(journal, "a") as file:
        for answer in answers:
            print(json.dumps(answer), file=file)
"""


@pytest.mark.parametrize("seconds", CUT_SECONDS)
@pytest.mark.parametrize("meanwhile", ["nothing", "restart"])
def test_a_cable_that_is_cut_loses_nothing(cable, far_site, tmp_path, seconds, meanwhile):
    daemon = far_site.daemon
    endpoints = daemon.endpoints
    watched = tmp_path / "watched"
    journal = tmp_path / "journal"
    lives = [life(number % 20, number // 20) for number in range(300)]
    with open(watched, "wb") as file:
        watcher = cable.start(
            binary(), "watch", "--alerts", endpoints["alerts"], "--history",
            endpoints["history"], "--topic", "flag.", "--from", "0",
            *far_site.options("crowd"), stdout=file, stderr=subprocess.DEVNULL)
    publisher = cable.start(
        sys.executable, "-c", PUBLISHER, endpoints["ingest"], far_site.server,
        far_site.folder / "crowd", journal, stdin=subprocess.PIPE, text=True)
    with ThreadPoolExecutor(1) as pool:
        def feed():
            for messages in lives:
                frames = [frame.decode() for message in messages for frame in message]
                print(json.dumps(frames), file=publisher.stdin, flush=True)
                time.sleep(0.01)
            publisher.stdin.close()
        try:
            feeding = pool.submit(feed)
            wait_until(lambda: journal.exists() and len(journal.read_text().splitlines()) > 60)
            # A watch that has never heard the daemon ends after 10 s.
            wait_until(lambda: watched.stat().st_size > 0)
            cable.cut()
            time.sleep(seconds)
            if meanwhile == "restart":
                daemon.kill()
                daemon.start()
            cable.restore()
            assert publisher.wait(timeout=150) == 0
            feeding.result()
            stored = [record for record in daemon.export()
                      if record["topic"].split(".")[0] in ("patient", "prescription")]
            ids = [record["event"]["id"] for record in stored]
            assert sorted(ids) == sorted(
                json.loads(message.event)["id"] for messages in lives for message in messages)
            offsets = {record["event"]["id"]: record["offset"] for record in stored}
            for line in journal.read_text().splitlines():
                answer = json.loads(line)
                assert offsets[answer["id"]] == answer["offset"]
            expected = [record["event"] for record in daemon.export("--topic", "flag.")]
            assert len(expected) >= 250
            wait_until(lambda: len(watched.read_text().splitlines()) >= len(expected), 120)
            assert [json.loads(line) for line in watched.read_text().splitlines()] == expected
        finally:
            watcher.kill()
            watcher.wait()
            publisher.kill()
            publisher.wait()
    assert daemon.stop() == 0
    daemon.assert_replays()


def test_a_stream_over_a_cut_cable_tells_its_gaps_and_closes_them(cable, far_site, tmp_path):
    """A publisher on `events` that sends while nobody hears it: gaps are told, and what
    comes later by the other socket closes them."""
    daemon = far_site.daemon
    messages = []
    for number in range(400):
        patient = Patient(f"g{number}", "P1", "urn:stream:1")
        messages.append(patient.registered("1980-01-01", "2024-01-01"))
    numbered = []
    for sequence, message in enumerate(messages, start=1):
        event = json.loads(message.event)
        event.update(sequence=str(sequence), epoch="1")
        numbered.append((message.topic, json.dumps(event).encode()))
    lines = "".join(json.dumps([part.decode() for part in pair]) + "\n" for pair in numbered)
    source = tmp_path / "stream.ndjson"
    source.write_text(lines)
    streamer = """
import json, sys, time, zmq, zmq.auth
endpoint, server, keys, path, start, stop, patience = sys.argv[1:8]
public, secret = zmq.auth.load_certificate(keys)
# Who takes subscriptions in knows when there is somebody to send to.
socket = zmq.Context().socket(zmq.XPUB)
socket.linger = 3000
socket.curve_serverkey = server.encode()
socket.curve_publickey, socket.curve_secretkey = public, secret
socket.connect(endpoint)
socket.poll(1000 * int(patience))
for line in open(path).readlines()[int(start):int(stop)]:
    socket.send_multipart([part.encode() for part in json.loads(line)])
print("sent", flush=True)
sys.stdin.readline()
"""
    endpoint = daemon.endpoints["events"]
    endpoint = endpoint if isinstance(endpoint, str) else endpoint[0]

    def stream(start, stop, patience):
        """A publisher that has sent what it had to."""
        process = cable.start(sys.executable, "-c", streamer, endpoint, far_site.server,
                              far_site.folder / "crowd", source, start, stop, patience,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "sent\n"
        return process

    stream(0, 100, 30).communicate(timeout=30)
    wait_until(lambda: stored_numbers(daemon) >= set(range(1, 101)))
    # The second sends while the cable is cut, and is killed.
    cable.cut()
    second = stream(100, 200, 1)
    second.kill()
    second.wait()
    cable.restore()
    stream(200, 300, 30).communicate(timeout=30)
    wait_until(lambda: stored_numbers(daemon) >= set(range(201, 301)))
    lost = set(range(1, 301)) - stored_numbers(daemon)
    assert lost == set(range(101, 201))
    gaps = told(daemon, "system.gap")
    assert {n for gap in gaps for n in range(int(gap["from"]), int(gap["to"]) + 1)} == lost
    # It comes again, doubled and out of order, and by the other socket.
    client = far_site.client("crowd")
    again = [numbered[n - 1] for n in sorted(lost, reverse=True)]
    replies = client.publish(
        [type(messages[0])(*pair) for pair in again + again[:10] + numbered[:5]])
    statuses = [reply["status"] for reply in replies]
    assert statuses == ["accepted"] * len(lost) + ["duplicate"] * (
        len(statuses) - len(lost))
    assert stored_numbers(daemon) == set(range(1, 301))
    closed = told(daemon, "system.gap-closed")
    assert {n for gap in closed for n in range(int(gap["from"]), int(gap["to"]) + 1)} == lost
    assert daemon.stop() == 0
    daemon.assert_replays()


def stored_numbers(daemon):
    """The sequence numbers in the log, each of them once."""
    numbers = [int(record["event"]["sequence"]) for record in daemon.export("--topic", "patient.")]
    assert len(numbers) == len(set(numbers))
    return set(numbers)


def told(daemon, topic):
    """What the log tells of the stream's gaps."""
    return [record["event"]["data"] for record in daemon.export("--topic", topic)
            if record["topic"] == topic]
