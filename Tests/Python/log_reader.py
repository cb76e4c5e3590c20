"""Reads a log by `schemas/log-format.md` alone, sharing nothing with the daemon."""

import hashlib
import pathlib
import struct

from merkle import Tree

KINDS = {1: "input", 2: "control", 3: "observation", 4: "output"}
_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    _TABLE.append(_byte)


def _after_two(value):
    value = value >> 8 ^ _TABLE[value & 255]
    return value >> 8 ^ _TABLE[value & 255]


# Two bytes, and two bytes with two zeros behind them: a word at a time, or logs take minutes.
_HIGH = [_after_two(value) for value in range(1 << 16)]
_LOW = [_after_two(_after_two(value)) for value in range(1 << 16)]


class Damage(Exception):
    """The files are not what the format says."""


def crc32c(data, before=0):
    """CRC-32C of some bytes, continuing from what precedes them."""
    value = before ^ 0xFFFFFFFF
    words = len(data) // 4
    for word in struct.unpack_from(f"<{words}I", data):
        word ^= value
        value = _LOW[word & 0xFFFF] ^ _HIGH[word >> 16]
    for byte in data[4 * words :]:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


def _check(condition, finding):
    if not condition:
        raise Damage(finding)


def durable_end(directory):
    """The greatest claim in `log/durable`: all records below this offset are durable."""
    data = (pathlib.Path(directory) / "log" / "durable").read_bytes()
    claims = [(0, 0)]
    for sector in (data[:512], data[512:1024]):
        if len(sector) == 512 and sector[:8] == b"VIGILDUR":
            version, sequence, end = struct.unpack_from("<H6xQQ", sector, 8)
            if version == 1 and struct.unpack_from("<I", sector, 508)[0] == crc32c(sector[:508]):
                claims.append((sequence, end))
    return max(claims)[1]


def records(directory):
    """Yields each durable record as a dict, in order; raises Damage."""
    end = durable_end(directory)
    offset, before, identity, tree = 0, 0, None, Tree()
    for path in sorted((pathlib.Path(directory) / "log").glob("*.vlog")):
        data = path.read_bytes()
        _check(data[:8] == b"VIGILSEG" and len(data) >= 512, f"{path.name}: no header")
        version, nonce, first, ident, previous = struct.unpack_from("<H6xQQ16sQ", data, 8)
        _check(version == 1, f"{path.name}: version {version}")
        _check(struct.unpack_from("<I", data, 508)[0] == crc32c(data[:508]), "header checksum")
        _check(first == offset == int(path.stem), f"{path.name}: out of order")
        _check(previous == before and identity in (None, ident), f"{path.name}: another log")
        before, identity, position = nonce, ident, 512
        # Zeros behind the last commit are space that was filled ahead.
        while position < len(data) and offset < end and any(data[position:position + 512]):
            header = struct.unpack_from("<8sH6xQQQIIQ32s32xII", data, position)
            magic, version, own, at, first, count, length, _, root, head_crc, crc = header
            _check(magic == b"VIGILCOM" and version == 1, f"{path.name}: no commit at {position}")
            _check((own, at, first) == (nonce, position, offset), "a commit out of order")
            _check(head_crc == crc32c(data[position : position + 120]), "header checksum")
            after = position + (128 + length + 511) // 512 * 512
            _check(after <= len(data), "a commit cut short")
            head = crc32c(data[position : position + 124])
            _check(crc == crc32c(data[position + 128 : after], head), "a commit's checksum")
            found = list(_body(data[position + 128 : position + 128 + length], offset, count))
            for record in found:
                tree.append(record["entry"])
            # Zero where it is not given.
            _check(root in (bytes(32), tree.root()), "the tree's root in a commit")
            yield from found
            position, offset = after, offset + count
    _check(offset >= end, f"the log ends at {offset}, {end} records were durable")


def _body(body, offset, count):
    position, ends_unit = 0, True
    for index in range(count):
        entry_length, flags, _, payload_length = struct.unpack_from("<HBBI", body, position)
        entry = body[position + 8 : position + 8 + entry_length]
        salt_start = position + 8 + entry_length
        position = salt_start + 16 + payload_length
        _check(position <= len(body), "a record cut short")
        salted = body[salt_start:position]
        version, kind, has_previous, _, own, recorded, causation, previous, digest = (
            struct.unpack_from("<BBBBQqQQ32s", entry)
        )
        _check(version == 1 and own == offset + index, "a record out of order")
        _check(hashlib.sha256(salted).digest() == digest, f"payload of {own} does not match")
        texts, cursor = [], 68
        for _ in range(4):
            (length,) = struct.unpack_from("<H", entry, cursor)
            texts.append(entry[cursor + 2 : cursor + 2 + length].decode())
            cursor += 2 + length
        _check(cursor == len(entry), "an entry's length")
        ends_unit = bool(flags & 1)
        yield {
            "offset": own, "recorded": recorded, "kind": KINDS[kind], "topic": texts[0],
            "source": texts[1], "id": texts[2], "subject": texts[3], "causation": causation,
            "previous": previous if has_previous & 1 else None, "ends_unit": ends_unit,
            "payload": salted[16:], "entry": entry,
        }
    _check(position == len(body) and ends_unit, "a commit's end")
