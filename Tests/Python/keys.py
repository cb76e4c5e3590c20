# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Keys of daemons and clients, and clients that come with some."""

import os
import signal
import time

import yaml
import zmq
import zmq.auth

from client import Client
from daemon import run

#: What each principal of the tests may do.
PRINCIPALS = {
    "ehr": {
        "publish": {"sources": ["urn:ehr:a"], "topics": ["*.A1", "system.clock"]},
        "read": {"topics": ["system.rejected"]}},
    "pharmacist": {
        "publish": {"sources": ["urn:tool:*"], "topics": ["review.A1"]},
        "read": {"topics": ["flag.A1", "alert.A1"]}},
    "auditor": {"read": {"topics": ["*"], "inbound": ["*"]}},
    "researcher": {"read": {"topics": ["*"], "inbound": ["*.A10"]}},
}


class Site:
    """A daemon with keys, and its principals' keys."""

    def __init__(self, folder, make_daemon, principals=None, **options):
        self.folder = folder
        self.principals = dict(PRINCIPALS if principals is None else principals)
        self.server = self.make("server")
        for name in self.principals:
            self.make(name)
        self.config = folder / "vigil.yaml"
        self.write()
        self.daemon = make_daemon(arguments=["--config", str(self.config)], **options)
        self.clients = []

    def make(self, name):
        """A new pair; returns the public key."""
        done = run("keys", "new", "--out", self.folder / name)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pair(self, name):
        """The public and the secret key in a file."""
        return zmq.auth.load_certificate(str(self.folder / name))

    def write(self):
        """Writes the settings."""
        self.config.write_text(yaml.safe_dump({"curve": {
            "keyFile": str(self.folder / "server"),
            "principals": [
                {"name": name, "key": self.pair(name)[0].decode(), **grants}
                for name, grants in self.principals.items()]}}))

    def reload(self):
        """Has the daemon read the grants again, and waits until it says so."""
        before = self.daemon.errors().count("grants")
        self.write()
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.daemon.errors().count("grants") > before)

    def client(self, name):
        """A client with the keys of a principal."""
        client = KeyedClient(self.daemon.endpoints, self.server.encode(), self.pair(name))
        self.clients.append(client)
        return client

    def options(self, name):
        """The command line's options for it."""
        return ["--server-key", self.folder / "server.pub", "--key-file", self.folder / name]

    def close(self):
        """Closes the clients."""
        for client in self.clients:
            client.close()


class KeyedContext(zmq.Context):
    """Makes sockets that come with a key."""

    def socket(self, kind, *arguments, **options):
        socket = super().socket(kind, *arguments, **options)
        if kind in (zmq.DEALER, zmq.SUB, zmq.PUB, zmq.REQ, zmq.XSUB):
            socket.curve_serverkey = self.server
            socket.curve_publickey, socket.curve_secretkey = self.pair
        return socket


class KeyedClient(Client):
    """A client of a daemon with keys."""

    def __init__(self, endpoints, server, pair):
        self.endpoints = endpoints
        self.context = KeyedContext()
        # zmq's contexts keep attributes for options of sockets.
        object.__setattr__(self.context, "server", server)
        object.__setattr__(self.context, "pair", pair)
        self.ingest = self._dealer("ingest")
        self.history_socket = self._dealer("history")


def wait_until(condition, seconds=20):
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be so in time"
        time.sleep(0.02)


def is_group_readable(path):
    """Whether others than its owner may read a file."""
    return bool(os.stat(path).st_mode & 0o077)
