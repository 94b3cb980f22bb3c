"""A year of planning over random lives of customers: payments, holds, promises, disputes, downtime, holidays.

Hypothesis drives one customer at a time through its rules in any order; a seeded year runs over many of them at once.
What must hold is asked after every mail: no step skipped or doubled, none outside hours, none to one who paid,
promised, disputes or is held, none within the gap.
"""

import random
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from agent.reminders import plan as planning
from agent.reminders import schedule
from agent.reminders.decide import plan_customer
from agent.reminders.simulate import carried_out, simulate
from agent.reminders.values import CustomerView, PlannedReminder
from config.calendars import is_working_day
from config.plans import Channel, Plan
from models import Database, Delivery, Reminder
from models.states import InvoiceState
from tests.builders import ledger as rows
from tests.builders.reminders import STANDARD, at, customer, invoice, ledger, plan_settings

PLACES = [
    ("FR", "Europe/Paris"), ("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("US", "America/New_York"),
    ("ES", "Europe/Madrid"), ("SA", "Asia/Riyadh"),
]  # fmt: skip
CHASED = {InvoiceState.OPEN, InvoiceState.REMINDED, InvoiceState.BROKEN}


ANSWERS = [
    InvoiceState.PROMISED, InvoiceState.DISPUTED, InvoiceState.PAYMENT_REPORTED, InvoiceState.REMINDED,
    InvoiceState.BROKEN,
]  # fmt: skip


class Life:
    """One customer through time: what happens to it, and what the planner makes of it, checked at once."""

    def __init__(self, view: CustomerView, plan: Plan = STANDARD) -> None:
        self.view = view
        self.plan = plan
        self.settings = plan_settings(plans={plan.name: plan}, default_plan=plan.name, quiet_days=frozenset({0}))
        self.mails: list[datetime] = []
        self.steps: dict[str, list[str]] = {i.number: [] for i in view.invoices}

    def change(self, at_index: int, **changes: object) -> None:
        index = at_index % len(self.view.invoices)
        invoices = list(self.view.invoices)
        invoices[index] = replace(invoices[index], **changes)  # type: ignore[arg-type]  # columns of the view
        self.view = replace(self.view, invoices=tuple(invoices))

    def work(self, moment: datetime) -> None:
        """One run of the planner; what it names is carried out."""
        view = replace(self.view, mails_today=sum(m.date() == moment.date() for m in self.mails))
        for planned in plan_customer(view, ledger(), self.settings, moment).reminders:
            self.check(planned, moment)
            self.view = carried_out(self.view, planned, moment)

    def check(self, planned: PlannedReminder, moment: datetime) -> None:
        known = {i.number: i for i in self.view.invoices}
        local = moment.astimezone(ZoneInfo(self.view.timezone))
        assert is_working_day(self.view.country, local.date())
        assert self.settings.sending_hours[0] <= local.time() < self.settings.sending_hours[1]
        names = [step.name for step in self.plan.steps]
        for line in planned.lines:
            now = known[line.invoice.number]
            assert now.balance > 0
            assert now.state in CHASED
            assert now.held is None
            done = self.steps[now.number]
            assert line.step not in done, "doubled"
            assert names.index(line.step) == len(done), "skipped"
            assert schedule.step_day(now.due_date, self.plan.step(line.step)) <= local.date()
            done.append(line.step)
        assert self.view.held is None
        assert planned.total == sum(known[x.invoice.number].balance for x in planned.lines)
        if planned.step.channel is Channel.MAIL:
            assert local.weekday() != 0
            if self.mails:
                last = self.mails[-1].astimezone(local.tzinfo).date()
                assert (local.date() - last).days >= self.plan.gap_days
            self.mails.append(moment)


class AnyLife(RuleBasedStateMachine):
    """Whatever happens, in whatever order."""

    life: Life
    moment: datetime

    @initialize(place=st.sampled_from(PLACES), dues=st.lists(st.integers(0, 60), min_size=1, max_size=4))
    def born(self, place: tuple[str, str], dues: list[int]) -> None:
        invoices = [
            invoice(id=n, number=f"FA-{n}", due_date=date(2026, 1, 5) + timedelta(days=due))
            for n, due in enumerate(dues, start=1)
        ]
        self.life = Life(customer(*invoices, country=place[0], timezone=place[1]))
        self.moment = at("2026-01-05", "08:00")

    @rule(hours=st.integers(1, 30))
    def the_daemon_runs(self, hours: int) -> None:
        self.moment += timedelta(hours=hours)
        self.life.work(self.moment)

    @rule(days=st.integers(2, 45))
    def the_daemon_is_down(self, days: int) -> None:
        self.moment += timedelta(days=days)
        self.life.work(self.moment)

    @rule(which=st.integers(0, 3), part=st.sampled_from(["0", "10.00", "60.00"]))
    def money_comes(self, which: int, part: str) -> None:
        self.life.change(which, balance=Decimal(part))

    @rule(which=st.integers(0, 3), state=st.sampled_from(ANSWERS))
    def an_answer_comes(self, which: int, state: InvoiceState) -> None:
        self.life.change(which, state=state, promised_for=date(2026, 6, 1))

    @rule(which=st.integers(0, 3), held=st.sampled_from([None, "held by Anna"]))
    def a_person_holds_or_releases(self, which: int, held: str | None) -> None:
        self.life.change(which, held=held)

    @rule(held=st.sampled_from([None, "held by Anna"]))
    def the_customer_is_held_or_released(self, held: str | None) -> None:
        self.life.view = replace(self.life.view, held=held)

    @precondition(lambda self: bool(self.life.mails))
    @rule()
    def it_runs_twice_at_once(self) -> None:
        before = len(self.life.mails)
        self.life.work(self.moment)
        self.life.work(self.moment)
        assert len(self.life.mails) <= before + 1


AnyLife.TestCase.settings = hypothesis_settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyLife = AnyLife.TestCase


def live_a_year(seed: int, customers: int) -> tuple[int, int]:
    """A year over so many customers; how many mails left and steps were reached."""
    chance = random.Random(seed)
    lives = []
    for number in range(customers):
        country, zone = chance.choice(PLACES)
        invoices = [
            invoice(
                id=n, number=f"C{number}-{n}", due_date=date(2026, 1, 1) + timedelta(days=chance.randrange(330)),
                balance=Decimal(chance.randrange(1, 500000)).scaleb(-2),
            )
            for n in range(chance.randrange(1, 9))
        ]  # fmt: skip
        lives.append(Life(customer(*invoices, id=f"C{number}", country=country, timezone=zone)))
    moment = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    end = datetime(2027, 1, 1, tzinfo=UTC)
    while moment < end:
        # Every few hours a run; now and then the daemon is down for days.
        moment += timedelta(days=chance.randrange(2, 20)) if chance.random() < 0.01 else timedelta(hours=5, minutes=7)
        for life in lives:
            happening = chance.random()
            which = chance.randrange(9)
            if happening < 0.004:
                life.change(which, balance=Decimal(0))
            elif happening < 0.007:
                state = chance.choice([InvoiceState.PROMISED, InvoiceState.DISPUTED, InvoiceState.PAYMENT_REPORTED])
                life.change(which, state=state)
            elif happening < 0.011:
                life.change(which, state=InvoiceState.REMINDED)
            elif happening < 0.013:
                life.view = replace(life.view, held=chance.choice([None, "held"]))
            life.work(moment)
    return sum(len(life.mails) for life in lives), sum(len(s) for life in lives for s in life.steps.values())


def test_a_year_over_twenty_customers_keeps_every_rule() -> None:
    mails, steps = live_a_year(seed=1, customers=20)
    assert mails > 50
    assert steps > mails


# --- `simulate` -----------------------------------------------------------------------------------------------------


def days(view: CustomerView, first: str, last: str) -> list[tuple[str, str]]:
    found = simulate(
        view, ledger(), plan_settings(), date.fromisoformat(first), date.fromisoformat(last), lambda one, _: one
    )
    return [(one.at.date().isoformat(), one.planned.step.name) for one in found]


def test_simulated_is_what_the_plan_says_on_the_customers_working_days() -> None:
    assert days(customer(), "2026-03-01", "2026-05-31") == [
        ("2026-03-05", "friendly_reminder"),
        ("2026-03-12", "firm_reminder"),
        ("2026-03-17", "call"),
        ("2026-03-24", "last_reminder"),
        ("2026-03-30", "formal_notice"),
        ("2026-04-01", "hand_over"),
    ]


def test_a_simulation_that_begins_late_catches_up_without_a_burst() -> None:
    assert days(customer(), "2026-06-01", "2026-06-30") == [
        ("2026-06-01", "friendly_reminder"),
        ("2026-06-08", "firm_reminder"),
        ("2026-06-09", "call"),
        ("2026-06-15", "last_reminder"),
        ("2026-06-16", "formal_notice"),
        ("2026-06-17", "hand_over"),
    ]


def test_a_day_is_planned_at_each_customers_own_opening(tmp_path: Path) -> None:
    given = rows.settings(tmp_path, policy={"mode": "automatic"})
    database = Database.open(f"sqlite:///{tmp_path / 'day.db'}", tmp_path, rows.NOW)
    day = date(2026, 9, 4)
    with database.write() as session:
        for country, zone in (("FR", "Europe/Paris"), ("US", "America/New_York"), ("JP", "Asia/Tokyo")):
            owner = rows.customer(session, country, country=country, timezone=zone)
            rows.invoice(session, owner, f"FA-{country}", due_date=date(2026, 9, 1))
    rows.load(database, given, "payments", rows.csv("id,date,amount,customer_id"))
    found = planning.preview_day(database, given, day, rows.NOW)
    assert {planned.customer.id for one in found for planned in one.reminders} == {"FR", "US", "JP"}
    weekend = planning.preview_day(database, given, day + timedelta(days=1), rows.NOW)
    assert {left.reason.value for one in weekend for left in one.left_out} == {"outside_hours"}
    database.close()


def test_a_simulation_writes_nothing_and_sees_holds_end(database_url: str, tmp_path: Path) -> None:
    given = rows.settings(tmp_path, policy={"mode": "automatic"})
    database = Database.open(database_url, tmp_path, rows.NOW)
    with database.write() as session:
        owner = rows.customer(session, "C1")
        rows.invoice(session, owner, "FA-1", due_date=date(2026, 9, 1))
        held = rows.invoice(session, owner, "FA-2", due_date=date(2026, 9, 1), currency="USD")
        rows.hold(session, owner, held, until=date(2026, 9, 20))
    rows.load(database, given, "payments", rows.csv("id,date,amount,customer_id"))
    found = planning.foresee(database, given, date(2026, 9, 1), date(2026, 10, 1), rows.NOW)
    told = [(one.at.date().isoformat(), one.planned.currency, one.planned.step.name) for one in found]
    assert told == [
        ("2026-09-04", "EUR", "friendly_reminder"),
        ("2026-09-11", "EUR", "firm_reminder"),
        ("2026-09-16", "EUR", "call"),
        ("2026-09-21", "USD", "friendly_reminder"),
        ("2026-09-23", "EUR", "last_reminder"),
        ("2026-09-28", "USD", "firm_reminder"),
        ("2026-09-29", "EUR", "formal_notice"),
        ("2026-09-29", "USD", "call"),  # on its own day, though the mail went late
        ("2026-10-01", "EUR", "hand_over"),
    ]
    with database.read() as session:
        assert (session.query(Reminder).count(), session.query(Delivery).count()) == (0, 0)
    database.close()


def main() -> None:
    """The year over as many customers as named on the command line: `python -m tests.agent.reminders.test_year 500`."""
    count = int(sys.argv[1])
    mails, steps = live_a_year(seed=7, customers=count)
    sys.stdout.write(f"{count} customers, a year: {mails} mails, {steps} steps of invoices, every rule kept\n")


if __name__ == "__main__":
    main()
