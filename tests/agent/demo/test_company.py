import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from agent.demo import company
from agent.demo.commands import MOST_CUSTOMERS
from agent.demo.company import Servers
from agent.demo.pdf import one_page
from agent.ledger.columns import parse
from agent.ledger.values import Kind
from config import load, secret_of

FIRST = date(2026, 3, 2)


def firm(customers: int = 40) -> company.Company:
    return company.found(company.everybody()[:customers], 1, FIRST, 30)


def test_customers_are_all_different_and_exist_nowhere() -> None:
    everybody = company.everybody()
    assert len(everybody) == MOST_CUSTOMERS
    for key in ("id", "name", "domain", "address", "person", "ip"):
        assert len({getattr(customer, key) for customer in everybody}) == len(everybody), key
    assert all(customer.domain.endswith(".example") for customer in everybody)
    assert {customer.language for customer in everybody} == {"fr", "en"}


def test_forty_customers_owe_about_three_invoices_each() -> None:
    there = firm()
    assert 100 <= len(there.bills) <= 140
    amounts = Counter(bill.amount for bill in there.bills)
    assert max(amounts.values()) == 1
    late = [bill for bill in there.bills if FIRST - timedelta(days=10) < bill.due < FIRST]
    assert len(late) >= 10


def test_the_same_seed_gives_the_same_company() -> None:
    assert firm() == firm()


def test_its_papers_are_what_relance_imports(tmp_path: Path) -> None:
    there = firm()
    file = company.write_folder(tmp_path, there, Servers(10143, 10025, "secret"))
    company.write_statement(tmp_path / "payments.csv", there.paid_before)
    for kind in (Kind.CUSTOMERS, Kind.INVOICES, Kind.PAYMENTS):
        parsed = parse(kind, (tmp_path / f"{kind.value}.csv").read_bytes(), "EUR")
        assert not parsed.errors
        assert parsed.rows
    settings = load(file)
    assert settings.policy.mode == "automatic"
    assert secret_of(settings.mailbox["ar"].imap).get_secret_value() == "secret"
    assert (tmp_path / "mailbox.password").stat().st_mode & 0o077 == 0


def test_some_invoices_have_a_pdf(tmp_path: Path) -> None:
    there = firm()
    company.write_folder(tmp_path, there, Servers(10143, 10025, "secret"))
    written = {file.stem for file in (tmp_path / "documents").iterdir()}
    assert written == {bill.number for bill in there.bills if bill.has_pdf}
    assert 20 < len(written) < len(there.bills)


def test_a_pdf_has_its_objects_where_its_table_says() -> None:
    raw = one_page(["Facture FA-2026-0311", "Échéance (30 jours) : 02/03/2026 \\ net"])
    assert raw.startswith(b"%PDF-1.4")
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", raw)[1])  # type: ignore[index] # None fails the test as well
    assert raw[start:].startswith(b"xref\n0 6\n")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n ", raw)]
    assert [raw[place:].partition(b"\n")[0] for place in places] == [b"%d 0 obj" % n for n in range(1, 6)]
    length = int(re.search(rb"/Length (\d+)", raw)[1])  # type: ignore[index] # None fails the test as well
    assert raw.partition(b"stream\n")[2][length:].startswith(b"\nendstream")
    assert "Échéance \\(30 jours\\) : 02/03/2026 \\\\ net".encode("cp1252") in raw
