"""Who may speak for a customer, as a table."""

import dataclasses
from collections.abc import Sequence

import pytest

from agent.inbound.lists import free_mail_domains
from agent.inbound.reading import read_message
from agent.inbound.standing import Standing, standing, standing_of
from agent.inbound.values import Authentication, Reading
from models import Database
from tests.agent.inbound.conftest import NOW
from tests.builders import mail, sent

CONTACTS = ("anna@customer.test", "boss@gmail.com", "books@accountants.test")


def reading(sender: str, authentication: Authentication | None = None) -> Reading:
    found = read_message(mail.letter(sender=sender), None, NOW)
    return found if authentication is None else dataclasses.replace(found, authentication=authentication)


def judged(one: Reading, contacts: Sequence[str] = CONTACTS) -> Standing:
    return standing(one, contacts, free_mail_domains(), {"accountants.test"})


@pytest.mark.parametrize(
    ("sender", "known", "how"),
    [
        ("anna@customer.test", True, "contact"),
        ("Anna <ANNA@Customer.test>", True, "contact"),
        ("somebody@customer.test", True, "domain"),
        ("somebody@sub.customer.test", False, "none"),
        ("somebody@notcustomer.test", False, "none"),
        ("boss@gmail.com", True, "contact"),
        ("somebody@gmail.com", False, "none"),
        ("books@accountants.test", True, "contact"),
        ("other@accountants.test", False, "none"),
        ("eve@evil.test", False, "none"),
        ("anna@customer.test <eve@evil.test>", False, "none"),
        ("anna@customer.test, eve@evil.test", False, "none"),
    ],
)
def test_a_contact_or_the_own_domain_is_known_and_nobody_else(sender: str, known: bool, how: str) -> None:
    found = judged(reading(sender))
    assert (found.known, found.how) == (known, how)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Authentication("pass", "customer.test", "DMARC passed"), True),
        (Authentication("pass", "evil.test", "DMARC passed"), False),
        (Authentication("fail", "customer.test", "DMARC failed"), False),
        (Authentication("none", None, "our border gave no DMARC result"), False),
    ],
)
def test_authenticated_is_what_our_border_says_of_the_senders_own_domain(
    verdict: Authentication, expected: bool
) -> None:
    assert judged(reading("anna@customer.test", verdict)).authenticated is expected


@pytest.mark.parametrize(
    "domain", ["gmail.com", "orange.fr", "wanadoo.fr", "laposte.net", "outlook.com", "gmx.de", "free.fr"]
)
def test_free_mail_and_access_providers_are_on_the_list(domain: str) -> None:
    assert domain in free_mail_domains()


def test_the_list_holds_domains_only() -> None:
    assert len(free_mail_domains()) > 4_000
    assert all(" " not in domain and "." in domain and domain == domain.lower() for domain in free_mail_domains())


def test_a_domain_that_another_customer_writes_from_is_nobodys_own(database: Database) -> None:
    with database.write() as session:
        sent.customer(session, "C1", "anna@group.test")
        assert standing_of(session, reading("new@group.test"), "C1").how == "domain"
        sent.customer(session, "C2", "bob@group.test")
        assert standing_of(session, reading("new@group.test"), "C1").how == "none"
        assert standing_of(session, reading("anna@group.test"), "C1").how == "contact"
        assert not standing_of(session, reading("anna@group.test"), None).known


def test_who_handed_it_in_and_whose_words_it_passes_on_are_told_and_change_nothing() -> None:
    block = "From: Eve <eve@evil.test>\nSent: Monday, March 2, 2026 9:12 AM\nTo: Anna\nSubject: Invoice"
    raw = mail.letter(f"FYI\n\n{block}\n\nPaid.\n", subject="FW: Invoice", headers={"Sender": "carl@customer.test"})
    found = judged(read_message(raw, None, NOW))
    assert (found.known, found.how) == (True, "contact")
    assert found.detail.endswith("handed in by carl@customer.test; passes on a mail that says it is from eve@evil.test")
