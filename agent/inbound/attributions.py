"""Reply headers that name a person and no time: "Zitat von X:", "X schrieb:", "Вы писали:".

People write such lines, too, so that the words alone make none: the line stands by itself, holds nothing but a name
and the words, and either the one named is among those whom the mail is written to (an answer quotes whom it answers),
or what follows begins as a letter does. "Herr Müller schrieb: wir zahlen" is a sentence, and so is what names him
with a title, as no mail program does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from agent.inbound import wordings
from agent.inbound.lines import FRAME, Line, verbs_close
from agent.inbound.values import Address

MAX_LINE = 100
#: letters that a part of a name has, where it is to be found again
MIN_NAME = 3
#: lines of a letter, and characters of the line that signs it
MAX_LETTER, MAX_SIGNED = 60, 50

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ADDRESS = re.compile(r"[<(]?[\w.+'-]+@[\w-]+(?:\.[\w-]+)+[>)]?")


def names_of(addresses: Iterable[Address]) -> frozenset[str]:
    """The parts of the names and addresses of those whom a mail is written to, as `is_attribution` looks for them."""
    found: set[str] = set()
    for each in addresses:
        host, _, _ = each.address.rpartition(".")
        found.update(_parts(f"{each.name} {host}"))
    return frozenset(found)


def _parts(text: str) -> list[str]:
    words = re.findall(r"[^\W\d_]+", wordings.fold(text).lower())
    return [word for word in words if len(word) >= MIN_NAME]


def is_attribution(lines: list[Line], at: int, correspondents: frozenset[str]) -> bool:
    """Whether the line is such a header; `correspondents` are the `names_of` those whom the mail is written to."""
    text = lines[at].text.strip(FRAME)
    if not text.endswith((":", "：")) or len(text) > MAX_LINE or not _stands_alone(lines, at):
        return False
    told = text.rstrip(":： ")
    if you_wrote().fullmatch(told):
        return _letter_below(lines, at, correspondents)
    name = _name(told, correspondents)
    if name is None:
        return False
    return not correspondents.isdisjoint(_parts(name)) or _letter_below(lines, at, correspondents)


def _stands_alone(lines: list[Line], at: int) -> bool:
    above = lines[at - 1]
    return at == 0 or above.blank or not above.new or above.text.rstrip(FRAME).endswith((".", "!", "?"))


def _name(text: str, correspondents: frozenset[str]) -> str | None:
    """Who "Quoting Anna Berg" or "Anna Berg wrote" names; None where it is no name, or says more than one."""
    citing = _citing().match(text)
    if citing:
        name = text[citing.end() :]
    elif (verb := verbs_close().search(text)) is not None:
        name = text[: verb.start()]
    else:
        return None
    name = name.strip(" \t\"'“”„«»(),")
    if _ADDRESS.fullmatch(name):
        return name
    words = _WORD.findall(name)
    rest = _WORD.sub("", name).strip(" .,&/()\"'“”„«»-–")
    titled = _titles().match(name) and not correspondents.issuperset(wordings.fold(word).lower() for word in words)
    if rest or not 1 <= len(words) <= 6 or titled:
        return None
    particles = wordings.merged("salutations", "particles")
    named = [word for word in words if word.lower() not in particles]
    return name if named and all(word[0].isupper() for word in named) else None


def _letter_below(lines: list[Line], at: int, correspondents: frozenset[str]) -> bool:
    """Whether a quoted line follows, or a letter: it begins with a greeting, or ends with a name of theirs."""
    below = [line for line in lines[at + 1 : at + 1 + MAX_LETTER] if not line.blank]
    if not below:
        return False
    if below[0].depth or (len(below[0].text) <= MAX_LINE and _salutation().match(below[0].text)):
        return True
    signed = (line.text for line in below[1:] if len(line.text) <= MAX_SIGNED)
    return any(not correspondents.isdisjoint(_parts(text)) for text in signed if not text.endswith((",", ".", "?")))


@cache
def _citing() -> re.Pattern[str]:
    return _starting("reply_headers", "citing")


@cache
def _titles() -> re.Pattern[str]:
    words = "|".join(wordings.merged("salutations", "titles"))
    return re.compile(rf"(?:{words})(?!\w)", re.I)


@cache
def you_wrote() -> re.Pattern[str]:
    """The words of a header that quotes the one who is written to."""
    words = "|".join(wordings.merged("reply_headers", "you_wrote"))
    return re.compile(rf"(?:{words})(?!\w)", re.I)


@cache
def _salutation() -> re.Pattern[str]:
    """A line that is a greeting and, at most, a name."""
    words = "|".join(wordings.merged("salutations", "openings"))
    return re.compile(rf"[\s*_]*(?:{words})(?!\w)[^.?:;]{{0,60}}[,:!.]?[\s*_]*$", re.I)


def _starting(subject: str, field: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{wordings.either(subject, field)})\s", re.I)
