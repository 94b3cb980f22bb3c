"""Pictures of every text in every tone, one sheet a language and width, as a browser shows them: `make pictures`.

A sheet has a column for each text and a row for each tone; beside the sheets a few letters whole, and a formal notice.
The letters are `templates preview`'s, the browser Debian's Chromium. `test_pictures` looks at the same pages and holds
them to their rules.
"""

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from agent.reminders.letter_samples import letter_samples
from agent.reminders.notice import Party, compose_notice
from agent.reminders.paper import as_pdf
from agent.reminders.render import render
from agent.reminders.template_commands import as_page, samples
from agent.reminders.templates import languages, mail_environment, texts
from config.plans import Tone
from tests.builders import ledger

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
WIDTHS = {"desktop": 760, "phone": 390}
COLUMN = {"desktop": 300, "phone": 150}
MOST_BYTES = 150_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]

#: Letters that the README and docs/reminders.md show whole, and the window's width: file, language, text, tone, case.
WHOLE = (
    ("reminder-fr", "fr", "friendly_reminder", "friendly", "several", 616),
    ("reminder-en-phone", "en", "friendly_reminder", "friendly", "several", 375),
    ("last-reminder-fr", "fr", "last_reminder", "firm", "everything", 680),
    ("last-reminder-de-narrow", "de", "last_reminder", "firm", "everything", 500),
)
NOTICE = "formal-notice-fr"


@dataclass(frozen=True, slots=True)
class Page:
    """A text with everything that a letter may hold, as HTML."""

    language: str
    template: str
    tone: str
    html: str


def pages() -> Iterator[Page]:
    """Each text in each language and tone."""
    environment = mail_environment(None)
    for sample in samples(ledger.settings(Path.cwd()), environment, NOW):
        if sample.case == "everything":
            html = as_page(sample.letter, render(sample.letter, environment))
            yield Page(sample.language, sample.template, sample.tone, html)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Raises RuntimeError where there is none."""
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("there is no chromium: `make servers` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def sheet(browser: Browser, shown: list[Page], width: str) -> bytes:
    """One sheet: columns by text, rows by tone, as WebP of at most `MOST_BYTES`."""
    context = browser.new_context(viewport={"width": WIDTHS[width], "height": 600})
    tab = context.new_page()
    cells: dict[tuple[int, int], Image.Image] = {}
    rows, columns = get_args(Tone), texts(mail_environment(None))
    for page in shown:
        tab.set_content(page.html)
        picture = Image.open(io.BytesIO(tab.screenshot(full_page=True))).convert("RGB")
        wide = COLUMN[width]
        small = picture.resize((wide, round(picture.height * wide / picture.width)), Image.Resampling.LANCZOS)
        cells[rows.index(page.tone), columns.index(page.template)] = small
    context.close()
    heights = {row: max(c.height for (r, _), c in cells.items() if r == row) for row in {r for r, _ in cells}}
    gap, wide = 12, COLUMN[width]
    size = (len(columns) * (wide + gap) + gap, sum(h + gap for h in heights.values()) + gap)
    whole = Image.new("RGB", size, (207, 213, 220))
    for (row, column), cell in cells.items():
        top = gap + sum(h + gap for r, h in heights.items() if r < row)
        whole.paste(cell, (gap + column * (wide + gap), top))
    out = io.BytesIO()
    for quality in (45, 25, 10):
        out = io.BytesIO()
        whole.save(out, "WEBP", quality=quality, method=4)
        if out.tell() <= MOST_BYTES:
            break
    return out.getvalue()


def whole(browser: Browser, folder: Path) -> Iterator[Path]:
    """Write the letters of `WHOLE` into `folder`."""
    environment = mail_environment(None)
    found = {
        (each.language, each.template, each.tone, each.case): each.letter
        for each in samples(ledger.settings(Path.cwd()), environment, NOW)
    }
    for name, language, template, tone, case, width in WHOLE:
        letter = found[language, template, tone, case]
        context = browser.new_context(viewport={"width": width, "height": 600})
        tab = context.new_page()
        tab.set_content(as_page(letter, render(letter, environment)))
        path = folder / f"{name}.png"
        tab.screenshot(full_page=True, path=path)
        context.close()
        yield path


def notice(folder: Path) -> Path:
    """Write the first page of a French formal notice into `folder`, as Debian's poppler-utils shows it."""
    environment = mail_environment(None)
    sample = next(
        each for each in letter_samples(ledger.settings(Path.cwd()), environment, NOW)
        if (each.language, each.case) == ("fr", "charged")
    )  # fmt: skip
    shown = replace(
        sample.notice, company=Party("Ateliers Morel SAS", ("12 rue des Lilas", "69003 Lyon")), city="Lyon",
        registration="SAS au capital de 10 000 € – RCS Lyon 000 000 000",
    )  # fmt: skip
    pdf = as_pdf(compose_notice(shown, environment))
    subprocess.run(["pdftoppm", "-png", "-r", "93", "-singlefile", "-", str(folder / NOTICE)], input=pdf, check=True)
    return folder / f"{NOTICE}.png"


def main(folder: Path) -> None:
    """Write all sheets into `folder`/mails, and what is shown whole into `folder`."""
    (folder / "mails").mkdir(parents=True, exist_ok=True)
    found = list(pages())
    written = [notice(folder)]
    with chromium() as browser:
        written += whole(browser, folder)
        for language in languages(mail_environment(None)):
            for width in WIDTHS:
                path = folder / "mails" / f"mails-{language}-{width}.webp"
                path.write_bytes(sheet(browser, [p for p in found if p.language == language], width))
                written.append(path)
    for path in written:
        sys.stdout.write(f"{path} {path.stat().st_size}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
