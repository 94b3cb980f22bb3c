"""Customers and contacts of a file, beside those that are known → what to create and what to change. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.ledger import alarms
from agent.ledger.values import ContactRow, CustomerRow, RowError, Stop


@dataclass(frozen=True, slots=True)
class ChangedCustomer:
    """``values``: the columns that differ. ``email_was`` is None where the address stays."""

    id: str
    values: Mapping[str, Any]
    email_was: str | None


@dataclass(frozen=True, slots=True)
class CustomerChanges:
    create: tuple[CustomerRow, ...]
    change: tuple[ChangedCustomer, ...]
    unchanged: int
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class ChangedContact:
    id: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContactChanges:
    create: tuple[ContactRow, ...]
    change: tuple[ChangedContact, ...]
    unchanged: int
    errors: tuple[RowError, ...]


def judge_customers(rows: Sequence[CustomerRow], known: Mapping[str, Mapping[str, Any]], total: int) -> CustomerChanges:
    """What a file of customers changes.

    Args:
        rows: the good rows of the file.
        known: the columns of those customers of the file that exist, by id.
        total: how many customers exist.
    """
    create: list[CustomerRow] = []
    change: list[ChangedCustomer] = []
    for row in rows:
        now = known.get(row.id)
        if now is None:
            create.append(row)
        elif values := _differing(_without_lifting(row.values), now):
            change.append(ChangedCustomer(row.id, values, now["email"] if "email" in values else None))
    redirected = sum(c.email_was is not None or _copies_move(c, known[c.id]) for c in change)
    return CustomerChanges(
        create=tuple(create),
        change=tuple(change),
        unchanged=len(rows) - len(create) - len(change),
        stop=alarms.addresses_changed(redirected, total),
    )


#: What only a person lifts: nobody may be chased because a ledger has no field for it.
_LIFTED_BY_PEOPLE = ("insolvent_since", "no_mail_since")


def _without_lifting(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A blank cell says neither that a customer is solvent again nor that it wants mails again."""
    return {name: value for name, value in values.items() if name not in _LIFTED_BY_PEOPLE or value is not None}


def _copies_move(changed: ChangedCustomer, now: Mapping[str, Any]) -> bool:
    """Whether copies go to other people than before; a first address for copies is a choice, not a change."""
    return bool(now["cc"]) and bool(changed.values.get("cc"))


def judge_contacts(
    rows: Sequence[ContactRow],
    customers: frozenset[str],
    known: Mapping[tuple[str, str], tuple[int, Mapping[str, Any]]],
) -> ContactChanges:
    """What a file of contacts changes; contacts that it does not name stay.

    Args:
        rows: the good rows of the file.
        customers: ids of the customers that exist.
        known: by customer and address: the contact's id and columns.
    """
    create: list[ContactRow] = []
    change: list[ChangedContact] = []
    errors: list[RowError] = []
    for row in rows:
        if row.customer_id not in customers:
            errors.append(unknown_customer(row.line, row.customer_id))
        elif (found := known.get((row.customer_id, row.email))) is None:
            create.append(row)
        elif values := _differing(row.values, found[1]):
            change.append(ChangedContact(found[0], values))
    unchanged = len(rows) - len(create) - len(change) - len(errors)
    return ContactChanges(tuple(create), tuple(change), unchanged, tuple(errors))


def unknown_customer(line: int, customer_id: str) -> RowError:
    return RowError(line, "customer_id", f"unknown customer “{customer_id}”. Import it first, or correct the id.")


def _differing(values: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != now[name]}
