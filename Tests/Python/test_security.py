# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Who is let in, and what each may do: attacks are refused, told and counted."""

import contextlib
import json
import os
import re
import signal
import socket as sockets
import subprocess
import time

import pytest
import zmq

from client import Client, Message, Timeout
from daemon import binary, run
from events import METFORMIN, NAPROXEN, Patient, clock, encoded
from keys import KeyedClient, KeyedContext, Site, is_group_readable, wait_until

PRACTICES = ("A1", "A10")


@pytest.fixture
def site(tmp_path, make_daemon):
    """A daemon with keys, on ipc."""
    made = Site(tmp_path, make_daemon)
    yield made
    made.close()


@pytest.fixture
def tcp_site(tmp_path, make_daemon):
    """A daemon with keys, on tcp at every address of the machine."""
    made = Site(tmp_path, make_daemon_on_tcp(make_daemon))
    yield made
    made.close()


def make_daemon_on_tcp(make_daemon):
    """Makes daemons that listen beyond loopback."""
    def make(arguments):
        daemon = make_daemon(start=False, http="127.0.0.1:*", arguments=arguments + [
            word for name in ("events", "ingest", "alerts", "history")
            for word in (f"--{name}", "tcp://0.0.0.0:*")])
        # Of an option that is there twice the last counts; events would be bound twice.
        command = daemon.command

        def without_ipc():
            words = command()
            position = words.index("--events")
            return words[:position] + words[position + 2:]
        daemon.command = without_ipc
        daemon.start()
        daemon.endpoints = {name: text.replace("0.0.0.0", "127.0.0.1") if isinstance(text, str)
                            else [part.replace("0.0.0.0", "127.0.0.1") for part in text]
                            for name, text in daemon.endpoints.items()}
        return daemon
    return make


def person(practice="A1", source="urn:ehr:a", subject=None):
    """A patient of the tests' practices."""
    return Patient(subject or f"p-{practice}", practice, source)


def lives():
    """What raises a flag in each of two practices, as somebody would send it who may."""
    messages = []
    for practice in PRACTICES:
        patient = person(practice)
        messages += [patient.registered("1940-01-01"), patient.prescribed(METFORMIN, "2024-01-05"),
                     patient.prescribed(NAPROXEN, "2024-01-10")]
    return messages + [clock("2024-01-12T00:00:00Z")]


@pytest.fixture
def full_site(tmp_path, make_daemon):
    """A daemon with a flag in each of two practices, and with one who may publish for both."""
    from keys import PRINCIPALS
    both = {"publish": {"sources": ["*"], "topics": ["*"]}}
    made = Site(tmp_path, make_daemon, {**PRINCIPALS, "loader": both})
    made.client("loader").accept(lives())
    yield made
    made.close()


def last_flag(site):
    """The offset of the newest event of a flag."""
    return max(record["offset"] for record in site.daemon.export("--topic", "flag."))


def refused(daemon, kind):
    """How often the daemon's own log tells of a refusal."""
    return daemon.errors().count(f"refused ({kind})")


# Coming in.


def stranger(site, who):
    """A client that comes without a key that is known."""
    if who == "no key":
        return Client(site.daemon.endpoints)
    if who == "unknown key":
        return KeyedClient(site.daemon.endpoints, site.server.encode(), zmq.curve_keypair())
    return KeyedClient(site.daemon.endpoints, zmq.curve_keypair()[0], site.pair("ehr"))


@pytest.mark.parametrize("who", ["no key", "unknown key", "other server key"])
def test_a_stranger_gets_nothing_from_any_socket(site, who):
    client = stranger(site, who)
    site.clients.append(client)
    # Once refused, a client's libzmq gives the connection up, and to send would wait for ever.
    with contextlib.suppress(zmq.Again):
        client.ingest.send_multipart(person().registered("1940-01-01"), zmq.NOBLOCK)
    with contextlib.suppress(zmq.Again):
        client.history_socket.send(b'{"from": 0}', zmq.NOBLOCK)
    live = client.context.socket(zmq.SUB)
    live.connect(site.daemon.endpoints["alerts"])
    live.subscribe(b"")
    stream = client.context.socket(zmq.PUB)
    stream.connect(site.daemon.endpoints["events"][0])
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        stream.send_multipart(person(subject="stranger").registered("1940-01-01"))
        for socket in (client.ingest, client.history_socket, live):
            assert not socket.poll(50), who
    assert all(not record["topic"].startswith("patient.") for record in site.daemon.export())
    kind = "key" if who == "unknown key" else "handshake"
    wait_until(lambda: refused(site.daemon, kind) >= 1)
    site.client("ehr").accept([person().registered("1940-01-01")])


