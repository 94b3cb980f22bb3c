"""The stage of an import: read the file, gather what is known, judge, apply. All or nothing, in one transaction.

A process that dies on the way leaves the database as it was. The same file a second time changes no row; what it does
is let the ledger speak for a later time, which is why every import that was not refused leaves an `ImportRun`. A dry
run goes the same way in a transaction that can only read.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from agent.faults import point
from agent.ledger import apply, documents, freshness, lawful, store
from agent.ledger.apply import Writing
from agent.ledger.columns import parse
from agent.ledger.judge_invoices import InvoiceChanges, allocations_of, judge_invoices
from agent.ledger.judge_payments import judge_payments
from agent.ledger.judge_people import judge_contacts, judge_customers
from agent.ledger.values import (
    ContactRow,
    CustomerRow,
    ImportResult,
    InvoiceRow,
    Kind,
    Order,
    Parsed,
    PaymentRow,
    RowError,
    Stop,
)
from config import Settings
from config.errors import RelanceError
from config.law import UnknownLaw, law_for
from models import Database, ImportRun, events

T = TypeVar("T")


class OlderList(RelanceError):
    """A list of open items that speaks for an earlier time than the last one: it would undo what came since."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a kind's judgement comes to, for the result, and how it is written."""

    created: int
    changed: int
    unchanged: int
    write: Callable[[Writing], object]
    errors: tuple[RowError, ...] = ()
    is_blocked: bool = False
    stop: Stop | None = None
    more: Mapping[str, Any] | None = None
    """Further fields of the result: removed, allocations, exceptions, notes."""


def run_import(database: Database, settings: Settings, order: Order, now: datetime) -> ImportResult:
    """Import one file.

    Returns:
        What was done; with ``refused`` where bad rows kept everything from being done.

    Raises:
        OlderList: a list of open items from before the last one.
        TemporaryFailure: the database can't be reached or written to.
    """
    parsed = parse(order.kind, order.raw, settings.company.currency)
    if parsed.is_fatal:
        return _refused(order, parsed, parsed.errors)
    with database.read() if order.dry_run else database.write() as session:
        if not order.dry_run:
            store.one_import_at_a_time(session)
        judged = _JUDGES[order.kind](session, settings, order, parsed)
        errors = tuple(sorted(parsed.errors + judged.errors, key=lambda error: error.line))
        if judged.is_blocked or (errors and not order.skip_bad):
            return _refused(order, parsed, errors)
        point("import.judging")
        if not order.dry_run:
            _write(session, settings, order, judged, parsed.total, now)
            point("import.writing")
    point("import.committed")
    return ImportResult(
        kind=order.kind,
        as_of=order.as_of,
        dry_run=order.dry_run,
        rows=parsed.total,
        created=judged.created,
        changed=judged.changed,
        unchanged=judged.unchanged,
        skipped=errors,
        stops=(judged.stop,) if judged.stop else (),
        **(judged.more or {}),
    )


def _refused(order: Order, parsed: Parsed, errors: tuple[RowError, ...]) -> ImportResult:
    return ImportResult(
        kind=order.kind, as_of=order.as_of, dry_run=order.dry_run, rows=parsed.total, refused=True, skipped=errors
    )


def _write(session: Session, settings: Settings, order: Order, judged: _Judged, rows: int, now: datetime) -> None:
    previous = store.last_as_of(session, order.kind)
    run = ImportRun(
        kind=order.kind.value,
        as_of=order.as_of,
        imported_at=now,
        imported_by=order.actor,
        sha256=hashlib.sha256(order.raw).hexdigest(),
        rows=rows,
        created=judged.created,
        changed=judged.changed,
    )
    session.add(run)
    session.flush()
    before = freshness.local_day(previous, settings) if previous is not None else None
    work = Writing(session, settings, str(run.id), now, order.actor, before)
    judged.write(work)
    if judged.stop is not None:
        apply.stop_sending(work, judged.stop)
    events.record(
        session, "ledger.imported", run, actor=order.actor, at=now,
        kind=run.kind, as_of=order.as_of.isoformat(), sha256=run.sha256,
        rows=rows, created=run.created, changed=run.changed,
    )  # fmt: skip


def _customers(session: Session, settings: Settings, order: Order, parsed: Parsed) -> _Judged:  # noqa: ARG001
    known = store.known_customers(session)
    changes = judge_customers(_of(CustomerRow, parsed.rows), known, len(known))
    return _Judged(
        created=len(changes.create),
        changed=len(changes.change),
        unchanged=changes.unchanged,
        write=lambda work: apply.customers(work, changes),
        stop=changes.stop,
    )


