"""One entry of the work list: its page, what would follow, and the ways to settle it. The next one opens by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, get_args
from urllib.parse import parse_qsl

from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from agent.ledger.overview import invoices as invoices_shown
from agent.replies import resolve, store
from agent.replies.resolve import INTENTS, DeliveryWord, Done, Effect, Word
from agent.review import answers, auditing, deeds, item, worklist
from agent.review.conversation import conversation
from agent.review.deeds import VERDICTS
from agent.review.rights import Right, must
from agent.review.web import work_pages
from agent.review.web.effects import told
from agent.review.web.frame import Call, render
from agent.review.web.work_pages import address, selection
from agent.review.worklist import Entry, Key
from classifier.labels import DISPUTE_REASONS
from config.errors import NeedsPerson, RelanceError
from models import Contact, Customer, Message, Task
from models.states import TaskState


def item_page(call: Call) -> Response:
    number = number_of(call)
    with call.desk.database.read() as session:
        entry = deeds.entry_of(session, call.actor, "item", number, call.now, call.today)
        view = item.view(session, number, call.desk.settings, call.now)
        drafts = answers.drafts(session, number, call.desk.settings, call.actor.name) if view.is_waiting else []
        colleagues = deeds.colleagues_of(session)
    call.desk.presence.sign(entry.path, call.actor.name, call.now)
    suggested = view.prediction.primary if view.prediction is not None else None
    return call.show(
        "item.html.j2",
        view=view,
        entry=entry,
        suggested=suggested,
        intents=INTENTS,
        dispute_reasons=DISPUTE_REASONS,
        verdicts=VERDICTS,
        drafts=drafts,
        colleagues=colleagues,
        is_mine=view.state == "taken" and view.assignee == call.actor.name,
        is_anothers=view.state == "taken" and view.assignee not in (None, call.actor.name),
        others=call.desk.presence.others(entry.path, call.actor.name, call.now),
        tomorrow=call.today + timedelta(days=1),
        **place_of(call, entry),
    )


def place_of(call: Call, entry: Entry) -> dict[str, Any]:
    """Where the entry stands in the selection that it was opened from."""
    chosen = selection(call.query, None)
    return {"query": address(chosen).partition("?")[2], "back": address(chosen, here=str(entry.key))}


def presence(call: Call) -> Response:
    """A sign that this page is still open, answered with who else has it open and who has taken it."""
    kind, number = call.path("kind"), number_of(call)
    path = f"/work/{kind}/{number}"
    call.desk.presence.sign(path, call.actor.name, call.now)
    with call.desk.database.read() as session:
        entry = worklist.one(session, kind, number, call.actor.name, call.now, call.today)  # type: ignore[arg-type]  # checked by its table
    others = call.desk.presence.others(path, call.actor.name, call.now)
    return call.show("piece_presence.html.j2", others=others, entry=entry)


# --- what would follow, and doing it ---------------------------------------------------------------------------------


def consequence(call: Call) -> Response:
    """What would follow from the form as it stands: carried out and rolled back, so it is what will follow."""
    number = number_of(call)
    return _follows(
        call, "item", lambda: resolve.preview(call.desk.database, number, _word(call), call.desk.settings, call.now)
    )


def audit_consequence(call: Call) -> Response:
    """The same for an automatic action that is audited."""
    number = number_of(call)

    def do(session: Session) -> Done:
        return auditing.judge(session, number, _word(call), call.desk.settings, call.now)

    return _follows(call, "task", lambda: resolve.rolled_back(call.desk.database, do))


def _follows(call: Call, kind: str, preview: Callable[[], Done]) -> Response:
    try:
        with call.desk.database.read() as session:
            deeds.entry_of(session, call.actor, kind, number_of(call), call.now, call.today)
        done = preview()
    except RelanceError as error:
        return call.show("piece_follows.html.j2", follows=[], missing=str(error))
    return call.show("piece_follows.html.j2", follows=told(call.tongue, done.effects), missing="")


def _word(call: Call) -> Word:
    form = call.form
    intent = form.get("intent") or None
    per_invoice = {
        name.removeprefix("invoice:"): value
        for name, value in form.items()
        if name.startswith("invoice:") and value in INTENTS
    }
    if intent is not None and form.get("which"):
        per_invoice[form["which"]] = intent
    delivery: DeliveryWord | None = None
    for known in get_args(DeliveryWord):
        if form.get("delivery") == known:
            delivery = known
    return Word(
        by=call.actor.name,
        intent=intent,
        per_invoice=per_invoice or None,
        promise_date=_day(call, form.get("promise_date", "")),
        dispute_reason=form.get("dispute_reason") or None,
        delivery=delivery,
    )


def _day(call: Call, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NeedsPerson(call.say("error.no_day", text=text)) from None


def settle(call: Call) -> Response:
    """Settle an item by what the form says, and open the next one."""
    return _settled(call, lambda session, n: deeds.decide(session, n, _word(call), call.desk.settings, call.now))


def verdict(call: Call) -> Response:
    """How the disputes that an item asks about end."""
    ending = next((one for one in VERDICTS if one.value == call.form.get("verdict", "")), None)
    if ending is None:
        raise NeedsPerson(call.say("item.choose_verdict"))
    by, settings = call.actor.name, call.desk.settings
    return _settled(call, lambda session, n: deeds.end_disputes(session, n, ending, by, settings, call.now))


def dismiss(call: Call) -> Response:
    reason = call.form.get("reason", "").strip() or call.say("item.dismissed_reason")
    return _settled(call, lambda session, n: deeds.dismiss(session, n, reason, call.actor.name, call.now))


def _settled(call: Call, do: Callable[[Session, int], Iterable[Effect]]) -> Response:
    number = number_of(call)
    with call.desk.database.write() as session:
        key = deeds.entry_of(session, call.actor, "item", number, call.now, call.today).key
        sentences = told(call.tongue, do(session, number))
    call.desk.presence.leave(f"/work/item/{number}", call.actor.name)
    return go_on(call, key, " · ".join(sentences), undo=True)


def go_on(call: Call, key: Key, notice: str, *, undo: bool) -> Response:
    """Open the entry after this one, leaving out what colleagues have in hand; the list, where none is left."""
    chosen = selection(dict(parse_qsl(call.form.get("query", "")[:1000])), call.actor.only_of)
    avoiding = call.desk.presence.all_of_others(call.actor.name, call.now)
    with call.desk.database.read() as session:
        following = worklist.following(session, chosen, call.actor.name, call.now, call.today, key, avoiding)
    if following is None:
        return call.go(address(chosen), notice or call.say("work.all_done"), undo=undo)
    return call.go(address(chosen, following.path), notice, undo=undo)


def skip(call: Call) -> Response:
    """On to the next entry without doing anything."""
    kind, number = call.path("kind"), number_of(call)
    with call.desk.database.read() as session:
        entry = worklist.one(session, kind, number, call.actor.name, call.now, call.today)  # type: ignore[arg-type]  # checked by its table
    call.desk.presence.leave(f"/work/{kind}/{number}", call.actor.name)
    return go_on(call, entry.key if entry is not None else Key(100, "item", 0), "", undo=False)


# --- who works on it -------------------------------------------------------------------------------------------------


def take(call: Call) -> Response:
    return _with_entry(call, lambda s, kind, n: deeds.assign(s, kind, n, call.actor.name, call.actor.name, call.now))


def give_back(call: Call) -> Response:
    return _with_entry(call, lambda s, kind, n: deeds.assign(s, kind, n, None, call.actor.name, call.now))


def assign(call: Call) -> Response:
    to = call.form.get("assignee", "")
    return _with_entry(
        call, lambda s, kind, n: deeds.assign(s, kind, n, to, call.actor.name, call.now),
        call.say("item.given_to", who=to),
    )  # fmt: skip


def _with_entry(call: Call, do: Callable[[Session, str, int], None], notice: str = "") -> Response:
    kind, number = call.path("kind"), number_of(call)
    with call.desk.database.write() as session:
        deeds.entry_of(session, call.actor, kind, number, call.now, call.today)
        do(session, kind, number)
    query = call.form.get("query", "")
    return call.go(f"/work/{kind}/{number}" + (f"?{query}" if query else ""), notice, undo=bool(notice))


def snooze(call: Call) -> Response:
    kind, number = call.path("kind"), number_of(call)
    until = work_pages.morning(call, call.form.get("until", ""))
    with call.desk.database.write() as session:
        entry = deeds.entry_of(session, call.actor, kind, number, call.now, call.today)
        deeds.snooze(session, kind, number, until, call.actor.name, call.now)
    return go_on(call, entry.key, call.say("item.sleeps", on=call.tongue.day(until)), undo=True)


# --- tasks -----------------------------------------------------------------------------------------------------------


def task_page(call: Call) -> Response:
    number = number_of(call)
    with call.desk.database.read() as session:
        entry = deeds.entry_of(session, call.actor, "task", number, call.now, call.today)
        task = session.get_one(Task, number)
        customer = session.get_one(Customer, task.customer_id)
        contacts = session.scalars(_contacts(customer.id)).all()
        shown = invoices_shown(session, call.desk.settings, call.now, entry.invoices) if entry.invoices else []
        message = session.get(Message, task.message_id) if task.message_id is not None else None
        mails = conversation(session, message, customer.id)
        colleagues = deeds.colleagues_of(session)
        prediction = store.prediction_of(session, message.id) if message is not None else None
    call.desk.presence.sign(entry.path, call.actor.name, call.now)
    return call.show(
        "task.html.j2", prediction=prediction, intents=INTENTS, entry=entry, task=task, customer=customer,
        contacts=contacts, invoices=shown, mails=mails,
        colleagues=colleagues, is_open=task.state is TaskState.OPEN, dispute_reasons=DISPUTE_REASONS,
        others=call.desk.presence.others(entry.path, call.actor.name, call.now),
        tomorrow=call.today + timedelta(days=1), **place_of(call, entry),
    )  # fmt: skip


def _contacts(customer_id: str) -> Any:
    from sqlalchemy import select  # noqa: PLC0415 one use

    return select(Contact).where(Contact.customer_id == customer_id).order_by(Contact.id)


def audit(call: Call) -> Response:
    """What the mail of an audited action means: as relance took it, or otherwise, which sets it right."""
    number = number_of(call)
    with call.desk.database.write() as session:
        key = deeds.entry_of(session, call.actor, "task", number, call.now, call.today).key
        done = auditing.judge(session, number, _word(call), call.desk.settings, call.now)
    call.desk.presence.leave(f"/work/task/{number}", call.actor.name)
    return go_on(call, key, " · ".join(told(call.tongue, done.effects)), undo=True)


def task_done(call: Call) -> Response:
    """A task is done; what came of it is written down with it, and a promise or dispute that was heard is logged."""
    number = number_of(call)
    outcome = call.form.get("outcome", "done")
    text = call.form.get("text", "").strip()[:2000]
    word = deeds.TaskWord(
        outcome=outcome,
        outcome_told=call.say(f"outcome.{outcome}") + (f": {text}" if text else ""),
        text=text,
        promise_date=_needed_day(call) if outcome == "promise" else None,
        dispute_reason=call.form.get("dispute_reason", "other"),
    )
    with call.desk.database.write() as session:
        key = deeds.entry_of(session, call.actor, "task", number, call.now, call.today).key
        done = deeds.finish_task(session, number, word, call.actor.name, call.desk.settings, call.now)
    call.desk.presence.leave(f"/work/task/{number}", call.actor.name)
    return go_on(call, key, " · ".join(told(call.tongue, done)), undo=True)


def _needed_day(call: Call) -> date:
    day = _day(call, call.form.get("promise_date", ""))
    if day is None:
        raise NeedsPerson(call.say("error.no_day", text=""))
    return day


# --- mails -----------------------------------------------------------------------------------------------------------


def answer(call: Call) -> Response:
    """Send an answer in the item's conversation; the same form sent twice is one mail."""
    number = number_of(call)
    must(call.actor, Right.WORK)
    with call.desk.database.read() as session:
        deeds.entry_of(session, call.actor, "item", number, call.now, call.today)
    wish = answers.Wish(
        item_id=number,
        subject=call.form.get("subject", ""),
        text=call.form.get("text", ""),
        with_invoices=tuple(call.lists.get("attach", [])),
        nonce=call.form.get("nonce", ""),
        by=call.actor.name,
    )
    sent = answers.send(call.desk.database, call.desk.settings, wish, call.now)
    notice = call.say("item.answer_waits", to=sent.recipient)
    query = call.form.get("query", "")
    return call.go(f"/work/item/{number}" + (f"?{query}" if query else ""), notice)


def draft(call: Call) -> Response:
    """One draft's text, put into the form."""
    number = number_of(call)
    with call.desk.database.read() as session:
        deeds.entry_of(session, call.actor, "item", number, call.now, call.today)
        found = answers.drafts(session, number, call.desk.settings, call.actor.name)
    chosen = next((one for one in found if one.name == call.query.get("draft")), None)
    if chosen is None:
        raise NeedsPerson(call.say("error.not_found"))
    return HTMLResponse(render(call, "piece_draft.html.j2", {"draft": chosen}))


def number_of(call: Call) -> int:
    text = call.path("number")
    if not text.isdecimal() or len(text) > 17:
        raise NeedsPerson(call.say("error.not_found"))
    return int(text)
