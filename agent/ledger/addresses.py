"""Wrong addresses: a person agrees that one is somebody else's, or of somebody who has left, and nothing goes to it any
more, as to one that a bounce called dead. Where another address is named, reminders go on there; where none is known,
a task asks for one. Each with its event; an event holds an address only as a salted hash.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import freshness, store, tasks
from agent.ledger.byhand import Deed
from agent.reminders import decide, loading
from config import Settings
from config.errors import RelanceError
from config.fields import MailAddress
from models import Contact, Customer, Task, events, transitions
from models.reasons import TaskKind
from models.states import TaskState

WRONG = ("wrong_person", "left_company")
"""Why an address is a wrong one, in the words of the labelling guide."""

_KEY = "contact"
_ADDRESS: TypeAdapter[str] = TypeAdapter(MailAddress)


@dataclass(frozen=True, slots=True)
class Retired:
    """What followed from a wrong address; ids only, so that it can be kept with an item and undone.

    ``was`` is None where the address stood among the copies only and had no row of its own.
    """

    contact_id: int
    was_because: str | None
    was_since: str | None
    was_replaced_by: str | None
    added_id: int | None
    task_id: int | None


def hashed(session: Session, address: str) -> str:
    """An address as an event may hold it: two events can be compared, and nobody without the key can guess it."""
    signed: str = session.info["key"].sign("address\n" + address)
    return signed


def checked(text: str) -> str:
    """An address as it is kept, in small letters. Raises RelanceError."""
    try:
        return _ADDRESS.validate_python(text.strip()).lower()
    except ValidationError:
        raise RelanceError(f"“{text}” is no mail address", "Write it as name@company.example.") from None


def living(session: Session, customer_id: str) -> list[str]:
    """The addresses that reminders or their copies may go to, by when they came to be known."""
    query = select(Contact.email).where(Contact.customer_id == customer_id, Contact.dead_since.is_(None))
    return list(session.scalars(query.order_by(Contact.id)))


def written_to(session: Session, customer: Customer) -> str | None:
    """The address that reminders go to at this moment."""
    contacts = session.scalars(select(Contact).where(Contact.customer_id == customer.id))
    return decide.billing_address(loading.recipients_of(customer, contacts))


def _copies(customer: Customer) -> list[str]:
    return [part.strip().lower() for part in (customer.cc or "").split(",")]


def retire(
    session: Session, customer: Customer, address: str, why: str, deed: Deed, settings: Settings,
    *, replacement: str | None = None, message_id: int | None = None,
) -> Retired:  # fmt: skip
    """Nothing goes to this address of the customer any more; ``why`` is one of WRONG. With a ``replacement`` reminders
    go on there, without one a task asks whom to write to. Raises RelanceError where the address is none of it.
    """
    row = _contact(session, customer, address)
    before = (row.dead_because, row.dead_since, row.replaced_by)
    if row.dead_since is None:
        row.dead_since, row.dead_because = deed.at, why
        events.record(
            session, "contact.wrong", row, actor=deed.actor, at=deed.at,
            customer=customer.id, why=why, message=message_id,
        )  # fmt: skip
    added = replace_by(session, customer, row, replacement, deed) if replacement is not None else None
    task = None
    if row.replaced_by is None:
        task = _ask_for_another(session, customer, row, why, deed, settings, message_id)
    since = before[1].isoformat() if before[1] is not None else None
    return Retired(row.id, before[0], since, before[2], added, task.id if task is not None else None)


def replace_by(session: Session, customer: Customer, wrong: Contact, address: str, deed: Deed) -> int | None:
    """Write to ``address`` in the place of one that is wrong; the new contact's id, None where it was known before.

    What asked for one is done. Raises RelanceError where the other one is no better.
    """
    address = checked(address)
    known = next((c for c in customer.contacts if c.email == address), None)
    if known is not None and known.dead_since is not None:
        raise RelanceError(f"nothing goes to {address} either", "Give another one, or `resume-mails --to` this one.")
    added = None
    if known is None:
        contact = Contact(customer_id=customer.id, email=address, role="billing", created_at=deed.at)
        customer.contacts.append(contact)
        events.record(
            session, "contact.added", contact, actor=deed.actor, at=deed.at,
            customer=customer.id, address=hashed(session, address), role=contact.role,
        )  # fmt: skip
        added = contact.id
    elif known.role != "billing":
        known.role = "billing"
        events.record(session, "contact.changed", known, actor=deed.actor, at=deed.at, columns=["role"])
    wrong.replaced_by = address
    found(session, customer.id, deed)
    return added


def dead(session: Session, customer_id: str) -> list[str]:
    """The addresses to which nothing goes any more and for which no other one is known."""
    query = select(Contact.email).where(
        Contact.customer_id == customer_id, Contact.dead_since.is_not(None), Contact.replaced_by.is_(None)
    )
    return list(session.scalars(query.order_by(Contact.dead_since.desc(), Contact.id)))


def replace_dead(session: Session, customer: Customer, address: str, replacement: str, deed: Deed) -> Retired:
    """Write to ``replacement`` in the place of an address that is gone already. Raises RelanceError where it is none of
    the customer's, or the other one is no better.
    """
    row = _contact(session, customer, address)
    since = row.dead_since.isoformat() if row.dead_since is not None else None
    was_replaced_by = row.replaced_by
    added = replace_by(session, customer, row, replacement, deed)
    return Retired(row.id, row.dead_because, since, was_replaced_by, added, None)


def revive(session: Session, customer: Customer, address: str, deed: Deed) -> bool:
    """Reminders may go to this address again; whether they did not. Raises RelanceError where it is none of it."""
    row = _contact(session, customer, address)
    if row.dead_since is None:
        return False
    row.dead_since = row.dead_because = row.replaced_by = None
    events.record(session, "contact.right", row, actor=deed.actor, at=deed.at, customer=customer.id)
    found(session, customer.id, deed)
    return True


def found(session: Session, customer_id: str, deed: Deed) -> None:
    """Whom to write to is known: nobody has to look for it any more."""
    query = select(Task).where(
        Task.customer_id == customer_id, Task.kind == TaskKind.FIND_CONTACT, Task.state == TaskState.OPEN
    )
    for task in session.scalars(query.with_for_update()):
        transitions.move(
            session, task, TaskState.DONE, actor=deed.actor, reason="contact_found", at=deed.at,
            values={"done_at": deed.at, "done_by": deed.actor, "outcome": "another address is known"},
        )  # fmt: skip


def take_back(session: Session, customer: Customer, document: Mapping[str, Any], deed: Deed) -> str | None:
    """Undo a `retire` or `replace_dead` by its document; the address that may be written to again, None where it may
    not, or has gone since.
    """
    retired = Retired(**document)
    row = session.get(Contact, retired.contact_id)
    if row is None:
        return None
    row.dead_because, row.replaced_by = retired.was_because, retired.was_replaced_by
    row.dead_since = datetime.fromisoformat(retired.was_since) if retired.was_since is not None else None
    if row.dead_since is None:
        events.record(session, "contact.right", row, actor=deed.actor, at=deed.at, customer=customer.id, reason="undo")
    added = session.get(Contact, retired.added_id) if retired.added_id is not None else None
    if added is not None:
        events.record(session, "contact.removed", added, actor=deed.actor, at=deed.at, reason="undo")
        customer.contacts.remove(added)
        session.delete(added)
    task = session.get(Task, retired.task_id) if retired.task_id is not None else None
    if task is not None and task.state is TaskState.OPEN:
        transitions.move(
            session, task, TaskState.CANCELLED, actor=deed.actor, reason="undo", at=deed.at,
            values={"done_at": deed.at, "done_by": deed.actor, "outcome": "the address is right after all"},
        )  # fmt: skip
    return row.email if row.dead_since is None else None


def asked_about(session: Session, task: Task) -> Contact | None:
    """The wrong contact for which a task wants another one; None: it asks for none, or the contact was erased."""
    return session.get(Contact, int(task.key.split(":")[1])) if task.kind is TaskKind.FIND_CONTACT else None


def document_of(retired: Retired) -> dict[str, Any]:
    """As an item keeps it."""
    return asdict(retired)


def _contact(session: Session, customer: Customer, address: str) -> Contact:
    """The customer's contact of that address; one that stands among its copies only gets a row. Raises RelanceError."""
    address = checked(address)
    row = next((c for c in customer.contacts if c.email == address), None)
    if row is None and address in _copies(customer):
        row = Contact(customer_id=customer.id, email=address, role="cc", created_at=customer.created_at)
        customer.contacts.append(row)
        session.flush()
    if row is None:
        raise RelanceError(
            f"{address} is no address of {customer.name}", f"`relance customers {customer.id} --json` lists them."
        )
    return row


def _ask_for_another(
    session: Session, customer: Customer, wrong: Contact, why: str, deed: Deed, settings: Settings,
    message_id: int | None,
) -> Task:  # fmt: skip
    told = {"wrong_person": "is not the right person", "left_company": "has left"}.get(why, "is gone")
    to = written_to(session, customer)
    meanwhile = f"reminders go to {to} meanwhile" if to is not None else "no reminder goes out by mail until then"
    asked = select(Task).where(Task.key.startswith(f"{_KEY}:{wrong.id}:"), Task.state == TaskState.OPEN)
    return session.scalars(asked).first() or tasks.open_task(
        session,
        key=f"{_KEY}:{wrong.id}:{deed.at.isoformat()}",
        kind=TaskKind.FIND_CONTACT,
        invoices=store.open_invoices_of(session, customer.id),
        detail=f"find the right contact: {wrong.email} {told}; {meanwhile}",
        due_on=freshness.local_day(deed.at, settings),
        at=deed.at,
        message_id=message_id,
        customer_id=customer.id,
    )
