"""A year of five hundred customers over rows: what `simulate` says would go out, held against the facts as they were
written, by a count of its own. Each guard is then switched off in turn, and the count must see it.

Six countries and time zones, two currencies, credits, promises, disputes, holds, claims of payment, insolvencies,
direct debits, customers whom the queue holds or who want no mails, no Mondays, one mail a customer and day.
"""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.reminders import decide, loading, plan, rules, schedule
from agent.reminders.simulate import Simulated
from agent.review.queue import open_exception
from config import Settings
from config.calendars import add_working_days, is_working_day
from config.plans import Channel, Plan, load_plans
from models import Database, Promise
from models.invoice import InvoiceKind
from models.reasons import ExceptionReason
from models.states import InvoiceState
from tests.builders import ledger

PLACES = [
    ("FR", "Europe/Paris"), ("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("US", "America/New_York"),
    ("ES", "Europe/Madrid"), ("JP", "Asia/Tokyo"),
]  # fmt: skip
SEGMENTS = [None, None, "loyal", "new", "public", "pre_due"]
NEVER = date.max
FIRST, LAST = date(2026, 9, 2), date(2027, 9, 1)
ANSWERED = {
    "promised": InvoiceState.PROMISED, "disputed": InvoiceState.DISPUTED, "reported": InvoiceState.PAYMENT_REPORTED,
    "paid": InvoiceState.PAID,
}  # fmt: skip


@dataclass
class Owed:
    """One invoice, as the test wrote it down."""

    owner: str
    due: date
    balance: Decimal
    currency: str
    not_before: date
    """The first day on which anybody may be reminded of it."""


@dataclass
class World:
    settings: Settings
    database: Database
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    segments: dict[str, str | None] = field(default_factory=dict)
    owed: dict[str, Owed] = field(default_factory=dict)
    credits: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    unmailed: set[str] = field(default_factory=set)


def build(root: Path, customers: int, seed: int) -> World:
    root.mkdir(exist_ok=True)
    chance = random.Random(seed)
    reminders = {"quiet_days": ["monday"], "per_customer_per_day": 1}
    settings = ledger.settings(root, policy={"mode": "automatic"}, reminders=reminders)
    database = Database.open(f"sqlite:///{root / 'year.db'}", root, ledger.NOW)
    world = World(settings, database)
    with database.write() as session:
        for number in range(customers):
            _customer(session, world, f"C{number}", number % 25, chance)
    ledger.load(database, settings, "payments", ledger.csv("id,date,amount,customer_id"))
    return world


def _customer(session: Any, world: World, name: str, fate: int, chance: random.Random) -> None:
    country, zone = chance.choice(PLACES)
    segment = chance.choice(SEGMENTS)
    columns: dict[str, Any] = {"country": country, "timezone": zone, "segment": segment}
    free_on = FIRST
    if fate == 0:
        columns["insolvent_since"], free_on = date(2026, 8, 1), NEVER
    elif fate == 1:
        columns["payment_method"], free_on = "SEPA direct debit", NEVER
    elif fate in (2, 3):
        columns["no_mail_since"] = date(2026, 8, 1)
        world.unmailed.add(name)
    owner = ledger.customer(session, name, **columns)
    if fate == 4:
        until = FIRST + timedelta(days=chance.randrange(200))
        ledger.hold(session, owner, until=until)
        free_on = until + timedelta(days=1)
    elif fate == 5:
        due_at = ledger.NOW
        open_exception(
            session, key=f"test:{name}", reason=ExceptionReason.QUESTION, detail="asks", at=due_at, due_at=due_at,
            customer_id=name,
        )  # fmt: skip
        free_on = NEVER
    world.places[name], world.segments[name] = (country, zone), segment
    for index in range(chance.randrange(1, 5)):
        _invoice(session, world, owner, f"{name}-{index}", free_on, chance)
    if chance.random() < 0.15:
        amount = -Decimal(chance.randrange(1, 3000)).scaleb(-2)
        ledger.invoice(session, owner, f"{name}-AV", amount=amount, kind=InvoiceKind.CREDIT_NOTE, due_date=FIRST)
        world.credits[name, "EUR"] += amount


def _invoice(session: Any, world: World, owner: Any, number: str, free_on: date, chance: random.Random) -> None:
    due = FIRST + timedelta(days=chance.randrange(-60, 300))
    balance = Decimal(chance.randrange(4000, 500000)).scaleb(-2)
    currency = chance.choice(["EUR", "EUR", "EUR", "USD"])
    fate = chance.choice(["open", "open", "open", "open", "open", "held", *ANSWERED])
    left = Decimal(0) if fate == "paid" else balance
    row = ledger.invoice(
        session, owner, number, amount=balance, balance=left, currency=currency, due_date=due,
        issue_date=due - timedelta(days=30), state=ANSWERED.get(fate, InvoiceState.OPEN),
    )  # fmt: skip
    if fate == "promised":
        day = FIRST + timedelta(days=chance.randrange(200))
        session.add(Promise(invoice_id=row.id, date=day, balance_then=balance, made_at=ledger.NOW, made_by="Anna"))
        grace = world.settings.policy.promise_grace_days
        free_on = max(free_on, add_working_days("FR", day, grace))
    elif fate == "held":
        until = FIRST + timedelta(days=chance.randrange(200))
        ledger.hold(session, owner, row, until=until)
        free_on = max(free_on, until + timedelta(days=1))
    elif fate != "open":
        free_on = NEVER
    world.owed[number] = Owed(owner.id, due, balance, currency, free_on)


class Broken(AssertionError):
    """A rule that never bends was bent."""


def must(holds: bool, rule: str, told: object) -> None:
    if not holds:
        raise Broken(f"{rule}: {told}")


def check(world: World, found: Iterable[Simulated], plans: dict[str, Plan]) -> tuple[int, int]:
    """Hold all that would go out against the facts; how many mails and steps there were."""
    last_word: dict[tuple[str, str], date] = {}
    on_day: dict[tuple[str, date], int] = defaultdict(int)
    reached: dict[str, list[str]] = defaultdict(list)
    mails = 0
    for one in found:
        planned = one.planned
        customer, currency, is_mail = planned.customer.id, planned.currency, planned.step.channel is Channel.MAIL
        mine = plans[planned.plan]
        country, zone = world.places[customer]
        local = one.at.astimezone(ZoneInfo(zone))
        day, told = local.date(), f"{customer} {planned.step.name} {local}"
        begin, end = world.settings.reminders.sending_hours.start, world.settings.reminders.sending_hours.end
        must(is_working_day(country, day) and begin <= local.time() < end, "outside of working hours", told)
        key, original = (customer, currency), mine.step(planned.step.name)
        stands_in = original.channel is Channel.MAIL and not is_mail
        must(stands_in == (original.channel is Channel.MAIL and customer in world.unmailed), "wants no mails", told)
        since = (day - last_word[key]).days if key in last_word else 999
        if original.channel is Channel.MAIL:
            must(since >= mine.gap_days, "within the gap", told)
        if is_mail:
            mails += 1
            on_day[customer, day] += 1
            must(local.weekday() != 0, "on a Monday", told)
            must(on_day[customer, day] <= 1, "more than one a day", told)
        if is_mail or stands_in or (customer in world.unmailed and original.channel is Channel.CALL):
            last_word[key] = day
        _check_lines(world, planned, mine, day, reached)
    _check_that_nothing_is_lost(world, reached, plans)
    return mails, sum(len(steps) for steps in reached.values())


def _check_lines(world: World, planned: Any, mine: Plan, day: date, reached: dict[str, list[str]]) -> None:
    total = Decimal(0)
    for line in planned.lines:
        number = line.invoice.number
        facts = world.owed[number]
        must(facts.owner == planned.customer.id and facts.currency == planned.currency, "somebody else's", number)
        must(day >= facts.not_before, "chased", f"{number} on {day}, free from {facts.not_before} on")
        step = mine.step(line.step)
        must(schedule.step_day(facts.due, step) <= day, "before its day", f"{number} {step.name} {day}")
        must(step.name not in reached[number], "doubled", f"{number} {step.name}")
        # A step before the due date lapses on it; of the others none is passed over.
        to_do = [s.name for s in mine.steps if s.name not in reached[number] and (s.day >= 0 or day < facts.due)]
        must(to_do[0] == step.name, "skipped", f"{number} {step.name} before {to_do[0]}")
        reached[number].append(step.name)
        total += facts.balance
    must(planned.total == total, "total", f"{planned.total} is not {total}")
    to_pay = total - _credits_of(world, planned, day)
    must(planned.to_pay == to_pay > 0, "total", f"{planned.to_pay} is not {to_pay}")


def _credits_of(world: World, planned: Any, day: date) -> Decimal:
    """What of the customer's credits falls to the lines of this reminder: the oldest invoice has them first."""
    left, mine = -world.credits[planned.customer.id, planned.currency], Decimal(0)
    listed = {line.invoice.number for line in planned.lines}
    for number, facts in sorted(world.owed.items(), key=lambda item: (item[1].due, item[0])):
        if (facts.owner, facts.currency) != (planned.customer.id, planned.currency) or facts.balance <= 0:
            continue
        if number in listed or (facts.due < day and facts.not_before <= day):
            share = min(left, facts.balance)
            left, mine = left - share, mine + (share if number in listed else 0)
    return mine


def _check_that_nothing_is_lost(world: World, reached: dict[str, list[str]], plans: dict[str, Plan]) -> None:
    """Whatever could go through its whole plan in this year did."""
    for number, facts in world.owed.items():
        begun = max(facts.due, facts.not_before, FIRST)
        if facts.not_before == NEVER or begun > LAST - timedelta(days=150):
            continue
        if facts.balance + world.credits[facts.owner, facts.currency] <= 0:
            continue
        name = {"loyal": "gentle", "new": "firm", "public": "public_sector"}.get(world.segments[facts.owner] or "")
        mine = plans[name or world.segments[facts.owner] or "standard"]
        wanted = [step.name for step in mine.steps if step.day >= 0]
        must([s for s in reached[number] if s in wanted] == wanted, "lost", f"{number} reached {reached[number]}")


def run(world: World) -> tuple[int, int]:
    found = plan.foresee(world.database, world.settings, FIRST, LAST, ledger.NOW)
    return check(world, found, dict(load_plans(world.settings)))


def test_a_year_of_five_hundred_customers_keeps_every_rule(tmp_path: Path) -> None:
    world = build(tmp_path / "year", 500, seed=3)
    mails, steps = run(world)
    assert mails > 1000
    assert steps > 2 * mails
    world.database.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterable[World]:
    world = build(tmp_path_factory.mktemp("year") / "small", 120, seed=5)
    yield world
    world.database.close()


def _latest_step(invoice: Any, plan_of: Plan, today: date) -> Any:
    """What schedulers by date do: the step of today, whatever was passed over."""
    due = [s for s in plan_of.steps if schedule.step_day(invoice.due_date, s) <= today]
    left = [s for s in due if s.name not in invoice.steps_done]
    return left[-1] if left else next((s for s in plan_of.steps if s not in due), None)


def _without(rules_of: Any, *gone: str) -> Any:
    return tuple(rule for rule in rules_of if rule[0].value not in gone)


_due_at, _load, _hindered = schedule.due_at, loading.plan_settings, rules.invoice_hindrance


def _no_gap(step: Any, due: date, customer: Any, currency: str, *rest: Any) -> Any:
    return _due_at(step, due, replace(customer, last_mail_at={}), currency, *rest)


def _blind_to(*states: InvoiceState) -> Any:
    def hindered(invoice: Any, customer: Any) -> Any:
        open_one = replace(invoice, state=InvoiceState.OPEN) if invoice.state in states else invoice
        return _hindered(open_one, customer)

    return hindered


GUARDS_OFF: dict[str, tuple[str, str, Any]] = {
    "within the gap": ("schedule", "due_at", _no_gap),
    "on a Monday": ("loading", "plan_settings", lambda s: replace(_load(s), quiet_days=frozenset())),
    "more than one a day": ("loading", "plan_settings", lambda s: replace(_load(s), per_customer_per_day=9)),
    "skipped": ("decide", "next_step", _latest_step),
    "doubled": ("decide", "next_step", lambda _i, plan_of, _t: next(s for s in plan_of.steps if s.day >= 0)),
    "total": ("decide", "_credits_off", lambda *_: ()),
    "chased promised": ("decide", "invoice_hindrance", _blind_to(InvoiceState.PROMISED)),
    "chased disputed": ("decide", "invoice_hindrance", _blind_to(InvoiceState.DISPUTED)),
    "chased reported": ("decide", "invoice_hindrance", _blind_to(InvoiceState.PAYMENT_REPORTED)),
    "chased held": ("decide", "invoice_hindrance", lambda i, c: _hindered(replace(i, held=None), c)),
    "chased debit": ("decide", "invoice_hindrance", lambda i, c: _hindered(i, replace(c, pays_by_debit=False))),
    "chased insolvent": ("decide", "CUSTOMER_RULES", _without(rules.CUSTOMER_RULES, "insolvent")),
    "chased customer held": ("decide", "CUSTOMER_RULES", _without(rules.CUSTOMER_RULES, "customer_held")),
    "chased queue": ("decide", "CUSTOMER_RULES", _without(rules.CUSTOMER_RULES, "exception_open")),
    "wants no mails": ("decide", "_by_phone", lambda step, _: step),
    "outside of working hours": ("schedule", "next_sending_time", lambda moment, *_: moment),
}


def test_the_small_year_keeps_every_rule_with_its_guards_on(small: World) -> None:
    mails, _ = run(small)
    assert mails > 200


@pytest.mark.parametrize("rule", GUARDS_OFF)
def test_with_its_guard_off_each_rule_is_seen_broken(rule: str, small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, instead = GUARDS_OFF[rule]
    monkeypatch.setattr({"decide": decide, "schedule": schedule, "loading": loading}[module], name, instead)
    if rule == "outside of working hours":
        monkeypatch.setattr("agent.reminders.simulate.is_working_day", lambda *_: True)
    if name == "next_step":
        monkeypatch.setattr("agent.reminders.simulate.next_step", instead)
    with pytest.raises(Broken, match=rule.split(" ", maxsplit=1)[0] if rule.startswith("chased") else rule):
        run(small)
