"""What a person, or a program with a token, does with an entry of the work list, and who may see which one.

The pages and the API come here, so that neither can do what the other can't. Each function works in the caller's
transaction and raises NeedsPerson where the deed is not possible; then nothing was changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import addresses, byhand, freshness
from agent.ledger.overview import Unknown
from agent.reminders import approve, edit
from agent.replies import previewing, resolve
from agent.replies.word import Done, Effect, Word
from agent.review import calls, item, queue, tasks, worklist
from agent.review.calls import Result
from agent.review.queue import Taken
from agent.review.rights import LINES, Actor, Right, may_release, must
from agent.review.values import KINDS, Entry, Kind
from config import Settings
from config.errors import NeedsPerson
from models import Customer, Database, Delivery, Invoice, Message, Reminder, Task, User
from models.states import DisputeState
from models.user import Role

VERDICTS = (DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.WITHDRAWN)


class NoSuch(NeedsPerson):
    """There is none, or none that this person may see: which of the two is told to nobody."""


class Changed(Taken):
    """The mail is no longer the one that was shown: ``by`` has edited it in the meantime."""


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
    for known in KINDS:
        if kind == known:
            return known
    raise NoSuch(f"there is no {kind} on the work list")


def colleagues_of(session: Session) -> list[str]:
    """Who could be given work."""
    able = (Role.REVIEWER, Role.APPROVER, Role.ADMIN)
    query = select(User.name).where(User.disabled_at.is_(None), User.role.in_(able)).order_by(User.name)
    return list(session.scalars(query))


# --- who works on it -------------------------------------------------------------------------------------------------


def assign(
    session: Session, kind: str, number: int, to: str | None, by: str, now: datetime, *, over: str | None = None
) -> None:
    """Give it to somebody, or to nobody. ``over``: the colleague from whom it is knowingly taken. Raises Taken where
    another has it.
    """
    if to is not None and to != by and to not in colleagues_of(session):
        raise NeedsPerson(f"there is no colleague “{to}” who could work on it")
    match kind:
        case "item":
            row = queue.get(session, number)
            queue.must_be_free_for(row, by, over)
            if to is None:
                queue.give_back(session, row, by, now)
            else:
                queue.take(session, row, by, now, assignee=to)
        case "task":
            task = tasks.get(session, number)
            tasks.must_be_free_for(task, by, over)
            tasks.assign(session, task, to, by, now)
        case _:
            raise NeedsPerson("a reminder that waits for a yes belongs to whoever may approve")


def snooze(
    session: Session, kind: str, number: int, until: datetime, by: str, now: datetime, *, over: str | None = None
) -> None:
    """Put it away until then. ``over``: the colleague who has it, and from whom it is knowingly taken."""
    match kind:
        case "item":
            row = queue.get(session, number)
            queue.must_be_free_for(row, by, over)
            queue.snooze(session, row, until, by, now)
        case "task":
            task = tasks.get(session, number)
            tasks.must_be_free_for(task, by, over)
            tasks.snooze(session, task, until, by, now)
        case _:
            raise NeedsPerson("a reminder that waits for a yes can't be put away; skip it, or hold the customer")


# --- settling --------------------------------------------------------------------------------------------------------


def settle_as_proposed(
    session: Session, actor: Actor, kind: str, number: int, settings: Settings, now: datetime
) -> Sequence[Effect]:
    """What needs no word of its own: a yes, a task that is done, a mail that is taken as the model proposes."""
    match known_kind(kind):
        case "approval":
            must(actor, Right.APPROVE)
            return approve_one(session, number, None, actor.name, now)
        case "task":
            return finish_task(session, number, TaskWord("done", "done"), actor.name, settings, now)
        case "item":
            row = queue.get(session, number)
            queue.must_be_free_for(row, actor.name)
            word = Word(by=actor.name, intent=row.suggested_primary)
            return resolve.resolve(session, row, word, settings, now).effects


def decide(
    session: Session, number: int, word: Word, settings: Settings, now: datetime, *, over: str | None = None
) -> Sequence[Effect]:
    """Settle an item by a person's word. ``over``: the colleague who has it, and from whom it is knowingly taken."""
    row = queue.get(session, number)
    queue.must_be_free_for(row, word.by, over)
    return resolve.resolve(session, row, word, settings, now).effects


def dismiss(
    session: Session, number: int, reason: str, by: str, now: datetime, *, over: str | None = None
) -> Sequence[Effect]:
    """Nothing has to follow from it. ``over`` as in `decide`."""
    row = queue.get(session, number)
    queue.must_be_free_for(row, by, over)
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


