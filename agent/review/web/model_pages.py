"""Trained models: which one reads the answers, how good each is, what is learnt next, and putting another to work.

Training and comparing run in a process of their own (`agent.learning.background`); the page tells how far they are.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from agent.learning import background, gate, overview, promotion
from agent.replies import store
from agent.reports import charts
from agent.review.web.frame import Call
from classifier import registry
from classifier.errors import ModelError
from config.errors import NeedsPerson
from models import Correction, Prediction, Promotion
from models.database import Database

NEWEST = 50
CHANGES = 20


def model_page(call: Call) -> Response:
    desk = call.desk
    versions, trouble = _versions(call)
    used = next((each for each in versions if each.in_use), None)
    learnt = frozenset(used.entry.manifest["origin"]["corrections"]) if used is not None else frozenset()
    with desk.database.read() as session:
        read = dict(
            session.execute(select(Prediction.model_version, func.count()).group_by(Prediction.model_version)).all()
        )
        corrections = store.corrections(session)
        said = dict(
            session.execute(
                select(Prediction.message_id, Prediction.primary).where(
                    Prediction.message_id.in_([row.message_id for row in corrections])
                )
            ).all()
        )
        withdrawn = session.scalar(select(func.count()).where(Correction.withdrawn_at.is_not(None))) or 0
        waiting = overview.waiting(session, desk.database.key.sign("frozen corrections"), learnt)
        changes = session.scalars(select(Promotion).order_by(Promotion.id.desc()).limit(CHANGES)).all()
        runs = _runs(session)
    confirmed = sum(said.get(row.message_id) == row.labels.get("primary") for row in corrections)
    return call.show(
        "model.html.j2", versions=versions, used=used, trouble=trouble, read=read, changes=changes, waiting=waiting,
        corrections=list(reversed(corrections))[:NEWEST], count=len(corrections), confirmed=confirmed,
        withdrawn=withdrawn, said=said, curve=_curve(call, used), is_set=desk.settings.model_path is not None,
        can_go_back=bool(changes) and used is not None and not used.is_shipped, **runs,
    )  # fmt: skip


def _versions(call: Call) -> tuple[list[overview.Version], str]:
    """The trained models; none, and why, where what lies there can't be trusted or read."""
    try:
        return overview.versions(call.desk.database, call.desk.settings), ""
    except ModelError as error:
        return [], str(error)


def _runs(session: Session) -> dict[str, Any]:
    """The run that is under way, the one that ended last, and the last training, which tells how long one takes."""
    return {
        "run": background.under_way(session),
        "last": background.last(session),
        "before": background.last(session, "training"),
    }


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
        runs = _runs(session)
        if runs["run"] is None:
            return Response(status_code=204, headers={"HX-Refresh": "true"})
        return call.show("piece_training.html.j2", **runs)


def train(call: Call) -> Response:
    return _begin(call, "training", None)


def compare(call: Call) -> Response:
    return _begin(call, "comparison", _candidate(call).name)


def _begin(call: Call, kind: background.Kind, folder: str | None) -> Response:
    with call.desk.database.write() as session:
        number = background.ask(session, kind, folder, call.actor.name, call.now).id
    call.desk.start(call.desk.database, call.desk.settings, number, call.desk.clock)
    return call.go("/model", call.say(f"model.{kind}_asked"))


# --- which one reads the answers -------------------------------------------------------------------------------------


def promote(call: Call) -> Response:
    """Put a trained model to work, as the gate's last word allows; past it only where the form says so."""
    candidate, reason = _candidate(call), _reason(call)
    database: Database = call.desk.database
    with database.read() as session:
        verdict = background.verdict_on(session, candidate.name)
    if verdict is None:
        raise NeedsPerson(call.say("model.compare_first"))
    if verdict.falls and not call.form.get("anyway"):
        raise NeedsPerson(call.say("model.falls_refused"))
    gate.put_to_work(
        database, call.desk.settings, candidate, verdict, call.actor.name, call.now,
        force=bool(call.form.get("anyway")), reason=reason,
    )  # fmt: skip
    return call.go("/model", call.say("model.promoted_now", name=candidate.name))


def rollback(call: Call) -> Response:
    """Go back to the one before; the form names the one to leave, so that a second click goes back no further."""
    reason = _reason(call)
    version = promotion.rollback(
        call.desk.database, call.desk.settings.root, call.actor.name, call.now, reason, of=call.form.get("of", "")
    )
    return call.go("/model", call.say("model.rolled_back_now", name=version))


def _candidate(call: Call) -> registry.Entry:
    return registry.entry(call.path("name"), call.desk.settings.root)


def _reason(call: Call) -> str:
    reason = call.form.get("reason", "").strip()[:500]
    if not reason:
        raise NeedsPerson(call.say("model.needs_reason"))
    return reason
