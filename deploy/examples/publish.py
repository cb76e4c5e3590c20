#!/usr/bin/env python3
# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Sends the lines of a growing file to Vigil, each until it is acknowledged.

    publish.py FILE [--ingest EP] [--until-end] [--key FILE --server KEY]

A line is {"topic": ..., "event": {...}}, the event a CloudEvent that carries FHIR. How far all is
answered is in FILE.position. What was sent and not answered is sent again: Vigil knows an event by
its source and id, and answers `duplicate`. What it rejects goes to FILE.rejected, with the reason.
`vigil forward` does the same, with a bound on what it keeps, and takes pipes and sockets too.
"""

import argparse
import json
import os
import pathlib
import time

import zmq.auth

BATCH = 100


def connect(context, options):
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    if options.key:
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(options.key)
        socket.curve_serverkey = options.server.encode()
    socket.connect(options.ingest)
    return socket


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--ingest", default="tcp://127.0.0.1:5551")
    parser.add_argument("--until-end", action="store_true")
    parser.add_argument("--key")
    parser.add_argument("--server")
    options = parser.parse_args()
    position_file = pathlib.Path(f"{options.file}.position")
    position = int(position_file.read_text()) if position_file.exists() else 0
    context = zmq.Context()
    socket = connect(context, options)
    with options.file.open("rb") as file:
        while True:
            file.seek(position)
            lines = [line for line in (file.readline() for _ in range(BATCH))
                     if line.endswith(b"\n")]
            if not lines:
                if options.until_end:
                    return
                time.sleep(0.1)
                continue
            frames = []
            for line in lines:
                item = json.loads(line)
                frames += [item["topic"].encode(), json.dumps(item["event"]).encode()]
            socket.send_multipart(frames)
            if not socket.poll(10_000):  # An answer that comes later must not be taken for the next.
                socket.close()
                socket = connect(context, options)
                continue
            for line, reply in zip(lines, map(json.loads, socket.recv_multipart())):
                if reply["status"] == "busy":
                    time.sleep(reply["retryAfterMs"] / 1000)
                    break
                if reply["status"] == "rejected":
                    with open(f"{options.file}.rejected", "ab") as rejected:
                        rejected.write(json.dumps(reply).encode() + b" " + line)
                position += len(line)
            temporary = pathlib.Path(f"{position_file}.new")
            temporary.write_text(str(position))
            os.replace(temporary, position_file)


main()
