"""What hostile words became wherever they came out again: mails, pages, tables, archives, terminal, log, rows."""

import csv
import io
import json
import re
import sqlite3
import subprocess
import urllib.parse
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from agent.reports.words import Words
from agent.review import people
from agent.review.web.app import build
from agent.review.web.desk import Desk
from config import load
from models import Base, Customer, Database, Invoice, User, events
from models.user import Role
from tests.builders.desk import PASSWORD, Browser
from tests.security.siege import ATTACKS, ATTRIBUTE, CALLERS, ELEMENT, PRODUCT, Siege, now

REMINDED = [name for name in ATTACKS if name != "bidi"]
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "X-Relance-Ref",
    "Thread-Index", "MIME-Version", "Content-Type", "References", "In-Reply-To",
}  # fmt: skip


@dataclass
class Page(HTMLParser):
    """A page as a browser takes it: its elements, attributes, texts and where it leads."""

    tags: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    loads: list[str] = field(default_factory=list)
    leads: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def of(cls, source: str) -> "Page":
        page = cls()
        page.feed(source)
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            given = value or ""
            if name in {"src", "srcset", "background", "data", "poster", "action", "formaction"} or (tag, name) == (
                "link",
                "href",
            ):
                self.loads.append(given)
            if name in {"href", "hx-get", "action"} and tag != "link":
                self.leads.append(given)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def nothing_runs(page: Page) -> None:
    assert ELEMENT not in page.tags
    assert not {name for name in page.attributes if name == ATTRIBUTE or re.fullmatch(r"on[a-z]+", name)}
    assert not [where for where in page.leads if where.strip().lower().startswith(("javascript:", "data:"))]
    assert PRODUCT not in page.text


# --- the ledger ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_imported_is_in_the_rows_as_it_was_written(siege: Siege, name: str) -> None:
    with opened(siege) as database, database.read() as session:
        customer = session.get_one(Customer, siege.customer(name))
        assert (customer.name, customer.address) == (siege.attacks[name],) * 2
        assert session.scalar(select(func.count()).select_from(Invoice)) == len(ATTACKS)


@pytest.mark.parametrize("steering", ["\x1b[2J", "a\x00b", "\x07", "\x7f"])
@pytest.mark.parametrize("column", ["id", "name", "address"])
def test_what_steers_a_terminal_does_not_come_in(siege: Siege, column: str, steering: str) -> None:
    row = {"id": "new", "name": "New", "email": "new@new.test", "address": "x"}
    row[column] += steering
    file = siege.folder / "steering.csv"
    file.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
    siege("import", "customers", str(file), code=1)
    assert re.search("control character|zero byte", siege.told[-1] + siege.said[-1])
    assert not STEERING.search(siege.told[-1] + siege.said[-1])


# --- mail out --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REMINDED)
def test_a_reminder_has_our_headers_and_goes_to_its_customer_only(siege: Siege, name: str) -> None:
    sent = next(m for m in siege.sink.mails if m.recipients[0].endswith(f"@{name}.test"))
    assert sent.recipients == (f"ap@{name}.test",)
    reminder = siege.reminders()[name]
    assert set(reminder.keys()) <= HEADERS
    assert all(len(reminder.get_all(header, [])) == 1 for header in set(reminder.keys()))
    assert [address.addr_spec for address in reminder["To"].addresses] == [f"ap@{name}.test"]
    head = sent.raw.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", head)


@pytest.mark.parametrize("name", REMINDED)
def test_a_reminder_says_hostile_words_as_words(siege: Siege, name: str) -> None:
    reminder = siege.reminders()[name]
    plain, html = part(reminder, "plain"), Page.of(part(reminder, "html"))
    squeezed = "".join(siege.number(name).split())
    for shown in (plain, html.text):
        assert squeezed in "".join(shown.split())
        assert PRODUCT not in shown
    nothing_runs(html)
    assert not html.loads
    assert not html.tags & {"script", "iframe", "form", "object", "base"}


def test_a_name_that_turns_the_direction_of_writing_gets_no_letter_but_a_person(siege: Siege) -> None:
    (item,) = (row for row in siege.rows("queue", "list") if row["customer"] == siege.customer("bidi"))
    assert item["reason"] == "letter_failed"


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(siege: Siege) -> Iterator[Browser]:
    """Somebody with every right, at the desk of the besieged company."""
    with opened(siege) as database:
        settings = load(siege.config)
        with database.write() as session:
            if session.scalar(select(User.id)) is None:
                people.add(
                    session, "root", Role.ADMIN, PASSWORD, email=None, language="en", by="test", at=now()
                )  # fmt: skip
        desk = Desk(database, settings, Words(settings.root, settings.zone), now)
        made = Browser(TestClient(build(desk), base_url="http://127.0.0.1", follow_redirects=False))
        assert made.log_in("root").status_code == 303
        yield made
        desk.reader.close()


