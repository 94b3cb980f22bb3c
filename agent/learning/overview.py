"""The trained models of an installation side by side, and the corrections that the next training would learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.learning import background, corrections, gate, promotion
from agent.learning.decide import is_frozen
from agent.learning.gate import Verdict
from agent.replies import store
from classifier.registry import DEFAULT_NAME as SHIPPED
from classifier.registry import Entry, entries
from config import Settings
from models import Database, Message


@dataclass(frozen=True, slots=True)
class Version:
    """One trained model with what its manifest and this installation know of it.

    `withdrawn`: corrections that it learnt from and that no longer stand. `learning`: replies trained on and macro-F1,
    where its manifest has a learning curve. `verdict`: the gate's last word, `holds`: it is about today's pair.
    """

    entry: Entry
    in_use: bool
    withdrawn: int
    verdict: Verdict | None
    holds: bool

    @property
    def figures(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.entry.manifest["figures"]
        return found

    @property
    def learning(self) -> list[tuple[int, float]]:
        return [(int(rows), float(f1)) for rows, f1 in self.figures.get("learning_curve") or ()]

    @property
    def is_shipped(self) -> bool:
        return self.entry.name == SHIPPED

    def as_json(self) -> dict[str, Any]:
        """One line of `model list`."""
        return {**self.entry.as_json(), "in_use": self.in_use, "withdrawn": self.withdrawn}


def versions(database: Database, settings: Settings) -> list[Version]:
    """The shipped trained model, then those trained here by name.

    Raises:
        ModelError: the note of what was promoted is not this installation's.
    """
    history = promotion.read(settings.root, database.key)
    used = history[-1].folder if history else SHIPPED
    with database.read() as session:
        gone = corrections.withdrawn(session)
        verdicts = {each.name: background.verdict_on(session, each.name) for each in entries(settings.root)}
    found = []
    for each in entries(settings.root):
        verdict = verdicts.get(each.name)
        holds = verdict is not None and gate.holds(verdict, database, settings, each)
        stale = len(gone & set(each.manifest["origin"]["corrections"]))
        found.append(Version(each, each.name == used, stale, verdict, holds))
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """Corrections that stand: `new` ones that the trained model in use has not learnt from, and those `kept` apart."""

    new: int
    kept: int


def waiting(session: Session, salt: str, learnt: frozenset[int]) -> Waiting:
    """Count the corrections by what becomes of them; `learnt`: ids that the trained model in use knows."""
    standing = {each.message_id: each.id for each in store.corrections(session)}  # of each mail the last one counts
    customers = dict(session.execute(select(Message.id, Message.customer_id).where(Message.id.in_(standing))).all())
    kept = {
        message for message in standing if is_frozen(customers.get(message) or f"message:{message}", salt)
    }  # fmt: skip
    new = [message for message, number in standing.items() if message not in kept and number not in learnt]
    return Waiting(len(new), len(kept))
