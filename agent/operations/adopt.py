"""`adopt`: a person says that this copy of the database is the one that works from now on.

A restored backup or a clone finds itself in another place than the one it is bound to, or with a log that is shorter
than its anchors, and sends nothing: the original may still be at work, and what left meanwhile is not known. Before it
may send, all mailboxes are read to their end, Sent included, so that what left after the backup was made is known (the
same reminder has the same Message-ID for ever) and is not planned again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from agent.audit import anchoring
from agent.drains import Drains
from models import Database, Installation, anchors, events


def adopt(database: Database, drains: Drains, by: str, now: datetime) -> bool:
    """Read every mailbox, then bind the database to this place. False: it was bound here already.

    Raises:
        TemporaryFailure, NeedsPerson: a mailbox could not be read; then nothing was bound.
    """
    place = database.fingerprint()
    with database.read() as session:
        if database.is_bound_here(session):
            return False
    for mailbox in drains.settings.mailbox:
        drains.collect(mailbox, now)
    while drains.understand(now).has_more:
        pass
    with database.write() as session:
        row = session.scalars(select(Installation).with_for_update()).one()
        was, row.fingerprint, row.bound_at, row.bound_by = row.fingerprint, place, now, by
        events.record(session, "installation.adopted", row, actor=by, at=now, was=was, now=place)
    with database.read() as session:
        head = replace(anchors.head(session, now), adopted=True)
    anchoring.write(anchoring.places(database, drains.settings), drains.settings, head)
    return True
