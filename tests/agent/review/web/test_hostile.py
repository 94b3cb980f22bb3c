"""What a stranger wrote does nothing in a reviewer's browser: no request, no script, no style beyond its frame.

Twice: as it is shown, cleaned; and with the cleaning left out, where the frame's sandbox and policy have to hold alone.
"""

import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Frame, Page

from agent.inbound.confined import Reader
from agent.inbound.headers import parse_headers, tidy
from agent.inbound.parts import read_parts
from tests.agent.review.web.conftest import Opener
from tests.builders import mail
from tests.builders.desk import Office, answer, debtor
from tests.servers.process import until

HOSTILE: dict[str, str] = tomllib.loads((Path(__file__).parent / "hostile.toml").read_text(encoding="utf-8"))
"""By what it tries."""


def uncleaned(self: Reader, raw: bytes, want: str) -> bytes:
    """The HTML as it came, as if nothing cleaned it."""
    assert want == "html"
    raw = tidy(raw)
    parts = read_parts(raw, parse_headers(raw))
    return "".join(passage.html for passage in parts.passages if passage.html).encode()


def item_with(desk: Office, name: str, html: str) -> int:
    in_line = " ".join(html.split())
    raw = mail.with_parts(
        f"Bonjour\n{html}\n", html=f"<html><head></head><body><p>Bonjour</p>{html}</body></html>",
        Subject=f"Re: {in_line[:60]}", From=f'"{in_line[:20].replace(chr(34), "")}" <a@customer.test>',
        attachments=[(f"{in_line[:20]}.html", "text/html", html.encode()), ("x.svg", "image/svg+xml", html.encode())],
    )  # fmt: skip
    with desk.database.write() as session:
        owner, invoices = debtor(session, f"FA-{name}", name=f"Dupont {in_line[:30]}")
        return answer(session, owner, invoices, raw=raw).id


def opened(page: Page) -> Frame:
    """The mail as it was sent, unfolded, in its frame."""
    page.click("details:has(> iframe.as-sent) > summary")
    handle = page.wait_for_selector("iframe.as-sent")
    frame = handle.content_frame() if handle is not None else None
    assert frame is not None
    frame.wait_for_selector("p", state="attached")
    return frame


LOOK = """() => [document.body, document.querySelector('main'), ...document.querySelectorAll('.btn')].map(one => {
  const style = getComputedStyle(one);
  return [style.display, style.backgroundColor, style.backgroundImage, style.fontFamily]; })"""


@pytest.mark.parametrize("is_cleaned", [True, False], ids=["as shown", "without cleaning"])
def test_a_hostile_mail_does_nothing(
    small_desk: Office, open_page: Opener, monkeypatch: pytest.MonkeyPatch, is_cleaned: bool
) -> None:
    small_desk.person("lea")
    if not is_cleaned:
        monkeypatch.setattr(Reader, "show", uncleaned)
    items = {name: item_with(small_desk, name, html) for name, html in HOSTILE.items()}
    page = open_page()
    for name, item in items.items():
        page.goto(f"{open_page.address}/work/item/{item}")
        before, looks = page.url, page.evaluate(LOOK)
        frame = opened(page)
        for element in frame.query_selector_all("a, button, p"):
            element.dispatch_event("click")
        page.wait_for_function("() => !document.querySelector('.htmx-request')")
        assert page.url == before, name
        assert page.evaluate("window.pwned") is None, name
        assert page.evaluate(LOOK) == looks, name
        assert len(page.context.pages) == 1, name
        box, own = page.locator("iframe.as-sent").bounding_box(), page.locator("main").bounding_box()
        assert box is not None
        assert own is not None
        assert own["x"] <= box["x"], name
        assert box["x"] + box["width"] <= own["x"] + own["width"], name
        assert not is_cleaned or open_page.complaints == [], name
    # The browser tells what policy and sandbox have blocked where nothing was cleaned before: that is all that is told.
    reached = [told for told in open_page.complaints if not any(word in told for word in BLOCKED)]
    assert reached == []
    assert is_cleaned or len(open_page.complaints) >= len(HOSTILE) // 2
    open_page.complaints.clear()


BLOCKED = ("violates the following", "sandboxed", "Unsafe attempt", "Refused to refresh")


def test_without_sandbox_and_policy_the_same_mails_do_harm(
    small_desk: Office, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nothing happens above is the guards' doing: without them it is seen."""
    small_desk.person("lea")
    monkeypatch.setattr(Reader, "show", uncleaned)
    monkeypatch.setattr("agent.review.web.mail_pages.MAIL_POLICY", "default-src * 'unsafe-inline' data:")
    item = item_with(small_desk, "harm", HOSTILE["images"] + "<script>top.pwned=1</script>")
    page = open_page(f"/work/item/{item}")
    page.evaluate("document.querySelectorAll('iframe').forEach(one => one.removeAttribute('sandbox'))")
    page.click("details:has(> iframe.as-sent) > summary")
    page.wait_for_function("() => window.pwned === 1")
    until(lambda: "https://evil.example/pixel.gif" in open_page.complaints or None, seconds=30, what="the pixel")
    open_page.complaints.clear()
