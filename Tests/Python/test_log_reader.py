"""A reader written from the format's text alone reads what the daemon wrote."""

import pathlib
import shutil

import pytest

import log_reader

GOLDEN = pathlib.Path(__file__).parent / "golden-log"


def test_the_checksum_is_crc32c():
    assert log_reader.crc32c(b"123456789") == 0xE3069283


def test_the_golden_log_reads_as_it_was_written():
    rows = [
        (r["offset"], r["kind"], r["topic"], r["source"], r["id"], r["subject"], r["causation"],
         r["previous"], r["payload"], r["ends_unit"])
        for r in log_reader.records(GOLDEN)
    ]
    own, gp = "vigil/golden", "urn:gp:one"
    assert rows == [
        (0, "control", "system.genesis", own, "0", "", 0, None, b'{"format":1}', True),
        (1, "input", "patient.A81001", gp, "p-1", "pät", 1, None, b'{"n": 1}', False),
        (2, "output", "flag.A81001.high.r", own, "2", "pät", 1, 1, b"{}", True),
        (3, "observation", "system.rejected", own, "3", "", 3, None, b"", True),
        (4, "input", "device.A81001", gp, "d-1", "pät", 4, 2, b'{"n": 2}', True),
    ]
    assert [r["recorded"] for r in log_reader.records(GOLDEN)] == [
        1_700_000_000_000 + n for n in range(5)
    ]


@pytest.mark.parametrize("name", sorted(p.name for p in (GOLDEN / "log").glob("*.vlog")))
def test_any_flipped_byte_is_damage(tmp_path, name):
    shutil.copytree(GOLDEN, tmp_path / "data")
    path = tmp_path / "data" / "log" / name
    whole = path.read_bytes()
    # The last commit is the seal: it holds no record and is not read.
    end = len(whole) - 512 if path == sorted(path.parent.glob("*.vlog"))[-1] else len(whole)
    for position in range(0, end, 5):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        with pytest.raises(log_reader.Damage):
            list(log_reader.records(tmp_path / "data"))


def test_what_is_missing_at_the_end_is_damage(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "data")
    sorted((tmp_path / "data" / "log").glob("*.vlog"))[-1].unlink()
    with pytest.raises(log_reader.Damage):
        list(log_reader.records(tmp_path / "data"))
