"""A task of the work list: its page, what came of it, an audit, the letter and the case file that it asks for."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from agent.ledger.overview import invoices as invoices_shown
from agent.reminders import letters
from agent.replies import previewing, store
from agent.replies.word import INTENTS, Done
from agent.review import auditing, deeds, files, story
from agent.review.conversation import conversation
from agent.review.files import File
from agent.review.web.effects import told
from agent.review.web.frame import Call, number_of
from agent.review.web.item_pages import follows, go_on, place_of, word_of
from agent.review.web.story_pages import amount_of
from classifier.labels import DISPUTE_REASONS, OTHER_REASONS
from config.errors import NeedsPerson
from models import Contact, Customer, Message, Task
from models.states import TaskState

LATELY = 8
"""Moments of the customer's story that a task shows."""


def task_page(call: Call) -> Response:
    number = number_of(call)
    with call.desk.database.read() as session:
        entry = deeds.entry_of(session, call.actor, "task", number, call.now, call.today)
        task = session.get_one(Task, number)
        customer = session.get_one(Customer, task.customer_id)
        contacts = session.scalars(_contacts(customer.id)).all()
        shown = invoices_shown(session, call.desk.settings, call.now, entry.invoices) if entry.invoices else []
        message = session.get(Message, task.message_id) if task.message_id is not None else None
        mails = conversation(session, message, customer.id)
        colleagues = deeds.colleagues_of(session)
        prediction = store.prediction_of(session, message.id) if message is not None else None
        # Whoever calls wants to know what was written and promised of late; an audit is about one mail alone.
        moments = story.of_customer(session, customer.id, call.desk.settings.zone)[:LATELY] if message is None else []
    call.desk.presence.sign(entry.path, call.actor.name, call.now)
    return call.show(
        "task.html.j2", prediction=prediction, intents=INTENTS, other_reasons=OTHER_REASONS, entry=entry, task=task,
        customer=customer, contacts=contacts, invoices=shown, mails=mails, moments=moments,
        colleagues=colleagues, is_open=task.state is TaskState.OPEN, dispute_reasons=DISPUTE_REASONS,
        others=call.desk.presence.others(entry.path, call.actor.name, call.now),
        tomorrow=call.today + timedelta(days=1), **place_of(call, entry),
    )  # fmt: skip


def _contacts(customer_id: str) -> Select[Contact]:
    return select(Contact).where(Contact.customer_id == customer_id).order_by(Contact.id)


def audit(call: Call) -> Response:
    """What the mail of an audited action means: as relance took it, or otherwise, which sets it right."""
    number = number_of(call)
    with call.desk.database.write() as session:
        key = deeds.entry_of(session, call.actor, "task", number, call.now, call.today).key
        done = auditing.judge(session, number, word_of(call), call.desk.settings, call.now)
    call.desk.presence.leave(f"/work/task/{number}", call.actor.name)
    return go_on(call, key, " · ".join(told(call.tongue, done.effects)), undo=True)


def done(call: Call) -> Response:
    """A task is done; what came of it is written down with it, and a promise or dispute that was heard is logged."""
    number = number_of(call)
    word = _word(call)
    with call.desk.database.write() as session:
        key = deeds.entry_of(session, call.actor, "task", number, call.now, call.today).key
        done = deeds.finish_task(session, number, word, call.actor.name, call.desk.settings, call.now)
    call.desk.presence.leave(f"/work/task/{number}", call.actor.name)
    return go_on(call, key, " · ".join(told(call.tongue, done)), undo=True)


def _word(call: Call) -> deeds.TaskWord:
    """What the form says came of the task. Raises NeedsPerson where it says too little."""
    outcome = call.form.get("outcome", "done")
    if outcome not in deeds.OUTCOMES:
        raise NeedsPerson(call.say("task.no_outcome"))
    text = call.form.get("text", "").strip()[:2000]
    return deeds.TaskWord(
        outcome=outcome,
        outcome_told=call.say(f"outcome.{outcome}") + (f": {text}" if text else ""),
        text=text,
        promise_date=call.needed_day("promise_date") if outcome == "promise" else None,
        dispute_reason=call.form.get("dispute_reason", "other"),
        amount=amount_of(call, call.form.get("amount", "")) if outcome in ("promise", "dispute") else None,
        new_contact=call.form.get("new_contact", "").strip() or None,
    )


def done_consequence(call: Call) -> Response:
    """What would follow from the form as it stands."""
    number = number_of(call)

    def preview() -> Done:
        desk = call.desk
        found = deeds.preview_task(desk.database, number, _word(call), call.actor.name, desk.settings, call.now)
        return Done(tuple(found))

    return follows(call, "task", preview)


def consequence(call: Call) -> Response:
    """The same for an automatic action that is audited."""
    number = number_of(call)

    def do(session: Session) -> Done:
        return auditing.judge(session, number, word_of(call), call.desk.settings, call.now)

    return follows(call, "task", lambda: previewing.rolled_back(call.desk.database, do))


def letter(call: Call) -> Response:
    """The letter that a task asks for, composed as things stand now, kept, and given out as a PDF."""
    number = number_of(call)
    with call.desk.database.write() as session:
        deeds.entry_of(session, call.actor, "task", number, call.now, call.today)
        made = letters.compose_letter(session, call.desk.settings, number, call.actor.name, call.now)
    return files.response(File(made.pdf, made.filename, files.PDF))


def hand_over(call: Call) -> Response:
    """Everything on the case of a task as one file."""
    number = number_of(call)
    with call.desk.database.read() as session:
        deeds.entry_of(session, call.actor, "task", number, call.now, call.today)
        return files.response(files.hand_over(session, number, call.desk.settings, call.now))
