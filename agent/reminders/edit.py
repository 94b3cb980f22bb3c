"""A waiting mail in a person's own words: shown as it would leave, composed anew with what the person wrote.

The list of invoices, the account to pay to and the answers by one click stay relance's: in the text they are one line,
``[table]``. Every figure in the person's words is checked against the ledger like the template's, and the mail goes on
waiting for a word. Once anything that it says has changed, it lapses with the words in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.reminders import approve, decide, loading, schedule
from agent.reminders.compose import letter_of
from agent.reminders.enclose import enclosed_with
from agent.reminders.letter import Draft, compose
from agent.reminders.letter_values import Letter, Words
from agent.reminders.render import words_of
from agent.reminders.templates import mail_environment
from agent.reminders.values import PlannedReminder
from config import Settings
from config.errors import NeedsPerson
from config.plans import Channel
from models import Database, Delivery, Reminder, blob, events
from models.events import RELANCE


@dataclass(frozen=True, slots=True)
class Edited:
    """What a person makes of a waiting mail; ``None`` leaves subject or text as it is."""

    reminder: int
    subject: str | None
    text: str | None
    by: str


def words(session: Session, database: Database, settings: Settings, reminder_id: int, now: datetime) -> Words:
    """Subject and text of a waiting mail as a person edits them. Raises as `edit`."""
    return words_of(*_letter(session, database, settings, approve.waiting_one(session, reminder_id), now))


def edit(session: Session, database: Database, settings: Settings, edited: Edited, now: datetime) -> None:
    """Compose a waiting mail anew in a person's words; it goes on waiting for a word.

    Raises:
        NeedsPerson: it does not wait, or what it says is no longer true (the next planning takes it back then).
        LetterError: the words hold a figure that is none of this letter's, a character that is not to be seen, or not
            exactly one line ``[table]``.
    """
    reminder = approve.waiting_one(session, edited.reminder)
    letter, environment = _letter(session, database, settings, reminder, now)
    before = words_of(letter, environment)
    # A subject that was left as it is goes on being the conversation's.
    keeps_subject = edited.subject is None or edited.subject.strip() == before.subject
    written = Words(
        subject=reminder.edited_subject if keeps_subject else (edited.subject or "").strip(),
        text=before.text if edited.text is None else edited.text.replace("\r\n", "\n").strip(),
    )
    draft = compose(replace(letter, words=written), environment)
    _put(session, reminder, draft, now)
    reminder.edited_subject, reminder.edited_text = written.subject, written.text
    reminder.edited_by, reminder.edited_at = edited.by, now
    events.record(session, "reminder.edited", reminder, actor=edited.by, at=now, digest=draft.digest)


def renew(session: Session, database: Database, settings: Settings, reminder: Reminder, now: datetime) -> bool:
    """Compose a mail that has not begun to leave anew as of today, in the words that it has; whether it was done.

    Interest that is claimed grows by the day: where somebody has given a word for its sum, that sum stays.

    Raises:
        NeedsPerson: something speaks against it now.
        LetterError: words of a person's own hold figures that are true no more.
    """
    letter, environment = _letter(session, database, settings, reminder, now)
    if reminder.approval == "approved" and letter.charges is not None and letter.charges.is_claimed:
        return False
    draft = compose(letter, environment)
    _put(session, reminder, draft, now)
    events.record(session, "reminder.renewed", reminder, actor=RELANCE, at=now, digest=draft.digest)
    return True


def _put(session: Session, reminder: Reminder, draft: Draft, now: datetime) -> None:
    """These bytes in the place of the ones that were frozen before; the Message-ID is the same."""
    message = session.scalars(select(Delivery).where(Delivery.reminder_id == reminder.id)).one().message
    message.blob_sha256, message.dkey, message.size = blob.keep(session, draft.raw), draft.digest, len(draft.raw)
    message.subject, message.received_at = draft.subject, now


def _letter(
    session: Session, database: Database, settings: Settings, reminder: Reminder, now: datetime
) -> tuple[Letter, Environment]:
    """The letter of a waiting mail as it would be composed now, with the words that were edited before."""
    delivery = session.scalars(select(Delivery).where(Delivery.reminder_id == reminder.id).with_for_update()).one()
    planned = _as_planned(session, database, settings, reminder, delivery, now)
    environment = mail_environment(settings.root)
    ids = [line.invoice.id for line in planned.lines]
    enclosed = enclosed_with(session, settings, planned.customer, planned.step, ids, environment, now)
    mailbox = settings.mailbox[delivery.mailbox]
    edited = Words(reminder.edited_subject, reminder.edited_text) if reminder.edited_text is not None else None
    return letter_of(planned, settings, mailbox, database.key.secret, enclosed, now, edited), environment


def _as_planned(
    session: Session, database: Database, settings: Settings, reminder: Reminder, delivery: Delivery, now: datetime
) -> PlannedReminder:
    """The same reminder, planned again as of the customer's next hour for mails: people edit in the evening too."""
    views = loading.customer_views(session, settings, now, [reminder.customer_id], ignoring_delivery=delivery.id)
    planning = loading.plan_settings(settings)
    ledger = loading.ledger_view(session, settings, database)
    found: list[PlannedReminder] = []
    for view in views:
        at = schedule.opening(now, view, Channel.MAIL, planning)
        found += decide.plan_customer(view, loading.as_if_imported(ledger, now, at), planning, at).reminders
    same = next((r for r in found if decide.said_by(r) == reminder.said), None)
    if same is None:
        raise NeedsPerson(
            f"reminder {reminder.id} can't be composed anew now: `relance plan` says what stands against it"
        )
    return replace(same, cycle=reminder.cycle)
