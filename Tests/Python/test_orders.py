# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Orders to a running daemon: packs put in force, rules suspended, the configuration read again."""

import json
import os
import shutil
import signal
import stat
import subprocess
import time

import pytest

from client import Client
from daemon import ROOT, Daemon, endpoints_of, run
from events import NAPROXEN, Patient, clock

PINCER = ROOT / "Sources/VigilPacks/Packs/pincer"
THRESHOLD = 'parameter "Age threshold" Integer default 65\n\ncontext Patient'


def pack(folder, age=65, name="pack"):
    """A copy of `pincer` in which GI-P3A has a threshold."""
    copy = folder / name
    # Its cases hold with the threshold of 65 alone.
    shutil.copytree(PINCER, copy, ignore=shutil.ignore_patterns("cases"))
    for library in copy.glob("*.cql"):
        text = library.read_text().replace("context Patient", THRESHOLD, 1)
        library.write_text(
            text.replace("default 65", f"default {age}")
            .replace("AgeInYears() >= 65", 'AgeInYears() >= "Age threshold"'))
    return copy


@pytest.fixture
def ward(tmp_path):
    """A daemon with one open flag, of a patient of 83, and its folder."""
    daemon = Daemon(tmp_path).start()
    patient = Patient("ann")
    Client(daemon.endpoints).accept([
        patient.registered("1940-06-01"), patient.prescribed(NAPROXEN, "2024-02-01"),
        clock("2024-02-01T12:00:00Z")])
    yield daemon
    daemon.close()


def changes(daemon, topic="flag."):
    """What happened to flags, in order."""
    return [(record["event"]["type"].split(".")[-2], record["event"]["reason"])
            for record in daemon.export("--topic", topic)]