OUTCOMES: Mapping[str, Result | None] = {
    "done": None, "promise": Result.PROMISED, "paid": Result.PAID, "dispute": Result.DISPUTED,
    "no_answer": Result.NO_ANSWER, "wrong_contact": Result.WRONG_CONTACT, "right": None, "wrong": None,
    tasks.NOT_HANDED_OVER: Result.OTHER,
}  # fmt: skip
"""What may come of a task on the pages and in the API, and the result on the form that it is. `right` and `wrong` end
an audit whose mail nobody can judge any more; with a mail, `auditing.judge` does. `not_handed_over` ends a hand-over
that nobody carries out: `done` would put its invoices into collection.
"""


@dataclass(frozen=True, slots=True)
class TaskWord:
    """What came of a task: one of `OUTCOMES`. ``outcome_told``: the same in words, as it is kept with it; ``text``:
    what was said; ``amount``: of a promise or dispute about a part.
    """

    outcome: str
    outcome_told: str
    text: str = ""
    promise_date: date | None = None
    dispute_reason: str = "other"
    amount: Decimal | None = None
    new_contact: str | None = None
    """Whom to write to instead, where the task asks for it."""


def finish_task(
    session: Session, number: int, word: TaskWord, by: str, settings: Settings, now: datetime
) -> Sequence[Effect]:
    """A task is done; what came of it is written down with it, and a promise or dispute that was heard is logged."""
    if word.outcome not in OUTCOMES:
        raise NeedsPerson(f"“{word.outcome}” is nothing that may come of a task")
    task = tasks.get(session, number)
    tasks.must_be_free_for(task, by)
    form = calls.Form(OUTCOMES[word.outcome], word.promise_date, word.amount, word.dispute_reason, word.text)
    done = Effect("task_done", f"task {number} is done")
    if word.new_contact is not None:  # another contact settles by itself what asked for one
        return (done, _contact_found(session, task, word.new_contact, byhand.Deed(by, now)))
    return (done, *calls.finish(session, settings, task, form, word.outcome_told, by, now))


def preview_task(
    database: Database, number: int, word: TaskWord, by: str, settings: Settings, now: datetime
) -> Sequence[Effect]:
    """What would follow from what came of a task: carried out and rolled back. Raises as `finish_task`."""

    def do(session: Session) -> Done:
        return Done(tuple(finish_task(session, number, word, by, settings, now)))

    return previewing.rolled_back(database, do).effects


def _contact_found(session: Session, task: Task, address: str, deed: byhand.Deed) -> Effect:
    contact = addresses.asked_about(session, task)
    if contact is None:
        raise NeedsPerson("this task asks for no other contact", "Import it with `relance import contacts`.")
    addresses.replace_by(session, session.get_one(Customer, task.customer_id), contact, address, deed)
    to = contact.replaced_by or address
    return Effect("contact_replaced", f"reminders go to {to} from now on", detail=to)


# --- reminders that wait for a yes -----------------------------------------------------------------------------------


def seen_of(session: Session, number: int) -> Delivery:
    """The waiting mail of a reminder; its ``message.dkey`` names exactly these bytes."""
    return session.scalars(select(Delivery).where(Delivery.reminder_id == number)).one()


def must_be_what_was_seen(session: Session, number: int, seen: str | None) -> None:
    """A word is given for exactly what was shown (``seen``; None: not said). Raises Taken where somebody has edited
    the mail, or has given a word, in the meantime.
    """
    reminder = session.get_one(Reminder, number, with_for_update=True)
    if reminder.approval != "waiting":
        raise Taken(
            f"reminder {number} was {reminder.approval} by {reminder.approved_by} already", "Go on with the next.",
            reminder.approved_by,
        )  # fmt: skip
    if seen not in (None, seen_of(session, number).message.dkey):
        raise Changed(
            f"the mail of reminder {number} was changed by {reminder.edited_by} since it was shown",
            "Look at it again.", reminder.edited_by,
        )  # fmt: skip


def approve_one(session: Session, number: int, seen: str | None, by: str, now: datetime) -> Sequence[Effect]:
    """Let it go out as it was shown."""
    must_be_what_was_seen(session, number, seen)
    approve.approve(session, number, by, now)
    return (Effect("approved", f"reminder {number} goes out"),)


def skip_one(session: Session, number: int, reason: str, by: str, now: datetime) -> Sequence[Effect]:
    """Leave it out; its step counts as carried out."""
    must_be_what_was_seen(session, number, None)
    approve.skip(session, number, by, reason[:500], now)
    return (Effect("skipped", f"reminder {number} is left out"),)


def edit_one(
    session: Session, database: Database, settings: Settings, edited: edit.Edited, seen: str | None, now: datetime
) -> None:
    """Put a waiting mail into a person's words. Raises LetterError where they can't be taken."""
    must_be_what_was_seen(session, edited.reminder, seen)
    edit.edit(session, database, settings, edited, now)


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
    invoices: tuple[str, ...] = ()
    """Those that a payment plan covers, besides ``invoice``."""
    instalments: tuple[byhand.Instalment, ...] = ()
    address: str | None = None
    """Of a wrong contact, or of one that is right after all."""
    new_contact: str | None = None


