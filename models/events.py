"""The hash-chained audit log: every change of state is one event, written in the same transaction as the change.

Each event's hash is an HMAC over its own fields and the hash of the one before, under the installation's signing key:
who can write the database but not read the key can't rewrite history unseen. A cut tail is seen against the head row,
and, when the head itself was rewritten, against the anchors kept outside of the database.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from models.anchors import Anchor
from models.base import Base
from models.event import Event, EventHead
from models.keys import SigningKey

RELANCE = "relance"
"""The actor of what no person did."""

GENESIS = "0" * 64
PAGE = 1000

type_of_value = str | int | bool | None | list[str]


def _canonical(event: Event) -> str:
    return json.dumps(
        {
            "seq": event.seq,
            "at": event.at.astimezone(UTC).isoformat(),
            "kind": event.kind,
            "subject": [event.subject_type, event.subject_id],
            "actor": event.actor,
            "data": event.data,
            "previous": event.previous,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
    )


def subject_of(row: Base) -> tuple[str, str]:
    """The table's name and the primary key of a row, as an event names it."""
    identity = inspect(row).identity or tuple(inspect(row).mapper.primary_key_from_instance(row))
    return row.__tablename__, ":".join(str(part) for part in identity)


def record(
    session: Session, kind: str, subject: Base | tuple[str, str], /, *, actor: str, at: datetime, **data: type_of_value
) -> Event:
    """Append one event to the chain, in the caller's transaction.

    ``data`` holds ids, codes, amounts as strings and salted hashes, never a customer's words. ``actor`` is ``relance``
    or the name of the person.
    """
    if isinstance(subject, Base):
        session.flush()  # a new row has no id before
        subject = subject_of(subject)
    key: SigningKey = session.info["key"]
    head = _locked_head(session)
    event = Event(
        seq=head.seq + 1,
        at=at,
        kind=kind,
        subject_type=subject[0],
        subject_id=subject[1],
        actor=actor,
        data=dict(data),
        key_id=key.active,
        previous=head.hash,
    )
    event.hash = key.sign(_canonical(event))
    session.add(event)
    head.seq, head.hash = event.seq, event.hash
    return event


def _locked_head(session: Session) -> EventHead:
    """The head of the chain, locked until the transaction ends: asked for once, as an import writes thousands."""
    head: EventHead | None = session.info.get("chain_head")
    if head is None:
        head = session.execute(select(EventHead).with_for_update()).scalar_one()
        session.info["chain_head"] = head
    return head


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first place at which the chain does not hold."""

    seq: int
    why: str


def verify(session: Session, key: SigningKey, anchors: Sequence[Anchor] = ()) -> BrokenLink | None:
    """Walk the whole chain, and compare it with what was anchored outside; the first broken link, or None."""
    previous, expected = GENESIS, 1
    anchored = {anchor.seq: anchor for anchor in anchors if anchor.seq}
    for event in _all(session):
        if event.seq != expected:
            return BrokenLink(expected, f"event {expected} is missing")
        if event.previous != previous:
            return BrokenLink(event.seq, f"event {event.seq} does not follow the one before it")
        if event.key_id not in key.secrets:
            return BrokenLink(event.seq, f"event {event.seq} was signed with the unknown key {event.key_id}")
        if event.hash != key.sign(_canonical(event), event.key_id):
            return BrokenLink(event.seq, f"event {event.seq} was changed after it was written")
        if event.seq in anchored and event.hash != anchored[event.seq].hash:
            return BrokenLink(event.seq, f"event {event.seq} is not the one that was anchored outside of the database")
        previous, expected = event.hash, expected + 1
    head = session.execute(select(EventHead)).scalar_one()
    if (head.seq, head.hash) != (expected - 1, previous):
        return BrokenLink(expected, f"events from {expected} to {head.seq} were cut off the end")
    if anchored and (last := anchored[max(anchored)]).seq >= expected:
        told = f"{last.at:%Y-%m-%d %H:%M} UTC"
        return BrokenLink(
            expected, f"the log ended at event {last.seq} on {told}: it was set back, or its end cut off since"
        )
    return None


def _all(session: Session) -> Iterator[Event]:
    """Every event in order, a page at a time: a chain may be longer than memory, and a walk may end early."""
    last = 0
    while page := session.scalars(select(Event).where(Event.seq > last).order_by(Event.seq).limit(PAGE)).all():
        yield from page
        last = page[-1].seq
        session.expunge_all()
