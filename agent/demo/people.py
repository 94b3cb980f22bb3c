"""What simulated customers do with a reminder: who answers what and when, who pays, and who lies.

A customer has a character, which is a row of moods: the first reminder meets the first mood, the next one the next.
Given the seed everything here is determined; the clock and the mails come in by argument, what comes out are acts that
lie ahead. What a person means goes along with its answer, for the report at the end; relance never sees it.
"""

import calendar
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.numbers import format_currency

from agent.demo import company
from agent.demo.company import Bill, Company, Customer
from agent.demo.wordings import Book, Wording, absences, filled, in_words
from config.calendars import add_working_days, is_working_day

ZONE = ZoneInfo(company.ZONE)
FORGER_IP = "127.66.99.1"
STRANGER = "reglements@paiements-express.example"
STRANGER_IP = "127.66.99.2"

CHARACTERS: Mapping[str, tuple[str, ...]] = {
    "prompt": ("pays_silently",),
    "silent": ("pays_silently",),
    "busy": ("ignores_it", "pays_silently"),
    "honest": ("says_paid",),
    "liar": ("says_paid_untruly", "pays_silently"),
    "reliable": ("promises", "says_paid"),
    "unreliable": ("promises_in_vain", "pays_silently"),
    "vague": ("promises_vaguely", "ignores_it"),
    "unhappy": ("disputes", "ignores_it"),
    "curious": ("asks", "ignores_it"),
    "formal": ("says_other", "ignores_it"),
    "two_minds": ("answers_twice", "says_paid"),
    "away": ("says_paid",),
    "gone": ("ignores_it",),
    "deaf": ("ignores_it",),
    "impersonated": ("ignores_it",),
    "abused": ("ignores_it",),
}
"""By character: the moods in which its reminders find it. ``away`` has an answering machine besides; ``gone`` is an
address that does not exist any more; in the name of ``impersonated`` somebody forges a mail; a stranger writes about
``abused``."""

_ROSTER = (
    "honest two_minds reliable unhappy away gone impersonated curious silent reliable unreliable liar abused formal "
    "unhappy honest vague two_minds reliable busy prompt honest curious silent unhappy deaf reliable honest away "
    "two_minds silent formal unreliable prompt curious liar honest reliable silent unhappy busy prompt"
).split()
"""Who lives in the demo, the most telling first, so that a small one has them too."""

_PAYS_IN_TIME = 0.15
"""How often somebody who is no model payer pays a bill at its term all the same."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder as it came to a customer, read like any mail."""

    customer: Customer
    message_id: str
    subject: str
    text: str
    received_at: datetime
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the writer means. ``per_invoice`` names the invoices that the text speaks of."""

    kind: str
    primary: str | None
    per_invoice: Mapping[str, str]
    promise_date: date | None
    is_forged: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A mail that somebody will send: the words, and from where it really comes."""

    at: datetime
    reminder: Reminder
    sender: str
    ip: str
    text: str
    signed: bool
    meaning: Meaning
    subject: str | None = None
    """Of an automatic answer; None: that of the reminder, as an answer to it."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that leaves a customer's account on a day."""

    on: date
    customer: Customer
    number: str


Act = Answer | Transfer


@dataclass(slots=True)
class _Person:
    customer: Customer
    character: str
    chance: random.Random
    reminders: int = 0
    paying: set[str] = field(default_factory=set)
    """Bills that are paid, or will be on a day that is settled."""
    back_on: date | None = None


