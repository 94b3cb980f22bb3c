"""One way to ask for figures, for the command line, the pages and the digest: which tables, of whom, of when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from agent.reports import store
from agent.reports.tables import REPORTS, By, Table, build, everything_to, only, three_months_to
from agent.reports.values import Books, Period
from config import Settings
from config.errors import RelanceError


@dataclass(frozen=True, slots=True)
class Wish:
    """``end`` None: today; ``start`` None: as each report has it. The rest narrows to customers; None: all."""

    start: date | None = None
    end: date | None = None
    by: By | None = None
    customer: str | None = None
    segment: str | None = None
    owner: str | None = None


def tables(session: Session, settings: Settings, now: datetime, names: Iterable[str], wish: Wish) -> list[Table]:
    """The reports of those names. Raises RelanceError where the wish makes no sense or nobody is meant by it."""
    books = store.books(session, settings, now)
    return of_books(books, names, wish)


def of_books(books: Books, names: Iterable[str], wish: Wish) -> list[Table]:
    """The same, of books that were read already. Raises RelanceError as `tables` does."""
    end = wish.end or books.today
    if wish.start is not None and wish.start > end:
        raise RelanceError(f"the period ends on {end}, before it begins", "Swap --from and --to.")
    books = _narrowed(books, wish)
    found = []
    for name in names:
        if wish.start is not None:
            period = Period(wish.start, end)
        elif REPORTS[name].is_of_a_day:
            period = three_months_to(end)
        else:
            period = everything_to(books, end)
        found.append(build(name, books, period, wish.by))
    return found


def _narrowed(books: Books, wish: Wish) -> Books:
    asked = {"customer": wish.customer, "segment": wish.segment, "account manager": wish.owner}
    if all(value is None for value in asked.values()):
        return books
    chosen = [
        p.id
        for p in books.customers.values()
        if wish.customer in {None, p.id}
        and _is(p.segment, wish.segment)
        and _is(p.owner, wish.owner)
        and wish.owner != ""  # of no name there are none, and not those that nobody manages
    ]
    if not chosen:
        told = " and ".join(f"{name} {value}" for name, value in asked.items() if value is not None)
        raise RelanceError(f"there is no customer of {told}", "`relance customers` lists them.")
    return only(books, chosen)


def _is(value: str | None, wanted: str | None) -> bool:
    return wanted is None or (value or "").casefold() == wanted.casefold()
