# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Messages that are made to hurt: too long, too deep, too large, out of place."""

import json
import time

import pytest
import zmq

from client import Message, Timeout
from daemon import run
from events import NAPROXEN, Patient, clock, encoded, moment
from keys import KeyedContext, Site, wait_until
from test_bad_messages import CONDITION, DAY, OBSERVATION, PATIENT, change, good
from test_security import PRACTICES, full_site, person, refused, site  # noqa: F401


def frames_of(socket, seconds=20):
    """The next reply."""
    assert socket.poll(seconds * 1000), "no reply"
    return socket.recv_multipart()


# Frames.


@pytest.mark.parametrize("name,length", [
    ("ingest", 9 << 20), ("events", 9 << 20), ("history", (1 << 20) + 1), ("alerts", 5000)])
def test_a_frame_too_long_ends_its_connection_at_every_socket(site, name, length):  # noqa: F811
    kind = {"ingest": zmq.DEALER, "events": zmq.PUB, "history": zmq.DEALER, "alerts": zmq.XSUB}
    attacker, other = site.client("ehr"), site.client("ehr")
    live = other.subscribe("system.rejected")
    socket = attacker.context.socket(kind[name])
    endpoint = site.daemon.endpoints[name]
    monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    socket.connect(endpoint[0] if isinstance(endpoint, list) else endpoint)
    assert monitor.poll(10_000)
    monitor.recv_multipart()
    end = time.monotonic() + 20
    while not monitor.poll(50):
        # A publisher drops what comes before the subscription of the other side.
        try:
            socket.send(b"\x01" + b"x" * length, zmq.DONTWAIT)
        except zmq.Again:
            pass
        assert time.monotonic() < end, "the connection goes on"
    other.accept([person().registered("1940-01-01")])
    assert "error" in other.history({"from": 0, "topics": ["patient."]})[0]
    assert live.next_heartbeat()


@pytest.mark.parametrize("topic", [
    b"prescription." + b"A" * 242, b"x" * 255, b"x" * 256, b"x" * 65_536,
    b"prescription.A81001\x00", b"prescription.A81001\n", b"prescription.\x1b[2J",
    b"prescription.../../etc", b"prescription.A81001/..", b"system.rejected", b"flag.A1.high.x"])
def test_a_topic_that_is_none_is_refused(daemon, client, topic):
    (reply,) = client.request(Message(topic, encoded(good(len(topic)))))
    assert (reply["status"], reply["code"]) == ("rejected", "topic-mismatch")
    assert "\x1b" not in daemon.errors()


def test_a_request_may_come_in_any_pieces(daemon, client):
    """Empty frames, delimiters and odd numbers of frames, in any order."""
    pair = list(good_pair("pieces"))
    for frames in ([b"", *pair, b""], [b"", b"", *pair], [*pair, b""], [b"", b""], [b"", b"", b""],
                   [*pair, *pair, b"x"], [b""] * 2050, [b"x"] * 4000):
        client.ingest.send_multipart(frames)
        answers = [frame for frame in frames_of(client.ingest) if frame]
        assert answers and all(json.loads(answer)["status"] == "rejected" for answer in answers)
        client.history_socket.send_multipart(frames)
        *_, answer = frames_of(client.history_socket)
        assert json.loads(answer)["error"]["code"] in ("bad-frames", "invalid-request")
    assert client.request(Message(*pair))[0]["status"] == "accepted"


def good_pair(number):
    """A message that is as it should be."""
    return Message(b"prescription.A81001", encoded(good(number)))


# JSON.


def deep(depth):
    """Arrays in arrays."""
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("text", [
    deep(65), deep(20_000), b"[" * 60_000, b'{"a":' * 10_000, b'{"a":[' * 8000,
    b'{"x":' + deep(5000) + b"}", b'"' + b"\\u0000" * 9000, b'{"' + b"\\ud800" * 9000 + b'":1}'],
    ids=lambda text: f"{text[:6].decode()} {len(text)}")
def test_what_is_too_deep_is_no_json_anywhere(daemon, client, text):
    (reply,) = client.request(Message(b"prescription.A81001", text))
    assert reply["code"] == "malformed-json"
    nested = json.dumps(good("deep")).encode()[:-1] + b',"x":' + text + b"}"
    assert client.request(Message(b"prescription.A81001", nested))[0]["code"] == "malformed-json"
    for request in (text, b'{"from": 0, "topics": ' + text + b"}"):
        header, items = client.history(request)
        assert header["error"]["code"] == "invalid-request" and items == []
    assert control(daemon, text)["error"]["code"] == "invalid-request"
    assert client.request(good_pair("deep-after"))[0]["status"] == "accepted"


