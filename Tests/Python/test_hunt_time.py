# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Time at its edges: settling to the millisecond, and clocks that only what is accepted moves."""

import pytest

from events import METFORMIN, NAPROXEN, OMEPRAZOLE, WARFARIN, Patient, clock, moment


def told(daemon):
    """What became of flags: (time, rule, action)."""
    return [(record["event"]["time"], record["event"]["rule"],
             record["event"]["type"].split(".")[-2])
            for record in daemon.export("--topic", "flag.")]


def test_what_is_rejected_moves_no_event_clock(daemon, client):
    patient = Patient("p1")
    client.accept([patient.registered("1970-01-01"), patient.prescribed(WARFARIN, "2024-03-01"),
                   patient.prescribed(NAPROXEN, "2024-03-01")])
    far = "2099-01-01T00:00:00Z"
    unknown = patient.review({"flagid": "a" * 26, "id": "5"}, time=far)
    unfinished = patient.message(
        "prescription", {"resourceType": "MedicationRequest", "id": "rx"}, far)
    stranger = patient.prescribed(
        METFORMIN, "2024-03-01", far, subject={"reference": "Patient/other"})
    assert [answer["code"] for answer in client.request(unknown, unfinished, stranger)] == [
        "unknown-flag", "missing-element", "subject-mismatch"]
    assert told(daemon) == [("2024-03-01T09:00:00.000Z", "gi-p3d", "raised")]
    assert daemon.export()[-1]["recorded"] == "2024-03-01T09:00:00.000Z"
    daemon.assert_replays()


# One case a row: when an NSAID of some day comes, when a PPI, what becomes of the flag. Summer
# time holds: the day begins at 23:00 UTC.
SETTLING = [
    ("2024-07-05", "2024-07-05T09:00:00Z", "2024-07-05T09:09:59.999Z", []),
    ("2024-07-05", "2024-07-05T09:00:00Z", "2024-07-05T09:10:00Z",
     [("2024-07-05T09:10:00.000Z", "raised"), ("2024-07-05T09:10:00.000Z", "resolved")]),
    # The NSAID leaves the window before its flag has settled, and at that very instant.
    ("2024-04-05", "2024-07-05T22:55:00Z", None, []),
    ("2024-04-05", "2024-07-05T22:50:00Z", None, []),
    ("2024-04-05", "2024-07-05T22:49:59.999Z", None,
     [("2024-07-05T22:59:59.999Z", "raised"), ("2024-07-05T23:00:00.000Z", "resolved")]),
    # It enters the window at midnight: what time makes true is raised at once.
    ("2024-07-06", "2024-07-05T22:55:00Z", None, [("2024-07-05T23:00:00.000Z", "raised")]),
]


@pytest.mark.parametrize("day, sent, protected, expected", SETTLING)
def test_settling_is_exact_to_the_millisecond(daemon, client, day, sent, protected, expected):
    patient = Patient("p1")
    messages = [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, day, sent)]
    if protected:
        messages.append(patient.prescribed(OMEPRAZOLE, "2024-07-05", protected))
    client.accept([*messages, clock(moment("2024-07-07"))])
    assert told(daemon) == [(time, "gi-p3a", action) for time, action in expected]
    daemon.assert_replays()


# Clocks go forward on 31 March and back on 27 October: the days before and after have their own
# offsets from UTC, and the flag is raised at the first instant of the local day.
@pytest.mark.parametrize("birthday, raised", [
    ("1959-03-31", "2024-03-31T00:00:00.000Z"), ("1959-04-01", "2024-03-31T23:00:00.000Z"),
    ("1959-10-27", "2024-10-26T23:00:00.000Z"), ("1959-10-28", "2024-10-28T00:00:00.000Z"),
    ("1960-02-29", "2025-03-01T00:00:00.000Z")])
def test_a_birthday_begins_with_the_local_day(daemon, client, birthday, raised):
    patient = Patient("p1")
    day = f"{raised[:8]}01"
    client.accept([patient.registered(birthday, "2024-01-01"),
                   patient.prescribed(NAPROXEN, day, "2024-01-02T00:00:00Z"),
                   clock("2025-03-05T00:00:00Z")])
    assert told(daemon)[0] == (raised, "gi-p3a", "raised")
