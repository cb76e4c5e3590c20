# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""`vigil forward`: what a source hands over reaches the log once, whoever is killed meanwhile."""

import collections
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
import zmq

from daemon import binary, run
from events import METFORMIN, Patient
from faults import require_strace
from keys import Site
from test_http import small_disk

SEED = 20240721
BOUND = 16 << 20


def workload(count, source="urn:test:forward"):
    """Events of some patients, as they go on the wire."""
    patients = [Patient(f"f{number}", source=source) for number in range(20)]
    messages = [patient.registered("1970-01-01") for patient in patients]
    while len(messages) < count:
        patient = patients[len(messages) % len(patients)]
        messages.append(patient.prescribed(METFORMIN, f"2024-02-{len(messages) % 28 + 1:02}"))
    return messages


def line(message):
    """A message as a line that names its topic."""
    return b'{"topic":"%s","event":%s}\n' % (message.topic, message.event)


def identifiers(messages):
    return sorted(json.loads(message.event)["id"] for message in messages)


def logged(daemon):
    """The ids of the inputs in the log, each as often as it is there."""
    return sorted(record["event"]["id"] for record in daemon.export()
                  if not record["topic"].startswith("system."))


class Forwarder:
    """`vigil forward` on one outbox, started and killed as often as it takes."""

    def __init__(self, daemon, folder, *arguments):
        self.outbox = folder / "outbox"
        self.errors = folder / "forward.err"
        self.command = [binary(), "forward", "--outbox", str(self.outbox),
                        "--ingest", daemon.endpoints["ingest"], *map(str, arguments)]
        self.process = None

    def start(self):
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(self.command, stderr=errors)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def finish(self, *arguments, timeout=120):
        """Runs it to its end."""
        return subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, timeout=timeout)

    def said(self):
        return self.errors.read_text()

    def size(self, pattern="*"):
        """What the outbox takes of the disk."""
        sizes = []
        for path in self.outbox.glob(pattern):
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:
                pass
        return sum(sizes)

    def held(self):
        """What the events take that it holds."""
        return self.size("*.outbox")

    def rejected(self):
        path = self.outbox / "rejected.ndjson"
        return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_a_growing_file_arrives_once_although_both_sides_are_killed(daemon, tmp_path):
    chance = random.Random(SEED)
    messages = workload(4000)
    path = tmp_path / "events.ndjson"
    path.touch()
    forwarder = Forwarder(daemon, tmp_path, path, "--follow")
    lines = [line(message) for message in messages]
    with open(path, "ab", buffering=0) as file:
        while lines:
            forwarder.start()
            count = chance.randint(100, 600)
            for start in range(0, count, 50):
                file.write(b"".join(lines[start:min(start + 50, count)]))
                time.sleep(0.01)
            del lines[:count]
            time.sleep(chance.random() * 0.2)
            if chance.random() < 0.4:
                daemon.kill()
                time.sleep(chance.random() * 0.2)
                forwarder.kill()
                daemon.start()
            else:
                forwarder.kill()
    forwarder.command.remove("--follow")
    done = forwarder.finish("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["waiting"] == 0
    assert logged(daemon) == identifiers(messages)
    assert forwarder.rejected() == []


def rewritten_in_place(path, text):
    path.write_bytes(text)


def removed_and_made_again(path, text):
    # A file system is likely to give the number of the old file to the new one.
    path.unlink()
    path.write_bytes(text)


def copied_and_cut_short(path, text):
    os.truncate(path, 0)
    with open(path, "ab") as file:
        file.write(text)


@pytest.mark.parametrize(
    "rewrite", [rewritten_in_place, removed_and_made_again, copied_and_cut_short])
@pytest.mark.parametrize("count", [2, 300])
@pytest.mark.parametrize("is_following", [False, True])
def test_a_file_that_is_written_anew_is_read_from_its_beginning(
        daemon, tmp_path, rewrite, count, is_following):
    messages = workload(30 + count)
    yesterday, today = messages[:30], messages[30:]
    path = tmp_path / "export.ndjson"
    path.write_bytes(b"".join(map(line, yesterday)))
    forwarder = Forwarder(daemon, tmp_path, path, *["--follow"] * is_following)
    if is_following:
        forwarder.start()
        wait_until(lambda: len(logged(daemon)) == 30)
    else:
        assert forwarder.finish().returncode == 0
    rewrite(path, b"".join(map(line, today)))
    if is_following:
        wait_until(lambda: len(logged(daemon)) == len(messages))
        assert forwarder.stop() == 0
    else:
        done = forwarder.finish("--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["accepted"] == count
    assert logged(daemon) == identifiers(messages)
    assert forwarder.rejected() == []


def test_what_was_appended_before_a_rename_is_read_before_the_next_file(daemon, tmp_path):
    require_strace()
    messages = workload(60)
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(map(line, messages[:20])))
    forwarder = Forwarder(daemon, tmp_path, path, "--follow").start()
    wait_until(lambda: len(logged(daemon)) == 20)
    calls = tmp_path / "calls"
    slow = subprocess.Popen(
        ["strace", "-f", "-p", str(forwarder.process.pid), "-o", str(calls), "-P", str(path),
         "-e", "trace=?stat,newfstatat", "-e", "inject=?stat,newfstatat:delay_enter=800000"],
        stderr=subprocess.DEVNULL)
    try:
        def looks():
            return calls.read_text().count("DELAYED") if calls.exists() else 0

        seen = looks()
        wait_until(lambda: looks() > seen)
        # The next look at the name has begun: the file was read to its end, or will be after it.
        time.sleep(0.5)
        with open(path, "ab") as file:
            file.write(b"".join(map(line, messages[20:40])))
        path.rename(tmp_path / "events.ndjson.1")
        path.write_bytes(b"".join(map(line, messages[40:])))
        wait_until(lambda: len(logged(daemon)) == len(messages), 30)
    finally:
        slow.terminate()
        slow.wait(10)
    assert forwarder.stop() == 0
    assert logged(daemon) == identifiers(messages)


def test_a_line_that_is_too_long_ends_with_its_file(daemon, tmp_path):
    messages = workload(30)
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(map(line, messages[:10])) + b"x" * (2 << 20))
    forwarder = Forwarder(daemon, tmp_path, path, "--follow").start()
    wait_until(forwarder.rejected)
    path.rename(tmp_path / "events.ndjson.1")
    path.write_bytes(b"".join(map(line, messages[10:])))
    wait_until(lambda: len(logged(daemon)) == len(messages))
    assert forwarder.stop() == 0
    assert logged(daemon) == identifiers(messages)


