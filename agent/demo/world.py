"""Thirty days of a company and its customers, with relance at work: who acts when, by the simulated clock.

    07:00  the bank's statement is imported (working days)
    09:40  a full cycle of relance: mail in to its end, then mail out
           reminders reach the customers, who think of what to do; answering machines answer at once
           people write, each at a time of its own
    16:10  another full cycle; what is written later is read the next morning

At weekends there is one cycle in the morning and nothing else. Every mail goes through the servers of
`agent.demo.mailserver`; relance's part is `run_import` and `cycle.run`, the code of `relance import` and
`relance run`.
"""

import heapq
import itertools
import smtplib
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from agent import cycle
from agent.demo import company, letters
from agent.demo.border import Border, domain_of
from agent.demo.company import Company, Customer, Payment, Servers
from agent.demo.mailserver import HOST, Account, DemoMail, Outside, Post
from agent.demo.people import Answer, Meaning, People, Reminder, Transfer, numbers_in
from agent.demo.story import Board, Happening, Story
from agent.drains import Drains
from agent.ledger.importing import run_import
from agent.ledger.values import Kind, Order
from config import Settings, load
from config.calendars import add_working_days, is_working_day
from config.errors import RelanceError
from models import Database

ZONE = ZoneInfo(company.ZONE)
STATEMENT_AT, MORNING, AFTERNOON = time(7), time(9, 40), time(16, 10)
PASSWORD = "only-for-the-demo"  # noqa: S105 of a server that lives for a minute on loopback
BY = "demo"
BANKING_DAYS = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What the demo is asked for."""

    folder: Path
    last_day: date
    seed: int = 1
    days: int = 30
    customers: int = 40

    @property
    def first_day(self) -> date:
        return self.last_day - timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of a day, as it may be shown."""

    at: datetime
    number: int
    """Of the day, from 1."""
    progress: float
    """From 0 to 1, of all days."""
    happenings: tuple[Happening, ...]
    board: Board


@dataclass(slots=True)
class Record:
    """What really happened outside of relance: what the verdict is found by."""

    posts: list[Post] = field(default_factory=list)
    """Every mail that reached a customer."""
    meanings: dict[str, Meaning] = field(default_factory=dict)
    """By Message-ID: what the writer of an answer means."""
    paid_at: dict[str, datetime] = field(default_factory=dict)
    """By invoice number: when relance was told of the money."""
    written: int = 0
    """Mails that people and machines sent to the company."""


