"""The work list by API: the same selections, views and deeds as the pages'."""

from __future__ import annotations

from sqlalchemy import select

from agent.ledger import overview
from agent.replies import store
from agent.review import bulk, conversation, deeds, item, taking_back, views, worklist
from agent.review.api import given, problems, told
from agent.review.api.frame import Ask
from agent.review.api.problems import Problem
from agent.review.api.shown import effects_told, entry_told, invoice_told, mail_told
from agent.review.days import morning
from agent.review.values import Entry, Key, Selection
from models import Delivery, Message, Reminder, SavedView, Task


def work(ask: Ask) -> told.WorkPage:
    query: given.WorkQuery = ask.query
    found = worklist.page(
        ask.session, _selection(ask), ask.actor.name, ask.now, ask.today, Key.parse(query.after), query.limit
    )
    return told.WorkPage(
        entries=tuple(entry_told(one) for one in found.entries),
        next=str(found.next) if found.next is not None else None,
    )


def counts(ask: Ask) -> told.Counts:
    found = worklist.counts(ask.session, _selection(ask), ask.actor.name, ask.now)
    return told.Counts(counts=found, total=sum(found.values()))


def _selection(ask: Ask) -> Selection:
    return _selected(ask.query, ask.actor.only_of)


def _selected(chosen: given.Selected, only_of: str | None) -> Selection:
    return Selection(
        reason=chosen.reason, whose=chosen.whose, text=chosen.text.strip(), segment=chosen.segment,
        asleep=chosen.asleep, only_of=only_of,
    )  # fmt: skip


def entry_of(ask: Ask, kind: str | None = None) -> Entry:
    return deeds.entry_of(ask.session, ask.actor, kind or str(ask.path["kind"]), ask.path["number"], ask.now, ask.today)


def one_item(ask: Ask) -> told.Item:
    entry = entry_of(ask, "item")
    view = item.view(ask.session, entry.id, ask.desk.settings, ask.now)
    return told.Item(
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


def one_task(ask: Ask) -> told.Task:
    entry = entry_of(ask, "task")
    task = ask.session.get_one(Task, entry.id)
    message = ask.session.get(Message, task.message_id) if task.message_id is not None else None
    prediction = store.prediction_of(ask.session, message.id) if message is not None else None
    mails = conversation.conversation(ask.session, message, task.customer_id)
    return told.Task(
        entry=entry_told(entry), kind=task.kind.value, due_on=task.due_on, outcome=task.outcome, done_by=task.done_by,
        done_at=task.done_at, invoices=_invoices(ask, entry), mails=tuple(mail_told(one) for one in mails),
        prediction=prediction.as_json() if prediction is not None else None,
    )  # fmt: skip


def one_approval(ask: Ask) -> told.Approval:
    entry = entry_of(ask, "approval")
    reminder = ask.session.get_one(Reminder, entry.id)
    delivery = ask.session.scalar(select(Delivery).where(Delivery.reminder_id == reminder.id))
    mail = conversation.mail_of(ask.session, delivery.message) if delivery is not None else None
    return told.Approval(
        entry=entry_told(entry), step=reminder.step, approval=reminder.approval, approved_by=reminder.approved_by,
        edited_by=reminder.edited_by, seen=delivery.message.dkey if delivery is not None else None,
        recipient=delivery.recipient if delivery is not None else None,
        mail=mail_told(mail) if mail is not None else None, invoices=_invoices(ask, entry),
    )  # fmt: skip


def _invoices(ask: Ask, entry: Entry) -> tuple[told.Invoice, ...]:
    if not entry.invoices:
        return ()
    shown = overview.invoices(ask.session, ask.desk.settings, ask.now, entry.invoices)
    return tuple(invoice_told(one) for one in shown)


# --- who works on it -------------------------------------------------------------------------------------------------


def take(ask: Ask) -> told.Entry:
    return _assigned(ask, ask.actor.name, ask.body.over)


def give_back(ask: Ask) -> told.Entry:
    return _assigned(ask, None, ask.body.over)


def assign(ask: Ask) -> told.Entry:
    return _assigned(ask, ask.body.assignee, ask.body.over)


def _assigned(ask: Ask, to: str | None, over: str | None) -> told.Entry:
    entry = entry_of(ask)
    deeds.assign(ask.session, entry.kind, entry.id, to, ask.actor.name, ask.now, over=over)
    return _after(ask)


def snooze(ask: Ask) -> told.Entry:
    entry = entry_of(ask)
    until = morning(ask.body.until, ask.desk.settings.zone)
    deeds.snooze(ask.session, entry.kind, entry.id, until, ask.actor.name, ask.now)
    return _after(ask)


def _after(ask: Ask) -> told.Entry:
    """The entry as it is now, without a customer's words: what is answered to a write is kept for a day."""
    ask.session.flush()
    ask.session.expire_all()
    return entry_told(entry_of(ask)).model_copy(update={"subject": None, "sender": None, "customer_name": None})


def undo(ask: Ask) -> told.Undone:
    """Take back what this token did last."""
    back = taking_back.undo_last(ask.session, ask.actor.name, ask.now)
    return told.Undone(kind=back.kind, id=back.id, effects=effects_told(back.effects).effects)


# --- several at once -------------------------------------------------------------------------------------------------


def several(ask: Ask) -> told.BulkDone:
    """Each entry by itself: one that is refused keeps none of the others."""
    body: given.Bulk = ask.body
    missing = {"assign": body.assignee, "snooze": body.until}.get(body.do, "")
    if missing is None:
        name = "assignee" if body.do == "assign" else "until"
        raise Problem(422, errors=[{"at": f"body.{name}", "detail": f"is needed to {body.do}"}])
    until = morning(body.until, ask.desk.settings.zone) if body.until is not None else None
    what = bulk.deed(
        body.do, ask.actor, ask.desk.settings, ask.now, assignee=body.assignee or "", until=until
    )  # fmt: skip
    picks = [(one.kind, one.number) for one in body.entries]
    outcome = bulk.carry_out(ask.desk.database, ask.actor, picks, what, ask.now, ask.today)
    return told.BulkDone(
        done=tuple(told.Pick(kind=deeds.known_kind(kind), number=number) for kind, number in outcome.done),
        refused=tuple(_refused(one) for one in outcome.refused),
    )


def _refused(one: bulk.Refused) -> told.Refused:
    kind, number = one.pick
    problem = problems.of_error(one.error)
    return told.Refused(
        kind=deeds.known_kind(kind), number=number, status=problem.status, detail=problem.detail, by=problem.by
    )  # fmt: skip


# --- saved views -----------------------------------------------------------------------------------------------------


def kept_views(ask: Ask) -> told.Views:
    return told.Views(views=tuple(_view(row) for row in views.of(ask.session, ask.actor.name)))


def keep_view(ask: Ask) -> told.View:
    """A view of that name is changed."""
    body: given.NewView = ask.body
    return _view(views.save(ask.session, ask.actor.name, body.name, _selected(body, None), ask.now))


def forget_view(ask: Ask) -> told.Views:
    number = int(ask.path["number"])
    if not views.forget(ask.session, ask.actor.name, number):
        raise Problem(404, f"{ask.actor.name} has no view {number}")
    return kept_views(ask)


def _view(row: SavedView) -> told.View:
    return told.View(id=row.id, name=row.name, **views.selection_of(row).as_json())
