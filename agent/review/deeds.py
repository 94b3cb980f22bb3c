"""What a person, or a program with a token, does with an entry of the work list, and who may see which one.

The pages and the API come here, so that neither can do what the other can't. Each function works in the caller's
transaction and raises NeedsPerson where the deed is not possible; then nothing was changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import byhand
from agent.reminders import approve
from agent.replies import resolve
from agent.replies.resolve import Effect, Word
from agent.review import item, queue, tasks, worklist
from agent.review.rights import Actor, Right, must
from agent.review.worklist import Entry, Kind
from config import Settings
from config.errors import NeedsPerson
from models import Customer, Invoice, Message, Task, User
from models.states import DisputeState
from models.user import Role

VERDICTS = (DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.WITHDRAWN)


class NoSuch(NeedsPerson):
    """There is none, or none that this person may see: which of the two is told to nobody."""


def sees(actor: Actor, customer: Customer | None) -> bool:
    """Whether this person sees the customer: a sales person only those that it manages."""
    if actor.only_of is None:
        return True
    manager = (customer.account_manager or "").lower() if customer is not None else ""
    return bool(actor.only_of) and manager == actor.only_of.lower()


def entry_of(session: Session, actor: Actor, kind: str, number: int, now: datetime, today: date) -> Entry:
    """An entry that this person may see. Raises NoSuch."""
    entry = worklist.one(session, known_kind(kind), number, actor.name, now, today)
    customer = session.get(Customer, entry.customer_id) if entry is not None and entry.customer_id is not None else None
    if entry is None or not sees(actor, customer):
        raise NoSuch(f"there is no {kind} {number}")
    return entry


def known_kind(kind: str) -> Kind:
    for known in worklist.KINDS:
        if kind == known:
            return known
    raise NoSuch(f"there is no {kind} on the work list")


def colleagues_of(session: Session) -> list[str]:
    """Who could be given work."""
    able = (Role.REVIEWER, Role.APPROVER, Role.ADMIN)
    query = select(User.name).where(User.disabled_at.is_(None), User.role.in_(able)).order_by(User.name)
    return list(session.scalars(query))


# --- who works on it -------------------------------------------------------------------------------------------------


def assign(session: Session, kind: str, number: int, to: str | None, by: str, now: datetime) -> None:
    """Give it to somebody, or to nobody."""
    if to is not None and to != by and to not in colleagues_of(session):
        raise NeedsPerson(f"there is no colleague “{to}” who could work on it")
    match kind:
        case "item":
            row = queue.get(session, number)
            if to is None:
                queue.give_back(session, row, by, now)
            else:
                queue.take(session, row, by, now, assignee=to)
        case "task":
            tasks.assign(session, tasks.get(session, number), to, by, now)
        case _:
            raise NeedsPerson("a reminder that waits for a yes belongs to whoever may approve")


def snooze(session: Session, kind: str, number: int, until: datetime, by: str, now: datetime) -> None:
    """Put it away until then."""
    match kind:
        case "item":
            queue.snooze(session, queue.get(session, number), until, by, now)
        case "task":
            tasks.snooze(session, tasks.get(session, number), until, by, now)
        case _:
            raise NeedsPerson("a reminder that waits for a yes can't be put away; skip it, or hold the customer")


# --- settling --------------------------------------------------------------------------------------------------------


def settle_as_proposed(
    session: Session, actor: Actor, kind: str, number: int, settings: Settings, now: datetime
) -> None:
    """What needs no word of its own: a yes, a task that is done, a mail that is taken as the model proposes."""
    match kind:
        case "approval":
            must(actor, Right.APPROVE)
            approve.approve(session, number, actor.name, now)
        case "task":
            tasks.done(session, number, "done", actor.name, now)
        case "item":
            row = queue.get(session, number)
            queue.must_be_free_for(row, actor.name)
            word = Word(by=actor.name, intent=row.suggested_primary)
            resolve.resolve(session, row, word, settings, now)


def decide(session: Session, number: int, word: Word, settings: Settings, now: datetime) -> Sequence[Effect]:
    """Settle an item by a person's word."""
    row = queue.get(session, number)
    queue.must_be_free_for(row, word.by)
    return resolve.resolve(session, row, word, settings, now).effects


def dismiss(session: Session, number: int, reason: str, by: str, now: datetime) -> Sequence[Effect]:
    """Nothing has to follow from it."""
    row = queue.get(session, number)
    queue.must_be_free_for(row, by)
    resolve.dismiss(session, row, reason[:500], by, now)
    return (Effect("dismissed", "dismissed; reminders of this customer go on"),)


