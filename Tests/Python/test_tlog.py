# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The verifiable log as an auditor sees it, with a verifier that knows nothing of Vigil."""

import base64
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import daemon as daemons
import log_reader
import log_writer
import merkle
import signer
from events import METFORMIN, NAPROXEN, Patient

OLD_SIZE, SIZE, FORKED = 60_123, 70_000, 12_345
AUDIT = """
import base64, json, sys
import aics_tlog
note = open(sys.argv[1] + "/checkpoint").read().split("\\n")
reader = aics_tlog.FileSystemTileReader(sys.argv[1])
aics_tlog.audit_tiles(reader, int(note[1]), base64.b64decode(note[2]))
"""


def python_for_verifier():
    """A Python of 3.12 or newer, which aics-tlog needs; None where there is none."""
    names = [sys.executable] + [shutil.which(f"python3.{minor}") for minor in (14, 13, 12)]
    root = os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv"
    if shutil.which("pyenv"):
        root = subprocess.run(
            ["pyenv", "root"], capture_output=True, text=True, check=False).stdout.strip() or root
    names += sorted(pathlib.Path(root).glob("versions/*/bin/python"), reverse=True)
    for name in filter(None, names):
        asked = subprocess.run(
            [str(name), "-c", "import sys, venv; print(sys.version_info >= (3, 12))"],
            capture_output=True, text=True, check=False)
        if asked.stdout.strip() == "True":
            return str(name)
    return None


@pytest.fixture(scope="session")
def verifier(tmp_path_factory):
    """The folder of the programs of aics-tlog, in an environment of its own."""
    python = python_for_verifier()
    if python is None:
        pytest.skip("aics-tlog needs Python 3.12 or newer, and there is none")
    folder = tmp_path_factory.mktemp("verifier")
    try:
        subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True)
        subprocess.run(
            [folder / "bin/pip", "install", "--quiet", "aics-tlog==0.2.1"], check=True,
            capture_output=True, timeout=150)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"aics-tlog cannot be installed: {error}")
    return folder / "bin"