def test_without_a_live_handler_of_keys_nobody_comes_in():
    # What the daemon sets on its sockets, with nobody who answers for it.
    context = zmq.Context()
    public, secret = zmq.curve_keypair()
    router = context.socket(zmq.ROUTER)
    router.curve_server, router.curve_secretkey = True, secret
    router.zap_domain = b"ingest"
    router.setsockopt(93, 1)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    dealer = context.socket(zmq.DEALER)
    dealer.curve_serverkey = public
    dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
    dealer.connect(f"tcp://127.0.0.1:{port}")
    with contextlib.suppress(zmq.Again):
        dealer.send(b"let me in", zmq.NOBLOCK)
    assert not router.poll(1500)
    context.destroy(linger=0)


def test_a_bind_beyond_loopback_needs_keys(tmp_path, tcp_site):
    done = run("serve", "--data", tmp_path / "other", "--ingest", "tcp://0.0.0.0:*", timeout=30)
    assert done.returncode == 78 and "CURVE" in done.stderr
    tcp_site.client("ehr").accept([person().registered("1940-01-01")])


@pytest.mark.parametrize("garbage", [
    b"\x00" * 64, b"\xff" * 4096, b"GET / HTTP/1.1\r\n\r\n",
    # ZMTP 3.0's greeting, with a mechanism that is none, and with CURVE and no sense after it.
    b"\xff" + bytes(8) + b"\x7f\x03\x00NONE" + bytes(16 + 32),
    b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(15 + 32) + b"\x04\xc8\x05HELLO" + bytes(194),
    b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(15 + 32) + b"\x06" + b"\x7f" * 8,
])
def test_what_is_no_handshake_is_cut_off_and_disturbs_nobody(tcp_site, garbage):
    for name in ("ingest", "alerts", "history"):
        port = int(tcp_site.daemon.endpoints[name].rpartition(":")[2])
        with sockets.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(15)
            connection.sendall(garbage)
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    if b"HELLO" in garbage or b"NONE" in garbage:
        wait_until(lambda: refused(tcp_site.daemon, "handshake") >= 1)
    tcp_site.client("ehr").accept([person().registered("1940-01-01")])


