"""What goes along with a mail: the invoices' PDFs and the statement of account, as the step asks for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.reminders.compose import Enclosed
from agent.reminders.letter_values import Attachment
from agent.reminders.loading import heads_of
from agent.reminders.paper import as_pdf
from agent.reminders.schedule import local_day
from agent.reminders.statement import compose_statement
from agent.reminders.templates import catalogue_for
from agent.reminders.values import CustomerView
from config import Settings
from config.plans import Step
from models import Blob, Document


def enclosed_with(
    session: Session,
    settings: Settings,
    customer: CustomerView,
    step: Step,
    invoices: Collection[int],
    environment: Environment,
    now: datetime,
) -> Enclosed:
    """What ``step`` sends along for these invoices. Raises LetterError where the statement can't be written."""
    return Enclosed(
        copies=copies_of(session, invoices) if step.attach_invoice else {},
        statement=statement_for(session, settings, customer, environment, now) if step.attach_statement else None,
    )


def copies_of(session: Session, invoices: Collection[int]) -> dict[int, list[Attachment]]:
    """The PDFs of invoices, by the invoices' ids; one that has none is left out."""
    found: dict[int, list[Attachment]] = {}
    query = (
        select(Document, Blob)
        .join(Blob, Blob.sha256 == Document.sha256)
        .where(Document.invoice_id.in_(invoices), Document.kind == "invoice")
        .order_by(Document.id)
    )
    for document, kept in session.execute(query):
        attachment = Attachment(document.filename, document.content_type, kept.content)
        found.setdefault(document.invoice_id, []).append(attachment)
    return found


def statement_for(
    session: Session, settings: Settings, customer: CustomerView, environment: Environment, now: datetime
) -> Attachment:
    """The statement of account as a PDF. Raises LetterError where nothing is open, or it can't be written."""
    at = now.astimezone(settings.zone)
    paper = compose_statement(customer, heads_of(session, settings, customer), environment, at)
    name = catalogue_for(environment, customer.language).phrases["statement_file"]
    return Attachment(f"{name}-{local_day(now, customer.timezone)}.pdf", "application/pdf", as_pdf(paper))
