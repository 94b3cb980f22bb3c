"""Loads what planning and the last look judge: the views of customers and invoices, for many with one query a table.

Reads only; what was decided is written by `agent.reminders.store`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import Session

from agent.inbound.store import undecided_mails
from agent.ledger.store import ledger_as_of
from agent.reminders.interest import PartPayment
from agent.reminders.notice import Party
from agent.reminders.schedule import local_day
from agent.reminders.segments import Segment, derived_segments
from agent.reminders.statement import Heads
from agent.reminders.values import (
    CustomerView,
    DoneStep,
    InvoiceView,
    LedgerView,
    PlanSettings,
    Recipient,
    ThreadView,
)
from config import Settings
from config.plans import Channel, load_plans
from config.statuses import load_statuses
from models import (
    Allocation,
    Contact,
    Customer,
    Database,
    Delivery,
    Document,
    ExceptionItem,
    ExceptionLink,
    Hold,
    Invoice,
    Message,
    Payment,
    Promise,
    Reminder,
    ReminderLine,
    SendingStop,
)
from models.message import Direction
from models.states import CLOSED, WAITING, DeliveryState, PromiseState

ON_ITS_WAY = frozenset({DeliveryState.RESERVED, DeliveryState.FAILED, DeliveryState.SENDING, DeliveryState.UNKNOWN})
MAY_HAVE_LEFT = frozenset({DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN})
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def plan_settings(settings: Settings) -> PlanSettings:
    """What planning looks at, cut out of the whole configuration and the plans. Raises ConfigError."""
    return PlanSettings(
        plans=load_plans(settings),
        default_plan=settings.reminders.plan,
        sending_hours=(settings.reminders.sending_hours.start, settings.reminders.sending_hours.end),
        quiet_days=frozenset(WEEKDAYS.index(day) for day in settings.reminders.quiet_days),
        per_customer_per_day=settings.reminders.per_customer_per_day,
        shows_answered=settings.reminders.show_answered,
        max_age_days=settings.ledger.max_age,
        country=settings.company.country,
        zone=settings.zone,
    )


def ledger_view(session: Session, settings: Settings, database: Database) -> LedgerView:
    """Freshness, stops and binding."""
    stops = session.scalars(select(SendingStop).where(SendingStop.lifted_at.is_(None)).order_by(SendingStop.id))
    return LedgerView(
        as_of=ledger_as_of(session, settings),
        stops=tuple(f"all sending was stopped by {s.placed_by}: {s.detail}" for s in stops),
        is_bound_here=database.is_bound_here(session),
    )


_OF_INVOICES = (
    Invoice.id, Invoice.number, Invoice.customer_id, Invoice.kind, Invoice.issue_date, Invoice.due_date, Invoice.amount,
    Invoice.balance, Invoice.currency, Invoice.purchase_order, Invoice.state, Invoice.cycle, Invoice.status,
)  # fmt: skip
"""Columns instead of objects, which are most of the time where all invoices are planned."""


class _Rows:
    """All rows of some customers, fetched with one query a table and sorted by whom they belong to."""

    def __init__(
        self, session: Session, settings: Settings, now: datetime, ids: Collection[str] | None, ignoring: int | None,
        besides: Collection[int],
    ) -> None:  # fmt: skip
        def chosen(column: Any) -> ColumnElement[bool]:
            wanted: ColumnElement[bool] = column.in_(ids) if ids is not None else column.is_not(None)
            return wanted

        self.settings = settings
        self.now = now
        self.today = local_day(now, settings.zone)
        self.statuses = load_statuses(settings)
        is_open = or_(Invoice.state.not_in(CLOSED), Invoice.id.in_(besides))
        self.invoices = _by(
            session.execute(select(*_OF_INVOICES).where(is_open, chosen(Invoice.customer_id)).order_by(Invoice.id)),
            "customer_id",
        )
        query = select(Customer).where(Customer.id.in_(self.invoices)).order_by(Customer.id)
        self.customers = session.scalars(query).all()
        contacts = select(Contact).where(chosen(Contact.customer_id)).order_by(Contact.id)
        self.contacts = _by(session.scalars(contacts), "customer_id")
        holds = select(Hold).where(Hold.released_at.is_(None), chosen(Hold.customer_id))
        self.holds = _by(session.scalars(holds), "customer_id")
        self.documents: dict[int, list[str]] = defaultdict(list)
        documents = select(Document).join(Invoice).where(Document.kind == "invoice", chosen(Invoice.customer_id))
        for document in session.scalars(documents.order_by(Document.id)):
            self.documents[document.invoice_id].append(document.sha256)
        self.promised: dict[int, date] = dict(
            session.execute(
                select(Promise.invoice_id, func.min(Promise.date))
                .join(Invoice)
                .where(Promise.state == PromiseState.OPEN, chosen(Invoice.customer_id))
                .group_by(Promise.invoice_id)
            ).all()
        )
        self.payments: dict[int, list[PartPayment]] = defaultdict(list)
        paid = (
            select(Allocation.invoice_id, Payment.date, Allocation.amount)
            .join(Payment, Payment.id == Allocation.payment_id)
            .join(Invoice, Invoice.id == Allocation.invoice_id)
            .where(is_open, chosen(Invoice.customer_id))
            .order_by(Allocation.id)
        )
        for invoice_id, day, amount in session.execute(paid):
            self.payments[invoice_id].append(PartPayment(day, amount))
        self.on_account = (
            _on_account(session, chosen(Payment.customer_id)) if settings.ledger.mode == "payments" else {}
        )
        self._steps(session, and_(is_open, chosen(Invoice.customer_id)), ignoring)
        self._mails(session, chosen(Reminder.customer_id), ignoring, chosen)
        self._waiting(session, chosen(ExceptionLink.customer_id), ids)
        self.segments: Mapping[str, Segment] = {}
        if settings.reminders.derive_segments:
            unknown = [customer.id for customer in self.customers if not customer.segment]
            self.segments = derived_segments(session, settings, self.today, unknown)

    def _steps(self, session: Session, chosen: ColumnElement[bool], ignoring: int | None) -> None:
        self.done: dict[int, set[DoneStep]] = defaultdict(set)
        self.reserved: dict[int, set[str]] = defaultdict(set)
        self.waiting: dict[int, dict[str, str | None]] = defaultdict(dict)
        self.threads: dict[str, dict[str, int]] = defaultdict(dict)
        query = (
            select(
                ReminderLine.invoice_id, ReminderLine.step, Delivery.id, Delivery.state, Message.thread_id,
                Reminder.customer_id, Reminder.currency, Reminder.plan, Reminder.plan_version, Reminder.approval,
                Reminder.approver,
            )
            .select_from(ReminderLine)
            .join(Reminder, Reminder.id == ReminderLine.reminder_id)
            .join(Invoice, Invoice.id == ReminderLine.invoice_id)
            .outerjoin(Delivery, Delivery.reminder_id == Reminder.id)
            .outerjoin(Message, Message.id == Delivery.message_id)
            .where(chosen, ~ReminderLine.voided, ReminderLine.cycle == Invoice.cycle)
        )  # fmt: skip
        for row in session.execute(query):
            invoice_id, step, delivery_id, state, thread_id, customer_id, currency, plan, version, *approval = row
            if ignoring is not None and delivery_id == ignoring:
                continue
            if state in ON_ITS_WAY:
                self.reserved[invoice_id].add(step)
                if approval[0] == "waiting":
                    self.waiting[invoice_id][step] = approval[1]
            else:
                self.done[invoice_id].add(DoneStep(step, f"{plan}/{version}"))
            if thread_id is not None:
                mine = self.threads[customer_id]
                mine[currency] = max(thread_id, mine.get(currency, 0))

    def _mails(
        self,
        session: Session,
        chosen: ColumnElement[bool],
        ignoring: int | None,
        chosen_by: Callable[[Any], ColumnElement[bool]],
    ) -> None:
        self.last_mail: dict[str, dict[str, datetime]] = defaultdict(dict)
        self.cycles: dict[str, dict[tuple[str, str, str], int]] = defaultdict(dict)
        left_at = func.max(func.coalesce(Delivery.sent_at, Delivery.entered_sending_at), type_=Delivery.sent_at.type)
        query = (
            select(Reminder.customer_id, Reminder.currency, left_at)
            .join(Delivery, Delivery.reminder_id == Reminder.id)
            .where(Delivery.state.in_(MAY_HAVE_LEFT), chosen)
            .group_by(Reminder.customer_id, Reminder.currency)
        )
        if ignoring is not None:
            query = query.where(Delivery.id != ignoring)
        for customer_id, currency, moment in session.execute(query):
            if moment is not None:
                self.last_mail[customer_id][currency] = moment
        # Who wants no mails is called in their place, and the gap counts between those calls.
        called = (
            select(
                Reminder.customer_id,
                Reminder.currency,
                func.max(Reminder.created_at, type_=Reminder.created_at.type),
            )
            .join(Customer, Customer.id == Reminder.customer_id)
            .where(Customer.no_mail_since.is_not(None), Reminder.channel == Channel.CALL.value, chosen)
            .group_by(Reminder.customer_id, Reminder.currency)
        )
        for customer_id, currency, moment in session.execute(called):
            known = self.last_mail[customer_id].get(currency, moment)
            self.last_mail[customer_id][currency] = max(known, moment)
        # What a colleague wrote by hand counts as the last mail: the next step keeps its gap from there, too.
        by_hand = (
            select(Message.customer_id, func.max(Message.received_at, type_=Message.received_at.type))
            .where(Message.direction == Direction.OUT, Message.state.is_not(None), chosen_by(Message.customer_id))
            .group_by(Message.customer_id)
        )
        self.by_hand: dict[str, datetime] = {
            customer_id: at
            for customer_id, at in session.execute(by_hand)
            if customer_id is not None and at is not None
        }
        self.mails: dict[str, list[datetime]] = defaultdict(list)
        lately = self.now - timedelta(days=2)
        recent = (
            select(Reminder.customer_id, Delivery.sent_at, Delivery.entered_sending_at)
            .join(Delivery, Delivery.reminder_id == Reminder.id)
            .where(chosen, Delivery.id != (ignoring or 0), Delivery.state.in_(ON_ITS_WAY | MAY_HAVE_LEFT))
            .where(or_(Delivery.sent_at.is_(None), Delivery.sent_at > lately), Reminder.approval != "waiting")
        )
        for customer_id, sent_at, entered_at in session.execute(recent):
            self.mails[customer_id].append(sent_at or entered_at or self.now)
        which = (Reminder.customer_id, Reminder.currency, Reminder.plan, Reminder.step)
        counted = select(*which, func.max(Reminder.cycle)).where(chosen).group_by(*which)
        for customer_id, currency, plan, step, cycle in session.execute(counted):
            self.cycles[customer_id][currency, plan, step] = cycle
        self.thread_views: dict[int, ThreadView] = {}
        ids = {thread_id for mine in self.threads.values() for thread_id in mine.values()}
        in_them = (
            select(Message.thread_id, Message.message_id, Message.subject)
            .where(Message.thread_id.in_(ids), Message.direction == Direction.OUT)
            .order_by(Message.id)
        )
        messages = session.execute(in_them).all() if ids else []
        chain: dict[int | None, list[tuple[str, str]]] = defaultdict(list)
        for thread_id, message_id, subject in messages:
            if message_id is not None:
                chain[thread_id].append((message_id, subject or ""))
        for thread_id, found in chain.items():
            if thread_id is None:
                continue
            self.thread_views[thread_id] = ThreadView(thread_id, tuple(m for m, _ in found), found[0][1])

    def _waiting(self, session: Session, chosen: ColumnElement[bool], ids: Collection[str] | None) -> None:
        self.exceptions: dict[str, set[int]] = defaultdict(set)
        query = (
            select(ExceptionLink.customer_id, ExceptionItem.id)
            .join(ExceptionItem, ExceptionItem.id == ExceptionLink.exception_id)
            .where(ExceptionItem.state.in_(WAITING), ExceptionItem.holds, chosen)
        )
        for customer_id, exception_id in session.execute(query):
            self.exceptions[customer_id].add(exception_id)
        self.undecided = undecided_mails(session, ids)

    def hold_on(self, customer_id: str, invoice_id: int | None) -> str | None:
        for hold in self.holds.get(customer_id, ()):
            if hold.invoice_id == invoice_id and (hold.until is None or hold.until >= self.today):
                until = f" until {hold.until}" if hold.until else ""
                return f"held by {hold.placed_by}{until}: {hold.reason}"
        return None


def _on_account(session: Session, chosen: ColumnElement[bool]) -> dict[str, dict[str, Decimal]]:
    """By customer and currency: payments less what of them went to invoices."""
    used = (
        select(Allocation.payment_id, func.sum(Allocation.amount).label("amount"))
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(chosen)
        .group_by(Allocation.payment_id)
        .subquery()
    )
    rest = func.sum(Payment.amount - func.coalesce(used.c.amount, 0), type_=Payment.amount.type)
    query = (
        select(Payment.customer_id, Payment.currency, rest)
        .outerjoin(used, used.c.payment_id == Payment.id)
        .where(chosen)
        .group_by(Payment.customer_id, Payment.currency)
    )
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for customer_id, currency, amount in session.execute(query):
        if amount > 0:
            found[customer_id][currency] = amount
    return found


def _by(rows: Iterable[Any], name: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def customer_views(
    session: Session,
    settings: Settings,
    now: datetime,
    ids: Collection[str] | None = None,
    ignoring_delivery: int | None = None,
    besides: Collection[int] = (),
) -> list[CustomerView]:
    """Every customer (or those of ``ids``) that has an invoice which isn't closed, as planning sees it.

    ``ignoring_delivery`` leaves one delivery out of the view, for the last look at that very delivery. ``besides``:
    invoices to show although they are closed, for who reads and plans nothing.
    """
    rows = _Rows(session, settings, now, ids, ignoring_delivery, besides)
    return [_customer_view(customer, rows) for customer in rows.customers]


def _customer_view(customer: Customer, rows: _Rows) -> CustomerView:
    company = rows.settings.company
    zone = customer.timezone or company.timezone
    today = local_day(rows.now, zone)
    derived = rows.segments.get(customer.id)
    return CustomerView(
        id=customer.id,
        name=customer.name,
        language=customer.language or company.language,
        country=customer.country or company.country,
        timezone=zone,
        recipients=recipients_of(customer, rows.contacts.get(customer.id, [])),
        invoices=tuple(_invoice_view(i, rows) for i in rows.invoices[customer.id]),
        insolvent_since=customer.insolvent_since,
        held=rows.hold_on(customer.id, None),
        open_exceptions=tuple(sorted(rows.exceptions.get(customer.id, ()))),
        undecided_mails=rows.undecided.by_customer.get(customer.id, 0) + rows.undecided.unread,
        last_mail_at=_last_mails(customer.id, rows),
        cycles=rows.cycles.get(customer.id, {}),
        threads={
            currency: rows.thread_views[thread_id]
            for currency, thread_id in rows.threads.get(customer.id, {}).items()
            if thread_id in rows.thread_views
        },
        segment=customer.segment or (derived.name if derived else None),
        segment_because="the ledger says so" if customer.segment else derived.because if derived else "",
        account_manager=customer.account_manager,
        pays_by_debit=rows.statuses.is_direct_debit(customer.payment_method),
        on_account=rows.on_account.get(customer.id, {}),
        no_mail_since=customer.no_mail_since,
        mails_today=sum(local_day(moment, zone) == today for moment in rows.mails.get(customer.id, ())),
    )


def _last_mails(customer_id: str, rows: _Rows) -> dict[str, datetime]:
    """By currency: when the last mail to this customer left, a colleague's own in every currency."""
    last = dict(rows.last_mail.get(customer_id, {}))
    by_hand = rows.by_hand.get(customer_id)
    if by_hand is not None:
        for currency in {invoice.currency for invoice in rows.invoices[customer_id]}:
            last[currency] = max(by_hand, last.get(currency, by_hand))
    return last