def test_who_says_nothing_is_cut_off_in_a_few_seconds(tcp_site):
    port = int(tcp_site.daemon.endpoints["ingest"].rpartition(":")[2])
    held = [sockets.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for connection in held:
        connection.settimeout(15)
        while connection.recv(4096):
            pass
        connection.close()
    tcp_site.client("ehr").accept([person().registered("1940-01-01")])


def test_connections_beyond_the_limit_wait(tmp_path, make_daemon):
    site = Site(tmp_path, make_daemon)
    settings = site.config.read_text()
    site.config.write_text(settings.replace("curve:", "curve:\n  connectionsMax: 3"))
    site.daemon.restart()
    clients = [site.client("auditor") for _ in range(6)]
    for client in clients:
        client.history_socket.send(b'{"from": 0}')
    wait_until(lambda: refused(site.daemon, "connections") >= 1)
    assert sum(client.history_socket.poll(300) > 0 for client in clients) <= 3
    for client in clients[:3]:
        client.close()
    wait_until(lambda: sum(not client.context.closed and client.history_socket.poll(50) > 0
                           for client in clients[3:]) == 3)
    site.close()


# Publishing.


def test_what_is_not_granted_is_unauthorised_in_its_place(site):
    ehr = site.client("ehr")
    good = person().registered("1940-01-01")
    forged = person(source="urn:ehr:b", subject="forged").registered("1940-01-01")
    elsewhere = person("A10", subject="elsewhere").registered("1940-01-01")
    assert [reply["status"] for reply in ehr.request(good, forged, elsewhere, good)] == [
        "accepted", "rejected", "rejected", "duplicate"]
    cases = {
        # What is wrong before it, and what is wrong after it.
        Message(forged.topic, b"{"): "malformed-json",
        Message(forged.topic, b"{}"): "not-cloudevents",
        Message(forged.topic, b"x" * 100_000): "too-large",
        forged: "unauthorised",
        elsewhere: "unauthorised",
        Message(b"nonsense", good.event): "unauthorised",
        Message(b"patient.A1.A10", good.event): "unauthorised",
        Message(forged.topic, forged.event.replace(b"health.vigil.patient", b"x")): "unauthorised",
        Message(b"observation.A1",
                person(subject="other").diagnosed(("1", "x"), "2024-01-01").event):
            "topic-mismatch",
    }
    replies = ehr.request(*cases)
    assert [reply["code"] for reply in replies] == list(cases.values())
    assert json.loads(forged.event)["id"] == replies[3]["id"]
    # Somebody else's id is not told by a duplicate or a conflict.
    tool = site.client("pharmacist")
    assert tool.request(good)[0]["code"] == "unauthorised"
    assert [record["topic"] for record in site.daemon.export()].count("patient.A1") == 1
    assert refused(site.daemon, "publish") >= 1
    assert "forged" not in site.daemon.errors() and "p-A1" not in site.daemon.errors()


def test_a_routing_identity_is_no_identity(site):
    context = KeyedContext()
    object.__setattr__(context, "server", site.server.encode())
    object.__setattr__(context, "pair", site.pair("pharmacist"))
    thief = context.socket(zmq.DEALER)
    thief.setsockopt(zmq.IDENTITY, b"ehr")
    thief.connect(site.daemon.endpoints["ingest"])
    thief.send_multipart(person().registered("1940-01-01"))
    assert thief.poll(10_000)
    assert json.loads(thief.recv())["code"] == "unauthorised"
    context.destroy(linger=0)


@pytest.mark.parametrize("connects", [False, True], ids=["bound", "connected"])
def test_the_stream_knows_its_publishers_too(tmp_path, make_daemon, connects):
    endpoint = f"ipc://{tmp_path}/publisher"
    site = None
    if connects:
        def make(arguments):
            return make_daemon(arguments=[*arguments, "--events", f">{endpoint}"])
        site = Site(tmp_path, make)
    else:
        site = Site(tmp_path, make_daemon)
    ehr = site.client("ehr")
    stream = ehr.context.socket(zmq.PUB)
    if connects:
        stream.bind(endpoint)
    else:
        stream.connect(site.daemon.endpoints["events"][0])
    patient = person(subject="streamed")
    forged = person(source="urn:ehr:b", subject="forged")
    def arrived():
        stream.send_multipart(forged.registered("1940-01-01"))
        stream.send_multipart(patient.registered("1940-01-01"))
        return any(record["topic"] == "patient.A1" for record in site.daemon.export())
    wait_until(arrived)
    records = site.daemon.export()
    assert {record["event"]["source"] for record in records
            if record["topic"].startswith("patient.")} == {"urn:ehr:a"}
    codes = {record["event"]["data"]["code"] for record in records
             if record["topic"] == "system.rejected"}
    assert codes == {"unauthorised"}
    site.close()


def test_what_is_replayed_changes_nothing(site):
    ehr = site.client("ehr")
    message = person().registered("1940-01-01")
    assert [reply["status"] for _ in range(3) for reply in ehr.request(message)] == [
        "accepted", "duplicate", "duplicate"]


@pytest.mark.parametrize("field", ["id", "source", "subject"])
@pytest.mark.parametrize("text", [
    "../../../etc/passwd", "..\\..\\x", "/dev/full", "a/../../b", "a\u0000b", "a\u001b[2Jb", "\u0085"])
def test_names_reach_no_path_and_no_terminal(tmp_path, make_daemon, make_client, field, text):
    daemon = make_daemon()
    client = make_client(daemon)
    event = {**person().envelope("patient", {"resourceType": "Patient", "id": "x"},
                                 "2024-01-01T00:00:00Z"), field: text}
    reply = client.request(Message(b"patient.A1", encoded(event)))[0]
    if not text.isprintable():
        assert reply["code"] == "not-cloudevents"
    else:
        assert reply["status"] == "accepted" or reply["code"] == "subject-mismatch"
    found = {path.name for path in daemon.data.rglob("*")}
    assert not any("passwd" in name or name in ("b", "x") for name in found)
    assert "\x1b" not in daemon.errors()


# Reading.


def flags(items):
    """The practices of the flags among items."""
    return {item.topic.split(".")[1] for item in items if item.topic.startswith("flag.")}


def test_history_gives_what_is_granted_and_no_more(full_site):
    pharmacist, auditor = full_site.client("pharmacist"), full_site.client("auditor")
    everything, end = auditor.pages()
    assert [item.offset for item in everything] == list(range(end))
    mine, end_of_mine = pharmacist.pages()
    assert end_of_mine == end
    assert mine == [item for item in everything if item.topic.startswith("flag.A1.")] != []
    inbound = {item.topic for item in full_site.client("researcher").pages()[0]
               if item.topic.split(".")[0] in ("patient", "prescription")}
    assert inbound == {"patient.A10", "prescription.A10"}
    assert flags(pharmacist.open(["flag."])[0]) == {"A1"}
    assert flags(auditor.open(["flag."])[0]) == {"A1", "A10"}


def test_everybody_may_ask_by_which_clock_the_log_is_stamped(full_site):
    everything, _ = full_site.client("auditor").pages()
    for name in ("ehr", "pharmacist"):
        items, _ = full_site.client(name).pages(topics=["system.genesis"])
        assert items == everything[:1] and items[0].topic == "system.genesis"
        for topics in (None, ["flag.", "system.rejected"]):
            assert everything[0] not in full_site.client(name).pages(topics=topics)[0]
    header, _ = full_site.client("ehr").history({"from": 0, "topics": ["system.g"]})
    assert header["error"]["code"] == "unauthorised"


def test_what_is_open_brings_no_review_of_another_practice(full_site):
    """A flag that has moved here was reviewed there, on a topic that is not granted here."""
    loader, moving = full_site.client("loader"), person("A10")
    moving.count = 10
    (raised,) = full_site.daemon.export("--topic", "flag.A10.")
    event = moving.envelope(
        "patient",
        json.loads(person("A1", subject="p-A10").registered("1940-01-01").event)["data"],
        "2024-01-14T09:00:00Z", "updated", id="moved")
    loader.accept([moving.review(raised["event"], time="2024-01-13T09:00:00Z"),
                   Message(b"patient.A1", encoded(event))])
    items = full_site.client("pharmacist").open(["flag."])[0]
    assert {json.loads(item.event)["subject"] for item in items} == {"p-A1", "p-A10"}
    assert {item.topic.split(".")[1] for item in items} == {"A1"}
    everything = {item.topic for item in full_site.client("auditor").open(["flag."])[0]}
    assert any(topic.startswith("flag.A10.") for topic in everything)


@pytest.mark.parametrize("prefix,practices", [
    ("flag.", {"A1"}), ("flag.A", {"A1"}), ("flag.A1", {"A1"}), ("flag.A1.", {"A1"}),
    ("flag.A10", None), ("flag.A10.", None), ("flag.A1.\u0000", set()), ("patient.", None),
    ("system.", None), ("flag.A1 ", None), ("FLAG.A1", None), ("", {"A1"})])
def test_prefixes_open_no_neighbours_door(full_site, prefix, practices):
    pharmacist = full_site.client("pharmacist")
    for request in ({"from": 0, "topics": [prefix]}, {"open": [prefix]}):
        header, items = pharmacist.history(request)
        if practices is None:
            assert header["error"]["code"] == "unauthorised"
        else:
            assert flags(items) == practices
            assert "error" not in header
    if practices is None:
        assert refused(full_site.daemon, "history") >= 1


def test_a_subscription_gives_what_is_granted_and_no_more(full_site):
    pharmacist, auditor = full_site.client("pharmacist"), full_site.client("auditor")
    lives = {
        prefix: pharmacist.subscribe(prefix)
        for prefix in ("flag.", "flag.A1", "flag.A1.high", "flag.A10", "flag.A10.", "", "patient.")}
    everything = auditor.subscribe("")
    people = [person(practice, subject=f"q-{practice}") for practice in PRACTICES]
    full_site.client("loader").accept(
        [patient.registered("1940-01-01") for patient in people]
        + [patient.prescribed(NAPROXEN, "2024-02-10") for patient in people]
        + [clock("2024-02-12T00:00:00Z")])
    last = last_flag(full_site)
    seen = everything.until(last)
    assert {topic.split(".")[1] for topic, _ in seen if topic.startswith("flag.")} == set(PRACTICES)
    wanted = [topic for topic, _ in seen if topic.startswith("flag.A1.")]
    assert len(wanted) >= 1
    for prefix, live in lives.items():
        topics = [topic for topic, _ in live.until(last)]
        expected = [] if "A10" in prefix or prefix == "patient." else [
            topic for topic in wanted if topic.startswith(prefix)]
        assert [topic for topic in topics if topic != "system.heartbeat"] == expected, prefix
    assert refused(full_site.daemon, "subscribe") >= 1


def test_subscriptions_that_overlap_can_be_taken_back(full_site):
    pharmacist = full_site.client("pharmacist")
    live = pharmacist.subscribe("flag.", "flag.A1.")
    live.socket.unsubscribe(b"flag.A1.")
    live.next_heartbeat()
    live.next_heartbeat()
    patient = person(subject="overlap")
    full_site.client("loader").accept([
        patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-02-10"),
        clock("2024-02-12T00:00:00Z")])
    topics = [topic for topic, _ in live.until(last_flag(full_site))]
    assert any(topic.startswith("flag.A1.") for topic in topics)


def test_long_subscriptions_and_floods_end_in_nothing(site):
    pharmacist = site.client("pharmacist")
    other = site.client("auditor").subscribe("")
    socket = pharmacist.context.socket(zmq.XSUB)
    socket.sndhwm = 0
    socket.linger = 0
    socket.connect(site.daemon.endpoints["alerts"])
    for length in (201, 245, 246, 250, 255, 3000):
        socket.send(b"\x01flag.A1." + b"x" * (length - 8))
    wait_until(lambda: refused(site.daemon, "subscribe") >= 1)
    for number in range(12_000):
        socket.send(b"\x01flag.A1.%d" % number)
    wait_until(lambda: refused(site.daemon, "flood") >= 1)
    # Everybody was made to come again, and only the one who floods has to wait.
    other.next_heartbeat()
    socket.send(b"\x01system.heartbeat")
    assert not socket.poll(2500)
    assert site.daemon.process.poll() is None


def test_a_frame_too_long_ends_only_its_own_connection(site):
    ehr, other = site.client("ehr"), site.client("ehr")
    other.accept([person().registered("1940-01-01")])
    ehr.send([Message(b"patient.A1", b"x" * (9 << 20))])
    with pytest.raises(Timeout):
        ehr.receive(1)
    other.accept([person(subject="next").registered("1940-01-01")])


# Grants that change.


def test_grants_are_read_again_and_felt_by_standing_connections(full_site):
    pharmacist, loader = full_site.client("pharmacist"), full_site.client("loader")
    auditor = full_site.client("auditor")
    live, others = pharmacist.subscribe("flag."), auditor.subscribe("flag.")
    assert pharmacist.pages()[0]
    del full_site.principals["pharmacist"]
    full_site.principals["loader"] = {
        "publish": {"sources": ["urn:ehr:a", "urn:test:*"], "topics": ["*.A10", "system.clock"]}}
    full_site.reload()
    header, _ = pharmacist.history({"from": 0})
    assert header["error"]["code"] == "unauthorised"
    assert pharmacist.request(person().registered("1940-01-01"))[0]["code"] == "unauthorised"
    assert loader.request(person(subject="n").registered("1940-01-01"))[0]["code"] == "unauthorised"
    # The subscriptions in force are those of the new grants.
    others.pending, others.heartbeat = [], others.next_heartbeat()
    patient = person("A10", subject="later")
    loader.accept([
        patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-10"),
        clock("2024-03-12T00:00:00Z")])
    topics = [topic for topic, _ in others.until(last_flag(full_site))]
    assert any(topic.startswith("flag.A10.") for topic in topics)
    while live.socket.poll(300):
        assert live.socket.recv_multipart()[0] == b"system.heartbeat"
    # A principal that comes back comes in.
    full_site.principals["pharmacist"] = {"read": {"topics": ["flag.A10"]}}
    full_site.reload()
    assert flags(pharmacist.pages()[0]) == {"A10"}
    assert full_site.client("pharmacist").subscribe("flag.")


def test_settings_that_cannot_be_read_leave_the_grants_as_they_are(site):
    before = site.config.read_text()
    del site.principals["ehr"]
    site.write()
    without = site.config.read_text()
    for text in ("curve: {keyFil: x}", "- x", "curve: {keyFile: /elsewhere}", "name: other",
                 without + "parameters: {nopack: {x: 1}}",
                 without + "parameters: {pincer: {x: 1}}"):
        site.config.write_text(text + "\n")
        told = site.daemon.errors().count("\n")
        site.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: site.daemon.errors().count("\n") > told)
    site.client("ehr").accept([person().registered("1940-01-01")])
    site.config.write_text(before)