HUGE = ["1e400", "-1e400", "1e-400", "9" * 400, "9" * 20_000, "-" + "9" * 400, "0." + "1" * 20_000,
        "1e999999999999999999", "18446744073709551616", "-9223372036854775809", "1e", "0x10",
        "Infinity"]


@pytest.mark.parametrize("number", HUGE, ids=lambda text: f"{text[:12]} {len(text)}")
def test_huge_numbers_are_answered_and_the_log_replays(daemon, client, number):
    """Where a number is read, where one is not looked at, and where none belongs."""
    for kind, pointer, resource in (
            ("observation", "/data/valueQuantity/value", OBSERVATION),
            ("observation", "/data/note", OBSERVATION),
            ("condition", "/data/extension", CONDITION),
            ("patient", "/data/multipleBirthInteger", PATIENT),
            ("patient", "/sequence", PATIENT)):
        event = good(number[:9], kind, json.loads(json.dumps(resource)))
        *path, last = pointer.split("/")[1:]
        place = event
        for part in path:
            place = place[part]
        place[last] = "HERE"
        text = encoded(event).replace(b'"HERE"', number.encode())
        (reply,) = client.request(Message(f"{kind}.A81001".encode(), text))
        assert reply["status"] in ("accepted", "rejected", "duplicate"), reply
        if number[-1] in "exy0" and number in ("1e", "0x10", "Infinity"):
            assert reply["code"] == "malformed-json"
    versioned = good(f"{number[:9]}-version", "patient", {
        **PATIENT, "meta": {"versionId": number.replace("e", "5").replace(".", "")}})
    client.request(Message(b"patient.A81001", encoded(versioned)))
    for name in ("sequence", "epoch"):
        event = {**good(f"{number[:9]}-{name}"), "id": name, name: number}
        (reply,) = client.request(Message(b"prescription.A81001", encoded(event)))
        assert reply["code"] == "not-cloudevents" and reply["pointer"] == f"/{name}"
    for name in ("from", "to", "limit"):
        header, items = client.history(
            b'{"from": 0, "%s": %s}' % (name.encode(), number.encode()))
        assert header["error"]["code"] == "invalid-request" and items == []
    assert client.request(good_pair(f"{number[:9]}-after"))[0]["status"] == "accepted"
    daemon.assert_replays()


@pytest.mark.parametrize("number", ["-0", "1.0", "1e0", "00", "+1"])
def test_an_offset_is_written_in_one_way(client, number):
    header, _ = client.history(b'{"from": %s}' % number.encode())
    assert header["error"]["code"] == "invalid-request"


# The control socket.


