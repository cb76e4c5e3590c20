# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""`vigil watch` and `vigil open` beside a daemon that goes away and comes back."""

import json
import signal
import subprocess
import time

import pytest

from daemon import binary, run
from events import NAPROXEN, Patient, clock


def flagged(number):
    """A patient whose flag is raised at once when the clock moves on."""
    patient = Patient(f"w{number:03}")
    day = f"2024-{number // 25 + 1:02}-{number % 25 + 1:02}"
    return [patient.registered("1940-01-01", day), patient.prescribed(NAPROXEN, day),
            clock(f"{day}T12:00:00Z")]


@pytest.fixture
def watch(daemon, tmp_path):
    """Starts `vigil watch`; its lines go into a file."""
    started = []

    def start(*arguments):
        path = tmp_path / f"watched-{len(started)}"
        with open(path, "wb") as file:
            process = subprocess.Popen(
                [binary(), "watch", "--alerts", daemon.endpoints["alerts"],
                 "--history", daemon.endpoints["history"], *arguments],
                stdout=file, stderr=subprocess.DEVNULL)
        started.append(process)
        return process, path

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(path, count, seconds=30):
    """The lines of a file once there are so many, as events."""
    deadline = time.monotonic() + seconds
    while True:
        lines = path.read_text().splitlines()
        if len(lines) >= count or time.monotonic() > deadline:
            return [json.loads(line) for line in lines]
        time.sleep(0.1)


def recorded(daemon):
    return [record["event"] for record in daemon.export("--topic", "flag.")]


def test_watch_prints_every_output_once_also_across_a_restart(daemon, make_client, watch):
    process, path = watch("--topic", "flag.", "--from", "0")
    make_client(daemon).accept([m for number in range(0, 20) for m in flagged(number)])
    wait_for(path, 20)
    daemon.kill()
    daemon.start()
    make_client(daemon).accept([m for number in range(20, 40) for m in flagged(number)])
    expected = recorded(daemon)
    assert len(expected) >= 40
    assert wait_for(path, len(expected)) == expected
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_watch_without_a_start_prints_only_what_is_new(daemon, client, watch):
    client.accept([m for number in range(0, 5) for m in flagged(number)])
    before = recorded(daemon)
    _, path = watch("--topic", "flag.")
    time.sleep(4)
    client.accept([m for number in range(5, 10) for m in flagged(number)])
    expected = recorded(daemon)[len(before):]
    assert wait_for(path, len(expected)) == expected != []


def test_watch_prints_only_outputs(daemon, client, watch):
    _, path = watch("--from", "0")
    client.accept(flagged(1))
    events = wait_for(path, 1)
    time.sleep(1.5)
    events = wait_for(path, 1)
    assert events
    assert all(event["source"].startswith("vigil/") for event in events)
    assert not any(".heartbeat." in event["type"] for event in events)


def test_open_prints_what_is_open_for_a_practice(daemon, client):
    client.accept([m for number in range(3) for m in flagged(number)])
    other = Patient("other", "B82002")
    client.accept([other.registered("1940-01-01", "2024-01-10"),
                   other.prescribed(NAPROXEN, "2024-01-10"), clock("2024-01-11T00:00:00Z")])
    for arguments, subjects in (([], ["other", "w000", "w001", "w002"]),
                                (["--practice", "B82002"], ["other"])):
        done = run("open", "--json", "--history", daemon.endpoints["history"], *arguments)
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        events = [event.get("event", event) for event in events]
        assert sorted(event["subject"] for event in events) == subjects


def test_watch_names_a_history_that_does_not_answer(daemon, tmp_path):
    nowhere = f"ipc://{tmp_path}/nowhere"
    done = run("watch", "--alerts", daemon.endpoints["alerts"], "--history", nowhere, timeout=60)
    assert done.returncode == 69 and nowhere in done.stderr and "--history" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_watch_says_once_that_it_waits_for_the_daemon(daemon, client, tmp_path):
    errors = tmp_path / "errors"
    with open(errors, "wb") as file:
        process = subprocess.Popen(
            [binary(), "watch", "--from", "0", "--alerts", daemon.endpoints["alerts"],
             "--history", daemon.endpoints["history"]],
            stdout=subprocess.PIPE, stderr=file, text=True)
    try:
        client.accept(flagged(1))
        first = process.stdout.readline()
        daemon.kill()
        deadline = time.monotonic() + 30
        while "waiting" not in errors.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(5)
        daemon.start()
        assert json.loads(first)["flagid"]
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
        process.stdout.close()
    assert errors.read_text().count("waiting") == 1, errors.read_text()
