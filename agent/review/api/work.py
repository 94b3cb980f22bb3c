"""The work list by API: the same selections, views and deeds as the pages'."""

from __future__ import annotations

import hashlib
from datetime import datetime, time
from typing import Any

from sqlalchemy import select

from agent.ledger import overview
from agent.reminders import approve
from agent.replies import resolve
from agent.replies.resolve import Word
from agent.review import answers, conversation, deeds, item, taking_back, worklist
from agent.review.api import values
from agent.review.api.frame import Ask
from agent.review.api.shown import effects_told, entry_told, invoice_told, mail_told
from agent.review.worklist import Key, Selection
from models import Delivery, Reminder, Task
from models.states import DisputeState


def work(ask: Ask) -> values.WorkPage:
    query: values.WorkQuery = ask.query
    found = worklist.page(
        ask.session, _selection(ask), ask.actor.name, ask.now, ask.today, Key.parse(query.after), query.limit
    )
    return values.WorkPage(
        entries=tuple(entry_told(one) for one in found.entries),
        next=str(found.next) if found.next is not None else None,
    )


def counts(ask: Ask) -> values.Counts:
    found = worklist.counts(ask.session, _selection(ask), ask.actor.name, ask.now)
    return values.Counts(counts=found, total=sum(found.values()))


def _selection(ask: Ask) -> Selection:
    query: values.WorkQuery = ask.query
    return Selection(
        reason=query.reason, whose=query.whose, text=query.text.strip(), segment=query.segment, asleep=query.asleep,
        only_of=ask.actor.only_of,
    )  # fmt: skip


def _entry(ask: Ask, kind: str | None = None) -> worklist.Entry:
    return deeds.entry_of(ask.session, ask.actor, kind or str(ask.path["kind"]), ask.path["number"], ask.now, ask.today)


def one_item(ask: Ask) -> values.Item:
    entry = _entry(ask, "item")
    view = item.view(ask.session, entry.id, ask.desk.settings, ask.now)
    return values.Item(
        entry=entry_told(entry),
        way=view.way,
        is_waiting=view.is_waiting,
        resolved_by=view.resolved_by,
        resolved_at=view.resolved_at,
        prediction=view.prediction.as_json() if view.prediction is not None else None,
        mails=tuple(mail_told(one) for one in view.mails),
        invoices=tuple(invoice_told(one) for one in view.linked),
        other_invoices=tuple(invoice_told(one) for one in view.others),
        delivery_ways=view.delivery_ways,
    )


def one_task(ask: Ask) -> values.Task:
    entry = _entry(ask, "task")
    task = ask.session.get_one(Task, entry.id)
    return values.Task(
        entry=entry_told(entry), kind=task.kind.value, due_on=task.due_on, outcome=task.outcome, done_by=task.done_by,
        done_at=task.done_at, invoices=_invoices(ask, entry),
    )  # fmt: skip


def one_approval(ask: Ask) -> values.Approval:
    entry = _entry(ask, "approval")
    reminder = ask.session.get_one(Reminder, entry.id)
    delivery = ask.session.scalar(select(Delivery).where(Delivery.reminder_id == reminder.id))
    mail = conversation.mail_of(ask.session, delivery.message) if delivery is not None else None
    return values.Approval(
        entry=entry_told(entry), step=reminder.step, approval=reminder.approval,
        recipient=delivery.recipient if delivery is not None else None,
        mail=mail_told(mail) if mail is not None else None, invoices=_invoices(ask, entry),
    )  # fmt: skip


def _invoices(ask: Ask, entry: worklist.Entry) -> tuple[values.Invoice, ...]:
    if not entry.invoices:
        return ()
    shown = overview.invoices(ask.session, ask.desk.settings, ask.now, entry.invoices)
    return tuple(invoice_told(one) for one in shown)


# --- who works on it -------------------------------------------------------------------------------------------------


def take(ask: Ask) -> values.Entry:
    return _assigned(ask, ask.actor.name)


def give_back(ask: Ask) -> values.Entry:
    return _assigned(ask, None)


def assign(ask: Ask) -> values.Entry:
    return _assigned(ask, ask.body.assignee)


def _assigned(ask: Ask, to: str | None) -> values.Entry:
    entry = _entry(ask)
    deeds.assign(ask.session, entry.kind, entry.id, to, ask.actor.name, ask.now)
    return _after(ask)


