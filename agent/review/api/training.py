"""Trained models by API: what there is, training and comparing beside the daemon, putting to work, going back."""

from __future__ import annotations

from collections.abc import Mapping

from agent.learning import background, overview
from agent.review import trained
from agent.review.api import given, told_trained
from agent.review.api.frame import Ask
from agent.review.api.problems import Problem


def models(ask: Ask) -> told_trained.Models:
    """All trained models, the shipped one first, and the run that is under way."""
    with ask.desk.database.write() as session:
        background.bury(session, ask.now)
    found = trained.look(ask.desk.database, ask.desk.settings)
    if found.trouble:
        raise Problem(409, found.trouble)
    return told_trained.Models(
        models=tuple(_model(one, found.read) for one in found.versions),
        run=told_trained.Run.model_validate(found.run) if found.run is not None else None,
        last=told_trained.Run.model_validate(found.last) if found.last is not None else None,
        new=found.waiting.new,
        kept=found.waiting.kept,
        changes=tuple(told_trained.Change.model_validate(one) for one in found.changes),
    )


def _model(one: overview.Version, read: Mapping[str, int]) -> told_trained.Model:
    version = str(one.entry.manifest["version"])
    verdict = one.verdict
    return told_trained.Model(
        name=one.entry.name, version=version, in_use=one.in_use, is_shipped=one.is_shipped, withdrawn=one.withdrawn,
        read=read.get(version, 0), figures=dict(one.figures),
        comparison=told_trained.Comparison(
            passes=verdict.passes, holds=one.holds, against=verdict.against, frozen=verdict.frozen,
            falls=tuple(told_trained.Fall.model_validate(fall) for fall in verdict.falls),
        ) if verdict is not None else None,
    )  # fmt: skip


def train(ask: Ask) -> told_trained.Run:
    return _begun(ask, "training", None)


def compare(ask: Ask) -> told_trained.Run:
    return _begun(ask, "comparison", str(ask.path["name"]))


def _begun(ask: Ask, kind: background.Kind, name: str | None) -> told_trained.Run:
    desk = ask.desk
    run = trained.begin(desk.database, desk.settings, desk.start, desk.clock, kind, name, ask.actor.name)
    return told_trained.Run.model_validate(run)


def promote(ask: Ask) -> told_trained.InUse:
    body: given.Promotion = ask.body
    desk, name = ask.desk, str(ask.path["name"])
    version = trained.promote(
        desk.database, desk.settings, name, body.reason, ask.actor.name, ask.now, anyway=body.anyway
    )  # fmt: skip
    return told_trained.InUse(version=version)


def roll_back(ask: Ask) -> told_trained.InUse:
    body: given.GoingBack = ask.body
    desk = ask.desk
    version = trained.roll_back(desk.database, desk.settings, body.reason, body.of, ask.actor.name, ask.now)
    return told_trained.InUse(version=version)