def crawled(siege: Siege, browser: Browser, limit: int = 600) -> dict[str, Any]:
    """The pages that can be reached by links from the first one, as they were answered; gone through once."""
    if not siege.pages:
        CALLERS.called = siege.called
        try:
            siege.pages = _crawled(browser, limit)
        finally:
            CALLERS.called = None
    return siege.pages


def _crawled(browser: Browser, limit: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen: set[str] = set()
    waiting = ["/", "/customers", "/outgoing", "/model", "/figures"]
    while waiting and len(found) < limit:
        path = waiting.pop(0)
        if path in found:
            continue
        answered = browser.get(path)
        found[path] = answered
        if answered.headers.get("content-type", "").startswith("text/html"):
            page = Page.of(answered.text)
            frames = [where for where in page.loads if where.startswith("/mail/")]
            for where in (*page.leads, *frames):
                target = urllib.parse.urlsplit(urllib.parse.urljoin(path, where))
                # Lists that are sorted and narrowed otherwise show the same words again.
                is_new = len(urllib.parse.parse_qs(target.query)) < 2 or target.path not in seen
                seen.add(target.path)
                if not target.netloc and target.path.startswith("/") and "/static/" not in target.path and is_new:
                    waiting.append(target._replace(fragment="").geturl())
    return found


def test_no_page_runs_what_strangers_wrote_and_every_link_leads_home(siege: Siege, browser: Browser) -> None:
    pages = crawled(siege, browser)
    assert {answered.status_code for answered in pages.values()} <= {200, 303, 405}
    html = {p: a for p, a in pages.items() if a.headers.get("content-type", "").startswith("text/html")}
    for path, answered in html.items():
        page = Page.of(answered.text)
        nothing_runs(page)
        assert "default-src 'none'" in answered.headers["content-security-policy"], path
        is_ours = re.compile(r"(/(?!/)|#|\?|$|cid:|data:image/)")
        assert all(is_ours.match(where) for where in page.loads), (path, page.loads)
    for kind in ("/customers/", "/invoices/", "/work/item/", "/mail/"):
        assert any(path.startswith(kind) for path in html), f"no page below {kind} was reached"
    shown = "".join(Page.of(a.text).text for a in html.values())
    for name in ATTACKS:
        assert siege.customer(name)[:20] in shown or name == "bidi", f"{name} was never shown: nothing was tried"


def test_every_customer_and_invoice_has_its_page_whatever_it_is_called(siege: Siege, browser: Browser) -> None:
    for name in ATTACKS:
        for path in (f"/customers/{quoted(siege.customer(name))}", f"/invoices/{quoted(siege.number(name))}"):
            assert browser.get(path).status_code == 200, (name, path)


def quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def test_files_are_downloads_under_harmless_names(siege: Siege, browser: Browser) -> None:
    downloads = {
        path: answered
        for path, answered in crawled(siege, browser).items()
        if re.search(r"/(attachment|source|documents|dossier)\b", path) and answered.status_code == 200
    }
    for kind in ("/attachment/", "/documents/", "/source", "/dossier"):
        assert any(kind in path for path in downloads), f"no {kind} was reached"
    for path, answered in downloads.items():
        disposition = answered.headers["content-disposition"]
        assert disposition.startswith("attachment"), path
        names = re.fullmatch(r'attachment; filename="([^"]+)"(?:; filename\*=UTF-8\'\'([\w%.-]+))?', disposition)
        assert names, disposition
        for name in (urllib.parse.unquote(found) for found in names.groups() if found):
            assert not re.search(r'[\x00-\x1f/\\<>:"|?*\u202e]|^\.', name), name
        assert answered.headers["x-content-type-options"] == "nosniff"


# --- SQL -------------------------------------------------------------------------------------------------------------

SQL = ("'", '"', "y' OR '1'='1", "y'); DROP TABLE customer; --", "1 UNION SELECT * FROM installation", "%", "\\", "\0")


@pytest.mark.parametrize("words", SQL)
def test_a_search_finds_words_and_runs_none(siege: Siege, browser: Browser, words: str) -> None:
    before = rows_of(siege)
    asked = quoted(words)
    for path in (
        f"/customers?q={asked}&search={asked}&page={asked}&sort={asked}",
        f"/?reason={asked}&whose={asked}&customer={asked}&q={asked}&sort={asked}&order={asked}&after={asked}",
        f"/outgoing?month={asked}&day={asked}&mailbox={asked}",
        f"/figures?from={asked}&to={asked}&by={asked}&customer={asked}&segment={asked}&owner={asked}",
        f"/figures/aging.csv?by={asked}&customer={asked}", f"/customers/{asked}", f"/invoices/{asked}",
        f"/work/item/{asked}", f"/mail/{asked}/html", f"/mail/1/attachment/{asked}",
    ):  # fmt: skip
        answered = browser.get(path)
        assert answered.status_code < 500, (path, answered.text[:300])
        assert "SELECT" not in answered.text or "UNION" in words
    assert rows_of(siege) == before


@pytest.mark.parametrize("words", [w for w in SQL if w != "\0"])
def test_an_id_on_the_command_line_is_an_id(siege: Siege, words: str) -> None:
    before = rows_of(siege)
    for arguments in (
        ("invoices", words), ("explain", words), ("dossier", words, "-o", str(siege.folder / "none")),
        ("hold", "--invoice", words, "--reason", "x"), ("queue", "show", words),
        ("report", "aging", "--customer", words), ("report", "aging", "--segment", words),
        ("report", "aging", "--owner", words), ("export", words, "-o", str(siege.folder / "none.zip")),
        ("erase", "--customer", words), ("legal-hold", "place", words, "--reason", "x"),
    ):  # fmt: skip
        siege(*arguments, code=None)
        assert "unexpected" not in siege.told[-1], siege.told[-1]
    assert rows_of(siege) == before


@pytest.mark.parametrize("pattern", ["%", "_", "ap@_ql.test", "%@sql.test"])
def test_an_address_to_export_is_an_address_and_no_pattern(siege: Siege, tmp_path: Path, pattern: str) -> None:
    siege("export", pattern, "-o", str(tmp_path / "all.zip"), code=1)
    assert "nothing is known" in siege.told[-1]
    assert not (tmp_path / "all.zip").exists()


def test_a_form_may_hold_a_zero_character(siege: Siege, browser: Browser) -> None:
    form = {"kind": "note", "invoice": siege.number("sql"), "text": "zero \0 character"}
    assert browser.post("/log", form).status_code == 303
    assert "zero  character" in browser.get(f"/invoices/{quoted(siege.number('sql'))}").text


def rows_of(siege: Siege) -> dict[str, int]:
    """How many rows each table has, and that the log still proves itself."""
    with opened(siege) as database, database.read() as session:
        assert events.verify(session, database.key) is None
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


# --- spreadsheets ----------------------------------------------------------------------------------------------------

FIGURE = re.compile(r"-?[\d., ]*%?")
STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")


@pytest.mark.parametrize("report", ["aging", "overdue", "promises", "recovery", "reminders", "mailbox", "causes"])
@pytest.mark.parametrize("split", ["customer", "segment", "owner"])
def test_no_cell_of_a_table_is_a_formula(siege: Siege, browser: Browser, report: str, split: str) -> None:
    printed = siege("report", report, "--by", split, "--on", "2025-03-07", "--csv")
    served = browser.get(f"/figures/{report}.csv?by={split}&to=2025-03-07").text.removeprefix("\ufeff")
    for given in (printed, served):
        cells = [cell for row in csv.reader(io.StringIO(given)) for cell in row]
        wrong = [cell for cell in cells if cell.strip().startswith(STARTS) and not FIGURE.fullmatch(cell)]
        assert wrong == []
    if (report, split) == ("aging", "customer"):
        assert "'" + siege.attacks["wide"] in printed


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(siege: Siege, browser: Browser) -> None:
    siege("report", "workbook", "-o", str(siege.folder / "figures.xlsx"), "--on", "2025-03-07")
    for content in ((siege.folder / "figures.xlsx").read_bytes(), browser.get("/figures.xlsx").content):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            texts = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}
        assert not [name for name, xml in texts.items() if "<f>" in xml or "<hyperlink" in xml]
        assert not [name for name in texts if "externalLink" in name or "vba" in name.lower()]


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKS)
def test_a_dossier_lies_in_its_folder_and_holds_plain_names(siege: Siege, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner" / "dossiers"
    told = json.loads(siege("dossier", siege.number(name), "-o", str(folder), "--json"))
    assert Path(told["file"]).resolve().parent == folder.resolve()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [Path(told["file"])]
    names_are_plain(Path(told["file"]))


@pytest.mark.parametrize("name", ["path", "markup", "bidi"])
def test_what_is_exported_of_a_customer_holds_plain_names(siege: Siege, tmp_path: Path, name: str) -> None:
    siege("export", "--customer", siege.customer(name), "-o", str(tmp_path / "all.zip"))
    names_are_plain(tmp_path / "all.zip")


def names_are_plain(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened_archive:
        for entry in opened_archive.infolist():
            assert re.fullmatch(r"(?:[a-z]+/)?[^/\\<>:\"|?*\x00-\x1f\u202e]+", entry.filename), entry.filename
            assert ".." not in entry.filename.split("/")


def test_nothing_was_written_outside_of_its_folder(siege: Siege) -> None:
    assert not Path("/tmp/relance-escaped").exists()
    assert not [path for path in siege.folder.rglob("*") if "relance-escaped" in path.name]
    assert not [path for path in siege.folder.parents if list(path.glob("relance-escaped*"))]


# --- terminal and log ------------------------------------------------------------------------------------------------

COMMANDS = (
    ("invoices",), ("customers",), ("messages",), ("reminders",), ("queue", "list"), ("tasks",), ("plan",),
    ("approvals",), ("doctor",), ("report", "aging", "--by", "customer"),
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_list_steers_the_terminal(siege: Siege, command: tuple[str, ...]) -> None:
    for form in ((), ("--json",)):
        siege(*command, *form, code=None)
        assert not STEERING.search(siege.said[-1] + siege.told[-1])
        if form:
            assert all(json.loads(line) is not None for line in siege.said[-1].splitlines())


@pytest.mark.parametrize("name", ["markup", "path", "header"])
def test_no_explanation_steers_the_terminal(siege: Siege, name: str) -> None:
    for arguments in (("explain", f"<{name}@{name}.test>"), ("explain", f"<{name}@{name}.test>", "--json")):
        assert siege(*arguments)
        assert not STEERING.search(siege.said[-1])


def test_the_log_has_a_line_an_event_and_no_words_of_mails(siege: Siege) -> None:
    lines = [line for told in siege.told for line in told.splitlines() if line.startswith("{")]
    assert len(lines) > 30
    for line in lines:
        assert json.loads(line)["event"]
        assert not STEERING.search(line)
        assert not any(word in line for word in ("Bonjour", "virement", "XX", "owned", "Re: "))


# --- secrets and connections -----------------------------------------------------------------------------------------


def test_passwords_are_nowhere_but_in_their_files(siege: Siege, tmp_path: Path) -> None:
    """Not in what commands say or log, wrong passwords included; not in the rows, the backup, the files it makes."""
    right = (siege.account.password, siege.sink.password)
    for name, wrong in (("password", "wrong-imap-hush"), ("sink-password", "wrong-smtp-hush")):
        before = (siege.folder / name).read_text(encoding="utf-8")
        (siege.folder / name).write_text(wrong, encoding="utf-8")
        siege("doctor", code=1)
        siege("run", "--once", code=1 if name == "password" else None)
        (siege.folder / name).write_text(before, encoding="utf-8")
    siege("doctor", "--json", code=None)
    siege("backup", str(tmp_path / "all.backup"))
    needles = (*right, "wrong-imap-hush", "wrong-smtp-hush")
    for said in (*siege.said, *siege.told):
        assert not [needle for needle in needles if needle in said]
    kept = {p: p.read_bytes() for p in siege.folder.rglob("*") if p.is_file() and not p.name.endswith("password")}
    kept[Path("rows")] = dumped(siege)
    unpacked = subprocess.run(["tar", "xzOf", str(tmp_path / "all.backup")], capture_output=True, check=True).stdout
    kept[Path("backup")] = unpacked
    for path, content in kept.items():
        assert not [needle for needle in needles if needle.encode() in content], path


def dumped(siege: Siege) -> bytes:
    if siege.database_url.startswith("sqlite"):
        with closing(sqlite3.connect(siege.folder / "relance.db")) as opened_file:
            return "\n".join(opened_file.iterdump()).encode()
    url = siege.database_url.replace("+psycopg", "")
    return subprocess.run(["pg_dump", f"--dbname={url}"], capture_output=True, check=True).stdout


def test_nobody_is_called_but_the_servers_that_are_configured(siege: Siege, browser: Browser) -> None:
    """Commands, cycles, the child that parses, and every page: no link, picture, entity or header is followed."""
    crawled(siege, browser)
    allowed = {("127.0.0.1", siege.account.port), ("127.0.0.1", siege.sink.port)}
    assert siege.called & allowed, "nothing was called at all: the hook does not see"
    others = {(host, port) for host, port in siege.called - allowed if not is_database(siege, host)}
    assert others == set()
    assert not [host for host in CALLERS.asked if "evil" in host or host.endswith(".test")]
    assert siege.canary.calls == 0


def is_database(siege: Siege, host: str) -> bool:
    return siege.database_url.startswith("postgresql") and host.startswith("/")


@contextmanager
def opened(siege: Siege) -> Iterator[Database]:
    """The company's database, for who looks behind the scene."""
    database = Database.open(siege.database_url, siege.folder, now())
    try:
        yield database
    finally:
        database.close()
