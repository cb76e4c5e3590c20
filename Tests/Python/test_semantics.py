# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""A log that an earlier version of the engine has written, opened by this one.

The earlier version is played: a log of this one is written again with an older number of semantics
in its first record, without a flag that this version raises and with one that it does not.
"""

import base64
import hashlib
import json
import time

import pytest

import log_reader
import log_writer
from daemon import run
from events import NAPROXEN, OMEPRAZOLE, Patient, clock, encoded, moment


def flag_id(origin, subject, rule, episode):
    """A flag's identity, by the protocol's formula."""
    parts = [origin.encode(), subject.encode(), rule.encode(), str(episode).encode()]
    digest = hashlib.sha256(b"\0".join(parts)).digest()[:16]
    return base64.b32encode(digest).decode().lower().rstrip("=")


def people():
    """Ann and Bob are old and get an NSAID alone; Carl is young, so that nothing is amiss."""
    return {name: Patient(name) for name in ("ann", "bob", "carl")}


@pytest.fixture
def first(make_daemon, make_client):
    """What this version makes of them."""
    daemon = make_daemon("first")
    client = make_client(daemon)
    patients = people()
    for name, born in [("ann", "1950-06-15"), ("bob", "1951-06-15"), ("carl", "1990-06-15")]:
        client.accept([patients[name].registered(born),
                       patients[name].prescribed(NAPROXEN, "2024-03-01")])
    client.accept([clock(moment("2024-03-10"))])
    assert daemon.stop() == 0
    return daemon, patients


def raised(records, subject):
    """The record of the one flag raised for a patient."""
    found = [record for record in records if record["kind"] == "output"
             and record["subject"] == subject and b".raised." in record["payload"]]
    assert len(found) == 1, (subject, [record["topic"] for record in records])
    return found[0]


def earlier(records):
    """The records as the earlier version would have written them: nothing of Bob, one of Carl."""
    genesis = json.loads(records[0]["payload"])
    assert genesis["data"]["semantics"] > 1
    genesis["data"]["semantics"] = 1
    records[0]["payload"] = encoded(genesis)
    ann, bob = raised(records, "ann"), raised(records, "bob")
    event = json.loads(ann["payload"])
    event["flagid"] = event["group"] = event["data"]["id"] = flag_id(
        event["source"], "carl", event["rule"], 1)
    assert flag_id(event["source"], "ann", event["rule"], 1) == json.loads(
        ann["payload"])["flagid"]
    event["subject"], event["sequence"] = "carl", "2"
    false = dict(ann, subject="carl", payload=encoded(event), offset=-1, id="-1",
                 causation=records[-1]["offset"])
    kept = [record for record in records if record is not bob]
    # What brought Bob's about ends its unit now.
    cause = next(record for record in kept if record["offset"] == bob["causation"])
    cause["ends_unit"] = True
    kept[-1]["ends_unit"] = False
    return [*kept, false], event["flagid"]


@pytest.fixture
def old(first, make_daemon):
    """A folder with such a log, and whom it is about."""
    daemon, patients = first
    records, carls = earlier(list(log_reader.records(daemon.data)))
    later = make_daemon("later", start=False)
    log_writer.rewrite(later.data, records)
    return later, patients, len(records), carls


def stepped(daemon):
    """The records, once all patients were looked at again."""
    deadline = time.monotonic() + 60
    while True:
        records = daemon.export()
        steps = [record for record in records if record["topic"] == "system.step"]
        if steps and steps[-1]["event"]["data"].get("through") == 3:
            return records
        assert time.monotonic() < deadline, [record["topic"] for record in records]
        time.sleep(0.2)


def test_this_version_takes_the_log_over(old, make_client):
    daemon, patients, size, carls = old
    daemon.start()
    records = stepped(daemon)
    new = records[size:]
    assert new[0]["topic"] == "system.semantics"
    assert new[0]["event"]["data"]["semantics"] == 4
    flags = {record["event"]["subject"]: record["event"] for record in new
             if record["topic"].startswith("flag.")}
    assert set(flags) == {"bob", "carl"}, "what stands as it stood is not told again"
    assert flags["bob"]["type"] == "health.vigil.flag.raised.v1"
    assert flags["bob"]["reason"] == "engine"
    assert flags["carl"]["type"] == "health.vigil.flag.resolved.v1"
    assert flags["carl"]["reason"] == "engine"
    assert flags["carl"]["flagid"] == carls
    step = next(record for record in new if record["topic"] == "system.step")
    assert {flag["causation"] for flag in flags.values()} == {str(step["offset"])}
    # Sequences of a topic go on from those of the records.
    topic = next(record["topic"] for record in new if record["topic"].startswith("flag."))
    sequences = [int(record["event"]["sequence"]) for record in records
                 if record["topic"] == topic]
    assert sequences == list(range(1, len(sequences) + 1))


def test_a_flag_of_the_earlier_version_goes_on(old, make_client):
    daemon, patients, size, _ = old
    daemon.start()
    anns = next(record["event"] for record in stepped(daemon)[:size]
                if record["topic"].startswith("flag.") and record["event"]["subject"] == "ann")
    client = make_client(daemon)
    client.accept([patients["ann"].review(anns, time=moment("2024-03-11"))])
    client.accept([patients["ann"].prescribed(OMEPRAZOLE, "2024-03-12")])
    told = [record["event"] for record in daemon.export()[size:]
            if record["topic"].startswith("flag.") and record["event"]["subject"] == "ann"]
    assert [event["type"].split(".")[3] for event in told] == ["reviewed", "resolved"]
    assert {event["flagid"] for event in told} == {anns["flagid"]}
    assert told[-1]["reason"] == "protection-issued"


def test_a_check_says_what_it_left_unchecked(old):
    daemon, _, size, _ = old
    done = run("replay", "--data", daemon.data, "--check")
    assert done.returncode == 0, done.stderr
    assert f"first {size} records" in done.stdout
    assert "left unchecked" in done.stdout
    assert "byte for byte" not in done.stdout
    daemon.start()
    stepped(daemon)
    done = run("replay", "--data", daemon.data, "--check")
    assert done.returncode == 0, done.stderr
    assert "left unchecked, every later one is what its inputs amount to" in done.stdout
    done = run("replay", "--data", daemon.data, "--check", "--json")
    assert json.loads(done.stdout)["unchecked"] == size + 1


def test_it_is_taken_over_once(old):
    daemon, _, size, _ = old
    daemon.start()
    before = stepped(daemon)
    daemon.restart()
    after = daemon.export()
    assert after == before
    assert [record["topic"] for record in after].count("system.semantics") == 1


def test_a_log_of_this_version_is_checked_whole(first):
    daemon, _ = first
    done = run("replay", "--data", daemon.data, "--check", "--json")
    assert json.loads(done.stdout)["unchecked"] == 0


@pytest.mark.parametrize("where", ["genesis", "record"])
def test_a_log_of_a_later_version_is_refused(first, make_daemon, where):
    daemon, _ = first
    records = list(log_reader.records(daemon.data))
    if where == "genesis":
        genesis = json.loads(records[0]["payload"])
        genesis["data"]["semantics"] = 99
        records[0]["payload"] = encoded(genesis)
    else:
        event = {"type": "health.vigil.system.semantics.v1", "data": {"semantics": 99}}
        records.append(dict(
            records[0], offset=-1, causation=-1, id="-1", topic="system.semantics",
            payload=encoded(event)))
    future = make_daemon("future", start=False)
    log_writer.rewrite(future.data, records)
    for arguments in (["replay", "--check", "--data", future.data], future.command()[1:]):
        done = run(*arguments)
        assert done.returncode != 0
        assert "semantics 99" in done.stderr
        assert "use the version that wrote it" in done.stderr
