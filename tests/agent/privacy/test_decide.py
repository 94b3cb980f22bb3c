"""What may go and what must stay, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.privacy.decide import contacts_have_aged_out, mail_has_aged_out, why_kept
from agent.privacy.values import CustomerView, MailView, Periods

NOW = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)
KEPT_FOR = Periods(mails=timedelta(days=1825), strangers=timedelta(days=365), contacts=timedelta(days=1095))
MAIL = MailView(1, NOW - timedelta(days=2000), True, ("C1",), (), NOW - timedelta(days=1900), ())
CUSTOMER = CustomerView("C1", (), NOW - timedelta(days=1100), NOW - timedelta(days=3000), ())


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        (MAIL, None),
        (replace(MAIL, owed=("FA-1",)), "FA-1 is not settled"),
        (replace(MAIL, owed=("FA-1", "FA-2")), "2 invoices are not settled"),
        (replace(MAIL, is_settled=False), "still waits to be settled"),
        (replace(MAIL, legal_holds=("court",)), "under a legal hold: court"),
    ],
)
def test_what_is_owed_waiting_or_held_stays_whoever_asks(mail: MailView, words: str | None) -> None:
    assert why_kept(mail) == words
    assert mail_has_aged_out(mail, KEPT_FOR, NOW) is (words is None)


@pytest.mark.parametrize(
    ("mail", "goes"),
    [
        (replace(MAIL, last_closed_at=NOW - timedelta(days=1826)), True),
        (replace(MAIL, last_closed_at=NOW - timedelta(days=1824)), False),
        (replace(MAIL, at=NOW - timedelta(days=10)), False),
        (replace(MAIL, customers=(), last_closed_at=None, at=NOW - timedelta(days=366)), True),
        (replace(MAIL, customers=(), last_closed_at=None, at=NOW - timedelta(days=364)), False),
    ],
)
def test_age_counts_from_the_settlement_and_for_strangers_from_the_arrival(mail: MailView, goes: bool) -> None:
    assert mail_has_aged_out(mail, KEPT_FOR, NOW) is goes


@pytest.mark.parametrize(
    ("customer", "go"),
    [
        (CUSTOMER, True),
        (replace(CUSTOMER, last_closed_at=NOW - timedelta(days=1000)), False),
        (replace(CUSTOMER, last_closed_at=None), True),
        (replace(CUSTOMER, owed=("FA-1",)), False),
        (replace(CUSTOMER, legal_holds=("audit",)), False),
    ],
)
def test_people_of_a_quiet_customer_are_forgotten(customer: CustomerView, go: bool) -> None:
    assert contacts_have_aged_out(customer, KEPT_FOR, NOW) is go
