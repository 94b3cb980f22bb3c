"""An item's page by HTTP: what it shows, what would follow, and the ways to settle it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from agent.reminders.letter_values import LetterError
from agent.review.queue import open_exception
from models import Correction, Dispute, ExceptionItem, Invoice
from models.reasons import ExceptionReason
from models.states import ExceptionState, InvoiceState
from tests.builders.desk import NOW, Office, answer, debtor, one_item, state_of


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


def test_the_page_shows_the_mail_the_words_and_what_is_proposed(desk: Office) -> None:
    page = desk.at_work().get(f"/work/item/{one_item(desk)}").text
    assert "Dupont &amp; Fils &lt;SARL&gt;" in page
    assert "<b>réglons</b>" in page
    assert re.search(r'value="promise" required[^>]* checked', page)
    assert 'value="2026-09-20"' in page


def test_the_sum_that_was_paid_is_told_in_the_currency_of_the_invoice(desk: Office) -> None:
    item = one_item(desk, primary="paid", paid_amount=Decimal("1240.50"))
    assert re.search(r"<dt>Sum paid</dt><dd>€1,240\.50</dd>", desk.at_work().get(f"/work/item/{item}").text)


def test_the_consequence_is_told_before_and_nothing_has_happened_yet(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work()
    told = browser.post(f"/work/item/{item}/consequence", {"intent": "promise", "promise_date": "2026-09-20"})
    assert "FA-1: reminders stop until 20 Sept 2026." in told.text
    assert state_of(desk) is InvoiceState.REMINDED
    with desk.database.read() as session:
        assert session.get_one(ExceptionItem, item).state is ExceptionState.OPEN
        assert session.scalar(select(Correction.id)) is None


def test_what_was_told_is_what_follows(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work()
    form = {"intent": "promise", "promise_date": "2026-09-20"}
    told = re.findall(r"<li>(.*?)</li>", browser.post(f"/work/item/{item}/consequence", form).text)
    browser.post(f"/work/item/{item}/settle", form)
    done = browser.get("/").text
    assert told
    assert all(sentence in done for sentence in told)
    assert state_of(desk) is InvoiceState.PROMISED
    with desk.database.read() as session:
        correction = session.scalars(select(Correction)).one()
        assert (correction.corrected_by, correction.labels["primary"]) == ("lea", "promise")


def test_a_form_that_says_too_little_is_told_what_is_missing(desk: Office) -> None:
    item = one_item(desk, primary="paid")
    browser = desk.at_work()
    told = browser.post(f"/work/item/{item}/consequence", {"intent": "promise"}).text
    assert "a promise needs its date" in told


def test_the_next_item_opens_by_itself_and_the_last_one_leads_to_the_list(desk: Office) -> None:
    first = one_item(desk, priority=80)
    with desk.database.write() as session:
        owner, invoices = debtor(session, "FA-2")
        second = answer(session, owner, invoices, priority=60).id
    browser = desk.at_work()
    answered = browser.post(f"/work/item/{first}/settle", {"intent": "paid"})
    assert answered.headers["location"] == f"/work/item/{second}"
    answered = browser.post(f"/work/item/{second}/dismiss", {"reason": "thanks only"})
    assert answered.headers["location"] == "/"


def test_two_reviewers_settle_one_item_once(desk: Office) -> None:
    item = one_item(desk)
    lea, paul = desk.at_work("lea"), desk.at_work("paul")
    assert lea.post(f"/work/item/{item}/take").status_code == 303
    paul.post(f"/work/item/{item}/settle", {"intent": "dispute"})
    assert state_of(desk) is InvoiceState.REMINDED  # it is Léa's
    lea.post(f"/work/item/{item}/settle", {"intent": "paid"})
    paul.post(f"/work/item/{item}/settle", {"intent": "dispute"})
    assert state_of(desk) is InvoiceState.PAYMENT_REPORTED
    with desk.database.read() as session:
        assert session.get_one(ExceptionItem, item).resolved_by == "lea"


def test_who_has_an_item_open_is_shown_to_the_other(desk: Office) -> None:
    item = one_item(desk)
    lea, paul = desk.at_work("lea"), desk.at_work("paul")
    lea.get(f"/work/item/{item}")
    assert "lea has it open too" in paul.get(f"/work/item/{item}").text
    desk.clock.passes(timedelta(minutes=1))
    assert "lea has it open too" not in paul.get(f"/work/item/{item}/presence").text


def test_a_dispute_is_decided_and_its_item_settled(desk: Office) -> None:
    item = one_item(desk, primary="dispute")
    browser = desk.at_work()
    browser.post(f"/work/item/{item}/settle", {"intent": "dispute", "dispute_reason": "quality"})
    with desk.database.read() as session:
        asked = session.scalars(select(ExceptionItem).where(ExceptionItem.reason == ExceptionReason.DISPUTE)).one()
    page = browser.get(f"/work/item/{asked.id}").text
    assert 'value="upheld"' in page
    browser.post(f"/work/item/{asked.id}/verdict", {"verdict": "rejected"})
    assert state_of(desk) is InvoiceState.REMINDED
    with desk.database.read() as session:
        assert session.get_one(ExceptionItem, asked.id).state is ExceptionState.RESOLVED


@pytest.mark.parametrize("verdict", ["upheld", "rejected", "withdrawn"])
def test_a_verdict_that_is_taken_back_leaves_the_invoice_contested_and_the_dispute_open(
    desk: Office, verdict: str
) -> None:
    with desk.database.write() as session:
        debtor(session, "FA-1")
    browser = desk.at_work()
    browser.post("/log", {"invoice": "FA-1", "kind": "dispute", "dispute_reason": "quality"})
    with desk.database.read() as session:
        item = session.scalars(select(ExceptionItem.id)).one()
    for _ in range(2):  # the second verdict finds what the first one found
        browser.post(f"/work/item/{item}/verdict", {"verdict": verdict})
        with desk.database.read() as session:
            assert session.scalars(select(Dispute.state)).all() == [verdict]
        assert state_of(desk) is (InvoiceState.DISPUTED if verdict == "upheld" else InvoiceState.REMINDED)
        assert "FA-1: “Contested” again" in browser.client.post(
            "/undo", data={"csrf": browser.token()}, follow_redirects=True
        ).text.replace("&#34;", '"')
        with desk.database.read() as session:
            assert session.scalars(select(Dispute.state)).all() == ["open"]
        assert state_of(desk) is InvoiceState.DISPUTED


def test_why_a_letter_could_not_be_written_is_told_in_the_persons_language(desk: Office) -> None:
    error = LetterError("templates/mail/fr/a.j2: '<b>' is undefined", "Mend it, then run `relance templates check`.")
    with desk.database.write() as session:
        owner, _ = debtor(session, "FA-1")
        item = open_exception(
            session, key="letter:1", reason=ExceptionReason.LETTER_FAILED, detail=str(error), at=NOW,
            due_at=NOW + timedelta(days=1), customer_id=owner.id,
        )  # fmt: skip
        session.flush()
        number = item.id
    shown = desk.at_work(language="fr").get(f"/work/item/{number}").text
    assert "templates/mail/fr/a.j2 : &#39;&lt;b&gt;&#39; is undefined. Corrigez-le, puis lancez" in shown


def test_an_insolvency_that_a_mail_tells_of_is_one_key_from_being_put_down(desk: Office) -> None:
    item = one_item(desk, primary="other", rule="insolvency")
    with desk.database.read() as session:
        customer = session.scalars(select(Invoice.customer_id)).one()
    browser = desk.at_work()
    way = f'href="/customers/{customer}#insolvent" data-key="p"'
    assert way in browser.get(f"/work/item/{item}").text
    assert 'id="insolvent"' in browser.get(f"/customers/{customer}").text
    browser.post("/log", {"customer": customer, "kind": "insolvent", "day": "2026-08-20", "text": "the mail"})
    assert way not in browser.get(f"/work/item/{item}").text
