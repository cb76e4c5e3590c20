# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Signs checkpoints by `schemas/log-format.md` and RFC 8032 alone, sharing nothing with the daemon.

For tests, that is: it takes no care that nobody learns the key from how long it takes.
"""

import base64
import hashlib
import pathlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
_Y = 4 * pow(5, -1, P) % P
_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202


def _add(one, other):
    """The sum of two points in extended coordinates (RFC 8032 section 5.1.4)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times_base(number):
    """A multiple of the base point, as its 32 bytes."""
    point, sum_ = (_X, _Y, 1, _X * _Y % P), (0, 1, 1, 0)
    while number:
        if number & 1:
            sum_ = _add(sum_, point)
        point, number = _add(point, point), number >> 1
    inverse = pow(sum_[2], -1, P)
    x, y = sum_[0] * inverse % P, sum_[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def sign(seed, message):
    """The public key of a seed, and its Ed25519 signature of a message."""
    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254
    public = _times_base(secret)
    nonce = _number(digest[32:], message) % ORDER
    first = _times_base(nonce)
    second = (nonce + _number(first, public, message) * secret) % ORDER
    return public, first + second.to_bytes(32, "little")


def sign_state(directory, size=0, root=hashlib.sha256(b"").digest()):
    """Has the key in a data directory sign a checkpoint, by default of the log of no records."""
    directory = pathlib.Path(directory)
    key = (directory / "keys" / "log.ed25519").read_text().strip()
    name, key_id, key = key.removeprefix("PRIVATE+KEY+").split("+", 2)
    text = f"{name}\n{size}\n{base64.b64encode(root).decode()}\n"
    _, signature = sign(base64.b64decode(key)[1:], text.encode())
    signature = base64.b64encode(bytes.fromhex(key_id) + signature).decode()
    (directory / "signed").mkdir()
    (directory / "signed" / "state").write_text(f"{text}\n— {name} {signature}\n")
