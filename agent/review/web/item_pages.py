"""One entry of the work list: its page, what would follow, and the ways to settle it. The next one opens by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, get_args

from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from agent.ledger.addresses import WRONG
from agent.replies import previewing
from agent.replies.word import INTENTS, DeliveryWord, Done, Effect, Word
from agent.review import answers, deeds, item, worklist
from agent.review.days import morning
from agent.review.deeds import VERDICTS
from agent.review.values import Entry, Key
from agent.review.web.effects import told
from agent.review.web.frame import Call, number_of, render
from agent.review.web.work_pages import address, parsed, selection
from classifier.labels import DISPUTE_REASONS, OTHER_REASONS
from config.errors import NeedsPerson, RelanceError


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
        other_reasons=OTHER_REASONS,
        wrong_reasons=WRONG,
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
    with call.desk.database.read() as session:
        entry = deeds.entry_of(session, call.actor, kind, number, call.now, call.today)
    path = entry.path
    call.desk.presence.sign(path, call.actor.name, call.now)
    others = call.desk.presence.others(path, call.actor.name, call.now)
    return call.show("piece_presence.html.j2", others=others, entry=entry)


# --- what would follow, and doing it ---------------------------------------------------------------------------------


def consequence(call: Call) -> Response:
    """What would follow from the form as it stands: carried out and rolled back, so it is what will follow."""
    number = number_of(call)
    return follows(
        call,
        "item",
        lambda: previewing.preview(call.desk.database, number, word_of(call), call.desk.settings, call.now),
    )


def follows(call: Call, kind: str, preview: Callable[[], Done]) -> Response:
    """The piece of a page that says what would follow, or what is still missing for it."""
    try:
        with call.desk.database.read() as session:
            deeds.entry_of(session, call.actor, kind, number_of(call), call.now, call.today)
        done = preview()
    except RelanceError as error:
        return call.show("piece_follows.html.j2", follows=[], missing=call.tongue.error(error))
    return call.show("piece_follows.html.j2", follows=told(call.tongue, done.effects), missing="")


def word_of(call: Call) -> Word:
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
        promise_date=call.day("promise_date"),
        dispute_reason=form.get("dispute_reason") or None,
        delivery=delivery,
        **_of_contact(form),
    )


def _of_contact(form: Mapping[str, str]) -> dict[str, str | None]:
    """What the form says of a wrong contact; its fields are there whatever is chosen, so they count where it is one."""
    if form.get("dead_address"):  # a delivery report asks for another address, and has no intent
        new = form.get("new_contact", "").strip() or None
        return {"other_reason": None, "wrong_contact": form["dead_address"], "new_contact": new}
    why = form.get("other_reason") or None
    is_wrong = why in WRONG and form.get("intent", "other") == "other"
    return {
        "other_reason": why if form.get("intent", "other") == "other" else None,
        "wrong_contact": form.get("wrong_contact") or None if is_wrong else None,
        "new_contact": form.get("new_contact", "").strip() or None if is_wrong else None,
    }


def settle(call: Call) -> Response:
    """Settle an item by what the form says, and open the next one."""
    return _settled(call, lambda session, n: deeds.decide(session, n, word_of(call), call.desk.settings, call.now))


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
    chosen = selection(parsed(call.form.get("query", "")), call.actor.only_of)
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
        entry = deeds.entry_of(session, call.actor, kind, number, call.now, call.today)
    call.desk.presence.leave(entry.path, call.actor.name)
    return go_on(call, entry.key, "", undo=False)


# --- who works on it -------------------------------------------------------------------------------------------------


def take(call: Call) -> Response:
    return _assigned(call, call.actor.name)


def give_back(call: Call) -> Response:
    return _assigned(call, None)


def assign(call: Call) -> Response:
    to = call.form.get("assignee", "")
    return _assigned(call, to, call.say("item.given_to", who=to))


def _assigned(call: Call, to: str | None, notice: str = "") -> Response:
    """``over`` of the form: who had it when the page was shown, from whom it is taken knowingly."""
    kind, number, over = call.path("kind"), number_of(call), call.form.get("over") or None
    with call.desk.database.write() as session:
        deeds.entry_of(session, call.actor, kind, number, call.now, call.today)
        deeds.assign(session, kind, number, to, call.actor.name, call.now, over=over)
    query = call.form.get("query", "")
    return call.go(f"/work/{kind}/{number}" + (f"?{query}" if query else ""), notice, undo=bool(notice))


def snooze(call: Call) -> Response:
    kind, number = call.path("kind"), number_of(call)
    until = morning(call.needed_day("until"), call.desk.settings.zone)
    with call.desk.database.write() as session:
        entry = deeds.entry_of(session, call.actor, kind, number, call.now, call.today)
        deeds.snooze(session, kind, number, until, call.actor.name, call.now)
    return go_on(call, entry.key, call.say("item.sleeps", on=call.tongue.day(until)), undo=True)


# --- mails -----------------------------------------------------------------------------------------------------------


def answer(call: Call) -> Response:
    """Send an answer in the item's conversation; the same form sent twice is one mail."""
    number = number_of(call)
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
