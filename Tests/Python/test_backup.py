# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Copies and restores by the very commands of the page on them: one key signs one history."""

import json
import os
import shutil
import subprocess

import pytest

import daemon as daemons
from events import METFORMIN, NAPROXEN, Patient

PAGE = daemons.ROOT / "Sources/VigilLog/VigilLog.docc/Backup.md"
LOG_FAILURE = 74


def blocks(heading):
    """The blocks of commands in a part of the page, without their margin."""
    part = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = [[]]
    for line in part.splitlines():
        if line.startswith("    "):
            found[-1].append(line[4:])
        elif found[-1]:
            found.append([])
    return ["\n".join(block) for block in found if block]


(COPY,) = blocks("Copy")
RESTORE, ACCEPT, RESTORE_WITHOUT_KEY = blocks("Restore")


def do(daemon, commands):
    """Runs commands of the page where the data directory is."""
    folder = daemon.data.parent
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    if not (programs / "vigil").exists():
        (programs / "vigil").symlink_to(os.path.abspath(daemons.binary()))
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-ec", commands], cwd=folder, env=environment, check=True)


def refused(daemon):
    """What a start says that is refused because of the log."""
    said = len(daemon.errors())
    with pytest.raises(AssertionError):
        daemon.start()
    assert daemon.process.wait(timeout=30) == LOG_FAILURE
    daemon.process.stdout.close()
    daemon.process = None
    return daemon.errors()[said:]


def key(daemon):
    """The log's verifier key."""
    done = daemons.run("keys", "show", "--data", daemon.data)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(folder):
    """What a folder's files hold, by their paths; of its locks only that they are there."""
    return {path: path.name == "lock" or path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def prescribe(daemon, make_client, first, last):
    """Sends some events, and has them signed."""
    client, patient = make_client(daemon), Patient(f"p{first}")
    client.accept([patient.prescribed(METFORMIN, f"2024-03-{day:02}")
                   for day in range(first, last)])
    client.close()
    done = daemons.run("tiles", "--data", daemon.data, "--out", daemon.data.parent / "tiles")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def copied(make_daemon, make_client):
    """A stopped daemon that has signed more since a copy of it was made while it ran."""
    daemon = make_daemon()
    prescribe(daemon, make_client, 1, 5)
    do(daemon, COPY)
    prescribe(daemon, make_client, 5, 9)
    assert daemon.stop() == 0
    return daemon


def serves(daemon, make_client):
    """It takes events, and all that it signs holds."""
    daemon.start()
    make_client(daemon).accept([Patient("q").prescribed(NAPROXEN, "2024-04-01")])
    assert daemon.stop() == 0
    done = daemons.run("verify", "--data", daemon.data, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["signaturesChecked"], done.stderr


def test_a_copy_verifies_and_has_no_key(copied):
    done = daemons.run("verify", "--data", copied.data.parent / "backup", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["checkpoints"] > 0
    assert not (copied.data.parent / "backup" / "keys").exists()


def test_an_older_log_is_refused_until_an_operator_acts(copied, make_client):
    before = key(copied)
    do(copied, RESTORE)
    restored = files(copied.data)
    said = refused(copied)
    assert "restore the log from a newer copy" in said and "vigil keys accept-history" in said
    assert files(copied.data).items() >= restored.items(), "nothing of it has changed"
    do(copied, ACCEPT)
    serves(copied, make_client)
    assert key(copied) != before


def test_a_log_that_lost_nothing_is_restored_with_its_key(make_daemon, make_client):
    daemon = make_daemon()
    prescribe(daemon, make_client, 1, 5)
    before = key(daemon)
    assert daemon.stop() == 0
    do(daemon, COPY)
    do(daemon, RESTORE)
    serves(daemon, make_client)
    assert key(daemon) == before


def test_a_folder_that_is_moved_as_a_whole_serves_with_its_key(copied, make_client):
    before = key(copied)
    do(copied, "cp -a data elsewhere; rm -r data; mv elsewhere data")
    serves(copied, make_client)
    assert key(copied) == before


def test_a_copy_without_its_key_is_refused_until_an_operator_acts(copied, make_client):
    before = key(copied)
    shutil.rmtree(copied.data)
    restore, accept = RESTORE_WITHOUT_KEY.rsplit("\n", 1)
    do(copied, restore)
    said = refused(copied)
    assert "keys/log.ed25519 is not there" in said and "vigil keys accept-history" in said
    do(copied, accept)
    serves(copied, make_client)
    assert key(copied) != before


@pytest.mark.parametrize("is_older", [False, True])
def test_a_key_without_what_it_has_signed_is_refused(copied, make_client, is_older):
    before = key(copied)
    if is_older:
        do(copied, RESTORE)
    shutil.rmtree(copied.data / "signed")
    left = files(copied.data)
    said = refused(copied)
    assert "signed/state is not there" in said and "vigil keys accept-history" in said
    for command in (["tiles", "--out", copied.data / "t"], ["prove", "--offset", "0"]):
        done = daemons.run(command[0], "--data", copied.data, *command[1:])
        assert done.returncode == LOG_FAILURE and "signed/state is not there" in done.stderr
    done = daemons.run("verify", "--data", copied.data, "--json")
    assert done.returncode == 1 and "signed/state is not there" in done.stderr
    found = json.loads(done.stdout)
    assert not found["ok"] and "offset" not in found
    assert files(copied.data).items() >= left.items(), "nothing of it has changed"
    assert not (copied.data / "signed").exists()
    done = daemons.run("keys", "accept-history", "--data", copied.data, "--json")
    assert done.returncode == 0 and list(json.loads(done.stdout)) == ["key"], done.stderr
    serves(copied, make_client)
    assert key(copied) != before


def test_what_is_signed_is_not_begun_again_beside_a_running_daemon(make_daemon, make_client):
    daemon = make_daemon()
    prescribe(daemon, make_client, 1, 5)
    shutil.rmtree(daemon.data / "signed")
    done = daemons.run("prove", "--data", daemon.data, "--offset", "0")
    assert done.returncode == LOG_FAILURE and "signed/state is not there" in done.stderr
    make_client(daemon).accept([Patient("q").prescribed(NAPROXEN, "2024-04-01")])
    assert daemon.stop() == 0
    assert "no checkpoint was signed" in daemon.errors()
    assert not (daemon.data / "signed").exists()


def test_a_daemon_that_was_killed_before_it_signed_starts(make_daemon, make_client):
    daemon = make_daemon()
    daemon.kill()
    state = (daemon.data / "signed" / "state").read_text().split("\n")
    assert state[0] == "vigil/local"
    serves(daemon, make_client)
