# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Damage, torn tails and copies: what a log tells of itself, and what it refuses to be."""

import json
import shutil
import subprocess
import time

from client import Client
from daemon import run
from events import METFORMIN, NAPROXEN, Patient
from faults import LOG_FAILURE, Publisher, padded, small_segments


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


def test_a_file_behind_the_end_is_told_by_every_reader(make_daemon):
    daemon, _ = stopped_log(make_daemon, count=5)
    count = len(daemon.export())
    stray = daemon.data / "log" / f"{999:020}.vlog"
    for content in (b"", b"junk" * 200):
        stray.write_bytes(content)
        served = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=60)
        assert served.returncode == LOG_FAILURE
        assert stray.name in served.stderr and f"records {count} to 998" in served.stderr
        verified = run("verify", "--data", daemon.data)
        assert verified.returncode == 1
        assert stray.name in verified.stderr
        assert f"first bad offset {count} (to 998)" in verified.stderr
        for command in (["export"], ["replay", "--check"]):
            read = run(*command, "--data", daemon.data)
            assert read.returncode == LOG_FAILURE and "damaged" in read.stderr
    stray.unlink()
    assert run("verify", "--data", daemon.data).returncode == 0


def test_inspect_prints_what_precedes_a_damaged_header(make_daemon):
    daemon, _ = stopped_log(make_daemon)
    segment = last_segment(daemon)
    data = bytearray(segment.read_bytes())
    starts = [at for at in range(512, len(data), 512) if data[at:at + 8] == b"VIGILCOM"]
    data[starts[10]] ^= 1
    segment.write_bytes(data)
    done = run("log", "inspect", "--data", daemon.data, "--json")
    assert done.returncode == LOG_FAILURE and "damaged" in done.stderr
    row, *checkpoints = map(json.loads, done.stdout.splitlines())
    assert [checkpoint["file"] for checkpoint in checkpoints][-1] == "signed/state"
    assert (row["file"], row["commits"], row["usedBytes"]) == (segment.name, 10, starts[10])


def test_a_torn_tail_becomes_a_record_that_replays(make_daemon):
    daemon, messages = stopped_log(make_daemon, count=5)
    segment = last_segment(daemon)
    done = run("log", "inspect", "--data", daemon.data, "--json")
    used = json.loads(done.stdout.splitlines()[0])["usedBytes"]
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
    files = [file for file in files if file["file"].endswith(".vlog")]
    assert len(files) > 2
    assert sum(file["records"] for file in files) == len(records)
    table = run("log", "inspect", "--data", daemon.data).stdout.splitlines()
    assert table.index("") == len(files) + 1

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
