"""A server says that an address is gone: the person who is asked gives another one, on the item or on the customer."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from agent.ledger import addresses
from models import Contact, Customer, Event, Message
from models.reasons import ExceptionReason
from tests.builders.desk import NOW, Office, answer, debtor

NEW = "new@dupont.example"


@pytest.fixture
def bounced(small_desk: Office) -> tuple[Office, int, str]:
    """The desk with an item whose customer's only address is gone; the item's number and the address."""
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont")
        row = answer(session, owner, invoices, reason=ExceptionReason.DEAD_ADDRESS)
        session.get_one(Message, row.message_id).kind = "bounce"
        contact = session.scalars(select(Contact).where(Contact.customer_id == owner.id)).one()
        contact.dead_since = NOW - timedelta(days=1)
        return small_desk, row.id, contact.email


def written_to(desk: Office) -> str | None:
    with desk.database.read() as session:
        return addresses.written_to(session, session.scalars(select(Customer)).one())


def test_the_item_asks_for_the_other_address_and_says_what_follows(bounced: tuple[Office, int, str]) -> None:
    desk, item, address = bounced
    browser = desk.at_work()
    page = browser.get(f"/work/item/{item}").text
    assert f"<option>{address}</option>" in page
    assert "until another address is known" in browser.post(f"/work/item/{item}/consequence").text
    form = {"dead_address": address, "new_contact": NEW}
    assert f"Reminders go to {NEW} from now on." in browser.post(f"/work/item/{item}/consequence", form).text
    assert written_to(desk) is None


def test_reminders_go_to_it_and_undo_takes_it_away_again(bounced: tuple[Office, int, str]) -> None:
    desk, item, address = bounced
    browser = desk.at_work()
    browser.post(f"/work/item/{item}/settle", {"dead_address": address, "new_contact": NEW})
    assert written_to(desk) == NEW
    browser.post("/undo")
    assert written_to(desk) is None
    with desk.database.read() as session:
        (contact,) = session.scalars(select(Contact))
        assert (contact.email, contact.replaced_by) == (address, None)
        assert session.scalars(select(Event).where(Event.kind == "contact.right")).all() == []


def test_what_is_no_address_settles_nothing(bounced: tuple[Office, int, str]) -> None:
    desk, item, address = bounced
    browser = desk.at_work()
    refused = browser.post(f"/work/item/{item}/settle", {"dead_address": address, "new_contact": "nobody"})
    assert refused.status_code == 409
    assert "is no mail address" in refused.text
    assert written_to(desk) is None


def test_the_customers_page_takes_it_too(bounced: tuple[Office, int, str]) -> None:
    desk, _, address = bounced
    with desk.database.read() as session:
        customer = session.scalars(select(Customer.id)).one()
    browser = desk.at_work()
    assert f"Write instead of {address} to" in browser.get(f"/customers/{customer}").text
    form = {"customer": customer, "kind": "left_company", "address": address, "new_contact": NEW}
    browser.post("/log", form)
    assert written_to(desk) == NEW
    assert f"Write instead of {address} to" not in browser.get(f"/customers/{customer}").text
