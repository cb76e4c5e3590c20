# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Clients that send too much, or take nothing, against a daemon that others rely on."""

import collections
import json
import signal
import threading
import time

import zmq

from client import Client
from events import HEART_FAILURE, METFORMIN, NAPROXEN, Patient

QUEUE = 32 << 20


def resident(daemon):
    """The daemon's memory, in bytes."""
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(row.split()[1]) << 10 for row in status if row.startswith("VmRSS"))


def padded(patient, day, bytes_each):
    message = patient.prescribed(METFORMIN, day)
    return message._replace(
        event=message.event[:-1] + b',"pad":"' + b"x" * bytes_each + b'"}')


def crowd(name, count):
    """Events of as many patients: what one has costs the next nothing."""
    return [Patient(f"{name}-{number}", source=f"urn:test:{name}").registered("1970-01-01")
            for number in range(count)]


def dealer(context, daemon, **options):
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    for name, value in options.items():
        setattr(socket, name, value)
    socket.connect(daemon.endpoints["ingest"])
    return socket


def start(make_daemon, tmp_path, **options):
    config = tmp_path / "vigil.yaml"
    config.write_text(f"queueBytesMax: {QUEUE}\n")
    return make_daemon(arguments=["--config", str(config)], **options)


def test_who_takes_no_replies_gets_busy_then_nothing_and_costs_little(
        make_daemon, make_client, tmp_path):
    daemon = start(make_daemon, tmp_path)
    other = make_client(daemon)
    other.accept([Patient("other").registered("1970-01-01")])
    before = resident(daemon)
    context = zmq.Context()
    socket = dealer(context, daemon, sndhwm=4, rcvhwm=1, rcvbuf=4096)
    sent = 0
    deadline = time.monotonic() + 60
    last = time.monotonic()
    while sent < 60_000 and time.monotonic() < deadline and time.monotonic() - last < 5:
        frames = [frame for message in crowd(f"greedy{sent}", 1024) for frame in message]
        try:
            socket.send_multipart(frames, zmq.DONTWAIT)
            sent, last = sent + 1024, time.monotonic()
        except zmq.Again:
            time.sleep(0.01)
    assert sent > 20_000
    # Somebody else is served meanwhile.
    started = time.monotonic()
    other.accept([Patient("second").registered("1970-01-01")])
    assert time.monotonic() - started < 20
    assert resident(daemon) - before < 400 << 20
    socket.close(linger=0)
    context.term()


def test_replies_come_in_order_to_who_takes_them_late(make_daemon, tmp_path):
    daemon = start(make_daemon, tmp_path)
    context = zmq.Context()
    socket = dealer(context, daemon, sndhwm=0, rcvhwm=1, rcvbuf=4096)
    requests = []
    for number in range(300):
        messages = crowd(f"late{number}", 50)
        requests.append([json.loads(message.event)["id"] for message in messages])
        socket.send_multipart([frame for message in messages for frame in message])
    time.sleep(3)
    statuses = collections.Counter()
    for expected in requests:
        assert socket.poll(30_000)
        replies = [json.loads(frame) for frame in socket.recv_multipart()]
        assert [reply["id"] for reply in replies] == expected
        words = [reply["status"] for reply in replies]
        assert set(words) <= {"accepted", "busy"}
        if "busy" in words:
            assert set(words[words.index("busy"):]) == {"busy"}
        statuses.update(words)
    assert statuses["accepted"] >= 8192, statuses
    context.destroy(linger=0)


def test_a_flood_of_publishers_starves_nobody_and_stays_in_its_bound(make_daemon, tmp_path):
    daemon = start(make_daemon, tmp_path)
    before = resident(daemon)
    context = zmq.Context(2)
    sockets = [dealer(context, daemon, sndhwm=0) for _ in range(200)]
    poller = zmq.Poller()
    replies = collections.Counter()
    statuses = collections.Counter()
    peak = 0
    for number, socket in enumerate(sockets):
        patient = Patient(f"flood{number}", source=f"urn:test:flood:{number}")
        for _ in range(6):
            messages = [padded(patient, "2024-02-01", 2000) for _ in range(16)]
            socket.send_multipart([frame for message in messages for frame in message])
        poller.register(socket, zmq.POLLIN)
    first = {}
    while sum(replies.values()) < 200 * 6:
        ready = poller.poll(30_000)
        assert ready, f"nothing more comes after {statuses}"
        for socket, _ in ready:
            frames = socket.recv_multipart()
            first.setdefault(socket, sum(replies.values()))
            replies[socket] += 1
            statuses.update(json.loads(frame)["status"] for frame in frames)
        peak = max(peak, resident(daemon))
    assert statuses == {"accepted": 200 * 6 * 16}
    # Everybody had a first answer before anybody could have had all.
    assert len(first) == 200
    assert max(first.values()) < 200 * 6 * 0.75
    assert peak - before < 256 << 20
    context.destroy(linger=0)