class People:
    """All customers of the company. ``chance`` of each is its own, so that nobody's doings change another's."""

    def __init__(self, firm: Company, seed: int, first_day: date) -> None:
        roles = [_ROSTER[place % len(_ROSTER)] for place in range(len(firm.customers))]
        random.Random(f"roles:{seed}").shuffle(roles)  # noqa: S311 a story, no secret
        self._bills = {bill.number: bill for bill in firm.bills}
        self._book = Book(random.Random(f"book:{seed}"))  # noqa: S311
        self._people = {
            customer.id: _Person(customer, role, random.Random(f"{seed}:{customer.id}"))  # noqa: S311
            for customer, role in zip(firm.customers, roles, strict=True)
        }
        for payment in firm.paid_before:
            if payment.number is not None:
                self._people[payment.customer_id].paying.add(payment.number)
        self._first_day = first_day

    def character(self, customer_id: str) -> str:
        return self._people[customer_id].character

    def mailboxes(self) -> frozenset[str]:
        """The addresses that exist."""
        there = (person.customer.address for person in self._people.values() if person.character != "gone")
        return frozenset(there)

    def published(self) -> dict[str, str]:
        """By domain: the one address that its mails come from."""
        domains = {person.customer.domain: person.customer.ip for person in self._people.values()}
        return domains | {STRANGER.partition("@")[2]: STRANGER_IP}

    def unprompted(self) -> list[Transfer]:
        """What is paid at its term without anybody asking."""
        found: list[Transfer] = []
        for bill in self._bills.values():
            person = self._people[bill.customer_id]
            is_ahead = bill.due > self._first_day and bill.number not in person.paying
            pays = person.character == "prompt" or (
                person.character not in {"gone", "deaf"} and person.chance.random() < _PAYS_IN_TIME
            )
            if is_ahead and pays:
                found += self._pay(person, add_working_days(person.customer.country, bill.due, -1), [bill.number])
        return found

    def react(self, reminder: Reminder) -> list[Act]:
        """What a reminder sets going."""
        person = self._people[reminder.customer.id]
        moods = CHARACTERS[person.character]
        mood = moods[min(person.reminders, len(moods) - 1)]
        person.reminders += 1
        acts: list[Act] = []
        begins = reminder.received_at.date()
        if person.character == "away":
            if person.back_on is None:
                person.back_on = add_working_days(person.customer.country, begins, person.chance.randint(3, 6))
            if begins < person.back_on:
                acts.append(_machine(person, reminder))
                begins = person.back_on
        if person.reminders == 1 and person.character in {"impersonated", "abused"}:
            acts.append(self._forgery(person, reminder))
        return acts + self._live(person, mood, reminder, begins)

    def _live(self, person: _Person, mood: str, reminder: Reminder, begins: date) -> list[Act]:
        day = self._answer_day(person, begins, reminder.received_at)
        match mood:
            case "pays_silently":
                return list(self._pay(person, day, reminder.numbers))
            case "says_paid":
                return [
                    *self._pay(person, _workday_before(day, person), reminder.numbers),
                    self._say(person, reminder, day, "paid"),
                ]
            case "says_paid_untruly":
                return [self._say(person, reminder, day, "paid")]
            case "promises":
                promise = self._say(person, reminder, day, "promise", _TELLS_A_DAY)
                return [promise, *self._pay_as_promised(person, promise, reminder.numbers)]
            case "promises_in_vain":
                return [self._say(person, reminder, day, "promise", _TELLS_A_DAY)]
            case "promises_vaguely":
                return [self._say(person, reminder, day, "promise", frozenset({"none"}))]
            case "disputes" | "asks" | "says_other":
                intent = {"disputes": "dispute", "asks": "question", "says_other": "other"}[mood]
                return [self._say(person, reminder, day, intent)]
            case "answers_twice":
                return self._twice(person, reminder, day)
            case "ignores_it":
                return []
        raise ValueError(mood)

    def _twice(self, person: _Person, reminder: Reminder, day: date) -> list[Act]:
        """About two invoices in one mail; a reminder of only one is answered with a promise."""
        if len(reminder.numbers) < 2:
            person.reminders -= 1
            return self._live(person, "promises", reminder, reminder.received_at.date())
        answer = self._say(person, reminder, day, None, _TELLS_A_DAY)
        paid = [number for number, intent in answer.meaning.per_invoice.items() if intent == "paid"]
        promised = [number for number, intent in answer.meaning.per_invoice.items() if intent == "promise"]
        before = _workday_before(day, person)
        return [answer, *self._pay(person, before, paid), *self._pay_as_promised(person, answer, promised)]

    # --- money --------------------------------------------------------------------------------------------------------

    def _pay(self, person: _Person, on: date, numbers: Sequence[str]) -> list[Transfer]:
        open_ones = [number for number in numbers if number not in person.paying]
        person.paying.update(open_ones)
        return [Transfer(on, person.customer, number) for number in open_ones]

    def _pay_as_promised(self, person: _Person, answer: Answer, numbers: Sequence[str]) -> list[Transfer]:
        on = answer.meaning.promise_date
        return self._pay(person, on, numbers) if on is not None else []

    # --- words --------------------------------------------------------------------------------------------------------

    def _answer_day(self, person: _Person, begins: date, received_at: datetime) -> date:
        days = person.chance.choice((0, 1, 1, 2, 3))
        if days == 0 and begins == received_at.date() and is_working_day(person.customer.country, begins):
            return begins
        return add_working_days(person.customer.country, begins, max(1, days))

    def _say(
        self,
        person: _Person,
        reminder: Reminder,
        day: date,
        intent: str | None,
        when: frozenset[str] = frozenset(),
    ) -> Answer:
        at = _office_hour(person, day, reminder.received_at)
        if "month_end" in when and not 2 <= (_month_end(day) - day).days <= 12:
            when -= {"month_end"}
        wording = self._book.take(person.customer.language, intent, len(reminder.numbers), when)
        promised = _promised_day(wording, day, person)
        told = promised if promised is not None else _workday_before(day, person)
        return Answer(
            at=at,
            reminder=reminder,
            sender=person.customer.address,
            ip=person.customer.ip,
            text=self._filled(wording, reminder, told),
            signed=wording.signed,
            meaning=_meaning(wording, reminder, promised),
        )

    def _filled(self, wording: Wording, reminder: Reminder, told: date) -> str:
        numbers, language = reminder.numbers, wording.language
        total = sum((self._bills[number].amount for number in numbers if number in self._bills), Decimal(0))
        return filled(
            wording.text,
            number=numbers[0],
            other=numbers[1] if len(numbers) > 1 else "",
            amount=format_currency(total, company.CURRENCY, locale="en_GB" if language == "en" else language),
            date=in_words(told, wording.date_pattern, language),
        ).strip()

    def _forgery(self, person: _Person, reminder: Reminder) -> Answer:
        """A "paid" by somebody else, who has even seen the reminder's Message-ID."""
        day = add_working_days(person.customer.country, reminder.received_at.date(), 1)
        wording = self._book.take(person.customer.language, "paid", len(reminder.numbers))
        is_forged = person.character == "impersonated"
        return Answer(
            at=datetime.combine(day, time(11, 5), tzinfo=ZONE),
            reminder=reminder,
            sender=person.customer.address if is_forged else STRANGER,
            ip=FORGER_IP if is_forged else STRANGER_IP,
            text=self._filled(wording, reminder, _workday_before(day, person)),
            signed=wording.signed,
            meaning=Meaning("human", "paid", {}, None, is_forged=True),
        )


