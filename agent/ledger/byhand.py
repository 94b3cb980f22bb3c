"""What a person does by hand: holds, notes, answers heard on the phone, files. Each with its event, in one transaction.

Free text (why, what was said) goes into a row that can be erased; the event that tells of it holds its id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import freshness, states, store
from agent.ledger.overview import Unknown
from agent.review.queue import alarm_at, open_exception, settle
from classifier.labels import DISPUTE_REASONS
from config import Settings
from config.errors import RelanceError
from models import Customer, Dispute, ExceptionItem, Hold, Invoice, Note, events
from models.reasons import ExceptionReason
from models.states import WAITING, DisputeState, ExceptionState


@dataclass(frozen=True, slots=True)
class Target:
    """What a command is about: one invoice, or a whole customer where ``invoice`` is None."""

    customer: Customer
    invoice: Invoice | None

    @property
    def name(self) -> str:
        return f"invoice {self.invoice.number}" if self.invoice is not None else f"customer {self.customer.id}"

    @property
    def invoice_id(self) -> int | None:
        return self.invoice.id if self.invoice is not None else None


@dataclass(frozen=True, slots=True)
class Deed:
    """Who does it, and when."""

    actor: str
    at: datetime


def target(session: Session, number: str | None, customer_id: str | None) -> Target:
    """The invoice of that number, or the customer of that id. Raises Unknown, or RelanceError where both are given."""
    if (number is None) == (customer_id is None):
        raise RelanceError("one invoice or one customer is expected", "Give INVOICE, or --customer ID.")
    if number is not None:
        found = invoice(session, number)
        return Target(session.get_one(Customer, found.customer_id), found)
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise Unknown("customer", [customer_id or ""], "customers")
    return Target(customer, None)


def invoice(session: Session, number: str) -> Invoice:
    """The invoice of that number, locked. Raises Unknown."""
    found = store.by_number(session, number)
    if found is None:
        raise Unknown("invoice", [number], "invoices")
    return found


def hold(session: Session, on: Target, reason: str, until: date | None, deed: Deed, settings: Settings) -> None:
    """Pause the reminders of an invoice or customer up to and with ``until``, or until `release`."""
    if until is not None and until < freshness.local_day(deed.at, settings):
        raise RelanceError(f"the hold would have ended on {until}", "Give a day to come, or none.")
    row = Hold(
        customer_id=on.customer.id,
        invoice_id=on.invoice_id,
        reason=reason,
        until=until,
        placed_by=deed.actor,
        placed_at=deed.at,
    )
    session.add(row)
    events.record(
        session, "hold.placed", row, actor=deed.actor, at=deed.at,
        customer=on.customer.id, invoice=on.invoice_id, until=until.isoformat() if until else None,
    )  # fmt: skip


def holds_on(session: Session, on: Target) -> Sequence[Hold]:
    """The holds on exactly this invoice or customer that nobody has ended, locked."""
    query = select(Hold).where(
        Hold.customer_id == on.customer.id, Hold.invoice_id == on.invoice_id, Hold.released_at.is_(None)
    )
    return session.scalars(query.order_by(Hold.id).with_for_update()).all()


def release(session: Session, on: Target, deed: Deed) -> int:
    """End the holds on exactly this invoice or customer; how many there were."""
    rows = holds_on(session, on)
    for row in rows:
        row.released_by, row.released_at = deed.actor, deed.at
        events.record(session, "hold.released", row, actor=deed.actor, at=deed.at)
    return len(rows)


def stop_mails(session: Session, customer: Customer, deed: Deed, settings: Settings) -> bool:
    """No reminder goes to this customer by mail any more, each such step becomes a call; whether that is new."""
    if customer.no_mail_since is not None:
        return False
    customer.no_mail_since = freshness.local_day(deed.at, settings)
    events.record(session, "customer.mails_stopped", customer, actor=deed.actor, at=deed.at)
    return True


def resume_mails(session: Session, customer: Customer, deed: Deed) -> bool:
    """Reminders may go to this customer by mail again; whether they were stopped."""
    if customer.no_mail_since is None:
        return False
    customer.no_mail_since = None
    events.record(session, "customer.mails_resumed", customer, actor=deed.actor, at=deed.at)
    return True


def insolvent(session: Session, on: Target, since: date | None, text: str, deed: Deed, settings: Settings) -> None:
    """Put down the day from which a customer is insolvent, or with None that it is not. Until a person says so, no
    reminder and no charge goes to it: an import's blank cell does not lift it. ``text`` (why, whose word) is a note.
    """
    customer = on.customer
    if since is not None and since > freshness.local_day(deed.at, settings):
        raise RelanceError(f"{since} is still to come", "Give the day of the judgment.")
    if not text:
        raise RelanceError("an insolvency needs its source", "Say where it stands: the judgment, or whose word it is.")
    if customer.insolvent_since == since:
        told = f"insolvent since {since} already" if since is not None else "not known as insolvent"
        raise RelanceError(f"{customer.name} is {told}", "Nothing has to be changed.")
    was, customer.insolvent_since, customer.updated_at = customer.insolvent_since, since, deed.at
    kind = "insolvent" if since is not None else "solvent"
    events.record(
        session, f"customer.{kind}", customer, actor=deed.actor, at=deed.at,
        since=since.isoformat() if since else None, was=was.isoformat() if was else None,
    )  # fmt: skip
    note(session, Target(customer, None), kind, text, deed)


def note(session: Session, on: Target, kind: str, text: str, deed: Deed) -> Note:
    """Write down what a person says about an invoice or customer; ``kind`` is one of Note's."""
    row = Note(customer_id=on.customer.id, invoice_id=on.invoice_id, kind=kind, text=text, by=deed.actor, at=deed.at)
    session.add(row)
    events.record(
        session, f"{kind}.logged", row, actor=deed.actor, at=deed.at, customer=on.customer.id, invoice=on.invoice_id
    )
    return row


