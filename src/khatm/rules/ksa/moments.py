"""Dates and times as the stylesheet reads them: two calendar patterns of its own, and the XML Schema types.

Days and the starts of days are whole seconds since 0000-03-01T00:00 UTC, so that any year can be compared; moments are
whole nanoseconds since then.
Source: Saudi rule specification, section 3 (dates) and sites 002, 016, 033, 056, 129 and 130.
"""

import re
from datetime import datetime, timedelta

DAY = 86_400
SECOND = 1_000_000_000
"""In nanoseconds, the engine's finest measure."""
_BLANKS = " \t\r\n"
_ZONE = r"(Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_DATE = r"(-?(?:[1-9][0-9]{4,8}|[0-9]{4}))-([0-9]{2})-([0-9]{2})"
# The engine keeps nanoseconds; what follows the ninth digit is read over.
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:(?<=\.[0-9]{9})[0-9]+)?"
_plain = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})").fullmatch
_clock = re.compile("(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?").fullmatch
_xs_date = re.compile(_DATE + _ZONE).fullmatch
_xs_time = re.compile(_TIME + _ZONE).fullmatch
_xs_moment = re.compile(f"{_DATE}T{_TIME}{_ZONE}").fullmatch
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_clock_time(text: str) -> bool:
    """Tell whether the text is hh:mm:ss, with or without a capital Z (site 016)."""
    return _clock(text) is not None


def is_format_date(text: str) -> bool:
    """Tell whether the text is a date of the years 2000 to 9999; 2100-02-29 counts as one (site 129)."""
    match = _plain(text)
    if match is None or match[1] < "2000":
        return False
    return _in_month(int(match[2]), int(match[3]), int(match[1][2:]) % 4 == 0)


def plain_day(text: str) -> int | None:
    """Return the day number of a date of the years 1800 to 2099 without zone or blanks, None for anything else."""
    match = _plain(text)
    if match is None or not "1800" <= match[1] <= "2099":
        return None
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    return _day_number(year, month, day) if _in_month(month, day, _is_leap(year)) else None


def is_time(text: str) -> bool:
    """Tell whether the text is an xs:time: fractions, zones, 24:00:00 and surrounding blanks are fine (site 130)."""
    match = _xs_time(text.strip(_BLANKS))
    return match is not None and _nanoseconds(*match.group(1, 2, 3, 4)) is not None


def date_start(text: str, zone: int) -> int | None:
    """Return the instant at which an xs:date begins, None for no date; `zone` in seconds is that of zoneless dates."""
    match = _xs_date(text.strip(_BLANKS))
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if not _exists(year, month, day):
        return None
    return _day_number(year, month, day) * DAY - _offset(match[4], zone)


def moment(text: str, zone: int) -> int | None:
    """Return an xs:dateTime in nanoseconds, None for none; `zone` in seconds is that of texts without one."""
    match = _xs_moment(text.strip(_BLANKS))
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    within = _nanoseconds(*match.group(4, 5, 6, 7))
    if within is None or not _exists(year, month, day):
        return None
    return (_day_number(year, month, day) * DAY - _offset(match[8], zone)) * SECOND + within


def zone_of(now: datetime) -> int:
    """Return the offset of an aware time in seconds."""
    return int((now.utcoffset() or timedelta()).total_seconds())


def today_start(now: datetime) -> int:
    """Return the instant at which the day of `now` began, in its own zone."""
    return _day_number(now.year, now.month, now.day) * DAY - zone_of(now)


def instant(now: datetime) -> int:
    """Return an aware time in nanoseconds."""
    within = now.hour * 3600 + now.minute * 60 + now.second
    return (today_start(now) + within) * SECOND + now.microsecond * 1000


def _exists(year: int, month: int, day: int) -> bool:
    return _in_month(month, day, _is_leap(year))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _in_month(month: int, day: int, leap: bool) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _LENGTHS[month - 1] + (leap and month == 2)


def _day_number(year: int, month: int, day: int) -> int:
    """Count days from 0000-03-01, years beginning in March so that leap days come last."""
    year -= month < 3
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1


def _nanoseconds(hours: str, minutes: str, seconds: str, fraction: str | None) -> int | None:
    hour, minute, second, rest = int(hours), int(minutes), int(seconds), int((fraction or "0").ljust(9, "0"))
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute, second, rest) != (0, 0, 0)):
        return None
    return (hour * 3600 + minute * 60 + second) * SECOND + rest


def _offset(zone: str | None, implicit: int) -> int:
    if zone is None:
        return implicit
    if zone == "Z":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    return -seconds if zone[0] == "-" else seconds
