"""Trained models: which one reads the answers, how good each is, what is learnt next, and putting another to work.

Training and comparing run in a process of their own (`agent.learning.background`); the page tells how far they are.
"""

from __future__ import annotations

from decimal import Decimal

from markupsafe import Markup
from sqlalchemy import func, select
from starlette.responses import Response

from agent.learning import background, overview
from agent.replies import store
from agent.reports import charts
from agent.review import trained
from agent.review.web.frame import Call
from config.errors import NeedsPerson
from models import Correction, Prediction

NEWEST = 50


def model_page(call: Call) -> Response:
    desk = call.desk
    seen = trained.look(desk.database, desk.settings)
    used = seen.used
    with desk.database.read() as session:
        corrections = store.corrections(session)
        said = dict(
            session.execute(
                select(Prediction.message_id, Prediction.primary).where(
                    Prediction.message_id.in_([row.message_id for row in corrections])
                )
            ).all()
        )
        withdrawn = session.scalar(select(func.count()).where(Correction.withdrawn_at.is_not(None))) or 0
    confirmed = sum(said.get(row.message_id) == row.labels.get("primary") for row in corrections)
    return call.show(
        "model.html.j2", versions=seen.versions, used=used,
        trouble=seen.trouble, read=seen.read, changes=seen.changes,
        waiting=seen.waiting, corrections=list(reversed(corrections))[:NEWEST], count=len(corrections),
        confirmed=confirmed, withdrawn=withdrawn, said=said, curve=_curve(call, used),
        is_set=desk.settings.model_path is not None, run=seen.run, last=seen.last, before=seen.before,
        can_go_back=bool(seen.changes) and used is not None and not used.is_shipped,
    )  # fmt: skip


def _curve(call: Call, used: overview.Version | None) -> Markup | None:
    """Macro-F1 over the number of replies trained on; None where the manifest has no such figures."""
    points = used.learning if used is not None else []
    if not points:
        return None
    return charts.lines(
        "learning", call.say("model.curve"), [call.tongue.number(rows) for rows, _ in points],
        [charts.Series("macro-F1", tuple(Decimal(str(round(f1, 3))) for _, f1 in points))],
        call.tongue.number,
    )  # fmt: skip


# --- in the background -----------------------------------------------------------------------------------------------


def progress(call: Call) -> Response:
    """How far the run is; once it has ended the whole page is loaded anew."""
    with call.desk.database.write() as session:
        background.bury(session, call.now)
        run, last, before = trained.runs(session)
        if run is None:
            return Response(status_code=204, headers={"HX-Refresh": "true"})
        return call.show("piece_training.html.j2", run=run, last=last, before=before)


def train(call: Call) -> Response:
    return _begin(call, "training", None)


def compare(call: Call) -> Response:
    return _begin(call, "comparison", call.path("name"))


def _begin(call: Call, kind: background.Kind, name: str | None) -> Response:
    desk = call.desk
    trained.begin(desk.database, desk.settings, desk.start, desk.clock, kind, name, call.actor.name)
    return call.go("/model", call.say(f"model.{kind}_asked"))


# --- which one reads the answers -------------------------------------------------------------------------------------


def promote(call: Call) -> Response:
    """Put a trained model to work, as the gate's last word allows; past it only where the form says so."""
    name, desk = call.path("name"), call.desk
    try:
        trained.promote(
            desk.database, desk.settings, name, _reason(call), call.actor.name, call.now,
            anyway=bool(call.form.get("anyway")),
        )  # fmt: skip
    except trained.Refused as refused:
        told = {"not_compared": "model.compare_first", "falls": "model.falls_refused"}
        raise NeedsPerson(call.say(told[refused.code])) from None
    return call.go("/model", call.say("model.promoted_now", name=name))


def rollback(call: Call) -> Response:
    """Go back to the one before; the form names the one to leave, so that a second click goes back no further."""
    desk = call.desk
    version = trained.roll_back(
        desk.database, desk.settings, _reason(call), call.form.get("of", ""), call.actor.name, call.now
    )
    return call.go("/model", call.say("model.rolled_back_now", name=version))


def _reason(call: Call) -> str:
    reason = call.form.get("reason", "").strip()
    if not reason:
        raise NeedsPerson(call.say("model.needs_reason"))
    return reason
