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
