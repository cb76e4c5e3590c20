# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Operations of a rule that come to no value: unknown, neither a flag nor an all-clear, and told."""

import json
import time
import urllib.request

import pytest

from daemon import run
from events import Patient, clock, moment

METHOTREXATE = ("L01BA01", "Methotrexate 2.5mg tablets")
TRIMETHOPRIM = ("J01EA01", "Trimethoprim 200mg tablets")
WHOLE = '"On methotrexate" and exists "Trimethoprim in the last month"'
FAULTS = {
    "error": "Message(true, true, '400', 'Error', 'wrong')",
    "zero": "100 / (Count(\"Methotrexate in the last 3 months\") - 1) > 1",
    "overflow": "2147483647 + Count(\"Methotrexate in the last 3 months\") > 0",
    "several": "(singleton from {1, 2}) = Count(\"Methotrexate in the last 3 months\")",
}


def pack(tmp_path, fault):
    """A pack whose rule meets the fault once its medicines are both there."""
    folder = tmp_path / "broken"
    done = run("pack", "new", folder)
    assert done.returncode == 0, done.stderr
    rules = folder / "rules.cql"
    text = rules.read_text()
    assert WHOLE in text
    rules.write_text(text.replace(WHOLE, f"{WHOLE} and {fault}"))
    for case in (folder / "cases").iterdir():
        case.unlink()
    return folder


def errors(daemon):
    """The metric of the pack."""
    with urllib.request.urlopen(f"http://{daemon.endpoints['http']}/metrics", timeout=30) as page:
        lines = page.read().decode().splitlines()
    line, = [line for line in lines if line.startswith('vigil_rule_errors_total{pack="broken"}')]
    return float(line.split()[-1])


@pytest.mark.parametrize("name", FAULTS)
def test_what_comes_to_no_value_is_unknown_and_counted(
        make_daemon, make_client, tmp_path, name):
    folder = pack(tmp_path, FAULTS[name])
    daemon = make_daemon(http="127.0.0.1:0", arguments=["--pack", str(folder)])
    client = make_client(daemon)
    patient, other = Patient("ann"), Patient("bob")
    client.accept([
        patient.registered("1950-06-15"), other.registered("1950-06-15"),
        patient.prescribed(METHOTREXATE, "2024-03-01"),
        patient.prescribed(TRIMETHOPRIM, "2024-03-02"),
        clock(moment("2024-03-03"))])
    flags = [record for record in daemon.export() if record["topic"].startswith("flag.")]
    assert flags == []
    deadline = time.monotonic() + 30
    while errors(daemon) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    daemon.assert_replays()
    done = run("replay", "--data", daemon.data, "--indicators")
    row, = [json.loads(line) for line in done.stdout.splitlines()]
    assert (row["denominator"], row["numerator"], row["unknown"]) == (1, 0, 1)


def test_a_rule_without_errors_counts_none(make_daemon, make_client, tmp_path):
    folder = pack(tmp_path, "true")
    daemon = make_daemon(http="127.0.0.1:0", arguments=["--pack", str(folder)])
    client = make_client(daemon)
    patient = Patient("ann")
    client.accept([
        patient.registered("1950-06-15"), patient.prescribed(METHOTREXATE, "2024-03-01"),
        patient.prescribed(TRIMETHOPRIM, "2024-03-02"), clock(moment("2024-03-03"))])
    assert any(record["topic"].startswith("flag.") for record in daemon.export())
    assert errors(daemon) == 0
