# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Days, months and instants as the published definitions count them."""

import calendar
import datetime
import functools
import zoneinfo

LONDON = zoneinfo.ZoneInfo("Europe/London")


def instant(text):
    """An RFC 3339 time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@functools.lru_cache(maxsize=65536)
def local_day(moment):
    """The London day of an instant."""
    return moment.astimezone(LONDON).date()


@functools.lru_cache(maxsize=65536)
def midnight(day):
    """The first instant of a London day, in UTC."""
    return datetime.datetime.combine(day, datetime.time(), LONDON).astimezone(
        datetime.timezone.utc)


@functools.lru_cache(maxsize=65536)
def months_before(day, months):
    """The day so many months earlier; a day that does not exist is the month's last."""
    count = day.year * 12 + day.month - 1 - months
    year, month = divmod(count, 12)
    return datetime.date(year, month + 1, min(
        day.day, calendar.monthrange(year, month + 1)[1]))


@functools.lru_cache(maxsize=65536)
def first_day(text):
    """The first day that a FHIR dateTime stands for, and whether it names a day."""
    if "T" in text:
        return local_day(instant(text)), True
    parts = [int(part) for part in text.split("-")]
    return datetime.date(*(parts + [1, 1])[:3]), len(parts) == 3


def last_day(text):
    """The last day that a FHIR dateTime stands for."""
    day, is_whole = first_day(text)
    if is_whole:
        return day
    months = 12 if len(text) == 4 else 1
    return months_before(day, -months) - datetime.timedelta(days=1)


def years_of_age(born, day):
    """Whole years; born on 29 February, one is older from 1 March on in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
