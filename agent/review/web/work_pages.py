"""The work list: the page, its next part, its counts; what is done with several entries at once; saved views; undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time
from typing import Any, Literal
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from agent.review import deeds, taking_back, worklist
from agent.review.web.effects import told
from agent.review.web.frame import Call
from agent.review.worklist import Key, Selection
from config.errors import NeedsPerson, RelanceError
from models import Customer, SavedView


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
        views = _views(session, call)
        segments = session.scalars(select(Customer.segment).where(Customer.segment.is_not(None)).distinct()).all()
        colleagues = deeds.colleagues_of(session)
    values: dict[str, Any] = {
        "chosen": chosen,
        "page": found,
        "busy": call.desk.presence.all_of_others(call.actor.name, call.now),
        "address": lambda **changes: address(replace(chosen, **changes)),
        "next": address(chosen, after=str(found.next)) if found.next is not None else None,
        "query": address(chosen).partition("?")[2],
        "views": views,
        "segments": sorted(segment for segment in segments if segment),
        "colleagues": colleagues,
        "here": call.query.get("here", ""),
    }
    return call.show("work_rows.html.j2" if call.is_fragment and after else "work.html.j2", **values)


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

Deed = Callable[[Session, str, int], None]


def bulk(call: Call) -> Response:
    """Do one thing with every entry that was picked: all that can be, and what couldn't is told."""
    deed = _deed(call, call.form.get("do", ""))
    done, refused = 0, []
    for pick in call.lists.get("pick", [])[:200]:
        kind, _, number = pick.partition("-")
        if kind not in worklist.KINDS or not number.isdecimal():
            continue
        try:
            with call.desk.database.write() as session:
                deeds.entry_of(session, call.actor, kind, int(number), call.now, call.today)
                deed(session, kind, int(number))
            done += 1
        except RelanceError as error:
            refused.append(str(error))
    notice = call.tongue.count("work.bulk_done", done)
    if refused:
        notice += " " + call.tongue.count("work.bulk_refused", len(refused)) + f" {refused[0]}"
    back = address(selection(_parsed(call.form.get("query", "")), call.actor.only_of))
    return call.go(back, notice, undo=done == 1, is_error=bool(refused))


def _parsed(query: str) -> dict[str, str]:
    from urllib.parse import parse_qsl  # noqa: PLC0415 one use

    return dict(parse_qsl(query[:1000]))


def _deed(call: Call, do: str) -> Deed:
    by, now = call.actor.name, call.now
    match do:
        case "take":
            return lambda session, kind, number: deeds.assign(session, kind, number, by, by, now)
        case "assign":
            to = call.form.get("assignee", "")
            return lambda session, kind, number: deeds.assign(session, kind, number, to, by, now)
        case "give_back":
            return lambda session, kind, number: deeds.assign(session, kind, number, None, by, now)
        case "snooze":
            until = morning(call, call.form.get("until", ""))
            return lambda session, kind, number: deeds.snooze(session, kind, number, until, by, now)
        case "settle":
            return lambda session, kind, number: deeds.settle_as_proposed(
                session, call.actor, kind, number, call.desk.settings, now
            )
    raise NeedsPerson(call.say("work.bulk_nothing"))


def morning(call: Call, text: str) -> datetime:
    """The beginning of the day that a form names."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 the zone follows
    except ValueError:
        raise NeedsPerson(call.say("error.no_day", text=text)) from None
    return datetime.combine(day.date(), time(0), tzinfo=call.desk.settings.zone)


def undo(call: Call) -> Response:
    """Take back what this person did last, and show it again."""
    with call.desk.database.write() as session:
        back = taking_back.undo_last(session, call.actor.name, call.now)
    notice = " ".join([call.say("work.undone"), *told(call.tongue, back.effects)])
    return call.go(f"/work/{back.kind}/{back.id}", notice)


# --- saved views -----------------------------------------------------------------------------------------------------


def _views(session: Session, call: Call) -> list[tuple[int, str, str]]:
    rows = session.scalars(select(SavedView).where(SavedView.user_id == call.actor.id).order_by(SavedView.name))
    return [(row.id, row.name, address(selection(row.selection, None))) for row in rows]


def save_view(call: Call) -> Response:
    name = call.form.get("name", "").strip()[:64]
    chosen = selection(_parsed(call.form.get("query", "")), None)
    if not name:
        raise NeedsPerson(call.say("work.view_needs_name"))
    with call.desk.database.write() as session:
        row = session.scalar(select(SavedView).where(SavedView.user_id == call.actor.id, SavedView.name == name))
        if row is None:
            row = SavedView(user_id=call.actor.id, name=name, selection=chosen.as_json(), created_at=call.now)
            session.add(row)
        row.selection = chosen.as_json()
    return call.go(address(chosen), call.say("work.view_saved", name=name))


def forget_view(call: Call) -> Response:
    with call.desk.database.write() as session:
        row = session.get(SavedView, int(call.path("number")))
        if row is not None and row.user_id == call.actor.id:
            session.delete(row)
    return RedirectResponse("/", status_code=303)
