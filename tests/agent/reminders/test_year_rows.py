"""The same life over rows: the real imports, planner, stores and delivery, on a real database, and a machine that keeps
its own account of what customers owe, promised or dispute. Only the SMTP server is left out: the wire is the outermost
edge, and there each mail that would have left is held against that account.
"""

import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import select

from agent import heartbeats
from agent.ledger import byhand, states
from agent.ledger.byhand import Deed
from agent.ledger.claims import judge_claims
from agent.ledger.promises import judge_promises
from agent.reminders import deliver, plan
from agent.reminders.wire import Accepted, Envelope, LastLook, LookedAway, Outcome
from config.calendars import add_working_days, is_working_day
from config.plans import Plan, load_plans
from models import Customer, Database, Delivery, Invoice, Message, ReminderLine
from models.states import DeliveryState
from tests.builders import ledger

PLACES = [
    ("FR", "Europe/Paris"), ("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("ES", "Europe/Madrid"),
    ("US", "America/New_York"), ("JP", "Asia/Tokyo"),
]  # fmt: skip
PLANS = {"regular": "standard", "loyal": "gentle", "new": "firm"}
"""By segment, as shipped."""
HEADER = "id,date,amount,customer_id,invoice_number"
WHOLE = Decimal("100.00")


class NoSent:
    """A Sent folder that is never asked for more than its next UID."""

    def uidnext(self) -> int:
        return 1

    def holds(self, message_id: str, from_uid: int) -> bool:
        raise AssertionError(f"nobody should look for {message_id} from {from_uid} on")

    def file(self, raw: bytes, sent_at: datetime) -> None:
        raise AssertionError(f"nobody should file {len(raw)} bytes at {sent_at}")


@dataclass
class World:
    """A company with some customers, and what the test itself knows of them."""

    root: Path
    customers: int
    dues: list[tuple[int, date]]
    """Customer and due date of each invoice."""
    moment: datetime = datetime(2026, 1, 5, 7, 0, tzinfo=UTC)
    balance: dict[str, Decimal] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    promised: dict[str, date] = field(default_factory=dict)
    disputed: set[str] = field(default_factory=set)
    reported: dict[str, date] = field(default_factory=dict)
    """The last day on which the ledger is still asked, by invoice reported as paid."""
    places: dict[str, tuple[str, ZoneInfo]] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    last_mail: dict[str, date] = field(default_factory=dict)
    mails: int = 0
    looked_away: int = 0
    payments: int = 0
    days_down: int = 0
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.settings = ledger.settings(self.root, policy={"mode": "automatic"}, reminders={"quiet_days": ["monday"]})
        self.database = Database.open(f"sqlite:///{self.root / 'year.db'}", self.root, self.moment)
        plans = load_plans(self.settings)
        with self.database.write() as session:
            for number in range(self.customers):
                (country, zone), segment = PLACES[number % len(PLACES)], list(PLANS)[number % len(PLANS)]
                ledger.customer(
                    session, f"C{number}", language="fr", country=country, timezone=zone, segment=segment
                )  # fmt: skip
                self.places[f"C{number}"] = country, ZoneInfo(zone)
                self.plans[f"C{number}"] = plans[PLANS[segment]]
            for number, (whose, due) in enumerate(self.dues):
                owner = session.get_one(Customer, f"C{whose % self.customers}")
                ledger.invoice(session, owner, f"FA-{number}", due_date=due, issue_date=due - timedelta(days=30))
                self.balance[f"FA-{number}"], self.owner[f"FA-{number}"] = WHOLE, owner.id

    def attempt(self, envelope: Envelope, last_look: LastLook) -> Outcome:
        """The outermost edge: what is accepted here has left."""
        if not last_look():
            self.looked_away += 1
            return LookedAway()
        self.check(envelope)
        self.mails += 1
        return Accepted("250 ok")

    def check(self, envelope: Envelope) -> None:
        message_id = str(message_from_bytes(envelope.raw)["Message-ID"])
        with self.database.read() as session:
            delivery = session.scalars(select(Delivery).join(Message).where(Message.message_id == message_id)).one()
            assert delivery.state is DeliveryState.SENDING
            assert delivery.reminder is not None
            lines = [(session.get_one(Invoice, x.invoice_id).number, x.balance) for x in delivery.reminder.lines]
            customer = delivery.customer_id
        country, zone = self.places[customer]
        local = self.moment.astimezone(zone)
        assert is_working_day(country, local.date()), "on a holiday"
        assert local.weekday() != 0, "on a quiet day"
        hours = self.settings.reminders.sending_hours
        assert hours.start <= local.time() < hours.end, "outside hours"
        for number, said in lines:
            assert self.owner[number] == customer, "to the wrong customer"
            assert said == self.balance[number] > 0, f"{number}: {said} is not what is owed"
            assert number not in self.disputed, "disputed"
            assert number not in self.held, "held"
            assert self.promised.get(number, date.min) < local.date(), "promised"
            assert self.reported.get(number, date.min) <= local.date(), "reported as paid"
        assert customer not in self.held, "the customer is held"
        if customer in self.last_mail:
            assert (local.date() - self.last_mail[customer]).days >= self.plans[customer].gap_days, "within the gap"
        self.last_mail[customer] = local.date()

    def check_steps(self) -> None:
        """No step skipped, none doubled, for any invoice."""
        found: dict[tuple[int, str], list[str]] = {}
        with self.database.read() as session:
            query = (
                select(ReminderLine.invoice_id, Invoice.customer_id, ReminderLine.step)
                .join(Invoice, Invoice.id == ReminderLine.invoice_id)
                .where(~ReminderLine.voided)
                .order_by(ReminderLine.id)
            )
            for number, customer, step in session.execute(query):
                found.setdefault((number, customer), []).append(step)
        for (_, customer), steps in found.items():
            names = [step.name for step in self.plans[customer].steps]
            assert steps == names[: len(steps)]

    def work(self, *, delivers: bool = True, checks: bool = True) -> None:
        """One cycle, of which the mails may be left lying."""
        ledger.load(self.database, self.settings, "payments", ledger.csv(HEADER), now=self.moment)
        judge_promises(self.database, self.settings, self.moment)
        judge_claims(self.database, self.settings, self.moment)
        plan.drain(self.database, self.settings, self.moment, chance=lambda: 0.0)
        if delivers:
            heartbeats.worked(self.database, "collect:ar", self.moment)
            box = self.settings.mailbox["ar"]
            post = deliver.Post("ar", box, self, NoSent(), "worker", lambda: self.moment)
            deliver.drain(self.database, self.settings, post, self.moment)
        if checks:
            self.check_steps()

    def pay(self, number: str, amount: Decimal) -> None:
        amount = min(amount, self.balance[number])
        if not amount:
            return
        self.payments += 1
        row = f"P{self.payments},{self.moment.date()},{amount},{self.owner[number]},{number}"
        ledger.load(self.database, self.settings, "payments", ledger.csv(HEADER, row), now=self.moment)
        self.balance[number] -= amount
        self.reported.pop(number, None)
        self.happened["payments"] += 1

    def promise(self, number: str, days: int) -> None:
        if not self.balance[number] or number in self.disputed:
            return
        day = self.moment.astimezone(ZoneInfo("Europe/Paris")).date() + timedelta(days=days)
        with self.database.write() as session:
            on = byhand.target(session, number, None)
            byhand.log_promise(session, on, day, None, Deed("Anna", self.moment), self.settings)
        self.promised[number] = day
        self.reported.pop(number, None)
        self.happened["promises"] += 1

    def report(self, number: str) -> None:
        """It is said to be paid; the money may never come."""
        if not self.balance[number] or number in self.disputed or number in self.promised:
            return
        with self.database.write() as session:
            row = byhand.invoice(session, number)
            states.report_paid(session, row, message_id=None, actor="Anna", reason="said", at=self.moment)
        if self.reported.get(number, date.min) < self.moment.date():  # said twice, it counts from the first time
            self.reported[number] = add_working_days("FR", self.moment.date(), self.settings.policy.paid_wait_days)
        self.happened["claims"] += 1

    def dispute(self, number: str) -> None:
        if not self.balance[number] or number in self.disputed:
            return
        with self.database.write() as session:
            on = byhand.target(session, number, None)
            byhand.log_dispute(session, on, "amount", None, Deed("Anna", self.moment), self.settings)
        self.disputed.add(number)
        self.promised.pop(number, None)
        self.reported.pop(number, None)
        self.happened["disputes"] += 1

    def hold(self, key: str) -> None:
        """Hold an invoice or a customer, or release it."""
        named = (None, key) if key.startswith("C") else (key, None)
        with self.database.write() as session:
            on, deed = byhand.target(session, *named), Deed("Anna", self.moment)
            if key in self.held:
                byhand.release(session, on, deed)
            else:
                byhand.hold(session, on, "talking", None, deed, self.settings)
        self.held ^= {key}
        self.happened["holds"] += key in self.held

    def close(self) -> None:
        self.database.close()
        shutil.rmtree(self.root)


def new_world(customers: int, dues: list[tuple[int, date]]) -> World:
    return World(Path(tempfile.mkdtemp(prefix="relance-year-")), customers, dues)


class AnyLifeOnRows(RuleBasedStateMachine):
    """Whatever happens, in whatever order."""

    world: World

    @initialize(dues=st.lists(st.tuples(st.integers(0, 1), st.integers(-20, 40)), min_size=1, max_size=5))
    def born(self, dues: list[tuple[int, int]]) -> None:
        self.world = new_world(2, [(who, date(2026, 1, 5) + timedelta(days=n)) for who, n in dues])

    def _number(self, which: int) -> str:
        return f"FA-{which % len(self.world.dues)}"

    @rule(hours=st.integers(3, 60))
    def a_cycle_runs(self, hours: int) -> None:
        self.world.moment += timedelta(hours=hours)
        self.world.work()

    @rule(hours=st.integers(3, 30))
    def the_mail_server_is_away(self, hours: int) -> None:
        self.world.moment += timedelta(hours=hours)
        self.world.work(delivers=False)

    @rule(days=st.integers(3, 40))
    def the_daemon_is_down(self, days: int) -> None:
        self.world.moment += timedelta(days=days)

    @rule(which=st.integers(0, 4), amount=st.sampled_from(["30.00", "100.00"]))
    def money_comes(self, which: int, amount: str) -> None:
        self.world.pay(self._number(which), Decimal(amount))

    @rule(which=st.integers(0, 4), days=st.integers(0, 20))
    def a_day_is_promised(self, which: int, days: int) -> None:
        self.world.promise(self._number(which), days)

    @rule(which=st.integers(0, 4))
    def it_is_disputed(self, which: int) -> None:
        self.world.dispute(self._number(which))

    @rule(which=st.integers(0, 4))
    def it_is_said_to_be_paid(self, which: int) -> None:
        self.world.report(self._number(which))

    @rule(which=st.integers(0, 4))
    def an_invoice_is_held_or_released(self, which: int) -> None:
        self.world.hold(self._number(which))

    @rule(which=st.integers(0, 1))
    def a_customer_is_held_or_released(self, which: int) -> None:
        self.world.hold(f"C{which}")

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()


AnyLifeOnRows.TestCase.settings = hypothesis_settings(max_examples=8, stateful_step_count=30, deadline=None)
TestAnyLifeOnRows = AnyLifeOnRows.TestCase


def live(seed: int, customers: int, days: int, progress: Callable[[World], None] | None = None) -> World:
    """So many days over so many customers, a cycle on most mornings; the world as it is at the end."""
    chance = random.Random(seed)
    begin = date(2026, 1, 5)
    dues = [
        (who, begin + timedelta(days=chance.randrange(days)))
        for who in range(customers)
        for _ in range(chance.randrange(1, 4))
    ]
    world = new_world(customers, dues)
    end = world.moment + timedelta(days=days)
    rounds = 0
    while world.moment < end:
        rounds += 1
        is_down = chance.random() < 0.03
        down = timedelta(days=chance.randrange(4, 15))
        world.moment += down if is_down else timedelta(hours=23)
        world.days_down += down.days if is_down else 0
        for number in world.balance:
            happening = chance.random()
            if happening < 0.01:
                world.pay(number, chance.choice([WHOLE, Decimal("35.00")]))
            elif happening < 0.015:
                world.promise(number, chance.randrange(15))
            elif happening < 0.017:
                world.hold(chance.choice([number, world.owner[number]]))
            elif happening < 0.018:
                world.dispute(number)
            elif happening < 0.020:
                world.report(number)
        world.work(delivers=chance.random() < 0.9, checks=customers < 50 or rounds % 20 == 0)
        if progress is not None and rounds % 20 == 0:
            progress(world)
    world.check_steps()
    return world


def test_two_months_over_rows_keep_every_rule() -> None:
    world = live(seed=1, customers=4, days=60)
    assert world.mails >= 3
    world.close()


def main() -> None:
    """A year over as many customers as named: `python -m tests.agent.reminders.test_year_rows 500`."""

    def progress(world: World) -> None:
        sys.stderr.write(f"{world.moment.date()}: {world.mails} mails, {world.payments} payments\n")

    world = live(seed=7, customers=int(sys.argv[1]), days=365, progress=progress)
    told = f"{world.mails} mails, {world.looked_away} stopped by the last look"
    amid = ", ".join(f"{count} {what}" for what, count in sorted(world.happened.items()))
    sys.stdout.write(
        f"{world.customers} customers, {len(world.dues)} invoices, a year over rows: {told}; amid {amid}, "
        f"{world.days_down} days down\n"
    )
    world.close()


if __name__ == "__main__":
    main()
