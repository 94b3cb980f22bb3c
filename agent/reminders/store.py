"""Writes what was decided, and reads what leaves: reminders, their deliveries and tasks.

Every write is one transaction of the caller's, with the events in it. A state is moved by the house's transition table
only. What planning judges is loaded by `agent.reminders.loading`.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from agent.reminders.credit_notes import credits_off, told_elsewhere
from agent.reminders.decide import FrozenLine, FrozenMail, said_by
from agent.reminders.letter import Draft
from agent.reminders.schedule import local_day
from agent.reminders.values import PlannedLine, PlannedReminder
from config.plans import Channel
from models import (
    Blob,
    Delivery,
    Document,
    Invoice,
    Message,
    Reminder,
    ReminderLine,
    Task,
    TaskLink,
    Thread,
    blob,
    events,
    transitions,
)
from models.events import RELANCE
from models.message import Direction
from models.reasons import TaskKind
from models.states import DeliveryState, InvoiceState, TaskState

TASK_OF: Mapping[Channel, TaskKind] = {
    Channel.CALL: TaskKind.CALL,
    Channel.LETTER: TaskKind.LETTER,
    Channel.HAND_OVER: TaskKind.HAND_OVER,
}


def reserve(
    session: Session,
    planned: PlannedReminder,
    now: datetime,
    *,
    approval: str,
    mailbox: str | None = None,
    draft: Draft | None = None,
    without_copy: Collection[str] = (),
    not_before: datetime | None = None,
) -> Reminder:
    """Write a planned reminder: its lines, and for a mail the frozen bytes and the delivery, for the rest the task.

    A letter that still waits on the work list, and of which nothing was composed yet, takes the further invoices up: a
    customer gets one letter for all that has come to that step, as it gets one mail.

    Raises IntegrityError where another planner made the same one first.
    """
    if planned.step.channel is Channel.LETTER and (waiting := _letter_that_waits(session, planned)) is not None:
        return _join(session, waiting, planned, now)
    reminder = Reminder(
        customer_id=planned.customer.id,
        currency=planned.currency,
        plan=planned.plan,
        plan_version=planned.plan_version,
        step=planned.step.name,
        cycle=planned.cycle,
        channel=planned.step.channel.value,
        level=planned.step.level,
        mailbox=mailbox,
        due_on=local_day(planned.due_at, planned.customer.timezone),
        created_at=now,
        approval=approval,
        approver=planned.customer.account_manager if planned.step.approval == "sales_owner" else None,
        said=said_by(planned),
        lines=_lines(planned),
    )
    session.add(reminder)
    session.flush()
    if draft is not None and mailbox is not None:
        _add_delivery(session, reminder, planned, draft, mailbox, now, not_before or now)
    else:
        _add_task(session, reminder, planned, now)
    numbers = [line.invoice.number for line in planned.lines]
    events.record(
        session, "reminder.reserved", reminder, actor=RELANCE, at=now,
        step=reminder.step, cycle=reminder.cycle, plan=f"{reminder.plan}/{reminder.plan_version}", invoices=numbers,
        approval=approval, because=planned.because, segment=planned.customer.segment,
        message_id=draft.message_id if draft else None, digest=draft.digest if draft else None,
        without_copy=list(without_copy),
    )  # fmt: skip
    return reminder


def _lines(planned: PlannedReminder) -> list[ReminderLine]:
    return [
        ReminderLine(
            invoice_id=line.invoice.id, step=line.step, cycle=line.invoice.cycle, balance=line.invoice.balance,
            days_late=line.days_late,
        )
        for line in planned.lines
    ]  # fmt: skip


def _letter_that_waits(session: Session, planned: PlannedReminder) -> Task | None:
    """The open task for the same letter to the same customer, as long as nobody has it on paper."""
    written = (
        select(Document.id)
        .join(TaskLink, TaskLink.invoice_id == Document.invoice_id)
        .where(TaskLink.task_id == Task.id, Document.kind == "letter", Document.added_at >= Task.created_at)
    )
    query = (
        select(Task)
        .join(Reminder, Reminder.id == Task.reminder_id)
        .where(
            Reminder.customer_id == planned.customer.id,
            Reminder.currency == planned.currency,
            Reminder.plan == planned.plan,
            Reminder.step == planned.step.name,
            Reminder.voided_at.is_(None),
            Task.kind == TaskKind.LETTER,
            Task.state == TaskState.OPEN,
            ~written.exists(),
        )
        .order_by(Task.id)
        .limit(1)
        .with_for_update(of=Task)
    )
    return session.scalars(query).first()


def _join(session: Session, task: Task, planned: PlannedReminder, now: datetime) -> Reminder:
    reminder = session.get_one(Reminder, task.reminder_id)
    whole = _with_before(planned, {link.invoice_id for link in task.links}, now)
    reminder.lines += _lines(planned)
    task.links += [TaskLink(invoice_id=line.invoice.id) for line in planned.lines]
    task.detail = _asked_for(whole)[:512]
    numbers = [line.invoice.number for line in planned.lines]
    events.record(session, "reminder.joined", reminder, actor=RELANCE, at=now, task=task.id, invoices=numbers)
    return reminder


def _add_delivery(
    session: Session,
    reminder: Reminder,
    planned: PlannedReminder,
    draft: Draft,
    mailbox: str,
    now: datetime,
    not_before: datetime,
) -> None:
    thread = planned.customer.threads.get(planned.currency)
    thread_id = thread.id if thread is not None else None
    if thread_id is None:
        row = Thread(
            customer_id=reminder.customer_id,
            currency=reminder.currency,
            root_message_id=draft.message_id,
            created_at=now,
        )
        session.add(row)
        session.flush()
        thread_id = row.id
    # A database restored from a backup plans again what left after the backup was made. The same reminder has the same
    # Message-ID for ever, so it is recognised in what was read of Sent, booked as it lies there, and not sent again.
    query = select(Message).where(Message.message_id == draft.message_id).order_by(Message.id).limit(1)
    left_before = session.scalars(query).first()
    message = left_before or Message(
        dkey=draft.digest,
        direction=Direction.OUT,
        mailbox=mailbox,
        message_id=draft.message_id,
        blob_sha256=blob.keep(session, draft.raw),
        size=len(draft.raw),
        received_at=now,
        subject=draft.subject,
        created_at=now,
    )
    message.thread_id, message.customer_id = thread_id, reminder.customer_id
    session.add(message)
    session.flush()
    delivery = Delivery(
        message_id=message.id,
        reminder_id=reminder.id,
        customer_id=reminder.customer_id,
        mailbox=mailbox,
        recipient=draft.recipient,
        copies=list(draft.copies),
        not_before=not_before,
        created_at=now,
    )
    if left_before is not None:
        delivery.state, delivery.settled_by = DeliveryState.SENT, "sent_folder"
        delivery.sent_at = delivery.entered_sending_at = delivery.filed_at = left_before.received_at
    session.add(delivery)
    session.flush()
    if left_before is not None:
        events.record(session, "delivery.sent", delivery, actor=RELANCE, at=now, reason="found in Sent")
        mark_reminded(session, reminder, now)


def _add_task(session: Session, reminder: Reminder, planned: PlannedReminder, now: datetime) -> None:
    task = Task(
        key=f"reminder:{reminder.id}",
        kind=TASK_OF[planned.step.channel],
        customer_id=reminder.customer_id,
        reminder_id=reminder.id,
        detail=_asked_for(planned)[:512],
        due_on=reminder.due_on,
        created_at=now,
        links=[TaskLink(invoice_id=line.invoice.id) for line in planned.lines],
    )
    session.add(task)
    events.record(session, "task.open", task, actor=RELANCE, at=now, kind=task.kind.value)


def _with_before(planned: PlannedReminder, before: Collection[int], now: datetime) -> PlannedReminder:
    """The reminder with the invoices that its letter was about already, and with the credits that reach all of them."""
    customer, currency = planned.customer, planned.currency
    today = local_day(now, customer.timezone)
    known = [i for i in customer.invoices if i.id in before and i.id not in {x.invoice.id for x in planned.lines}]
    lines = (*planned.lines, *(PlannedLine(i, planned.step.name, (today - i.due_date).days) for i in known))
    taken = credits_off(customer, currency, {line.invoice.id for line in lines}, today)
    mine = told_elsewhere(customer, currency, planned.credits)
    notes = (*(note for note in planned.notes if note not in mine), *told_elsewhere(customer, currency, taken))
    return replace(planned, lines=lines, credits=taken, notes=notes)


def _asked_for(planned: PlannedReminder) -> str:
    """What a task is about, in a sentence."""
    money = f"{planned.total} {planned.currency} open"
    less = f", {planned.to_pay} less credits" if planned.to_pay != planned.total else ""
    return "; ".join([f"step {planned.step.name} of plan {planned.plan}: {money}{less}", *planned.notes])


def void(session: Session, reminder: Reminder, now: datetime) -> None:
    """Free the lines of a reminder that did not go out, so that the plan may carry the step out again."""
    reminder.voided_at = now
    for line in reminder.lines:
        line.voided = True
    session.flush()


def mark_reminded(session: Session, reminder: Reminder, now: datetime) -> None:
    """The mail left: its invoices are `reminded`."""
    for line in reminder.lines:
        invoice = session.get_one(Invoice, line.invoice_id, with_for_update=True)
        if invoice.state in (InvoiceState.OPEN, InvoiceState.BROKEN):
            transitions.move(
                session, invoice, InvoiceState.REMINDED, actor=RELANCE, reason=line.step, at=now,
                values={"state_at": now}, reminder=reminder.id,
            )  # fmt: skip


def is_due(mailbox: str, now: datetime) -> ColumnElement[bool]:
    """What may be tried now: nobody's in hand, and with a person's word where it needs one.

    For queries that join `Reminder` from outside: a mail that a person wrote has none.
    """
    return and_(
        Delivery.mailbox == mailbox,
        Delivery.state.in_((DeliveryState.RESERVED, DeliveryState.FAILED)),
        Delivery.not_before <= now,
        or_(Delivery.owner.is_(None), Delivery.lease_until < now),
        or_(Delivery.reminder_id.is_(None), Reminder.approval.in_(("not_needed", "approved"))),
    )


def waits_for_server(mailbox: str) -> ColumnElement[bool]:
    """What the server refused for good without a word on the mail itself: it waits until a person has mended that."""
    return and_(Delivery.mailbox == mailbox, Delivery.state == DeliveryState.FAILED, Delivery.first_failed_at.is_(None))


def claim_next(session: Session, mailbox: str, owner: str, now: datetime, lease_until: datetime) -> Delivery | None:
    """The next delivery that may be tried now, claimed for ``owner``; oldest first."""
    query = (
        select(Delivery)
        .join(Reminder, Reminder.id == Delivery.reminder_id, isouter=True)
        .where(is_due(mailbox, now))
        .order_by(Delivery.not_before, Delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    delivery = session.scalars(query).first()
    if delivery is not None:
        delivery.owner, delivery.lease_until = owner, lease_until
        session.flush()
    return delivery


def raw_of(session: Session, delivery: Delivery) -> bytes:
    """The frozen bytes of a delivery."""
    return session.get_one(Blob, delivery.message.blob_sha256).content


def frozen_mail(session: Session, delivery: Delivery) -> FrozenMail:
    """What a composed mail says, as the last look compares it with the ledger."""
    reminder = delivery.reminder
    lines = reminder.lines if reminder is not None else []
    numbers = dict(
        session.execute(select(Invoice.id, Invoice.number).where(Invoice.id.in_([x.invoice_id for x in lines]))).all()
    )
    return FrozenMail(
        currency=reminder.currency if reminder is not None else "",
        recipient=delivery.recipient,
        copies=tuple(delivery.copies),
        lines=tuple(FrozenLine(x.invoice_id, numbers[x.invoice_id], x.step, x.balance) for x in lines),
        said=reminder.said if reminder is not None else None,
    )
