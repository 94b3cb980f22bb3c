"""Letters of the plan as a person asks for them: the task's invoices as they stand now, composed, kept, handed out.

Every letter that was composed is kept with its hash as a document of each invoice that it names, so that what was sent
can be shown later; composing it again on another day makes another one. Nothing here sends anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.reminders import loading
from agent.reminders.charges import Charges, charges_on
from agent.reminders.compose import bank_of, charge_rules, signatory_of
from agent.reminders.credit_notes import credits_off
from agent.reminders.enclose import enclosed_with
from agent.reminders.letter_values import Attachment, LetterError
from agent.reminders.notice import Notice, compose_notice
from agent.reminders.paper import as_pdf
from agent.reminders.rules import invoice_hindrance, is_owed
from agent.reminders.schedule import local_day
from agent.reminders.templates import mail_environment
from agent.reminders.values import CustomerView, InvoiceView
from config import Settings
from config.errors import NeedsPerson
from config.law import UnknownLaw
from config.plans import Channel, Step, load_plans
from models import Document, Reminder, Task, blob, events
from models.reasons import TaskKind
from models.states import TaskState


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter as a file."""

    filename: str
    pdf: bytes
    sha256: str
    invoices: tuple[str, ...]
    enclosures: tuple[Attachment, ...] = ()
    """What the step sends along: the invoices' PDFs, the statement of account."""
    without_copy: tuple[str, ...] = ()
    """Invoices whose copies the step asks for and relance does not have."""
    notes: tuple[str, ...] = ()
    """What must be checked before it is sent: rates of late payment that are not certain."""


def compose_letter(session: Session, settings: Settings, task_id: int, by: str, now: datetime) -> Composed:
    """The letter that a task asks for, kept with its hash.

    Raises:
        NeedsPerson: there is no such task, nothing of it may be asked for any more, or the letter can't be written.
    """
    task = session.get(Task, task_id)
    if task is None or task.kind is not TaskKind.LETTER or task.state is not TaskState.OPEN:
        raise NeedsPerson(f"task {task_id} asks for no letter; `relance tasks` lists those that do")
    views = loading.customer_views(session, settings, now, [task.customer_id])
    asked = _asked(task, views[0]) if views else ()
    if not asked:
        raise NeedsPerson(f"nothing that task {task_id} is about may be asked for now: it was paid, answered or held")
    if views[0].insolvent_since is not None:
        raise NeedsPerson(f"{task.customer_id} is insolvent: declare the claim instead, no letter may be sent")
    step = _step(session, settings, task)
    notice = _notice(session, settings, views[0], asked, step, now)
    environment = mail_environment(settings.root)
    pdf = as_pdf(compose_notice(notice, environment))
    filename = f"{step.template}-{re.sub(r'[^A-Za-z0-9_-]+', '_', task.customer_id)}-{notice.at.date()}.pdf"
    enclosed = enclosed_with(session, settings, views[0], step, [i.id for i in asked], environment, now)
    composed = Composed(
        filename, pdf, "", tuple(i.number for i in asked), enclosed.files([i.id for i in asked]),
        tuple(i.number for i in asked if step.attach_invoice and not enclosed.copies.get(i.id)),
        notice.charges.notes if notice.charges is not None else (),
    )  # fmt: skip
    return _kept(session, asked, composed, by, now)


def kept(session: Session, letter: Composed) -> Document:
    """The document as which a composed letter is kept with the first of its invoices."""
    query = select(Document).where(Document.sha256 == letter.sha256, Document.kind == "letter")
    return session.scalars(query.order_by(Document.id).limit(1)).one()


def _asked(task: Task, customer: CustomerView) -> tuple[InvoiceView, ...]:
    ids = {link.invoice_id for link in task.links}
    found = [i for i in customer.invoices if i.id in ids and is_owed(i) and invoice_hindrance(i, customer) is None]
    return tuple(sorted(found, key=lambda i: (i.due_date, i.number)))


def _step(session: Session, settings: Settings, task: Task) -> Step:
    """The step of the plan that made the task; of a plan that has changed since, the formal notice."""
    reminder = session.get(Reminder, task.reminder_id) if task.reminder_id is not None else None
    plan = load_plans(settings).get(reminder.plan) if reminder is not None else None
    steps = [step for step in plan.steps if step.channel is Channel.LETTER] if plan is not None else []
    named = [step for step in steps if reminder is not None and step.name == reminder.step]
    return next(iter(named or steps), Step("formal_notice", 0, Channel.LETTER, "formal_notice", "formal", 9))


def _notice(
    session: Session,
    settings: Settings,
    view: CustomerView,
    asked: tuple[InvoiceView, ...],
    step: Step,
    now: datetime,
) -> Notice:
    heads = loading.heads_of(session, settings, view)
    at = now.astimezone(settings.zone)
    currency = asked[0].currency
    return Notice(
        company=heads.company,
        registration=heads.registration,
        city="",
        customer=heads.customer,
        language=view.language,
        template=step.template,
        currency=currency,
        invoices=asked,
        credits=credits_off(view, currency, {i.id for i in asked}, local_day(now, view.timezone)),
        charges=_charges(settings, asked, step, at),
        bank=bank_of(settings),
        signatory=signatory_of(settings),
        deadline=at.date() + timedelta(days=settings.reminders.notice_days),
        at=at,
    )


def _charges(settings: Settings, asked: tuple[InvoiceView, ...], step: Step, at: datetime) -> Charges | None:
    if step.charges != "claimed":
        return None
    try:
        return charges_on(asked, local_day(at, settings.zone), charge_rules(settings), is_claimed=True)
    except UnknownLaw as error:
        raise LetterError(f"the charges of this letter can't be computed: {error}") from error


def _kept(session: Session, asked: tuple[InvoiceView, ...], letter: Composed, by: str, now: datetime) -> Composed:
    sha256 = blob.keep(session, letter.pdf)
    for invoice in asked:
        query = select(Document.id).where(Document.invoice_id == invoice.id, Document.sha256 == sha256)
        if session.scalar(query) is None:
            row = Document(
                invoice_id=invoice.id, kind="letter", filename=letter.filename, content_type="application/pdf",
                sha256=sha256, added_at=now, added_by=by,
            )  # fmt: skip
            session.add(row)
            session.flush()
            events.record(session, "letter.composed", row, actor=by, at=now, sha256=sha256, invoice=invoice.id)
    return replace(letter, sha256=sha256)
