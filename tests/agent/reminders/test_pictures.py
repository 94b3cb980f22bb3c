"""Every text in every tone and language in a real browser: on a desktop and a phone, by day and in the dark."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from agent.reminders.templates import languages, mail_environment
from tests.agent.reminders.pictures import Page, chromium, pages
from tests.servers.process import MISSING

pytestmark = pytest.mark.xdist_group("chromium")

NARROWEST = 320
CONTRAST = """() => {
  const light = c => { const s = c / 255; return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4 };
  const of = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const found = parts(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    if (!text.textContent.trim()) continue;
    const a = of(parts(getComputedStyle(text.parentElement).color)), b = of(behind(text.parentElement));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(text.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
  }
  return bad;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        pytest.skip(f"{MISSING}chromium")
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def all_pages() -> list[Page]:
    return list(pages())


@pytest.mark.parametrize("language", languages(mail_environment(None)))
def test_no_page_is_wider_than_its_screen_and_all_of_it_can_be_read_in_the_dark(
    browser: Browser, all_pages: list[Page], language: str
) -> None:
    shown = [page for page in all_pages if page.language == language]
    assert len(shown) == 15
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    for page in shown:
        what = f"{page.template} {page.tone}"
        for width in (NARROWEST, 390, 760):
            tab.set_viewport_size({"width": width, "height": 700})
            tab.set_content(page.html)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, f"{what} at {width}"
        assert tab.evaluate(CONTRAST) == [], f"{what} in the dark"
        tab.emulate_media(color_scheme="light")
        assert tab.evaluate(CONTRAST) == [], f"{what} by day"
        tab.emulate_media(color_scheme="dark")
    context.close()
    assert [url for url in asked if not url.startswith(("data:", "about:"))] == [], "a mail loads nothing from anywhere"