def end_disputes(
    session: Session, number: int, ending: DisputeState, by: str, settings: Settings, now: datetime
) -> Sequence[Effect]:
    """How the disputes that an item asks about end."""
    row = queue.get(session, number)
    queue.must_be_free_for(row, by)
    deed = byhand.Deed(by, now)
    effects = []
    for link in row.links:
        if link.invoice_id is None:
            continue
        contested = session.get_one(Invoice, link.invoice_id, with_for_update=True)
        if byhand.settle_disputes(session, contested, ending, deed):
            sentence = f"the dispute about {contested.number} is {ending.value}"
            effects.append(Effect(f"dispute_{ending.value}", sentence, invoice=contested.number))
    session.refresh(row)
    if row.resolved_at is None:
        if item.way_of(row, session.get(Message, row.message_id) if row.message_id else None) == "verdict":
            queue.must_wait(row)
            resolve.dismiss(session, row, f"dispute {ending.value}", by, now)
        else:
            resolve.resolve(session, row, Word(by=by), settings, now)
    return effects


@dataclass(frozen=True, slots=True)
class TaskWord:
    """What came of a task. ``outcome_told``: the same in words, as it is kept with it; ``text``: what was said."""

    outcome: str
    outcome_told: str
    text: str = ""
    promise_date: date | None = None
    dispute_reason: str = "other"


def finish_task(
    session: Session, number: int, word: TaskWord, by: str, settings: Settings, now: datetime
) -> Sequence[Effect]:
    """A task is done; what came of it is written down with it, and a promise or dispute that was heard is logged."""
    task = tasks.get(session, number)
    deed = byhand.Deed(by, now)
    heard = _heard(session, task, word, settings, deed)
    tasks.done(session, number, word.outcome_told[:500], by, now)
    return (Effect("task_done", f"task {number} is done"), *heard)


def _heard(session: Session, task: Task, word: TaskWord, settings: Settings, deed: byhand.Deed) -> list[Effect]:
    rows = [session.get_one(Invoice, link.invoice_id, with_for_update=True) for link in task.links]
    customer = session.get_one(Customer, task.customer_id)
    effects: list[Effect] = []
    if word.text:
        kind = "call" if task.kind.value == "call" else "note"
        byhand.note(session, byhand.Target(customer, None), kind, word.text, deed)
    owing = [row for row in rows if not row.is_closed and row.balance > 0]
    if word.outcome == "promise":
        if word.promise_date is None:
            raise NeedsPerson("a promise needs its day")
        for row in owing:
            byhand.log_promise(session, byhand.Target(customer, row), word.promise_date, None, deed, settings)
            sentence = f"{row.number} is promised for {word.promise_date}"
            effects.append(Effect("promised", sentence, invoice=row.number, on=word.promise_date))
    if word.outcome == "dispute":
        for row in owing:
            byhand.log_dispute(session, byhand.Target(customer, row), word.dispute_reason, None, deed, settings)
            sentence = f"{row.number} is disputed ({word.dispute_reason})"
            effects.append(Effect("disputed", sentence, invoice=row.number, detail=word.dispute_reason))
    return effects


# --- by hand ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """What is written down of a customer or one of its invoices: by ``kind`` some of the others count."""

    kind: str
    text: str = ""
    invoice: str | None = None
    customer: str | None = None
    day: date | None = None
    amount: Decimal | None = None
    dispute_reason: str = ""
    verdict: DisputeState | None = None


def write_down(session: Session, actor: Actor, line: Line, settings: Settings, now: datetime) -> None:
    """A call, a note, a promise, a dispute or its end, a hold or its release, an insolvency or its end."""
    deed = byhand.Deed(actor.name, now)
    on = byhand.target(session, line.invoice, None if line.invoice else line.customer)
    if not sees(actor, on.customer):
        raise NoSuch(f"there is no {on.name}")
    match line.kind:
        case "call" | "note":
            byhand.note(session, on, line.kind, line.text, deed)
        case "promise":
            byhand.log_promise(session, on, _needed(line.day), line.amount, deed, settings)
        case "dispute":
            byhand.log_dispute(session, on, line.dispute_reason, line.amount, deed, settings)
        case "hold":
            byhand.hold(session, on, line.text, line.day, deed, settings)
        case "release":
            byhand.release(session, on, deed)
        case "insolvent" | "solvent":
            _insolvency(session, actor, on, line, deed, settings)
        case "verdict":
            if line.verdict is None or on.invoice is None:
                raise NeedsPerson("how the dispute ends, and of which invoice, has to be said")
            byhand.settle_disputes(session, on.invoice, line.verdict, deed)
        case _:
            raise NeedsPerson(f"“{line.kind}” is nothing that can be written down")
    if line.text and line.kind in ("promise", "dispute"):
        byhand.note(session, on, line.kind, line.text, deed)


def _needed(day: date | None) -> date:
    if day is None:
        raise NeedsPerson("a promise needs its day")
    return day


def _insolvency(
    session: Session, actor: Actor, on: byhand.Target, line: Line, deed: byhand.Deed, settings: Settings
) -> None:
    must(actor, Right.WORK)
    if (line.day is None) == (line.kind == "insolvent"):
        raise NeedsPerson("an insolvency needs the day of its judgment")
    byhand.insolvent(session, on, line.day, line.text, deed, settings)
