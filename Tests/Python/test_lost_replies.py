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
    wait_until(lambda: forwarder.size() > sum(len(m.event) for m in messages[1:-1]))
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
