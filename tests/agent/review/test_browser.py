"""The desk in a real browser: by keyboard alone, on a phone's width, for everybody (axe)."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Dialog, Page, Request, sync_playwright
from sqlalchemy import select

from agent.review.web.app import build
from models import ExceptionItem, Invoice
from models.states import ExceptionState, InvoiceState
from models.user import Role
from tests.builders.desk import PASSWORD, Office, answer, debtor
from tests.servers.process import MISSING, until

AXE = Path(__file__).parents[2] / "vendor" / "axe" / "axe-4.14.1.min.js"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --disable-background-networking --disable-component-update"
    " --disable-sync --no-first-run"
).split()
PAGES = (
    "/", "/work/item/{item}", "/customers", "/outgoing", "/model", "/figures",
    "/figures?part=work", "/invoices/FA-0",
)  # fmt: skip
WIDTHS = {"desktop": 1360, "phone": 390}

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """Debian's Chromium, driven by Playwright."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip(f"{MISSING}chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(office: Office) -> Iterator[str]:
    """The desk on a free port; its address."""
    server = uvicorn.Server(uvicorn.Config(build(office.desk), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started or None, seconds=30, what="the desk")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def open_page(chromium: Chromium, small_desk: Office) -> Iterator[Callable[..., Page]]:
    """Opens a page as a person who has logged in; a request elsewhere, an error or a dialog fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        complaints.append(dialog.message)
        dialog.dismiss()

    with served(small_desk) as address:

        def asked(request: Request) -> None:
            if not request.url.startswith((address, "data:")):
                complaints.append(request.url)

        def open_one(path: str = "/", *, name: str = "lea", width: int = WIDTHS["desktop"]) -> Page:
            context = chromium.new_context(viewport={"width": width, "height": 900}, locale="en-GB")
            contexts.append(context)
            page = context.new_page()
            page.set_default_timeout(30_000)
            page.on("request", asked)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", dismissed)
            page.goto(f"{address}/login")
            page.fill("input[name=name]", name)
            page.fill("input[name=password]", PASSWORD)
            page.press("input[name=password]", "Enter")
            page.wait_for_url(f"{address}/")
            if path != "/":
                page.goto(address + path)
            return page

        yield open_one
        for context in contexts:
            context.close()
    assert complaints == []


def filled(desk: Office, count: int = 3) -> list[int]:
    """Items of several customers, each asking for a look."""
    ids = []
    with desk.database.write() as session:
        for number in range(count):
            owner, invoices = debtor(session, f"FA-{number}", name=f"Customer {number} <SARL>")
            ids.append(answer(session, owner, invoices).id)
    return ids


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_for_everybody_and_fits_a_phone(
    small_desk: Office, open_page: Callable[..., Page], path: str, width: int
) -> None:
    small_desk.person("lea", Role.ADMIN)
    first = filled(small_desk)[0]
    page = open_page(path.format(item=first), width=width)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_list_comes_before_its_filters(small_desk: Office, open_page: Callable[..., Page]) -> None:
    small_desk.person("lea")
    filled(small_desk)
    page = open_page(width=WIDTHS["phone"])
    row, filters = page.locator(".work-row").first.bounding_box(), page.locator("#filters").bounding_box()
    assert row is not None
    assert filters is not None
    assert row["y"] < filters["y"]


def test_a_long_senders_name_fits_a_phone(small_desk: Office, open_page: Callable[..., Page]) -> None:
    small_desk.person("lea")
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-0", name="Dupont", email=f"{'comptabilite' * 4}@dupont.example")
        item = answer(session, owner, invoices).id
    page = open_page(f"/work/item/{item}", width=WIDTHS["phone"])
    wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth)"
    assert page.evaluate(f"{wide}.map(e => e.outerHTML.slice(0, 120))") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS["phone"]


def test_a_reviewer_clears_the_list_with_the_keyboard_alone(small_desk: Office, open_page: Callable[..., Page]) -> None:
    small_desk.person("lea")
    count = 6
    filled(small_desk, count)
    page = open_page()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    for left in range(count, 0, -1):
        page.wait_for_selector("form input[type=radio]")
        here = page.url
        page.keyboard.press("1")  # "says it has paid"
        page.keyboard.press("a")
        page.wait_for_function("before => location.href !== before", arg=here)
        with small_desk.database.read() as session:
            states = session.scalars(select(ExceptionItem.state)).all()
        assert states.count(ExceptionState.RESOLVED) == count - left + 1
    with small_desk.database.read() as session:
        assert set(session.scalars(select(Invoice.state))) == {InvoiceState.PAYMENT_REPORTED}


def test_two_reviewers_see_who_has_an_item(small_desk: Office, open_page: Callable[..., Page]) -> None:
    small_desk.person("lea")
    small_desk.person("max")
    (item,) = filled(small_desk, 1)
    hers, his = open_page(f"/work/item/{item}"), open_page(f"/work/item/{item}", name="max")
    hers.keyboard.press("t")
    hers.wait_for_load_state()
    his.reload()
    assert "lea" in his.inner_text("main")
