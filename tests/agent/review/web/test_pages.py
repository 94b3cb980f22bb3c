"""Every page for everybody (axe: WCAG 2.2 AA), in light and in the dark, in each language, on a desk and on a phone."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from models import ExceptionItem, Invoice, Task
from models.reasons import ExceptionReason, TaskKind
from models.states import InvoiceState
from models.user import Role
from tests.agent.review.web.conftest import DESKTOP, PHONE, Opener
from tests.builders.desk import Office, answer, debtor
from tests.builders.worklist import everything

AXE = Path(__file__).parents[3] / "vendor" / "axe" / "axe-4.14.1.min.js"
PAGES = (
    "/", "/customers", "/outgoing", "/model", "/figures",
    "/figures?part=reminders", "/figures?part=answers", "/figures?part=work", "/mail/2/why", "/nowhere",
)  # fmt: skip
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"


def violations(page: Page) -> list[object]:
    """What axe finds on the page as it stands."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[object] = page.evaluate(
        f"async () => (await axe.run(document, {RULES})).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
    )
    return found


def too_wide(page: Page) -> list[str]:
    """Elements that stand out of the page to the right; none where the page needs no scrolling sideways.

    What lies in a part that scrolls by itself (a wide table) is no part of it.
    """
    found: list[str] = page.evaluate(
        """() => {
          const scrolls = e => { for (let p = e.parentElement; p; p = p.parentElement)
              if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return true;
            return false; };
          return document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e))
            .map(e => e.outerHTML.slice(0, 160)).concat('the page itself');
        }"""
    )
    return found


def filled(desk: Office, count: int = 3) -> list[int]:
    """Items of several customers, each asking for a look."""
    ids = []
    with desk.database.write() as session:
        for number in range(count):
            owner, invoices = debtor(session, f"FA-{number}", name=f"Customer {number} <SARL>")
            ids.append(answer(session, owner, invoices).id)
    return ids


@pytest.mark.parametrize(
    ("width", "dark", "language"),
    [(DESKTOP, False, "en"), (DESKTOP, True, "fr"), (PHONE, False, "fr"), (PHONE, True, "en")],
    ids=["desktop-light-en", "desktop-dark-fr", "phone-light-fr", "phone-dark-en"],
)
def test_every_page_is_for_everybody_and_needs_no_scrolling_sideways(
    small_desk: Office, open_page: Opener, width: int, dark: bool, language: str
) -> None:
    """Every pair of width, colours and language once."""
    small_desk.person("lea", Role.ADMIN, language=language)
    paths = [*one_of_each_kind(small_desk), *PAGES]
    page = open_page(width=width, dark=dark)
    address = page.url.rstrip("/")
    wrong = {}
    for path in paths:
        page.goto(address + path)
        page.wait_for_function("() => !document.querySelector('.htmx-request')")
        page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        wrong[path] = [violations(page), too_wide(page)]
    page.goto(address)
    if width == DESKTOP:  # a phone has no keys to tell of
        page.keyboard.press("?")
        page.wait_for_selector("#help[open]")
        wrong["help"] = [violations(page), too_wide(page)]
        page.keyboard.press("Escape")
    page.click("details.menu summary")
    wrong["menu"] = [violations(page), too_wide(page)]
    page.click("form[action='/logout'] button")
    page.wait_for_url("**/login")
    wrong["login"] = [violations(page), too_wide(page)]
    assert {path: found for path, found in wrong.items() if found != [[], []]} == {}


def one_of_each_kind(desk: Office) -> list[str]:
    """Pages of entries that are settled in different ways."""
    everything(desk)
    wanted = (
        ExceptionReason.LOW_CONFIDENCE, ExceptionReason.CONFLICTING_INTENTS, ExceptionReason.DISPUTE,
        ExceptionReason.DELIVERY_UNKNOWN, ExceptionReason.OVERPAYMENT, ExceptionReason.BOUNCE,
        ExceptionReason.NOT_THREADED,
    )  # fmt: skip
    with desk.database.read() as session:
        items = session.scalars(select(ExceptionItem.id).where(ExceptionItem.reason.in_(wanted))).all()
        tasks = session.scalars(select(Task.id).where(Task.kind.in_([TaskKind.CALL, TaskKind.AUDIT_SAMPLE]))).all()
        row = session.scalars(select(Invoice).where(Invoice.number == "FA-contested")).one()
    found = [f"/work/item/{number}" for number in items] + [f"/work/task/{number}" for number in tasks]
    return [*found, "/work/approval/1", f"/customers/{row.customer_id}", f"/invoices/{row.number}"]


def test_on_a_phone_an_item_is_answered_and_settled(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    filled(small_desk, 2)
    page = open_page(width=PHONE, has_touch=True, is_mobile=True)
    page.tap(".work-row .work-link")
    page.wait_for_url("**/work/item/*")
    first = urlsplit(page.url).path
    page.tap("details:has(form.answer) > summary")
    page.fill("textarea[name=text]", "Bonjour,\n\nC'est noté, merci.\n")
    page.tap("form.answer .btn-main")
    page.wait_for_selector(".notice")
    assert urlsplit(page.url).path == first
    page.tap("label.choice:has(input[value=paid])")
    page.wait_for_selector("#follows >> text=reported as paid")
    assert too_wide(page) == []
    page.tap("#decide .btn-main")
    page.wait_for_url(lambda url: urlsplit(url).path not in ("", first))
    with small_desk.database.read() as session:
        states = session.scalars(select(Invoice.state).order_by(Invoice.id)).all()
    assert sorted(states) == [InvoiceState.PAYMENT_REPORTED, InvoiceState.REMINDED]


def test_on_a_phone_the_list_comes_before_its_filters(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    filled(small_desk)
    page = open_page(width=PHONE)
    row, filters = page.locator(".work-row").first.bounding_box(), page.locator("#filters").bounding_box()
    assert row is not None
    assert filters is not None
    assert row["y"] < filters["y"]


def test_a_long_senders_name_fits_a_phone(small_desk: Office, open_page: Opener) -> None:
    small_desk.person("lea")
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-0", name="Dupont", email=f"{'comptabilite' * 4}@dupont.example")
        item = answer(session, owner, invoices).id
    page = open_page(f"/work/item/{item}", width=PHONE)
    wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth)"
    assert page.evaluate(f"{wide}.map(e => e.outerHTML.slice(0, 120))") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
