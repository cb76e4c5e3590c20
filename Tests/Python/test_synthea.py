# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Synthetic records of 32 patients: published two ways and in batches of two sizes, they give the
same outputs byte for byte."""

import collections
import json
import os
import pathlib

import pytest

import bundles
from daemon import ROOT, run

FOLDER = pathlib.Path(os.environ.get("VIGIL_SYNTHEA", ROOT.parent / "shared/synthea"))
FILES = sorted(FOLDER.glob("*.json"))
PRACTICE = "SYN001"
SOURCE = "urn:test:synthea"

pytestmark = pytest.mark.skipif(
    not FILES, reason=f"no Synthea bundles at {FOLDER}: name their folder in VIGIL_SYNTHEA")


@pytest.fixture(scope="module")
def messages():
    return bundles.messages([path.read_text() for path in FILES], PRACTICE, SOURCE)


def inputs(daemon):
    """The inputs in the log: (source, id) in order."""
    return [(record["event"]["source"], record["event"]["id"]) for record in daemon.export()
            if not record["topic"].startswith(("system.", "flag.", "alert.", "shadow."))]


def test_both_ways_and_any_batch_give_the_same_outputs(make_daemon, make_client, messages):
    published, small, large = (make_daemon(name) for name in ("publish", "small", "large"))
    done = run("publish", "--ingest", published.endpoints["ingest"], "--practice", PRACTICE,
               "--source", SOURCE, *FILES, timeout=600)
    assert done.returncode == 0, done.stderr
    make_client(small).accept(messages, batch=7, window=32)
    make_client(large).accept(messages, batch=1000, window=4)

    expected = [(SOURCE, json.loads(message.event)["id"]) for message in messages]
    assert inputs(small) == expected
    assert inputs(published) == expected, "publish orders or names events in another way"

    outputs = [daemon.export_text("--topic", "flag.") for daemon in (published, small, large)]
    assert outputs[0] == outputs[1] == outputs[2]
    flags = [json.loads(line)["event"] for line in outputs[0]]
    # One of them is prescribed naproxen at 67 with no PPI: the one hazard in these records.
    assert [(flag["rule"], flag["reason"], flag["time"][:10]) for flag in flags] in (
        [("gi-p3a", reason, "2007-11-24"), ("gi-p3a", "hazard-ended", "2008-02-25")]
        for reason in ("event", "time"))
    for daemon in (published, small, large):
        daemon.assert_replays()


def test_the_same_files_again_are_all_duplicates(make_daemon):
    daemon = make_daemon()
    command = ["publish", "--ingest", daemon.endpoints["ingest"], "--practice", PRACTICE,
               "--source", SOURCE, *FILES[:4]]
    first = run(*command, timeout=600)
    assert first.returncode == 0, first.stderr
    before = daemon.export_text()
    second = run(*command, "--json", timeout=600)
    assert second.returncode == 0, second.stderr
    summary = json.loads(second.stdout.splitlines()[-1])
    assert summary["accepted"] == 0
    assert summary["duplicate"] == len(inputs(daemon))
    assert daemon.export_text() == before


def test_all_packs_at_once_read_everything_without_a_surprise(make_daemon, messages):
    packs = sorted(path.name for path in (ROOT / "Sources/VigilPacks/Packs").iterdir())
    daemon = make_daemon(arguments=[word for name in packs for word in ("--pack", name)])
    done = run("publish", "--ingest", daemon.endpoints["ingest"], "--practice", PRACTICE,
               "--source", SOURCE, *FILES, timeout=600)
    assert done.returncode == 0, done.stderr
    assert len(inputs(daemon)) == len(messages)
    # Synthea writes UCUM codes throughout, each in the unit that its LOINC code is usual in, and
    # nothing beyond what lives: there is nothing to tell of.
    quality = [record["event"]["data"] for record in daemon.export(
        "--topic", "system.data-quality.")]
    assert quality == []
    raised = collections.Counter(
        record["event"]["rule"]
        for topic in ("alert.", "flag.") for record in daemon.export("--topic", topic)
        if record["event"]["type"].endswith(".raised.v1"))
    assert {rule for rule in raised if not rule.startswith("ast-")} == {"aki", "gi-p3a"}
    daemon.assert_replays()