def recipients_of(customer: Customer, contacts: Iterable[Contact]) -> tuple[Recipient, ...]:
    """The customer's own address first, or the one in its place, then other billing contacts, then those for copies."""
    contacts = list(contacts)
    own = {customer.email.lower()}
    while more := {c.replaced_by for c in contacts if c.email in own and c.replaced_by is not None} - own:
        own |= more
    copies = [address.strip().lower() for address in (customer.cc or "").split(",") if address.strip()]

    def rank(contact: Contact) -> tuple[bool, bool, int]:
        return contact.role == "cc", contact.email not in own, contact.id

    found = [
        Recipient(
            address=c.email,
            name=c.name,
            role="cc" if c.role == "cc" or c.email in copies else c.role,
            is_dead=c.dead_since is not None,
            away_until=c.away_until,
            dead_because=c.dead_because,
        )
        for c in sorted(contacts, key=rank)
        if c.role in {"billing", "cc"}
    ]
    known = {recipient.address for recipient in found}
    found += [Recipient(a, None, "cc", is_dead=False, away_until=None) for a in copies if a not in known]
    return tuple(found)


def _invoice_view(invoice: Row[Any], rows: _Rows) -> InvoiceView:
    return InvoiceView(
        id=invoice.id,
        number=invoice.number,
        kind=invoice.kind,
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        amount=invoice.amount,
        balance=invoice.balance,
        currency=invoice.currency,
        purchase_order=invoice.purchase_order,
        state=invoice.state,
        cycle=invoice.cycle,
        done=frozenset(rows.done.get(invoice.id, ())),
        steps_reserved=frozenset(rows.reserved.get(invoice.id, ())),
        steps_waiting=rows.waiting.get(invoice.id, {}),
        held=rows.hold_on(invoice.customer_id, invoice.id),
        promised_for=rows.promised.get(invoice.id),
        documents=tuple(rows.documents.get(invoice.id, ())),
        payments=tuple(rows.payments.get(invoice.id, ())),
        status=rows.statuses.meaning(invoice.status),
    )