def test_who_goes_on_after_a_crowd_has_left_is_served_to_the_end(make_daemon, tmp_path):
    daemon = start(make_daemon, tmp_path)
    context = zmq.Context()
    sockets = [dealer(context, daemon, sndhwm=0) for _ in range(200)]
    awaited = collections.Counter()
    poller = zmq.Poller()
    for number, socket in enumerate(sockets):
        patient = Patient(f"crowd{number}", source=f"urn:test:crowd:{number}")
        messages = [padded(patient, "2024-02-01", 2000) for _ in range(16)]
        socket.send_multipart([frame for message in messages for frame in message])
        awaited[socket] = 1
        poller.register(socket, zmq.POLLIN)
    for socket in sockets[:10]:
        for message in crowd(f"tail{sockets.index(socket)}", 1000):
            socket.send_multipart(message)
        awaited[socket] += 1000
    while awaited.total():
        ready = poller.poll(30_000)
        assert ready, f"{awaited.total()} requests are left without a reply"
        for socket, _ in ready:
            while awaited[socket] and socket.poll(0):
                replies = [json.loads(frame)["status"] for frame in socket.recv_multipart()]
                assert set(replies) == {"accepted"}
                awaited[socket] -= 1
    context.destroy(linger=0)


def test_a_stop_under_load_answers_what_is_durable_and_loses_nothing(make_daemon, tmp_path):
    daemon = start(make_daemon, tmp_path)
    acknowledged = []
    stopping = threading.Event()

    def publish(number):
        client = Client(daemon.endpoints)
        patient = Patient(f"stop{number}", source=f"urn:test:stop:{number}")
        try:
            for _ in range(100_000):
                client.send([patient.prescribed(METFORMIN, "2024-02-01") for _ in range(32)])
                acknowledged.extend(
                    (patient.source, reply["id"]) for reply in client.receive(5)
                    if reply["status"] == "accepted")
        except AssertionError:
            assert stopping.is_set()
        finally:
            client.close()

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 2000:
        time.sleep(0.05)
    stopping.set()
    started = time.monotonic()
    assert daemon.stop(signal.SIGTERM) == 0
    assert time.monotonic() - started < 20
    for thread in threads:
        thread.join()
    logged = collections.Counter(
        (record["event"]["source"], record["event"]["id"]) for record in daemon.export()
        if record["topic"].startswith("prescription."))
    assert not set(acknowledged) - set(logged)
    assert max(logged.values()) == 1


def test_who_pages_without_end_delays_neither_pages_nor_intake(make_daemon, make_client, tmp_path):
    daemon = start(make_daemon, tmp_path)
    other = make_client(daemon)
    other.accept(crowd("first", 3000))
    context = zmq.Context()
    greedy = context.socket(zmq.DEALER)
    greedy.linger = 0
    greedy.sndhwm = greedy.rcvhwm = 0
    greedy.connect(daemon.endpoints["history"])
    for _ in range(2000):
        greedy.send_json({"from": 0, "limit": 1000, "subject": "nobody"})
    assert greedy.poll(30_000)
    answered = 0
    for number in range(5):
        other.accept(crowd(f"more{number}", 20))
        header, items = other.history({"from": 0, "limit": 10})
        assert len(items) == 10 and header["head"] >= 3000
        while greedy.poll(0):
            greedy.recv_multipart()
            answered += 1
    assert answered < 2000, "the others came before the rest of its requests"
    context.destroy(linger=0)


def test_a_flag_is_out_long_before_the_last_event_of_its_request(daemon, make_client):
    client = make_client(daemon)
    others = [Patient(f"other-{number}") for number in range(200)]
    failing = [Patient(f"failing-{number}") for number in range(5)]
    client.accept([patient.registered("1950-01-01") for patient in others + failing])
    client.accept([patient.diagnosed(HEART_FAILURE, "2020-01-01") for patient in failing])
    flags = client.subscribe("flag.")
    headstarts = []
    for patient in failing:
        rest = [others[number % 200].prescribed(METFORMIN, "2024-03-01") for number in range(1023)]
        client.send([patient.prescribed(NAPROXEN, "2024-03-01"), *rest])
        while not flags.receive()[0].startswith("flag."):
            pass
        raised = time.perf_counter()
        assert client.ingest.poll(30_000)
        headstarts.append(time.perf_counter() - raised)
        client.receive()
    # Let out together, a flag and a reply are a fraction of a millisecond apart.
    assert max(headstarts) > 0.003, headstarts
