"""What an automatic answer states: when the person is back, and whom to write to meanwhile.

Only dates that are written out are read, and only near a word of return or absence: a wrong date is worse than none.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache

from agent.inbound import wordings
from agent.inbound.values import AutoReply

#: how far ahead a day of return may lie
HORIZON = timedelta(days=400)
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_ISO = r"(?P<iso>20\d\d-\d{1,2}-\d{1,2})"
_DIGITS = r"(?P<a>\d{1,2})[./-]\s?(?P<b>\d{1,2})(?:[./-]\s?(?P<y>20\d\d|\d\d)(?!\d))?"


def read_auto_reply(text: str, own: str, now: datetime) -> AutoReply:
    """Read `text`; `own` is the answering address, which is no new contact; `now` is the message's date."""
    text = re.sub(r"[ \t]+", " ", text[:6_000])
    return AutoReply(_return_date(text, now.date()), _contact(text, own.lower()))


def _return_date(text: str, today: date) -> date | None:
    """The latest date written behind a word of return, if it lies ahead; None where readings differ."""
    found: list[date] = []
    for match in _back().finditer(text):
        days = _dates(text[match.end() : match.end() + 45].split("\n\n", 1)[0], today)[:2]
        found += [day for day in days if today <= day <= today + HORIZON]
    return max(found) if found else None


def _dates(text: str, today: date) -> list[date]:
    found: list[date] = []
    for match in _written().finditer(text):
        day = _date_of(match, today)
        if day is not None:
            found.append(day)
    return found


def _date_of(match: re.Match[str], today: date) -> date | None:
    parts = match.groupdict()
    try:
        if parts["iso"]:
            year, month, day = (int(part) for part in parts["iso"].split("-"))
            return date(year, month, day)
        if parts["a"]:
            day, month, stated = int(parts["a"]), int(parts["b"]), parts["y"]
            if month > 12 or (month != day and day <= 12 and "/" in match[0] and stated is None):
                return None  # day and month can't be told apart
        else:
            name = (parts["m1"] or parts["m2"]).lower().rstrip(".")
            day, month = int(parts["d1"] or parts["d2"]), _months()[name]
            stated = parts["y1"] or parts["y2"]
        if stated:
            return date(int(stated) if len(stated) == 4 else 2000 + int(stated), month, day)
        this_year = date(today.year, month, day)
        return this_year if this_year >= today else date(today.year + 1, month, day)
    except ValueError:
        return None


@cache
def _months() -> dict[str, int]:
    return {
        name.lower(): number
        for table in wordings.load("months").values()
        for number, names in enumerate(table["months"], 1)
        for name in names.split("|")
    }  # fmt: skip


@cache
def _written() -> re.Pattern[str]:
    names = "|".join(sorted((re.escape(name) for name in _months()), key=len, reverse=True))
    day_first = (
        rf"(?P<d1>\d{{1,2}})(?:\.|er|st|nd|rd|th|º)?\s?(?:de |of )?(?P<m1>{names})\b\.?,?\s?(?:de )?(?P<y1>20\d\d)?"
    )
    month_first = rf"(?P<m2>{names})\.?\s(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b,?\s?(?P<y2>20\d\d)?"
    return re.compile(rf"(?<!\d)(?:{_ISO}|{_DIGITS}|{day_first}|{month_first})", re.I)


@cache
def _back() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in wordings.merged("auto_replies", "back")), re.I)


@cache
def _contact_words() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in wordings.merged("auto_replies", "contact")), re.I)


def _contact(text: str, own: str) -> str | None:
    """The one address behind words such as "please contact"."""
    found: dict[str, None] = {}
    for match in _ADDRESS.finditer(text):
        address = match[0].strip(".'")
        if address.lower() != own and _contact_words().search(text[max(0, match.start() - 200) : match.start()]):
            found[address] = None
    return next(iter(found)) if len(found) == 1 else None
