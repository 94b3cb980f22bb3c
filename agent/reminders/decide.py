"""Which reminders are due for one customer, and whether a frozen one may still leave.

Pure: views, settings and ``now`` in, values out. The last look before sending is the same judgement again: a mail may
leave only while planning would still name each of its invoices, with the same balance, for the same step.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from agent.reminders import schedule
from agent.reminders.credit_notes import credits_off, told_elsewhere
from agent.reminders.rules import (
    CUSTOMER_RULES,
    MAIL_RULES,
    Situation,
    covered_currencies,
    first_hindrance,
    invoice_hindrance,
    is_owed,
)
from agent.reminders.values import (
    ApartLine,
    CustomerPlan,
    CustomerView,
    Hindrance,
    InvoiceView,
    LedgerView,
    LeftOut,
    PlannedLine,
    PlannedReminder,
    PlanSettings,
    Recipient,
)
from config.choice import Chosen
from config.plans import Channel, Plan, Step


@dataclass(frozen=True, slots=True)
class _Candidate:
    invoice: InvoiceView
    step: Step
    due_at: datetime
    in_place_of_mail: bool
    """The plan has a mail here, and the customer wants none."""


def next_step(invoice: InvoiceView, plan: Plan, today: date) -> Step | None:
    """The first step of the plan that this invoice has not been through; None: the plan has ended.

    A step before the due date lapses on that date: announcing what is already late would be wrong. What was done under
    another plan, or another version of this one, counts with all that stands before it here: a customer who has had the
    firm mail gets no friendly one because its plan has changed.
    """
    now = f"{plan.name}/{plan.version}"
    elsewhere = {step.name for step in invoice.done if step.plan != now}
    passed = max((at + 1 for at, step in enumerate(plan.steps) if step.name in elsewhere), default=0)
    for step in plan.steps[passed:]:
        lapsed = step.day < 0 and today >= invoice.due_date
        if step.name not in invoice.steps_done and not lapsed:
            return step
    return None


def plan_customer(customer: CustomerView, ledger: LedgerView, settings: PlanSettings, now: datetime) -> CustomerPlan:
    """What is due for this customer now, one mail a currency, and for every due invoice left out the reason."""
    at = Situation(ledger, customer, settings, now)
    today = schedule.local_day(now, customer.timezone)
    left_out: list[LeftOut] = []
    candidates: list[_Candidate] = []
    chosen = {currency: settings.plan_for(customer, currency) for currency in {i.currency for i in customer.invoices}}
    blocked = first_hindrance(CUSTOMER_RULES, at)
    covered = covered_currencies(customer.invoices)
    for invoice in sorted(customer.invoices, key=lambda i: (i.due_date, i.number)):
        if not is_owed(invoice):
            continue
        hindrance = blocked or _covered(invoice, covered) or invoice_hindrance(invoice, customer)
        found = _candidate(invoice, hindrance, customer, chosen[invoice.currency].plan, settings, today)
        if isinstance(found, _Candidate):
            candidates.append(found)
        elif found is not None:
            left_out.append(LeftOut(customer.id, invoice.number, *found))
    reminders: list[PlannedReminder] = []
    mailed: set[str] = set()
    room = settings.per_customer_per_day - customer.mails_today
    for group in _groups(candidates):
        hindrance = _group_hindrance(group, at)
        currency, is_mail = group[0].invoice.currency, group[0].step.channel is Channel.MAIL
        if hindrance is None and is_mail and currency in mailed:
            hindrance = Hindrance.GAP, "a reminder of what is late goes first"
        elif hindrance is None and is_mail and room <= 0:
            most = settings.per_customer_per_day
            hindrance = Hindrance.DAY_FULL, f"{most} mail(s) a day is the most for one customer; it follows tomorrow"
        if hindrance is not None:
            left_out += [LeftOut(customer.id, c.invoice.number, *hindrance) for c in group]
        else:
            if is_mail:
                room -= 1
                mailed.add(currency)
            apart = _apart(customer, currency, today) if settings.shows_answered else ()
            reminders.append(_reminder(group, customer, chosen[currency], today, apart))
    return CustomerPlan(tuple(reminders), tuple(left_out))


def _candidate(
    invoice: InvoiceView,
    hindrance: tuple[Hindrance, str] | None,
    customer: CustomerView,
    plan: Plan,
    settings: PlanSettings,
    today: date,
) -> _Candidate | tuple[Hindrance, str] | None:
    """The step that this invoice has come to, or what speaks against it; None where nothing is due yet.

    The plan has ended for what nothing speaks against: a promise, a dispute or a hold keeps it from ending, and nobody
    is asked for a next step meanwhile.
    """
    step = next_step(invoice, plan, today)
    is_due = step is not None and schedule.step_day(invoice.due_date, step) <= today
    if not (is_due or invoice.due_date < today):
        return None
    if hindrance is not None:
        return hindrance
    if step is None:
        return Hindrance.PLAN_ENDED, "the plan has no further step"
    if step.name in invoice.steps_reserved:
        return Hindrance.ON_ITS_WAY, _on_its_way(invoice, step)
    unwanted = customer.no_mail_since is not None and step.channel is Channel.MAIL
    if unwanted and step.day < 0:
        return None  # nobody is called about what is not due yet
    if unwanted:
        step = _by_phone(step, plan)
    due_at = schedule.due_at(step, invoice.due_date, customer, invoice.currency, plan, settings)
    if not is_due:
        return Hindrance.STEP_LATER, f"step {step.name} follows on {schedule.local_day(due_at, customer.timezone)}"
    return _Candidate(invoice, step, due_at, unwanted)


def _on_its_way(invoice: InvoiceView, step: Step) -> str:
    if step.name not in invoice.steps_waiting:
        return f"step {step.name} is on its way"
    whose = invoice.steps_waiting[step.name]
    return f"step {step.name} waits for " + (f"the word of {whose}" if whose else "a person's word")


def _by_phone(step: Step, plan: Plan) -> Step:
    """A mail's step for a customer who wants no mails: a person's call, no sooner after the last word than a mail."""
    return replace(
        step, channel=Channel.CALL, after_mail=plan.gap_days, approval="none", attach_invoice=False,
        attach_statement=False,
    )  # fmt: skip


def _covered(invoice: InvoiceView, covered: frozenset[str]) -> tuple[Hindrance, str] | None:
    if invoice.currency not in covered:
        return None
    return Hindrance.COVERED_BY_CREDIT, f"open credits cover all that is owed in {invoice.currency}"


def _groups(candidates: Iterable[_Candidate]) -> Iterable[list[_Candidate]]:
    """One group for each currency's mail, one for each other step: those become a task each.

    What falls due soon is announced in a mail of its own, after the reminder of what is late: one that says
    "overdue" must not list it.
    """

    def key(candidate: _Candidate) -> tuple[str, str]:
        step = candidate.step
        if candidate.in_place_of_mail:
            return candidate.invoice.currency, "~in place of a mail"
        if step.channel is not Channel.MAIL:
            return candidate.invoice.currency, step.name
        return candidate.invoice.currency, "~announced" if step.day < 0 else ""

    for _, group in groupby(sorted(candidates, key=lambda c: (key(c), c.invoice.due_date, c.invoice.number)), key):
        yield list(group)


def _group_hindrance(group: list[_Candidate], at: Situation) -> tuple[Hindrance, str] | None:
    if group[0].step.channel is Channel.MAIL:
        hindrance = first_hindrance(MAIL_RULES, at)
        if hindrance is not None:
            return hindrance
    today = schedule.local_day(at.now, at.customer.timezone)
    if (hindrance := _too_little(group, at.customer, today)) is not None:
        return hindrance
    due_at = min(c.due_at for c in group)
    if due_at > at.now:
        day = schedule.local_day(due_at, at.customer.timezone)
        last = at.customer.last_mail_at.get(group[0].invoice.currency)
        if last is not None and day > today:
            sent = schedule.local_day(last, at.customer.timezone)
            return Hindrance.GAP, f"the last mail left on {sent}; the next one may on {day}"
        return Hindrance.OUTSIDE_HOURS, f"outside of sending hours; next on {day}"
    if not schedule.is_open(at.now, at.customer, group[0].step.channel, at.settings):
        return Hindrance.OUTSIDE_HOURS, "outside of the customer's working hours, or on a quiet day"
    return None


def _too_little(group: list[_Candidate], customer: CustomerView, today: date) -> tuple[Hindrance, str] | None:
    """What is asked for, less the open credits, is nothing, or below what the step is worth."""
    currency, step = group[0].invoice.currency, group[0].step
    credit = sum((c.balance for c in _credits_off(group, customer, today)), Decimal(0))
    asked = sum((c.invoice.balance for c in group), Decimal(0)) + credit
    if asked <= 0:
        return Hindrance.COVERED_BY_CREDIT, f"open credits of {-credit} {currency} cover all that is due"
    if asked < step.minimum:
        return Hindrance.BELOW_MINIMUM, f"{asked} {currency} is below the {step.minimum} that step {step.name} asks for"
    return None


def _credits_off(group: list[_Candidate], customer: CustomerView, today: date) -> tuple[InvoiceView, ...]:
    return credits_off(customer, group[0].invoice.currency, {c.invoice.id for c in group}, today)


SHOWN_APART = frozenset({Hindrance.PROMISED, Hindrance.DISPUTED, Hindrance.PAYMENT_REPORTED, Hindrance.DIRECT_DEBIT})
"""Why an invoice past its due date stands below the list. A hold is the company's own affair and is not told."""