def log_promise(
    session: Session, on: Target, day: date, amount: Decimal | None, deed: Deed, settings: Settings
) -> Sequence[Invoice]:
    """A promise that a person heard, for one invoice or for all that a customer has open; the invoices it is on.

    A person may take one for later than the horizon allows relance to: the date is that person's to judge.
    """
    if day < freshness.local_day(deed.at, settings):
        raise RelanceError(f"{day} has passed", "Give the day on which the money is to come.")
    found = _owing(session, on)
    if amount is not None and (len(found) != 1 or not 0 < amount <= found[0].balance):
        open_now = ", ".join(f"{i.number} {i.balance} {i.currency}" for i in found)
        raise RelanceError(f"{amount} can't be promised: open is {open_now}", "Name one invoice, and at most that.")
    for row in found:
        states.promise(session, row, day, amount, message_id=None, at=deed.at, actor=deed.actor, reason="logged")
    return found


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of what is owed, and the day on which it is to come."""

    day: date
    amount: Decimal


def shares(balances: Sequence[tuple[str, Decimal]], instalments: Sequence[Instalment]) -> list[tuple[str, Instalment]]:
    """Which instalment pays what of which invoice: the oldest invoice first. Pure.

    >>> shares([("A", Decimal(50)), ("B", Decimal(50))], [Instalment(date(2026, 4, 1), Decimal(100))])[1][0]
    'B'
    """
    left = dict(balances)
    found = []
    for instalment in sorted(instalments, key=lambda one: one.day):
        rest = instalment.amount
        for number, balance in left.items():
            part = min(rest, balance)
            if part > 0:
                left[number] -= part
                rest -= part
                found.append((number, Instalment(instalment.day, part)))
    return found


def log_arrangement(
    session: Session, numbers: Sequence[str], instalments: Sequence[Instalment], deed: Deed, settings: Settings
) -> Sequence[Invoice]:
    """A payment plan that a person accepts: instalments over invoices of one customer, which together pay all of them.

    Each part is a promise. One that is missed breaks the whole plan, on every invoice that it covers.
    """
    rows = sorted((invoice(session, number) for number in dict.fromkeys(numbers)), key=lambda r: (r.due_date, r.id))
    if len({(row.customer_id, row.currency) for row in rows}) != 1:
        raise RelanceError("a payment plan is for one customer and one currency", "Name invoices of one of them.")
    owed = sum((row.balance for row in rows), Decimal(0))
    promised = sum((one.amount for one in instalments), Decimal(0))
    if promised != owed:
        mend = "Change an instalment, or leave an invoice out."
        raise RelanceError(f"the instalments come to {promised}, the invoices to {owed} {rows[0].currency}", mend)
    today = freshness.local_day(deed.at, settings)
    if any(one.day < today or one.amount <= 0 for one in instalments) or len({i.day for i in instalments}) < 2:
        raise RelanceError(
            "two instalments at least, on different days to come, each of more than nothing", "Correct the instalments."
        )
    by_number = {row.number: row for row in rows}
    for number, part in shares([(row.number, row.balance) for row in rows], instalments):
        states.promise(
            session, by_number[number], part.day, part.amount, message_id=None, at=deed.at, actor=deed.actor,
            reason="arrangement", is_instalment=True,
        )  # fmt: skip
    return rows


def log_dispute(
    session: Session, on: Target, code: str, amount: Decimal | None, deed: Deed, settings: Settings
) -> Sequence[Invoice]:
    """A dispute that a person heard, with the exception that asks for its resolution; the invoices it is on."""
    if code not in DISPUTE_REASONS:
        raise RelanceError(f"unknown reason “{code}”", f"Give one of {', '.join(DISPUTE_REASONS)}.")
    found = _owing(session, on)
    if amount is not None and (len(found) != 1 or not 0 < amount <= found[0].balance):
        raise RelanceError(f"{amount} is no part of what is open", "Name one invoice, and at most its balance.")
    for row in found:
        answer = states.dispute(
            session, row, code, amount, message_id=None, at=deed.at, actor=deed.actor, reason="logged"
        )
        for dispute_id in answer.disputes_made:
            open_exception(
                session,
                key=f"dispute:{dispute_id}",
                reason=ExceptionReason.DISPUTE,
                detail=f"{row.number} is disputed ({code}); logged by {deed.actor}",
                at=deed.at,
                customer_id=row.customer_id,
                invoice_ids=(row.id,),
                due_at=alarm_at(settings, deed.at),
            )
    return found


def settle_disputes(session: Session, contested: Invoice, verdict: DisputeState, deed: Deed) -> int:
    """Decide every open dispute of an invoice, and close what asked for that; how many there were."""
    rows = list(states.open_disputes(session, contested))
    for row in rows:
        states.settle_dispute(session, row, verdict, at=deed.at, actor=deed.actor)
        _resolve(session, row, verdict, deed)
    return len(rows)


def _resolve(session: Session, row: Dispute, verdict: DisputeState, deed: Deed) -> None:
    """The item that asked, by hand or by mail; that of a mail waits for all disputes that the mail opened."""
    same_mail = select(Dispute.id).where(Dispute.message_id == row.message_id, Dispute.state == DisputeState.OPEN)
    others = row.message_id is not None and session.scalar(same_mail.limit(1)) is not None
    asked = [f"dispute:{row.id}", *([] if others else [f"message:{row.message_id}"])]
    query = select(ExceptionItem).where(
        ExceptionItem.key.in_(asked),
        ExceptionItem.reason == ExceptionReason.DISPUTE,
        ExceptionItem.state.in_(WAITING),
    )
    for item in session.scalars(query.with_for_update()):
        settle(
            session, item, ExceptionState.RESOLVED, by=deed.actor, now=deed.at, reason="dispute_settled",
            resolution={"verdict": verdict.value, "changes": [], "decided": _decided_with(session, row, item, deed)},
        )  # fmt: skip


def _decided_with(session: Session, row: Dispute, item: ExceptionItem, deed: Deed) -> list[int]:
    """The disputes that the item asked about and that this word decides, so that undo finds them."""
    if item.key == f"dispute:{row.id}":
        return [row.id]
    same_mail = select(Dispute.id).where(
        Dispute.message_id == row.message_id, Dispute.settled_at == deed.at, Dispute.state != DisputeState.OPEN
    )
    return list(session.scalars(same_mail.order_by(Dispute.id)))


def write_off(session: Session, given_up: Invoice, reason: str, deed: Deed) -> None:
    """Give an invoice up; ``reason`` is kept as a note. Raises states.NothingOpen."""
    states.write_off(session, given_up, at=deed.at, actor=deed.actor, reason="by_hand")
    note(session, Target(session.get_one(Customer, given_up.customer_id), given_up), "write_off", reason, deed)


def _owing(session: Session, on: Target) -> Sequence[Invoice]:
    if on.invoice is not None:
        return [on.invoice]
    found = store.open_invoices_of(session, on.customer.id)
    if not found:
        raise RelanceError(f"customer {on.customer.id} has no open invoice", "Look at `relance customers`.")
    return found
