"""Erasing on request and by age: what may go goes, what must stay is told with its reason.

The mailbox itself is not relance's to change: a person's mails have to be deleted there too. A mail that was erased is
known by the hash it is identified by, so that it is not stored again when the mailbox is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.privacy import store
from agent.privacy.decide import contacts_have_aged_out, mail_has_aged_out, why_kept
from agent.privacy.values import MailView, Periods
from config import Settings
from config.errors import NeedsPerson
from models import Contact, Customer, Database
from models.events import RELANCE

PAGE = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays, and why: ``what`` is ``mail 12``, ``customer C7``."""

    what: str
    why: str


@dataclass(slots=True)
class Erased:
    """What went (or would go), and what stays."""

    mails: int = 0
    contacts: int = 0
    customers: int = 0
    kept: list[Kept] = field(default_factory=list)


def erase_person(
    database: Database, address: str, *, actor: str, now: datetime, reason: str, dry_run: bool = False
) -> Erased:
    """Erase what is kept of one address. Raises NeedsPerson where nothing is known of it."""
    with database.read() as session:
        ids = store.mails_of(session, address)
        known = session.scalars(select(Contact).where(Contact.email == address.lower())).all()
    if not ids and not known:
        raise NeedsPerson(
            f"nothing is known of {address}", "Addresses are compared letter by letter; capitals don't count."
        )
    done = _erase_mails(database, sorted(ids), actor=actor, now=now, reason=reason, dry_run=dry_run)
    with database.write() as session:
        for contact in session.scalars(select(Contact).where(Contact.email == address.lower())):
            _erase_contact(session, contact, done, actor=actor, now=now, reason=reason, dry_run=dry_run)
    return done


def _erase_contact(
    session: Session, contact: Contact, done: Erased, *, actor: str, now: datetime, reason: str, dry_run: bool
) -> None:
    customer = session.get_one(Customer, contact.customer_id)
    (view,) = store.customer_views(session, [customer.id])
    why = why_kept(view)
    if why is None and customer.email.lower() == contact.email:
        why = f"the only address that the ledger gives; `relance erase --customer {customer.id}` erases it"
    if why is not None:
        done.kept.append(Kept(f"contact of {customer.id}", why))
        return
    done.contacts += 1
    if not dry_run:
        store.erase_contact(session, contact, actor=actor, at=now, reason=reason)


def erase_customer(
    database: Database, customer_id: str, *, actor: str, now: datetime, reason: str, dry_run: bool = False
) -> Erased:
    """Erase what is kept of a customer that is a person (a sole trader). Raises NeedsPerson where there is none."""
    with database.read() as session:
        if session.get(Customer, customer_id) is None:
            raise NeedsPerson(f"there is no customer {customer_id}", "`relance customers` lists them.")
        ids = store.mails_of_customer(session, customer_id)
        (view,) = store.customer_views(session, [customer_id])
    done = _erase_mails(database, sorted(ids), actor=actor, now=now, reason=reason, dry_run=dry_run)
    if (why := why_kept(view)) is not None:
        done.kept.append(Kept(f"customer {customer_id}", why))
        return done
    done.customers = 1
    if not dry_run:
        with database.write() as session:
            customer = session.get_one(Customer, customer_id, with_for_update=True)
            done.contacts = len(customer.contacts)
            store.erase_customer(session, customer, actor=actor, at=now, reason=reason)
    return done


def _erase_mails(
    database: Database, ids: Sequence[int], *, actor: str, now: datetime, reason: str, dry_run: bool
) -> Erased:
    done = Erased()
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        with database.write() as session:
            for view in store.mail_views(session, page):
                why = why_kept(view)
                if why is not None:
                    done.kept.append(Kept(f"mail {view.id}", why))
                    continue
                done.mails += 1
                if not dry_run:
                    store.erase_mail(session, view.id, actor=actor, at=now, reason=reason)
    return done


def periods(settings: Settings) -> Periods:
    """What the configuration says of keeping."""
    kept = settings.retention
    return Periods(timedelta(days=kept.mails), timedelta(days=kept.strangers), timedelta(days=kept.contacts))


def drain(database: Database, settings: Settings, now: datetime, *, dry_run: bool = False) -> Erased:
    """Erase what has been kept for as long as it may be. Harmless when run twice; a transaction a page."""
    kept_for, done, last = periods(settings), Erased(), 0
    oldest = now - min(kept_for.mails, kept_for.strangers)
    while True:
        with database.read() as session:
            ids = store.older_than(session, oldest, last, PAGE)
            old = [view for view in store.mail_views(session, ids) if mail_has_aged_out(view, kept_for, now)]
        if not ids:
            break
        last = ids[-1]
        done.mails += len(old) if dry_run else _erase_aged(database, old, kept_for, now)
    done.contacts = _drop_old_contacts(database, kept_for, now, dry_run=dry_run)
    return done


def _erase_aged(database: Database, old: Sequence[MailView], kept_for: Periods, now: datetime) -> int:
    if not old:
        return 0
    with database.write() as session:
        again = store.mail_views(session, [view.id for view in old])  # an answer may have come in between
        gone = [view.id for view in again if mail_has_aged_out(view, kept_for, now)]
        for message_id in gone:
            store.erase_mail(session, message_id, actor=RELANCE, at=now, reason="aged_out")
    return len(gone)


def _drop_old_contacts(database: Database, kept_for: Periods, now: datetime, *, dry_run: bool) -> int:
    with database.read() as session:
        quiet = [c.id for c in store.customer_views(session) if contacts_have_aged_out(c, kept_for, now)]
        further = _further_contacts(session, quiet)
    if dry_run or not further:
        return len(further)
    with database.write() as session:
        for contact in (rows := _further_contacts(session, quiet)):
            store.erase_contact(session, contact, actor=RELANCE, at=now, reason="aged_out")
    return len(rows)


def _further_contacts(session: Session, customers: Sequence[str]) -> list[Contact]:
    """Contacts beside the one address that the ledger gives for each customer."""
    found = session.execute(
        select(Contact, Customer.email).join(Customer, Customer.id == Contact.customer_id)
        .where(Contact.customer_id.in_(customers)).order_by(Contact.id)
    )  # fmt: skip
    return [contact for contact, own in found if contact.email != own.lower()]
