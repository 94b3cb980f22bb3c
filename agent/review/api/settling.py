"""Entries of the work list settled by API: decided, answered, audited, done, edited, approved."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from agent.reminders import edit, letters
from agent.replies import previewing
from agent.replies.word import Done, Effect, Word
from agent.review import answers, auditing, deeds
from agent.review.api import given, told
from agent.review.api.frame import Ask
from agent.review.api.shown import effects_told
from agent.review.api.work import entry_of
from models.states import DisputeState


def _word(ask: Ask) -> Word:
    body: given.Decision = ask.body
    return Word(
        by=ask.actor.name, intent=body.intent, per_invoice=dict(body.per_invoice) if body.per_invoice else None,
        promise_date=body.promise_date, dispute_reason=body.dispute_reason, delivery=body.delivery,
        other_reason=body.other_reason, wrong_contact=body.wrong_contact, new_contact=body.new_contact,
    )  # fmt: skip


def preview(ask: Ask) -> told.Done:
    """Carried out and rolled back, so that it is what will follow."""
    with ask.desk.database.read() as session:
        deeds.entry_of(session, ask.actor, "item", ask.path["number"], ask.now, ask.today)
    done = previewing.preview(ask.desk.database, ask.path["number"], _word(ask), ask.desk.settings, ask.now)
    return effects_told(done.effects)


def decide(ask: Ask) -> told.Done:
    entry = entry_of(ask, "item")
    return effects_told(deeds.decide(ask.session, entry.id, _word(ask), ask.desk.settings, ask.now))


def end_disputes(ask: Ask) -> told.Done:
    entry = entry_of(ask, "item")
    ending = DisputeState(ask.body.verdict)
    return effects_told(deeds.end_disputes(ask.session, entry.id, ending, ask.actor.name, ask.desk.settings, ask.now))


def dismiss(ask: Ask) -> told.Done:
    entry = entry_of(ask, "item")
    return effects_told(deeds.dismiss(ask.session, entry.id, ask.body.reason, ask.actor.name, ask.now))


def finish_task(ask: Ask) -> told.Done:
    entry = entry_of(ask, "task")
    word = _task_word(ask)
    return effects_told(deeds.finish_task(ask.session, entry.id, word, ask.actor.name, ask.desk.settings, ask.now))


def preview_task(ask: Ask) -> told.Done:
    """What would follow from what came of a task: carried out and rolled back."""
    number, desk = int(ask.path["number"]), ask.desk
    with desk.database.read() as session:
        deeds.entry_of(session, ask.actor, "task", number, ask.now, ask.today)
    word = _task_word(ask)
    return effects_told(deeds.preview_task(desk.database, number, word, ask.actor.name, desk.settings, ask.now))


def _task_word(ask: Ask) -> deeds.TaskWord:
    body: given.TaskOutcome = ask.body
    said = body.outcome.replace("_", " ") + (f": {body.text}" if body.text else "")
    amount = Decimal(body.amount) if body.amount is not None else None
    return deeds.TaskWord(
        body.outcome, said, body.text, body.promise_date, body.dispute_reason, amount, body.new_contact
    )


def preview_audit(ask: Ask) -> told.Done:
    """What would follow from a word on an audited action: carried out and rolled back."""
    number = int(ask.path["number"])
    with ask.desk.database.read() as session:
        deeds.entry_of(session, ask.actor, "task", number, ask.now, ask.today)

    def judge(session: Session) -> Done:
        return auditing.judge(session, number, _word(ask), ask.desk.settings, ask.now)

    return effects_told(previewing.rolled_back(ask.desk.database, judge).effects)


def judge_audit(ask: Ask) -> told.Done:
    entry = entry_of(ask, "task")
    done = auditing.judge(ask.session, entry.id, _word(ask), ask.desk.settings, ask.now)
    return effects_told(done.effects)


def letter(ask: Ask) -> told.Letter:
    """Composed and kept; its bytes are a document of each of its invoices."""
    entry = entry_of(ask, "task")
    made = letters.compose_letter(ask.session, ask.desk.settings, entry.id, ask.actor.name, ask.now)
    row = letters.kept(ask.session, made)
    return told.Letter(
        filename=row.filename, sha256=made.sha256, invoices=made.invoices, document=row.id,
        enclosures=tuple(one.filename for one in made.enclosures), without_copy=made.without_copy, notes=made.notes,
    )  # fmt: skip


# --- reminders that wait for a yes -----------------------------------------------------------------------------------


def words(ask: Ask) -> told.Words:
    """What a person would be shown to edit."""
    desk, number = ask.desk, int(ask.path["number"])
    with desk.database.write() as session:  # the row is locked: it may be edited elsewhere at this moment
        deeds.entry_of(session, ask.actor, "approval", number, ask.now, ask.today)
        found = edit.words(session, desk.database, desk.settings, number, ask.now)
        mark = deeds.seen_of(session, number).message.dkey
    return told.Words(subject=found.subject or "", text=found.text, seen=mark)


def edit_one(ask: Ask) -> told.Done:
    entry = entry_of(ask, "approval")
    body: given.Wording = ask.body
    edited = edit.Edited(entry.id, body.subject, body.text, ask.actor.name)
    deeds.edit_one(ask.session, ask.desk.database, ask.desk.settings, edited, body.seen, ask.now)
    return effects_told([Effect("edited", f"reminder {entry.id} waits in other words")])


def approve_one(ask: Ask) -> told.Done:
    entry = entry_of(ask, "approval")
    return effects_told(deeds.approve_one(ask.session, entry.id, ask.body.seen, ask.actor.name, ask.now))


def skip_one(ask: Ask) -> told.Done:
    entry = entry_of(ask, "approval")
    return effects_told(deeds.skip_one(ask.session, entry.id, ask.body.reason, ask.actor.name, ask.now))


# --- answers ---------------------------------------------------------------------------------------------------------


def drafts(ask: Ask) -> told.Drafts:
    entry = entry_of(ask, "item")
    found = answers.drafts(ask.session, entry.id, ask.desk.settings, ask.actor.name)
    shown: list[Any] = [told.Draft.model_validate(one) for one in found]
    return told.Drafts(drafts=tuple(shown))


def answer(ask: Ask) -> told.Sent:
    """The Idempotency-Key is what makes the mail the same mail: its Message-ID is made from it."""
    entry = entry_of(ask, "item")
    body: given.AnswerText = ask.body
    nonce = hashlib.sha256(f"{ask.actor.name}\n{ask.key}".encode()).hexdigest()
    wish = answers.Wish(entry.id, body.subject, body.text, body.attach, nonce, ask.actor.name)
    sent = answers.put(ask.session, ask.desk.database, ask.desk.settings, wish, ask.now)
    return told.Sent.model_validate(sent)