def _apart(customer: CustomerView, currency: str, today: date) -> tuple[ApartLine, ...]:
    found = []
    for invoice in sorted(customer.invoices, key=lambda i: (i.due_date, i.number)):
        if invoice.currency == currency and is_owed(invoice) and invoice.due_date < today:
            hindrance = invoice_hindrance(invoice, customer)
            if hindrance is not None and hindrance[0] in SHOWN_APART:
                found.append(ApartLine(invoice, hindrance[0]))
    return tuple(found)


def _whose_word(step: Step, customer: CustomerView) -> list[str]:
    """Whose word the step itself asks for, whatever the mode is."""
    if step.approval == "none":
        return []
    if step.approval == "sales_owner" and customer.account_manager:
        return [f"leaves only on the word of {customer.account_manager}"]
    return ["leaves only on a person's word" + (", no sales owner is known" if step.approval == "sales_owner" else "")]


def _hasty(step: Step, plan: Plan, customer: CustomerView, currency: str, today: date) -> list[str]:
    """For whoever does a call, a letter or a hand-over: the mail before it left late, and has had little of its time.

    Such a step keeps its day, however late that mail was. Half of the plan's own distance is enough, as weekends move
    both; who wants no mails is told of none.
    """
    before = [one.day for one in plan.steps if one.channel is Channel.MAIL and one.day < step.day]
    last = customer.last_mail_at.get(currency)
    if step.channel is Channel.MAIL or not before or last is None or customer.no_mail_since is not None:
        return []
    left = schedule.local_day(last, customer.timezone)
    planned, since = step.day - before[-1], (today - left).days
    if since * 2 >= planned:
        return []
    return [f"the last mail left on {left}, {since} day(s) before this step, where the plan leaves {planned}"]


