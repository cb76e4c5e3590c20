# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Who is who: identifiers are bytes, and endpoints belong to whoever listens there."""

import json

import pytest

from client import Message
from daemon import run
from events import NAPROXEN, WARFARIN, Patient, clock, encoded, moment

#: What Unicode calls equivalent: composed and decomposed, marks in either order.
ALIKE = [("jos\u00e9", "jose\u0301"), ("q\u0307\u0323", "q\u0323\u0307")]


def event_of(subject, number, kind, resource, source="urn:test:identity"):
    """An event about a subject that no FHIR id could be."""
    patient = Patient(subject, source=source)
    event = patient.envelope(kind, resource, moment("2024-03-01"), id=f"event-{number}")
    return Message(f"{kind}.A81001".encode(), encoded(event))


def order(subject, number, medicine, **options):
    """An order that names its patient by an identifier."""
    resource = Patient(subject).order(medicine, "2024-03-01", id=f"rx-{number}")
    resource["subject"] = {"identifier": {"value": subject}}
    return event_of(subject, number, "prescription", resource, **options)


@pytest.mark.parametrize("one, other", ALIKE)
def test_subjects_that_differ_in_their_bytes_are_different_patients(daemon, client, one, other):
    client.accept([order(one, 1, WARFARIN), order(other, 2, NAPROXEN)])
    assert daemon.export("--topic", "flag.") == []
    client.accept([order(other, 3, WARFARIN)])
    flag, = client.pages(topics=["flag."])[0]
    assert json.loads(flag.event)["subject"].encode() == other.encode()
    for subject, count in ((one, 1), (other, 3)):
        assert len(client.pages(subject=subject)[0]) == count
    daemon.assert_replays()


@pytest.mark.parametrize("one, other", ALIKE)
def test_events_whose_ids_or_sources_differ_in_their_bytes_are_different(client, one, other):
    patient = Patient("p1")
    first = patient.envelope("prescription", patient.order(NAPROXEN, "2024-03-01"), moment(
        "2024-03-01"), id=one)
    events = [first, {**first, "id": other}, {**first, "source": one}, {**first, "source": other}]
    client.accept([Message(b"prescription.A81001", encoded(event)) for event in events])


@pytest.mark.parametrize("one, other", ALIKE)
def test_resources_of_sources_that_differ_in_their_bytes_are_different(daemon, client, one, other):
    gone = Patient("p1", source=other)
    client.accept([
        order("p1", 1, WARFARIN, source=one), order("p1", 2, NAPROXEN, source=one),
        gone.message("prescription", {"resourceType": "MedicationRequest", "id": "rx-2"},
                     moment("2024-03-02"), "deleted"), clock(moment("2024-03-03"))])
    assert [record["event"]["type"].split(".")[-2]
            for record in daemon.export("--topic", "flag.")] == ["raised"]


def test_a_second_daemon_leaves_the_sockets_of_the_first_alone(daemon, client, make_daemon):
    second = make_daemon("two", start=False)
    places = [part for name in ("events", "alerts", "history")
              for part in (f"--{name}", f"ipc://{second.sockets}/{name}")]
    done = run("serve", "--data", second.data, "--http", "none", *places,
               "--ingest", daemon.endpoints["ingest"], timeout=60)
    assert done.returncode == 69
    assert "in use" in done.stderr
    client.accept([Patient("p1").registered("1940-01-01")])


def test_the_socket_of_a_killed_daemon_is_free_again(daemon, make_client):
    daemon.kill()
    make_client(daemon.start()).accept([Patient("p1").registered("1940-01-01")])