def test_a_named_pipe_keeps_what_is_not_on_disk_yet(daemon, tmp_path):
    chance = random.Random(SEED)
    messages = workload(3000)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    forwarder = Forwarder(daemon, tmp_path, path).start()
    stop = threading.Event()

    def write():
        # Open for reading too: it must not fail while nobody else reads.
        with open(os.open(path, os.O_RDWR), "wb", buffering=0) as pipe:
            for message in messages:
                text = line(message)
                while text:
                    text = text[pipe.write(text):]
            # Whoever writes stays until its events are safe.
            stop.wait(120)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(12):
            time.sleep(chance.random() * 0.15)
            forwarder.kill()
            forwarder.start()
        wait_until(lambda: len(logged(daemon)) >= len(messages))
    finally:
        stop.set()
        writer.join()
    assert forwarder.stop() == 0
    assert logged(daemon) == identifiers(messages)


def test_what_a_socket_gave_waits_for_a_daemon_that_is_away(daemon, tmp_path):
    messages = workload(500)
    daemon.kill()
    forwarder = Forwarder(daemon, tmp_path, "--listen", f"ipc://{daemon.sockets}/local").start()
    context = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    publisher.connect(f"ipc://{daemon.sockets}/local")
    assert publisher.recv() == b"\x01"
    for message in messages:
        publisher.send_multipart(message)
    publisher.send_multipart([b"patient.A81001"])
    wait_until(lambda: forwarder.held() > sum(len(message.event) for message in messages))
    forwarder.kill()
    publisher.close(linger=0)
    context.term()
    daemon.start()
    forwarder.start()
    wait_until(lambda: len(logged(daemon)) >= len(messages) and forwarder.rejected())
    assert forwarder.stop() == 0
    assert logged(daemon) == identifiers(messages)
    assert [aside["code"] for aside in forwarder.rejected()] == ["bad-frames"]


