"""Two reviewers at once: each sees live what the other has in hand, and nothing is settled twice."""

from urllib.parse import urlsplit

from playwright.sync_api import Page
from sqlalchemy import func, select

from models import Correction, ExceptionItem
from models.states import ExceptionState
from tests.agent.review.web.conftest import Opener
from tests.agent.review.web.test_pages import filled
from tests.builders.desk import Office

A_WHILE = 15_000
"""Milliseconds in which an open page has asked again; the browser's clock is moved, nobody waits."""


def two(desk: Office, open_page: Opener, path: str, other: str | None = None) -> tuple[Page, Page]:
    desk.person("lea")
    desk.person("max")
    hers, his = open_page(name="lea"), open_page(name="max")
    for page in (hers, his):
        page.clock.install()
    hers.goto(hers.url.rstrip("/") + path)
    his.goto(his.url.rstrip("/") + (path if other is None else other))
    return hers, his


def take(page: Page) -> None:
    page.keyboard.press("t")
    page.wait_for_selector("form[action$='/give-back']")
    page.wait_for_load_state()  # its scripts listen to keys from then on


def after_a_while(page: Page, selector: str) -> str:
    """What an open page says at that place by itself, a poll later."""
    page.clock.run_for(A_WHILE)
    page.wait_for_selector(selector)
    return page.inner_text(selector)


def test_an_open_item_says_by_itself_who_else_has_it_open_and_who_takes_it(
    small_desk: Office, open_page: Opener
) -> None:
    (item,) = filled(small_desk, 1)
    hers, his = two(small_desk, open_page, f"/work/item/{item}")
    assert "max has it open too" in after_a_while(hers, "#presence .pill")
    take(his)
    assert "Taken by max" in after_a_while(hers, "#presence .pill-accent")


def test_the_list_says_by_itself_who_has_what_and_what_is_settled(small_desk: Office, open_page: Opener) -> None:
    first, second = filled(small_desk, 2)
    hers, his = two(small_desk, open_page, f"/work/item/{first}", "/")
    row = f"#row-item-{first}"
    assert "open elsewhere" in his.inner_text(row)
    assert "open elsewhere" not in his.inner_text(f"#row-item-{second}")
    take(hers)
    his.clock.run_for(A_WHILE)
    his.wait_for_selector(f"{row} >> text=lea")
    hers.keyboard.press("1")
    hers.keyboard.press("a")
    hers.wait_for_url(f"**/work/item/{second}")
    his.clock.run_for(A_WHILE)
    his.wait_for_selector(f"{row} >> text=Settled by lea")
    his.wait_for_selector(f"#row-item-{second} >> text=open elsewhere")


def test_who_comes_second_is_told_so_and_nothing_is_settled_twice(small_desk: Office, open_page: Opener) -> None:
    (item,) = filled(small_desk, 1)
    hers, his = two(small_desk, open_page, f"/work/item/{item}")
    hers.keyboard.press("1")
    hers.keyboard.press("a")
    hers.wait_for_url(lambda url: urlsplit(url).path == "/")
    his.keyboard.press("3")
    his.wait_for_selector("#follows >> text=settled by lea")
    his.keyboard.press("a")
    his.wait_for_selector(".notice-error")
    assert "settled by lea already" in his.inner_text(".notice-error")
    assert "Settled by lea" in his.inner_text("main")
    with small_desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Correction)) == 1
        row = session.get_one(ExceptionItem, item)
        assert (row.state, row.resolved_by) == (ExceptionState.RESOLVED, "lea")


def test_what_a_colleague_has_taken_is_not_settled_by_another(small_desk: Office, open_page: Opener) -> None:
    (item,) = filled(small_desk, 1)
    hers, his = two(small_desk, open_page, f"/work/item/{item}")
    take(hers)
    his.keyboard.press("1")
    his.keyboard.press("a")  # his page does not know yet
    his.wait_for_selector(".notice-error")
    assert "lea has taken" in his.inner_text(".notice-error")
    his.wait_for_load_state()
    take(his)  # taken over, knowingly
    his.keyboard.press("1")
    his.keyboard.press("a")
    his.wait_for_url(lambda url: urlsplit(url).path == "/")
    with small_desk.database.read() as session:
        assert session.get_one(ExceptionItem, item).resolved_by == "max"


def test_the_next_item_is_never_one_that_a_colleague_has_open(small_desk: Office, open_page: Opener) -> None:
    first, second, third = filled(small_desk, 3)
    hers, _ = two(small_desk, open_page, f"/work/item/{first}", f"/work/item/{second}")
    hers.keyboard.press("1")
    hers.keyboard.press("a")
    hers.wait_for_url(f"**/work/item/{third}")


def test_what_was_refused_comes_back_with_what_had_been_entered(small_desk: Office, open_page: Opener) -> None:
    filled(small_desk, 1)
    small_desk.person("lea")
    page = open_page(name="lea")
    page.goto(f"{page.url.rstrip('/')}/invoices/FA-0")
    fold = page.locator("details", has=page.locator("input[name=kind][value=plan]"))
    fold.locator("summary").click()
    day, amount = fold.locator("input[name=part_day]"), fold.locator("input[name=part_amount]")
    day.nth(0).fill("2099-03-01")
    amount.nth(0).fill("12.50")
    amount.nth(1).fill("30")
    fold.locator("textarea").fill("agreed by phone")
    fold.locator("button").click()
    assert "Instalment 2 needs both its day and its amount" in page.inner_text(".notice-error")
    page.wait_for_load_state()  # what had been entered comes back with the page's script
    assert day.nth(0).input_value() == "2099-03-01"
    assert [amount.nth(at).input_value() for at in (0, 1, 2)] == ["12.50", "30", ""]
    assert fold.locator("textarea").is_visible()
    assert fold.locator("textarea").input_value() == "agreed by phone"
    page.reload()
    assert fold.locator("textarea").input_value() == "", "only what was refused comes back"


def test_what_was_refused_comes_back_into_its_own_form(small_desk: Office, open_page: Opener) -> None:
    """A call and a note have the same fields, and go to the same address."""
    filled(small_desk, 1)
    small_desk.person("lea")
    page = open_page(name="lea")
    page.goto(f"{page.url.rstrip('/')}/invoices/FA-0")
    call, note = (page.locator("details", has=page.locator(f"input[value={kind}]")) for kind in ("call", "note"))
    note.locator("summary").click()
    note.locator("textarea").fill("   ")
    note.locator("button").click()
    assert "Write what was said" in page.inner_text(".notice-error")
    page.wait_for_load_state()
    assert note.locator("textarea").input_value() == "   "
    assert call.locator("textarea").input_value() == ""


def test_a_meaning_that_was_refused_is_chosen_still(small_desk: Office, open_page: Opener) -> None:
    (item,) = filled(small_desk, 1)
    small_desk.person("lea")
    page = open_page(name="lea")
    page.goto(f"{page.url.rstrip('/')}/work/item/{item}")
    page.locator("input[name=intent][value=promise]").check(force=True)
    day = page.locator("#decide input[name=promise_date]")
    day.fill("2020-01-02")
    page.locator("#decide button").click()
    page.wait_for_selector(".notice-error")
    assert page.locator("input[name=intent][value=promise]").is_checked()
    assert day.is_visible()
    assert day.input_value() == "2020-01-02"
