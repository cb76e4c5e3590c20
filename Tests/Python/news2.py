# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""NEWS2 by brute force, from the table of the Royal College of Physicians alone."""

from fractions import Fraction

#: For each parameter the scores by lowest value: the last row whose start is reached counts.
TABLE = {
    "rr": [(0, 3), (9, 1), (12, 0), (21, 2), (25, 3)],
    "spo2-1": [(0, 3), (92, 2), (94, 1), (96, 0)],
    "sbp": [(0, 3), (91, 2), (101, 1), (111, 0), (220, 3)],
    "hr": [(0, 3), (41, 1), (51, 0), (91, 1), (111, 2), (131, 3)],
    "temp": [(0, 3), (Fraction("35.1"), 1), (Fraction("36.1"), 0), (Fraction("38.1"), 1),
             (Fraction("39.1"), 2)],
}
SPO2_AIR = [(0, 3), (84, 2), (86, 1), (88, 0)]
SPO2_OXYGEN = [(0, 3), (84, 2), (86, 1), (88, 0), (93, 1), (95, 2), (97, 3)]


def look_up(rows, value):
    """The score of the last row that starts at or below the value."""
    return [score for start, score in rows if Fraction(str(value)) >= start][-1]


def score(reading, scale=1):
    """The total and whether any single parameter scores 3; None stands for not measured."""
    points = {}
    for name in ("rr", "sbp", "hr", "temp"):
        if reading.get(name) is not None:
            points[name] = look_up(TABLE[name], reading[name])
    if reading.get("spo2") is not None:
        rows = TABLE["spo2-1"] if scale == 1 else (
            SPO2_OXYGEN if reading.get("o2") == "O2" else SPO2_AIR)
        points["spo2"] = look_up(rows, reading["spo2"])
    if reading.get("o2"):
        points["o2"] = 2 if reading["o2"] == "O2" else 0
    if reading.get("acvpu"):
        points["acvpu"] = 0 if reading["acvpu"] == "A" else 3
    return sum(points.values()), 3 in points.values()


def severity(reading, scale=1):
    """The severity of an alert, or None."""
    total, red = score(reading, scale)
    return "high" if total >= 7 else "moderate" if total >= 5 or red else None
