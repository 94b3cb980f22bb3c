"""A reminder that waits for a yes, in a person's own words: figures checked, and no yes for what was not seen."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from agent.reminders import approve, plan
from models import Customer, Event, Message, Reminder
from models.user import Role
from tests.builders import ledger
from tests.builders.desk import NOW, Browser, Office

TEXT = """Chère Madame,

Merci pour votre appel & <b>à bientôt</b>. Voici ce qui reste à régler :

[table]

Bien à vous,"""


@pytest.fixture
def reminder(small_desk: Office) -> int:
    with small_desk.database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C1", account_manager="boss@morel.example"), "FA-1")
    ledger.load(small_desk.database, small_desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    assert plan.drain(small_desk.database, small_desk.settings, NOW).mails == 1
    with small_desk.database.read() as session:
        return approve.waiting(session)[0].id


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def edited(browser: Browser, reminder: int, text: str, subject: str = "Votre facture") -> Any:
    return browser.post(f"/work/approval/{reminder}/edit", {"subject": subject, "text": text})


def test_a_persons_words_take_the_templates_place_and_go_on_waiting(small_desk: Office, reminder: int) -> None:
    browser = small_desk.at_work("lea", Role.APPROVER)
    page = browser.get(f"/work/approval/{reminder}").text
    assert "[table]" in page
    assert edited(browser, reminder, TEXT).status_code == 303
    after = browser.get(f"/work/approval/{reminder}").text
    assert "In the words of lea" in after
    assert "Merci pour votre appel &amp; &lt;b&gt;à bientôt&lt;/b&gt;" in after
    with small_desk.database.read() as session:
        row = session.get_one(Reminder, reminder)
        assert (row.approval, row.edited_by) == ("waiting", "lea")
        subject = session.scalars(select(Message.subject).where(Message.direction == "out")).one()
        assert session.scalars(select(Event.actor).where(Event.kind == "reminder.edited")).all() == ["lea"]
    assert subject == "Votre facture"


@pytest.mark.parametrize(
    "text", [TEXT.replace("appel", "appel de 9 999,00 €"), TEXT.replace("[table]", ""), TEXT + "\n[table]"]
)
def test_a_figure_of_no_ledger_or_a_lost_table_is_refused_and_what_was_written_stays_in_the_form(
    small_desk: Office, reminder: int, text: str
) -> None:
    browser = small_desk.at_work("lea", Role.APPROVER)
    refused = edited(browser, reminder, text)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert "Chère Madame" in refused.text
    with small_desk.database.read() as session:
        assert session.get_one(Reminder, reminder).edited_text is None


def test_a_yes_is_given_for_what_was_seen_only(small_desk: Office, reminder: int) -> None:
    browser = small_desk.at_work("lea", Role.APPROVER)
    before = seen(browser.get(f"/work/approval/{reminder}").text)
    edited(browser, reminder, TEXT)
    assert "changed after this page" in browser.post(f"/work/approval/{reminder}/approve", {"seen": before}).text
    with small_desk.database.read() as session:
        assert session.get_one(Reminder, reminder).approval == "waiting"
    now = seen(browser.get(f"/work/approval/{reminder}").text)
    assert browser.post(f"/work/approval/{reminder}/approve", {"seen": now}).status_code == 303
    assert edited(browser, reminder, TEXT).status_code != 303  # what was approved is no longer edited
    assert "[table]" not in browser.get(f"/work/approval/{reminder}").text


def test_what_is_no_longer_true_is_told_and_not_edited(small_desk: Office, reminder: int) -> None:
    browser = small_desk.at_work("lea", Role.APPROVER)
    with small_desk.database.write() as session:
        session.get_one(Customer, "C1").insolvent_since = NOW.date()
    page = browser.get(f"/work/approval/{reminder}").text
    assert "can&#39;t be edited now" in page
    assert edited(browser, reminder, TEXT).status_code != 303


def test_a_reviewer_may_not_edit_what_only_an_approver_lets_go(small_desk: Office, reminder: int) -> None:
    browser = small_desk.at_work("max", Role.REVIEWER)
    assert "[table]" not in browser.get(f"/work/approval/{reminder}").text
    assert edited(browser, reminder, TEXT).status_code == 403
