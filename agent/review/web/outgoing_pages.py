"""What goes out: approvals, today's plan, the next thirty days, what is left out and why, and the kill switch."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from starlette.responses import Response

from agent.ledger.overview import invoices as invoices_shown
from agent.reminders import approve
from agent.review import deeds, outgoing, worklist
from agent.review.conversation import mail_of
from agent.review.outgoing import Ahead, Outgoing
from agent.review.priority import APPROVAL_URGENCY
from agent.review.rights import Right, must
from agent.review.web.desk import Desk
from agent.review.web.frame import Call
from agent.review.web.item_pages import go_on, number_of, place_of
from agent.review.worklist import Key, Selection
from config.errors import NeedsPerson
from models import Customer, Delivery, Reminder

MOST_LEFT_OUT = 300
"""Invoices that are left out, and steps of one day, that the page lists."""


def outgoing_page(call: Call) -> Response:
    desk, only_of = call.desk, call.actor.only_of
    chosen = call.query.get("reason", "")
    found, ahead = desk.keeping.of(("outgoing", only_of), call.now, lambda: _ahead(desk, call.now, only_of))
    with desk.database.read() as session:
        waiting = worklist.page(
            session, Selection(reason="approval", only_of=only_of), call.actor.name, call.now, call.today
        )
        stops = outgoing.stops(session)
    left_out = [left for left in found.left_out if not chosen or left.reason.value == chosen]
    return call.show(
        "outgoing.html.j2", found=found, waiting=waiting.entries, weeks=_weeks(call.today), ahead=ahead, stops=stops,
        left_out=left_out[:MOST_LEFT_OUT], more=max(0, len(left_out) - MOST_LEFT_OUT), chosen=chosen,
        most=MOST_LEFT_OUT, last_day=call.today + timedelta(days=outgoing.DAYS - 1),
    )  # fmt: skip


def _ahead(desk: Desk, now: datetime, only_of: str | None) -> tuple[Outgoing, dict[date, list[Ahead]]]:
    """Today's plan and the next thirty days."""
    found = outgoing.today(desk.database, desk.settings, now, only_of)
    with desk.database.read() as session:
        return found, outgoing.calendar(session, desk.settings, now, only_of)


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
    must(call.actor, Right.APPROVE)
    with call.desk.database.write() as session:
        outgoing.resume_all(session, call.actor.name, call.now)
    return call.go("/outgoing", call.say("outgoing.goes_on_now"))


# --- one reminder that waits for a yes -------------------------------------------------------------------------------


def approval_page(call: Call) -> Response:
    number = number_of(call)
    with call.desk.database.read() as session:
        entry = deeds.entry_of(session, call.actor, "approval", number, call.now, call.today)
        reminder = session.get_one(Reminder, number)
        delivery = session.scalar(select(Delivery).where(Delivery.reminder_id == reminder.id))
        customer = session.get_one(Customer, reminder.customer_id)
        mail = mail_of(session, delivery.message) if delivery is not None else None
        shown = invoices_shown(session, call.desk.settings, call.now, entry.invoices) if entry.invoices else []
    call.desk.presence.sign(entry.path, call.actor.name, call.now)
    return call.show(
        "approval.html.j2", entry=entry, reminder=reminder, delivery=delivery, customer=customer, mail=mail,
        invoices=shown, others=call.desk.presence.others(entry.path, call.actor.name, call.now),
        **place_of(call, entry),
    )  # fmt: skip


def approve_one(call: Call) -> Response:
    number = number_of(call)
    with call.desk.database.write() as session:
        deeds.entry_of(session, call.actor, "approval", number, call.now, call.today)
        approve.approve(session, number, call.actor.name, call.now)
    return go_on(call, Key(APPROVAL_URGENCY, "approval", number), call.say("approval.approved"), undo=True)


def skip_one(call: Call) -> Response:
    number = number_of(call)
    reason = call.form.get("reason", "").strip()[:500] or call.say("approval.no_reason")
    with call.desk.database.write() as session:
        deeds.entry_of(session, call.actor, "approval", number, call.now, call.today)
        approve.skip(session, number, call.actor.name, reason, call.now)
    return go_on(call, Key(APPROVAL_URGENCY, "approval", number), call.say("approval.skipped"), undo=False)
