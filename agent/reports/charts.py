"""Bars and lines as SVG, drawn here: no script, no style sheet, no colour that carries meaning.

What a picture says stands in it as text too (values on the bars, a legend with names). Series differ by hatching,
dashes and the shape of their marks, and everything is drawn in the colour of the text around it, so that it prints
in black and follows a dark page. The table that it was made of belongs beside it. A strict Content-Security-Policy
lets it pass: there are attributes only. Texts may be anybody's; `Markup.format` escapes each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from markupsafe import Markup

_MARKS = (
    Markup('<circle cx="{0}" cy="{1}" r="4" fill="currentColor"/>'),
    Markup('<rect x="{2}" y="{3}" width="8" height="8" fill="currentColor"/>'),
    Markup('<path d="M{0} {3}L{4} {5}L{2} {5}Z" fill="currentColor"/>'),
)

Say = Callable[[Decimal], str]

WIDTH, HEIGHT = 440, 240
_TOP, _BOTTOM, _SIDE = 30, 28, 10
_MOST_LABELS = 6
_FONT = 12
_LETTER = Decimal("7.5")
_DASHES = ("none", "7 4", "2 4")
_HATCHES = (Markup('<path d="M0 0H6V6H0Z"/>'), Markup('<path d="M0 6L6 0" stroke="currentColor" stroke-width="1.5"/>'))


@dataclass(frozen=True, slots=True)
class Series:
    """A name and a value for each label; None: there is nothing to show there."""

    name: str
    values: tuple[Decimal | None, ...]


def bars(name: str, title: str, labels: Sequence[str], series: Sequence[Series], say: Say) -> Markup:
    """Groups of standing bars, one group a label, with the value on each; at most two series.

    ``name`` is unique on its page; ``say`` writes a value. Values below zero hang.
    """
    scale = _Scale([v for one in series for v in one.values if v is not None])
    room = Decimal(WIDTH - 2 * _SIDE) / max(len(labels), 1)
    wide = room * Decimal("0.72") / max(len(series), 1)
    parts = [_line(_SIDE, scale.y(Decimal(0)), WIDTH - _SIDE, scale.y(Decimal(0)))]
    for place, one in enumerate(series):
        for number, value in enumerate(one.values):
            if value is not None:
                left = _SIDE + room * number + room * Decimal("0.14") + wide * place
                parts.append(_bar(f"{name}-{place}", left, wide, scale, value, say(value)))
    patterns = Markup("").join(_pattern(f"{name}-{place}", place) for place in range(len(series)))
    parts += _axis(labels, lambda number: _SIDE + room * number + room / 2)
    parts += _legend(series, lambda place, x: _swatch(f"{name}-{place}", x)) if len(series) > 1 else []
    return _picture(name, title, _told(labels, series, say), Markup("<defs>{}</defs>").format(patterns), parts)


def lines(name: str, title: str, labels: Sequence[str], series: Sequence[Series], say: Say) -> Markup:
    """One line a series over the labels, each point marked, first and last value written; at most three series."""
    scale = _Scale([v for one in series for v in one.values if v is not None])
    room = Decimal(WIDTH - 2 * _SIDE - 48) / max(len(labels) - 1, 1)

    def x(number: int) -> Decimal:
        return _SIDE + 24 + room * number

    parts = [_line(_SIDE, scale.y(Decimal(0)), WIDTH - _SIDE, scale.y(Decimal(0)))]
    for place, one in enumerate(series):
        points = [(x(n), scale.y(v), v) for n, v in enumerate(one.values) if v is not None]
        for (x1, y1, _), (x2, y2, _) in pairwise(points):
            parts.append(_line(x1, y1, x2, y2, width=2, dash=_DASHES[place % 3]))
        parts += [_mark(place, px, py) for px, py, _ in points]
        for px, py, value in {points[0], points[-1]} if points else ():
            parts.append(_text(px, py - 9, say(value), "middle"))
    parts += _axis(labels, x)
    parts += _legend(series, _dashed) if len(series) > 1 else []
    return _picture(name, title, _told(labels, series, say), Markup(), parts)


class _Scale:
    """Values to heights; zero is always on it."""

    def __init__(self, values: Sequence[Decimal]) -> None:
        self.high = _nice(max([*values, Decimal(0)]))
        self.low = -_nice(-min([*values, Decimal(0)]))
        if self.high == self.low:
            self.high = Decimal(1)

    def y(self, value: Decimal) -> Decimal:
        return _TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - _TOP - _BOTTOM)


def _nice(value: Decimal) -> Decimal:
    """The next number of one digit and zeros, or half of one.

    >>> [_nice(Decimal(n)) for n in ("0", "0.31", "42", "172949")]
    [Decimal('0'), Decimal('0.35'), Decimal('45'), Decimal('200000')]
    """
    if value <= 0:
        return Decimal(0)
    step = Decimal(10) ** value.adjusted() / 2
    return (value / step).to_integral_value(ROUND_CEILING) * step


def _bar(pattern: str, left: Decimal, wide: Decimal, scale: _Scale, value: Decimal, said: str) -> Markup:
    zero, end = scale.y(Decimal(0)), scale.y(value)
    top, high = min(zero, end), abs(end - zero)
    shape = Markup(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="url(#{})" stroke="currentColor" stroke-width="1"/>'
    ).format(_n(left), _n(top), _n(wide), _n(high), pattern)
    return shape + _text(left + wide / 2, (top - 5) if value >= 0 else (top + high + 13), said, "middle")


def _pattern(name: str, place: int) -> Markup:
    shade = Markup("0.3") if place == 0 else Markup("1")
    return Markup(
        '<pattern id="{}" width="6" height="6" patternUnits="userSpaceOnUse"><g fill="currentColor" fill-opacity="{}">'
        "{}</g></pattern>"
    ).format(name, shade, _HATCHES[place % 2])


def _mark(place: int, x: Decimal, y: Decimal) -> Markup:
    return _MARKS[place % 3].format(_n(x), _n(y), _n(x - 4), _n(y - 4), _n(x + 4), _n(y + 4))


def _line(
    x1: Decimal | int, y1: Decimal, x2: Decimal | int, y2: Decimal, *, width: int = 1, dash: str = "none"
) -> Markup:
    return Markup(
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="currentColor" stroke-width="{}" stroke-dasharray="{}"/>'
    ).format(_n(x1), _n(y1), _n(x2), _n(y2), width, dash)


def _text(x: Decimal | int, y: Decimal | int, said: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(_n(x), _n(y), anchor, said)


def _axis(labels: Sequence[str], x: Callable[[int], Decimal]) -> list[Markup]:
    """The labels below, every second or third where there are many; the last one always."""
    every = -(-len(labels) // _MOST_LABELS) or 1
    room = int((WIDTH - 2 * _SIDE) * every / (max(len(labels), 1) * _LETTER))
    return [
        _text(x(n), HEIGHT - 8, _cut(label, room), "middle")
        for n, label in enumerate(labels)
        if (len(labels) - 1 - n) % every == 0
    ]


def _cut(label: str, room: int) -> str:
    """What fits; all of it stands in the description and in the table."""
    return label if len(label) <= max(room, 3) else label[: max(room, 3) - 1].rstrip() + "…"


def _legend(series: Sequence[Series], sign: Callable[[int, int], Markup]) -> list[Markup]:
    room = (WIDTH - 2 * _SIDE) // len(series)
    parts: list[Markup] = []
    for place, one in enumerate(series):
        left = _SIDE + room * place
        parts += [sign(place, left), _text(left + 30, 13, one.name, "start")]
    return parts


def _swatch(pattern: str, x: int) -> Markup:
    return Markup('<rect x="{}" y="3" width="22" height="11" fill="url(#{})" stroke="currentColor"/>').format(
        x, pattern
    )


def _dashed(place: int, x: int) -> Markup:
    middle = Decimal(9)
    return _line(x, middle, x + 24, middle, width=2, dash=_DASHES[place % 3]) + _mark(place, Decimal(x + 12), middle)


def _told(labels: Sequence[str], series: Sequence[Series], say: Say) -> str:
    """The picture in words, for who can't see it."""
    sentences = []
    for one in series:
        values = [f"{label} {say(value)}" for label, value in zip(labels, one.values, strict=True) if value is not None]
        sentences.append(f"{one.name}: {', '.join(values) or '–'}.")
    return " ".join(sentences)


def _picture(name: str, title: str, told: str, defs: Markup, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {} {}" role="img"'
        ' aria-labelledby="{}-title {}-desc" font-size="{}" fill="currentColor">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}{}</svg>'
    ).format(WIDTH, HEIGHT, name, name, _FONT, name, title, name, told, defs, Markup("").join(parts))


def _n(value: Decimal | int) -> str:
    """A coordinate to a tenth."""
    return f"{Decimal(value).quantize(Decimal('0.1')):f}"
