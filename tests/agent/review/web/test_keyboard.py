"""A reviewer works the list without a mouse."""

from datetime import timedelta
from urllib.parse import urlsplit

from playwright.sync_api import Page
from sqlalchemy import select

from agent.review import worklist
from agent.review.values import Selection
from models import Correction, Delivery, ExceptionItem, Invoice, Message, Reminder, Task
from models.states import WAITING, ExceptionState, InvoiceState, TaskState
from models.user import Role
from tests.agent.review.web.conftest import Opener
from tests.agent.review.web.test_pages import too_wide, violations
from tests.builders.desk import NOW, Office, answer, debtor
from tests.builders.worklist import DAY, Keys, everything


def pressed(page: Page, keys: Keys) -> None:
    """Press them, and wait for the page that follows."""
    for key in keys.press[:-1]:
        match key:
            case "@day":
                page.keyboard.type(f"{DAY:%d%m%Y}")
            case "@wait" | "@refused":
                page.wait_for_selector(".notice-error" if key == "@refused" else ".notice")
                page.wait_for_load_state()  # its scripts listen to keys from then on
            case _ if key.startswith("+"):
                page.keyboard.type(key[1:])
            case _:
                page.keyboard.press(key)
    here = page.url
    page.keyboard.press(keys.press[-1])
    page.wait_for_function("before => location.href !== before && document.readyState === 'complete'", arg=here)


def left(office: Office) -> list[str]:
    with office.database.read() as session:
        found = worklist.page(session, Selection(), "lea", office.clock(), NOW.date())
        return [entry.path for entry in found.entries]


