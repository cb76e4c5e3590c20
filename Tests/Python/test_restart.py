# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Starts from snapshots and the index of duplicates: whatever becomes of these files, a daemon goes
on as one that has folded its whole log."""

import json
import random
import shutil

from client import Client
from daemon import run
from events import Patient
from test_kill import publish_until_killed, workload

SEED = 20240301


def often(tmp_path, records=256):
    """Arguments of a daemon that writes a snapshot every few hundred records, in small segments."""
    path = tmp_path / "often.yaml"
    path.write_text(f"segmentBytesMax: 65536\nsnapshotRecords: {records}\n")
    return ["--config", str(path)]


def snapshots(daemon):
    """The files of the snapshots, the oldest first."""
    return sorted((daemon.data / "snapshots").glob("*.snapshot"))


def index_files(daemon):
    return sorted((daemon.data / "index").glob("*.run"))


def send_all(daemon, messages):
    """Sends messages in requests of 64; the answers, of what was busy the one that came after."""
    client = Client(daemon.endpoints)
    try:
        return client.publish(messages, batch=64, window=1)
    finally:
        client.close()


def filled(make_daemon, tmp_path, cycles=3):
    """A stopped daemon with a few hundred records, and what was sent."""
    daemon = make_daemon(arguments=often(tmp_path))
    messages = [message for cycle in range(cycles) for message in workload(cycle)]
    assert {answer["status"] for answer in send_all(daemon, messages)} == {"accepted"}
    assert daemon.stop() == 0
    return daemon, messages


def test_it_is_ready_once_changed_rules_hold_for_all_patients(make_daemon, make_client):
    """On an event clock no input is taken before."""
    count = 10_000
    daemon = make_daemon()
    make_client(daemon).accept(
        [Patient(f"p{number}").registered("1940-01-01") for number in range(count)])
    assert daemon.stop() == 0
    daemon.arguments = ["--pack", "asthma"]
    daemon.start()
    # What was decided is durable then, and nothing more is decided.
    assert daemon.stop() == 0
    steps = [record["event"]["data"]["through"] for record in daemon.export()
             if record["topic"] == "system.step"]
    assert steps and steps[-1] == count


def test_a_stop_leaves_a_snapshot_and_the_next_start_reads_no_old_record(make_daemon, tmp_path):
    daemon, messages = filled(make_daemon, tmp_path)
    assert 1 <= len(snapshots(daemon)) <= 2
    assert index_files(daemon)
    # Old records are not read: one that is damaged keeps nobody from starting, readers tell of it.
    segment = sorted((daemon.data / "log").glob("*.vlog"))[2]
    whole = segment.read_bytes()
    position = whole.index(b"specversion")
    segment.write_bytes(whole[:position] + b"X" + whole[position + 1:])
    daemon.start()
    assert daemon.stop() == 0
    verified = run("verify", "--data", daemon.data)
    assert verified.returncode == 1 and "first bad offset" in verified.stderr + verified.stdout
    segment.write_bytes(whole)
    daemon.start()
    answers = send_all(daemon, messages)
    assert {answer["status"] for answer in answers} == {"duplicate"}
    assert daemon.stop() == 0
    daemon.assert_replays()


def test_without_snapshots_and_index_the_same_goes_on(make_daemon, tmp_path):
    daemon, messages = filled(make_daemon, tmp_path)
    copy = make_daemon(start=False, arguments=often(tmp_path), name="copy")
    shutil.copytree(
        daemon.data, copy.data, ignore=shutil.ignore_patterns("control.sock"))
    shutil.rmtree(copy.data / "snapshots")
    shutil.rmtree(copy.data / "index")
    more = workload(5)
    exported = []
    for one in (daemon, copy):
        one.start()
        assert {answer["status"] for answer in send_all(one, messages[::7])} == {"duplicate"}
        assert {answer["status"] for answer in send_all(one, more)} == {"accepted"}
        client = Client(one.endpoints)
        flags = client.open(["flag."])
        client.close()
        assert one.stop() == 0
        one.assert_replays()
        exported.append((flags, [
            (record["topic"], record["event"]) for record in one.export()]))
    assert exported[0] == exported[1]
    assert index_files(copy) and snapshots(copy)


def test_bad_snapshots_and_index_files_are_told_and_ignored(make_daemon, tmp_path):
    daemon, messages = filled(make_daemon, tmp_path)
    dice = random.Random(SEED)
    for number in range(12):
        before = len(daemon.errors())
        # Of the snapshots the newest: no other is looked at while that one is whole.
        files = snapshots(daemon)[-1:] + index_files(daemon)
        file = files[number % len(files)]
        whole = bytearray(file.read_bytes())
        position = dice.randrange(len(whole))
        whole[position] ^= 1 << dice.randrange(8)
        file.write_bytes(whole)
        daemon.start()
        answers = send_all(daemon, messages[number::5])
        assert {answer["status"] for answer in answers} == {"duplicate"}, (file, position)
        errors = daemon.errors()[before:]
        assert daemon.stop() == 0
        assert file.name in errors or "is damaged: made again" in errors, (file, position)
    daemon.assert_replays()


def test_kills_while_snapshots_and_index_are_written(make_daemon, tmp_path):
    dice = random.Random(SEED)
    daemon = make_daemon(arguments=often(tmp_path))
    acknowledged = {}
    for cycle in range(12):
        messages = workload(cycle)
        acknowledged.update(
            publish_until_killed(daemon, messages, dice.randrange(2, len(messages) // 16)))
        daemon.start()
        records = daemon.export("--topic", "p")
        stored = {(record["event"]["source"], record["event"]["id"]): record["offset"]
                  for record in records}
        assert len(stored) == len(records), f"stored twice (seed {SEED}, cycle {cycle})"
        for message, offset in acknowledged.items():
            event = json.loads(message.event)
            assert stored[(event["source"], event["id"])] == offset
        if cycle % 4 == 3:
            daemon.restart()
    assert snapshots(daemon), "no snapshot was ever written"
    assert daemon.stop() == 0
    daemon.assert_replays()
    assert "is ignored" not in daemon.errors()


def test_open_flags_of_a_moment_are_those_that_were_open_then(make_daemon, tmp_path):
    daemon = make_daemon(arguments=often(tmp_path))
    moments = []
    for cycle in range(3):
        messages = workload(cycle)
        for start in range(0, len(messages), 40):
            send_all(daemon, messages[start:start + 40])
            live = run("open", "--json", "--history", daemon.endpoints["history"])
            assert live.returncode == 0
            head = daemon.export()[-1]
            moments.append((head["offset"], head["recorded"], live.stdout))
    assert daemon.stop() == 0
    assert len({text for _, _, text in moments}) > 3
    for offset, recorded, expected in moments[::4]:
        for how in (["--until-offset", offset], ["--until", recorded]):
            done = run("replay", "--data", daemon.data, "--open", "--check", *how)
            assert done.returncode == 0, done.stderr
            assert done.stdout == expected, (offset, how)
    refused = run("replay", "--data", daemon.data, "--until", "2024-01-01", "--until-offset", 3)
    assert refused.returncode == 64
    end = moments[-1][0] + 10_000
    refused = run("replay", "--data", daemon.data, "--until-offset", end)
    assert refused.returncode == 64 and f"there is no {end}" in refused.stderr
