"""The day of an insolvency, put down by a person: reminders stop for good, and no import's blank cell starts them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from agent.ledger import lawful
from agent.reminders import plan
from models import Customer, Event, Task
from models.reasons import TaskKind
from models.user import Role
from tests.builders import ledger
from tests.builders.desk import NOW, Office, one_item

DAY = (NOW.date() - timedelta(days=10)).isoformat()


@pytest.fixture
def owing(small_desk: Office) -> str:
    with small_desk.database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C1", account_manager="max@morel.example"), "FA-1")
    ledger.load(small_desk.database, small_desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    return "C1"


def since(desk: Office) -> str | None:
    with desk.database.read() as session:
        found = session.get_one(Customer, "C1").insolvent_since
        return found.isoformat() if found is not None else None


def test_it_stops_reminders_asks_for_the_claim_and_stands_in_the_story(small_desk: Office, owing: str) -> None:
    browser = small_desk.at_work("lea")
    form = {"kind": "insolvent", "customer": owing, "day": DAY, "text": "BODACC du 22 août"}
    assert browser.post("/log", form).status_code == 303
    assert since(small_desk) == DAY
    assert plan.drain(small_desk.database, small_desk.settings, NOW).mails == 0
    assert lawful.watch(small_desk.database, small_desk.settings, NOW) == 1
    with small_desk.database.read() as session:
        assert session.scalars(select(Task.kind)).all() == [TaskKind.INSOLVENCY]
        event = session.scalars(select(Event).where(Event.kind == "customer.insolvent")).one()
    assert (event.actor, event.data["since"]) == ("lea", DAY)
    page = browser.get(f"/customers/{owing}").text
    assert "Insolvent since" in page
    assert "BODACC du 22 août" in page


def test_no_blank_cell_lifts_it_but_a_person_does(small_desk: Office, owing: str) -> None:
    browser = small_desk.at_work("lea")
    browser.post("/log", {"kind": "insolvent", "customer": owing, "day": DAY, "text": "x"})
    with small_desk.database.read() as session:
        row = session.get_one(Customer, owing)
        line = f"{owing},{row.name},{row.email},"
    ledger.load(
        small_desk.database, small_desk.settings, "customers", ledger.csv("id,name,email,insolvent_since", line)
    )
    assert since(small_desk) == DAY
    browser.post("/log", {"kind": "solvent", "customer": owing, "text": "another company of that name"})
    assert since(small_desk) is None
    assert plan.drain(small_desk.database, small_desk.settings, NOW).mails == 1


def test_no_blank_cell_brings_mails_back_to_who_wants_none(small_desk: Office, owing: str) -> None:
    with small_desk.database.write() as session:
        row = session.get_one(Customer, owing)
        row.no_mail_since = NOW.date()
        line = f"{owing},{row.name},{row.email},"
    ledger.load(small_desk.database, small_desk.settings, "customers", ledger.csv("id,name,email,no_mail_since", line))
    with small_desk.database.read() as session:
        assert session.get_one(Customer, owing).no_mail_since == NOW.date()


@pytest.mark.parametrize(
    ("day", "text"), [("", "x"), (DAY, ""), ((NOW.date() + timedelta(days=1)).isoformat(), "x"), ("soon", "x")]
)
def test_it_needs_its_day_which_has_come_and_its_source(small_desk: Office, owing: str, day: str, text: str) -> None:
    browser = small_desk.at_work("lea")
    answered = browser.post("/log", {"kind": "insolvent", "customer": owing, "day": day, "text": text})
    assert answered.status_code != 303
    assert since(small_desk) is None


def test_sales_people_read_it_only(small_desk: Office, owing: str) -> None:
    browser = small_desk.at_work("max", Role.SALES, email="max@morel.example")
    assert 'value="insolvent"' not in browser.get(f"/customers/{owing}").text
    browser.post("/log", {"kind": "insolvent", "customer": owing, "day": DAY, "text": "x"})
    assert since(small_desk) is None


def test_a_mail_that_tells_of_one_is_settled_once_its_day_stands(small_desk: Office) -> None:
    number = one_item(small_desk, rule="insolvency", primary="other", words=())
    browser = small_desk.at_work("lea")
    word = {"intent": "other", "invoice:FA-1": "other"}
    assert "tells of an insolvency" in browser.post(f"/work/item/{number}/settle", word).text
    with small_desk.database.read() as session:
        owner = session.scalars(select(Customer.id)).one()
    browser.post("/log", {"kind": "insolvent", "customer": owner, "day": DAY, "text": "the mail"})
    assert browser.post(f"/work/item/{number}/settle", word).status_code == 303
