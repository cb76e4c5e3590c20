# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""History, what is open, heartbeats, and the recipe by which a subscriber misses nothing."""

import json

import pytest
import zmq

from events import METFORMIN, NAPROXEN, OMEPRAZOLE, Patient, clock, moment

OUTPUTS = ("flag.", "alert.", "shadow.", "system.")


def practice_month(month, practice="A81001"):
    """A month in which 12 patients get an NSAID and half of them a PPI a week later."""
    day = f"2024-{month:02}"
    people = [Patient(f"{practice}-{month}-{number:02}", practice) for number in range(12)]
    messages = [patient.registered("1940-01-01", f"{day}-01") for patient in people]
    for start in range(2, 6):
        messages += [patient.prescribed(METFORMIN, f"{day}-{start:02}") for patient in people]
    messages += [patient.prescribed(NAPROXEN, f"{day}-10") for patient in people]
    messages.append(clock(f"{day}-10T12:00:00Z", f"clock-{practice}-{day}"))
    messages += [patient.prescribed(OMEPRAZOLE, f"{day}-17") for patient in people[::2]]
    return messages


def assert_contiguous(events):
    """Each topic's sequence is 1, 2, 3 ... in the order of offsets."""
    counts = {}
    for topic, event in events:
        counts[topic] = counts.get(topic, 0) + 1
        assert event["sequence"] == str(counts[topic]), (topic, event["id"])


def test_pages_hold_the_whole_log_once_and_inputs_byte_for_byte(client):
    messages = practice_month(3)
    offsets = client.accept(messages)
    items, end = client.pages(limit=25)
    assert [item.offset for item in items] == list(range(end))
    by_offset = {item.offset: item for item in items}
    for message, offset in zip(messages, offsets):
        assert by_offset[offset].event == message.event
        assert by_offset[offset].topic.encode() == message.topic
    assert items[0].topic == "system.genesis"
    header, again = client.history({"from": 0})
    assert again == items[:500]
    assert header["head"] == end - 1


def test_bounds_topics_subject_and_limit_choose_what_comes(client):
    client.accept(practice_month(3) + practice_month(4, "B82002"))
    everything, end = client.pages()
    wanted = [item for item in everything if item.topic.startswith("flag.A81001.")]
    assert wanted
    assert client.pages(topics=["flag.A81001."], limit=3)[0] == wanted
    both = [item for item in everything if item.topic.startswith(("flag.B", "patient."))]
    assert client.pages(topics=["flag.B", "patient."])[0] == both
    mine = [item for item in everything
            if json.loads(item.event).get("subject") == "A81001-3-01"]
    assert client.pages(subject="A81001-3-01")[0] == mine != []
    header, items = client.history({"from": 5, "to": 8})
    assert [item.offset for item in items] == [5, 6, 7]
    assert header["next"] == 8
    header, items = client.history({"from": end})
    assert (items, header["next"], header["head"]) == ([], end, end - 1)


@pytest.mark.parametrize("request_text", [
    b"", b"{", b"[]", b"{}", b'{"from":-1}', b'{"from":"0"}', b'{"from":0,"topics":[]}',
    b'{"from":0,"limit":1001}', b'{"from":0,"limit":0}', b'{"from":0,"topics":"flag."}',
    b'{"open":[]}', b'{"open":["flag."],"limit":1001}',
    b'{"from":0,"topics":[' + b'"flag.",' * 100_000 + b'"flag."]}',
    b'{"open":["' + b"f" * 201 + b'"]}'], ids=lambda text: text[:40].decode() or "nothing")
def test_a_request_that_cannot_be_answered_gets_one_error_frame(client, request_text):
    answer, items = client.history(request_text if request_text != b"" else b" ")
    assert items == []
    assert isinstance(answer["error"]["code"], str) and answer["error"]["message"]
    header, _ = client.history({"from": 0})
    assert "error" not in header


def test_who_asks_one_at_a_time_has_each_answer_however_quick_it_is(daemon, client):
    client.accept([Patient(f"p{number}").registered("1940-01-01") for number in range(5)])
    requests = [b"x", b"[]", b'{"from":0}', b'{"from":-1}', b'{"from":0,"limit":1}',
                b'{"from":0,"topics":[]}']
    socket = client.context.socket(zmq.REQ)
    socket.linger = 0
    socket.connect(daemon.endpoints["history"])
    for number in range(4000):
        socket.send(requests[number * number % len(requests)])
        assert socket.poll(10_000), f"request {number} has no answer"
        socket.recv_multipart()
    socket.close()


def test_a_window_of_small_pages_has_each_answer(daemon, client):
    socket = client.context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(daemon.endpoints["history"])
    for _ in range(12):
        socket.send(b"x")
    for number in range(4000):
        assert socket.poll(10_000), f"answer {number} does not come"
        socket.recv_multipart()
        socket.send(b"x")
    socket.close()


