"""From what the rooms show to what programs get. Pure."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic_core import to_jsonable_python

from agent.ledger.overview import InvoiceShown
from agent.replies.word import Effect
from agent.review import conversation, story
from agent.review.api import told
from agent.review.values import Entry


def entry_told(entry: Entry) -> told.Entry:
    suggested, confidence = entry.suggested if entry.suggested is not None else (None, None)
    return told.Entry(
        kind=entry.kind, id=entry.id, reason=entry.reason, state=entry.state, customer=entry.customer_id,
        customer_name=entry.customer_name, invoices=entry.invoices, owed=entry.owed, days_late=entry.days_late,
        priority=entry.key.priority, assignee=entry.assignee, due=entry.due_at, created_at=entry.created_at,
        snoozed_until=entry.snoozed_until, detail=entry.detail, subject=entry.subject, sender=entry.sender,
        suggested=suggested, confidence=round(confidence, 4) if confidence is not None else None, holds=entry.holds,
    )  # fmt: skip


def invoice_told(shown: InvoiceShown) -> told.Invoice:
    return told.Invoice.model_validate({**asdict(shown), **_jsonable(shown)})


def _jsonable(shown: InvoiceShown) -> dict[str, Any]:
    parts = {"hold": shown.hold, "last_reminder": shown.last_reminder, "next_step": shown.next_step}
    return {name: to_jsonable_python(asdict(part)) if part is not None else None for name, part in parts.items()}


def mail_told(mail: conversation.Mail) -> told.Mail:
    return told.Mail(
        id=mail.id, message_id=mail.message_id, is_ours=mail.is_ours, kind=mail.kind, at=mail.at, sender=mail.sender,
        recipients=mail.recipients, subject=mail.subject, text="".join(part.text for part in mail.text),
        quoted=mail.quoted, attachments=tuple(one.filename or "" for one in mail.attachments), proof=mail.proof,
    )  # fmt: skip


def effects_told(effects: Iterable[Effect]) -> told.Done:
    return told.Done(effects=tuple(told.Effect.model_validate(one) for one in effects))


def moment_told(moment: story.Moment) -> told.Moment:
    return told.Moment(
        at=moment.at, code=moment.code, invoice=moment.invoice, by=moment.by, text=moment.text,
        values=to_jsonable_python(moment.values),
    )  # fmt: skip
