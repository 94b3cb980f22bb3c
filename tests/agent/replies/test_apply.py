"""What follows from an answer, in the rows: applied once, corrected by a person, taken back in whole."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.reminders import deliver
from agent.replies import apply, resolve, store
from agent.replies.explain import explain
from agent.replies.word import Word
from agent.review import queue
from config.errors import NeedsPerson
from models import (
    Contact,
    Correction,
    Customer,
    Decision,
    Delivery,
    Dispute,
    Event,
    ExceptionItem,
    Invoice,
    Message,
    Promise,
    Thread,
)
from models.reasons import ExceptionReason
from models.states import DeliveryState, DisputeState, ExceptionState, InvoiceState, MessageState, PromiseState
from tests.builders import mail, sent
from tests.builders.office import BORDER, NOW, Office, opened
from tests.builders.replies import prediction


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with opened(database_url, tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("primary", "state"),
    [
        ("paid", InvoiceState.PAYMENT_REPORTED),
        ("promise", InvoiceState.PROMISED),
        ("dispute", InvoiceState.DISPUTED),
    ],
)
def test_a_plain_answer_moves_its_invoice_without_a_person(office: Office, primary: str, state: InvoiceState) -> None:
    office.answers(primary)
    assert office.invoice.state is state
    assert office.one(Message).state is MessageState.APPLIED


def test_deciding_again_changes_nothing(office: Office) -> None:
    office.answers("promise")
    before = (office.count(Event), office.count(Decision), office.count(Promise))
    apply.drain(office.database, office.settings, NOW)
    assert (office.count(Event), office.count(Decision), office.count(Promise)) == before


def test_a_dispute_is_applied_and_asked_about_in_one_transaction(office: Office) -> None:
    office.answers("dispute")
    item = office.one(ExceptionItem)
    assert (item.reason, item.holds, office.one(Dispute).reason) == (ExceptionReason.DISPUTE, True, "quality")


def test_a_claim_never_closes_an_invoice(office: Office) -> None:
    office.answers("paid")
    assert not office.invoice.is_closed
    assert office.invoice.balance > 0


def test_a_mail_that_our_border_did_not_authenticate_moves_nothing(office: Office) -> None:
    office.answers("paid", headers={})
    assert office.invoice.state is InvoiceState.REMINDED
    assert office.one(ExceptionItem).reason is ExceptionReason.UNAUTHENTICATED


def test_a_persons_label_is_applied_and_kept_to_learn_from(office: Office) -> None:
    office.answers("promise", automatic=False)
    assert office.invoice.state is InvoiceState.REMINDED
    office.says(Word("Anna", "promise", promise_date=date(2026, 3, 25)))
    assert (office.invoice.state, office.one(Promise).date) == (InvoiceState.PROMISED, date(2026, 3, 25))
    correction = office.one(Correction)
    assert (correction.corrected_by, correction.labels["primary"]) == ("Anna", "promise")
    assert correction.labels["promise_date"] == "2026-03-25"
    assert office.one(Message).state is MessageState.APPLIED


def test_undo_puts_back_the_invoice_the_promise_the_item_and_the_training_data(office: Office) -> None:
    office.answers("promise", automatic=False)
    office.says(Word("Anna", "promise", promise_date=date(2026, 3, 25)))
    office.undo()
    assert office.invoice.state is InvoiceState.REMINDED
    assert office.one(Promise).state is PromiseState.SUPERSEDED
    assert office.one(ExceptionItem).state is ExceptionState.OPEN
    assert office.one(Correction).withdrawn_at == NOW
    assert office.one(Message).state is MessageState.QUEUED


def test_undo_is_possible_for_a_day(office: Office) -> None:
    office.answers("question")
    office.says(Word("Anna", "question"))
    with pytest.raises(NeedsPerson, match="more than 24 hours"):
        office.undo(NOW + timedelta(hours=25))


def test_a_person_who_knows_better_takes_an_automatic_dispute_back_and_undo_brings_it_again(office: Office) -> None:
    office.answers("dispute")
    office.says(Word("Anna", "other"))
    assert (office.invoice.state, office.one(Dispute).state) == (InvoiceState.REMINDED, DisputeState.WITHDRAWN)
    office.undo()
    assert (office.invoice.state, office.one(Dispute).state) == (InvoiceState.DISPUTED, DisputeState.OPEN)


def test_a_question_holds_and_a_person_releases_it(office: Office) -> None:
    office.answers("question")
    assert office.one(ExceptionItem).holds
    office.says(Word("Anna", "question"))
    assert office.invoice.state is InvoiceState.REMINDED
    assert office.one(ExceptionItem).state is ExceptionState.RESOLVED


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (Word("Anna"), "say what it means"),
        (Word("Anna", "promise"), "needs its date"),
        (Word("Anna", "paid", {"FA-9": "paid"}), "no invoice has the number FA-9"),
    ],
)
def test_a_word_that_says_too_little_changes_nothing(office: Office, word: Word, says: str) -> None:
    office.answers("promise", promise_date=None, automatic=False)
    before = office.count(Event)
    with pytest.raises(NeedsPerson, match=says):
        office.says(word)
    assert (office.count(Event), office.one(ExceptionItem).state) == (before, ExceptionState.OPEN)


def test_dismissing_lets_reminders_go_on(office: Office) -> None:
    office.answers("other")
    with office.database.write() as session:
        resolve.dismiss(session, session.scalars(select(ExceptionItem)).one(), "thanks only", "Anna", NOW)
    assert office.one(ExceptionItem).state is ExceptionState.DISMISSED
    assert office.one(Message).state is MessageState.APPLIED


def test_a_mail_that_may_have_left_is_never_dismissed(office: Office) -> None:
    with office.database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        delivery.state = DeliveryState.UNKNOWN
        why = ExceptionReason.DELIVERY_UNKNOWN
        deliver.raise_delivery(session, office.settings, delivery, why, "the connection broke", NOW)
    with pytest.raises(NeedsPerson, match="--delivery sent"), office.database.write() as session:
        resolve.dismiss(session, session.scalars(select(ExceptionItem)).one(), "seen", "Anna", NOW)
    assert office.one(ExceptionItem).state is ExceptionState.OPEN
    office.says(Word("Anna", delivery="drop"))
    with office.database.write() as session:
        assert session.scalars(select(Delivery)).one().state is DeliveryState.CANCELLED


def test_a_refused_mail_may_be_dismissed_its_plan_goes_on(office: Office) -> None:
    with office.database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        delivery.state = DeliveryState.REJECTED
        why = ExceptionReason.DELIVERY_REJECTED
        deliver.raise_delivery(session, office.settings, delivery, why, "550 no such user", NOW)
    with office.database.write() as session:
        resolve.dismiss(session, session.scalars(select(ExceptionItem)).one(), "called them", "Anna", NOW)
    assert office.one(ExceptionItem).state is ExceptionState.DISMISSED


def test_a_released_stranger_holds_no_more(office: Office) -> None:
    office.answers("paid", headers={})
    office.says(Word("Anna", "other"))
    office.arrives(mail.reply(office.reminder_id, sender="evil@else.test"), prediction("paid"))
    apply.drain(office.database, office.settings, NOW)
    item = office.one(ExceptionItem)
    assert (item.reason, item.holds) == (ExceptionReason.UNKNOWN_SENDER, False)


def test_a_bounce_for_good_stops_mails_to_the_address_and_frees_the_step(office: Office) -> None:
    office.arrives(mail.bounce(office.reminder_id, recipient=mail.CUSTOMER, status="5.1.1"))
    apply.drain(office.database, office.settings, NOW)
    with office.database.read() as session:
        assert session.scalars(select(Contact)).one().dead_since == NOW
        delivery = session.scalars(select(Delivery)).one()
        assert delivery.state is DeliveryState.REJECTED
        assert delivery.reminder is not None
        assert all(line.voided for line in delivery.reminder.lines)
    assert office.one(ExceptionItem).reason is ExceptionReason.DEAD_ADDRESS
    assert office.invoice.state is InvoiceState.REMINDED


def test_an_answer_proves_that_an_unknown_mail_had_left(office: Office) -> None:
    with office.database.write() as session:
        session.scalars(select(Delivery)).one().state = DeliveryState.UNKNOWN
    office.answers("paid")
    delivery = office.one(Delivery)
    assert (delivery.state, delivery.settled_by) == (DeliveryState.SENT, "reply")


def test_explain_tells_the_story_in_words(office: Office) -> None:
    message_id = office.answers("paid")
    with office.database.read() as session:
        story = explain(session, session.get_one(Message, message_id))
    told = " ".join(story["sentences"])
    assert story["rule"] == "automatic"
    assert "not_threaded" in story["rules_passed"]
    for words in ("authenticated by our own mail border", "customer C1 about FA-1", "can't be forged", "99%"):
        assert words in told


def test_snoozing_hides_an_item_until_its_day_and_goes_on_holding(office: Office) -> None:
    office.answers("question")
    with office.database.write() as session:
        item = session.scalars(select(ExceptionItem)).one()
        queue.snooze(session, item, NOW + timedelta(days=2), "Anna", NOW)
    with office.database.read() as session:
        assert queue.waiting(session, NOW) == []
        assert len(queue.waiting(session, NOW + timedelta(days=2))) == 1
        assert session.scalars(select(Customer)).one().strangers_hold_no_more is False


def test_an_answer_that_names_an_invoice_of_an_earlier_reminder_speaks_of_that_one(office: Office) -> None:
    with office.database.write() as session:
        earlier = sent.invoice(session, "FA-2026-0312")
        session.flush()
        number = earlier.id
    said = prediction("paid", per_invoice={"FA-2026-0312": "paid"})
    office.arrives(mail.reply(office.reminder_id, "FA 2026-0312 est payée.\n", headers=BORDER), said)
    apply.drain(office.database, office.settings, NOW)
    with office.database.read() as session:
        states = dict(session.execute(select(Invoice.number, Invoice.state)).all())
        assert session.get_one(Invoice, number).state is InvoiceState.PAYMENT_REPORTED
    assert states == {"FA-1": InvoiceState.REMINDED, "FA-2026-0312": InvoiceState.PAYMENT_REPORTED}


@pytest.mark.parametrize(
    ("subject", "at_hand"),
    [
        ("Re: Rappel de règlement : facture FA-2026-0312", ["FA-1"]),  # ours, of the conversation's first mail
        ("FA-2026-0312 aussi", ["FA-1", "FA-2026-0312"]),  # the customer's own
    ],
)
def test_a_number_in_the_subject_that_we_wrote_names_no_invoice(
    office: Office, subject: str, at_hand: list[str]
) -> None:
    with office.database.write() as session:
        session.scalars(select(Message)).one().subject = "Rappel de règlement\u00a0: facture FA-2026-0312"
        sent.invoice(session, "FA-2026-0312")
    answer = office.arrives(mail.reply(office.reminder_id, "C'est payé.\n", headers=BORDER, subject=subject))
    with office.database.read() as session:
        asked = store.reply_of(session, session.get_one(Message, answer), office.settings)
    assert sorted(each.number for each in asked.invoices) == at_hand


@pytest.mark.parametrize("also_refers", [False, True], ids=["that one only", "the later ones, too"])
def test_an_answer_to_a_reminder_two_reminders_later_speaks_of_what_that_one_listed(
    office: Office, also_refers: bool
) -> None:
    with office.database.write() as session:
        first = session.scalars(select(Invoice)).one()
        thread = session.get_one(Thread, session.scalars(select(Message)).one().thread_id)
        later = sent.invoice(session, "FA-2")
        ids = [
            sent.reminder(session, [first, later], step=step, thread=thread).message_id
            for step in ("firm", "last_reminder")
        ]
    references = (office.reminder_id, *(str(each) for each in ids)) if also_refers else ()
    raw = mail.reply(office.reminder_id, "Nous réglons le 20 mars.\n", headers=BORDER, references=references)
    office.arrives(raw, prediction("promise", per_invoice={"FA-1": "promise"}))
    apply.drain(office.database, office.settings, NOW)
    with office.database.read() as session:
        states = dict(session.execute(select(Invoice.number, Invoice.state)).all())
    assert states == {"FA-1": InvoiceState.PROMISED, "FA-2": InvoiceState.REMINDED}
    assert office.one(Message).thread_id == thread.id


def test_last_digits_of_an_invoice_that_the_reminder_does_not_list_are_a_persons(office: Office) -> None:
    with office.database.write() as session:
        sent.invoice(session, "FA-2026-0312")
    said = prediction("paid", per_invoice={"FA-1": "paid"})
    office.arrives(mail.reply(office.reminder_id, "La 312 est payée.\n", headers=BORDER), said)
    apply.drain(office.database, office.settings, NOW)
    assert office.one(Message).state is MessageState.QUEUED
    assert "FA-2026-0312" in office.one(ExceptionItem).detail


def test_an_invoice_of_another_customer_is_never_taken_in(office: Office) -> None:
    with office.database.write() as session:
        sent.customer(session, "C2", "bob@other.test")
        sent.invoice(session, "FB-2026-0500", "C2")
    office.arrives(mail.reply(office.reminder_id, "FB-2026-0500 est payée.\n", headers=BORDER), prediction("paid"))
    apply.drain(office.database, office.settings, NOW)
    assert office.one(ExceptionItem).reason is ExceptionReason.SEVERAL_CUSTOMERS
    with office.database.read() as session:
        assert set(session.scalars(select(Invoice.state))) == {InvoiceState.REMINDED}
