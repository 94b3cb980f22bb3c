"""Pictures that anybody can read: well formed, escaped, the same without colour, and told in words."""

import re
from collections.abc import Callable
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from agent.reports.charts import Series, bars, lines

Draw = Callable[..., Markup]
SVG = "{http://www.w3.org/2000/svg}"


def series(name: str, *values: str | None) -> Series:
    return Series(name, tuple(Decimal(v) if v is not None else None for v in values))


def say(value: Decimal) -> str:
    return f"{value:f} €"


def read(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 it was made here


@pytest.mark.parametrize("draw", [bars, lines])
def test_a_picture_says_what_it_shows(draw: Draw) -> None:
    picture = read(draw("dso", "DSO", ["Jan", "Feb"], [series("DSO", "30", "45.5")], say))
    assert picture.findtext(f"{SVG}title") == "DSO"
    assert picture.findtext(f"{SVG}desc") == "DSO: Jan 30 €, Feb 45.5 €."
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert {"Jan", "Feb", "30 €", "45.5 €"} <= set(texts)
    assert picture.get("aria-labelledby") == "dso-title dso-desc"


@pytest.mark.parametrize("draw", [bars, lines])
def test_hostile_names_stay_text(draw: Draw) -> None:
    hostile = "</text><script>alert(1)</script>\"'"
    picture = draw("x", hostile, [hostile], [series(hostile, "1"), series("b", "2")], lambda v: hostile)
    assert "<script" not in picture
    assert read(picture).findtext(f"{SVG}title") == hostile


@pytest.mark.parametrize("draw", [bars, lines])
def test_no_colour_no_script_no_style(draw: Draw) -> None:
    picture = draw("x", "t", ["a", "b"], [series("one", "1", "2"), series("two", "2", None)], say)
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', picture)) <= {"currentColor", "url(#x-0)", "url(#x-1)"}
    assert not re.search(r"style|script|href|on\w+=", picture)


def test_series_of_bars_differ_by_hatching_and_of_lines_by_dash_and_mark() -> None:
    two = [series("one", "1", "2"), series("two", "2", "1")]
    patterns = read(bars("x", "t", ["a", "b"], two, say)).findall(f".//{SVG}pattern")
    assert len({ET.tostring(p[0][0]) for p in patterns}) == 2
    drawn = read(lines("x", "t", ["a", "b"], two, say))
    assert {line.get("stroke-dasharray") for line in drawn.iter(f"{SVG}line")} == {"none", "7 4"}
    assert len(list(drawn.iter(f"{SVG}circle"))) == len(list(drawn.iter(f"{SVG}rect"))) == 3  # and the legend's


@pytest.mark.parametrize("values", [("0", "0"), ("-5", "10"), (None, None), ("0.0001", "99999999"), ("-3", "-1")])
def test_everything_lies_within_the_picture(values: tuple[str | None, ...]) -> None:
    for draw in (bars, lines):
        picture = read(draw("x", "t", ["a", "b"], [series("one", *values)], say))
        for each in picture.iter():
            for name in ("x", "y", "x1", "y1", "x2", "y2", "cx", "cy"):
                if name in each.attrib:
                    assert 0 <= float(each.attrib[name]) <= 440, (each.tag, each.attrib)
        for bar in picture.iter(f"{SVG}rect"):
            assert float(bar.get("height", 0)) >= 0


def test_many_labels_are_thinned_and_the_last_one_stays() -> None:
    labels = [f"2026-{n:02}" for n in range(1, 13)]
    picture = read(lines("x", "t", labels, [series("one", *map(str, range(12)))], say))
    shown = [each.text for each in picture.iter(f"{SVG}text") if each.text in labels]
    assert shown == labels[1::2]


def test_nothing_to_draw_is_an_empty_frame() -> None:
    assert read(bars("x", "t", [], [], say)).tag == read(lines("x", "t", [], [], say)).tag == f"{SVG}svg"
