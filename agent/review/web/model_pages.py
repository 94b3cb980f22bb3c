"""The trained model: which one reads the answers, how good it is, and which corrections wait to be learnt from."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import Response

from agent.replies import store
from agent.review.web.frame import Call
from classifier import registry
from models import Correction, Prediction

NEWEST = 50


def model_page(call: Call) -> Response:
    settings = call.desk.settings
    entries = registry.entries(settings.root)
    promoted = registry.promoted(settings.root)
    folder = settings.model_path or promoted
    in_use = folder.name if folder is not None else registry.DEFAULT_NAME
    with call.desk.database.read() as session:
        used = dict(
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
    confirmed = sum(said.get(row.message_id) == row.labels.get("primary") for row in corrections)
    return call.show(
        "model.html.j2", entries=[entry.as_json() for entry in entries], used=used, chosen=in_use,
        corrections=list(reversed(corrections))[:NEWEST], count=len(corrections), confirmed=confirmed,
        withdrawn=withdrawn, said=said,
    )  # fmt: skip