def test_what_is_refused_is_put_aside_once_with_the_reason(daemon, tmp_path):
    good = workload(30)
    wrong = Patient("w", source="urn:test:wrong")
    bad = [wrong.registered("1970-13-01"), wrong.registered("1970-01-01")]
    bad[1] = bad[1]._replace(topic=b"patient.")
    path = tmp_path / "events.ndjson"
    path.write_bytes(
        b"".join(map(line, good[:10])) + line(bad[0]) + b"\n{not json\n" + line(bad[1])
        + b'{"specversion":"1.0","pad":"' + b"x" * (2 << 20) + b'"}\n'
        + b"".join(map(line, good[10:])))
    forwarder = Forwarder(daemon, tmp_path, path)
    done = forwarder.finish("--json")
    assert done.returncode == 65, done.stderr
    assert json.loads(done.stdout) == {
        "accepted": 30, "duplicate": 0, "putAside": 4, "waiting": 0}
    assert "w-1" not in done.stderr
    asides = forwarder.rejected()
    assert sorted(aside["code"] for aside in asides) == [
        "invalid-element", "malformed-json", "too-large", "topic-mismatch"]
    kept = next(aside for aside in asides if aside["code"] == "invalid-element")
    assert kept["event"] == json.loads(bad[0].event) and kept["pointer"] == "/data/birthDate"
    assert next(a for a in asides if a["code"] == "malformed-json")["text"] == "{not json"
    # What was forgotten of the answers is sent again, and put aside no second time.
    (forwarder.outbox / "acknowledged").unlink()
    again = forwarder.finish("--json")
    assert again.returncode == 0, again.stderr
    assert forwarder.rejected() == asides
    assert logged(daemon) == identifiers(good)
    # What was put right can be published from the file.
    kept["event"]["data"]["birthDate"] = "1970-12-01"
    (tmp_path / "right.ndjson").write_text(json.dumps(kept))
    assert run("publish", "--ingest", daemon.endpoints["ingest"],
               tmp_path / "right.ndjson").returncode == 0


def test_what_is_made_is_durable_by_its_name(daemon, tmp_path):
    require_strace()
    path = tmp_path / "events.ndjson"
    path.write_bytes(line(Patient("w").registered("1970-13-01")))
    forwarder = Forwarder(daemon, tmp_path, path)
    calls = tmp_path / "calls"
    done = subprocess.run(
        ["strace", "-f", "-y", "-o", str(calls), "-e", "trace=mkdir,openat,fsync",
         *forwarder.command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 65, done.stderr
    assert len(forwarder.rejected()) == 1
    rows = calls.read_text().splitlines()

    def first(*parts):
        return next(index for index, row in enumerate(rows) if all(part in row for part in parts))

    for made, folder in ((first("mkdir(", f'{forwarder.outbox}"'), tmp_path),
                         (first("openat(", "rejected.ndjson", "O_CREAT"), forwarder.outbox)):
        name = f"<{folder.resolve()}>"
        assert any("fsync(" in row and name in row for row in rows[made:]), folder


def test_the_outbox_keeps_to_its_bound_and_goes_on_when_the_daemon_does(daemon, tmp_path):
    messages = [
        message._replace(event=message.event[:-1] + b',"pad":"' + b"x" * 20_000 + b'"}')
        for message in workload(1700)]
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(map(line, messages)))
    assert path.stat().st_size > 30 << 20
    daemon.kill()
    forwarder = Forwarder(daemon, tmp_path, path, "--outbox-bytes", BOUND).start()
    wait_until(lambda: "is full" in forwarder.said())
    assert "--outbox-bytes" in forwarder.said()
    assert BOUND - (4 << 20) < forwarder.size() <= BOUND
    status = (tmp_path.__class__("/proc") / str(forwarder.process.pid) / "status").read_text()
    peak = next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM"))
    assert peak < 150 << 10, "memory is bounded too"
    daemon.start()
    assert forwarder.process.wait(timeout=120) == 0, forwarder.said()
    assert logged(daemon) == identifiers(messages)
    assert forwarder.held() < 4 << 20


def with_full_disk(forwarder, call, name):
    """Runs it to its end, with no space twice for a call on a file of its outbox."""
    require_strace()
    return subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-P", str(forwarder.outbox / name),
         "-e", f"trace={call}", "-e", f"inject={call}:error=ENOSPC:when=1..2",
         *forwarder.command, "--json"], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("call", ["openat", "pwrite64"])