def write_down(session: Session, actor: Actor, line: Line, settings: Settings, now: datetime) -> None:
    """A call, a note, a promise, a payment plan, a dispute or its end, a hold or its release, an insolvency or its end,
    that reminders by mail stop or go on, to all of a customer or to one address of it. Raises NotAllowed.
    """
    if line.kind not in LINES:
        raise NeedsPerson(f"“{line.kind}” is nothing that can be written down")
    deed = byhand.Deed(actor.name, now)
    on = _target(session, actor, line)
    must(actor, LINES[line.kind])
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
            _release(session, actor, on, deed, settings)
        case "plan":
            numbers = [*([line.invoice] if line.invoice else []), *line.invoices]
            _must_be_of(session, on.customer, numbers)
            byhand.log_arrangement(session, numbers, line.instalments, deed, settings)
        case "insolvent" | "solvent":
            _insolvency(session, on, line, deed, settings)
        case "stop_mails" | "resume_mails" | "wrong_person" | "left_company" | "contact_right":
            _mails(session, on, line, deed, settings)
        case "verdict":
            _verdict(session, on, line, deed)
    if line.text and line.kind in ("promise", "plan", "dispute"):
        byhand.note(session, on, "dispute" if line.kind == "dispute" else "promise", line.text, deed)


def _target(session: Session, actor: Actor, line: Line) -> byhand.Target:
    """What it is about. Raises NoSuch alike where there is none and where this person may not see it."""
    try:
        on = byhand.target(session, line.invoice, None if line.invoice else line.customer)
    except Unknown:
        on = None
    if on is None or not sees(actor, on.customer):
        what = f"invoice {line.invoice}" if line.invoice else f"customer {line.customer}"
        raise NoSuch(f"there is no {what}")
    return on


def _must_be_of(session: Session, customer: Customer, numbers: Sequence[str]) -> None:
    """Raises NoSuch where an invoice is another customer's, whom the person may not see."""
    for number in numbers:
        if session.scalar(select(Invoice.customer_id).where(Invoice.number == number)) != customer.id:
            raise NoSuch(f"customer {customer.id} has no invoice {number}")


def _release(session: Session, actor: Actor, on: byhand.Target, deed: byhand.Deed, settings: Settings) -> None:
    """End the holds; one that is in force is ended by who placed it, or by who may decide."""
    today = freshness.local_day(deed.at, settings)
    in_force = [row for row in byhand.holds_on(session, on) if row.until is None or row.until >= today]
    if not may_release(actor, (row.placed_by for row in in_force)):
        must(actor, Right.WORK)
    byhand.release(session, on, deed)


def _verdict(session: Session, on: byhand.Target, line: Line, deed: byhand.Deed) -> None:
    if line.verdict is None or on.invoice is None:
        raise NeedsPerson("how the dispute ends, and of which invoice, has to be said")
    byhand.settle_disputes(session, on.invoice, line.verdict, deed)


def _mails(session: Session, on: byhand.Target, line: Line, deed: byhand.Deed, settings: Settings) -> None:
    """Reminders by mail stop for a customer, each step becoming a call; or go on."""
    if line.kind in (*addresses.WRONG, "contact_right"):
        _contact(session, on, line, deed, settings)
        return
    if line.kind == "resume_mails":
        byhand.resume_mails(session, on.customer, deed)
        return
    if not line.text:
        raise NeedsPerson("that mails stop needs its reason")
    byhand.stop_mails(session, on.customer, deed, settings)
    byhand.note(session, byhand.Target(on.customer, None), "note", line.text, deed)


def _contact(session: Session, on: byhand.Target, line: Line, deed: byhand.Deed, settings: Settings) -> None:
    """Reminders stop to one address of a customer, and go on to another one where it is given; or go there again."""
    if line.address is None:
        raise NeedsPerson("which address is meant has to be said")
    if line.kind == "contact_right":
        addresses.revive(session, on.customer, line.address, deed)
    else:
        addresses.retire(session, on.customer, line.address, line.kind, deed, settings, replacement=line.new_contact)
    if line.text:
        byhand.note(session, byhand.Target(on.customer, None), "note", line.text, deed)


def _needed(day: date | None) -> date:
    if day is None:
        raise NeedsPerson("a promise needs its day")
    return day


def _insolvency(session: Session, on: byhand.Target, line: Line, deed: byhand.Deed, settings: Settings) -> None:
    if (line.day is None) == (line.kind == "insolvent"):
        raise NeedsPerson("an insolvency needs the day of its judgment")
    byhand.insolvent(session, on, line.day, line.text, deed, settings)
