"""Figures split and narrowed, and handed to programs and spreadsheets."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest

from agent import cli
from agent.console import as_json_text
from agent.reports.asking import Wish, of_books
from agent.reports.export import harmless, to_csv, to_xlsx
from agent.reports.tables import REPORTS, By, Column, Kind, Table, build
from agent.reports.values import Books, Period, Person
from config.errors import RelanceError
from models import Database
from tests.builders import ledger
from tests.builders.figures import books, day, invoice, paid

Q3 = Period(date(2026, 7, 1), date(2026, 9, 30))
TWO = books(
    invoice("100", "2026-07-01", "2026-08-01"),
    invoice("300", "2026-07-01", "2026-08-01", paid("2026-08-20", "100"), customer_id="C2"),
)


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        (By.CUSTOMER, [("C1", 100), ("C2", 200)]),
        (By.SEGMENT, [("loyal", 100), (None, 200)]),
        (By.OWNER, [("anna@morel.example", 100), (None, 200)]),
        (By.MONTH, [("2026-07", 400), ("2026-08", 300), ("2026-09", 300)]),
    ],
)
def test_a_split_hands_out_every_amount_once(by: By, labels: list[tuple[str | None, int]]) -> None:
    table = build("aging", TWO, Q3, by)
    assert [(row[by.value], row["total"]) for row in table.rows] == labels
    assert table.columns[0].name == by.value


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("by", [None, *By])
def test_every_row_has_exactly_the_columns_of_its_table(name: str, by: By | None) -> None:
    table = build(name, TWO, Q3, by)
    for row in table.rows:
        assert set(row) <= {column.name for column in table.columns}
        assert set(row) >= {column.name for column in REPORTS[name].columns}


def test_narrowing_to_whom_it_is_about() -> None:
    def total(wish: Wish) -> object:
        return of_books(TWO, ["aging"], wish)[0].rows[0]["total"]

    assert total(Wish()) == 300
    assert total(Wish(customer="C2")) == 200
    assert total(Wish(owner="Anna@Morel.example")) == 100
    assert total(Wish(segment="loyal", end=day("2026-07-15"))) == 100
    with pytest.raises(RelanceError, match="no customer of customer C1 and segment new"):
        total(Wish(customer="C1", segment="new"))
    with pytest.raises(RelanceError, match="before it begins"):
        total(Wish(start=day("2026-09-01"), end=day("2026-08-01")))


def test_periods_where_none_is_asked_for() -> None:
    aging, promises = of_books(TWO, ["aging", "promises"], Wish())
    assert (aging.period, promises.period.start) == (Period(day("2026-07-01"), day("2026-09-30")), day("2026-07-01"))


def test_amounts_are_text_for_programs_and_the_rest_are_numbers() -> None:
    (row,) = build("aging", TWO, Q3).as_objects()
    shown = json.loads(as_json_text(row))
    assert (shown["total"], shown["31_60"], shown["overdue_share"], shown["as_of"]) == (
        "300.00", "300.00", 100.0, "2026-09-30",
    )  # fmt: skip


HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|'/c calc'!A1", "＝1", "\x00=1")


def hostile() -> Table:
    people = {str(n): Person(str(n), name, None, None) for n, name in enumerate(HOSTILE)}
    invoices = tuple(invoice("-10", "2026-07-01", "2026-08-01", customer_id=each) for each in people)
    return build("aging", Books(date(2026, 9, 30), people, invoices), Q3, By.CUSTOMER)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_no_formula(text: str) -> None:
    assert harmless(text).startswith("'")


def test_csv_is_safe_and_its_figures_are_figures() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(hostile()))))
    assert len(rows) == len(HOSTILE)
    for row in rows:
        assert row["name"].startswith("'")
        assert (row["credits"], row["total"], row["as_of"]) == ("-10.00", "0.00", "2026-09-30")


def test_a_workbook_holds_no_formula_and_keeps_figures() -> None:
    content = to_xlsx([hostile(), build("dso", TWO, Q3)], {"dso": "DSO", "receivables": "=Créances"})
    with ZipFile(io.BytesIO(content)) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        texts = book.read("xl/sharedStrings.xml").decode()
    assert len(sheets) == 2
    assert not any("<f>" in sheet for sheet in sheets)
    assert "<v>-10</v>" in sheets[0]
    assert "'=1+1" in texts.replace("&apos;", "'")
    assert content == to_xlsx([hostile(), build("dso", TWO, Q3)], {"dso": "DSO", "receivables": "=Créances"})


def test_a_workbook_keeps_cents() -> None:
    table = Table("aging", (Column("total", Kind.MONEY),), ({"total": Decimal("123456789.01")},), Q3)
    with ZipFile(io.BytesIO(to_xlsx([table]))) as book:
        assert "<v>123456789.01</v>" in book.read("xl/worksheets/sheet1.xml").decode()


def run(root: Path, *arguments: str) -> int:
    return cli.main(["--config", str(root / "relance.toml"), "report", *arguments])


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", str(tmp_path)]) == 0
    settings = ledger.settings(tmp_path)
    database = Database.open("sqlite:///relance.db", tmp_path, ledger.NOW)
    ledger.load(database, settings, "customers", ledger.csv("id;name;email", "C1;=Un;a@one.example"))
    rows = ledger.csv("number;customer_id;issue_date;due_date;amount", "F1;C1;2026-07-01;2026-07-31;1000")
    ledger.load(database, settings, "invoices", rows)
    database.close()
    capsys.readouterr()

    assert run(tmp_path, "aging", "--on", "2026-08-31", "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["currency"], row["31_60"], row["total"], row["1_30"]) == ("EUR", "1000.00", "1000.00", "0.00")
    assert run(tmp_path, "aging", "--on", "2026-08-31", "--by", "customer", "--csv") == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("C1,'=Un,EUR,2026-08-31,0.00,0.00,1000.00")
    for name in REPORTS:
        assert run(tmp_path, name) == 0
        assert run(tmp_path, name, "--json") == 0
        for line in capsys.readouterr().out.splitlines():
            assert line
    assert run(tmp_path, "workbook", "-o", str(tmp_path / "figures.xlsx")) == 0
    with ZipFile(tmp_path / "figures.xlsx") as book:
        assert sum(name.startswith("xl/worksheets/sheet") for name in book.namelist()) == len(REPORTS)
    assert run(tmp_path, "aging", "--customer", "C9") == 1
    assert "there is no customer of customer C9" in capsys.readouterr().err
    assert run(tmp_path, "aging", "--json", "--csv") == 2
    assert run(tmp_path, "workbook", "-o", str(tmp_path / "no" / "x.xlsx")) == 1
    assert "can't be written" in capsys.readouterr().err
