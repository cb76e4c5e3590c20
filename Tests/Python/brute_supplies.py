# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""On which days an order counts as issued, counted out repeat by repeat."""

import datetime
import fractions

from brute_force import first_day, local_day, medicine_day, months_before

DAYS = {"h": fractions.Fraction(1, 24), "d": 1, "wk": 7}
MONTHS = {"mo": 1, "a": 12}


def after(day, duration, count):
    """The day on which so many supplies from a day on are used up."""
    value, unit = fractions.Fraction(str(duration["value"])), duration["code"]
    if unit in MONTHS:
        return months_before(day, -int(value * MONTHS[unit]) * count)
    return day + datetime.timedelta(days=int(value * DAYS[unit] * count))


def stop_of(versions):
    """The version since which an order has been stopped, whether or not it was ever active."""
    stop = None
    for version in sorted(versions, key=lambda version: version.order):
        if version.resource is None:
            continue
        status = version.resource["status"]
        if status == "stopped":
            stop = stop or version
        elif status not in ("completed", "on-hold"):
            stop = None
    return stop


def issue_days(version, versions):
    """The days on which a medicine was issued, of all versions of which `version` counts."""
    first = medicine_day(version)
    if first is None:
        return
    yield first
    request = version.resource.get("dispenseRequest", {})
    duration, repeats = request.get("expectedSupplyDuration"), request.get("numberOfRepeatsAllowed")
    if not duration or not repeats:
        return
    stop = stop_of(versions)
    valid = request.get("validityPeriod", {}).get("end")
    last = first
    for count in range(1, repeats + 1):
        day = after(first, duration, count)
        if day > last and not (stop and day >= local_day(stop.time)) and (
                not valid or day <= first_day(valid)[0]):
            yield day
        last = max(last, day)
