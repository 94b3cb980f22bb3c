"""One deed with several entries of the work list: all that can be is done, and what couldn't is told with its reason.

Each entry has a transaction of its own, so that one that is refused keeps none of the others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy.orm import Session

from agent.replies import previewing
from agent.replies.word import Done, Effect
from agent.review import deeds
from agent.review.rights import Actor
from agent.review.values import Entry
from config import Settings
from config.errors import NeedsPerson, RelanceError
from models import Database

MOST = 200
"""Entries of one request."""

Do = Literal["take", "give_back", "assign", "snooze", "settle"]
Pick = tuple[str, int]
"""Kind and number of an entry."""
Deed = Callable[[Session, str, int], object]


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that stayed as it was, and why."""

    pick: Pick
    error: RelanceError


@dataclass(frozen=True, slots=True)
class Outcome:
    done: tuple[Pick, ...]
    refused: tuple[Refused, ...]


def deed(
    do: str, actor: Actor, settings: Settings, now: datetime, *, assignee: str = "", until: datetime | None = None
) -> Deed:
    """What is done with each entry. Raises NeedsPerson where that was not said."""
    by = actor.name
    match do:
        case "take":
            return lambda session, kind, number: deeds.assign(session, kind, number, by, by, now)
        case "assign" if assignee:
            return lambda session, kind, number: deeds.assign(session, kind, number, assignee, by, now)
        case "give_back":
            return lambda session, kind, number: deeds.assign(session, kind, number, None, by, now)
        case "snooze" if until is not None:
            return lambda session, kind, number: deeds.snooze(session, kind, number, until, by, now)
        case "settle":
            return lambda session, kind, number: deeds.settle_as_proposed(session, actor, kind, number, settings, now)
    raise NeedsPerson(f"“{do}” is nothing that can be done with several entries, or says too little")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would follow from an entry's proposal; ``refused``: why it would stay as it is."""

    entry: Entry
    effects: tuple[Effect, ...]
    refused: RelanceError | None


def foresee(
    database: Database, actor: Actor, picks: Iterable[Pick], settings: Settings, now: datetime, today: date
) -> list[Foreseen]:
    """What would follow if each entry were settled as proposed: carried out one by one, and rolled back."""
    found: list[Foreseen] = []
    for kind, number in list(dict.fromkeys(picks))[:MOST]:

        def settle(session: Session, kind: str = kind, number: int = number) -> Done:
            return Done(tuple(deeds.settle_as_proposed(session, actor, kind, number, settings, now)))

        try:
            with database.read() as session:
                entry = deeds.entry_of(session, actor, kind, number, now, today)
        except RelanceError:
            continue  # there is none, or none of this person's: nothing is told of it
        try:
            found.append(Foreseen(entry, tuple(previewing.rolled_back(database, settle).effects), None))
        except RelanceError as error:
            found.append(Foreseen(entry, (), error))
    return found


def carry_out(
    database: Database, actor: Actor, picks: Iterable[Pick], what: Deed, now: datetime, today: date
) -> Outcome:
    """Do it with each entry that this person may see."""
    done: list[Pick] = []
    refused: list[Refused] = []
    for kind, number in list(dict.fromkeys(picks))[:MOST]:
        try:
            with database.write() as session:
                deeds.entry_of(session, actor, kind, number, now, today)
                what(session, kind, number)
            done.append((kind, number))
        except RelanceError as error:
            refused.append(Refused((kind, number), error))
    return Outcome(tuple(done), tuple(refused))