def _reminder(
    group: list[_Candidate], customer: CustomerView, chosen: Chosen, today: date, apart: tuple[ApartLine, ...]
) -> PlannedReminder:
    """One reminder for the group; its level is that of the oldest invoice on it."""
    oldest = group[0]
    plan = chosen.plan
    currency, step = oldest.invoice.currency, oldest.step
    notes = []
    if step.attach_invoice:
        notes += [f"no PDF of {c.invoice.number} to attach" for c in group if not c.invoice.documents]
    taken = _credits_off(group, customer, today)
    notes += told_elsewhere(customer, currency, taken)
    notes += _whose_word(step, customer)
    notes += _hasty(step, plan, customer, currency, today)
    if oldest.in_place_of_mail:
        notes.append(f"in place of a mail: wants none since {customer.no_mail_since}; call, or choose another way")
    return PlannedReminder(
        customer=customer,
        currency=currency,
        plan=plan.name,
        plan_version=str(plan.version),
        because=chosen.because,
        step=step,
        cycle=customer.cycles.get((currency, plan.name, step.name), 0) + 1,
        due_at=min(c.due_at for c in group),
        lines=tuple(PlannedLine(c.invoice, c.step.name, max(0, (today - c.invoice.due_date).days)) for c in group),
        apart=apart,
        credits=taken,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class FrozenLine:
    """What a composed mail says of one invoice."""

    invoice_id: int
    invoice_number: str
    step: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class FrozenMail:
    """A composed mail, as far as the last look needs it."""

    currency: str
    recipient: str
    copies: tuple[str, ...]
    lines: tuple[FrozenLine, ...]
    said: str | None
    """`said_by` of the reminder that it was composed from; None: it was composed before that was kept."""


NO_MAIL = "the customer wants no mails any more"

READ_AT_MOST = timedelta(minutes=15)
"""How long ago the mailbox may have been read when a mail leaves: an answer that waits there must be seen first."""


def was_just_read(last_read: datetime | None, now: datetime) -> bool:
    """Whether the mailbox was read recently enough for a mail to leave.

    A time ahead of now by as much was written by a clock that was wrong, and tells nothing.
    """
    return last_read is not None and abs(now - last_read) <= READ_AT_MOST


def last_look(
    mail: FrozenMail, customer: CustomerView, ledger: LedgerView, settings: PlanSettings, now: datetime
) -> str | None:
    """Why this mail must not leave after all; None: it may.

    ``customer`` is seen as if this very delivery did not exist.
    """
    if customer.no_mail_since is not None:
        return NO_MAIL
    plan = plan_customer(customer, ledger, settings, now)
    planned = {line.invoice.id: line for r in plan.reminders if r.step.channel is Channel.MAIL for line in r.lines}
    reasons = {left.invoice_number: left for left in plan.left_out}
    for line in mail.lines:
        again = planned.get(line.invoice_id)
        if again is None:
            left = reasons.get(line.invoice_number)
            why = f"{left.reason.value}: {left.detail}" if left else "nothing of it is owed any more"
            return f"{line.invoice_number}: {why}"
        if again.step != line.step:
            return f"{line.invoice_number}: step {again.step} is due by now, not {line.step}"
        if again.invoice.balance != line.balance:
            return f"{line.invoice_number}: its balance is {again.invoice.balance} by now, not {line.balance}"
    if mail.said is not None and mail.said not in {said_by(r) for r in plan.reminders}:
        return "what else it says of this customer's account (a credit, an answered invoice, the plan) has changed"
    to = billing_address(customer.recipients)
    if to is None or to != mail.recipient:
        return "the address to write to has changed"
    if not set(mail.copies) <= set(copies_for(customer)):
        return "somebody who was to get a copy is to get none any more"
    return None


WAITS = frozenset(
    {
        Hindrance.LEDGER_STALE,
        Hindrance.SENDING_STOPPED,
        Hindrance.NOT_ADOPTED,
        Hindrance.CUSTOMER_HELD,
        Hindrance.EXCEPTION_OPEN,
        Hindrance.MAIL_UNDECIDED,
        Hindrance.CONTACT_AWAY,
        Hindrance.GAP,
        Hindrance.DAY_FULL,
        Hindrance.OUTSIDE_HOURS,
    }
)
"""What keeps a mail back for a while and makes nothing in it wrong."""


def lapsed(
    mail: FrozenMail, customer: CustomerView, ledger: LedgerView, settings: PlanSettings, now: datetime
) -> str | None:
    """Why a mail that waits for a person's word, or for its hour, is no longer true; None: it may go on waiting.

    ``customer`` is seen as if this very delivery did not exist.
    """
    if customer.no_mail_since is not None:
        return NO_MAIL
    plan = plan_customer(customer, ledger, settings, now)
    if any(r.step.channel is Channel.MAIL and r.currency == mail.currency for r in plan.reminders):
        return last_look(mail, customer, ledger, settings, now)
    reasons = {left.invoice_number: left for left in plan.left_out}
    for line in mail.lines:
        left = reasons.get(line.invoice_number)
        if left is None or left.reason not in WAITS:
            why = f"{left.reason.value}: {left.detail}" if left else "nothing of it is owed any more"
            return f"{line.invoice_number}: {why}"
    return None


def said_by(planned: PlannedReminder) -> str:
    """A fingerprint (SHA-256) of everything in a reminder that the ledger or the plan decides, but the days that pass.

    An approval is for exactly this: once it differs, the mail that was approved must not leave.
    """
    parts = [
        [planned.currency, planned.plan, planned.plan_version, planned.step.name],
        [[x.invoice.number, x.step, str(x.invoice.balance), x.invoice.due_date.isoformat()] for x in planned.lines],
        [[x.invoice.number, str(x.invoice.balance), x.why.value] for x in planned.apart],
        [[credit.number, str(credit.balance)] for credit in planned.credits],
    ]
    if planned.step.attach_statement:
        customer = planned.customer
        parts.append([[i.number, i.due_date.isoformat(), str(i.balance), i.state.value] for i in customer.invoices])
        parts.append([[currency, str(amount)] for currency, amount in sorted(customer.on_account.items())])
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def last_look_at_answer(ledger: LedgerView) -> str | None:
    """Why an answer that a person wrote must not leave after all; None: it may. It asks for no money, so that balance,
    promise or dispute don't matter to it; a stop of all sending does, and a database that belongs elsewhere.
    """
    if not ledger.is_bound_here:
        return "this database was made elsewhere"
    return "; ".join(ledger.stops) or None


def copies_for(customer: CustomerView) -> tuple[str, ...]:
    """The living addresses that get a copy of each reminder."""
    return tuple(r.address for r in customer.recipients if r.role == "cc" and not r.is_dead)


def billing_address(recipients: Iterable[Recipient]) -> str | None:
    """The address that reminders go to: the first living one that is not for copies only."""
    return next((r.address for r in recipients if r.role != "cc" and not r.is_dead), None)
