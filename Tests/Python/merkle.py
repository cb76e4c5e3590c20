# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""RFC 6962's tree, from its text alone."""

import hashlib

EMPTY = hashlib.sha256(b"").digest()


def leaf(entry):
    """The hash of a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    """The hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that grows; it holds its right edge."""

    def __init__(self):
        self.size = 0
        self.peaks = []

    def append(self, entry):
        """Puts an entry behind the last."""
        value, index = leaf(entry), self.size
        while index & 1:
            value, index = node(self.peaks.pop(), value), index >> 1
        self.peaks.append(value)
        self.size += 1

    def root(self):
        """The root over all entries."""
        if not self.peaks:
            return EMPTY
        value = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            value = node(peak, value)
        return value


def root_by_inclusion(entry, index, size, proof):
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2)."""
    value, last = leaf(entry), size - 1
    for other in proof:
        assert last > 0, "the proof is too long"
        if index & 1 or index == last:
            value = node(other, value)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            value = node(value, other)
        index, last = index >> 1, last >> 1
    assert last == 0, "the proof is too short"
    return value


def roots_by_consistency(old, old_root, size, proof):
    """Both roots that a consistency proof leads to (RFC 9162 section 2.1.4.2)."""
    assert 0 < old < size and proof
    hashes = ([old_root] if old & (old - 1) == 0 else []) + proof
    index, last = old - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    of_old = of_new = hashes[0]
    for other in hashes[1:]:
        assert last > 0, "the proof is too long"
        if index & 1 or index == last:
            of_old, of_new = node(other, of_old), node(other, of_new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            of_new = node(of_new, other)
        index, last = index >> 1, last >> 1
    assert last == 0, "the proof is too short"
    return of_old, of_new