def test_a_req_client_gets_its_delimiter_back(daemon, client):
    asker = client.context.socket(zmq.REQ)
    asker.linger = 0
    asker.connect(daemon.endpoints["history"])
    asker.send(b'{"from":0,"limit":1}')
    assert asker.poll(20_000)
    header, topic, offset, _ = asker.recv_multipart()
    assert (json.loads(header)["count"], topic, offset) == (1, b"system.genesis", b"0")

    publisher = client.context.socket(zmq.REQ)
    publisher.linger = 0
    publisher.connect(daemon.endpoints["ingest"])
    publisher.send_multipart(Patient("req").registered("1940-01-01"))
    assert publisher.poll(20_000)
    answer, = publisher.recv_multipart()
    assert json.loads(answer)["status"] == "accepted"


def open_by_fold(items):
    """The newest raise or update of each flag that no resolve has ended."""
    newest = {}
    for item in items:
        event = json.loads(item.event)
        if item.topic.startswith("flag."):
            action = event["type"].split(".")[-2]
            if action in ("raised", "updated"):
                newest[event["flagid"]] = item
            elif action == "resolved":
                newest.pop(event["flagid"], None)
    return newest


def test_what_is_open_is_what_the_log_says_and_comes_in_pages(daemon, client):
    client.accept(practice_month(3) + practice_month(4, "B82002"))
    everything, end = client.pages()
    expected = open_by_fold(everything)
    assert len(expected) == 12
    items, as_of = client.open(["flag."], limit=5)
    assert sorted(item.offset for item in items) == sorted(
        item.offset for item in expected.values())
    assert set(items) == set(expected.values())
    assert as_of == end - 1
    mine, _ = client.open(["flag.B82002."])
    assert {item.topic.split(".")[1] for item in mine} == {"B82002"}
    assert len(mine) == 6


def test_what_is_open_survives_a_restart(daemon, client, make_client):
    client.accept(practice_month(3))
    before, _ = client.open(["flag."])
    daemon.restart()
    assert make_client(daemon).open(["flag."])[0] == before != []


def test_each_topic_is_numbered_without_a_hole_live_and_in_history(daemon, client, make_client):
    live = client.subscribe(*OUTPUTS)
    client.accept(practice_month(3))
    daemon.restart()
    client = make_client(daemon)
    client.accept(practice_month(4))
    outputs = [(record["topic"], record["event"]) for record in daemon.export()
               if record["topic"].startswith(("flag.", "alert.", "shadow."))]
    assert len(outputs) > 20
    assert_contiguous(outputs)
    live.close()


def test_a_heartbeat_a_second_names_the_durable_head_and_the_last_output(daemon, client):
    live = client.subscribe("flag.")
    client.accept(practice_month(3))
    last = max(record["offset"] for record in daemon.export("--topic", "flag."))
    live.until(last)
    heartbeats = [live.next_heartbeat() for _ in range(3)]
    head = daemon.export()[-1]["offset"]
    assert [beat["offset"] for beat in heartbeats] == [head] * 3
    assert all(last <= beat["output"] <= head for beat in heartbeats)


def repaired(client, prefixes, start, live=None):
    """The recipe of section 6: subscribe, page from where one was, then live, each event once."""
    live = live or client.subscribe(*prefixes)
    items, cursor = client.pages(start, topics=prefixes)
    return [(item.topic, json.loads(item.event)) for item in items], cursor, live


def test_who_comes_late_or_was_away_sees_what_one_there_saw(
        daemon, client, make_client):
    prefixes = ["flag."]
    always = client.subscribe(*prefixes)
    client.accept(practice_month(3))

    away_client = make_client(daemon)
    away_seen, cursor, away = repaired(away_client, prefixes, 0)
    away.close()
    client.accept(practice_month(4))
    missed, cursor, away = repaired(away_client, prefixes, cursor)
    away_seen += missed

    late_seen, late_cursor, late = repaired(make_client(daemon), prefixes, 0)
    client.accept(practice_month(5) + [clock("2024-12-01T00:00:00Z", "clock-end")])

    last = daemon.export("--topic", "flag.")[-1]["offset"]
    seen = always.until(last)
    for events, subscription, start in ((away_seen, away, cursor), (late_seen, late, late_cursor)):
        events += [(topic, event) for topic, event in subscription.until(last)
                   if int(event["id"]) >= start]
    assert away_seen == seen
    assert late_seen == seen
    assert_contiguous(seen)
    assert [event for _, event in seen] == [
        record["event"] for record in daemon.export("--topic", "flag.")]


def test_a_subscription_is_a_byte_prefix_of_the_topic(client):
    live = client.subscribe("flag.A81001.moderate.gi-p3a")
    client.accept(practice_month(3) + practice_month(4, "A8"))
    items, _ = client.pages(topics=["flag."])
    mine = [item.offset for item in items if item.topic == "flag.A81001.moderate.gi-p3a"]
    assert 0 < len(mine) < len(items)
    assert [int(event["id"]) for _, event in live.until(items[-1].offset)] == mine


def test_nothing_is_published_that_history_does_not_have(daemon, client):
    live = client.subscribe("flag.")
    client.send([Patient("fast").registered("1940-01-01"),
                 Patient("fast", source="urn:x").prescribed(NAPROXEN, "2024-03-01"),
                 clock(moment("2024-03-02"))])
    topic, event = live.receive()
    while topic == "system.heartbeat":
        topic, event = live.receive()
    items, _ = client.pages(int(event["id"]), limit=1)
    assert json.loads(items[0].event) == event
