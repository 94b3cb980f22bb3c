"""What a page of the review desk costs over a small company's ledger and over a large one's.

    python -m benchmarks.desk [--small 1000] [--large 100000] [--rounds 3] [--database URL]

Two ledgers are filled, in a folder that is thrown away (or two schemas that are dropped, on a PostgreSQL `URL`): so
many invoices, a twentieth of that many customers, an exception for each fifth invoice and a task for each tenth, half
of the invoices paid. Then each page is asked for, in turn, `rounds` times, by the real application over its own
database: the first time, when nothing of it is remembered, and the least time of those after it. What matters are the
ratios: how many times dearer the page is where a hundred times as much lies in the ledger.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert

from models import (
    Allocation,
    Customer,
    Database,
    ExceptionItem,
    ExceptionLink,
    Invoice,
    Payment,
    Task,
    TaskLink,
)
from models.reasons import ExceptionReason, TaskKind
from models.states import InvoiceState
from models.user import Role
from tests.builders.desk import Office, office

NOW = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)
PAGES = {
    "list": "/",
    "list, counts by reason": "/work/counts",
    "list, one reason": "/?reason=dispute",
    "list, second page": "",
    "list, search": "/?text=Customer+7",
    "item": "",
    "customers": "/customers",
    "customers, search": "/customers?text=Customer+7",
    "customer": "/customers/C7",
    "invoice": "/invoices/FA-000007",
    "outgoing": "/outgoing",
    "outgoing, calendar": "/outgoing/calendar",
    "figures": "/figures",
}


@dataclass
class Cost:
    """Of one page, in seconds: asked for once, and again."""

    first: float
    again: float


def fill(database: Database, invoices: int) -> None:
    """A ledger of that many invoices, and what waits for people."""
    drawn = random.Random(7)  # noqa: S311 - made-up days
    customers = max(1, invoices // 20)
    with database.write() as session:
        session.execute(insert(Customer), [
            {"id": f"C{at}", "name": f"Customer {at}", "email": f"accounts@c{at}.example", "language": "en",
             "country": "GB", "account_manager": f"manager{at % 9}@morel.example", "created_at": NOW, "updated_at": NOW}
            for at in range(customers)
        ])  # fmt: skip
        session.execute(insert(Invoice), [_invoice(at, at % customers, drawn) for at in range(1, invoices + 1)])
        paid = [at for at in range(1, invoices + 1) if at % 2]
        session.execute(insert(Payment), [
            {"id": f"P{at}", "customer_id": f"C{at % customers}", "amount": Decimal(100), "currency": "EUR",
             "invoice_number": f"FA-{at:06}", "date": (NOW - timedelta(days=drawn.randint(1, 300))).date(),
             "imported_at": NOW}
            for at in paid
        ])  # fmt: skip
        session.execute(insert(Allocation), [
            {"payment_id": f"P{at}", "invoice_id": at, "amount": Decimal(100), "rule": "named"} for at in paid
        ])  # fmt: skip
        asked = list(range(5, invoices + 1, 5))
        reasons = [ExceptionReason.DISPUTE, ExceptionReason.QUESTION, ExceptionReason.LOW_CONFIDENCE]
        session.execute(insert(ExceptionItem), [
            {"key": f"made:{at}", "reason": reasons[at % 3], "customer_id": f"C{at % customers}", "detail": "made",
             "priority": drawn.randint(0, 100), "due_at": NOW + timedelta(days=1),
             "created_at": NOW - timedelta(hours=at % 90)}
            for at in asked
        ])  # fmt: skip
        session.execute(insert(ExceptionLink), [
            {"exception_id": number, "customer_id": f"C{at % customers}", "invoice_id": at}
            for number, at in enumerate(asked, 1)
        ])  # fmt: skip
        called = list(range(10, invoices + 1, 10))
        session.execute(insert(Task), [
            {"key": f"made:{at}", "kind": TaskKind.CALL, "customer_id": f"C{at % customers}", "due_on": NOW.date(),
             "priority": drawn.randint(0, 100), "created_at": NOW}
            for at in called
        ])  # fmt: skip
        session.execute(insert(TaskLink), [
            {"task_id": number, "invoice_id": at} for number, at in enumerate(called, 1)
        ])  # fmt: skip


def _invoice(number: int, customer: int, drawn: random.Random) -> dict[str, object]:
    due = NOW.date() - timedelta(days=drawn.randint(-30, 300))
    paid = number % 2 == 1
    return {
        "number": f"FA-{number:06}", "customer_id": f"C{customer}", "issue_date": due - timedelta(days=30),
        "due_date": due, "amount": Decimal(100), "opening_balance": Decimal(100),
        "balance": Decimal(0) if paid else Decimal(100), "currency": "EUR",
        "state": InvoiceState.PAID if paid else InvoiceState.OPEN, "state_at": NOW, "created_at": NOW,
    }  # fmt: skip


@contextmanager
def desk_over(invoices: int, url: str | None) -> Iterator[Office]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(url or f"sqlite:///{Path(folder) / 'relance.db'}", Path(folder), NOW)
        try:
            fill(database, invoices)
            with office(database, Path(folder)) as made:
                made.clock.at = NOW
                yield made
        finally:
            database.close()


def costs(made: Office, rounds: int) -> dict[str, Cost]:
    browser = made.at_work("lea", Role.ADMIN)
    first = browser.get("/").text
    pages = PAGES | {
        "list, second page": _address(first, "hx-get", "after="),
        "item": _address(first, "href", "/work/item/"),
    }
    found: dict[str, Cost] = {}
    for name, path in pages.items():
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            answer = browser.get(path)
            times.append(time.perf_counter() - start)
            if answer.status_code != 200:
                raise SystemExit(f"{path} answered {answer.status_code}")
        found[name] = Cost(times[0], min(times[1:]))
    return found


def _address(page: str, attribute: str, part: str) -> str:
    """The first address in this attribute that holds `part`."""
    for piece in page.split(f'{attribute}="')[1:]:
        address = piece.split('"')[0]
        if part in address:
            return address.replace("&amp;", "&")
    raise SystemExit(f"no {part} on the page")


def main() -> None:
    """Fill, ask, and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--small", type=int, default=1_000)
    options.add_argument("--large", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--database", nargs=2, metavar="URL", help="two empty PostgreSQL databases, for small and large"
    )
    said = options.parse_args()
    small_url, large_url = said.database or (None, None)
    with desk_over(said.small, small_url) as made:
        small = costs(made, said.rounds)
    with desk_over(said.large, large_url) as made:
        large = costs(made, said.rounds)
    print(f"\n{'page':24}{said.small:>10,}{'again':>11}{said.large:>10,}{'again':>11}{'times':>8}{'again':>8}")
    for name in small:
        one, two = small[name], large[name]
        shown = "".join(f"{seconds * 1000:>8.0f} ms" for seconds in (one.first, one.again, two.first, two.again))
        print(f"{name:24}{shown}{two.first / one.first:>8.1f}{two.again / one.again:>8.1f}")


if __name__ == "__main__":
    main()
