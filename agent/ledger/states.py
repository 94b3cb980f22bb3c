"""How an invoice's state changes: by an answer, by a person, by the ledger. For every room that may cause it.

Each function works in the caller's transaction, moves the invoice through the house's transition table, sets
``state_at``, writes the promise or dispute, and closes what the new answer replaces. An answer gives back an `Answer`,
which `undo_answer` needs to put everything back; it is plain data for a row.

Only `set_balance` closes an invoice as `paid` or `credited`, and only imports call it: what a customer says is no fact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import freshness, promises, tasks
from config import Settings
from config.errors import RelanceError
from models import Dispute, Invoice, Promise, events
from models.invoice import InvoiceKind
from models.states import CLOSED, DisputeState, InvoiceState, PromiseState, allowed
from models.transitions import move

SETTLED = frozenset({InvoiceState.PAID, InvoiceState.CREDITED})
"""Closed by the ledger, and reopened by it."""


class NothingOpen(RelanceError):
    """An answer on an invoice that is closed: there is nothing that it could change."""

    def __init__(self, invoice: Invoice) -> None:
        state = invoice.state.value.replace("_", " ")
        super().__init__(f"nothing of invoice {invoice.number} is left to pay: it is {state}")


class MovedOn(RelanceError):
    """An answer can't be taken back because the invoice has changed since."""

    def __init__(self, invoice: Invoice) -> None:
        state = invoice.state.value.replace("_", " ")
        super().__init__(
            f"invoice {invoice.number} is {state} by now, so the earlier answer can't be taken back",
            "Log what holds now instead (`relance log`).",
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer changed on one invoice; ids of promises and disputes that it made, and that it replaced."""

    invoice_id: int
    was: InvoiceState
    was_at: datetime
    now: InvoiceState
    promises_made: tuple[int, ...] = ()
    promises_replaced: tuple[int, ...] = ()
    disputes_made: tuple[int, ...] = ()
    disputes_replaced: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "invoice_id": self.invoice_id,
            "was": self.was.value,
            "was_at": self.was_at.isoformat(),
            "now": self.now.value,
            "promises_made": list(self.promises_made),
            "promises_replaced": list(self.promises_replaced),
            "disputes_made": list(self.disputes_made),
            "disputes_replaced": list(self.disputes_replaced),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Answer":
        ids = {name: tuple(document[name]) for name in cls.__dataclass_fields__ if name.endswith(("made", "replaced"))}
        return cls(
            invoice_id=document["invoice_id"],
            was=InvoiceState(document["was"]),
            was_at=datetime.fromisoformat(document["was_at"]),
            now=InvoiceState(document["now"]),
            **ids,
        )

    def inverse(self, was_at: datetime, now: InvoiceState) -> "Answer":
        """What undoes the undoing of this answer: ``was_at`` is when its state had begun, ``now`` where it was put."""
        return Answer(
            invoice_id=self.invoice_id,
            was=self.now,
            was_at=was_at,
            now=now,
            promises_made=self.promises_replaced,
            promises_replaced=self.promises_made,
            disputes_made=self.disputes_replaced,
            disputes_replaced=self.disputes_made,
        )


def report_paid(
    session: Session, invoice: Invoice, *, message_id: int | None, at: datetime, actor: str, reason: str
) -> Answer:
    """The customer says that it has paid: reminders pause, and the ledger is asked.

    Said twice, the wait still counts from the first time; said again when that wait is over, from then
    (`agent.ledger.claims`). Raises NothingOpen.
    """
    was, was_at = _answerable(invoice)
    replaced = _replace_promises(session, invoice, at=at, actor=actor)
    withdrawn = _withdraw_disputes(session, invoice, reason="replaced", at=at, actor=actor)
    _answer(session, invoice, InvoiceState.PAYMENT_REPORTED, message_id, at=at, actor=actor, reason=reason)
    return Answer(invoice.id, was, was_at, invoice.state, promises_replaced=replaced, disputes_replaced=withdrawn)


def promise(
    session: Session,
    invoice: Invoice,
    on: date,
    amount: Decimal | None,
    *,
    message_id: int | None,
    at: datetime,
    actor: str,
    reason: str,
    is_instalment: bool = False,
) -> Answer:
    """The customer promises ``amount`` (None: the whole balance) for a day. It replaces earlier promises and disputes.

    A payment plan is one call for each instalment: promises of one message made at one moment stand side by side, and
    so do those that a person enters as instalments at one moment. Whether the day is near enough was judged before.
    Raises NothingOpen.
    """
    was, was_at = _answerable(invoice)
    is_beside = is_instalment or message_id is not None
    replaced = _replace_promises(session, invoice, at=at, actor=actor, beside=(message_id, at) if is_beside else None)
    withdrawn = _withdraw_disputes(session, invoice, reason="replaced", at=at, actor=actor)
    row = Promise(
        invoice_id=invoice.id,
        message_id=message_id,
        date=on,
        amount=amount,
        balance_then=invoice.balance,
        made_at=at,
        made_by=actor,
    )
    session.add(row)
    events.record(
        session, "promise.open", row, actor=actor, at=at,
        invoice=invoice.id, date=on.isoformat(), amount=str(amount) if amount is not None else None,
        message=message_id, reason=reason,
    )  # fmt: skip
    _answer(session, invoice, InvoiceState.PROMISED, message_id, at=at, actor=actor, reason=reason)
    return Answer(
        invoice.id, was, was_at, invoice.state, (row.id,), promises_replaced=replaced, disputes_replaced=withdrawn
    )


def dispute(
    session: Session,
    invoice: Invoice,
    code: str,
    amount: Decimal | None,
    *,
    message_id: int | None,
    at: datetime,
    actor: str,
    reason: str,
    owner: str | None = None,
) -> Answer:
    """The customer contests the invoice, or ``amount`` of it; ``code`` is one of the dispute reasons.

    An open dispute of the same code and amount is not opened twice; one of another code is opened beside it. The
    exception that asks a person is the caller's to open. Raises NothingOpen.
    """
    was, was_at = _answerable(invoice)
    replaced = _replace_promises(session, invoice, at=at, actor=actor)
    made: tuple[int, ...] = ()
    if not any((row.reason, row.amount) == (code, amount) for row in open_disputes(session, invoice)):
        row = Dispute(
            invoice_id=invoice.id,
            message_id=message_id,
            reason=code,
            amount=amount,
            owner=owner,
            opened_at=at,
            opened_by=actor,
        )
        session.add(row)
        events.record(
            session, "dispute.open", row, actor=actor, at=at,
            invoice=invoice.id, code=code, amount=str(amount) if amount is not None else None,
            message=message_id, reason=reason,
        )  # fmt: skip
        made = (row.id,)
    _answer(session, invoice, InvoiceState.DISPUTED, message_id, at=at, actor=actor, reason=reason)
    return Answer(invoice.id, was, was_at, invoice.state, promises_replaced=replaced, disputes_made=made)


def undo_answer(session: Session, invoice: Invoice, answer: Answer, *, at: datetime, actor: str, reason: str) -> None:
    """Put an invoice back to where it was before an answer, with the promises and disputes of then.

    Several answers on one invoice are undone last first. Raises MovedOn where the invoice has changed since.
    """
    if invoice.id != answer.invoice_id:
        raise ValueError(f"the answer is on invoice {answer.invoice_id}, not on {invoice.id}")
    if invoice.state is not answer.now:
        raise MovedOn(invoice)
    for row in _promises(session, answer.promises_made, PromiseState.OPEN):
        move(session, row, PromiseState.SUPERSEDED, actor=actor, reason=reason, at=at)
    for row in _promises(session, answer.promises_replaced, PromiseState.SUPERSEDED):
        move(session, row, PromiseState.OPEN, actor=actor, reason=reason, at=at)
    for contested in _disputes(session, answer.disputes_made, DisputeState.OPEN):
        move(session, contested, DisputeState.WITHDRAWN, actor=actor, reason=reason, at=at, values={"settled_at": at})
    for contested in _disputes(session, answer.disputes_replaced, DisputeState.WITHDRAWN):
        move(session, contested, DisputeState.OPEN, actor=actor, reason=reason, at=at, values={"settled_at": None})
    if answer.was is not invoice.state:
        # A broken promise can't be returned to by the table; the plan goes on from there all the same.
        back = answer.was if allowed(invoice.state, answer.was) else InvoiceState.REMINDED
        move(session, invoice, back, actor=actor, reason=reason, at=at, values={"state_at": answer.was_at})


def settle_dispute(session: Session, row: Dispute, verdict: DisputeState, *, at: datetime, actor: str) -> None:
    """A person decides a dispute. Rejected or withdrawn, the plan goes on; upheld, the invoice waits for its credit."""
    move(session, row, verdict, actor=actor, reason="decided", at=at, values={"settled_at": at})
    invoice = session.get_one(Invoice, row.invoice_id, with_for_update=True)
    if invoice.state is InvoiceState.DISPUTED and not waits_for_dispute(session, invoice, invoice.state_at):
        go_on(session, invoice, actor=actor, reason=f"dispute_{verdict.value}", at=at)


def reopen_dispute(session: Session, row: Dispute, *, at: datetime, actor: str) -> Invoice | None:
    """A decision is taken back: the dispute is open again, and its invoice contested, unless it has moved on since; the
    invoice where it was moved.
    """
    move(session, row, DisputeState.OPEN, actor=actor, reason="undo", at=at, values={"settled_at": None})
    invoice = session.get_one(Invoice, row.invoice_id, with_for_update=True)
    if invoice.state not in (InvoiceState.OPEN, InvoiceState.REMINDED, InvoiceState.BROKEN):
        return None
    values = {"state_at": row.opened_at}
    move(session, invoice, InvoiceState.DISPUTED, actor=actor, reason="undo", at=at, values=values)
    return invoice


def waits_for_dispute(session: Session, invoice: Invoice, since: datetime) -> bool:
    """Whether a dispute from then on is still open, or upheld and waiting for its credit note."""
    query = select(Dispute.id).where(
        Dispute.invoice_id == invoice.id,
        Dispute.state.in_((DisputeState.OPEN, DisputeState.UPHELD)),
        Dispute.opened_at >= since,
    )
    return session.scalars(query).first() is not None


def go_on(session: Session, invoice: Invoice, *, actor: str, reason: str, at: datetime) -> None:
    """The plan goes on after an answered state."""
    move(session, invoice, InvoiceState.REMINDED, actor=actor, reason=reason, at=at, values={"state_at": at})


def write_off(session: Session, invoice: Invoice, *, at: datetime, actor: str, reason: str) -> None:
    """A person gives the money up: nothing is asked for any more; the balance stays on record. Raises NothingOpen."""
    if not allowed(invoice.state, InvoiceState.WRITTEN_OFF):
        raise NothingOpen(invoice)
    _replace_promises(session, invoice, at=at, actor=actor)
    _withdraw_disputes(session, invoice, reason="written_off", at=at, actor=actor)
    move(session, invoice, InvoiceState.WRITTEN_OFF, actor=actor, reason=reason, at=at, values={"state_at": at})
    tasks.cancel_needless(session, invoice, at)


def hand_over(session: Session, invoice: Invoice, task_id: int, *, at: datetime, actor: str) -> None:
    """A person hands the money's collection over, by a task that is done. Raises NothingOpen.

    The event keeps what undoes it; disputes stay open, for a person to decide.
    """
    _, was_at = _answerable(invoice)
    replaced = _replace_promises(session, invoice, at=at, actor=actor)
    move(
        session, invoice, InvoiceState.IN_COLLECTION, actor=actor, reason="handed_over", at=at,
        values={"state_at": at}, task=task_id, was_at=was_at.isoformat(), promises=[str(each) for each in replaced],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a balance changes.

    ``kind``: payment, reversal, open_items, opening or correction. ``subject``: the payment's id, or the import's.
    ``day``: the earliest day on which the money can have come in, by which promises are judged; None where no money
    came.
    """

    kind: str
    subject: str
    day: date | None


def set_balance(
    session: Session,
    invoice: Invoice,
    balance: Decimal,
    cause: Cause,
    *,
    settings: Settings,
    at: datetime,
    actor: str,
    rule: str | None = None,
) -> None:
    """The ledger says what is open of an invoice: settled, it closes; open again, its dunning begins anew.

    A settled invoice is `paid`, a settled credit note `credited`. A reversal (or a return to the list of open items)
    reopens to `open` with the next cycle, so that the plan starts with its first step: after weeks of silence the last
    tone would be the wrong one. What was written off stays so, whatever the list says, until money comes.
    """
    was, invoice.balance = invoice.balance, balance
    events.record(
        session, "invoice.balance", invoice, actor=actor, at=at,
        was=str(was), now=str(balance), cause=cause.kind, by=cause.subject, rule=rule,
    )  # fmt: skip
    if balance == 0:
        _settle(session, invoice, cause, settings=settings, at=at, actor=actor)
        return
    if invoice.state in SETTLED:
        move(
            session, invoice, InvoiceState.OPEN, actor=actor, reason=cause.kind, at=at,
            values={"state_at": at, "cycle": invoice.cycle + 1},
        )  # fmt: skip
    if abs(balance) > abs(was):
        promises.reopen_unkept(session, invoice, at=at, actor=actor)


def _settle(session: Session, invoice: Invoice, cause: Cause, *, settings: Settings, at: datetime, actor: str) -> None:
    if invoice.state in SETTLED or (invoice.state is InvoiceState.WRITTEN_OFF and cause.kind == "open_items"):
        return
    to = InvoiceState.CREDITED if invoice.kind is InvoiceKind.CREDIT_NOTE else InvoiceState.PAID
    move(session, invoice, to, actor=actor, reason=cause.kind, at=at, values={"state_at": at})
    day = cause.day or freshness.local_day(at, settings)
    promises.judge_settled(session, invoice, day, settings=settings, at=at, actor=actor)
    _withdraw_disputes(session, invoice, reason=to.value, at=at, actor=actor)
    tasks.cancel_needless(session, invoice, at)


def open_disputes(session: Session, invoice: Invoice) -> Iterable[Dispute]:
    """The disputes of an invoice that nobody has decided yet, oldest first."""
    query = select(Dispute).where(Dispute.invoice_id == invoice.id, Dispute.state == DisputeState.OPEN)
    return session.scalars(query.order_by(Dispute.id)).all()


def _answerable(invoice: Invoice) -> tuple[InvoiceState, datetime]:
    if invoice.state in CLOSED or invoice.balance <= 0:
        raise NothingOpen(invoice)
    return invoice.state, invoice.state_at


def _answer(
    session: Session,
    invoice: Invoice,
    to: InvoiceState,
    message_id: int | None,
    *,
    at: datetime,
    actor: str,
    reason: str,
) -> None:
    if invoice.state is to:
        kind = f"invoice.{to.value}_again"
        events.record(session, kind, invoice, actor=actor, at=at, reason=reason, message=message_id)
    else:
        move(session, invoice, to, actor=actor, reason=reason, at=at, values={"state_at": at}, message=message_id)


def _replace_promises(
    session: Session,
    invoice: Invoice,
    *,
    at: datetime,
    actor: str,
    beside: tuple[int | None, datetime] | None = None,
) -> tuple[int, ...]:
    """Supersede the open promises, but those of that message (None: by hand) made at that moment: the same plan."""
    query = select(Promise).where(Promise.invoice_id == invoice.id, Promise.state == PromiseState.OPEN)
    replaced = []
    for row in session.scalars(query.order_by(Promise.id)).all():
        if beside is None or (row.message_id, row.made_at) != beside:
            move(session, row, PromiseState.SUPERSEDED, actor=actor, reason="replaced", at=at)
            replaced.append(row.id)
    return tuple(replaced)


def _withdraw_disputes(session: Session, invoice: Invoice, *, reason: str, at: datetime, actor: str) -> tuple[int, ...]:
    withdrawn = []
    for row in open_disputes(session, invoice):
        move(session, row, DisputeState.WITHDRAWN, actor=actor, reason=reason, at=at, values={"settled_at": at})
        withdrawn.append(row.id)
    return tuple(withdrawn)


def _promises(session: Session, ids: tuple[int, ...], state: PromiseState) -> Iterable[Promise]:
    query = select(Promise).where(Promise.id.in_(ids), Promise.state == state)
    return session.scalars(query.order_by(Promise.id)).all()


def _disputes(session: Session, ids: tuple[int, ...], state: DisputeState) -> Iterable[Dispute]:
    query = select(Dispute).where(Dispute.id.in_(ids), Dispute.state == state)
    return session.scalars(query.order_by(Dispute.id)).all()
