# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""The NHS England algorithm for acute kidney injury by brute force, from its flowchart alone."""

from fractions import Fraction
from statistics import median


def stage(value, priors, adult=True, high=None):
    """The stage of a creatinine in µmol/L.

    Priors are (days before by the calendar, hours before or None, value); "high" stands for a
    value over the reference range with nothing to compare it with, None for no stage.
    """
    value = Fraction(value)
    priors = [(days, hours, Fraction(prior)) for days, hours, prior in priors if days <= 365]
    if not priors:
        return "high" if high is not None and value > high else None
    references = []
    recent = [prior for days, _, prior in priors if days <= 7]
    older = [prior for days, _, prior in priors if days >= 8]
    if recent:
        references.append(min(recent))
    if older:
        references.append(median(older))
    ratio = max(value / reference for reference in references)
    if ratio >= Fraction(3, 2):
        if (value > 354) if adult else (high is not None and value > 3 * high):
            return 3
        return 3 if ratio >= 3 else 2 if ratio >= 2 else 1
    near = [prior for _, hours, prior in priors if hours is not None and hours <= 48]
    return 1 if near and value - min(near) > 26 else None
