"""The fictional company: its customers, what they owe it, and the papers that its books would export.

`found` is pure: the same seed and day give the same company. `write_folder` writes it as CSV files in the form that a
French accounting program exports (semicolons, decimal commas), with PDFs of some invoices, and a relance.toml for the
servers of the demo.

What it does not do: decide who pays. It knows only what the company itself could know.
"""

import csv
import os
import random
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

from agent.demo.pdf import one_page
from config.calendars import add_working_days

NAME = "Ateliers Morel SAS"
DOMAIN = "morel.example"
ADDRESS = f"compta@{DOMAIN}"
BORDER_HOST = f"mx.{DOMAIN}"
COUNTRY = "FR"
CURRENCY = "EUR"
ZONE = "Europe/Paris"
MAILBOX = "ar"

_PASSWORD_FILE = "mailbox.password"  # noqa: S105 where it stands, not what it is
_WORKS = (
    "Rayonnages", "Comptoir d'accueil", "Présentoirs", "Mezzanine", "Caissons", "Garde-corps", "Étagères murales",
    "Pose sur site", "Chariots", "Vitrines",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Customer:
    """A firm and the person there who reads its mail."""

    id: str
    name: str
    domain: str
    address: str
    person: str
    role: str
    city: str
    language: str
    country: str
    program: str
    ip: str
    """Where its mails come from, as its domain publishes."""


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice, all of it owed at first. Amounts in euros, with tax."""

    number: str
    customer_id: str
    issued: date
    due: date
    amount: Decimal
    works: str
    has_pdf: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """A line of the bank statement; without a number only the amount tells what it is for."""

    id: str
    on: date
    amount: Decimal
    customer_id: str
    number: str | None


@dataclass(frozen=True, slots=True)
class Company:
    customers: tuple[Customer, ...]
    bills: tuple[Bill, ...]
    paid_before: tuple[Payment, ...]
    """What had come in before the first day."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the demo's mail system listens, and its password."""

    imap_port: int
    smtp_port: int
    password: str


def everybody() -> tuple[Customer, ...]:
    """All customers that there are."""
    rows = tomllib.loads((files("agent.demo") / "customers.toml").read_text("utf-8"))["customer"]
    return tuple(
        Customer(
            id=f"C{number:03}",
            address=f"{row['local']}@{row['domain']}",
            ip=f"127.66.{number // 250}.{number % 250 + 1}",
            **{key: row[key] for key in ("name", "domain", "person", "role", "city", "language", "country", "program")},
        )
        for number, row in enumerate(rows, 1)
    )


def found(customers: Sequence[Customer], seed: int, first_day: date, days: int) -> Company:
    """About three invoices a customer: some paid already, some late on the first day, the others due on the way."""
    chance = random.Random(f"company:{seed}")  # noqa: S311 a story, no secret
    owed = [due for customer in customers for due in _dues(customer, chance, first_day, days)]
    amounts = _amounts(chance, len(owed))
    bills: list[Bill] = []
    for place, (customer, due) in enumerate(sorted(owed, key=lambda pair: pair[1])):
        bills.append(
            Bill(
                number=f"FA-{due.year}-{place + 311:04}",
                customer_id=customer.id,
                issued=due - timedelta(days=30),
                due=due,
                amount=amounts[place],
                works=chance.choice(_WORKS),
                has_pdf=chance.random() < 0.4,
            )
        )
    paid = [bill for bill in bills if bill.due < first_day - timedelta(days=12)]
    before = tuple(
        Payment(f"B{n:05}", add_working_days(COUNTRY, bill.due, -1), bill.amount, bill.customer_id, bill.number)
        for n, bill in enumerate(paid, 1)
    )
    return Company(tuple(customers), tuple(bills), before)


def _dues(customer: Customer, chance: random.Random, first_day: date, days: int) -> list[tuple[Customer, date]]:
    """An old one that was paid, for most; one or two that are late or soon to be; one more later on for some."""
    dues = [first_day - timedelta(days=chance.randint(20, 45))] if chance.random() < 0.7 else []
    late = first_day + timedelta(days=chance.randint(-9, max(1, days // 3)))
    dues.append(late)
    if chance.random() < 0.6:
        dues.append(late + timedelta(days=chance.choice((0, 0, 1, 2))))
    if chance.random() < 0.7:
        dues.append(first_day + timedelta(days=chance.randint(days // 4, days)))
    return [(customer, due) for due in dues]


def _amounts(chance: random.Random, count: int) -> list[Decimal]:
    """All different, so that a payment's amount alone can tell what it is for."""
    euros = chance.sample(range(140, 9_800), count)
    return [Decimal(euro) + Decimal(chance.choice((0, 0, 20, 40, 50, 80, 96))) / 100 for euro in euros]


# --- papers -----------------------------------------------------------------------------------------------------------


def write_folder(folder: Path, company: Company, servers: Servers) -> Path:
    """Write everything that relance is given; the path of its configuration."""
    documents = folder / "documents"
    documents.mkdir()
    named = {customer.id: customer for customer in company.customers}
    for bill in company.bills:
        if bill.has_pdf:
            (documents / f"{bill.number}.pdf").write_bytes(one_page(_page(bill, named[bill.customer_id])))
    _write(
        folder / "customers.csv",
        ("id", "name", "email", "language", "country", "city"),
        ((c.id, c.name, c.address, c.language, c.country, c.city) for c in company.customers),
    )
    _write(
        folder / "invoices.csv",
        ("number", "customer_id", "issue_date", "due_date", "amount", "document"),
        (
            (
                b.number, b.customer_id, b.issued, b.due, _written(b.amount),
                f"documents/{b.number}.pdf" if b.has_pdf else "",
            )
            for b in company.bills
        ),
    )  # fmt: skip
    _keep_secret(folder / _PASSWORD_FILE, servers.password)
    file = folder / "relance.toml"
    file.write_text(_configuration(servers), encoding="utf-8")
    return file


def write_statement(file: Path, payments: Iterable[Payment]) -> None:
    """The bank's statement so far. The whole of it each time: relance tells what it knows already."""
    rows = ((p.id, p.on, _written(p.amount), p.customer_id, p.number or "") for p in payments)
    _write(file, ("id", "date", "amount", "customer_id", "invoice_number"), rows)


def _write(file: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, delimiter=";")
        writer.writerow(head)
        writer.writerows(rows)


def _written(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _page(bill: Bill, customer: Customer) -> list[str]:
    return [
        NAME, "", f"Facture {bill.number} du {bill.issued:%d/%m/%Y}", f"Client : {customer.name}, {customer.city}", "",
        bill.works, f"Total TTC : {_written(bill.amount)} EUR", f"Échéance : {bill.due:%d/%m/%Y}", "",
        "Document fictif, fait pour la démonstration de relance.",
    ]  # fmt: skip


def _keep_secret(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as opened:
        opened.write(text)


def _configuration(servers: Servers) -> str:
    return f"""# The configuration of the demo. Its mail servers lived in the demo's own process: `run` finds
# nobody there any more; what reads and decides (invoices, queue, explain, plan, audit verify) works.

[company]
name = "{NAME}"
country = "{COUNTRY}"
currency = "{CURRENCY}"
language = "fr"
timezone = "{ZONE}"

[database]
url = "sqlite:///relance.db"

[mailbox.{MAILBOX}]
address = "{ADDRESS}"
border = "own"
authserv_id = "{BORDER_HOST}"

[mailbox.{MAILBOX}.imap]
host = "127.0.0.1"
port = {servers.imap_port}
security = "none"
password_file = "{_PASSWORD_FILE}"

[mailbox.{MAILBOX}.smtp]
host = "127.0.0.1"
port = {servers.smtp_port}
security = "none"
rate = "1000/minute"      # the demo's thirty days pass in a minute

[policy]
mode = "automatic"
"""
