"""Answers between the lines of a quote, with what they answer: "Paid." means little without the line above it."""

from __future__ import annotations

from collections.abc import Iterator

from agent.inbound.lines import Line, unquoted
from agent.inbound.values import InlineAnswer

#: answers that are kept, and characters of the quoted paragraph above each
MAX_INLINE = 100
MAX_INLINE_QUOTE = 1_000


def inline_answers(lines: list[Line]) -> Iterator[InlineAnswer]:
    """New text right below quoted lines, with the paragraph above it.

    A text below a whole quoted mail answers the mail and not its last paragraph: it counts only where the quote goes
    on below it, where another answer came before, or where one paragraph is all that is quoted.
    """
    runs = list(_runs(lines))
    last_quote = max((at for at, (depth, _) in enumerate(runs) if depth), default=0)
    given = 0
    for at in range(1, len(runs)):
        (above, quote), (depth, answer) = runs[at - 1], runs[at]
        if not above or depth != 0:
            continue
        paragraph = _last_paragraph(quote)
        if paragraph and given < MAX_INLINE and (given or at < last_quote or len(paragraph) == _texts_of(quote)):
            given += 1
            text = "\n".join(unquoted(line) for line in paragraph)
            yield InlineAnswer(text[-MAX_INLINE_QUOTE:], "\n".join(line.text for line in answer).strip("\n"))


def _runs(lines: list[Line]) -> Iterator[tuple[int | None, list[Line]]]:
    """Stretches of quoted lines (1), of new ones (0) and of others (None); blank lines part none of them."""
    run: list[Line] = []
    kind: int | None = None
    for line in lines:
        if line.blank:
            run.append(line)
            continue
        its = int(line.depth > 0) if line.depth or line.new else None
        if run and its != kind:
            yield kind, run
            run = []
        kind = its
        run.append(line)
    if run:
        yield kind, run


def _last_paragraph(quote: list[Line]) -> list[Line]:
    """The last lines of one depth with nothing empty between them."""
    found: list[Line] = []
    for line in reversed(quote):
        if not unquoted(line).strip():
            if found:
                break
        elif found and line.depth != found[-1].depth:
            break
        else:
            found.append(line)
    return found[::-1]


def _texts_of(quote: list[Line]) -> int:
    return sum(1 for line in quote if unquoted(line).strip())