def control(daemon, *frames):
    """What the daemon answers to frames on its control socket."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(f"ipc://{daemon.data}/control.sock")
    socket.send_multipart(frames)
    try:
        return json.loads(frames_of(socket)[-1])
    finally:
        context.destroy(linger=0)


ORDER = {"rule": "gi-p3a", "practice": "A1", "reason": "why"}


@pytest.mark.parametrize("frames", [
    [b""], [b"x"], [b"[]"], [b"{}"], [b"{}", b"{}"], [b"null"], [b'{"rules": {}, "rules": {}}'],
    [json.dumps({"suspend": ORDER, "resume": ORDER}).encode()],
    [json.dumps({"suspend": ORDER, "rules": {}}).encode()],
    [json.dumps({"suspend": {**ORDER, "practice": "../A1"}}).encode()],
    [json.dumps({"suspend": {**ORDER, "practice": "A1\x1b[2J"}}).encode()],
    [json.dumps({"suspend": {**ORDER, "practice": "x" * 33}}).encode()],
    [json.dumps({"suspend": {**ORDER, "practice": 7}}).encode()],
    [json.dumps({"suspend": {**ORDER, "rule": 7}}).encode()],
    [json.dumps({"suspend": {**ORDER, "reason": {}}}).encode()],
    [json.dumps({"suspend": {**ORDER, "reason": ""}}).encode()],
    [json.dumps({"suspend": ORDER}).replace('"reason"', '"rule": "x", "reason"').encode()],
    [b"x"] * 5000])
def test_what_is_no_order_is_refused(daemon, client, frames):
    assert control(daemon, *frames)["error"]["code"] == "invalid-request"
    assert "rules" in control(daemon, b'{"rules": {}}')
    client.accept([person().registered("1940-01-01")])
    assert not [record for record in daemon.export() if record["topic"] == "system.suspend"]


# Grants.


def test_a_grant_of_a_source_or_an_input_opens_no_neighbours_door(tmp_path, make_daemon):
    site = Site(tmp_path, make_daemon, {  # noqa: F811
        "single": {"publish": {"sources": ["urn:a"], "topics": ["patient.A1"]},
                "read": {"inbound": ["patient.A1"]}},
        "some": {"publish": {"sources": ["urn:a:*"], "topics": ["*.A1"]}},
        "all": {"publish": {"sources": ["*"], "topics": ["*"]}}})
    try:
        def tried(name, source, practice):
            subject = f"p-{len(site.clients)}"
            (reply,) = site.client(name).request(
                person(practice, source, subject).registered("1940-01-01"))
            return reply.get("code", reply["status"])
        assert tried("single", "urn:a", "A1") == "accepted"
        assert tried("some", "urn:a:b", "A1") == "accepted"
        for name, source, practice in (
                ("single", "urn:ab", "A1"), ("single", "urn:", "A1"), ("single", "URN:A", "A1"),
                ("single", "urn:a:b", "A1"), ("single", "urn:a", "A10"), ("single", "urn:a", "a1"),
                ("some", "urn:a", "A1"), ("some", "urn:b", "A1"), ("some", "urn:a:*", "A10"),
                ("some", "*", "A1")):
            assert tried(name, source, practice) == "unauthorised", (name, source, practice)
        assert tried("all", "urn:a", "A10") == "accepted"
        reader = site.client("single")
        topics = {item.topic for item in reader.pages()[0]}
        assert topics == {"patient.A1"}
        for prefix in ("patient.A10", "patient.A1.", "patient.A1x", "prescription.A1", "flag."):
            header, _ = reader.history({"from": 0, "topics": [prefix]})
            assert header["error"]["code"] == "unauthorised", prefix
        for prefix in ("p", "patient.A1", "patient."):
            assert {item.topic for item in reader.pages(topics=[prefix])[0]} == topics, prefix
        for prefix in ("x" * 255, "x" * 100_000, "patient.A1\x00", "\ud83d"):
            header, _ = reader.history({"from": 0, "topics": [prefix]})
            assert header["error"]["code"] in ("unauthorised", "invalid-request"), prefix[:20]
    finally:
        site.close()


def test_a_topic_that_is_granted_whole_comes_live(tmp_path, make_daemon):
    """And of two whose names begin alike only those that are granted."""
    publish = {"sources": ["*"], "topics": ["*"]}
    site = Site(tmp_path, make_daemon, {  # noqa: F811
        "loader": {"publish": publish},
        "rejections": {"read": {"topics": ["system.rejected"]}},
        "gaps": {"read": {"topics": ["system.gap"]}},
        "both": {"read": {"topics": ["system.gap", "system.gap-closed"]}}})
    try:
        lives = {
            (name, prefix): site.client(name).subscribe(prefix)
            for name in ("rejections", "gaps", "both") for prefix in ("", "system.")}
        lives["rejections", "whole"] = site.client("rejections").subscribe("system.rejected")
        loader, patient = site.client("loader"), person()
        def numbered(number):
            event = json.loads(patient.registered("1940-01-01").event)
            return Message(b"patient.A1", encoded({**event, "sequence": str(number)}))
        loader.accept([numbered(1), numbered(3), numbered(2)])
        assert loader.request(Message(b"patient.A1", b"{"))[0]["status"] == "rejected"
        last = max(record["offset"] for record in site.daemon.export("--topic", "system.rejected"))
        seen = {
            key: {topic for topic, _ in live.until(last)} for key, live in lives.items()}
        for (name, prefix), topics in seen.items():
            expected = {"rejections": {"system.rejected"}, "both": {
                "system.gap", "system.gap-closed"}, "gaps": set()}[name]
            assert topics == expected, (name, prefix)
        # What cannot be told apart live is in history.
        items, _ = site.client("gaps").pages()
        assert [item.topic for item in items] == ["system.gap"]
    finally:
        site.close()


@pytest.mark.parametrize("name", ["events", "ingest", "alerts", "history"])
def test_no_socket_is_bound_beyond_loopback_without_keys(tmp_path, name):
    arguments = [word for other in ("ingest", "alerts", "history") if other != name
                 for word in (f"--{other}", "tcp://127.0.0.1:*")]
    for address in ("0.0.0.0", "[::]", "*", "192.0.2.1"):
        done = run("serve", "--data", tmp_path / "data", "--http", "none", *arguments,
                   f"--{name}", f"tcp://{address}:*", timeout=30)
        assert done.returncode == 78 and "CURVE" in done.stderr, (address, done.stderr)
