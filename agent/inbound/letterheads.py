"""A signature that no courtesy line begins: the author's name right under the text, then role, firm and telephone.

Taking off a customer's words loses them, so that everything has to fit: a paragraph of its own below a whole sentence,
the author of the mail named in its first lines as From names them, nothing in it but short lines of a letterhead, and
among these one that tells how to reach them. An address of another domain may be the one that we are asked to use,
and sums, invoices and bank details are what a mail is about: with one of these the paragraph stays.
"""

from __future__ import annotations

import re

from agent.inbound import wordings
from agent.inbound.facts import mentions_iban
from agent.inbound.lines import Line
from agent.inbound.values import Address

MAX_LINES = 10
MAX_LENGTH = 90
#: lines at the top of which one names the author
NAMED_WITHIN = 2
#: letters of a name that are told apart from others
MIN_NAME = 3

_PHONE = "t|m|p|tel|tél|tfno|telefono?|telefoon|téléphone|phone|mobile?|mob|gsm|fax|cell"
_REACHED_AT = re.compile(
    rf"(?im)(?<![\w.+])(?:\+|00?)\d[\d ()./-]{{6,18}}\d(?!\w)|"
    rf"^(?:{_PHONE})[.:]{{0,2}}\s*\(?\d(?:[ ()./-]{{0,2}}\d){{7,13}}$|"
    r"\bwww\.[\w-]+\.\w|https?://\S|[\w.+'-]+@[\w-]+\.\w"
)
_ADDRESS = re.compile(r"[\w.+'-]+@([\w-]+(?:\.[\w-]+)+)")
_SUM = re.compile(r"(?i)[€$£]|\b(?:eur|euros?|usd|gbp|chf)\b|\d[.,]\d\d(?!\d)|%")
#: "F26-118", "FA 2026-0312", "12/03/2026"
_NUMBER = re.compile(r"\b[A-Z]{1,4}[ -]?\d{2,}[-/]\d|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}[-/]\d{3,}\b")
_ENDED = re.compile(r"[.!?…)\]]\s*$|\d\s*$")
_TALK = re.compile(r"[.!?…;]\s*$|[^\W\d_]\.\s+[^\W\d_]{2,}.*\s[^\W\d_]{2,}\s|\?")
_SHORTENED = re.compile(r"(?i)[^\W\d_]{1,5}\.\s?|(?:dr|ing|mme|mr|mrs|ms|prof)\s")
_PARTED = re.compile(r"\s[|•·–—-]\s|\s*[|•·]\s*|,\s")


def letterhead_start(lines: list[Line], first: int, cut: int, author: Address) -> int:
    """Where the author's letterhead at the end of the new lines [first, cut) begins; `cut` where there is none."""
    last = next((at for at in range(cut - 1, first - 1, -1) if not lines[at].blank), first)
    top = last
    while top > first and not lines[top - 1].blank:
        top -= 1
    above = next((lines[at].text for at in range(top - 1, first - 1, -1) if not lines[at].blank), None)
    block = [line.text.strip(" *_\t") for line in lines[top : last + 1]]
    if above is None or not _ENDED.search(above) or len(block) > MAX_LINES:
        return cut
    if not any(_names(text, author) for text in block[:NAMED_WITHIN]) or not all(map(_is_of_letterhead, block)):
        return cut
    told = "\n".join(block)
    domain = author.address.rpartition("@")[2]
    if mentions_iban(told) or any(host.lower() != domain for host in _ADDRESS.findall(told)):
        return cut
    return top if _REACHED_AT.search(told) else cut


def _names(text: str, author: Address) -> bool:
    """Whether a line begins with a name that From bears, be it the person's or the firm's."""
    head = _PARTED.split(text, maxsplit=1)[0]
    words = re.findall(r"[^\W\d_]+", wordings.fold(head).lower())
    local, _, domain = author.address.rpartition("@")
    bare = wordings.fold(f"{author.name} {local} {domain.rpartition('.')[0]}").lower()
    known = {word for word in re.findall(r"[^\W\d_]+", bare) if len(word) >= MIN_NAME}
    if not 0 < len(words) <= 5 or any(char.isdigit() for char in head) or known.isdisjoint(words):
        return False
    # "Please call Anna Berg" begins with another word; "Dr. Anna Berg" and "K. Benali" with a short one.
    return words[0] in known or bool(_SHORTENED.match(head))


def _is_of_letterhead(text: str) -> bool:
    rest = _REACHED_AT.sub(" ", text)
    if len(text) > MAX_LENGTH or _SUM.search(rest) or _NUMBER.search(rest):
        return False
    return not _TALK.search(text) or len(text.split()) <= 3
