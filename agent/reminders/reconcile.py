"""Stage 5: what became of a delivery whose outcome nobody saw, and the copy in Sent. Never sends anything.

Finds: `sending` whose lease ran out (the process died) and `unknown`. Leaves: `sent` where the Sent folder holds the
mail's id, else `unknown` with an exception in front of a person. Where the provider files no copies by itself the Sent
folder proves nothing by being empty, and the person is asked at once; where it does, the folder is looked at again
for half an hour, because a server may take ten minutes to answer (RFC 5321 4.5.3.2.6) and file later still.
A bounce or an answer that names the id settles it too (`settle_by_mail`), whenever it comes.

The copy: where the provider files none, each sent mail is looked for in Sent and put there if absent. A death in
between is found by the look.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.faults import point
from agent.host import LONG_AGO
from agent.reminders import store
from agent.reminders.deliver import raise_delivery
from agent.reminders.sentbox import SentBox
from agent.review.queue import resolve_by_evidence
from config import Mailbox, Settings
from models import Database, Delivery, transitions
from models.events import RELANCE
from models.reasons import ExceptionReason
from models.states import DeliveryState

log = structlog.get_logger()

ASK_AFTER = timedelta(minutes=30)
"""So long after entering `sending` an empty Sent folder proves nothing, where the provider files its own copies."""

Verdict = Literal["sent", "wait", "ask"]


def judge(*, found: bool, provider_files: bool, since: timedelta) -> Verdict:
    """What a look into Sent says of an unknown delivery, ``since`` it entered `sending`.

    >>> judge(found=False, provider_files=True, since=timedelta(minutes=10))
    'wait'
    """
    if found:
        return "sent"
    if provider_files and since < ASK_AFTER:
        return "wait"
    return "ask"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one drain settled."""

    sent: int
    asked: int
    waiting: int
    filed: int


def lapse(database: Database, mailbox: str, now: datetime) -> int:
    """`sending` whose owner is gone becomes `unknown`; how many. Needs no connection."""
    with database.write() as session:
        query = select(Delivery).where(
            Delivery.mailbox == mailbox, Delivery.state == DeliveryState.SENDING, Delivery.lease_until < now
        )
        lapsed = session.scalars(query.with_for_update(skip_locked=True)).all()
        for delivery in lapsed:
            transitions.move(
                session, delivery, DeliveryState.UNKNOWN, actor=RELANCE, reason="lease_ran_out", at=now,
                values={"owner": None, "lease_until": None},
            )  # fmt: skip
    return len(lapsed)


def orphaned(database: Database, mailbox: str, owner: str, dead: Collection[str] | None = None) -> int:
    """End the leases of workers that are dead; how many deliveries those were.

    ``dead`` names them; None: everybody but ``owner``, who is the only daemon of the database.
    """
    theirs = Delivery.owner != owner if dead is None else Delivery.owner.in_(dead)
    with database.write() as session:
        query = select(Delivery).where(Delivery.mailbox == mailbox, Delivery.owner.is_not(None), theirs)
        found = session.scalars(query.with_for_update(skip_locked=True)).all()
        for delivery in found:
            delivery.lease_until = LONG_AGO
    return len(found)


def drain(
    database: Database, settings: Settings, name: str, mailbox: Mailbox, sent_box: SentBox, now: datetime
) -> Reconciled:
    """Settle what is unknown by the Sent folder, and file the copies that are missing."""
    lapse(database, name, now)
    counts = {"sent": 0, "wait": 0, "ask": 0}
    with database.read() as session:
        query = select(Delivery).where(Delivery.mailbox == name, Delivery.state == DeliveryState.UNKNOWN)
        unknown = [
            (d.id, d.message.message_id or "", d.sent_uidnext or 1, d.entered_sending_at or now)
            for d in session.scalars(query)
        ]
    for delivery_id, message_id, uidnext, entered in unknown:
        found = sent_box.holds(message_id, uidnext)
        verdict = judge(found=found, provider_files=mailbox.smtp.files_sent, since=now - entered)
        with database.write() as session:
            delivery = session.get_one(Delivery, delivery_id, with_for_update=True)
            if delivery.state is not DeliveryState.UNKNOWN:
                continue
            delivery.looked_for_at = now
            if verdict == "sent":
                settle(session, delivery, "sent_folder", now)
                delivery.filed_at = now
            elif verdict == "ask":
                raise_delivery(session, settings, delivery, ExceptionReason.DELIVERY_UNKNOWN, _known(delivery), now)
            point("delivery.settling")
        point("delivery.settled")
        counts[verdict] += 1
    filed = 0 if mailbox.smtp.files_sent else _file_copies(database, name, sent_box, now)
    return Reconciled(counts["sent"], counts["ask"], counts["wait"], filed)


def _known(delivery: Delivery) -> str:
    return (
        f"it was handed over at {delivery.entered_sending_at:%Y-%m-%d %H:%M} UTC and the connection broke "
        f"({delivery.reply or 'the program ended'}); no copy lies in Sent"
    )


def settle(session: Session, delivery: Delivery, by: str, now: datetime) -> None:
    """An unknown delivery turned out to have left; ``by`` sent_folder, bounce, reply, or a person's name."""
    transitions.move(
        session, delivery, DeliveryState.SENT, actor=RELANCE, reason=f"settled by {by}", at=now,
        values={"sent_at": delivery.entered_sending_at or now, "settled_by": by},
    )  # fmt: skip
    if delivery.reminder is not None:
        store.mark_reminded(session, delivery.reminder, now)
    resolve_by_evidence(session, delivery_id=delivery.id, reason=ExceptionReason.DELIVERY_UNKNOWN, by=by, at=now)


def settle_by_mail(session: Session, message_id: str, by: str, now: datetime) -> None:
    """A mail from outside names ``message_id``: a delivery of unknown outcome with that id did leave."""
    query = select(Delivery).where(Delivery.state == DeliveryState.UNKNOWN, Delivery.message.has(message_id=message_id))
    for delivery in session.scalars(query.with_for_update()):
        settle(session, delivery, by, now)


def _file_copies(database: Database, name: str, sent_box: SentBox, now: datetime) -> int:
    with database.read() as session:
        query = select(Delivery).where(
            Delivery.mailbox == name, Delivery.state == DeliveryState.SENT, Delivery.filed_at.is_(None)
        )
        missing = [
            (d.id, d.message.message_id or "", d.sent_uidnext or 1, d.sent_at or now, store.raw_of(session, d))
            for d in session.scalars(query)
        ]
    filed = 0
    for delivery_id, message_id, uidnext, sent_at, raw in missing:
        if not sent_box.holds(message_id, uidnext):
            point("sent.before_append")
            sent_box.file(raw, sent_at)
            point("sent.appended")
            filed += 1
        with database.write() as session:
            session.get_one(Delivery, delivery_id).filed_at = now
        point("sent.noted")
    return filed
