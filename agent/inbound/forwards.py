"""Whether a mail passes on somebody else's, and whose that says it is.

A forward is told by its separator ("---------- Forwarded message ---------"), by the prefix of its subject where a
header block stands below the text, or by an attached message. What was passed on stands in the history or in an
attachment, never in the new text, so that no claim in it counts as the sender's. Its author is what anybody could have
typed: it may say whose eyes a mail belongs before, and proves nothing.
"""

from __future__ import annotations

import re
from itertools import islice

from agent.inbound import wordings
from agent.inbound.headers import decode_header
from agent.inbound.history import FORWARDED_BY, label_of
from agent.inbound.lines import closes_with_verb, each_line, unquoted
from agent.inbound.parts import Parts
from agent.inbound.sender import parse_address
from agent.inbound.values import Address, Forward

FORWARD_PREFIX = re.compile(r"(?i)^\s*(fw|fwd|wg|tr|i|rv|doorst|wtr|vb|vl)\s*:\s*")
#: lines of history in which the header of the forwarded mail is looked for
MAX_LINES = 80
#: lines between a separator and the From line below it
MAX_BLOCK = 12
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+")


def read_forward(subject: str, history: str, parts: Parts) -> Forward | None:
    """The mail that a person's mail passes on; None where it is none. `history` is what `split_text` called quoted."""
    below = _below_text(history, prefixed=bool(FORWARD_PREFIX.match(subject)))
    if below is not None:
        return below
    if any(attachment.content_type in ("message/rfc822", "message/global") for attachment in parts.attachments):
        match = re.search(r"(?im)^From\s*:\s*(.{1,500})$", parts.embedded[0] if parts.embedded else "")
        return Forward(_author(decode_header(match[1].encode())) if match else None, attached=True)
    return None


def _below_text(history: str, *, prefixed: bool) -> Forward | None:
    """The first header of the history, where it is a forwarded mail's and no reply's."""
    lines = islice(each_line(history[: MAX_LINES * 400]), MAX_LINES)
    marked_at: int | None = None
    for at, line in enumerate(lines):
        text = unquoted(line).strip()
        words = text.strip(" *_:-–—=~")
        if marked_at is not None and at > marked_at + MAX_BLOCK:
            break
        if marked_at is None and (_is_separator(words) or (text != words and FORWARDED_BY.match(words))):
            marked_at = at
            continue
        label = label_of(text)
        if label and "from" in label[0] and label[1] and (marked_at is not None or not line.depth):
            return Forward(_author(label[1]), attached=False) if prefixed or marked_at is not None else None
        if marked_at is None and text and (line.depth or closes_with_verb(text)):
            return None
    return Forward(None, attached=False) if marked_at is not None else None


def _author(value: str) -> Address | None:
    """The address of a From line; programs write it as "Anna <a@x>", "Anna [mailto:a@x]", "<a@x<mailto:a@x>>"."""
    strict = parse_address(value)
    if strict is not None:
        return strict
    found = {match.lower() for match in _ADDRESS.findall(value)}
    return parse_address(found.pop()) if len(found) == 1 else None


def _is_separator(words: str) -> bool:
    return wordings.caseless(words) in wordings.literals("reply_headers", "forwarded")
