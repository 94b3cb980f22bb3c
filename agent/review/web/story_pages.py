"""Customers and invoices: where each stands, its story, and what a person writes down by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from agent.ledger import byhand, overview
from agent.replies import explain
from agent.reports import dossier
from agent.review import story
from agent.review.conversation import mail_of
from agent.review.web.frame import Call
from agent.review.web.mail_pages import download, message_of
from classifier.labels import DISPUTE_REASONS
from config.errors import NeedsPerson
from models import Blob, Contact, Customer, Dispute, Document, Invoice, Message, Promise
from models.states import CLOSED, DisputeState, PromiseState

PAGE = 50
VERDICTS = (DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.WITHDRAWN)


def customers_page(call: Call) -> Response:
    """Customers by name, from a name on: the next page begins behind the last one of this."""
    text, after = call.query.get("text", "").strip()[:100], call.query.get("after", "")[:256]
    owed = select(
        Invoice.customer_id, Invoice.currency, func.sum(Invoice.balance, type_=Invoice.balance.type), func.count(),
        func.min(Invoice.due_date),
    ).where(Invoice.state.not_in(CLOSED))  # fmt: skip
    query = select(Customer).order_by(Customer.name, Customer.id)
    if call.actor.only_of is not None:
        query = query.where(func.lower(Customer.account_manager) == call.actor.only_of.lower())
    if text:
        by_number = select(Invoice.customer_id).where(Invoice.number.icontains(text, autoescape=True))
        query = query.where(
            or_(
                Customer.name.icontains(text, autoescape=True),
                Customer.id.icontains(text, autoescape=True),
                Customer.email.icontains(text, autoescape=True),
                Customer.id.in_(by_number),
            )
        )
    if after:
        name, _, number = after.rpartition("\t")
        query = query.where(or_(Customer.name > name, (Customer.name == name) & (Customer.id > number)))
    with call.desk.database.read() as session:
        rows = session.scalars(query.limit(PAGE + 1)).all()
        ids = [row.id for row in rows[:PAGE]]
        sums: dict[str, dict[str, Decimal]] = {}
        counts: dict[str, int] = {}
        oldest: dict[str, date] = {}
        grouped = owed.where(Invoice.customer_id.in_(ids)).group_by(Invoice.customer_id, Invoice.currency)
        for customer_id, currency, amount, count, due in session.execute(grouped):
            sums.setdefault(customer_id, {})[currency] = amount
            counts[customer_id] = counts.get(customer_id, 0) + count
            oldest[customer_id] = min(due, oldest.get(customer_id, due))
    last = f"{rows[PAGE - 1].name}\t{rows[PAGE - 1].id}" if len(rows) > PAGE else None
    return call.show(
        "customers.html.j2", rows=rows[:PAGE], sums=sums, counts=counts, oldest=oldest, text=text, last=last
    )


def customer_page(call: Call) -> Response:
    with call.desk.database.read() as session:
        customer = _customer(session, call)
        numbers = list(
            session.scalars(
                select(Invoice.number)
                .where(Invoice.customer_id == customer.id)
                .order_by(Invoice.state.in_(CLOSED), Invoice.due_date.desc())
                .limit(200)
            )
        )
        shown = overview.invoices(session, call.desk.settings, call.now, numbers) if numbers else []
        (summary,) = overview.customers(session, call.desk.settings, call.now, [customer.id])
        contacts = session.scalars(select(Contact).where(Contact.customer_id == customer.id).order_by(Contact.id)).all()
        moments = story.of_customer(session, customer.id, call.desk.settings.zone)
    open_ones = [row for row in shown if row.state not in {state.value for state in CLOSED}]
    closed = [row for row in reversed(shown) if row.state in {state.value for state in CLOSED}]
    return call.show(
        "customer.html.j2", customer=customer, summary=summary, open=open_ones, closed=closed, contacts=contacts,
        moments=moments[:200], more=max(0, len(moments) - 200), dispute_reasons=DISPUTE_REASONS, invoice=None,
    )  # fmt: skip


def invoice_page(call: Call) -> Response:
    with call.desk.database.read() as session:
        invoice = _invoice(session, call)
        customer = session.get_one(Customer, invoice.customer_id)
        (shown,) = overview.invoices(session, call.desk.settings, call.now, [invoice.number])
        moments = story.of_invoice(session, invoice, call.desk.settings.zone)
        promises = session.scalars(
            select(Promise)
            .where(Promise.invoice_id == invoice.id, Promise.state == PromiseState.OPEN)
            .order_by(Promise.date)
        ).all()
        disputes = session.scalars(
            select(Dispute)
            .where(Dispute.invoice_id == invoice.id, Dispute.state == DisputeState.OPEN)
            .order_by(Dispute.id)
        ).all()
        documents = session.scalars(
            select(Document).where(Document.invoice_id == invoice.id).order_by(Document.id)
        ).all()
    return call.show(
        "invoice.html.j2", invoice=invoice, shown=shown, customer=customer, moments=moments, promises=promises,
        disputes=disputes, documents=documents, dispute_reasons=DISPUTE_REASONS, verdicts=VERDICTS,
    )  # fmt: skip


def _customer(session: Session, call: Call) -> Customer:
    customer = session.get(Customer, call.path("customer"))
    if customer is None or not is_seen(call, customer):
        raise NeedsPerson(call.say("error.not_found"))
    return customer


def _invoice(session: Session, call: Call) -> Invoice:
    invoice = session.scalar(select(Invoice).where(Invoice.number == call.path("invoice")))
    if invoice is None or not is_seen(call, session.get_one(Customer, invoice.customer_id)):
        raise NeedsPerson(call.say("error.not_found"))
    return invoice


def is_seen(call: Call, customer: Customer) -> bool:
    """Whether this person sees the customer: a sales person only those that it manages."""
    only_of = call.actor.only_of
    return only_of is None or (bool(only_of) and (customer.account_manager or "").lower() == only_of.lower())


def dossier_file(call: Call) -> Response:
    with call.desk.database.read() as session:
        invoice = _invoice(session, call)
        content = dossier.dossier(session, invoice, call.desk.settings, call.now)
        name = dossier.filename(invoice)
    return download(content, name)


def document_file(call: Call) -> Response:
    number = call.path("number")
    with call.desk.database.read() as session:
        invoice = _invoice(session, call)
        document = session.get(Document, int(number)) if number.isdecimal() and len(number) < 18 else None
        if document is None or document.invoice_id != invoice.id:
            raise NeedsPerson(call.say("error.not_found"))
        return download(session.get_one(Blob, document.sha256).content, document.filename)


def why_page(call: Call) -> Response:
    """Why a mail was taken as it was, in words."""
    with call.desk.database.read() as session:
        message = session.get_one(Message, message_of(call).id)
        told = explain.explain(session, message)
        mail = mail_of(session, message)
        customer = session.get(Customer, message.customer_id) if message.customer_id is not None else None
    return call.show("why.html.j2", told=told, mail=mail, customer=customer)


# --- by hand ---------------------------------------------------------------------------------------------------------


def log(call: Call) -> Response:
    """A call, a note, a promise, a dispute, a hold or its release, for a customer or one of its invoices."""
    form, settings = call.form, call.desk.settings
    kind, text = form.get("kind", ""), form.get("text", "").strip()[:4000]
    number = form.get("invoice") or None
    deed = byhand.Deed(call.actor.name, call.now)
    with call.desk.database.write() as session:
        on = byhand.target(session, number, None if number else form.get("customer"))
        if not is_seen(call, on.customer):
            raise NeedsPerson(call.say("error.not_found"))
        match kind:
            case "call" | "note":
                if not text:
                    raise NeedsPerson(call.say("log.needs_text"))
                byhand.note(session, on, kind, text, deed)
            case "promise":
                byhand.log_promise(session, on, _needed_day(call), _amount(call), deed, settings)
            case "dispute":
                byhand.log_dispute(session, on, form.get("dispute_reason", ""), _amount(call), deed, settings)
            case "hold":
                byhand.hold(session, on, text or call.say("log.no_reason"), _day(call), deed, settings)
            case "release":
                byhand.release(session, on, deed)
            case "verdict":
                ending = next((one for one in VERDICTS if one.value == form.get("verdict")), None)
                if ending is None or on.invoice is None:
                    raise NeedsPerson(call.say("item.choose_verdict"))
                byhand.settle_disputes(session, on.invoice, ending, deed)
            case _:
                raise NeedsPerson(call.say("error.not_found"))
        if text and kind in ("promise", "dispute"):
            byhand.note(session, on, kind, text, deed)
    back = f"/invoices/{number}" if number else f"/customers/{form.get('customer', '')}"
    return call.go(back, call.say("log.done"))


def _day(call: Call) -> date | None:
    text = call.form.get("day", "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise NeedsPerson(call.say("error.no_day", text=text)) from None


def _needed_day(call: Call) -> date:
    day = _day(call)
    if day is None:
        raise NeedsPerson(call.say("error.no_day", text=""))
    return day


def _amount(call: Call) -> Decimal | None:
    text = call.form.get("amount", "").strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise NeedsPerson(call.say("error.no_amount", text=text)) from None
    if not amount.is_finite() or amount != amount.quantize(Decimal("0.01")):
        raise NeedsPerson(call.say("error.no_amount", text=text))
    return amount
