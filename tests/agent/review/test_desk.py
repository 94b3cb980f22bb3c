"""The desk by HTTP: who gets in, who may do what, what a page shows, what a form does, what comes of a forged one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, select

from agent.reminders.letter_values import LetterError
from agent.review.queue import open_exception
from agent.review.web.guards import MAIL_POLICY
from models import (
    Correction,
    Database,
    Dispute,
    Event,
    ExceptionItem,
    Hold,
    Invoice,
    LoginFailure,
    Promise,
    SendingStop,
    Task,
)
from models.reasons import ExceptionReason
from models.states import ExceptionState, InvoiceState, TaskState
from models.user import Role
from tests.agent.review.test_worklist import task
from tests.builders import ledger, mail
from tests.builders.desk import NOW, PASSWORD, Browser, Office, answer, debtor


def one_item(desk: Office, **more: object) -> int:
    with desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont & Fils <SARL>")
        return answer(session, owner, invoices, **more).id  # type: ignore[arg-type]  # the builder's own


def state_of(desk: Office, number: str = "FA-1") -> InvoiceState:
    with desk.database.read() as session:
        return session.scalars(select(Invoice.state).where(Invoice.number == number)).one()


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


# --- getting in ------------------------------------------------------------------------------------------------------

PAGES = (
    "/",
    "/work/counts",
    "/customers",
    "/outgoing",
    "/model",
    "/figures",
    "/work/item/1",
    "/mail/1/html",
    "/invoices/FA-1/dossier",
)


@pytest.mark.parametrize("path", PAGES)
def test_nobody_gets_in_without_a_log_in(desk: Office, path: str) -> None:
    one_item(desk)
    answered = desk.client().get(path)
    assert answered.status_code == 303
    assert answered.headers["location"].startswith("/login")


def test_the_log_in_leads_to_where_one_wanted_to_go(desk: Office) -> None:
    desk.person("lea")
    browser = Browser(desk.client())
    answered = browser.post("/login", {"name": "lea", "password": PASSWORD, "to": "/customers"})
    assert (answered.status_code, answered.headers["location"]) == (303, "/customers")
    assert browser.get("/customers").status_code == 200


def test_a_wrong_password_is_refused_counted_and_in_the_end_throttled(desk: Office) -> None:
    desk.person("lea")
    browser = Browser(desk.client())
    refused = [browser.log_in("lea", "wrong password").status_code for _ in range(6)]
    assert refused == [401] * 5 + [429]
    assert browser.log_in("lea").status_code == 429
    with desk.database.read() as session:
        assert len(session.scalars(select(LoginFailure)).all()) == 5
    desk.clock.passes(timedelta(minutes=16))
    assert browser.log_in("lea").status_code == 303


def test_a_log_in_begins_a_new_session(desk: Office) -> None:
    desk.person("lea")
    browser = Browser(desk.client())
    before = browser.token()
    browser.log_in("lea")
    assert browser.client.post("/logout", data={"csrf": before}).status_code == 403


def test_who_is_disabled_is_out_at_once(desk: Office) -> None:
    from agent.review import people

    browser = desk.at_work()
    assert browser.get("/").status_code == 200
    with desk.database.write() as session:
        people.disable(session, people.find(session, "lea"), by="root", at=NOW)
    assert browser.get("/").status_code == 303


def test_the_session_of_another_installation_is_none(desk: Office) -> None:
    client = desk.client()
    client.cookies.set("relance_session", "eyJ3aG8iOnsiaWQiOjEsImVwb2NoIjoxfX0=.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get("/").status_code == 303


# --- forged and hostile requests -------------------------------------------------------------------------------------


def test_a_form_without_the_token_changes_nothing(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work()
    answered = browser.client.post(f"/work/item/{item}/settle", data={"intent": "paid"})
    assert answered.status_code == 403
    assert state_of(desk) is InvoiceState.REMINDED


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_form_changes_nothing_even_with_the_token(desk: Office, headers: dict[str, str]) -> None:
    item = one_item(desk)
    browser = desk.at_work()
    assert browser.post(f"/work/item/{item}/settle", {"intent": "paid"}, **headers).status_code == 403
    assert state_of(desk) is InvoiceState.REMINDED


def test_another_name_for_this_host_is_not_answered(desk: Office) -> None:
    assert desk.client().get("/login", headers={"Host": "evil.example"}).status_code == 421


def test_every_answer_forbids_what_no_page_needs(desk: Office) -> None:
    browser = desk.at_work()
    for path in ("/", "/nothing/here", "/login", "/static/desk.css?v=x"):
        headers = browser.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert browser.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/static/../desk.css", "/static/..%2f..%2fen.toml", "/static/nothing.js"])
def test_only_our_own_files_are_served(desk: Office, path: str) -> None:
    assert desk.client().get(path).status_code == 404


def test_a_body_that_is_too_large_is_refused(desk: Office) -> None:
    browser = desk.at_work()
    assert browser.post("/log", {"text": "x" * 1_100_000}).status_code == 413


@pytest.mark.parametrize(
    "path", ["/work/item/999", "/work/item/abc", "/work/task/9", "/customers/none", "/invoices/none", "/mail/7/html"]
)
def test_what_is_not_there_is_told_in_words(desk: Office, path: str) -> None:
    answered = desk.at_work().get(path)
    assert answered.status_code in (404, 409)
    assert "Traceback" not in answered.text


# --- roles -----------------------------------------------------------------------------------------------------------


def test_a_viewer_looks_and_changes_nothing(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work(role=Role.VIEWER)
    page = browser.get(f"/work/item/{item}")
    assert page.status_code == 200
    assert 'name="intent"' not in page.text
    assert browser.post(f"/work/item/{item}/settle", {"intent": "paid"}).status_code in (303, 403)
    assert browser.post("/log", {"kind": "hold", "invoice": "FA-1"}).status_code in (303, 403)
    assert state_of(desk) is InvoiceState.REMINDED


def test_a_sales_person_reaches_no_customer_of_others(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work("sam", Role.SALES, email="sam@morel.example")
    for path in (
        f"/work/item/{item}",
        "/invoices/FA-1",
        "/invoices/FA-1/dossier",
        "/mail/1/html",
        "/mail/1/why",
        "/mail/1/source",
    ):
        assert browser.get(path).status_code == 404, path
    assert "Dupont" not in browser.get("/customers").text
    assert "Dupont" not in browser.get("/").text
    assert browser.post("/log", {"kind": "note", "invoice": "FA-1", "text": "x"}).status_code == 404
    with desk.database.read() as session:
        assert session.scalar(select(Event).where(Event.actor == "sam", Event.kind == "note.logged")) is None


def test_a_reviewer_stops_sending_and_an_approver_lets_it_go_on(desk: Office) -> None:
    lea, max_ = desk.at_work("lea"), desk.at_work("max", Role.APPROVER)
    assert lea.post("/outgoing/stop", {"reason": "wrong bank details in the template"}).status_code == 303
    lea.post("/outgoing/resume")
    with desk.database.read() as session:
        assert session.scalars(select(SendingStop.lifted_at)).all() == [None]
    assert "wrong bank details" in lea.get("/outgoing").text
    assert max_.post("/outgoing/resume").status_code == 303
    with desk.database.read() as session:
        assert session.scalars(select(SendingStop.lifted_by)).all() == ["max"]


# --- the item --------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_mail_the_words_and_what_is_proposed(desk: Office) -> None:
    page = desk.at_work().get(f"/work/item/{one_item(desk)}").text
    assert "Dupont &amp; Fils &lt;SARL&gt;" in page
    assert "<b>réglons</b>" in page
    assert re.search(r'value="promise" required[^>]* checked', page)
    assert 'value="2026-09-20"' in page


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


def test_undo_takes_the_last_deed_back_whatever_it_was(desk: Office) -> None:
    item = one_item(desk)
    with desk.database.write() as session:
        call = task(session, "FA-9").id
    browser = desk.at_work()
    browser.post(f"/work/item/{item}/settle", {"intent": "paid"})
    desk.clock.passes(timedelta(minutes=1))
    browser.post(f"/work/task/{call}/done", {"outcome": "done", "text": "left a message"})
    assert browser.post("/undo").headers["location"] == f"/work/task/{call}"
    with desk.database.read() as session:
        assert session.get_one(Task, call).state is TaskState.OPEN
    assert browser.post("/undo").headers["location"] == f"/work/item/{item}"
    assert state_of(desk) is InvoiceState.REMINDED


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


def test_several_at_once(desk: Office) -> None:
    with desk.database.write() as session:
        calls = [task(session, f"FA-{number}").id for number in range(3)]
    browser = desk.at_work()
    picks = [f"task-{number}" for number in calls[:2]]
    browser.post("/work/bulk", {"do": "snooze", "until": "2026-09-08", "pick": picks})
    browser.post("/work/bulk", {"do": "settle", "foreseen": "1", "pick": [f"task-{calls[2]}", "task-777", "rm -rf"]})
    with desk.database.read() as session:
        slept = [session.get_one(Task, number).snoozed_until for number in calls[:2]]
        assert all(moment is not None and moment > NOW for moment in slept)
        assert session.get_one(Task, calls[2]).state is TaskState.DONE


def test_several_are_accepted_once_what_follows_was_told(desk: Office) -> None:
    item = one_item(desk)
    with desk.database.write() as session:
        owner, invoices = debtor(session, "FA-2", name="Martin")
        taken = answer(session, owner, invoices, primary="dispute").id
    browser = desk.at_work()
    browser.post(f"/work/item/{taken}/take")
    other = desk.at_work("max")
    told = other.post("/work/bulk", {"do": "settle", "pick": [f"item-{item}", f"item-{taken}"]}).text
    assert "FA-1: reminders stop until 20 Sept 2026." in told
    assert "lea has taken item" in told
    assert "Accept it" in told
    assert f'value="item-{taken}"' not in told
    assert state_of(desk) is InvoiceState.REMINDED
    other.post("/work/bulk", {"do": "settle", "foreseen": "1", "pick": f"item-{item}"})
    assert state_of(desk) is InvoiceState.PROMISED
    assert state_of(desk, "FA-2") is InvoiceState.REMINDED


def test_a_saved_view_is_its_persons(desk: Office) -> None:
    lea, paul = desk.at_work("lea"), desk.at_work("paul")
    lea.post("/views", {"name": "Calls of mine", "query": "reason=call&whose=mine"})
    assert 'href="/?reason=call&amp;whose=mine">Calls of mine' in lea.get("/").text
    assert "Calls of mine" not in paul.get("/").text
    paul.post("/views/1/forget")
    assert "Calls of mine" in lea.get("/").text


def test_a_promise_that_was_heard_on_the_phone_is_logged_with_the_call(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    browser = desk.at_work()
    browser.post(f"/work/task/{call}/done", {"outcome": "promise", "promise_date": "2026-09-10", "text": "Mme Roux"})
    assert state_of(desk) is InvoiceState.PROMISED
    assert "Mme Roux" in browser.get("/invoices/FA-1").text


def test_what_follows_from_a_call_is_told_before_and_nothing_has_happened_yet(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    browser = desk.at_work()
    preview = f"/work/task/{call}/done/consequence"
    assert "Choose the day" in browser.post(preview, {"outcome": "promise"}).text
    heard = {"outcome": "promise", "promise_date": "2026-09-10", "amount": "12,50"}
    assert "FA-1: reminders stop until 10 Sept 2026." in browser.post(preview, heard).text
    assert "Another call on" in browser.post(preview, {"outcome": "no_answer"}).text
    assert state_of(desk) is InvoiceState.REMINDED
    browser.post(f"/work/task/{call}/done", heard)
    with desk.database.read() as session:
        assert session.scalars(select(Promise.amount)).all() == [Decimal("12.50")]


def test_who_calls_sees_what_happened_of_late(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    browser = desk.at_work()
    browser.post("/log", {"invoice": "FA-1", "kind": "note", "text": "pays after the fair"})
    assert "pays after the fair" in browser.get(f"/work/task/{call}").text


def test_by_hand_from_the_invoices_page(desk: Office) -> None:
    one_item(desk)
    browser = desk.at_work()
    browser.post("/log", {"kind": "hold", "invoice": "FA-1", "text": "talking to their director", "day": "2026-09-20"})
    assert "talking to their director" in browser.get("/invoices/FA-1").text
    browser.post("/log", {"kind": "release", "invoice": "FA-1"})
    browser.post("/log", {"kind": "dispute", "invoice": "FA-1", "dispute_reason": "amount", "amount": "12,50"})
    assert state_of(desk) is InvoiceState.DISPUTED
    page = browser.get("/invoices/FA-1").text
    assert "€12.50" in page
    browser.post("/log", {"kind": "promise", "invoice": "FA-1", "day": "yesterday"})
    assert state_of(desk) is InvoiceState.DISPUTED


@pytest.mark.parametrize("what", ["invoice", "customer"])
def test_the_invoices_page_releases_the_hold_that_it_shows(desk: Office, what: str) -> None:
    one_item(desk)
    browser = desk.at_work()
    with desk.database.read() as session:
        invoice = session.scalars(select(Invoice)).one()
        held = {what: {"invoice": invoice.number, "customer": invoice.customer_id}[what]}
    browser.post("/log", {"kind": "hold", "text": "talking to their director", "day": "2026-09-20"} | held)
    page = browser.get("/invoices/FA-1").text
    (form,) = re.findall(r'<form[^>]*action="/log"[^>]*>(?:(?!</form>).)*value="release".*?</form>', page, re.S)
    browser.post("/log", dict(re.findall(r'name="(kind|customer|invoice)" value="([^"]*)"', form)))
    with desk.database.read() as session:
        assert session.scalars(select(Hold.released_by)).one() is not None


# --- strangers' mail -------------------------------------------------------------------------------------------------


def test_a_mail_is_shown_harmless_in_a_frame_that_may_do_nothing(desk: Office) -> None:
    raw = mail.with_parts(
        "Bonjour <script>alert(1)</script>", html='<p onclick="x()">Bonjour</p><script>alert(1)</script><img src="https://evil.example/p.gif">',
        Subject="<script>alert(2)</script>", From='"<img src=x onerror=alert(3)>" <a@customer.test>',
        attachments=[("../../../<b>avis.html", "text/html", b"<script>alert(4)</script>")],
    )  # fmt: skip
    item = one_item(desk, raw=raw)
    browser = desk.at_work()
    page = browser.get(f"/work/item/{item}").text
    assert not [hostile for hostile in ("<script>alert", "<img src=x", "<b>avis") if hostile in page]
    shown = browser.get("/mail/1/html")
    assert shown.headers["content-security-policy"] == MAIL_POLICY
    assert "<p>Bonjour</p>" in shown.text
    assert not [hostile for hostile in ("script", "evil.example") if hostile in shown.text]
    file = browser.get("/mail/1/attachment/0")
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment;")
    assert "/" not in file.headers["content-disposition"].replace("utf-8''", "").replace("UTF-8''", "")
    assert file.content == b"<script>alert(4)</script>"


def test_everything_of_an_invoice_is_one_file(desk: Office) -> None:
    import io
    import json
    import zipfile

    one_item(desk)
    answered = desk.at_work().get("/invoices/FA-1/dossier")
    archive = zipfile.ZipFile(io.BytesIO(answered.content))
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["invoice"] == "FA-1"
    assert set(manifest["files"]) | {"manifest.json"} == set(archive.namelist())


# --- words -----------------------------------------------------------------------------------------------------------


def test_the_pages_speak_the_persons_language(desk: Office) -> None:
    browser = desk.at_work(language="fr")
    assert "À traiter" in browser.get("/").text
    browser.post("/language", {"language": "en", "to": "/"})
    assert "To do" in browser.get("/").text


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


def test_a_browsers_language_counts_where_the_person_has_none(desk: Office) -> None:
    browser = desk.at_work(language=None)
    assert "À traiter" in browser.get("/", **{"Accept-Language": "de, fr-CA;q=0.8, en;q=0.5"}).text


def test_a_day_of_the_calendar_holds_what_the_plan_would_do(desk: Office) -> None:
    with desk.database.write() as session:
        debtor(session, "FA-1", name="Dupont")
    ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    browser = desk.at_work()
    assert 'hx-get="/outgoing/calendar"' in browser.get("/outgoing").text
    page = browser.get("/outgoing/calendar").text
    assert "Dupont" in page
    assert str(date(2026, 9, 1).day) in page


def test_why_is_told_in_the_persons_language(desk: Office) -> None:
    item = one_item(desk)
    with desk.database.read() as session:
        mail_id = session.get_one(ExceptionItem, item).message_id
    french = desk.at_work("lea", language="fr").get(f"/mail/{mail_id}/why").text
    told = french.partition("<ol>")[2].partition("</ol>")[0]
    for said in ("Il est arrivé le", "Une personne l’a écrit", "« Promet de payer »", "Une personne est consultée"):
        assert said in told, said
    assert "The trained model" not in told
    english = desk.at_work("max", language="en").get(f"/mail/{mail_id}/why").text
    assert "reads it as promise with 71% confidence" in english
    assert "It arrived on 1 Sept 2026, 07:00 in the mailbox" in english  # on the company's clock, as on every page


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


def test_what_a_person_keeps_back_leads_to_what_that_person_has_to_do(desk: Office) -> None:
    one_item(desk)
    ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    assert 'href="/?text=Dupont+%26+Fils' in desk.at_work().get("/outgoing").text.replace("%20", "+")


@pytest.mark.parametrize(
    "path", ["/", "/?text=FA", "/customers", "/customers/C1", "/work/item/1", "/invoices/FA-0", "/outgoing"]
)
def test_more_rows_take_no_more_queries(desk: Office, path: str) -> None:
    """Nothing is asked of the database row by row."""
    browser = desk.at_work()
    asked = []
    for begin, end in ((0, 2), (2, 22)):
        with desk.database.write() as session:
            for number in range(begin, end):
                owner, invoices = debtor(session, f"FA-{number}", id=f"C{number + 1}", name=f"Customer {number}")
                answer(session, owner, invoices)
        browser.get(path)  # the first also signs who looks, and starts what reads mails
        with queries(desk.database) as seen:
            assert browser.get(path).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]


@contextmanager
def queries(database: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engines = {database.engine, database._reader}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
