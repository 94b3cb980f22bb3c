"""What it all came to: everything that counts at the end of a trial, in words that don't depend on the way there.

Row numbers, times and the order of things are left out; what a customer got, what was believed of which mail, where
each invoice stands and what waits for a person is in. Two ways to the same end give equal values.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Contact,
    Database,
    Decision,
    Delivery,
    Dispute,
    ExceptionItem,
    Invoice,
    Location,
    Message,
    Prediction,
    Promise,
    Reminder,
    Task,
    events,
)
from models.message import Direction
from models.reasons import ExceptionReason, TaskKind
from models.states import WAITING, DeliveryState


@dataclass(frozen=True, slots=True)
class End:
    """`facts` by a name that says whom they are about; `got` and `filed` count mails of ours by Message-ID."""

    facts: Mapping[str, int]
    got: Mapping[str, int]
    filed: Mapping[str, int]
    asked: frozenset[str]
    """Customers of whose mail a person is asked whether it left."""
    asked_mails: frozenset[str]
    """… and the Message-IDs of those mails."""
    unsettled: frozenset[str]
    """Message-IDs of deliveries that are neither sent, nor refused, nor cancelled, nor in front of a person."""
    settled: Mapping[str, str] = field(default_factory=dict)
    """By Message-ID: what settled a delivery of unknown outcome."""
    broken_log: str = ""
    seen_set: int = 0
    """Mails of others that are marked as read, which nobody but people may do."""
    unaccounted: int = 0
    """Mails in the mailbox that are not known."""

    @property
    def duplicates(self) -> int:
        return sum(count - 1 for count in self.got.values() if count > 1)


def differences(wanted: End, found: End, ignoring: Iterable[str] = ()) -> list[str]:
    """What is not as it should be; nothing is told of customers of whose mail a person is asked, nor of `ignoring`."""
    excused = found.asked | set(ignoring)
    told = [
        f"{name}: {found.facts.get(name, 0)} and not {wanted.facts.get(name, 0)}"
        for name in sorted({*wanted.facts, *found.facts})
        if wanted.facts.get(name) != found.facts.get(name) and not set(name.split()) & excused
    ]
    told += [f"copy in Sent of {name}: {count}" for name, count in found.filed.items() if count > 1]
    told += [f"neither sent nor asked about: {name}" for name in sorted(found.unsettled)]
    if found.broken_log:
        told.append(f"log: {found.broken_log}")
    if found.seen_set:
        told.append(f"{found.seen_set} mail(s) marked as read")
    if found.unaccounted:
        told.append(f"{found.unaccounted} mail(s) in the mailbox are not known")
    return told


def message_id(raw: bytes) -> str:
    return str(BytesHeaderParser().parsebytes(raw).get("Message-ID", ""))


def read(
    database: Database, *, got: Iterable[bytes], filed: Iterable[bytes], seen_set: int, held: Mapping[str, set[int]]
) -> End:
    """The end of a trial: the rows, the mails that customers got and those in Sent, and the UIDs that folders hold."""
    with database.read() as session:
        broken = events.verify(session, database.key)
        known = {(place.folder, place.uid) for place in session.scalars(select(Location))}
        delivered = session.execute(
            select(Message.message_id, Delivery.state, Delivery.settled_by, Delivery.id).join(
                Delivery, Delivery.message_id == Message.id
            )
        ).all()
        asked_of = set(session.scalars(select(ExceptionItem.delivery_id)))
        waiting = set(
            session.scalars(
                select(ExceptionItem.delivery_id).where(
                    ExceptionItem.reason == ExceptionReason.DELIVERY_UNKNOWN, ExceptionItem.state.in_(WAITING)
                )
            )
        )
        asked = select(ExceptionItem.customer_id).where(
            ExceptionItem.reason == ExceptionReason.DELIVERY_UNKNOWN, ExceptionItem.state.in_(WAITING)
        )
        return End(
            facts=_facts(session),
            got=Counter(message_id(raw) for raw in got),
            filed=Counter(message_id(raw) for raw in filed),
            asked=frozenset(customer for customer in session.scalars(asked) if customer),
            asked_mails=frozenset(str(name) for name, _, _, row in delivered if row in waiting),
            unsettled=frozenset(
                str(name) for name, state, _, row in delivered if state not in _SETTLED and row not in asked_of
            ),
            settled={str(name): by for name, _, by, _ in delivered if by},
            broken_log=f"event {broken.seq}: {broken.why}" if broken else "",
            seen_set=seen_set,
            unaccounted=sum((folder, uid) not in known for folder, uids in held.items() for uid in uids),
        )


_SETTLED = frozenset({DeliveryState.SENT, DeliveryState.REJECTED, DeliveryState.CANCELLED})


def _facts(session: Session) -> dict[str, int]:
    messages = {m.id: m for m in session.scalars(select(Message))}
    invoices = {i.id: i for i in session.scalars(select(Invoice))}
    found: Counter[str] = Counter()

    def name(row: int | None) -> str:
        """A mail by what it is, and not by the order in which they came; one of ours says at what time it was made."""
        if row is None:
            return "-"
        found = messages[row]
        return str(found.message_id) if found.direction is Direction.OUT else found.dkey[:12]

    for invoice in invoices.values():
        found[f"invoice {invoice.number} of {invoice.customer_id} | {invoice.state} {invoice.balance:f}"] += 1
    for m in messages.values():
        told = f"message {name(m.id)} of {m.customer_id} | {m.direction} {m.kind} {m.state} {m.error}"
        found[told if m.direction is Direction.IN else f"message {name(m.id)} of {m.customer_id} | {m.direction}"] += 1
    for d in session.scalars(select(Decision)):
        number = invoices[d.invoice_id].number if d.invoice_id else "-"
        owner = messages[d.message_id].customer_id
        found[f"decision on {name(d.message_id)} of {owner} | {d.position} {d.action} {number} {d.rule}"] += 1
    for prediction in session.scalars(select(Prediction)):
        owner = messages[prediction.message_id].customer_id
        found[f"prediction on {name(prediction.message_id)} of {owner} | {prediction.primary}"] += 1
    for x in session.scalars(select(ExceptionItem).where(ExceptionItem.reason != ExceptionReason.DELIVERY_UNKNOWN)):
        found[f"exception of {x.customer_id} about {name(x.message_id)} | {x.reason} {x.state} {x.holds}"] += 1
    for p in session.scalars(select(Promise)):
        number = invoices[p.invoice_id].number
        found[f"promise of {number} of {invoices[p.invoice_id].customer_id} | {p.date} {p.amount} {p.state}"] += 1
    return dict(found + _of_people(session, invoices))


def _of_people(session: Session, invoices: Mapping[int, Invoice]) -> Counter[str]:
    """What waits for somebody, who may be written to, and who was."""
    found: Counter[str] = Counter()
    for dispute in session.scalars(select(Dispute)):
        owner = invoices[dispute.invoice_id].customer_id
        found[f"dispute of {invoices[dispute.invoice_id].number} of {owner} | {dispute.state}"] += 1
    # Which automatic answers a person audits is drawn by lot.
    for task in session.scalars(select(Task).where(Task.kind != TaskKind.AUDIT_SAMPLE)):
        found[f"task of {task.customer_id} | {task.kind} {task.state}"] += 1
    for c in session.scalars(select(Contact)):
        found[f"contact {c.email} of {c.customer_id} | {bool(c.dead_since)} {c.away_until}"] += 1
    query = select(Reminder, Delivery).join(Delivery, Delivery.reminder_id == Reminder.id, isouter=True)
    for reminder, delivery in session.execute(query):
        lines = "+".join(sorted(invoices[line.invoice_id].number for line in reminder.lines))
        delivered: Delivery | None = delivery  # an outer join: reminders by letter or call have none
        state = delivered.state if delivered is not None else "-"
        voided = reminder.voided_at is not None
        found[f"reminder to {reminder.customer_id} | {reminder.step} {reminder.cycle} {lines} {voided} {state}"] += 1
    return found
