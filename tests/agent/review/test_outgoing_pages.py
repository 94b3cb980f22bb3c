"""What goes out, by HTTP: the calendar, and whom it leaves out."""

from datetime import date

import pytest

from tests.builders import ledger
from tests.builders.desk import Office, debtor, one_item


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


def test_a_day_of_the_calendar_holds_what_the_plan_would_do(desk: Office) -> None:
    with desk.database.write() as session:
        debtor(session, "FA-1", name="Dupont")
    ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    browser = desk.at_work()
    assert 'hx-get="/outgoing/calendar"' in browser.get("/outgoing").text
    page = browser.get("/outgoing/calendar").text
    assert "Dupont" in page
    assert str(date(2026, 9, 1).day) in page


def test_what_a_person_keeps_back_leads_to_what_that_person_has_to_do(desk: Office) -> None:
    one_item(desk)
    ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    assert 'href="/?text=Dupont+%26+Fils' in desk.at_work().get("/outgoing").text.replace("%20", "+")
