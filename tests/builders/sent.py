"""A reminder that left: customer, contact, invoices, the mail of ours and its delivery, as rows."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from agent.inbound import keys
from agent.inbound.identity import identify
from models import Contact, Customer, Delivery, Invoice, Message, Reminder, ReminderLine, Thread, blob
from models.message import Direction
from models.states import DeliveryState, InvoiceState
from tests.builders import mail

SENT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


def customer(session: Session, customer_id: str = "C1", *emails: str) -> Customer:
    """A customer; the first address is its own, all are contacts."""
    addresses = emails or (mail.CUSTOMER,)
    row = Customer(id=customer_id, name=f"Customer {customer_id}", email=addresses[0], created_at=SENT, updated_at=SENT)
    session.add(row)
    session.flush()
    session.add_all(Contact(customer_id=customer_id, email=email, created_at=SENT) for email in addresses)
    session.flush()
    return row


def invoice(
    session: Session, number: str, customer_id: str = "C1", *, state: InvoiceState = InvoiceState.REMINDED
) -> Invoice:
    row = Invoice(
        number=number,
        customer_id=customer_id,
        due_date=date(2026, 2, 28),
        amount=Decimal("1240.00"),
        opening_balance=Decimal("1240.00"),
        balance=Decimal("1240.00"),
        currency="EUR",
        state=state,
        state_at=SENT,
        created_at=SENT,
    )
    session.add(row)
    session.flush()
    return row


def reminder(
    session: Session,
    invoices: Sequence[Invoice],
    *,
    step: str = "friendly",
    domain: str = "example.test",
    thread: Thread | None = None,
) -> Message:
    """The mail of a reminder for these invoices (of one customer), delivered."""
    customer_id = invoices[0].customer_id
    cycle = invoices[0].cycle
    row = Reminder(
        customer_id=customer_id, currency="EUR", plan="standard", plan_version="1", step=step, cycle=cycle,
        channel="mail", level=1, mailbox="ar", due_on=SENT.date(), created_at=SENT, approval="not_needed",
        lines=[
            ReminderLine(invoice_id=i.id, step=step, cycle=cycle, balance=i.balance, days_late=10) for i in invoices
        ],
    )  # fmt: skip
    session.add(row)
    session.flush()
    secret = session.info["key"].secret
    message_id = keys.make_message_id(secret, f"{customer_id}:{step}:{cycle}", domain)
    if thread is None:
        thread = Thread(customer_id=customer_id, currency="EUR", root_message_id=message_id, created_at=SENT)
        session.add(thread)
        session.flush()
    raw = mail.letter(
        "Sauf erreur…\n", sender=mail.OURS, to=(mail.CUSTOMER,), subject="Rappel", message_id=message_id, date=SENT
    )
    message = Message(
        dkey=identify(raw).dkey, direction=Direction.OUT, mailbox="ar", message_id=message_id,
        blob_sha256=blob.keep(session, raw), size=len(raw), received_at=SENT, subject="Rappel",
        thread_id=thread.id, customer_id=customer_id, created_at=SENT,
    )  # fmt: skip
    session.add(message)
    session.flush()
    session.add(
        Delivery(
            message_id=message.id, reminder_id=row.id, customer_id=customer_id, mailbox="ar", recipient=mail.CUSTOMER,
            state=DeliveryState.SENT, not_before=SENT, sent_at=SENT, created_at=SENT,
        )
    )  # fmt: skip
    session.flush()
    return message
