# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The command line: help, failures told in a sentence, and how the daemon starts and ends."""

import fcntl
import json
import os
import shutil
import signal
import subprocess

import pytest

from daemon import ROOT, Daemon, binary, run
from events import NAPROXEN, Patient, clock

COMMANDS = ["serve", "publish", "watch", "open", "export", "replay", "timeline", "log",
            "simulate"]


def assert_fails_in_a_sentence(done, *mentions):
    """Non-zero, nothing on stdout, one sentence on stderr that names what it is about."""
    assert done.returncode != 0
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    for mention in mentions:
        assert mention.lower() in lines[0].lower(), lines[0]


def test_help_names_every_command():
    done = run("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert command in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert "USAGE" in done.stdout.upper()
    assert len(done.stdout.splitlines()) > 4


def leaves(*path):
    """Every command that does something: those that have no commands below them."""
    lines = run(*path, "--help").stdout.splitlines()
    if "SUBCOMMANDS:" not in lines:
        return [path]
    below = lines[lines.index("SUBCOMMANDS:") + 1:]
    below = [line.split()[0] for line in below[:below.index("")] if line[2] != " "]
    return [leaf for name in below for leaf in leaves(*path, name)]


def test_every_command_takes_json():
    commands = leaves()
    assert len(commands) > 25
    assert [command for command in commands if "--json" not in run(*command, "--help").stdout] == []


def test_what_keys_and_config_say_is_json_where_it_is_asked_for(tmp_path):
    made = run("keys", "new", "--out", tmp_path / "key", "--json")
    shown = run("keys", "show", tmp_path / "key", "--json")
    assert json.loads(made.stdout) == json.loads(shown.stdout)
    assert json.loads(made.stdout)["key"] in (tmp_path / "key.pub").read_text()
    checked = run("config", "check", "--data", tmp_path / "data", "--json")
    assert json.loads(checked.stdout) == {"warnings": []}, checked.stderr


def test_an_unknown_command_or_option_fails():
    for arguments in (["prescribe"], ["serve", "--unknown"], ["export"]):
        done = run(*arguments)
        assert done.returncode == 64
        assert done.stdout == ""
        assert done.stderr.startswith("vigil: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["export", "replay"])
def test_a_folder_without_a_log_is_named(tmp_path, command):
    missing = tmp_path / "nothing-here"
    assert_fails_in_a_sentence(run(command, "--data", missing), "nothing-here")
    assert not missing.exists()


def test_a_folder_that_cannot_be_made_is_named_with_the_reason(tmp_path):
    (tmp_path / "notes").write_text("no folder")
    done = run("serve", "--data", tmp_path / "notes/log", "--http", "none")
    assert_fails_in_a_sentence(done, str(tmp_path / "notes"), "Not a directory")
    assert done.returncode == 74


def test_a_pack_that_cannot_be_written_is_told_in_a_sentence(tmp_path):
    (tmp_path / "notes").write_text("no folder")
    done = run("pack", "new", tmp_path / "notes/mine")
    assert_fails_in_a_sentence(
        done, str(tmp_path / "notes/mine"), "Not a directory", "run the command again")
    assert "Error Domain" not in done.stderr
    assert done.returncode == 74


@pytest.mark.parametrize("command", [
    ["serve", "--http", "none", "--data", ""], ["serve", "--data="],
    ["serve", "--data", "d", "--config", ""], ["config", "check", "--data", "d", "--map", ""],
    ["tiles", "--data", "d", "--out", ""], ["verify", "--data", "d", "--checkpoint="],
    ["keys", "new", "--out", ""], ["forward", "-", "--outbox", ""],
    ["open", "--key-file", ""]])
def test_a_path_that_is_empty_is_refused(command):
    done = run(*command)
    option = [word for word in command if word.startswith("--")][-1].rstrip("=")
    assert_fails_in_a_sentence(done, f"{option} is empty: name a file or a directory")
    assert done.returncode == 64


def test_a_new_pack_without_a_name_is_refused(tmp_path):
    done = subprocess.run(
        [os.path.abspath(binary()), "pack", "new", ""], cwd=tmp_path, capture_output=True,
        text=True, timeout=60)
    assert_fails_in_a_sentence(done, "the directory's name is empty")
    assert done.returncode == 64
    assert list(tmp_path.iterdir()) == []


def test_a_quarantine_that_can_keep_nothing_is_told_at_the_start(make_daemon):
    daemon = make_daemon()
    assert daemon.stop() == 0
    quarantine = daemon.data / "quarantine"
    shutil.rmtree(quarantine)
    quarantine.write_text("no folder")
    done = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=60)
    assert_fails_in_a_sentence(done, str(quarantine), "Not a directory", "make it a folder")
    assert done.returncode == 74
    quarantine.unlink()
    daemon.start()


def test_an_unreachable_daemon_is_named(tmp_path):
    endpoint = f"ipc://{tmp_path}/nobody"
    event = Patient("p").registered("1940-01-01").event.decode() + "\n"
    done = run("publish", "--ingest", endpoint, "-", input=event)
    assert done.returncode != 0
    assert endpoint in done.stderr
    assert_fails_in_a_sentence(run("open", "--history", endpoint), endpoint)


def test_a_file_that_is_not_there_is_named(daemon):
    done = run("publish", "--ingest", daemon.endpoints["ingest"], "missing-bundle.json")
    assert done.returncode != 0
    assert "missing-bundle.json" in done.stderr


@pytest.mark.parametrize("endpoint", ["tcp://*:5991", "tcp://0.0.0.0:5991", "tcp://[::]:5991"])
def test_a_bind_beyond_loopback_is_refused(tmp_path, endpoint):
    daemon = Daemon(tmp_path, arguments=["--ingest", endpoint])
    try:
        command = daemon.command()
        # The harness's own ingest endpoint would be a second one.
        index = command.index("--ingest")
        del command[index:index + 2]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert_fails_in_a_sentence(done, endpoint, "curve")
    finally:
        daemon.close()


def test_a_second_daemon_on_the_same_folder_is_refused(make_daemon):
    first = make_daemon("one")
    second = make_daemon("one", start=False)
    done = subprocess.run(second.command(), capture_output=True, text=True, timeout=60)
    assert_fails_in_a_sentence(done)
    assert first.stop() == 0
    second.start()


def test_another_clock_than_the_logs_is_refused(make_daemon):
    daemon = make_daemon("one", clock="event")
    assert daemon.stop() == 0
    other = make_daemon("one", start=False, clock="wall")
    done = subprocess.run(other.command(), capture_output=True, text=True, timeout=60)
    assert_fails_in_a_sentence(done, "clock")


def test_an_unknown_pack_is_refused_before_a_log_is_begun(tmp_path):
    daemon = Daemon(tmp_path, arguments=["--pack", "no-such-pack"])
    try:
        done = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=60)
        assert_fails_in_a_sentence(done, "no-such-pack")
        assert done.returncode == 66
        assert not (daemon.data / "log").exists()
    finally:
        daemon.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_what_was_accepted_stays(make_daemon, make_client, number):
    daemon = make_daemon()
    patient = Patient("p")
    offsets = make_client(daemon).accept(
        [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01")])
    before = daemon.export_text()
    assert daemon.stop(number) == 0
    assert daemon.export_text() == before
    daemon.start()
    # Start and stop leave no record.
    assert daemon.export_text() == before
    assert offsets[-1] < len(before)


def test_ready_is_one_line_that_names_every_endpoint(daemon):
    assert set(daemon.endpoints) >= {"events", "ingest", "alerts", "history"}


def test_a_free_port_may_be_asked_for(tmp_path):
    command = [binary(), "serve", "--data", str(tmp_path / "data"), "--http", "none"]
    for name in ("events", "ingest", "alerts", "history"):
        command += [f"--{name}", "tcp://127.0.0.1:*"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert "ready" in line
        assert "*" not in line and "tcp://127.0.0.1:" in line
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_export_prints_the_log_beside_a_running_daemon(daemon, client):
    patient = Patient("p")
    messages = [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01")]
    offsets = client.accept(messages)
    lines = daemon.export_text()
    for message, offset in zip(messages, offsets):
        record = json.loads(lines[offset])
        assert list(record) == ["offset", "recorded", "topic", "event"]
        assert record["topic"] == message.topic.decode()
        # The event's own bytes, white space outside strings removed: here there is none.
        assert message.event.decode() in lines[offset]
    assert [json.loads(line)["offset"] for line in daemon.export_text("--from", offsets[1])][0] \
        == offsets[1]


def test_output_that_cannot_be_written_is_a_failure(daemon, client):
    patient = Patient("p")
    client.accept([patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01"),
                   clock("2024-03-02T00:00:00Z")])
    assert daemon.export("--topic", "flag.")
    endpoints = daemon.endpoints
    for command in (
            ["export", "--data", daemon.data], ["timeline", "p", "--data", daemon.data],
            ["replay", "--data", daemon.data, "--indicators"], ["cql", "1 + 1"], ["simulate"],
            ["open", "--history", endpoints["history"]],
            ["watch", "--from", "0", "--alerts", endpoints["alerts"],
             "--history", endpoints["history"]]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [binary(), *map(str, command)], stdout=full, stderr=subprocess.PIPE, text=True,
                timeout=120)
        assert done.returncode == 74, (command, done.stderr)
        assert "standard output: No space left on device" in done.stderr, command
        assert done.stderr.count("\n") == 1, done.stderr


def test_a_pipe_that_does_not_block_gets_everything():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    command = ["simulate", "--patients", "20"]
    process = subprocess.Popen([binary(), *command], stdout=writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        written = pipe.read()
    assert process.wait(timeout=60) == 0
    assert written.decode() == run(*command).stdout


def test_replay_names_the_first_difference(make_daemon, make_client):
    daemon = make_daemon()
    patient = Patient("p")
    make_client(daemon).accept(
        [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01")])
    assert daemon.stop() == 0
    done = run("replay", "--data", daemon.data, "--check")
    assert done.returncode == 0, done.stderr
    for segment in sorted(daemon.data.rglob("*")):
        if segment.is_file() and b"Naproxen" in segment.read_bytes():
            segment.write_bytes(segment.read_bytes().replace(b"Naproxen", b"Naproxem"))
    assert_fails_in_a_sentence(run("replay", "--data", daemon.data, "--check"))


def test_simulate_is_the_same_for_the_same_seed_and_publishes(daemon):
    first, again, other = (
        run("simulate", "--patients", "20", "--seed", seed).stdout for seed in (7, 7, 8))
    assert first == again != other
    done = run("publish", "--ingest", daemon.endpoints["ingest"], "-", input=first)
    assert done.returncode == 0, done.stderr
    assert daemon.export("--topic", "flag.")
    daemon.assert_replays()


@pytest.mark.parametrize("command, says", [
    (["frobnicate"], "vigil has no command frobnicate; the commands are serve, config"),
    (["help", "nope"], "the commands are serve, config"),
    (["watsh"], "vigil has no command watsh (did you mean watch?); the commands are serve"),
    (["config", "shwo"], "vigil config has no command shwo (did you mean show?)"),
    (["help", "pack", "nope"], "vigil pack has no command nope; the commands are list")])
def test_a_word_that_is_no_command_is_refused(command, says):
    done = run(*command)
    assert_fails_in_a_sentence(done, says)
    assert done.returncode == 64


@pytest.mark.parametrize("command", [["help"], ["help", "config"], ["help", "config", "show"],
                                     ["--help"], ["config", "show", "--help"]])
def test_help_is_no_failure(command):
    done = run(*command)
    assert done.returncode == 0 and "USAGE: vigil" in done.stdout


@pytest.mark.parametrize("command, option, says", [
    (["watch"], "--from", "a whole number from 0"),
    (["export", "--data", "d"], "--from", "a whole number from 0"),
    (["replay", "--data", "d"], "--until-offset", "a whole number from 0"),
    (["prove", "--data", "d"], "--offset", "a whole number from 0"),
    (["simulate"], "--patients", "a number from 1 to 10000000"),
    (["simulate"], "--days", "a number from 1 to 36500"),
    (["simulate"], "--rate", "a number from 0.001 to 1000000"),
    (["simulate"], "--seed", "a whole number from 0")])
def test_a_number_below_the_range_is_told_with_the_range(command, option, says):
    done = run(*command, option, "-3")
    assert_fails_in_a_sentence(done, option, says)
    assert done.returncode == 64


@pytest.mark.parametrize("rate", ["1e-20", "0.0009", "1000001", "inf", "nan"])
def test_a_rate_that_cannot_be_kept_is_told_with_the_range(rate):
    done = run("simulate", "--rate", rate)
    assert_fails_in_a_sentence(done, "--rate", "a number from 0.001 to 1000000")
    assert done.returncode == 64


def test_flags_for_a_person_hold_nothing_that_steers_a_terminal():
    event = {"type": "health.vigil.flag.raised.v1", "time": "2024-03-01T09:00:00.000Z",
             "rule": "gi-p3a", "severity": "high", "subject": "p\u0007", "reason": "e\u009b31m",
             "data": {"detail": "Naproxen\u001b[2J and more\u007f"}}
    done = subprocess.run([ROOT / "deploy/show-flags"], input=json.dumps(event) + "\n",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "2024-03-01 09:00 RAISED   gi-p3a   high     patient p (e31m)\n"
        + " " * 17 + "Naproxen[2J and more\n")