def test_a_full_disk_is_waited_out_with_what_is_put_aside(daemon, tmp_path, call):
    good = workload(30)
    wrong = Patient("w", source="urn:test:wrong")
    path = tmp_path / "events.ndjson"
    path.write_bytes(
        b"".join(map(line, good[:10])) + line(wrong.registered("1970-13-01"))
        + line(wrong.registered("1970-14-01")) + b"".join(map(line, good[10:])))
    forwarder = Forwarder(daemon, tmp_path, path)
    done = with_full_disk(forwarder, call, "rejected.ndjson")
    assert done.returncode == 65, done.stderr
    assert json.loads(done.stdout) == {
        "accepted": 30, "duplicate": 0, "putAside": 2, "waiting": 0}
    assert done.stderr.count("is full") == 1, done.stderr
    assert "cannot be put aside" in done.stderr
    assert [aside["code"] for aside in forwarder.rejected()] == ["invalid-element"] * 2
    assert logged(daemon) == identifiers(good)


def test_what_is_refused_finds_room_on_a_disk_that_the_outbox_has_filled(daemon, tmp_path):
    def padded(message, length):
        return message._replace(event=message.event[:-1] + b',"pad":"' + b"x" * length + b'"}')

    good = [padded(message, 20_000) for message in workload(800)]
    # More than the last batch that found no room has left.
    refused = padded(Patient("w", source="urn:test:wrong").registered("1970-13-01"), 600_000)
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(map(line, [*good[:5], refused, *good[5:]])))
    daemon.kill()
    with small_disk(tmp_path / "disk", megabytes=12) as folder:
        forwarder = Forwarder(daemon, folder, path, "--outbox-bytes", BOUND)
        forwarder.errors = tmp_path / "forward.err"
        forwarder.start()
        try:
            wait_until(lambda: "is full: nothing more is read" in forwarder.said())
            daemon.start()
            assert forwarder.process.wait(timeout=120) == 65, forwarder.said()
        finally:
            forwarder.kill()
        assert "cannot be put aside" not in forwarder.said()
        assert [aside["code"] for aside in forwarder.rejected()] == ["too-large"]
        assert (forwarder.outbox / "reserve").stat().st_size == 6 << 20
    assert logged(daemon) == identifiers(good)


def test_a_disk_that_is_full_of_what_will_be_refused_is_worked_off(daemon, tmp_path):
    wrong = Patient("w", source="urn:test:wrong").registered("1970-13-01")
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(
        line(wrong._replace(event=wrong.event[:-1] + b',"pad":"' + b"%0200d" % number + b'"}'))
        for number in range(5000)))
    daemon.kill()
    with small_disk(tmp_path / "disk", megabytes=8) as folder:
        forwarder = Forwarder(daemon, folder, path, "--outbox-bytes", BOUND)
        forwarder.errors = tmp_path / "forward.err"
        forwarder.start()
        try:
            wait_until(lambda: "is full: nothing more is read" in forwarder.said())
            daemon.start()
            assert forwarder.process.wait(timeout=120) == 65, forwarder.said()
        finally:
            forwarder.kill()
        asides = forwarder.rejected()
        assert [aside["sequence"] for aside in asides] == list(range(1, 5001))
        assert {aside["code"] for aside in asides} == {"invalid-element"}


def test_a_full_disk_is_waited_out_where_a_file_of_the_outbox_is_begun(daemon, tmp_path):
    messages = [
        message._replace(event=message.event[:-1] + b',"pad":"' + b"x" * 20_000 + b'"}')
        for message in workload(150)]
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(map(line, messages)))
    daemon.kill()
    # Which files there will be, a run that cannot send any tells.
    (tmp_path / "first").mkdir()
    first = Forwarder(daemon, tmp_path / "first", path, "--outbox-bytes", BOUND).start()
    wait_until(lambda: first.outbox.exists() and first.held() > path.stat().st_size)
    first.kill()
    second = sorted(first.outbox.glob("*.outbox"))[1].name
    daemon.start()
    forwarder = Forwarder(daemon, tmp_path, path, "--outbox-bytes", BOUND)
    done = with_full_disk(forwarder, "openat", second)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is full") == 1, done.stderr
    assert logged(daemon) == identifiers(messages)