def _contacts(session: Session, settings: Settings, order: Order, parsed: Parsed) -> _Judged:  # noqa: ARG001
    rows = _of(ContactRow, parsed.rows)
    changes = judge_contacts(rows, store.customer_ids(session), store.known_contacts(session))
    return _Judged(
        created=len(changes.create),
        changed=len(changes.change),
        unchanged=changes.unchanged,
        write=lambda work: apply.contacts(work, changes),
        errors=changes.errors,
    )


def _invoices(session: Session, settings: Settings, order: Order, parsed: Parsed) -> _Judged:
    is_list = settings.ledger.mode == "open_items"
    last = store.last_as_of(session, Kind.INVOICES)
    if is_list and last is not None and order.as_of < last:
        raise OlderList(
            f"this list of open items speaks for {order.as_of.isoformat()}, the last one for {last.isoformat()}",
            "Import the newest list; `--as-of` gives the time that it was made.",
        )
    folders = [folder for folder in (order.folder, settings.root) if folder is not None]
    found, missing = documents.find_named(_of(InvoiceRow, parsed.rows), folders)
    parsed = _without(parsed, missing)
    changes = judge_invoices(parsed, store.invoices_view(session, found), is_list=is_list)
    return _Judged(
        created=len(changes.create),
        changed=len(changes.change),
        unchanged=changes.unchanged,
        write=lambda work: apply.invoices(work, changes),
        errors=tuple(missing) + changes.errors,
        is_blocked=changes.is_blocked,
        stop=changes.stop,
        more={
            "removed": len(changes.settle),
            "allocations": _ahead(changes),
            "notes": _notes_on_terms(_of(InvoiceRow, parsed.rows), settings),
        },
    )


MOST_NAMED = 10


def _notes_on_terms(rows: Sequence[InvoiceRow], settings: Settings) -> tuple[str, ...]:
    """A warning on terms of payment that the law does not allow; none where no law is known."""
    try:
        law = law_for(settings)
    except UnknownLaw:
        return ()
    agreed = settings.charges.end_of_month
    found = lawful.long_terms([(r.number, r.values.get("issue_date"), r.due_date) for r in rows], law, agreed)
    if not found or law.terms is None:
        return ()
    named = ", ".join(f"{number} ({days} days)" for number, days in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    how = "" if agreed == "none" or law.terms.end_of_month_days is None else " with the end of the month"
    return (f"Terms longer than the {law.terms.days(agreed)} days{how} that {law.law} allows: {named}{more}.",)


def _ahead(changes: InvoiceChanges) -> tuple[Any, ...]:
    return tuple(part for new in changes.create for part in allocations_of(new, 0))


def _without(parsed: Parsed, errors: Sequence[RowError]) -> Parsed:
    """The file without the rows that these mistakes are on; their numbers are kept as those of bad rows."""
    lines = {error.line for error in errors}
    bad = {row.number for row in _of(InvoiceRow, parsed.rows) if row.line in lines}
    rows = tuple(row for row in parsed.rows if row.line not in lines)
    return replace(parsed, rows=rows, bad_keys=parsed.bad_keys | bad)


def _payments(session: Session, settings: Settings, order: Order, parsed: Parsed) -> _Judged:  # noqa: ARG001
    is_list = settings.ledger.mode == "open_items"
    rows = _of(PaymentRow, parsed.rows)
    changes = judge_payments(rows, store.payments_view(session, rows, settings), is_list=is_list)
    notes = ("The list of open items says what is open here: payments are kept, and lower no balance.",)
    return _Judged(
        created=len(changes.create),
        changed=len(changes.change),
        unchanged=changes.unchanged,
        write=lambda work: apply.payments(work, changes),
        errors=changes.errors,
        more={
            "allocations": tuple(part for new in changes.create for part in new.allocations),
            "exceptions": tuple(new.raised for new in changes.create if new.raised is not None),
            "notes": notes if is_list and rows else (),
        },
    )


def _of(kind: type[T], rows: Iterable[object]) -> list[T]:
    return [row for row in rows if isinstance(row, kind)]


_JUDGES: Mapping[Kind, Callable[[Session, Settings, Order, Parsed], _Judged]] = {
    Kind.CUSTOMERS: _customers,
    Kind.CONTACTS: _contacts,
    Kind.INVOICES: _invoices,
    Kind.PAYMENTS: _payments,
}
