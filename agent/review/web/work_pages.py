"""The work list: the page, its next part, its counts; what is done with several entries at once; saved views; undo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from agent.review import bulk as several
from agent.review import debtors, deeds, taking_back, views, worklist
from agent.review.days import morning
from agent.review.hands import Hands, hands
from agent.review.values import KINDS, Key, Kind, Selection
from agent.review.web.effects import told
from agent.review.web.frame import LONGEST_NUMBER, Call, number_of
from config.errors import NeedsPerson


def chosen_by(call: Call) -> Selection:
    """The selection that the address names."""
    return selection(call.query, call.actor.only_of)


def selection(query: Any, only_of: str | None) -> Selection:
    whose: Literal["", "mine", "nobody"] = ""
    if query.get("whose") == "mine":
        whose = "mine"
    elif query.get("whose") == "nobody":
        whose = "nobody"
    return Selection(
        reason=str(query.get("reason", ""))[:64],
        whose=whose,
        text=str(query.get("text", "")).strip()[:100],
        segment=str(query.get("segment", ""))[:64],
        asleep=bool(query.get("asleep")),
        only_of=only_of,
    )


def address(chosen: Selection, path: str = "/", **more: str) -> str:
    """The address of a selection, without what says nothing."""
    values = {name: "1" if value is True else value for name, value in chosen.as_json().items() if value}
    query = urlencode({**values, **{name: value for name, value in more.items() if value}})
    return f"{path}?{query}" if query else path


def work_page(call: Call) -> Response:
    chosen = chosen_by(call)
    after = Key.parse(call.query.get("after", ""))
    with call.desk.database.read() as session:
        found = worklist.page(session, chosen, call.actor.name, call.now, call.today, after)
        kept = _views(session, call)
        segments = debtors.segments(session, call.actor)
        colleagues = deeds.colleagues_of(session)
        in_hands = hands(session, ((one.kind, one.id) for one in found.entries), _busy(call))
    values: dict[str, Any] = {
        "chosen": chosen,
        "page": found,
        "hands": in_hands,
        "address": lambda **changes: address(replace(chosen, **changes)),
        "next": address(chosen, after=str(found.next)) if found.next is not None else None,
        "query": address(chosen).partition("?")[2],
        "views": kept,
        "segments": segments,
        "colleagues": colleagues,
        "here": call.query.get("here", ""),
    }
    return call.show("work_rows.html.j2" if call.is_fragment and after else "work.html.j2", **values)


def _busy(call: Call) -> frozenset[str]:
    return call.desk.presence.all_of_others(call.actor.name, call.now)


def hands_piece(call: Call) -> Response:
    """Who has the rows of a list that stands open by now, and which of them somebody has settled."""
    wanted = [_place(text) for text in call.query.get("rows", "").split()[: worklist.PAGE]]
    with call.desk.database.read() as session:
        found = hands(session, (place for place in wanted if place is not None), _busy(call))
        seen = [one for one in found.values() if _is_seen(session, call, one)]
    return call.show("work_hands.html.j2", hands=seen)


def _place(text: str) -> tuple[Kind, int] | None:
    kind, _, number = text.partition("-")
    if kind not in KINDS or not number.isdecimal() or len(number) > LONGEST_NUMBER:
        return None
    return deeds.known_kind(kind), int(number)


def _is_seen(session: Session, call: Call, one: Hands) -> bool:
    """Whose customer it is matters only to those who don't see all."""
    if call.actor.only_of is None:
        return True
    try:
        deeds.entry_of(session, call.actor, one.kind, one.id, call.now, call.today)
    except deeds.NoSuch:
        return False
    return True


def counts(call: Call) -> Response:
    """The counts by reason, which come after the page: they look at every row."""
    chosen = chosen_by(call)
    with call.desk.database.read() as session:
        found = worklist.counts(session, chosen, call.actor.name, call.now)
    return call.show(
        "work_counts.html.j2", chosen=chosen, counts=found, total=sum(found.values()),
        address=lambda **changes: address(replace(chosen, **changes)), query=address(chosen).partition("?")[2],
    )  # fmt: skip


# --- several at once -------------------------------------------------------------------------------------------------


def bulk(call: Call) -> Response:
    """Do one thing with every entry that was picked: all that can be, and what couldn't is told."""
    do, form = call.form.get("do", ""), call.form
    if do not in get_args(several.Do):
        raise NeedsPerson(call.say("work.bulk_nothing"))
    if do == "settle" and not form.get("foreseen"):
        return _bulk_consequence(call)
    until = morning(call.needed_day("until"), call.desk.settings.zone) if do == "snooze" else None
    what = several.deed(do, call.actor, call.desk.settings, call.now, assignee=form.get("assignee", ""), until=until)
    outcome = several.carry_out(call.desk.database, call.actor, _picks(call), what, call.now, call.today)
    done, refused = len(outcome.done), outcome.refused
    notice = call.tongue.count("work.bulk_done", done)
    if refused:
        notice += " " + call.tongue.count("work.bulk_refused", len(refused)) + f" {call.tongue.error(refused[0].error)}"
    back = address(selection(parsed(form.get("query", "")), call.actor.only_of))
    return call.go(back, notice, undo=done == 1, is_error=bool(refused))


def _bulk_consequence(call: Call) -> Response:
    """What would follow from accepting several at once, entry by entry; the same form, sent again, does it."""
    found = several.foresee(call.desk.database, call.actor, _picks(call), call.desk.settings, call.now, call.today)
    rows = [
        (one.entry, told(call.tongue, one.effects), call.tongue.error(one.refused) if one.refused else "")
        for one in found
    ]
    query = call.form.get("query", "")
    back = address(selection(parsed(query), call.actor.only_of))
    count = sum(not refused for *_, refused in rows)
    # This page has no address of its own to come back to, after another language was chosen.
    return call.show("bulk.html.j2", rows=rows, count=count, query=query, back=back, path="/")


def _picks(call: Call) -> list[several.Pick]:
    """Kind and number of each entry that was picked; what is none is left out."""
    pairs = (pick.partition("-")[::2] for pick in call.lists.get("pick", []))
    return [(kind, int(number)) for kind, number in pairs if number.isdecimal() and len(number) <= LONGEST_NUMBER]


def parsed(query: str) -> dict[str, str]:
    """The selection that a page carries along in its forms."""
    return dict(parse_qsl(query[:1000]))


def undo(call: Call) -> Response:
    """Take back what this person did last, and show it again."""
    with call.desk.database.write() as session:
        back = taking_back.undo_last(session, call.actor.name, call.now)
    notice = " ".join([call.say("work.undone"), *told(call.tongue, back.effects)])
    return call.go(f"/work/{back.kind}/{back.id}", notice)


# --- saved views -----------------------------------------------------------------------------------------------------


def _views(session: Session, call: Call) -> list[tuple[int, str, str]]:
    return [(row.id, row.name, address(views.selection_of(row))) for row in views.of(session, call.actor.name)]


def save_view(call: Call) -> Response:
    name = call.form.get("name", "").strip()
    chosen = selection(parsed(call.form.get("query", "")), None)
    if not name:
        raise NeedsPerson(call.say("work.view_needs_name"))
    with call.desk.database.write() as session:
        kept = views.save(session, call.actor.name, name, chosen, call.now)
    return call.go(address(chosen), call.say("work.view_saved", name=kept.name))


def forget_view(call: Call) -> Response:
    with call.desk.database.write() as session:
        views.forget(session, call.actor.name, number_of(call))
    return RedirectResponse("/", status_code=303)