def test_a_hangup_ends_no_daemon(daemon, client):
    daemon.process.send_signal(signal.SIGHUP)
    client.accept([person().registered("1940-01-01")])


# Keys and settings.


def test_keys_are_for_their_owner_alone(tmp_path, make_daemon):
    made = run("keys", "new", "--out", tmp_path / "k")
    assert made.returncode == 0
    assert not is_group_readable(tmp_path / "k") and is_group_readable(tmp_path / "k.pub")
    for name in ("k", "k.pub"):
        assert run("keys", "show", tmp_path / name).stdout == made.stdout
    again = run("keys", "new", "--out", tmp_path / "k")
    assert again.returncode == 78 and "is there already" in again.stderr
    os.chmod(tmp_path / "k", 0o640)
    config = tmp_path / "c.yaml"
    config.write_text(f"curve: {{keyFile: {tmp_path / 'k'}}}\n")
    done = run("serve", "--data", tmp_path / "d", "--config", config, timeout=30)
    assert done.returncode == 78 and "chmod 600" in done.stderr
    assert run("keys", "show", tmp_path / "k").returncode == 78
    assert run("keys", "show", tmp_path / "none").returncode == 66


@pytest.mark.parametrize("text,told", [
    ("curve: {keyFil: k}", "did you mean keyFile"),
    ("curve: {}", "lacks `keyFile`"),
    ("curve: {keyFile: k, principals: [{name: a}]}", "lacks name or key"),
    ("curve: {keyFile: k, principals: [{name: a, key: short}]}", "no public key"),
    ("curve: {keyFile: k, connectionsMax: 0}", "from 1 to"),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY, publish: {topics: [x]}}]}",
     "kind.practice"),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY, read: {topics: [flag*]}}]}",
     "whole words"),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY, publish: {topics: [foo.A1]}}]}",
     'c.yaml:1: topics: nothing comes in on "foo.A1": write one of patient, encounter'),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY, publish: {topics: [system.clok]}}]}",
     "system with clock, loading or loaded"),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY, read: {inbound: [flag.A1]}}]}",
     'nothing comes in on "flag.A1"'),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY, read: {topics: [flagg]}}]}",
     'no output topic begins with "flagg": write flag, alert, shadow, system or *'),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY, read: {topics: [flag.A1.hihg]}}]}",
     '"hihg" in "flag.A1.hihg" is no severity'),
    ("curve:\n  keyFile: k\n  principals:\n    - {name: a, key: KEY}\n    - {name: a, key: KEY}",
     "c.yaml:5: principals: the name a is there twice; give each"),
    ("curve: {keyFile: k, principals: [{name: a, key: KEY}, {name: b, key: KEY}]}", "twice")])