def until(condition, seconds=20):
    """Waits for what the daemon does in the background."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def order(daemon, *arguments):
    """A command to the running daemon."""
    return run(*arguments, "--data", daemon.data)


def test_a_pack_is_put_in_force_while_the_daemon_runs(ward, tmp_path):
    assert changes(ward) == [("raised", "event")]
    done = order(ward, "pack", "activate", pack(tmp_path, age=90))
    assert done.returncode == 0, done.stderr
    assert "in force, by offset" in done.stdout
    until(lambda: changes(ward)[1:] == [("resolved", "rules")])
    again = order(ward, "pack", "activate", tmp_path / "pack")
    assert "already" in again.stdout
    # Intake goes on, under the new rules.
    other = Patient("bob")
    Client(ward.endpoints).accept([
        other.registered("1940-06-01", day="2024-02-02"),
        other.prescribed(NAPROXEN, "2024-02-02"), clock("2024-02-02T12:00:00Z")])
    assert len(changes(ward)) == 2
    ward.assert_replays()
    ward.arguments = ["--pack", str(tmp_path / "pack")]
    count = len(ward.export())
    ward.restart()
    assert len(ward.export()) == count
    ward.assert_replays()


@pytest.mark.parametrize("fault", ["define Nonsense:", "exists 3", "rules"])
def test_a_pack_that_is_refused_leaves_the_old_one(ward, tmp_path, fault):
    folder = pack(tmp_path)
    library = next(folder.glob("*.cql"))
    if fault == "rules":
        manifest = folder / "pack.yaml"
        manifest.write_text(manifest.read_text().replace("id: pincer", "id: other", 1))
    else:
        library.write_text(library.read_text() + "\n" + fault + "\n")
    count = len(ward.export())
    done = order(ward, "pack", "activate", folder)
    assert done.returncode == 65, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1
    assert ("both have a rule" if fault == "rules" else library.name) in done.stderr
    assert len(ward.export()) == count


def test_a_rule_is_suspended_by_record_and_comes_back(ward):
    def rule():
        rows = json.loads(order(ward, "rule", "list", "--json").stdout)["rules"]
        return next(row for row in rows if row["rule"] == "gi-p3a")

    assert rule()["suspensions"] == []
    suspend = ("rule", "suspend", "gi-p3a", "--practice", "A81001", "--reason", "Under review")
    assert order(ward, *suspend).returncode == 0
    until(lambda: changes(ward)[1:] == [("resolved", "suspended")])
    assert rule()["suspensions"] == [{"practice": "A81001", "reason": "Under review"}]
    refused = order(ward, *suspend)
    assert refused.returncode == 65 and "already" in refused.stderr
    ward.restart()
    assert "suspended for A81001: Under review" in order(ward, "rule", "list").stdout
    assert len(changes(ward)) == 2
    counted = run("replay", "--data", ward.data, "--indicators").stdout.splitlines()
    row = next(row for row in map(json.loads, counted) if row["rule"] == "gi-p3a")
    assert row["numerator"] == 1
    resume = ("rule", "resume", "gi-p3a", "--practice", "A81001")
    assert order(ward, *resume).returncode == 0
    until(lambda: changes(ward)[2:] == [("raised", "rules")])
    assert order(ward, *resume).returncode == 65
    ward.assert_replays()


@pytest.mark.parametrize("path", ["/dev/full", None])
def test_a_standard_error_that_takes_nothing_ends_nothing(tmp_path, path):
    daemon = Daemon(tmp_path)
    if path:
        errors = os.open(path, os.O_WRONLY)
    else:
        reading, errors = os.pipe()
        os.close(reading)
    daemon.process = subprocess.Popen(
        daemon.command(), stdout=subprocess.PIPE, stderr=errors, text=True)
    os.close(errors)
    try:
        daemon.endpoints = endpoints_of(daemon.process.stdout.readline())
        # It is told what has come of it, and then the order is answered.
        daemon.process.send_signal(signal.SIGHUP)
        assert order(daemon, "rule", "list").returncode == 0
        Client(daemon.endpoints).accept([Patient("ann").registered("1940-06-01")])
        assert daemon.stop() == 0
    finally:
        daemon.close()


def test_orders_are_refused_by_name(ward, tmp_path):
    unknown = order(ward, "rule", "suspend", "gi-p3", "--practice", "all", "--reason", "x")
    assert unknown.returncode == 65 and "gi-p3a" in unknown.stderr
    ward.stop()
    gone = order(ward, "rule", "list")
    assert gone.returncode == 69 and "no daemon runs" in gone.stderr
    nowhere = run("rule", "list", "--data", tmp_path / "nowhere")
    assert nowhere.returncode == 66


def test_the_control_socket_is_its_users_alone(ward):
    mode = os.stat(ward.data / "control.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_a_clean_stop_leaves_no_socket_in_the_data_directory(ward):
    ward.kill()
    assert (ward.data / "control.sock").exists()
    ward.start()
    assert order(ward, "rule", "list").returncode == 0
    assert ward.stop() == 0
    assert not (ward.data / "control.sock").exists()


def test_a_hangup_reads_the_configuration_again(tmp_path):
    folder = pack(tmp_path)
    file = tmp_path / "settings.yaml"
    file.write_text(f"packs: ['{folder}']\n")
    daemon = Daemon(tmp_path, arguments=["--config", str(file)]).start()
    try:
        patient = Patient("ann")
        Client(daemon.endpoints).accept([
            patient.registered("1940-06-01"), patient.prescribed(NAPROXEN, "2024-02-01"),
            clock("2024-02-01T12:00:00Z")])

        def hang_up(says):
            daemon.process.send_signal(signal.SIGHUP)
            until(lambda: says in daemon.errors())

        hang_up("nothing changed")
        file.write_text(
            f"packs: ['{folder}']\nparameters: {{pincer: {{Age threshold: 85}}}}\n")
        hang_up("in force as configured, by offset")
        until(lambda: changes(daemon)[1:] == [("resolved", "rules")])
        file.write_text(
            f"packs: ['{folder}']\nparameters: {{pincer: {{Age threshold: old}}}}\n")
        hang_up('"Age threshold"')
        library = next(folder.glob("*.cql"))
        library.write_text(library.read_text().replace("default 65", "default 18"))
        file.write_text(f"packs: ['{folder}']\n")
        hang_up("by offset")
        until(lambda: changes(daemon)[2:] == [("raised", "rules")])
        count = len(daemon.export())
        daemon.restart()
        assert len(daemon.export()) == count
        daemon.assert_replays()
    finally:
        daemon.close()


def test_a_rule_on_trial_runs_and_reaches_nobody_as_a_flag(tmp_path):
    folder = pack(tmp_path)
    manifest = folder / "pack.yaml"
    text = manifest.read_text()
    assert "  - id: gi-p3a\n" in text
    manifest.write_text(text.replace("  - id: gi-p3a\n", "  - id: gi-p3a\n    shadow: true\n", 1))
    daemon = Daemon(tmp_path, arguments=["--pack", str(folder)], http="127.0.0.1:0").start()
    try:
        client = Client(daemon.endpoints)
        patient = Patient("ann")
        client.accept([
            patient.registered("1940-06-01"), patient.prescribed(NAPROXEN, "2024-02-01"),
            clock("2024-02-01T12:00:00Z")])
        assert changes(daemon) == []
        [shadow] = daemon.export("--topic", "shadow.")
        event = shadow["event"]
        assert shadow["topic"].startswith("shadow.A81001.") and event["sequence"] == "1"
        assert event["type"] == "health.vigil.shadow.raised.v1"
        assert client.open(["flag.", "alert."])[0] == []
        answer = client.publish([patient.review(event, time="2024-02-01T13:00:00Z")])
        assert answer[0]["code"] == "unknown-flag"
        # Taken off trial it is a flag of its own, and the shadow ends.
        manifest.write_text(text)
        assert order(daemon, "pack", "activate", folder).returncode == 0
        until(lambda: changes(daemon) == [("raised", "rules")])
        assert changes(daemon, "shadow.") == [("raised", "event"), ("resolved", "rules")]
        [raised] = daemon.export("--topic", "flag.")
        assert raised["event"]["flagid"] != event["flagid"]
        daemon.assert_replays()
    finally:
        daemon.close()


def test_a_candidate_is_told_apart_from_the_packs_of_the_log(ward, tmp_path):
    others = [Patient(name) for name in ("bob", "cat", "dan")]
    client = Client(ward.endpoints)
    for patient, born in zip(others, ("1950-06-01", "1958-03-01", "1990-01-01")):
        client.accept([
            patient.registered(born, day="2024-02-02"),
            patient.prescribed(NAPROXEN, "2024-02-02")])
    client.accept([clock("2024-03-02T12:00:00Z")])
    # Ann (83) and Bob (73) stay; Cat turns 66 on 2024-03-01, by when she is 65 in both.
    candidate = pack(tmp_path, age=66, name="later")
    told = run("replay", "--data", ward.data, "--pack", candidate, "--against", "log", "--json")
    assert told.returncode == 0, told.stderr
    comparison = json.loads(told.stdout)
    assert comparison["patients"] == 4
    row = next(row for row in comparison["rules"] if row["rule"] == "gi-p3a")
    assert (row["old"], row["new"], row["same"]) == (3, 3, 2)
    assert (row["added"], row["dropped"], row["moved"]) == (0, 0, 1)
    [example] = row["examples"]
    assert example["subject"] == "cat" and example["new"]["from"] == "2024-03-01T00:00:00.000Z"
    stricter = pack(tmp_path, age=80, name="stricter")
    table = run("replay", "--data", ward.data, "--pack", stricter, "--against", "pincer").stdout
    line = next(line for line in table.splitlines() if line.startswith("gi-p3a "))
    assert line.split() == ["gi-p3a", "3", "1", "1", "0", "2", "0", "0.00", "500.00"]
    assert "gi-p3a dropped" in table
    looser = pack(tmp_path, age=30, name="looser")
    same = run("replay", "--data", ward.data, "--pack", looser, "--against", looser, "--json")
    assert all(row["same"] == row["old"] == row["new"] for row in json.loads(same.stdout)["rules"])


def test_packs_are_replayed_with_as_a_start_puts_them_in_force(ward, tmp_path):
    def replayed(*packs, what="--json"):
        named = [word for name in packs for word in ("--pack", name)]
        return run("replay", "--data", ward.data, *named, what)

    copy = pack(tmp_path)
    once = replayed(copy)
    assert json.loads(once.stdout)["open"] == 1
    for first in ("pincer", copy):
        assert replayed(first, copy).stdout == once.stdout
        assert (replayed(first, copy, what="--indicators").stdout
                == replayed(copy, what="--indicators").stdout)
    manifest = copy / "pack.yaml"
    manifest.write_text(manifest.read_text().replace("id: pincer", "id: other", 1))
    ward.stop()
    ward.arguments = ["--pack", "pincer", "--pack", str(copy)]
    served = subprocess.run(ward.command(), capture_output=True, text=True, timeout=60)
    replay = replayed("pincer", copy)
    assert served.returncode == replay.returncode == 78
    assert "both have a rule" in replay.stderr
    assert served.stderr.splitlines()[-1] == replay.stderr.strip()
    named = ["--pack", "pincer", "--pack", copy, "--against", "log"]
    assert run("replay", "--data", ward.data, *named).returncode == 78


def test_a_candidate_may_fail_its_cases_until_it_is_to_be_in_force(ward, tmp_path):
    folder = tmp_path / "untested"
    shutil.copytree(ROOT / "Sources/VigilPacks/Packs/pincer", folder)
    library = folder / "pincer.cql"
    library.write_text(library.read_text().replace("AgeInYears() >= 65", "AgeInYears() >= 90"))
    told = run("replay", "--data", ward.data, "--pack", folder, "--against", "log", "--json")
    assert told.returncode == 0, told.stderr
    row = next(row for row in json.loads(told.stdout)["rules"] if row["rule"] == "gi-p3a")
    assert (row["old"], row["new"], row["dropped"]) == (1, 0, 1)
    counted = run("replay", "--data", ward.data, "--pack", folder, "--indicators")
    assert counted.returncode == 0 and '"rule":"gi-p3a"' in counted.stdout
    refused = order(ward, "pack", "activate", folder)
    assert refused.returncode == 65 and "fails" in refused.stderr
    broken = library.read_text().replace("AgeInYears() >= 90", "AgeInYears() >=")
    library.write_text(broken)
    told = run("replay", "--data", ward.data, "--pack", folder, "--against", "log")
    assert told.returncode == 65 and "pincer.cql:" in told.stderr


def test_a_flag_is_explained_from_the_log_alone(ward):
    [raised] = ward.export("--topic", "flag.")
    flag = raised["event"]["flagid"]
    Client(ward.endpoints).accept([clock("2024-06-01T12:00:00Z")])
    ward.stop()
    text = run("explain", flag, "--data", ward.data)
    assert text.returncode == 0, text.stderr
    assert "Naproxen 500mg tablets" in text.stdout and "raised 2024-02-01T" in text.stdout
    told = json.loads(run("explain", flag, "--data", ward.data, "--json").stdout)
    assert told["numerator"]["value"] is True and told["denominator"]["value"] is True
    assert told["at"] == raised["event"]["time"]

    def definitions(part):
        yield part
        for other in part["parts"]:
            yield from definitions(other)

    parts = list(definitions(told["numerator"]))
    records = [record for part in parts for record in part.get("records", [])]
    assert {record["display"] for record in records} == {"Naproxen 500mg tablets"}
    assert all(record["date"] == "2024-02-01" for record in records)
    # It ends when the NSAID leaves its window, three months and a day later.
    assert told["numerator"]["until"] == "2024-05-01T23:00:00.000Z"
    later = json.loads(
        run("explain", flag, "--data", ward.data, "--at", "2024-06-01", "--json").stdout)
    assert later["numerator"]["value"] is False
    before = run("explain", "a" * 26, "--data", ward.data)
    assert before.returncode == 65 and "never raised" in before.stderr


def test_an_explanation_reads_the_records_of_those_that_were_merged(make_daemon):
    daemon = make_daemon()
    retired, survivor, other = (Patient(name) for name in ("bea", "ann", "eve"))
    client = Client(daemon.endpoints)
    # A link is one however its name is written, and of others' records nothing is told.
    link = [{"type": "replaced-by", "other": {"reference": "Patient/ann"}}]
    merged = retired.registered("1940-06-01", day="2024-01-03", link=link)
    topic, event = merged
    client.accept([
        survivor.registered("1940-06-01"), retired.registered("1940-06-01"),
        other.registered("1940-06-01"), retired.prescribed(NAPROXEN, "2024-01-02"),
        (topic, event.replace(b'"link"', b'"\\u006cink"')),
        other.prescribed(NAPROXEN, "2024-02-01"), clock("2024-02-01T12:00:00Z")])
    flags = {record["event"]["subject"]: record["event"]["flagid"]
             for record in daemon.export("--topic", "flag.")
             if record["event"]["type"].endswith(".raised.v1")}
    daemon.stop()
    assert set(flags) >= {"ann", "eve"}
    told = run("explain", flags["ann"], "--data", daemon.data)
    assert told.returncode == 0 and "2024-01-02 Naproxen" in told.stdout, told
    told = run("explain", flags["eve"], "--data", daemon.data)
    assert told.returncode == 0 and "2024-01-02" not in told.stdout, told
