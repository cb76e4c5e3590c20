# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""A client of the wire protocol, written from its page alone: pyzmq and JSON."""

import collections
import json
import time

import zmq

#: An inbound message: two byte strings.
Message = collections.namedtuple("Message", "topic event")
#: An item of a history reply.
Item = collections.namedtuple("Item", "topic offset event")

PAIRS_IN_A_REQUEST_MAX = 1024
TIMEOUT_SECONDS = 60


class Timeout(AssertionError):
    """Nothing came in time."""


class Client:
    """Sockets to one daemon."""

    def __init__(self, endpoints):
        self.endpoints = endpoints
        self.context = zmq.Context()
        self.ingest = self._dealer("ingest")
        self.history_socket = self._dealer("history")

    def _dealer(self, name):
        socket = self.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.sndhwm = socket.rcvhwm = 0
        socket.connect(self.endpoints[name])
        return socket

    def close(self):
        """Closes all sockets."""
        self.context.destroy(linger=0)

    # Ingest, section 4.

    def send(self, messages):
        """One request; the reply is to be received later."""
        self.ingest.send_multipart([frame for message in messages for frame in message])

    def receive(self, seconds=TIMEOUT_SECONDS):
        """The reply to the oldest request that has none yet: a dict a pair."""
        if not self.ingest.poll(seconds * 1000):
            raise Timeout("no reply from ingest")
        return [json.loads(frame) for frame in self.ingest.recv_multipart()]

    def request(self, *messages):
        """One request and its reply."""
        self.send(messages)
        return self.receive()

    def publish(self, messages, batch=256, window=8):
        """Sends all, pipelined; returns the replies in order; waits where the daemon is busy."""
        messages = list(messages)
        replies = [None] * len(messages)
        waiting = collections.deque(
            range(start, min(start + batch, len(messages)))
            for start in range(0, len(messages), batch))
        in_flight = collections.deque()
        while waiting or in_flight:
            while waiting and len(in_flight) < window:
                indices = waiting.popleft()
                self.send([messages[index] for index in indices])
                in_flight.append(indices)
            indices = in_flight.popleft()
            answers = self.receive()
            assert len(answers) == len(indices), answers[:1]
            busy = [i for i, answer in zip(indices, answers) if answer["status"] == "busy"]
            for index, answer in zip(indices, answers):
                replies[index] = answer
            if busy:
                time.sleep(answers[-1]["retryAfterMs"] / 1000)
                waiting.append(range(busy[0], indices[-1] + 1))
        return replies

    def accept(self, messages, **options):
        """Publishes what must be accepted; returns the offsets."""
        replies = self.publish(messages, **options)
        refused = [reply for reply in replies if reply["status"] != "accepted"]
        assert not refused, refused[:3]
        return [reply["offset"] for reply in replies]

    # History, section 6.

    def history(self, request, socket=None):
        """One request; returns the header and the items, or the error and nothing."""
        socket = socket or self.history_socket
        socket.send(request if isinstance(request, bytes) else json.dumps(request).encode())
        if not socket.poll(TIMEOUT_SECONDS * 1000):
            raise Timeout("no reply from history")
        header, *frames = socket.recv_multipart()
        assert len(frames) % 3 == 0
        items = [Item(frames[i].decode(), int(frames[i + 1]), frames[i + 2])
                 for i in range(0, len(frames), 3)]
        return json.loads(header), items

    def pages(self, start=0, **request):
        """All items from an offset to the head, page by page; also the offset to go on from."""
        items = []
        while True:
            header, page = self.history({"from": start, **request})
            assert "error" not in header, header
            assert header["count"] == len(page)
            items += page
            start = header["next"]
            if start > header["head"]:
                return items, start

    def open(self, prefixes, limit=500):
        """What is open now, and the offset that this is as of."""
        items, after, as_of = [], None, None
        while True:
            header, page = self.history({"open": prefixes, "after": after, "limit": limit})
            assert "error" not in header, header
            items += page
            as_of = header["asOf"] if as_of is None else as_of
            after = header["after"]
            if after is None:
                return items, as_of

    # Live events, section 5.

    def subscribe(self, *prefixes):
        """A subscription that is in force: a heartbeat has come through it."""
        return Subscription(self, prefixes)


class Subscription:
    """Live events as they come, and how to repair what did not."""

    def __init__(self, client, prefixes):
        self.client = client
        self.prefixes = list(prefixes)
        self.socket = client.context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 0
        self.socket.connect(client.endpoints["alerts"])
        for prefix in [*self.prefixes, "system.heartbeat"]:
            self.socket.subscribe(prefix.encode())
        self.pending = []
        self.heartbeat = self.next_heartbeat()

    def receive(self, seconds=TIMEOUT_SECONDS):
        """The next message: topic and event."""
        if not self.socket.poll(seconds * 1000):
            raise Timeout("nothing published")
        topic, event = self.socket.recv_multipart()
        return topic.decode(), json.loads(event)

    def next_heartbeat(self):
        """Waits for a heartbeat; events before it are kept for `until`."""
        while True:
            topic, event = self.receive(10)
            if topic.startswith("system.heartbeat"):
                return heartbeat_of(event)
            self.pending.append((topic, event))

    def until(self, output):
        """The live events up to the first heartbeat whose `output` has reached an offset."""
        while self.next_heartbeat()["output"] < output:
            pass
        events, self.pending = self.pending, []
        return events

    def close(self):
        """Leaves, as a client whose connection is lost."""
        self.socket.close(linger=0)


def heartbeat_of(event):
    """The figures of a heartbeat, whether enveloped or bare."""
    return event.get("data", event) if "offset" not in event else event