def test_settings_of_keys_that_are_wrong_are_told(tmp_path, text, told):
    config = tmp_path / "c.yaml"
    config.write_text(text.replace("KEY", "'" + zmq.curve_keypair()[0].decode() + "'") + "\n")
    for command in (["serve", "--data", tmp_path / "d"], ["config", "check"]):
        done = run(*command, "--config", config, timeout=30)
        assert done.returncode == 78 and told in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_the_command_line_comes_with_keys(full_site, tmp_path):
    endpoints = full_site.daemon.endpoints
    file = tmp_path / "more.ndjson"
    message = person(subject="cli").registered("1940-01-01")
    file.write_bytes(message.event + b"\n")
    sent = run("publish", "--ingest", endpoints["ingest"], "--practice", "A1",
               *full_site.options("loader"), file)
    assert sent.returncode == 0, sent.stderr
    shown = run("open", "--history", endpoints["history"], *full_site.options("pharmacist"))
    assert shown.returncode == 0 and shown.stdout.count('"flagid"') == 1
    assert "flag.A10" not in shown.stdout
    flag = json.loads(shown.stdout.splitlines()[0])["flagid"]
    places = ["--ingest", endpoints["ingest"], "--history", endpoints["history"]]
    review = ["review", flag, "accept", "--author", "x", "--source", "urn:tool:x", *places]
    live = ["--alerts", endpoints["alerts"], "--history", endpoints["history"]]
    for command, name, lacks in (
            (["open", "--history", endpoints["history"]], "ehr", "read.topics"),
            (["watch", "--topic", "flag.", *live], "ehr", "read.topics"),
            (review, "ehr", "read.topics"),
            (["open", "--practice", "A", "--history", endpoints["history"]], "pharmacist",
             "read.topics"),
            ([*review, "--source", "urn:other", "--date", "2024-01-12T00:00:00Z"], "pharmacist",
             "publish.sources")):
        done = run(*command, *full_site.options(name), timeout=60)
        assert done.returncode == 77 and lacks in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = run(*review, *full_site.options("pharmacist"))
    assert done.returncode == 64 and "event clock" in done.stderr
    done = run(*review, "--date", "2024-01-12T00:00:00Z", *full_site.options("pharmacist"))
    assert done.returncode == 0, done.stderr
    watch = subprocess.Popen(
        [binary(), "watch", "--from", "0", "--alerts", endpoints["alerts"], "--history",
         endpoints["history"], *map(str, full_site.options("pharmacist"))],
        stdout=subprocess.PIPE, text=True)
    assert json.loads(watch.stdout.readline())["practice"] == "A1"
    watch.terminate()
    assert watch.wait(10) == 0
    full_site.make("nobody")
    for command in (["open", "--history", endpoints["history"]],
                    ["publish", "--ingest", endpoints["ingest"], file],
                    ["watch", "--alerts", endpoints["alerts"], "--history", endpoints["history"]]):
        done = run(*command, *full_site.options("nobody"), timeout=30)
        assert done.returncode == 77 and "knows no principal" in done.stderr, done.stderr


