# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Writes a log by `schemas/log-format.md` alone, sharing nothing with the daemon.

Salts are made from offsets: two logs with the same first records have the same first entries.
"""

import hashlib
import pathlib
import struct

from log_reader import crc32c
from merkle import Tree

RECORDS_PER_COMMIT = 1000
RECORDS_PER_SEGMENT = 25_000


def entry_and_frame(offset, topic, payload, source="urn:test", subject="", kind=1, ends=True):
    """An entry's bytes, and the whole record's."""
    salt = hashlib.sha256(b"salt %d" % offset).digest()[:16]
    digest = hashlib.sha256(salt + payload).digest()
    entry = struct.pack("<BBBBQqQQ32s", 1, kind, 0, 0, offset, offset, offset, 0, digest)
    for text in (topic, source, f"e{offset}", subject):
        entry += struct.pack("<H", len(text.encode())) + text.encode()
    frame = struct.pack("<HBBI", len(entry), 1 if ends else 0, 0, len(payload))
    return entry, frame + entry + salt + payload


def _segment_header(number, first, previous):
    header = b"VIGILSEG" + struct.pack("<H6xQQ16sQ", 1, number, first, b"i" * 16, previous)
    header = header.ljust(508, b"\0")
    return header + struct.pack("<I", crc32c(header))


# What a commit's header says of durability is left to the claim, which tests move.
def _commit(nonce, position, first, count, body, root):
    header = b"VIGILCOM" + struct.pack(
        "<H6xQQQIIQ32s32x", 1, nonce, position, first, count, len(body), 0, root)
    header += struct.pack("<I", crc32c(header))
    body += bytes(-(128 + len(body)) % 512)
    return header + struct.pack("<I", crc32c(body, crc32c(header))) + body


def claim(directory, sequence, end, segment, position):
    """Says how far the log is durable."""
    sector = b"VIGILDUR" + struct.pack("<H6xQQQQ", 1, sequence, end, segment, position)
    sector = sector.ljust(508, b"\0")
    path = pathlib.Path(directory) / "log" / "durable"
    path.write_bytes(sector + struct.pack("<I", crc32c(sector)))


def rewrite(directory, records):
    """Writes a log of records as `log_reader` gives them, with their own entries' members.

    Their offsets and causations are those of their places in the list; a record's previous one is
    the one before it of the same subject.
    """
    folder = pathlib.Path(directory) / "log"
    folder.mkdir(parents=True)
    places = {record["offset"]: place for place, record in enumerate(records)}
    tree, body, newest = Tree(), bytearray(), {}
    for place, record in enumerate(records):
        payload, subject = record["payload"], record["subject"]
        own = record["id"] == str(record["offset"])
        previous = newest.get(subject) if subject else None
        newest[subject] = place
        salt = hashlib.sha256(b"salt %d" % place).digest()[:16]
        digest = hashlib.sha256(salt + payload).digest()
        kind = {"input": 1, "control": 2, "observation": 3, "output": 4}[record["kind"]]
        entry = struct.pack(
            "<BBBBQqQQ32s", 1, kind, previous is not None, 0, place, record["recorded"],
            places[record["causation"]], previous or 0, digest)
        for text in (record["topic"], record["source"], str(place) if own else record["id"],
                     subject):
            entry += struct.pack("<H", len(text.encode())) + text.encode()
        tree.append(entry)
        body += struct.pack("<HBBI", len(entry), record["ends_unit"], 0, len(payload))
        body += entry + salt + payload
    data = bytearray(_segment_header(1, 0, 0))
    data += _commit(1, len(data), 0, len(records), bytes(body), tree.root())
    (folder / f"{0:020}.vlog").write_bytes(data)
    claim(directory, 2, len(records), 0, len(data))


def write(directory, records, commit_end=0):
    """Writes a log of (topic, payload) with a genesis before them; returns the entries.

    One commit ends before the offset `commit_end`, so that a claim can end there.
    """
    folder = pathlib.Path(directory) / "log"
    folder.mkdir(parents=True)
    tree, entries = Tree(), []
    everything = [("system.genesis", b"{}", "vigil/local", 2)]
    everything += [(topic, payload, "urn:test", 1) for topic, payload in records]
    previous = 0
    for start in range(0, len(everything), RECORDS_PER_SEGMENT):
        number = previous + 1
        data = bytearray(_segment_header(number, start, previous))
        previous = number
        part = everything[start:start + RECORDS_PER_SEGMENT]
        starts = set(range(0, len(part), RECORDS_PER_COMMIT)) | {commit_end - start}
        starts = sorted(at for at in starts if 0 <= at < len(part))
        for begin, end in zip(starts, starts[1:] + [len(part)]):
            body, first = bytearray(), start + begin
            for topic, payload, source, kind in part[begin:end]:
                entry, record = entry_and_frame(
                    len(entries), topic, payload, source=source, kind=kind)
                tree.append(entry)
                entries.append(entry)
                body += record
            data += _commit(
                number, len(data), first, len(entries) - first, bytes(body), tree.root())
        (folder / f"{start:020}.vlog").write_bytes(data)
    claim(directory, 2, len(entries), start, len(data))
    return entries
