# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Settings: where each comes from, and what is said of those that are wrong."""

import json
import os
import subprocess

import pytest
import yaml

from daemon import binary, run
from events import NAPROXEN, Patient, clock


def with_environment(arguments, **variables):
    """Runs a command with some variables and no others of Vigil's."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("VIGIL_")}
    return subprocess.run(
        [binary(), *map(str, arguments)], env={**environment, **variables}, capture_output=True,
        text=True, timeout=60)


def shown(*arguments, **variables):
    """The settings in effect: value and origin by name."""
    done = with_environment(["config", "show", "--json", *arguments], **variables)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["setting"]: (row["value"], row["from"]) for row in rows}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "vigil.yaml"
    path.write_text(
        "name: filed\n"
        "zone: Europe/Paris\n"
        "eventBytesMax: 1000\n"
        "ingest: tcp://127.0.0.1:7001\n"
        "alerts: tcp://127.0.0.1:7002\n")
    return path


def test_each_setting_comes_from_the_first_that_has_it(file):
    settings = shown(
        "--config", file, "--ingest", "tcp://127.0.0.1:9001", VIGIL_NAME="known",
        VIGIL_INGEST="tcp://127.0.0.1:8001", VIGIL_ALERTS="tcp://127.0.0.1:8002",
        VIGIL_EVENTS="tcp://127.0.0.1:8003,>tcp://127.0.0.1:8004", VIGIL_SNAPSHOT_RECORDS="1000",
        VIGIL_DATA="/var/lib/vigil")
    assert settings["ingest"] == ("tcp://127.0.0.1:9001", "command line")
    assert settings["alerts"] == ("tcp://127.0.0.1:8002", "VIGIL_ALERTS")
    assert settings["name"] == ("known", "VIGIL_NAME")
    assert settings["zone"] == ("Europe/Paris", f"{file}:2")
    assert settings["eventBytesMax"] == (1000, f"{file}:3")
    assert settings["history"] == ("tcp://127.0.0.1:5553", "default")
    assert settings["events"] == (
        ["tcp://127.0.0.1:8003", ">tcp://127.0.0.1:8004"], "VIGIL_EVENTS")
    assert settings["snapshotRecords"] == (1000, "VIGIL_SNAPSHOT_RECORDS")
    assert settings["data"] == ("/var/lib/vigil", "VIGIL_DATA")
    assert settings["codelists"] == (None, "default")
    assert shown(VIGIL_CONFIG=str(file))["name"] == ("filed", f"{file}:1")


def test_every_setting_of_the_schema_is_shown(file):
    from test_schemas import schema
    assert set(shown()) == set(schema("config").schema["properties"])


FULL = """
data: /var/lib/vigil
name: full
zone: Europe/Paris
clock: event
eventBytesMax: 70000
segmentBytesMax: 1000000
snapshotRecords: 1000
queueBytesMax: 20000000
events: [tcp://127.0.0.1:7001, ">tcp://127.0.0.1:7002"]
ingest: tcp://127.0.0.1:7003
alerts: ipc:///run/vigil/alerts
history: tcp://127.0.0.1:7005
http: none
packs: [pincer, deterioration]
codelists: /var/lib/lists
map: /var/lib/map.csv
sources:
  - {source: "urn:a:\\"b\\"", subjects: mapped, registration: implied, zone: Europe/Paris, rhythm: 90 min}
  - {source: "urn:c", rhythm: 86400 s}
parameters: {pincer: {"A name": "65", Text: "it's: [so]"}, deterioration: {Day: "@2024-01-01"}}
coverage: [{practice: A81001, kind: prescription, from: 2015-04-01}]
unreviewed: 36 h
budgets: [{severity: low, raisesPerDay: 0}, {practice: A1, severity: moderate, raisesPerDay: 9}]
"""


@pytest.mark.parametrize("text", ["{}", FULL])
def test_what_is_shown_can_be_read_back(tmp_path, text):
    from test_schemas import schema
    path, again = tmp_path / "vigil.yaml", tmp_path / "again.yaml"
    path.write_text(text)
    before = {name: value for name, (value, _) in shown("--config", path).items()}
    if text == FULL:
        assert {name for name, value in before.items() if value is None} == {"curve"}
        assert before["unreviewed"] == "36 h" and before["sources"][0]["rhythm"] == "90 min"
    again.write_text("".join(
        f"{name}: {json.dumps(value)}\n" for name, value in before.items() if value is not None))
    schema("config").validate(yaml.safe_load(again.read_text()))
    assert {name: value for name, (value, _) in shown("--config", again).items()} == before
    table = with_environment(["config", "show", "--config", path]).stdout.splitlines()[1:]
    cells = [[cell for cell in line.split("  ") if cell.strip()][:2] for line in table]
    again.write_text("".join(
        f"{name}: {value.strip()}\n" for name, value in cells if value.strip() != "-"))
    assert {name: value for name, (value, _) in shown("--config", again).items()} == before


def test_keys_are_not_shown(tmp_path):
    for name in ("server", "client"):
        assert run("keys", "new", "--out", tmp_path / name).returncode == 0
    public = (tmp_path / "client.pub").read_text()
    key = next(word.strip('"') for word in public.split() if len(word.strip('"')) == 40)
    path = tmp_path / "vigil.yaml"
    path.write_text(yaml.safe_dump({"curve": {
        "keyFile": str(tmp_path / "server"), "principals": [{"name": "ehr", "key": key}]}}))
    done = run("config", "show", "--config", path)
    assert done.returncode == 0 and "1 principals" in done.stdout
    secrets = [word.strip('"') for word in (tmp_path / "server").read_text().split()
               if len(word.strip('"')) == 40]
    assert secrets and not any(word in done.stdout for word in secrets + [key])
    value, origin = shown("--config", path)["curve"]
    assert value == {"keyFile": str(tmp_path / "server"), "connectionsMax": 4096,
                     "principals": ["ehr"]}
    assert origin.startswith(f"{path}:")
    assert run("config", "check", "--config", path).returncode == 0
    (tmp_path / "server").chmod(0o644)
    assert run("config", "check", "--config", path).returncode == 78


@pytest.mark.parametrize("text,says", [
    ("name: a\nname: b\n", "vigil.yaml:1: the file is not YAML: the key `name` stands there twice;"),
    ("name: a\nhttp: [none\n", "vigil.yaml:3: the file is not YAML: did not find expected"),
    ("- name\n", "vigil.yaml:1: the file: it is not a mapping; write `key: value` lines"),
    ("nme: a\n", ":1: nme: there is no such setting; did you mean \"name\"?"),
    ("name: a\n\neventBytesMax: many\n", ":3: eventBytesMax: "),
    ("clock: moon\n", "clock is wall or event"),
    ("curve: {keyFle: a}\n", "did you mean keyFile?"),
    ("sources: [{source: urn:a, rythm: 1 h}]\n", "did you mean rhythm?"),
    ("packs: [pincr]\n", "did you mean `pincer`?"),
    ("ingest: tcp://0.0.0.0:5551\n", "CURVE"),
    ("zone: Europe/Lodon\n", "Europe/Lodon"),
])
def test_what_is_wrong_is_told_with_its_place_and_what_to_write(tmp_path, text, says):
    path = tmp_path / "vigil.yaml"
    path.write_text(text)
    done = run("config", "check", "--config", path)
    assert done.returncode in (65, 66, 78), done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_variable_is_held_to_the_same(tmp_path):
    done = with_environment(["config", "check"], VIGIL_EVENT_BYTES_MAX="none")
    assert done.returncode == 78 and "VIGIL_EVENT_BYTES_MAX" in done.stderr
    done = with_environment(["config", "check"], VIGIL_INGST="tcp://127.0.0.1:1")
    assert done.returncode == 0 and "did you mean VIGIL_INGEST?" in done.stderr


def test_the_daemon_runs_from_its_environment_alone(tmp_path):
    process = subprocess.Popen(
        [binary(), "serve"], stdout=subprocess.PIPE, text=True, env={
            **os.environ, "VIGIL_DATA": str(tmp_path / "data"), "VIGIL_HTTP": "none",
            "VIGIL_CLOCK": "event", **{
                f"VIGIL_{name}": f"ipc://{tmp_path}/{name}"[:107]
                for name in ("EVENTS", "INGEST", "ALERTS", "HISTORY")}})
    try:
        ready = json.loads(process.stdout.readline())["ready"]
        assert ready["ingest"].endswith("/INGEST")
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()


def test_without_a_data_directory_it_says_where_to_name_one():
    done = with_environment(["serve"])
    assert done.returncode == 64
    assert all(word in done.stderr for word in ("--data", "VIGIL_DATA"))


def test_an_empty_list_is_none_of_what_it_lists(tmp_path, make_daemon, make_client):
    path = tmp_path / "vigil.yaml"
    path.write_text("packs: []\n")
    done = run("config", "check", "--config", path)
    assert done.returncode == 0 and "no rule is in force" in done.stderr
    daemon = make_daemon()
    client = make_client(daemon)
    patient = Patient("empty")
    client.accept([patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-01-05"),
                   clock("2024-01-06T00:00:00Z")])
    assert daemon.stop() == 0
    daemon.arguments = ["--config", str(path)]
    daemon.start()
    assert "no rule is in force" in daemon.errors()
    newest = daemon.export()[-1]["event"]
    assert newest["type"].endswith("flag.resolved.v1") and newest["reason"] == "rules"
    assert daemon.stop() == 0
    path.write_text("events: []\n")
    command = daemon.command()
    place = command.index("--events")
    process = subprocess.Popen(
        command[:place] + command[place + 2:], stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["ready"]["events"] == []
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()
