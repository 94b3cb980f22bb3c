"""The page of figures by HTTP: what it shows, to whom, and its files."""

import csv
import io
import re
from zipfile import ZipFile

import pytest

from agent.reports.tables import REPORTS
from agent.review.web.figures_pages import PARTS
from models.user import Role
from tests.builders import ledger
from tests.builders.desk import Office


@pytest.fixture
def desk(small_desk: Office) -> Office:
    with small_desk.database.write() as session:
        mine = ledger.customer(
            session, "C1", name="=Dupont <script>alert(1)</script>", account_manager="anna@morel.example"
        )
        other = ledger.customer(session, "C2", name="Martin", segment="loyal")
        ledger.invoice(session, mine, "F1")
        ledger.invoice(session, other, "F2", currency="USD")
    return small_desk


def test_the_page_has_tiles_pictures_and_tables(desk: Office) -> None:
    shown = desk.at_work(language="fr").get("/figures")
    assert shown.status_code == 200
    for said in ("Balance âgée (EUR)", "Balance âgée (USD)", "DSO par épuisement (EUR)", "taux d'ouverture", "<svg"):
        assert said.replace("'", "&#39;") in shown.text, said
    assert "<script>alert" not in shown.text


def test_each_table_stands_in_one_part_of_the_page(desk: Office) -> None:
    listed = [name for names in PARTS.values() for name in names]
    assert sorted(listed) == sorted(REPORTS)
    browser = desk.at_work()
    for part, names in PARTS.items():
        page = browser.get(f"/figures?part={part}&segment=loyal").text
        shown = set(re.findall(r'id="figures-(\w+)"', page))
        assert shown <= set(names), part
        assert f"part={part}" in page
        assert "segment=loyal" in page  # what was narrowed goes along to the other parts
    for part, has in (("money", "aging"), ("work", "mailbox"), ("nonsense", "aging")):
        assert f'id="figures-{has}"' in browser.get(f"/figures?part={part}").text


def test_the_table_stands_behind_its_picture(desk: Office) -> None:
    page = desk.at_work().get("/figures").text
    aging = page.partition('id="figures-aging"')[2].partition("</section>")[0]
    assert aging.index("<svg") < aging.index("<details") < aging.index("<table")


def test_each_table_says_how_it_is_computed_and_where_the_formula_is_from(desk: Office) -> None:
    browser = desk.at_work()
    page = browser.get("/figures").text
    assert "DSO, simple = AR / S × D (deltarecovery.com; finthesis.io)" in page
    for part in PARTS:
        page = browser.get(f"/figures?part={part}").text
        assert page.count("How it is computed") == page.count('id="figures-')


def test_a_row_for_each_is_asked_for_on_the_page(desk: Office) -> None:
    browser = desk.at_work()
    page = browser.get("/figures?by=customer").text
    aging = page.partition('id="figures-aging"')[2].partition("</section>")[0]
    assert "<td" in aging
    assert ">C1<" in aging
    assert ">C2<" in aging
    assert "by=customer" in page  # goes along to the other parts and into the files
    sales = desk.at_work("anna", Role.SALES, email="anna@morel.example")
    assert ">C2<" not in sales.get("/figures?by=customer").text


def test_days_and_customers_are_chosen(desk: Office) -> None:
    browser = desk.at_work()
    assert "(USD)" not in browser.get("/figures?customer=C1").text
    assert "(EUR)" not in browser.get("/figures?segment=loyal").text
    assert browser.get("/figures?customer=C9").status_code == 409
    assert browser.get("/figures?from=nonsense&to=2026-08-15").status_code == 200
    assert browser.get("/figures?from=2026-09-01&to=2026-08-01").status_code == 409


def test_sales_people_see_their_own_customers_only(desk: Office) -> None:
    browser = desk.at_work("anna", Role.SALES, email="anna@morel.example")
    assert "(USD)" not in browser.get("/figures").text
    assert "(USD)" not in browser.get("/figures?owner=").text
    rows = list(csv.DictReader(io.StringIO(browser.get("/figures/aging.csv?by=customer&owner=x").text)))
    assert [row["customer"] for row in rows] == ["C1"]


def test_files_are_safe_in_a_spreadsheet(desk: Office) -> None:
    browser = desk.at_work(language="fr")
    found = browser.get("/figures/aging.csv?by=customer")
    assert found.headers["content-disposition"].startswith('attachment; filename="aging.csv"')
    assert next(csv.DictReader(io.StringIO(found.text)))["name"].startswith("'=Dupont")
    book = browser.get("/figures.xlsx")
    with ZipFile(io.BytesIO(book.content)) as content:
        assert "Balance âgée" in content.read("xl/workbook.xml").decode()
    assert browser.get("/figures/nonsense.csv").status_code == 404


def test_nobody_sees_them_without_a_log_in(desk: Office) -> None:
    for path in ("/figures", "/figures.xlsx", "/figures/aging.csv"):
        assert desk.client().get(path).status_code == 303
