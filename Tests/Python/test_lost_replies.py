# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""What was lost with a connection is sent again: no answer is taken for another request's."""

import json
import os
import signal
import subprocess
import time

import pytest
import zmq

from daemon import binary
from faults import require_strace
from test_forward import Forwarder, identifiers, line, logged, wait_until, workload


def padded(messages, length):
    """Events of which a connection takes few before it waits for the daemon."""
    return [message._replace(event=message.event[:-1] + b',"pad":"' + b"x" * length + b'"}')
            for message in messages]


def test_publish_waits_for_half_a_line_while_the_daemon_is_another(daemon):
    # Fewer requests than may be under way: it reads on.
    messages = padded(workload(20)[:11], 60_000)
    process = subprocess.Popen(
        [binary(), "publish", "--ingest", daemon.endpoints["ingest"], "-", "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def put(text):
        process.stdin.write(text)
        process.stdin.flush()
        time.sleep(0.2)

    try:
        put(line(messages[0]))
        wait_until(lambda: len(logged(daemon)) == 1)
        # A daemon that hangs: some requests are lost with its connection, the others wait here.
        os.kill(daemon.process.pid, signal.SIGSTOP)
        for message in messages[1:-1]:
            put(line(message))
        last = line(messages[-1])
        put(last[:100])
        daemon.kill()
        daemon.start()
        time.sleep(2)
        put(last[100:])
        process.stdin.close()
        counts = json.loads(process.stdout.read())
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.stdout.close()
    assert logged(daemon) == identifiers(messages)
    assert counts["accepted"] + counts["duplicate"] == len(messages)


def test_forward_waits_for_its_disk_while_the_daemon_is_another(daemon, tmp_path):
    require_strace()
    messages = padded(workload(256 * 12 + 300), 3400)
    path = tmp_path / "events.ndjson"
    path.write_bytes(line(messages[0]))
    forwarder = Forwarder(daemon, tmp_path, path, "--follow").start()
    wait_until(lambda: len(logged(daemon)) == 1)
    os.kill(daemon.process.pid, signal.SIGSTOP)
    with open(path, "ab") as file:
        file.write(b"".join(map(line, messages[1:-1])))
    wait_until(lambda: forwarder.held() > sum(len(m.event) for m in messages[1:-1]))
    time.sleep(1)
    slow = subprocess.Popen(
        ["strace", "-f", "-p", str(forwarder.process.pid), "-o", "/dev/null",
         "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=4000000"],
        stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        with open(path, "ab") as file:
            file.write(line(messages[-1]))
        time.sleep(0.7)
        daemon.kill()
        daemon.start()
        time.sleep(6)
    finally:
        slow.terminate()
        slow.wait(10)
    wait_until(lambda: len(logged(daemon)) == len(messages))
    assert forwarder.stop() == 0, forwarder.said()
    assert logged(daemon) == identifiers(messages)


class Sender:
    """`publish` or `forward` of three events to a ROUTER that stands for a daemon."""

    def __init__(self, command, folder):
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        port = self.router.bind_to_random_port("tcp://127.0.0.1")
        path = folder / "events.ndjson"
        path.write_bytes(b"".join(map(line, workload(3))))
        outbox = ["--outbox", str(folder / "outbox")] if command == "forward" else []
        self.errors = folder / "errors"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [binary(), command, *outbox, "--ingest", f"tcp://127.0.0.1:{port}", str(path)],
                stderr=errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.context.destroy(linger=0)

    def said(self):
        return self.errors.read_text()

    def answer(self, prefix=""):
        """Accepts what is asked for next, if anything is soon, by names with a prefix."""
        if not self.router.poll(200):
            return
        identity, *frames = self.router.recv_multipart()
        self.router.send_multipart([identity] + [
            json.dumps({"status": "accepted", "id": prefix + json.loads(frame)["id"],
                        "offset": index}).encode()
            for index, frame in enumerate(frames[1::2])])


@pytest.mark.parametrize("command", ["publish", "forward"])
def test_a_daemon_that_is_there_and_at_work_is_waited_for(tmp_path, command):
    with Sender(command, tmp_path) as sender:
        wait_until(lambda: "is there and does not answer yet" in sender.said()
                   or sender.process.poll() is not None)
        assert sender.process.poll() is None, sender.said()
        assert "nothing answers" not in sender.said()
        sender.answer()
        assert sender.process.wait(timeout=30) == 0, sender.said()


def test_publish_ends_where_answers_are_always_about_other_events(tmp_path):
    with Sender("publish", tmp_path) as sender:
        while sender.process.poll() is None:
            sender.answer("other-")
        assert sender.process.returncode == 70, sender.said()
        assert "does not follow the protocol" in sender.said()


def test_forward_says_that_answers_are_always_about_other_events(tmp_path):
    with Sender("forward", tmp_path) as sender:
        def is_told():
            sender.answer("other-")
            return "does not follow the protocol" in sender.said()

        wait_until(is_told, 30)
        while sender.process.poll() is None:
            sender.answer()
        assert sender.process.returncode == 0, sender.said()
        assert sender.said().count("does not follow the protocol") == 1
        assert "nothing answers" not in sender.said()


@pytest.mark.parametrize("command", ["publish", "forward"])
def test_an_answer_about_other_events_makes_a_new_connection(tmp_path, command):
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    messages = workload(3)
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(map(line, messages)))
    outbox = ["--outbox", str(tmp_path / "outbox")] if command == "forward" else []
    process = subprocess.Popen(
        [binary(), command, *outbox, "--ingest", f"tcp://127.0.0.1:{port}", str(path), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    requests = []
    try:
        for other in ("other-", ""):
            assert router.poll(20_000), "nothing was sent again"
            identity, *frames = router.recv_multipart()
            events = [json.loads(frame)["id"] for frame in frames[1::2]]
            requests.append((identity, events))
            router.send_multipart([identity] + [
                json.dumps({"status": "accepted", "id": other + name, "offset": index}).encode()
                for index, name in enumerate(events)])
        assert json.loads(process.stdout.read())["accepted"] == len(messages)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.stdout.close()
        context.destroy(linger=0)
    assert requests[0][1] == requests[1][1]
    assert requests[0][0] != requests[1][0], "on the same connection"
