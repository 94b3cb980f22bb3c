"""Tables as people read them, in the languages of the pages."""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import templates
from agent.reports import showing
from agent.reports.tables import REPORTS, By, Column, Kind, build
from agent.reports.values import Period
from agent.reports.words import Tongue, words_of
from models.states import DisputeState, PromiseState
from tests.builders import ledger
from tests.builders.figures import books, dispute, invoice, paid, promise, touch

Q3 = Period(date(2026, 7, 1), date(2026, 9, 30))


@pytest.fixture
def french(tmp_path: Path) -> Tongue:
    return words_of(tmp_path, "fr", ledger.settings(tmp_path).zone)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_report_and_column_has_its_words(tmp_path: Path, language: str) -> None:
    tongue = words_of(tmp_path, language, ledger.settings(tmp_path).zone)
    assert tongue.language == language
    names = {column.name for report in REPORTS.values() for column in report.columns}
    names |= {"name", *(by.value for by in By)}
    assert {name for name in names if not tongue.knows(f"figure_of.{name}")} == set()
    reports = {f"figures.{name}{end}" for name in REPORTS for end in ("", "_means", "_formula")}
    assert {key for key in reports if not tongue.knows(key)} == set()


@pytest.mark.parametrize(
    ("row", "kind", "text"),
    [
        ({"x": None}, Kind.MONEY, "—"),
        ({"x": Decimal("1234.50"), "currency": "EUR"}, Kind.MONEY, "1\u202f234,50\xa0€"),
        ({"x": Decimal("42.3")}, Kind.PERCENT, "42\xa0%"),
        ({"x": Decimal("73.7")}, Kind.DAYS, "73,7"),
        ({"x": date(2026, 3, 1)}, Kind.DATE, "1 mars 2026"),
        ({"x": True}, Kind.FLAG, "Oui"),
        ({"x": "own_step"}, Kind.CODE, "own step"),
    ],
)
def test_cells(french: Tongue, row: Mapping[str, object], kind: Kind, text: str) -> None:
    assert showing.cell(row, Column("x", kind), french) == text


def test_codes_have_the_words_of_the_house(french: Tongue) -> None:
    assert showing.word("reason", "quality", french) == french.say("dispute.quality")
    assert showing.word("step", "friendly_reminder", french) == french.say("step.friendly_reminder")
    assert showing.word("channel", "call", french) == "Appel"
    assert showing.word("cause", "cash", french) == "Trésorerie"


def test_pictures_are_of_one_currency_each(french: Tongue) -> None:
    euros, dollars = (
        invoice("100", "2026-07-01", "2026-08-01"),
        invoice("5", "2026-07-01", "2026-08-01", currency="USD"),
    )
    drawn = showing.pictures(build("aging", books(euros, dollars), Q3), french)
    assert [picture.title for picture in drawn] == ["Balance âgée (EUR)", "Balance âgée (USD)"]
    assert "100" in drawn[0].svg
    assert "1–30 j" in drawn[0].svg


def test_every_picture_can_be_drawn(french: Tongue) -> None:
    one = invoice("100", "2026-07-01", "2026-08-01", paid("2026-08-20", "100"))
    ledger_ = books(
        one,
        invoice("50", "2026-07-01", "2026-08-01"),
        touches=(touch("2026-08-10", one),),
        promises=(promise(one, "2026-08-20", PromiseState.KEPT, "2026-08-20"),),
        disputes=(dispute(one, "quality", "2026-08-12", "2026-08-15", DisputeState.REJECTED),),
    )
    for name, by in showing._DRAWN:
        table = build(name, ledger_, Q3, By(by) if by else None)
        assert table.rows, name
        assert all(picture.svg.startswith("<svg") for picture in showing.pictures(table, french)), name


def test_what_has_no_rows_has_no_picture(french: Tongue) -> None:
    assert showing.pictures(build("aging", books(), Q3), french) == []


def test_a_language_without_a_catalogue_is_told_in_english(tmp_path: Path) -> None:
    found = words_of(tmp_path, "nl", ledger.settings(tmp_path).zone)
    assert (found.language, found.say("figures.aging")) == ("en", "Aged balance")


def test_both_languages_say_the_same_things() -> None:
    folder = Path(templates.__file__).parent / "reports"
    french, english = (tomllib.loads((folder / f"{each}.toml").read_text(encoding="utf-8")) for each in ("fr", "en"))
    assert {part: table.keys() for part, table in french.items()} == {p: t.keys() for p, t in english.items()}
