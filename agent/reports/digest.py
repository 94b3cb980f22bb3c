"""The weekly digest: who gets it, of which week, and the mail. Pure but for the templates that it is given.

It goes to the company's own people, never to a customer: everything for those whom the settings name, and for each
account manager, where that is set, what concerns their customers. The workbook with every table goes along.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

from jinja2 import Environment
from pydantic import TypeAdapter, ValidationError

from agent.reminders import mime
from agent.reports import asking, export, showing
from agent.reports.asking import Wish
from agent.reports.figures_ledger import Row
from agent.reports.tables import REPORTS, By, Table
from agent.reports.values import Books
from agent.reports.words import Tongue
from config import Settings
from config.fields import MailAddress

LATEST = 10
"""Customers in the list of those that are overdue the longest."""
_ADDRESS: TypeAdapter[str] = TypeAdapter(MailAddress)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TILES = (("dso", "dso_count_back"), ("overdue", "overdue"), ("overdue", "overdue_share"), ("overdue", "mean_delay"))
_STOCKS = ("aging", "dso", "overdue", "objectives")
_PARTS = (
    ("aging", ("currency", "not_due", "1_30", "31_60", "61_90", "over_90", "total")),
    ("promises", ("currency", "fallen_due", "kept", "broken", "kept_rate", "open")),
    ("disputes", ("currency", "reason", "opened", "amount", "open")),
    ("recovery", ("currency", "step", "reminders", "covered", "collected", "reply_rate")),
    ("mailbox", ("seen", "handled", "waiting", "automatic_share")),
    ("objectives", ("objective", "currency", "target", "result", "is_met")),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who gets it. ``owner``: the account manager whose customers it is about; None: all."""

    address: str
    owner: str | None

    def key(self, monday: date) -> str:
        """What its Message-ID is made from: one mail a week and reader."""
        return f"digest\n{monday.isoformat()}\n{self.owner or ''}\n{self.address.lower()}"


@dataclass(frozen=True, slots=True)
class Part:
    """A small table of the mail, in words."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def week_due(settings: Settings, now: datetime) -> date | None:
    """The Monday of the week to be told of, once this week's moment has come; None: it has not.

    A machine that was off on that day tells of it later in the week; a week that was missed whole is left out.
    """
    local = now.astimezone(settings.zone)
    this_monday = local.date() - timedelta(days=local.weekday())
    day = this_monday + timedelta(days=_WEEKDAYS.index(settings.reports.digest_day))
    moment = datetime.combine(day, settings.reminders.sending_hours.start, settings.zone)
    return this_monday - timedelta(days=7) if local >= moment else None


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def readers(settings: Settings, books: Books) -> list[Reader]:
    """Who gets it. An account manager that is no mail address (a name, initials) gets none."""
    found = [Reader(address, None) for address in settings.reports.digest_to]
    if settings.reports.digest_to_account_managers:
        owners = sorted({person.owner for person in books.customers.values() if person.owner})
        found += [Reader(owner, owner) for owner in owners if _is_address(owner)]
    return list(dict.fromkeys(found))


def _is_address(text: str) -> bool:
    try:
        _ADDRESS.validate_python(text)
    except ValidationError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whose mail it is: sender's name and address, the Message-ID, the moment in the company's zone."""

    company: str
    sender: str
    message_id: str
    date: datetime


def compose(
    books: Books, reader: Reader, monday: date, envelope: Envelope, words: Tongue, environment: Environment
) -> tuple[str, bytes]:
    """Subject and frozen bytes (CRLF line ends). ``environment``: `mail_environment`'s."""
    sunday = monday + timedelta(days=6)
    week = Wish(start=monday, end=sunday, owner=reader.owner)
    stocks = Wish(end=sunday, owner=reader.owner)
    tables = {t.name: t for t in asking.of_books(books, [n for n in REPORTS if n not in _STOCKS], week)}
    tables |= {t.name: t for t in asking.of_books(books, _STOCKS, stocks)}
    by_customer = asking.of_books(books, ["aging"], Wish(end=sunday, owner=reader.owner, by=By.CUSTOMER))[0]
    subject = words.say("digest.subject", monday=words.day(monday))
    said = {
        "subject": subject,
        "language": words.language,
        "scope": words.say("digest.scope_owner" if reader.owner else "digest.scope_all", company=envelope.company),
        "week": words.say("digest.week", sunday=words.day(sunday), monday=words.day(monday)),
        "attached": words.say("digest.attached"),
        "tiles": _tiles(tables, words),
        "parts": [*_parts(tables, words), _latest(by_customer, words)],
    }
    text = environment.get_template("reports/digest.txt.j2").render(said)
    html = environment.get_template("reports/digest.html.j2").render(said)
    titles = {name: words.say(f"figures.{name}") for name in REPORTS}
    columns = {c.name: words.say(f"figure_of.{c.name}") for table in tables.values() for c in table.columns}
    book = mime.File(f"figures-{sunday}.xlsx", _XLSX, export.to_xlsx(tables.values(), columns | titles))
    head = (
        mime.addresses("From", [(envelope.company, envelope.sender)])
        + mime.addresses("To", [("", reader.address)])
        + mime.header("Subject", subject)
        + mime.structured("Date", [format_datetime(envelope.date)])
        + mime.structured("Message-ID", [envelope.message_id])
        + mime.structured("Auto-Submitted", ["auto-generated"])
    )
    return subject, (head + mime.body(envelope.message_id, text, html, [book])).encode("ascii")


def _tiles(tables: dict[str, Table], words: Tongue) -> list[tuple[str, str]]:
    found = []
    for name, wanted in _TILES:
        column = next(c for c in tables[name].columns if c.name == wanted)
        for row in tables[name].rows:
            value = showing.cell(row, column, words)
            at_least = "> " if wanted == "dso_count_back" and row.get("is_at_least") else ""
            found.append((f"{showing.heading(column, words)} ({row['currency']})", at_least + value))
    return found


def _parts(tables: dict[str, Table], words: Tongue) -> Iterable[Part]:
    for name, columns in _PARTS:
        if tables[name].rows:
            yield _part(words.say(f"figures.{name}"), tables[name], columns, tables[name].rows, words)


def _part(title: str, table: Table, names: Iterable[str], rows: Iterable[Row], words: Tongue) -> Part:
    columns = [column for name in names for column in table.columns if column.name == name]
    return Part(
        title,
        tuple(showing.heading(column, words) for column in columns),
        tuple(tuple(showing.cell(row, column, words) for column in columns) for row in rows),
    )


def _latest(table: Table, words: Tongue) -> Part:
    """The customers with the oldest and largest debts, a currency at a time."""

    def lateness(row: Row) -> tuple[Decimal, ...]:
        return tuple(Decimal(str(row[name])) for name in ("over_90", "61_90", "31_60", "1_30"))

    late = [row for row in table.rows if Decimal(str(row["overdue"])) > 0]
    late.sort(key=lateness, reverse=True)
    names = ("name", "customer", "currency", "1_30", "31_60", "61_90", "over_90", "overdue")
    if not late:
        return Part(words.say("digest.latest"), ("",), ((words.say("digest.none"),),))
    return _part(words.say("digest.latest"), table, names, late[:LATEST], words)