def test_a_reviewer_clears_more_than_twenty_varied_entries_with_the_keyboard_alone(
    small_desk: Office, open_page: Opener
) -> None:
    small_desk.person("lea", Role.APPROVER)
    script = everything(small_desk)
    assert len(script) > 20
    assert set(left(small_desk)) == set(script)
    page = open_page()
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/**")
    met = []
    while (path := urlsplit(page.url).path) != "/":
        assert path not in met, f"{path} came back"
        met.append(path)
        small_desk.clock.passes(timedelta(seconds=1))
        pressed(page, script.get(path, Keys(("2",))))  # what is new asks how a dispute ends that was settled just now
    assert set(script) <= set(met)
    assert left(small_desk) == []
    asleep = [path for path, keys in script.items() if not keys.ends]
    with small_desk.database.read() as session:
        waiting = session.scalars(select(ExceptionItem).where(ExceptionItem.state.in_(WAITING))).all()
        assert [(f"/work/item/{item.id}", item.state) for item in waiting] == [(asleep[0], ExceptionState.SNOOZED)]
        assert session.scalars(select(Task.state)).all() == [TaskState.DONE] * 5
        assert session.scalars(select(Reminder.approved_by).where(Reminder.approval == "approved")).all() == ["lea"]
        states = dict(session.execute(select(Invoice.number, Invoice.state)).all())
        corrections = session.scalars(select(Correction.labels)).all()
        answers = session.scalars(
            select(Message.subject)
            .join(Delivery, Delivery.message_id == Message.id)
            .where(Delivery.reminder_id.is_(None))
        ).all()
    assert states["FA-low_confidence-0"] == states["FA-promise_undated-0"] == InvoiceState.PROMISED
    assert states["FA-call"] == InvoiceState.PROMISED
    assert states["FA-unauthenticated-0"] == InvoiceState.PAYMENT_REPORTED
    assert states["FA-conflicting_intents-0"] == InvoiceState.PAYMENT_REPORTED
    assert states["FA-unknown_sender-0"] == states["FA-rule-0"] == states["FA-contested"] == InvoiceState.REMINDED
    assert DAY.isoformat() in {labels["promise_date"] for labels in corrections}
    assert len(answers) == 1


def test_help_tells_the_keys_of_the_page_and_goes_away(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    everything(small_desk)
    page = open_page()
    page.keyboard.press("?")
    told = page.inner_text("#help")
    assert "Next, previous row" in told
    page.keyboard.press("Escape")
    page.wait_for_selector("#help", state="hidden")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    stands = page.evaluate("[...document.querySelectorAll('.work-row')].findIndex(row => row.matches('.is-here'))")
    assert stands == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/**")
    page.keyboard.press("?")
    assert "Esc" in page.inner_text("#help")


def test_what_was_done_last_is_taken_back_by_one_key(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-0")
        item = answer(session, owner, invoices).id
    page = open_page(f"/work/item/{item}")
    pressed(page, Keys(("1", "a")))
    assert left(small_desk) == []
    pressed(page, Keys(("u",)))
    assert urlsplit(page.url).path == f"/work/item/{item}"
    assert left(small_desk) == [f"/work/item/{item}"]
    with small_desk.database.read() as session:
        assert session.scalars(select(Invoice.state)).all() == [InvoiceState.REMINDED]
        assert session.scalars(select(Correction.withdrawn_at)).one() is not None


def test_a_page_that_asks_for_more_takes_the_keyboard_to_its_first_field(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-0")
        item = answer(session, owner, invoices).id
    page = open_page(f"/work/item/{item}")
    for key, name in (("s", "until"), ("x", "reason"), ("e", "text")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.name") == name
        page.keyboard.press("Escape")


def test_a_field_shows_where_one_invoice_alone_needs_it(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-0", "FA-1")
        item = answer(session, owner, invoices).id
    page = open_page(f"/work/item/{item}")
    page.keyboard.press("1")
    assert not page.is_visible("input[name=promise_date]")
    page.keyboard.press("v")
    assert page.evaluate("document.activeElement.name") == "invoice:FA-0"
    page.select_option("select[name='invoice:FA-1']", "promise")
    assert page.is_visible("input[name=promise_date]")
    page.select_option("select[name='invoice:FA-0']", "dispute")
    assert page.is_visible("select[name=dispute_reason]")
    assert not page.is_visible("select[name=other_reason]")


def test_which_address_is_wrong_is_asked_only_where_one_is(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-0")
        item = answer(session, owner, invoices, primary="other").id
    page = open_page(f"/work/item/{item}")
    page.keyboard.press("5")
    page.select_option("select[name=other_reason]", "acknowledgement")
    assert not page.is_visible("select[name=wrong_contact]")
    page.select_option("select[name=other_reason]", "left_company")
    assert page.is_visible("select[name=wrong_contact]")


def two_answers(office: Office) -> None:
    office.person("lea")
    with office.database.write() as session:
        for number in ("FA-0", "FA-1"):
            owner, invoices = debtor(session, number, id=f"C-{number}")
            answer(session, owner, invoices)


def test_several_rows_are_accepted_by_a_second_key_once_what_follows_was_told(
    small_desk: Office, open_page: Opener
) -> None:
    two_answers(small_desk)
    page = open_page()
    for key in ("x", "j", "x", "a"):
        page.keyboard.press(key)
    page.wait_for_url("**/work/bulk")
    assert "FA-1: reminders stop until 20 Sept 2026." in page.inner_text("main")
    assert (violations(page), too_wide(page)) == ([], [])
    assert len(left(small_desk)) == 2
    page.keyboard.press("a")
    page.wait_for_selector(".notice")
    assert left(small_desk) == []


def test_several_rows_are_chosen_given_and_taken_by_keys(small_desk: Office, open_page: Opener) -> None:
    two_answers(small_desk)
    page = open_page()
    for key in ("x", "j", "x"):
        page.keyboard.press(key)
    for key, name in (("i", "assignee"), ("s", "until")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.name") == name
        page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.wait_for_selector(".notice")
    with small_desk.database.read() as session:
        assert session.scalars(select(ExceptionItem.assignee)).all() == ["lea", "lea"]
