"""Plots as SVG text, drawn by hand: a line chart, a chart of calibration, a matrix. No script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 460, 280, 52, 40, 14
_COLOURS = ("#1b5e8c", "#b3541e", "#3f7d3a", "#7a4b8f", "#8a6d00", "#555555")

Points = Sequence[tuple[float, float]]


def lines(series: Mapping[str, Points], x: str, y: str, *, span: tuple[float, float, float, float], title: str) -> str:
    """One line for each series of (x, y); `span` is least and greatest x, least and greatest y."""
    parts = [*_frame(span, x, y, title)]
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        placed = [_place(px, py, span) for px, py in points]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(points) <= 12:
            parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in placed]
        parts.append(
            f'<text x="{_LEFT + 8}" y="{_TOP + 14 + 15 * number}" fill="{colour}" font-size="12">{escape(name)}</text>'
        )
    return _svg(parts, _WIDTH, _HEIGHT, title)


def calibration(bins: Sequence[tuple[float, float, int]], title: str) -> str:
    """How often right (y) against how sure (x), by bin; the dot's size tells how many."""
    span = (0.0, 1.0, 0.0, 1.0)
    (x1, y1), (x2, y2) = _place(0, 0, span), _place(1, 1, span)
    parts = [
        *_frame(span, "confidence", "share right", title),
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#aaa" stroke-dasharray="4"/>',
    ]
    most = max((count for _, _, count in bins), default=1)
    for sure, right, count in bins:
        px, py = _place(sure, right, span)
        parts.append(
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{3 + 9 * (count / most) ** 0.5:.1f}" fill="{_COLOURS[0]}"'
            f' fill-opacity="0.65"><title>{count} replies</title></circle>'
        )
    return _svg(parts, _WIDTH, _HEIGHT, title)


def matrix(names: Sequence[str], counts: Sequence[Sequence[int]], title: str) -> str:
    """Rows are labels, columns what was said; a cell is the darker the larger its share of the row."""
    side, left, top = 62, 90, 44
    parts = [f'<text x="{left}" y="14" font-size="13" font-weight="bold">{escape(title)}</text>']
    for at, name in enumerate(names):
        parts.append(f'<text x="{left + at * side + 4}" y="{top - 8}" font-size="12">{escape(name)}</text>')
        parts.append(f'<text x="4" y="{top + at * side + side / 2 + 4}" font-size="12">{escape(name)}</text>')
    for row, line in enumerate(counts):
        total = max(1, sum(line))
        for column, count in enumerate(line):
            x, y, share = left + column * side, top + row * side, count / total
            parts.append(
                f'<rect x="{x}" y="{y}" width="{side - 2}" height="{side - 2}" fill="{_COLOURS[0]}"'
                f' fill-opacity="{share:.3f}" stroke="#ccc"/>'
                f'<text x="{x + side / 2 - 1}" y="{y + side / 2 + 4}" font-size="12" text-anchor="middle"'
                f' fill="{"#fff" if share > 0.5 else "#222"}">{count}</text>'
            )
    return _svg(parts, left + side * len(names) + 6, top + side * len(names) + 6, title)


def _frame(span: tuple[float, float, float, float], x: str, y: str, title: str) -> list[str]:
    (x1, y1), (x2, y2) = _place(span[0], span[2], span), _place(span[1], span[3], span)
    parts = [
        f'<text x="{_LEFT}" y="11" font-size="13" font-weight="bold">{escape(title)}</text>',
        f'<path d="M{x1},{y2} L{x1},{y1} L{x2},{y1}" fill="none" stroke="#444"/>',
        _label((x1 + x2) / 2, _HEIGHT - 6, x),
        f'<g transform="rotate(-90 12 {(y1 + y2) / 2})">{_label(12, (y1 + y2) / 2, y)}</g>',
    ]
    for step in range(6):
        px, py = _place(span[0] + (span[1] - span[0]) * step / 5, span[2] + (span[3] - span[2]) * step / 5, span)
        parts.append(_tick(px, y1 + 15, span[0] + (span[1] - span[0]) * step / 5, "middle"))
        parts.append(_tick(x1 - 5, py + 4, span[2] + (span[3] - span[2]) * step / 5, "end"))
    return parts


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="12" text-anchor="middle">{escape(text)}</text>'


def _tick(x: float, y: float, value: float, anchor: str) -> str:
    text = f"{value:.0f}" if abs(value) > 10 else f"{value:.2f}"
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" text-anchor="{anchor}" fill="#444">{text}</text>'


def _place(x: float, y: float, span: tuple[float, float, float, float]) -> tuple[float, float]:
    """Pixels of a point, kept inside the frame."""
    across = min(1.0, max(0.0, (x - span[0]) / (span[1] - span[0])))
    up = min(1.0, max(0.0, (y - span[2]) / (span[3] - span[2])))
    return _LEFT + across * (_WIDTH - _LEFT - 14), _HEIGHT - _BOTTOM - up * (_HEIGHT - _BOTTOM - _TOP - 6)


def _svg(parts: Sequence[str], width: float, height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(title, quote=True)}" font-family="sans-serif">{"".join(parts)}</svg>'
    )