_TELLS_A_DAY = frozenset({"date", "friday", "month_end", "tomorrow", "today"})


def _machine(person: _Person, reminder: Reminder) -> Answer:
    """The answering machine, a minute after the mail came."""
    language = person.customer.language
    absence = person.chance.choice(absences(language))
    back = person.back_on or reminder.received_at.date()
    return Answer(
        at=reminder.received_at + timedelta(minutes=1),
        reminder=reminder,
        sender=person.customer.address,
        ip=person.customer.ip,
        text=filled(absence.text, date=in_words(back, absence.date_pattern, language)).strip(),
        signed=True,
        meaning=Meaning("auto_reply", None, {}, None),
        subject=filled(absence.subject, subject=reminder.subject),
    )


def _meaning(wording: Wording, reminder: Reminder, promised: date | None) -> Meaning:
    if len(wording.intents) == 1:
        (primary,) = wording.intents
        each = {} if primary == "other" else dict.fromkeys(reminder.numbers, primary)
        return Meaning("human", primary, each, promised)
    each = dict(zip(reminder.numbers, wording.intents, strict=False))
    return Meaning("human", None, each, promised)


def _promised_day(wording: Wording, day: date, person: _Person) -> date | None:
    match wording.when:
        case "date":
            return add_working_days(person.customer.country, day, person.chance.randint(2, 7))
        case "friday":
            return day + timedelta(days=(4 - day.weekday() - 1) % 7 + 1)
        case "month_end":
            return _month_end(day)
        case "tomorrow":
            return day + timedelta(days=1)
        case "today":
            return day
    return None


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _workday_before(day: date, person: _Person) -> date:
    return add_working_days(person.customer.country, day, -1)


def _office_hour(person: _Person, day: date, not_before: datetime) -> datetime:
    minutes = person.chance.randint(8 * 60 + 45, 17 * 60 + 30)
    at = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=ZONE)
    if at <= not_before:
        at = not_before + timedelta(minutes=person.chance.randint(20, 300))
    return at


def numbers_in(raw_text: str, known: Mapping[str, Bill]) -> tuple[str, ...]:
    """The company's invoice numbers that a text names, in the order of the text."""
    found = [(raw_text.find(number), number) for number in known if number in raw_text]
    return tuple(number for _, number in sorted(found))