def outbox_with_waiting_events(daemon, tmp_path):
    """An outbox of three batches, and no daemon that takes them."""
    path = tmp_path / "events.ndjson"
    path.touch()
    daemon.kill()
    forwarder = Forwarder(daemon, tmp_path, path, "--follow").start()
    messages = workload(60)
    segment = forwarder.outbox / ("1".zfill(20) + ".outbox")
    for start in range(0, 60, 20):
        wait_until(segment.exists)
        before = segment.stat().st_size
        with open(path, "ab") as file:
            file.write(b"".join(map(line, messages[start:start + 20])))
        wait_until(lambda: segment.stat().st_size > before)
    forwarder.kill()
    forwarder.command.remove("--follow")
    return forwarder, segment, messages


def test_a_torn_batch_is_cut_off_and_read_again(daemon, tmp_path):
    forwarder, segment, messages = outbox_with_waiting_events(daemon, tmp_path)
    os.truncate(segment, segment.stat().st_size - 100)
    daemon.start()
    done = forwarder.finish()
    assert done.returncode == 0, done.stderr
    assert logged(daemon) == identifiers(messages)


def test_damage_to_what_was_durable_is_told_and_not_passed_over(daemon, tmp_path):
    forwarder, segment, _ = outbox_with_waiting_events(daemon, tmp_path)
    content = bytearray(segment.read_bytes())
    content[1000] ^= 1
    segment.write_bytes(content)
    done = forwarder.finish()
    assert done.returncode == 74
    assert segment.name in done.stderr and "damaged" in done.stderr


def test_an_outbox_has_one_process(daemon, tmp_path):
    path = tmp_path / "events.ndjson"
    path.touch()
    forwarder = Forwarder(daemon, tmp_path, path, "--follow").start()
    wait_until((forwarder.outbox / "acknowledged").exists)
    done = forwarder.finish()
    assert (done.returncode, "another process" in done.stderr) == (74, True)
    assert forwarder.stop() == 0


def test_busy_is_waited_out_in_order(tmp_path):
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    path = tmp_path / "events.ndjson"
    messages = workload(40)
    path.write_bytes(b"".join(map(line, messages)))
    process = subprocess.Popen(
        [binary(), "forward", "--outbox", str(tmp_path / "outbox"), "--ingest",
         f"tcp://127.0.0.1:{port}", str(path)], stderr=subprocess.DEVNULL)
    arrived = []
    try:
        for round_number in range(3):
            assert router.poll(20_000)
            identity, *frames = router.recv_multipart()
            events = [json.loads(frame) for frame in frames[1::2]]
            taken = 10 if round_number < 2 else len(events)
            arrived += [event["id"] for event in events[:taken]]
            router.send_multipart([identity] + [
                json.dumps({"status": "accepted", "id": event["id"], "offset": index}).encode()
                if index < taken else
                json.dumps({"status": "busy", "id": event["id"], "retryAfterMs": 20}).encode()
                for index, event in enumerate(events)])
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        context.destroy(linger=0)
    assert arrived == [json.loads(message.event)["id"] for message in messages]
    assert collections.Counter(arrived).most_common(1)[0][1] == 1


def test_it_comes_with_keys(make_daemon, tmp_path):
    site = Site(tmp_path, make_daemon, http="none")
    patient = Patient("k", practice="A1", source="urn:ehr:a")
    other = Patient("k", practice="A1", source="urn:ehr:other")
    path = tmp_path / "events.ndjson"
    path.write_bytes(line(patient.registered("1970-01-01")) + line(other.registered("1970-01-01")))
    keys = ["--server-key", tmp_path / "server.pub", "--key-file"]
    forwarder = Forwarder(site.daemon, tmp_path, path, *keys, tmp_path / "ehr")
    assert forwarder.finish().returncode == 65
    assert [aside["code"] for aside in forwarder.rejected()] == ["unauthorised"]
    site.make("stranger")
    stranger = Forwarder(site.daemon, tmp_path / "other", path, *keys, tmp_path / "stranger")
    (tmp_path / "other").mkdir()
    assert stranger.finish().returncode == 77