def handshakes_refused(daemon):
    """How many handshakes have failed, as the daemon tells of them."""
    told = re.findall(
        r"refused \(handshake\)[^\n]*?(?: \(and (\d+) more|$)", daemon.errors(), re.MULTILINE)
    return sum(1 + int(more or 0) for more in told)


@pytest.mark.parametrize("transport,has_keys", [("site", False), ("tcp_site", True)])
def test_who_has_not_the_daemons_key_is_told_so_and_does_not_storm(
        request, tmp_path, transport, has_keys):
    site = request.getfixturevalue(transport)
    site.make("elsewhere")
    ingest = site.daemon.endpoints["ingest"]
    file = tmp_path / "one.ndjson"
    file.write_bytes(person().registered("1940-01-01").event + b"\n")
    wrong = ["--server-key", tmp_path / "elsewhere.pub", "--key-file", tmp_path / "ehr"]
    options = wrong if has_keys else []
    forward = ["forward", "--outbox", tmp_path / "outbox", "--ingest", ingest,
               "--practice", "A1", file]
    with open(tmp_path / "said", "w") as said:
        process = subprocess.Popen([binary(), *map(str, forward + options)], stderr=said)
    # It waits for as long as it takes, and says what for.
    wait_until(lambda: "wait in the outbox" in (tmp_path / "said").read_text())
    assert process.poll() is None
    assert "--server-key" in (tmp_path / "said").read_text()
    process.terminate()
    assert process.wait(30) == 0
    done = run("publish", "--ingest", ingest, "--practice", "A1", *options, file, timeout=60)
    assert done.returncode == 69 and "--server-key" in done.stderr, done.stderr
    # Each waits between two attempts, whatever the daemon does with them.
    assert 1 <= handshakes_refused(site.daemon) < 1000
    done = run(*forward, *site.options("ehr"), timeout=60)
    assert done.returncode == 0, done.stderr
