# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Crowds of publishers and of subscribers, each with connections of its own."""

import collections
import json
import threading
import time

import zmq

from client import heartbeat_of


class Publishers:
    """Many publishers, each of which has one request on its way and sends again what it must."""

    def __init__(self, connect):
        """`connect` makes a socket: connect(kind, endpoint's name)."""
        self.connect = connect
        self.sockets = {}
        self.poller = zmq.Poller()
        #: Of each event that was accepted or known: its id and offset.
        self.offsets = {}
        self.statuses = collections.Counter()

    def come(self, numbers):
        """All of them connect at once, whatever connections they had before."""
        for number in list(numbers):
            self.leave(number)
            socket = self.connect(zmq.DEALER, "ingest")
            self.sockets[number] = socket
            self.poller.register(socket, zmq.POLLIN)

    def leave(self, number):
        """One of them loses its connection."""
        socket = self.sockets.pop(number, None)
        if socket is not None:
            self.poller.unregister(socket)
            socket.close(linger=0)

    def round(self, requests, storm_after=None, seconds=150):
        """Each sends its request and waits for the reply; returns the seconds that each waited.

        `requests` are messages by the publisher's number. With `storm_after` all connections are
        lost and made again once as many replies have come: what has none is sent again.
        """
        waits = []
        begun = {}
        waiting = dict(requests)
        for number in waiting:
            self._send(number, waiting[number], begun)
        deadline = time.monotonic() + seconds
        while waiting:
            assert time.monotonic() < deadline, f"{len(waiting)} have no reply"
            if storm_after is not None and len(waits) >= storm_after:
                storm_after = None
                self.come(list(self.sockets))
                for number in waiting:
                    self._send(number, waiting[number], {})
            ready = {socket for socket, _ in self.poller.poll(1000)}
            for number in [n for n in waiting if self.sockets[n] in ready]:
                answers = [json.loads(frame) for frame in self.sockets[number].recv_multipart()]
                assert len(answers) == len(waiting[number])
                for answer in answers:
                    self.statuses[answer["status"]] += 1
                    if answer["status"] in ("accepted", "duplicate"):
                        assert self.offsets.setdefault(
                            answer["id"], answer["offset"]) == answer["offset"]
                if any(answer["status"] == "busy" for answer in answers):
                    self._send(number, waiting[number], {})
                else:
                    waits.append(time.monotonic() - begun[number])
                    del waiting[number]
        return waits

    def _send(self, number, messages, begun):
        begun[number] = time.monotonic()
        self.sockets[number].send_multipart([frame for pair in messages for frame in pair])


class Subscriber:
    """Follows a prefix as the protocol's page tells a subscriber that must miss nothing."""

    def __init__(self, connect, prefix):
        self.connect = connect
        self.prefix = prefix
        self.offsets = set()
        self.twice = 0
        self.next = 0
        self.numbers = {}
        self.pages = 0
        self.heartbeat = None
        #: Heartbeats since something came, of an output beyond what was examined.
        self.behind = 0
        self.live = self.history = None

    def come(self, poller, sockets):
        """Connects, or connects again."""
        self.leave(poller, sockets)
        self.live = self.connect(zmq.SUB, "alerts")
        for prefix in (self.prefix, "system.heartbeat"):
            self.live.subscribe(prefix)
        self.history = self.connect(zmq.DEALER, "history")
        self.state = "joining"
        self.numbers = {}
        for socket in (self.live, self.history):
            poller.register(socket, zmq.POLLIN)
            sockets[socket] = self

    def leave(self, poller, sockets):
        """Loses both connections, and what is on its way in them."""
        for socket in (self.live, self.history):
            if socket is not None:
                poller.unregister(socket)
                del sockets[socket]
                socket.close(linger=0)
        self.live = self.history = None

    def take(self, socket):
        """Takes what has come on one of its sockets."""
        while True:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if socket is self.history:
                self._take_page(frames)
            elif frames[0] == b"system.heartbeat":
                self.heartbeat = heartbeat_of(json.loads(frames[1]))
                self.behind = self.behind + 1 if self.heartbeat["output"] >= self.next else 0
                if self.state == "joining" or self.state == "live" and self.behind > 1:
                    self._ask()
            else:
                self._take_event(json.loads(frames[1]), frames[0])

    def _take_event(self, event, topic):
        number, before = int(event["sequence"]), self.numbers.get(topic)
        self.numbers[topic] = number
        self.behind = 0
        if before is not None and number != before + 1 and self.state == "live":
            self._ask()
        elif self.state == "live":
            self.next = int(event["id"]) + 1
        self._keep(int(event["id"]))

    def _take_page(self, frames):
        header = json.loads(frames[0])
        assert "error" not in header, header
        self.pages += 1
        self.behind = 0
        for offset in frames[2::3]:
            self._keep(int(offset))
        self.next = header["next"]
        if header["next"] > header["head"]:
            self.state = "live"
        else:
            self._ask()

    def _keep(self, offset):
        self.twice += offset in self.offsets
        self.offsets.add(offset)

    def _ask(self):
        self.state = "paging"
        self.history.send(json.dumps({
            "from": self.next, "topics": [self.prefix], "limit": 1000}).encode())


class Subscribers(threading.Thread):
    """Many subscribers in a thread of their own."""

    def __init__(self, connect, prefixes):
        super().__init__(daemon=True)
        self.all = [Subscriber(connect, prefix) for prefix in prefixes]
        self.orders = collections.deque(["come"])
        self.is_done = threading.Event()
        self.failure = None

    def storm(self):
        """All lose their connections and come again."""
        self.orders.append("come")

    def are_live(self, output=0):
        """Whether each follows live, and knows of an output."""
        return not self.orders and all(
            one.state == "live" and one.heartbeat["output"] >= output for one in self.all)

    def run(self):
        """Follows until it is told to end."""
        try:
            poller, sockets = zmq.Poller(), {}
            while not self.is_done.is_set():
                if self.orders:
                    for one in self.all:
                        one.come(poller, sockets)
                    self.orders.popleft()
                for socket, _ in poller.poll(100):
                    sockets[socket].take(socket)
            for one in self.all:
                one.leave(poller, sockets)
        except Exception as failure:  # noqa: BLE001: the test's own thread tells of it
            self.failure = failure


def percentile(waits, share):
    """A percentile of seconds, in milliseconds."""
    ordered = sorted(waits)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
