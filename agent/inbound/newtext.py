"""What is new in a message: quotes, reply headers, signatures and footers taken off.

    lines        the text as lines with a quote depth
    history      which of them are quoted, or head a quote; `attributions`: by a header that only names somebody
    signatures   which of the new ones are signature; `letterheads`: where no courtesy line begins it
    inline       which of the new ones answer the quoted line above them

The sign-off and the name under it stay with the text where no contact lines follow, since they are the writer's words.
Pure: text in, texts out. Phrases are data in `agent.inbound.wordings`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.inbound.history import class_history
from agent.inbound.html import MARKS
from agent.inbound.inline import inline_answers
from agent.inbound.lines import LineClass, any_quoted, read_lines
from agent.inbound.signatures import class_signatures
from agent.inbound.values import Address, InlineAnswer


@dataclass(frozen=True, slots=True)
class Split:
    """The three fields of a text; each line of it is in exactly one. `inline` repeats what stands between quotes."""

    new_text: str
    signature: str
    quoted: str
    #: answers between the lines, from the top
    inline: tuple[InlineAnswer, ...] = ()


def split_text(text: str, correspondents: frozenset[str] = frozenset(), author: Address | None = None) -> Split:
    """Part `text` (plain, or from `html_to_text` with its marks) into new text, signature and history.

    `correspondents` are the `attributions.names_of` those whom the mail is written to: an answer quotes them; `author`
    is whom it says it is from, and signs it.
    """
    lines = read_lines(text)
    class_history(lines, correspondents)
    class_signatures(lines, author)
    pick = {kind: "\n".join(line.text for line in lines if line.kind is kind) for kind in LineClass}
    new_text, signature, quoted = (
        _even_blank_lines(pick[kind]) for kind in (LineClass.NEW, LineClass.SIGNATURE, LineClass.QUOTED)
    )
    return Split(new_text, signature, quoted, tuple(inline_answers(lines)))


def has_history(text: str) -> bool:
    """Whether anything in `text` is a quote or a reply header."""
    if any_quoted(text):
        return True
    lines = read_lines(text)
    class_history(lines)
    return any(line.kind is LineClass.QUOTED and not line.blank for line in lines)


_NO_MARKS = str.maketrans("", "", MARKS)


def _even_blank_lines(text: str) -> str:
    if not text.isascii() and any(mark in text for mark in MARKS):
        text = text.translate(_NO_MARKS)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n").rstrip()