def hold_ends(session: Session, today: date) -> dict[tuple[str, int | None], date | None]:
    """By customer and invoice (None: the whole customer): the last day of the holds in force; None: until released.

    ``today`` is the company's calendar day: a hold is in force up to and with its last one.
    """
    ends: dict[tuple[str, int | None], date | None] = {}
    for hold in session.scalars(select(Hold).where(Hold.released_at.is_(None)).order_by(Hold.id)):
        if hold.until is not None and hold.until < today:
            continue
        key = (hold.customer_id, hold.invoice_id)
        known = ends.get(key, hold.until)
        ends[key] = None if known is None or hold.until is None else max(known, hold.until)
    return ends


def as_if_imported(ledger: LedgerView, ledger_now: datetime, now: datetime) -> LedgerView:
    """The ledger as it will be at ``now`` if it goes on being imported as punctually as it is at ``ledger_now``."""
    if ledger.as_of is None:
        return ledger
    return replace(ledger, as_of=ledger.as_of + (now - ledger_now))


def heads_of(session: Session, settings: Settings, view: CustomerView) -> Heads:
    """Who writes to whom, as it stands on paper."""
    customer, company = session.get_one(Customer, view.id), settings.company
    city = " ".join(part for part in (customer.postcode, customer.city) if part)
    lines = [customer.address, city, customer.registration_number]
    return Heads(
        company=Party(company.name, tuple(part.strip() for part in company.address.split(",") if part.strip())),
        registration=company.registration or company.name,
        customer=Party(view.name, tuple(line for line in lines if line)),
    )
