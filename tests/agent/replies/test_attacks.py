"""What somebody would try who knows a reminder's Message-ID, or who may only write: nothing of it gets through."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent.replies import apply, predict, resolve, store
from agent.replies.word import Word
from agent.review import queue
from classifier.values import Prediction, Reply
from config.errors import NeedsPerson
from models import Contact, Customer, Delivery, ExceptionItem, ExceptionLink, Invoice, Message
from models.reasons import ExceptionReason
from models.states import WAITING, DeliveryState, ExceptionState, InvoiceState, MessageState
from tests.builders import mail, sent
from tests.builders.office import BORDER, NOW, Office, opened
from tests.builders.replies import prediction


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with opened(database_url, tmp_path) as found:
        yield found


class Brittle:
    """A trained model that a certain mail breaks."""

    version = "test"

    def predict(self, replies: Sequence[Reply]) -> list[Prediction]:
        if any("poison" in reply.text for reply in replies):
            raise OverflowError("date value out of range")
        return [prediction("paid", id=reply.id) for reply in replies]


def states(office: Office) -> list[MessageState | None]:
    with office.database.read() as session:
        return list(session.scalars(select(Message.state).where(Message.direction == "in").order_by(Message.id)))


def test_a_mail_that_breaks_the_classifier_is_set_aside_and_the_others_are_understood(office: Office) -> None:
    office.arrives(mail.reply(office.reminder_id, "poison\n", headers=BORDER))
    office.arrives(mail.reply(office.reminder_id, headers=BORDER))
    assert predict.drain(office.database, office.settings, Brittle(), NOW) == 1  # type: ignore[arg-type]  # a double
    apply.drain(office.database, office.settings, NOW)
    assert states(office) == [MessageState.QUARANTINED, MessageState.APPLIED]
    assert office.one(ExceptionItem).holds


def test_a_mail_that_breaks_the_decision_is_set_aside_and_the_others_are_decided(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = office.arrives(mail.reply(office.reminder_id, headers=BORDER), prediction("paid"))
    office.arrives(mail.reply(office.reminder_id, headers=BORDER), prediction("paid"))
    whole = store.case_of

    def brittle(session: Any, message: Message, *rest: Any) -> Any:
        if message.id == first:
            raise OverflowError
        return whole(session, message, *rest)

    monkeypatch.setattr(store, "case_of", brittle)
    apply.drain(office.database, office.settings, NOW)
    assert states(office) == [MessageState.QUARANTINED, MessageState.APPLIED]
    item = office.one(ExceptionItem)
    assert (item.reason, item.customer_id, item.holds) == (ExceptionReason.UNREADABLE, "C1", True)


def test_after_a_stranger_was_released_the_customers_own_authenticated_mail_still_holds(office: Office) -> None:
    office.answers("paid", headers={})
    office.says(Word("Anna", "other"))
    office.arrives(mail.letter("FA-1 est payée.\n", sender=mail.CUSTOMER, headers=BORDER), prediction("paid"))
    apply.drain(office.database, office.settings, NOW)
    item = office.one(ExceptionItem)
    assert (item.reason, item.holds) == (ExceptionReason.NOT_THREADED, True)


def test_releasing_an_authenticated_contact_says_nothing_of_strangers(office: Office) -> None:
    office.arrives(mail.letter("FA-1 est payée.\n", sender=mail.CUSTOMER, headers=BORDER), prediction("paid"))
    apply.drain(office.database, office.settings, NOW)
    office.says(Word("Anna", "other"))
    assert office.one(Customer).strangers_hold_no_more is False


def test_undo_takes_the_release_of_strangers_back(office: Office) -> None:
    office.answers("paid", headers={})
    office.says(Word("Anna", "other"))
    assert office.one(Customer).strangers_hold_no_more
    office.undo()
    assert office.one(Customer).strangers_hold_no_more is False


def test_undo_of_one_release_keeps_an_earlier_one(office: Office) -> None:
    for _ in range(2):
        office.answers("paid", headers={})
        office.says(Word("Anna", "other"))
    office.undo()
    assert office.one(Customer).strangers_hold_no_more


def test_a_forged_absence_moves_no_mails(office: Office) -> None:
    office.arrives(mail.auto_reply(office.reminder_id))
    apply.drain(office.database, office.settings, NOW)
    assert office.one(Contact).away_until is None


def test_a_delivery_report_with_a_return_path_is_a_persons(office: Office) -> None:
    raw = mail.bounce(office.reminder_id).replace(b"Return-Path: <>", b"Return-Path: <evil@else.test>")
    office.arrives(raw)
    apply.drain(office.database, office.settings, NOW)
    assert office.one(Contact).dead_since is None
    assert office.one(Delivery).state is DeliveryState.SENT
    assert office.one(ExceptionItem).reason is ExceptionReason.BOUNCE


def test_a_report_on_an_address_that_we_never_wrote_to_kills_no_other(office: Office) -> None:
    office.arrives(mail.bounce(office.reminder_id, recipient="forwarded@elsewhere.test"))
    apply.drain(office.database, office.settings, NOW)
    assert office.one(Contact).dead_since is None
    assert office.one(ExceptionItem).reason in {ExceptionReason.BOUNCE, ExceptionReason.SEVERAL_CUSTOMERS}


def test_a_dead_address_that_two_customers_share_is_told_for_both(office: Office) -> None:
    with office.database.write() as session:
        sent.customer(session, "C2", mail.CUSTOMER)
    office.arrives(mail.bounce(office.reminder_id, recipient=mail.CUSTOMER))
    apply.drain(office.database, office.settings, NOW)
    with office.database.read() as session:
        dead = set(session.scalars(select(Contact.customer_id).where(Contact.dead_since.is_not(None))))
        told = set(session.scalars(select(ExceptionLink.customer_id)))
    assert dead == told == {"C1", "C2"}


def test_a_dispute_that_a_person_confirmed_goes_on_asking_for_its_resolution(office: Office) -> None:
    office.answers("dispute", automatic=False)
    office.says(Word("Anna", "dispute", dispute_reason="quality"))
    assert office.invoice.state is InvoiceState.DISPUTED
    with office.database.read() as session:
        waiting = session.scalars(select(ExceptionItem).where(ExceptionItem.state.in_(WAITING))).all()
    assert [item.reason for item in waiting] == [ExceptionReason.DISPUTE]


def test_undo_of_a_dispute_asks_only_about_the_mail_again(office: Office) -> None:
    office.answers("dispute", automatic=False)
    office.says(Word("Anna", "dispute", dispute_reason="quality"))
    office.undo()
    with office.database.read() as session:
        waiting = session.scalars(select(ExceptionItem).where(ExceptionItem.state.in_(WAITING))).all()
    assert [item.reason for item in waiting] == [ExceptionReason.LOW_CONFIDENCE]


def test_a_promise_for_a_day_gone_by_is_not_taken_from_the_prediction(office: Office) -> None:
    office.answers("promise", promise_date=date(2026, 3, 2))
    with pytest.raises(NeedsPerson, match="has passed"):
        office.says(Word("Anna", "promise"))
    assert office.invoice.state is InvoiceState.REMINDED


def test_an_item_is_settled_once(office: Office) -> None:
    office.answers("question")
    office.says(Word("Anna", "question"))
    with pytest.raises(NeedsPerson, match="settled"):
        office.says(Word("Bert", "paid"))
    assert office.invoice.state is InvoiceState.REMINDED
    with office.database.write() as session, pytest.raises(NeedsPerson, match="settled"):
        queue.take(session, queue.get(session, 1), "Bert", NOW)
    with office.database.write() as session, pytest.raises(NeedsPerson, match="settled"):
        queue.snooze(session, queue.get(session, 1), NOW + timedelta(days=1), "Bert", NOW)
    with office.database.write() as session, pytest.raises(NeedsPerson, match="settled"):
        resolve.dismiss(session, queue.get(session, 1), "no", "Bert", NOW)


def test_undo_leaves_an_applied_mail_applied(office: Office) -> None:
    office.answers("dispute")
    office.says(Word("Anna", "other"))
    office.undo()
    assert office.one(Message).state is MessageState.APPLIED
    assert office.one(ExceptionItem).state is ExceptionState.OPEN


def test_part_of_several_invoices_is_nobodys_guess(office: Office) -> None:
    with office.database.write() as session:
        number_two = sent.invoice(session, "FA-2")
        both = sent.reminder(session, [session.scalars(select(Invoice)).all()[0], number_two], step="firm")
    said = prediction(
        "promise", per_invoice={"FA-1": "promise", "FA-2": "promise"},
        promised_amount=Decimal("1500.00"), promised_currency="EUR",
    )  # fmt: skip
    office.arrives(mail.reply(str(both.message_id), headers=BORDER), said)
    apply.drain(office.database, office.settings, NOW)
    assert office.one(Message).state is MessageState.QUEUED


def test_an_amount_in_another_currency_is_nobodys_guess(office: Office) -> None:
    office.answers("promise", promised_amount=Decimal(500), promised_currency="USD")
    assert office.one(Message).state is MessageState.QUEUED


def test_an_accountant_of_two_customers_who_names_one_invoice_holds_its_customer(office: Office) -> None:
    with office.database.write() as session:
        sent.customer(session, "C2", mail.CUSTOMER)
        sent.invoice(session, "FA-2026-0312")
    office.arrives(
        mail.letter("La facture FA-2026-0312 est payée.\n", sender=mail.CUSTOMER, headers=BORDER), prediction("paid")
    )
    apply.drain(office.database, office.settings, NOW)
    item = office.one(ExceptionItem)
    assert (item.reason, item.customer_id, item.holds) == (ExceptionReason.NOT_THREADED, "C1", True)
