"""What people do and see at the desk, beneath the pages and the API."""

from datetime import timedelta

import pytest

from agent.ledger import byhand
from agent.replies import previewing, resolve, undoing
from agent.replies.word import Word
from agent.review import debtors, outgoing, queue
from agent.review.rights import Actor
from config.errors import NeedsPerson
from config.plans import Channel
from models import Customer
from models.user import Role
from tests.builders import ledger
from tests.builders.desk import NOW, Office, answer, debtor


def imported(desk: Office) -> None:
    """The ledger is fresh: nothing would go out otherwise."""
    ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))


def test_what_is_due_on_a_day_off_stands_on_the_next_working_day(small_desk: Office) -> None:
    saturday = NOW + timedelta(days=(5 - NOW.weekday()) % 7)
    with small_desk.database.write() as session:
        debtor(session, "FA-1", name="Dupont")
    imported(small_desk)
    ahead = outgoing.calendar(small_desk.database, small_desk.settings, saturday)
    assert min(ahead).weekday() == 0


def test_the_calendar_goes_on_with_the_steps_that_follow_and_leaves_out_who_waits_for_a_person(
    small_desk: Office,
) -> None:
    with small_desk.database.write() as session:
        owner = ledger.customer(session, name="Dupont")
        ledger.invoice(session, owner, "FA-1", due_date=NOW.date())
        waiting, invoices = debtor(session, "FA-2", name="Martin")
        answer(session, waiting, invoices)
    imported(small_desk)
    days = outgoing.calendar(small_desk.database, small_desk.settings, NOW)
    steps = [(one.name, one.step) for day in sorted(days) for one in days[day]]
    assert steps[:3] == [("Dupont", "friendly_reminder"), ("Dupont", "firm_reminder"), ("Dupont", "call")]
    assert {name for name, _ in steps} == {"Dupont"}


def test_invoices_of_two_levels_are_one_mail_of_the_calendar(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, _ = debtor(session, name="Dupont")
        for number, late in (("FA-OLD", 12), ("FA-NEW", 4)):
            ledger.invoice(session, owner, number, due_date=(NOW - timedelta(days=late)).date())
    imported(small_desk)
    days = outgoing.calendar(small_desk.database, small_desk.settings, NOW)
    (first,) = days[min(days)]
    assert set(first.invoices) == {"FA-OLD", "FA-NEW"}
    assert first.channel is Channel.MAIL


def test_an_insolvency_is_not_settled_while_reminders_would_go_on(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont")
        item = answer(session, owner, invoices, primary="other", rule="insolvency").id
    settings, word = small_desk.desk.settings, Word(by="lea", intent="other")
    with pytest.raises(NeedsPerson, match="insolvency"):
        previewing.preview(small_desk.database, item, word, settings, NOW)
    with small_desk.database.write() as session:
        deed = byhand.Deed("lea", NOW)
        byhand.hold(session, byhand.target(session, None, owner.id), "insolvency", None, deed, settings)
    with small_desk.database.write() as session:
        resolve.resolve(session, queue.get(session, item), word, settings, NOW)


def test_who_asks_for_no_more_mails_gets_none_once_a_person_agrees_until_that_is_undone(small_desk: Office) -> None:
    settings, word = small_desk.desk.settings, Word(by="lea", intent="other")
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont")
        item, number = answer(session, owner, invoices, primary="other", rule="unsubscribe").id, owner.id
    with small_desk.database.write() as session:
        done = resolve.resolve(session, queue.get(session, item), word, settings, NOW)
    assert "gets no mails any more" in done.sentences[0]
    with small_desk.database.write() as session:
        assert session.get_one(Customer, number).no_mail_since == NOW.date()
        undoing.undo(session, queue.get(session, item), "lea", NOW)
    with small_desk.database.read() as session:
        assert session.get_one(Customer, number).no_mail_since is None


def test_an_opt_out_that_is_none_changes_nothing_when_it_is_dismissed(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont")
        row = answer(session, owner, invoices, primary="other", rule="unsubscribe")
        resolve.dismiss(session, row, "only of the newsletter", "lea", NOW)
        assert owner.no_mail_since is None


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
