"""What people do and see at the desk, beneath the pages and the API."""

from datetime import timedelta

import pytest

from agent.ledger import byhand
from agent.replies import resolve
from agent.replies.resolve import Word
from agent.review import debtors, outgoing, queue
from agent.review.rights import Actor
from config.errors import NeedsPerson
from models.user import Role
from tests.builders.desk import NOW, Office, answer, debtor


def test_what_is_due_on_a_day_off_stands_on_the_next_working_day(small_desk: Office) -> None:
    saturday = NOW + timedelta(days=(5 - NOW.weekday()) % 7)
    with small_desk.database.write() as session:
        debtor(session, "FA-1", name="Dupont")
    with small_desk.database.read() as session:
        ahead = outgoing.calendar(session, small_desk.desk.settings, saturday)
    assert min(ahead).weekday() == 0


def test_an_insolvency_is_not_settled_while_reminders_would_go_on(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont")
        item = answer(session, owner, invoices, primary="other", rule="insolvency").id
    settings, word = small_desk.desk.settings, Word(by="lea", intent="other")
    with pytest.raises(NeedsPerson, match="insolvency"):
        resolve.preview(small_desk.database, item, word, settings, NOW)
    with small_desk.database.write() as session:
        deed = byhand.Deed("lea", NOW)
        byhand.hold(session, byhand.target(session, None, owner.id), "insolvency", None, deed, settings)
    with small_desk.database.write() as session:
        resolve.resolve(session, queue.get(session, item), word, settings, NOW)


def test_an_insolvency_that_is_none_can_be_dismissed(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont")
        row = answer(session, owner, invoices, primary="other", rule="insolvency")
        resolve.dismiss(session, row, "it speaks of another company", "lea", NOW)
        assert row.resolved_at is not None


def test_a_sales_person_without_an_address_sees_nobodys_customers(
    small_desk: Office,
) -> None:
    with small_desk.database.write() as session:
        debtor(session, "FA-1", name="Dupont", account_manager="")
        nobody = Actor(1, "max", Role.SALES, None, "")
        assert debtors.customers(session, nobody, "", "").rows == []
        shown, _ = debtors.invoices(session, nobody, small_desk.desk.settings, NOW, customer=None, state=None, after=0)
        assert shown == []
