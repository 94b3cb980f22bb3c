"""Files as spreadsheets and ledgers write them: what is read, and how each mistake is named."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger.columns import parse
from agent.ledger.values import CustomerRow, InvoiceRow, Kind, Parsed, PaymentRow
from models.invoice import InvoiceKind
from tests.builders.ledger import csv


def read(kind: Kind, *lines: str) -> Parsed:
    return parse(kind, csv(*lines), "EUR")


def told(parsed: Parsed) -> list[tuple[int, str | None]]:
    return [(error.line, error.column) for error in parsed.errors]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_in_each_usual_form(encoding: str, separator: str, end: str) -> None:
    rows = [["id", "name", "email"], ["C1", '"Été, fils; & Cie"', "Compta@Ete.example"]]
    raw = end.join(separator.join(row) for row in rows).encode(encoding)
    parsed = parse(Kind.CUSTOMERS, raw, "EUR")
    assert parsed.errors == ()
    [row] = parsed.rows
    assert isinstance(row, CustomerRow)
    assert (row.values["name"], row.email) == ("Été, fils; & Cie", "compta@ete.example")


def test_a_comma_separated_file_may_quote_its_decimal_commas() -> None:
    parsed = read(Kind.INVOICES, "number,customer_id,due_date,amount", 'F-1,C1,2026-08-01,"1.234,50"')
    [row] = parsed.rows
    assert isinstance(row, InvoiceRow)
    assert row.amount == Decimal("1234.50")


def test_header_names_are_taken_in_any_case_and_order() -> None:
    parsed = read(Kind.PAYMENTS, " Customer ID ;AMOUNT;Date;Id", "C1;10;31/08/2026;P1")
    [row] = parsed.rows
    assert row == PaymentRow(2, "P1", date(2026, 8, 31), Decimal("10.00"), "C1", None, None, None)


def test_empty_lines_and_empty_columns_of_a_spreadsheet_are_no_rows() -> None:
    parsed = read(Kind.CUSTOMERS, "id;name;email;;", "C1;A;a@a.example;;", ";;;;", "")
    assert (len(parsed.rows), parsed.errors) == (1, ())


def test_a_cell_over_two_lines_is_one_cell_and_lines_are_counted_as_in_an_editor() -> None:
    parsed = read(Kind.CUSTOMERS, "id,name,email,address", 'C1,A,a@a.example,"1 rue X', 'F-75001"', "C2,B,nowhere,")
    assert told(parsed) == [(4, "email")]
    [row] = parsed.rows
    assert isinstance(row, CustomerRow)
    assert row.values["address"] == "1 rue X F-75001"


@pytest.mark.parametrize(
    ("raw", "line", "column", "words"),
    [
        (b"", 1, None, "the file is empty"),
        (b"\xef\xbb\xbf\n \n", 1, None, "the file is empty"),
        (b",", 1, None, "the file is empty"),
        (b"PK\x03\x04....", 1, None, "a workbook"),
        ("id,name,email\n".encode("utf-16"), 1, None, "UTF-16"),
        (b"id,name,email\nC1,\x81\x8d,x\n", 2, None, "neither UTF-8 nor Windows-1252"),
        (b"id,name,email\nC1,a\0b,x@y.example\n", 2, None, "zero byte"),
        (b"hello\nworld\n", 1, None, "names no known column"),
        (b"id,name\nC1,A\n", 1, "email", "is missing"),
        (b"id,name,e_mail\nC1,A,a@a.example\n", 1, "e_mail", "Did you mean email?"),
        (b"id,name,email,shoe\n", 1, "shoe", "unknown column"),
        (b"id,name,email,Email\n", 1, "email", "twice"),
        (b'id,name,email\nC1,"A,a@a.example\n', 2, None, "quotes"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_mend(
    raw: bytes, line: int, column: str | None, words: str
) -> None:
    parsed = parse(Kind.CUSTOMERS, raw, "EUR")
    assert parsed.is_fatal
    found = [error for error in parsed.errors if (error.line, error.column) == (line, column)]
    assert found, parsed.errors
    assert words in found[0].message


@pytest.mark.parametrize(
    ("kind", "header", "line", "column", "words"),
    [
        (Kind.CUSTOMERS, "id,name,email", "C1,A,", "email", "is empty"),
        (Kind.CUSTOMERS, "id,name,email", "C1,A,A <a@a.example>", "email", "one plain mail address"),
        (Kind.CUSTOMERS, "id,name,email,country", "C1,A,a@a.example,FRA", "country", "two letters"),
        (Kind.CUSTOMERS, "id,name,email,language", "C1,A,a@a.example,french", "language", "two letters"),
        (Kind.CUSTOMERS, "id,name,email,timezone", "C1,A,a@a.example,Paris", "timezone", "time zone"),
        (Kind.CUSTOMERS, "id,name,email", f"{'C' * 65},A,a@a.example", "id", "at most 64 characters"),
        (Kind.CUSTOMERS, "id,name,email", "C1,A\x07,a@a.example", "name", "control character"),
        (Kind.CUSTOMERS, "id,name,email", "C1,A", None, "cut off"),
        (Kind.CUSTOMERS, "id,name,email", "C1,A,B,a@a.example", None, "double quotes"),
        (Kind.INVOICES, "number,customer_id,due_date,amount", "F1,C1,soon,10", "due_date", "expected a date"),
        (Kind.INVOICES, "number,customer_id,due_date,amount", "F1,C1,2026-08-01,ten", "amount", "expected an amount"),
        (Kind.INVOICES, "number,customer_id,due_date,amount", "F1,C1,2026-08-01,1.234", "amount", "ambiguous"),
        (Kind.INVOICES, "number,customer_id,due_date,amount", "F1,C1,2026-08-01,-10", "amount", "credit_note"),
        (Kind.INVOICES, "number,customer_id,due_date,amount", "F1,C1,2026-08-01,10.1234", "amount", "2 decimals"),
        (Kind.INVOICES, "number,customer_id,due_date,amount,balance", "F1,C1,2026-08-01,10,11", "balance", "larger"),
        (Kind.INVOICES, "number,customer_id,due_date,amount,currency", "F1,C1,2026-08-01,10,€", "currency", "EUR?"),
        (Kind.INVOICES, "number,customer_id,due_date,amount,currency", "F1,C1,2026-08-01,10,XQQ", "currency", "ISO"),
        (Kind.INVOICES, "number,customer_id,due_date,amount,kind", "F1,C1,2026-08-01,10,bill", "kind", "credit_note"),
        (
            Kind.INVOICES, "number,customer_id,issue_date,due_date,amount", "F1,C1,2026-08-02,2026-08-01,10",
            "due_date", "before it was issued",
        ),
        (Kind.PAYMENTS, "id,date,amount,customer_id", "P1,2026-08-01,0,C1", "amount", "nothing"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_by_line_and_column(
    kind: Kind, header: str, line: str, column: str | None, words: str
) -> None:
    parsed = read(kind, header, line)
    assert not parsed.is_fatal
    assert told(parsed) == [(2, column)]
    assert words in parsed.errors[0].message
    assert parsed.rows == ()


def test_every_mistake_of_a_file_is_told_in_one_reading() -> None:
    parsed = read(
        Kind.INVOICES, "number,customer_id,due_date,amount", "F1,,soon,ten", "F2,C1,2026-08-01,10", "F3,C1,later,10"
    )
    assert told(parsed) == [(2, "customer_id"), (2, "due_date"), (2, "amount"), (4, "due_date")]
    assert len(parsed.rows) == 1
    assert parsed.bad_keys == {"F1", "F3"}


def test_a_number_that_stands_twice_names_the_line_of_the_first() -> None:
    parsed = read(Kind.INVOICES, "number,customer_id,due_date,amount", "F1,C1,2026-08-01,10", "F1,C1,2026-08-02,20")
    assert told(parsed) == [(3, "number")]
    assert "line 2" in parsed.errors[0].message


@pytest.mark.parametrize("text", ["100", "-100"])
def test_a_credit_note_is_negative_whatever_sign_the_file_has(text: str) -> None:
    parsed = read(
        Kind.INVOICES, "number,customer_id,due_date,amount,kind,balance", f"A1,C1,2026-08-01,{text},Credit Note,40"
    )
    [row] = parsed.rows
    assert isinstance(row, InvoiceRow)
    assert (row.kind, row.amount, row.balance) == (InvoiceKind.CREDIT_NOTE, Decimal(-100), Decimal(-40))


def test_a_currency_without_cents_has_none() -> None:
    lines = ("number,customer_id,due_date,amount,currency", "F1,C1,2026-08-01,1000.00,JPY", "F2,C1,2026-08-01,9.50,JPY")
    parsed = read(Kind.INVOICES, *lines)
    assert told(parsed) == [(3, "amount")]


def test_a_file_with_a_header_alone_has_no_rows_and_no_mistake() -> None:
    assert read(Kind.PAYMENTS, "id,date,amount,customer_id") == Parsed((), (), 0)


@given(st.binary(max_size=200), st.sampled_from(list(Kind)))
def test_no_bytes_break_the_reader(raw: bytes, kind: Kind) -> None:
    parsed = parse(kind, raw, "EUR")
    assert parsed.rows == () or not parsed.is_fatal


@given(st.text(max_size=120), st.sampled_from(list(Kind)))
def test_no_text_below_a_header_breaks_the_reader(text: str, kind: Kind) -> None:
    header = {
        Kind.CUSTOMERS: "id;name;email;insolvent_since",
        Kind.CONTACTS: "customer_id;email",
        Kind.INVOICES: "number;customer_id;due_date;amount;document",
        Kind.PAYMENTS: "id;date;amount;customer_id",
    }[kind]
    parse(kind, (header + "\n" + text).encode(errors="replace"), "EUR")
