#!/usr/bin/env python3
# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Appends Vigil's output events to a file, one JSON line each: every one, once, in order.

    watch.py FILE [--topic flag.A81001.] [--alerts EP] [--history EP] [--key FILE --server KEY]

The live stream only says that there is something; what it is comes from history, from where the
file ends. So nothing is missed while this program, the daemon or the network is away. --key names
a file of `vigil keys new`, --server the daemon's public key.
"""

import argparse
import json
import pathlib

import zmq.auth


def connect(context, kind, endpoint, options):
    socket = context.socket(kind)
    socket.linger = 0
    if options.key:
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(options.key)
        socket.curve_serverkey = options.server.encode()
    socket.connect(endpoint)
    return socket


def next_offset(path):
    """Behind the last whole line of the file; what is cut off is dropped."""
    content = path.read_bytes() if path.exists() else b""
    whole = content[:content.rfind(b"\n") + 1]
    path.write_bytes(whole)
    return int(json.loads(whole.splitlines()[-1])["id"]) + 1 if whole else 0


def catch_up(history, topics, cursor, file):
    """Appends what history has; the offset to go on from, or None where nobody answers."""
    while True:
        history.send_json({"from": cursor, "topics": topics})
        if not history.poll(5000):
            return None
        header, *frames = history.recv_multipart()
        header = json.loads(header)
        if "error" in header:
            raise SystemExit(f"the daemon refuses: {header['error']['message']}")
        file.writelines(event.replace(b"\n", b" ") + b"\n" for event in frames[2::3])
        file.flush()
        cursor = max(cursor, header["next"])
        if header["next"] > header["head"]:
            return cursor


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--topic", action="append")
    for name, default in (("alerts", "tcp://127.0.0.1:5552"), ("history", "tcp://127.0.0.1:5553"),
                          ("key", None), ("server", None)):
        parser.add_argument(f"--{name}", default=default)
    options = parser.parse_args()
    topics, cursor = options.topic or ["flag.", "alert."], next_offset(options.file)
    context = zmq.Context()
    live = connect(context, zmq.SUB, options.alerts, options)
    for topic in [*topics, "system.heartbeat"]:
        live.subscribe(topic.encode())
    with options.file.open("ab") as file:
        while True:
            history = connect(context, zmq.DEALER, options.history, options)
            while (caught_up := catch_up(history, topics, cursor, file)) is not None:
                cursor = caught_up
                if live.poll(3000):  # A heartbeat comes every second; without one, ask anyway.
                    while live.poll(0):
                        live.recv_multipart()
            history.close()


main()