class Published:
    """A log of 70,000 records that was published at 60,123 and then at its end."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.tiles = folder / "tiles"
        self.vkey = folder / "log.vkey"
        # The key is the daemon's own; the log is one of its format, written by another program.
        daemon = daemons.Daemon(folder)
        try:
            daemon.start()
            assert daemon.stop() == 0
        finally:
            daemon.close()
        self.vkey.write_text(self.command("keys", "show", "--data", self.data))
        self.records = [
            (f"device.A8{number % 7}", b'{"n":%d}' % number) for number in range(SIZE - 1)]
        shutil.rmtree(self.data / "log")
        shutil.rmtree(self.data / "signed")
        signer.sign_state(self.data)
        self.entries = log_writer.write(self.data, self.records, commit_end=OLD_SIZE)
        durable = self.data / "log" / "durable"
        whole = durable.read_bytes()
        log_writer.claim(self.data, 1, OLD_SIZE, 50_000, 512)
        self.publish()
        self.old = folder / "old.note"
        shutil.copy(self.tiles / "checkpoint", self.old)
        durable.write_bytes(whole)
        self.publish()

    def command(self, *arguments):
        done = daemons.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def publish(self):
        self.command("tiles", "--data", self.data, "--out", self.tiles)


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """The published log, which no test changes."""
    return Published(tmp_path_factory.mktemp("published"))


def ask(verifier, command, tiles, published, *arguments):
    """What aics-tlog says: its exit code and its JSON."""
    done = subprocess.run(
        [verifier / "aics-tlog", command, "--tiles", tiles, "--vkey-file", published.vkey,
         *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}")


def audit(verifier, tiles):
    """The exit code of a full audit: every tile and every entry against the root."""
    return subprocess.run(
        [verifier / "python", "-c", AUDIT, str(tiles)], capture_output=True,
        check=False).returncode


def test_an_auditor_accepts_checkpoint_inclusion_and_growth(verifier, published, tmp_path):
    code, said = ask(verifier, "verify-checkpoint", published.tiles, published)
    assert (code, said["size"], said["tiles_ok"]) == (0, SIZE, True)
    for offset in (0, 255, 256, 42_424, 65_536, SIZE - 1):
        out = tmp_path / f"{offset}.bin"
        code, said = ask(verifier, "verify-inclusion", published.tiles, published,
                         "--index", offset, "--entry-out", out)
        assert code == 0, said
        assert out.read_bytes() == published.entries[offset]
    code, said = ask(verifier, "verify-consistency", published.tiles, published,
                     "--old-checkpoint", published.old)
    assert (code, said["old_size"], said["new_size"]) == (0, OLD_SIZE, SIZE)
    assert audit(verifier, published.tiles) == 0


def test_a_flipped_byte_anywhere_fails_the_audit(verifier, published, tmp_path):
    copy = tmp_path / "tiles"
    for name in ("tile/entries/100", "tile/0/200", "tile/0/273.p/112", "tile/1/000",
                 "tile/2/000.p/1", "checkpoint"):
        shutil.copytree(published.tiles, copy)
        data = bytearray((copy / name).read_bytes())
        data[len(data) // 3] ^= 1
        (copy / name).write_bytes(data)
        assert audit(verifier, copy) != 0, name
        shutil.rmtree(copy)


def test_an_auditor_refuses_a_fork(verifier, published, tmp_path):
    fork = tmp_path / "data"
    shutil.copytree(published.data / "keys", fork / "keys")
    signer.sign_state(fork)
    records = list(published.records)
    records[FORKED - 1] = ("device.A81", b'{"n":"other"}')
    entries = log_writer.write(fork, records)
    assert [a == b for a, b in zip(entries, published.entries)].index(False) == FORKED
    published.command("tiles", "--data", fork, "--out", tmp_path / "t")
    assert ask(verifier, "verify-checkpoint", tmp_path / "t", published)[0] == 0
    code, said = ask(verifier, "verify-consistency", tmp_path / "t", published,
                     "--old-checkpoint", published.old)
    assert code == 1 and not said["ok"]
    # The log alone looks whole; the checkpoint kept elsewhere shows where it cannot be trusted.
    assert daemons.run("verify", "--data", fork).returncode == 0
    done = daemons.run("verify", "--data", fork, "--checkpoint", published.old, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["offset"] <= FORKED <= found["lastOffset"]


def test_a_checkpoint_of_another_key_is_not_taken_for_a_rewritten_history(
        published, make_daemon, tmp_path):
    other = make_daemon()
    assert other.stop() == 0
    state = other.data / "signed" / "state"
    for arguments in ([], ["--json"]):
        done = daemons.run(
            "verify", "--data", published.data, "--checkpoint", state, *arguments)
        assert done.returncode == 1 and "is of another log or key" in done.stderr
        assert "rewritten" not in done.stderr and "offset" not in done.stdout + done.stderr


def test_tiles_that_know_more_show_an_older_folder_that_was_put_back(
        make_daemon, make_client, tmp_path):
    daemon = make_daemon()
    patient = Patient("p1")
    make_client(daemon).accept([patient.registered("1940-01-01", "2024-01-01")])
    assert daemon.stop() == 0
    shutil.copytree(daemon.data, tmp_path / "yesterday")
    daemon.start()
    make_client(daemon).accept([patient.prescribed(NAPROXEN, "2024-02-01")])
    assert daemon.stop() == 0
    out = tmp_path / "t"
    assert daemons.run("tiles", "--data", daemon.data, "--out", out).returncode == 0
    held = (out / "checkpoint").read_bytes()
    shutil.rmtree(daemon.data)
    (tmp_path / "yesterday").rename(daemon.data)
    for source, count in (("a", 0), ("b", 9)):
        daemon.start()
        other = Patient(source)
        make_client(daemon).accept(
            [other.prescribed(METFORMIN, f"2024-03-{day + 1:02}") for day in range(count)])
        assert daemon.stop() == 0
        done = daemons.run("tiles", "--data", daemon.data, "--out", out)
        assert done.returncode == 74 and "the log here is whole" in done.stderr, done.stderr
        assert "vigil keys accept-history" in done.stderr
        assert (out / "checkpoint").read_bytes() == held
    assert daemons.run("keys", "accept-history", "--data", daemon.data).returncode == 0
    daemon.start()
    assert daemon.stop() == 0
    done = daemons.run("tiles", "--data", daemon.data, "--out", tmp_path / "other")
    assert done.returncode == 0, done.stderr


def test_the_tiles_are_those_that_the_sizes_ask_for(published):
    files = {str(path.relative_to(published.tiles)) for path in published.tiles.rglob("*")
             if path.is_file()}
    expected = {"checkpoint", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"}
    for kind in ("0", "entries"):
        expected |= {f"tile/{kind}/{number:03}" for number in range(273)}
        expected |= {f"tile/{kind}/273.p/112"}
    # The partial tiles of the first publication are still there.
    expected |= {f"tile/{kind}/234.p/219" for kind in ("0", "entries")} | {"tile/1/000.p/234"}
    assert files == expected
    assert not list(published.tiles.rglob("*.new"))
    assert (published.tiles / "tile/0/000").stat().st_mode & 0o777 == 0o644


def test_proofs_lead_to_the_signed_root(published):
    tree = merkle.Tree()
    for entry in published.entries[:OLD_SIZE]:
        tree.append(entry)
    old_root = tree.root()
    for entry in published.entries[OLD_SIZE:]:
        tree.append(entry)
    for offset in (0, 4242, SIZE - 1):
        proof = json.loads(published.command(
            "prove", "--data", published.data, "--offset", offset))
        assert base64.b64decode(proof["entry"]) == published.entries[offset]
        hashes = [base64.b64decode(text) for text in proof["proof"]]
        assert merkle.root_by_inclusion(
            published.entries[offset], offset, SIZE, hashes) == tree.root()
        assert proof["checkpoint"].split("\n")[:3] == [
            "vigil/local", str(SIZE), base64.b64encode(tree.root()).decode()]
    proof = json.loads(published.command("prove", "--data", published.data, "--from", OLD_SIZE))
    hashes = [base64.b64decode(text) for text in proof["proof"]]
    assert merkle.roots_by_consistency(OLD_SIZE, old_root, SIZE, hashes) == (
        old_root, tree.root())
    assert daemons.run("prove", "--data", published.data, "--offset", SIZE).returncode == 64


@pytest.mark.parametrize("place, step, offset", [
    (b'{"n":29999}', 3, 30_000),
    (b'{"n":30516}', 3, 30_517),
    # The length of its id.
    (b"e30517", -1, 30_517),
    # Nothing of its own tells that its id is another: the commit begins at 30,000.
    (b"e30517", 3, 30_000),
])
def test_damage_is_named_by_its_offset(published, tmp_path, place, step, offset):
    copy = tmp_path / "data"
    shutil.copytree(published.data, copy)
    path = copy / "log" / f"{25_000:020}.vlog"
    data = bytearray(path.read_bytes())
    data[data.index(place) + step] ^= 1
    path.write_bytes(data)
    done = daemons.run("verify", "--data", copy, "--json")
    assert done.returncode == 1 and f"first bad offset {offset}" in done.stderr, done.stderr
    found = json.loads(done.stdout)
    assert found["offset"] == offset and found["lastOffset"] == SIZE - 1
    assert daemons.run("tiles", "--data", copy, "--out", tmp_path / "t").returncode == 74


def test_a_running_daemon_is_signed_published_and_verified(daemon, make_client, tmp_path):
    client = make_client(daemon)
    patient = Patient("p1")
    sizes = []
    for month in range(1, 5):
        client.accept([patient.prescribed(METFORMIN, f"2024-{month:02}-{day:02}")
                       for day in range(1, 29)])
        done = daemons.run("tiles", "--data", daemon.data, "--out", tmp_path / "t", "--json")
        assert done.returncode == 0, done.stderr
        sizes.append(json.loads(done.stdout)["size"])
        note = (tmp_path / "t" / "checkpoint").read_text().split("\n")
        tree = merkle.Tree()
        for record in list(log_reader.records(daemon.data))[:sizes[-1]]:
            tree.append(record["entry"])
        assert note[1:3] == [str(tree.size), base64.b64encode(tree.root()).decode()]
        done = daemons.run(
            "verify", "--data", daemon.data, "--checkpoint", tmp_path / "t" / "checkpoint")
        assert done.returncode == 0, done.stderr
    assert sizes == sorted(set(sizes))
    done = daemons.run("keys", "accept-history", "--data", daemon.data)
    assert done.returncode == 74 and "in use" in done.stderr
    assert daemon.stop() == 0
    records = list(log_reader.records(daemon.data))
    signed = (daemon.data / "signed" / "state").read_text().split("\n")
    assert signed[1] == str(len(records)), "signed at a clean stop"


def test_a_log_that_comes_back_shorter_is_not_served_until_an_operator_acts(
        make_daemon, make_client):
    daemon = make_daemon()
    client = make_client(daemon)
    patient = Patient("p1")
    client.accept([patient.registered("1940-01-01", "2024-01-01")])
    assert daemon.stop() == 0
    first_key = daemons.run("keys", "show", "--data", daemon.data).stdout
    shutil.copytree(daemon.data / "log", daemon.data / "yesterday")
    daemon.start()
    client = make_client(daemon)
    client.accept([patient.prescribed(NAPROXEN, "2024-02-01")])
    assert daemon.stop() == 0
    shutil.rmtree(daemon.data / "log")
    (daemon.data / "yesterday").rename(daemon.data / "log")
    with pytest.raises(AssertionError):
        daemon.start()
    assert daemon.process.wait(timeout=30) == 74
    assert "vigil keys accept-history" in daemon.errors()
    daemon.process = None
    for command in (["tiles", "--out", daemon.data / "t"], ["prove", "--offset", "0"]):
        done = daemons.run(command[0], "--data", daemon.data, *command[1:])
        assert done.returncode == 74 and "accept-history" in done.stderr
    assert daemons.run("verify", "--data", daemon.data).returncode == 1
    done = daemons.run("keys", "accept-history", "--data", daemon.data)
    assert done.returncode == 0, done.stderr
    daemon.start()
    assert daemon.stop() == 0
    assert daemons.run("keys", "show", "--data", daemon.data).stdout != first_key
    assert daemons.run("verify", "--data", daemon.data).returncode == 0


def test_inspect_lists_what_was_signed(make_daemon, make_client, tmp_path):
    daemon = make_daemon()
    patient, made = Patient("p1"), []
    for month in range(1, 4):
        make_client(daemon).accept([patient.prescribed(METFORMIN, f"2024-{month:02}-01")])
        done = daemons.run("tiles", "--data", daemon.data, "--out", tmp_path / "t", "--json")
        made.append((json.loads(done.stdout)["size"], json.loads(done.stdout)["root"]))
    assert daemon.stop() == 0
    checkpoints = daemon.data / "signed" / "checkpoints"

    def inspect(*arguments):
        done = daemons.run("log", "inspect", "--data", daemon.data, *arguments)
        return done.returncode, done.stdout.splitlines()

    code, lines = inspect("--json")
    rows = [row for row in map(json.loads, lines) if row["file"].startswith("signed/")]
    assert code == 0 and len(lines) == len(rows) + 1
    *rows, last = rows
    assert [row["file"] for row in rows] == [
        f"signed/checkpoints/{name}" for name in sorted(os.listdir(checkpoints))]
    assert {(row["size"], row["root"]) for row in rows} >= set(made)
    assert (last["file"], last["size"]) == ("signed/state", rows[-1]["size"])
    assert last["root"] == rows[-1]["root"]
    for row in [*rows, last]:
        note = (daemon.data / row["file"]).read_text().split("\n")
        assert note[1:3] == [str(row["size"]), row["root"]]
        written = datetime.datetime.fromisoformat(row["written"].replace("Z", "+00:00"))
        changed = (daemon.data / row["file"]).stat().st_mtime
        assert abs(written.timestamp() - changed) < 0.01
    code, table = inspect()
    assert code == 0 and table[2] == ""
    assert table[3].split() == ["CHECKPOINT", "RECORDS", "ROOT", "WRITTEN"]
    assert [line.split() for line in table[4:]] == [
        [row["file"], str(row["size"]), row["root"], row["written"]] for row in [*rows, last]]
    # What cannot be read is told behind what can.
    (checkpoints / f"{rows[1]['size']:020}").write_text("nothing")
    code, lines = inspect("--json")
    assert code == 74 and [json.loads(line)["file"] for line in lines][1:] == [rows[0]["file"]]


def test_a_key_that_others_may_read_is_refused(daemon):
    assert daemon.stop() == 0
    key = daemon.data / "keys" / "log.ed25519"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o640)
    with pytest.raises(AssertionError):
        daemon.start()
    assert daemon.process.wait(timeout=30) == 74
    daemon.process = None
    assert f"chmod 600 {key}" in daemon.errors()
    assert daemons.run("keys", "show", "--data", daemon.data).returncode == 74
    key.chmod(0o600)
    assert daemons.run("keys", "show", "--data", daemon.data).stdout.startswith("vigil/local+")


def test_without_a_log_or_key_the_commands_say_so(tmp_path):
    for command in (["verify"], ["tiles", "--out", tmp_path / "t"], ["keys", "show"],
                    ["prove", "--offset", "0"], ["keys", "accept-history"]):
        done = daemons.run(*command, "--data", tmp_path / "none")
        assert done.returncode == 66, (command, done.stderr)
        assert done.stderr.count("\n") == 1, "one sentence"
    assert not (tmp_path / "t").exists() and not (tmp_path / "none").exists()
