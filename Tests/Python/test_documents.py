# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The pages against the repository: what they name is there, and what is there they name."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from daemon import ROOT, run
from events import Patient

SOURCES = ROOT / "Sources"
INVARIANTS = SOURCES / "VigilCore/VigilCore.docc/Invariants.md"
COMMANDS = SOURCES / "VigilDaemon/VigilDaemon.docc/CommandLine.md"
EXAMPLES = SOURCES / "VigilDaemon/VigilDaemon.docc/Examples.md"
PROTOCOL = SOURCES / "VigilDaemon/VigilDaemon.docc/Protocol.md"


def test_every_test_that_the_invariants_name_is_there():
    tests = "\n".join(
        path.read_text() for suffix in ("swift", "py")
        for path in sorted((ROOT / "Tests").rglob(f"*.{suffix}")))
    page = INVARIANTS.read_text()
    named = {name for name in re.findall(r"`(\w+)`", page) if re.search(r"[a-z][A-Z]|^test_", name)}
    told = {" ".join(name.split()) for name in re.findall(r'"([^"]+)"', page)}
    assert len(named) > 20 and len(told) > 2
    assert sorted(name for name in named if not re.search(rf"\b{name}\b", tests)) == []
    assert sorted(name for name in told if f"`{name}`" not in tests) == []


def test_every_invariant_has_a_test_or_says_that_there_is_none():
    sections = re.split(r"^## \d+\. ", INVARIANTS.read_text(), flags=re.MULTILINE)[1:]
    assert len(sections) == 12
    assert [section.splitlines()[0] for section in sections
            if "\n- " not in section and "*Not yet:*" not in section] == []


def test_the_page_names_every_setting_with_its_default():
    properties = json.loads((ROOT / "schemas/config.schema.json").read_text())["properties"]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.*?) \|", COMMANDS.read_text(), re.MULTILINE)
    defaults = {name: default for names, default in rows for name in re.findall(r"\w+", names)}
    assert set(defaults) == set(properties)
    for name, default in defaults.items():
        if default.startswith("`") or default.isdigit():
            value = properties[name]["default"]
            assert default.strip("`") == str(value[0] if isinstance(value, list) else value), name


def options_of(text, command):
    """The options that the page gives a command in its first line of synopsis."""
    synopsis = re.search(rf"`vigil {command} ([^`]*)`", text).group(1)
    return set(re.findall(r"--[a-z]+", synopsis))


@pytest.mark.parametrize("command", ["serve", "publish", "watch", "open", "export", "replay"])
def test_every_option_of_the_page_is_taken(command):
    options = options_of(PROTOCOL.read_text(), command)
    assert options
    assert options <= set(re.findall(r"--[a-z]+", run(command, "--help").stdout))


def test_no_row_of_a_table_stands_outside_it():
    pages = sorted([*SOURCES.glob("*/*.docc/*.md"), *(ROOT / "schemas").glob("*.md"),
                    *ROOT.glob("*.md")])
    assert len(pages) > 20
    for page in pages:
        for block in re.split(r"\n(?!\|)", page.read_text()):
            rows = [line for line in block.split("\n") if line.startswith("|")]
            assert not rows or re.fullmatch(r"[| :-]+", "".join(rows[1:2])), (page, rows[0])


def test_the_page_on_the_files_names_all_that_a_daemon_keeps(daemon, make_client):
    make_client(daemon).accept([Patient("p").registered("1950-01-01")])
    page = (ROOT / "schemas/log-format.md").read_text().split("\n## ")[0]
    names = [name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
             for name in re.findall("`([^`]+)`", row)]
    known = re.compile("|".join(
        re.sub("<[^>]*>", "[0-9]+", re.escape(name)) for name in names))
    daemon.restart()
    kept = {str(path.relative_to(daemon.data)) for path in daemon.data.rglob("*")
            if not path.is_dir()}
    assert {"control.sock", "signed/state", "log/durable", "index/key"} <= kept
    assert sorted(path for path in kept if not known.fullmatch(path)) == []


def test_the_examples_are_as_the_schemas_say():
    validators = {}
    for name in ("event", "output"):
        text = (ROOT / "schemas" / f"{name}.schema.json").read_text()
        validators[name] = Draft202012Validator(json.loads(text))
    blocks = re.findall(r"^```json\n(.*?)^```", EXAMPLES.read_text(), re.MULTILINE | re.DOTALL)
    events = [event for event in map(json.loads, blocks) if "specversion" in event]
    raised = next(event for event in events if event["type"].endswith("flag.raised.v1"))
    assert len(events) == 10
    for event in events:
        ours = event["source"] == raised["source"]
        if ours and event["type"].startswith("health.vigil.flag."):
            # What has not changed since the raise is left out on the page.
            event["data"] = {**raised["data"], **event["data"]}
        validator = validators["output" if ours else "event"]
        assert [error.message for error in validator.iter_errors(event)] == []


def test_the_page_on_operations_names_every_metric():
    page = (SOURCES / "VigilDaemon/VigilDaemon.docc/Operations.md").read_text()
    code = (SOURCES / "VigilWeb/MetricsPage.swift").read_text()
    metrics = set(re.findall(r'"((?:vigil|process)_\w+)"', code))
    assert len(metrics) > 20
    assert metrics == set(re.findall(r"^\| `((?:vigil|process)_\w+)`", page, re.MULTILINE))


def test_the_page_on_operations_knows_every_exit_code_of_the_daemon():
    page = (SOURCES / "VigilDaemon/VigilDaemon.docc/Operations.md").read_text()
    codes = re.findall(r"\b(6\d|7\d)\b", run("serve", "--help").stdout)
    assert codes and all(f"\n| {code}" in page for code in codes)
