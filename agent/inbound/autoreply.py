"""What an automatic answer states: when the person is back, and whom to write to meanwhile.

A date counts only behind a word of return or absence, read by the grammar of that word's language, and only where it
names a day: a date, a day of the month, a weekday. "Tomorrow" and "next week" were true when the answer was set up, not
when it was sent. A wrong date is worse than none.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache

from agent.inbound import wordings
from agent.inbound.values import AutoReply
from classifier.dates import DateMention, find_dates

#: how far ahead a day of return may lie
HORIZON = timedelta(days=400)
#: characters behind a word of return within which its date begins, and within which it ends
BEGINS_WITHIN = 45
ENDS_WITHIN = 90
LANGUAGES = ("en", "fr", "de", "es", "it", "nl")
_NAMES_A_DAY = frozenset({"explicit", "numeric", "day_of_month", "weekday"})
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_EITHER_ORDER = re.compile(r"\D*(\d{1,2})/(\d{1,2})(?!\d)")


def read_auto_reply(text: str, own: str, now: datetime) -> AutoReply:
    """Read `text`; `own` is the answering address, which is no new contact; `now` is the message's date."""
    text = re.sub(r"[ \t]+", " ", text[:6_000])
    return AutoReply(_return_date(text, now.date()), _contact(text, own.lower()))


def _return_date(text: str, today: date) -> date | None:
    """The latest day behind a word of return or absence; None where one could be two days."""
    found: list[date] = []
    for language in LANGUAGES:
        for match in _phrases(language, "back").finditer(text):
            below = text[match.end() : match.end() + ENDS_WITHIN].split("\n\n", 1)[0].replace("\n", " ")
            for mention in find_dates(below, language, today)[:2]:
                if _phrases(language, "back").search(below[: mention.start]):
                    break  # a nearer word speaks of this day: "until the 20th inclusive, back on the 23rd"
                day = _day(mention, below, language, today)
                if day is not None and _is_last_away(match[0], below, mention, language):
                    day += timedelta(days=1)
                if day is not None and mention.start < BEGINS_WITHIN and today <= day <= today + HORIZON:
                    found.append(day)
    return max(found, default=None)


def _day(mention: DateMention, text: str, language: str, today: date) -> date | None:
    if mention.family not in _NAMES_A_DAY or mention.vague or mention.ahead is None:
        return None
    order = _EITHER_ORDER.match(text[mention.start : mention.end])
    if language == "en" and order and order[1] != order[2] and int(order[1]) <= 12 and int(order[2]) <= 12:
        return None  # the day comes first in Britain, the month in America
    if mention.family == "weekday" and (mention.ahead - today).days % 7 == 0:
        return None  # written today, or a week ago
    return mention.ahead


def _is_last_away(word: str, text: str, mention: DateMention, language: str) -> bool:
    """Whether the day is said to be the last one away: "through 20 March", "jusqu'au 20 mars inclus"."""
    before = re.split(r"[.;](?=\s)", f"{word[-25:]}{text[: mention.start]}")[-1]
    around = f"{before} | {text[mention.end : mention.end + 20]}"
    return bool(_phrases(language, "inclusive").search(around))


@cache
def _phrases(language: str, field: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in wordings.load("auto_replies")[language][field]), re.I)


def _contact(text: str, own: str) -> str | None:
    """The one address behind words such as "please contact"."""
    words = wordings.pattern("auto_replies", "contact")
    found: dict[str, None] = {}
    for match in _ADDRESS.finditer(text):
        address = match[0].strip(".'")
        if address.lower() != own and words.search(text[max(0, match.start() - 200) : match.start()]):
            found[address] = None
    return next(iter(found)) if len(found) == 1 else None
