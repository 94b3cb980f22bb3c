"""One item of the queue with all that a person needs to settle it, and how it can be settled. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import addresses, overview, states
from agent.ledger.overview import InvoiceShown
from agent.replies import store, wrong_contact
from agent.replies.word_on_message import needs_intent
from agent.replies.wrong_contact import Proposal
from agent.review import disputes
from agent.review.conversation import Mail, conversation
from classifier.values import Prediction
from config import Settings
from config.errors import NeedsPerson
from models import Customer, Delivery, ExceptionItem, Invoice, Message, Payment
from models.reasons import ExceptionReason
from models.states import CLOSED, WAITING, DeliveryState

Way = Literal["intent", "verdict", "delivery", "settle"]
"""How an item is settled: by what its mail means, how a dispute ends, what became of a mail, or just so."""


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item for its page."""

    id: int
    reason: str
    detail: str
    state: str
    is_waiting: bool
    assignee: str | None
    holds: bool
    priority: int
    created_at: datetime
    due_at: datetime
    snoozed_until: datetime | None
    resolved_by: str | None
    resolved_at: datetime | None
    customer: Customer | None
    other_customers: tuple[Customer, ...]
    way: Way
    mails: tuple[Mail, ...]
    mail_id: int | None
    prediction: Prediction | None
    linked: tuple[InvoiceShown, ...]
    """The invoices that the item speaks of."""
    others: tuple[InvoiceShown, ...]
    """What else the customer has open."""
    intents: Mapping[str, str]
    """By number of a linked invoice: what the model takes the mail to say of it."""
    disputes: tuple[tuple[str, str, Decimal | None, str | None, datetime], ...]
    """Open disputes: number, reason, contested amount, owner, since."""
    delivery: tuple[str, str, str | None, str] | None
    """State, recipient, what the server said last, and the subject."""
    delivery_ways: tuple[str, ...]
    payment: tuple[str, Decimal, str, date, str | None] | None
    contact: Proposal | None
    """What may be said of a wrong contact; None: no mail from a customer."""
    dead: tuple[str, ...]
    """Addresses that are gone, where the item asks for another one."""


def view(session: Session, item_id: int, settings: Settings, now: datetime) -> ItemView:
    """The item of that number. Raises NeedsPerson where there is none."""
    item = session.get(ExceptionItem, item_id)
    if item is None:
        raise NeedsPerson(f"there is no item {item_id} in the queue")
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    prediction = store.prediction_of(session, message.id) if message is not None else None
    ids = [link.invoice_id for link in item.links if link.invoice_id is not None]
    linked_rows = session.scalars(select(Invoice).where(Invoice.id.in_(ids)).order_by(Invoice.due_date)).all()
    linked_numbers = [row.number for row in linked_rows]
    other_numbers: list[str] = []
    if customer is not None:
        query = select(Invoice.number).where(
            Invoice.customer_id == customer.id, Invoice.state.not_in(CLOSED), Invoice.id.not_in(ids)
        )
        other_numbers = list(session.scalars(query))
    shown = _shown(session, [*linked_numbers, *other_numbers], settings, now)
    linked = tuple(one for one in shown if one.number in linked_numbers)
    others = tuple(one for one in shown if one.number not in linked_numbers)
    way = way_of(item, message)
    return ItemView(
        id=item.id,
        reason=item.reason.value,
        detail=item.detail,
        state=item.state.value,
        is_waiting=item.state in WAITING,
        assignee=item.assignee,
        holds=item.holds,
        priority=item.priority,
        created_at=item.created_at,
        due_at=item.due_at,
        snoozed_until=item.snoozed_until,
        resolved_by=item.resolved_by,
        resolved_at=item.resolved_at,
        customer=customer,
        other_customers=_others(session, item),
        way=way,
        mails=tuple(conversation(session, message, item.customer_id)),
        mail_id=message.id if message is not None else None,
        prediction=prediction,
        linked=linked,
        others=others,
        intents=_intents(prediction, linked),
        disputes=_disputes(session, linked_rows) if way == "verdict" else (),
        delivery=_delivery(session, item),
        delivery_ways=_delivery_ways(session, item),
        payment=_payment(session, item),
        contact=_contact(session, item, message, settings),
        dead=_dead(session, item),
    )


def _dead(session: Session, item: ExceptionItem) -> tuple[str, ...]:
    if item.customer_id is None or item.reason is not ExceptionReason.DEAD_ADDRESS:
        return ()
    return tuple(addresses.dead(session, item.customer_id))


def _contact(session: Session, item: ExceptionItem, message: Message | None, settings: Settings) -> Proposal | None:
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    if customer is None or message is None or item.state not in WAITING or not wrong_contact.is_theirs(message):
        return None
    return wrong_contact.proposal(session, customer, message, settings)


def way_of(item: ExceptionItem, message: Message | None) -> Way:
    """How this item is to be settled."""
    if item.delivery_id is not None:
        return "delivery"
    if item.reason is ExceptionReason.DISPUTE:
        return "verdict"
    return "intent" if message is not None and needs_intent(message) else "settle"


def _shown(session: Session, numbers: list[str], settings: Settings, now: datetime) -> list[InvoiceShown]:
    return overview.invoices(session, settings, now, numbers) if numbers else []


def _intents(prediction: Prediction | None, linked: tuple[InvoiceShown, ...]) -> dict[str, str]:
    if prediction is None:
        return {}
    return {shown.number: prediction.per_invoice.get(shown.number, prediction.primary) for shown in linked}


def _others(session: Session, item: ExceptionItem) -> tuple[Customer, ...]:
    ids = {link.customer_id for link in item.links} - {item.customer_id}
    return tuple(session.scalars(select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id)))


def _disputes(
    session: Session, invoices: Sequence[Invoice]
) -> tuple[tuple[str, str, Decimal | None, str | None, datetime], ...]:
    found: list[tuple[str, str, Decimal | None, str | None, datetime]] = []
    for invoice in invoices:
        rows = disputes.shown(session, list(states.open_disputes(session, invoice)))
        found += [(invoice.number, row.reason, row.amount, row.owner, row.opened_at) for row in rows]
    return tuple(found)


def _delivery(session: Session, item: ExceptionItem) -> tuple[str, str, str | None, str] | None:
    delivery = session.get(Delivery, item.delivery_id) if item.delivery_id is not None else None
    if delivery is None:
        return None
    return delivery.state.value, delivery.recipient, delivery.reply, delivery.message.subject or ""


def _delivery_ways(session: Session, item: ExceptionItem) -> tuple[str, ...]:
    """What a person may say of it, as `resolve` takes it."""
    delivery = session.get(Delivery, item.delivery_id) if item.delivery_id is not None else None
    if delivery is None:
        return ()
    match delivery.state:
        case DeliveryState.UNKNOWN:
            return ("sent", "again", "drop")
        case DeliveryState.REJECTED:
            return ("again", "drop")
    return ()


def _payment(session: Session, item: ExceptionItem) -> tuple[str, Decimal, str, date, str | None] | None:
    payment = session.get(Payment, item.payment_id) if item.payment_id is not None else None
    if payment is None:
        return None
    return payment.id, payment.amount, payment.currency, payment.date, payment.reference