def snooze(ask: Ask) -> values.Entry:
    entry = _entry(ask)
    until = datetime.combine(ask.body.until, time(0), tzinfo=ask.desk.settings.zone)
    deeds.snooze(ask.session, entry.kind, entry.id, until, ask.actor.name, ask.now)
    return _after(ask)


def _after(ask: Ask) -> values.Entry:
    """The entry as it is now, without a customer's words: what is answered to a write is kept for a day."""
    ask.session.flush()
    ask.session.expire_all()
    return entry_told(_entry(ask)).model_copy(update={"subject": None, "sender": None, "customer_name": None})


# --- settling --------------------------------------------------------------------------------------------------------


def _word(ask: Ask) -> Word:
    body: values.Decision = ask.body
    return Word(
        by=ask.actor.name, intent=body.intent, per_invoice=dict(body.per_invoice) if body.per_invoice else None,
        promise_date=body.promise_date, dispute_reason=body.dispute_reason, delivery=body.delivery,
    )  # fmt: skip


def preview(ask: Ask) -> values.Done:
    """Carried out and rolled back, so that it is what will follow."""
    with ask.desk.database.read() as session:
        deeds.entry_of(session, ask.actor, "item", ask.path["number"], ask.now, ask.today)
    done = resolve.preview(ask.desk.database, ask.path["number"], _word(ask), ask.desk.settings, ask.now)
    return effects_told(done.effects)


def decide(ask: Ask) -> values.Done:
    entry = _entry(ask, "item")
    return effects_told(deeds.decide(ask.session, entry.id, _word(ask), ask.desk.settings, ask.now))


def end_disputes(ask: Ask) -> values.Done:
    entry = _entry(ask, "item")
    ending = DisputeState(ask.body.verdict)
    return effects_told(deeds.end_disputes(ask.session, entry.id, ending, ask.actor.name, ask.desk.settings, ask.now))


def dismiss(ask: Ask) -> values.Done:
    entry = _entry(ask, "item")
    return effects_told(deeds.dismiss(ask.session, entry.id, ask.body.reason, ask.actor.name, ask.now))


def finish_task(ask: Ask) -> values.Done:
    entry = _entry(ask, "task")
    body: values.TaskOutcome = ask.body
    told = body.outcome.replace("_", " ") + (f": {body.text}" if body.text else "")
    word = deeds.TaskWord(body.outcome, told, body.text, body.promise_date, body.dispute_reason)
    return effects_told(deeds.finish_task(ask.session, entry.id, word, ask.actor.name, ask.desk.settings, ask.now))


def approve_one(ask: Ask) -> values.Done:
    entry = _entry(ask, "approval")
    approve.approve(ask.session, entry.id, ask.actor.name, ask.now)
    return _one_effect("approved", f"reminder {entry.id} goes out")


def skip_one(ask: Ask) -> values.Done:
    entry = _entry(ask, "approval")
    approve.skip(ask.session, entry.id, ask.actor.name, ask.body.reason[:500], ask.now)
    return _one_effect("skipped", f"reminder {entry.id} is left out")


def _one_effect(code: str, sentence: str) -> values.Done:
    return values.Done(effects=(values.Effect(code=code, sentence=sentence),))


def undo(ask: Ask) -> values.Undone:
    """Take back what this token did last."""
    back = taking_back.undo_last(ask.session, ask.actor.name, ask.now)
    return values.Undone(kind=back.kind, id=back.id, effects=effects_told(back.effects).effects)


# --- answers ---------------------------------------------------------------------------------------------------------


def drafts(ask: Ask) -> values.Drafts:
    entry = _entry(ask, "item")
    found = answers.drafts(ask.session, entry.id, ask.desk.settings, ask.actor.name)
    shown: list[Any] = [values.Draft.model_validate(one) for one in found]
    return values.Drafts(drafts=tuple(shown))


def answer(ask: Ask) -> values.Sent:
    """The Idempotency-Key is what makes the mail the same mail: its Message-ID is made from it."""
    entry = _entry(ask, "item")
    body: values.AnswerText = ask.body
    nonce = hashlib.sha256(f"{ask.actor.name}\n{ask.key}".encode()).hexdigest()
    wish = answers.Wish(entry.id, body.subject, body.text, body.attach, nonce, ask.actor.name)
    sent = answers.put(ask.session, ask.desk.database, ask.desk.settings, wish, ask.now)
    return values.Sent.model_validate(sent)