class World:
    """The company, its customers and their servers; a context manager. `play` lets the days pass."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.firm: Company = company.found(company.everybody()[: wish.customers], wish.seed, wish.first_day, wish.days)
        self.people = People(self.firm, wish.seed, wish.first_day)
        self.record = Record()
        self._customers: Mapping[str, Customer] = {customer.address: customer for customer in self.firm.customers}
        self._bills = {bill.number: bill for bill in self.firm.bills}
        self._now = datetime.combine(wish.first_day, STATEMENT_AT, tzinfo=ZONE)
        self.began = self._now
        self._answers: list[tuple[datetime, int, Answer]] = []
        self._order = itertools.count()
        self._transfers: list[Transfer] = self.people.unprompted()
        self._statement: list[Payment] = list(self.firm.paid_before)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        outside = Outside(self.people.published(), self.people.mailboxes())
        mail = DemoMail(
            Account(company.ADDRESS, PASSWORD), Border(company.DOMAIN, company.BORDER_HOST), outside, self._clock
        )
        with ExitStack() as stack:
            self.mail = stack.enter_context(mail)
            servers = Servers(mail.imap_port, mail.submission_port, PASSWORD)
            self.settings: Settings = load(company.write_folder(self.wish.folder, self.firm, servers))
            self.database = Database.open(self.settings.database.url, self.settings.root, self._now)
            stack.callback(self.database.close)
            self._drains = Drains(self.database, self.settings, clock=_wall_clock, worker=BY, stop=threading.Event())
            stack.callback(self._drains.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _clock(self) -> datetime:
        return self._now

    def play(self) -> Iterator[Scene]:
        """Let the days pass, one part after the other."""
        self._import(Kind.CUSTOMERS, "customers.csv")
        self._import(Kind.INVOICES, "invoices.csv")
        self._import_statement()
        story = Story(self.database, self.began)
        for number in range(1, self.wish.days + 1):
            day = self.wish.first_day + timedelta(days=number - 1)
            parts = (MORNING, AFTERNOON) if is_working_day(company.COUNTRY, day) else (MORNING,)
            for place, part in enumerate(parts):
                at = datetime.combine(day, part, tzinfo=ZONE)
                if part is MORNING and len(parts) == 2:
                    self._bank(day)
                self._write_until(at)
                self._cycle()
                self._let_them_read()
                progress = (number - 1 + (place + 1) / len(parts)) / self.wish.days
                yield Scene(at, number, progress, tuple(story.go_on()), story.board())

    # --- the company --------------------------------------------------------------------------------------------------

    def _bank(self, day: date) -> None:
        """A transfer is on the statement of the second working morning."""
        self._write_until(datetime.combine(day, STATEMENT_AT, tzinfo=ZONE))
        there = [add_working_days(company.COUNTRY, transfer.on, BANKING_DAYS) <= day for transfer in self._transfers]
        arrived = [transfer for transfer, is_there in zip(self._transfers, there, strict=True) if is_there]
        self._transfers = [transfer for transfer, is_there in zip(self._transfers, there, strict=True) if not is_there]
        for transfer in arrived:
            bill = self._bills[transfer.number]
            number = len(self._statement) + 1
            # Every fourth transfer names no invoice: its amount alone tells what it is for.
            named = bill.number if number % 4 else None
            self._statement.append(Payment(f"B{number:05}", transfer.on, bill.amount, bill.customer_id, named))
            self.record.paid_at[bill.number] = self._now
        self._import_statement()

    def _import_statement(self) -> None:
        company.write_statement(self.wish.folder / "payments.csv", self._statement)
        self._import(Kind.PAYMENTS, "payments.csv")

    def _import(self, kind: Kind, name: str) -> None:
        file = self.wish.folder / name
        order = Order(kind=kind, raw=file.read_bytes(), folder=file.parent, as_of=self._now, actor=BY)
        result = run_import(self.database, self.settings, order, self._now)
        if result.refused or result.stops:
            told = [error.message for error in result.skipped] + [stop.detail for stop in result.stops]
            raise RelanceError(f"{file} was refused: {'; '.join(told[:3])}")

    def _cycle(self) -> None:
        done = cycle.run(self._drains, self._now.astimezone(UTC))
        if done.failures:
            failure = done.failures[0]
            raise RelanceError(f"{failure.loop}: {failure.error}", "The log in the demo's folder tells more.")

    # --- its customers ------------------------------------------------------------------------------------------------

    def _let_them_read(self) -> None:
        """Customers find what has come, and think of what to do; what a machine does is done at once."""
        for post in self.mail.received():
            self.record.posts.append(post)
            reminder = self._opened(post)
            for act in self.people.react(reminder):
                if isinstance(act, Transfer):
                    self._transfers.append(act)
                else:
                    heapq.heappush(self._answers, (act.at, next(self._order), act))

    def _opened(self, post: Post) -> Reminder:
        mail = message_from_bytes(post.raw, policy=default)
        body = mail.get_body(("plain",))
        text = str(body.get_content()) if body is not None else ""
        return Reminder(
            customer=self._customers[post.recipient],
            message_id=str(mail["Message-ID"]),
            subject=str(mail["Subject"]),
            text=text,
            received_at=post.at,
            numbers=numbers_in(text, self._bills),
        )

    def _write_until(self, moment: datetime) -> None:
        """Everybody who had something to write by then has written it."""
        while self._answers and self._answers[0][0] <= moment:
            at, _, answer = heapq.heappop(self._answers)
            self._now = max(self._now, at)
            self._send(answer)
        self._now = moment

    def _send(self, answer: Answer) -> None:
        """Hand a mail over to the company's border, from where the writer's mails really come."""
        self.record.meanings[letters.message_id(answer)] = answer.meaning
        self.record.written += 1
        host = f"mail.{domain_of(answer.sender)}"
        try:
            with smtplib.SMTP(
                HOST, self.mail.border_port, local_hostname=host, timeout=30, source_address=(answer.ip, 0)
            ) as smtp:
                smtp.sendmail(answer.sender, [company.ADDRESS], letters.written(answer))
        except OSError as error:
            raise RelanceError(
                f"the demo's own mail server could not be reached from {answer.ip}: {error}",
                "The demo needs the whole of 127.0.0.0/8 on the loopback interface, as Linux has it.",
            ) from error


def _wall_clock() -> datetime:
    return datetime.now(UTC)
