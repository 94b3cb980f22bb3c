"""What goes out: approvals, today's plan, the next thirty days, what is left out and why, and the kill switch."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from starlette.responses import Response

from agent.ledger.overview import invoices as invoices_shown
from agent.reminders import edit
from agent.reminders.letter_values import LetterError, Words
from agent.review import deeds, outgoing, worklist
from agent.review.conversation import mail_of
from agent.review.priority import APPROVAL_URGENCY
from agent.review.rights import Right
from agent.review.values import Key, Selection
from agent.review.web.frame import Call, number_of
from agent.review.web.item_pages import go_on, place_of
from config.errors import NeedsPerson, RelanceError
from models import Customer, Delivery, Reminder

MOST_LEFT_OUT = 300
"""Invoices that are left out, and steps of one day, that the page lists."""


def outgoing_page(call: Call) -> Response:
    desk, only_of = call.desk, call.actor.only_of
    chosen = call.query.get("reason", "")
    found = desk.outgoing(only_of, call.now)
    with desk.database.read() as session:
        waiting = worklist.page(
            session, Selection(reason="approval", only_of=only_of), call.actor.name, call.now, call.today
        )
        stops = outgoing.stops(session)
    left_out = [left for left in found.left_out if not chosen or left.reason.value == chosen]
    return call.show(
        "outgoing.html.j2", found=found, waiting=waiting.entries, stops=stops,
        left_out=left_out[:MOST_LEFT_OUT], more=max(0, len(left_out) - MOST_LEFT_OUT), chosen=chosen,
    )  # fmt: skip


def calendar_piece(call: Call) -> Response:
    """The next thirty days, which come after the page: over a large ledger they take longer than today's plan."""
    ahead = call.desk.calendar(call.actor.only_of, call.now)
    return call.show("outgoing_calendar.html.j2", weeks=_weeks(call.today), ahead=ahead, most=MOST_LEFT_OUT)


def _weeks(today: date) -> list[date]:
    """The days of the calendar, whole weeks from Monday to Sunday."""
    begin = today - timedelta(days=today.weekday())
    end = today + timedelta(days=outgoing.DAYS - 1)
    return [begin + timedelta(days=one) for one in range((end - begin).days + 7 - end.weekday())]


def stop_all(call: Call) -> Response:
    reason = call.form.get("reason", "").strip()[:500]
    if not reason:
        raise NeedsPerson(call.say("outgoing.needs_reason"))
    with call.desk.database.write() as session:
        outgoing.stop_all(session, reason, call.actor.name, call.now)
    return call.go("/outgoing", call.say("outgoing.stopped_now"))


def resume_all(call: Call) -> Response:
    with call.desk.database.write() as session:
        outgoing.resume_all(session, call.actor.name, call.now)
    return call.go("/outgoing", call.say("outgoing.goes_on_now"))


# --- one reminder that waits for a yes -------------------------------------------------------------------------------


def approval_page(call: Call) -> Response:
    return _approval(call, number_of(call))


def _approval(call: Call, number: int, written: Words | None = None, wrong: str = "") -> Response:
    """The page of one; ``written`` and ``wrong``: words that were not taken, and why."""
    with call.desk.database.read() as session:
        entry = deeds.entry_of(session, call.actor, "approval", number, call.now, call.today)
        reminder = session.get_one(Reminder, number)
        delivery = session.scalar(select(Delivery).where(Delivery.reminder_id == reminder.id))
        customer = session.get_one(Customer, reminder.customer_id)
        mail = mail_of(session, delivery.message) if delivery is not None else None
        shown = invoices_shown(session, call.desk.settings, call.now, entry.invoices) if entry.invoices else []
    call.desk.presence.sign(entry.path, call.actor.name, call.now)
    can_edit = reminder.approval == "waiting" and call.actor.may(Right.APPROVE)
    words, hindrance = (written, "") if written or not can_edit else _words(call, number)
    return call.show(
        "approval.html.j2", status=422 if wrong else 200, words=words, wrong=wrong, hindrance=hindrance,
        entry=entry, reminder=reminder, delivery=delivery, customer=customer, mail=mail,
        invoices=shown, others=call.desk.presence.others(entry.path, call.actor.name, call.now),
        **place_of(call, entry),
    )  # fmt: skip


def _words(call: Call, number: int) -> tuple[Words | None, str]:
    """Subject and text of a waiting mail as a person may edit them; or why they can't be edited now."""
    try:
        with call.desk.database.write() as session:  # the row is locked: it may be edited elsewhere at this moment
            return edit.words(session, call.desk.database, call.desk.settings, number, call.now), ""
    except RelanceError as error:
        return None, call.tongue.error(error)


def edit_one(call: Call) -> Response:
    """Compose a waiting mail anew in a person's words; it goes on waiting. What can't be taken is shown in the form."""
    number = number_of(call)
    subject, text = call.form.get("subject", "")[:998], call.form.get("text", "")[:20_000]
    try:
        with call.desk.database.write() as session:
            deeds.entry_of(session, call.actor, "approval", number, call.now, call.today)
            written = edit.Edited(number, subject, text, call.actor.name)
            seen = call.form.get("seen")
            deeds.edit_one(session, call.desk.database, call.desk.settings, written, seen, call.now)
    except LetterError as error:
        return _approval(call, number, Words(subject, text), call.tongue.error(error))
    query = call.form.get("query", "")
    back = f"/work/approval/{number}" + (f"?{query}" if query else "")
    return call.go(back, call.say("approval.edited"))


def approve_one(call: Call) -> Response:
    number = number_of(call)
    with call.desk.database.write() as session:
        deeds.entry_of(session, call.actor, "approval", number, call.now, call.today)
        deeds.approve_one(session, number, call.form.get("seen"), call.actor.name, call.now)
    return go_on(call, Key(APPROVAL_URGENCY, "approval", number), call.say("approval.approved"), undo=True)


def skip_one(call: Call) -> Response:
    number = number_of(call)
    reason = call.form.get("reason", "").strip()[:500] or call.say("approval.no_reason")
    with call.desk.database.write() as session:
        deeds.entry_of(session, call.actor, "approval", number, call.now, call.today)
        deeds.skip_one(session, number, reason, call.actor.name, call.now)
    return go_on(call, Key(APPROVAL_URGENCY, "approval", number), call.say("approval.skipped"), undo=False)
