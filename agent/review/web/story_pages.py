"""Customers and invoices: where each stands, its story, and what a person writes down by hand."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import zip_longest

from starlette.responses import Response

from agent.ledger.addresses import WRONG
from agent.ledger.byhand import Instalment
from agent.ledger.freshness import promise_deadline
from agent.replies import explain
from agent.review import debtors, deeds, files
from agent.review.conversation import mail_of
from agent.review.deeds import VERDICTS
from agent.review.web.frame import Call, number_of
from agent.review.web.mail_pages import message_of
from classifier.labels import DISPUTE_REASONS
from config.errors import NeedsPerson
from models import Customer, Message
from models.states import CLOSED


def customers_page(call: Call) -> Response:
    """Customers by name, from a name on: the next page begins behind the last one of this."""
    text, after = call.query.get("text", "").strip()[:100], call.query.get("after", "")[:256]
    with call.desk.database.read() as session:
        found = debtors.customers(session, call.actor, text, after)
    return call.show(
        "customers.html.j2", rows=found.rows, sums=found.sums, counts=found.counts, oldest=found.oldest, text=text,
        last=found.next,
    )  # fmt: skip


def customer_page(call: Call) -> Response:
    with call.desk.database.read() as session:
        view = debtors.customer_view(session, call.actor, call.path("customer"), call.desk.settings, call.now)
    open_ones = [row for row in view.invoices if row.state not in {state.value for state in CLOSED}]
    closed = [row for row in reversed(view.invoices) if row.state in {state.value for state in CLOSED}]
    return call.show(
        "customer.html.j2", customer=view.customer, summary=view.summary, open=open_ones, closed=closed,
        contacts=view.contacts, moments=view.moments[:200], more=max(0, len(view.moments) - 200),
        dispute_reasons=DISPUTE_REASONS, invoice=None, wrong_reasons=WRONG,
    )  # fmt: skip


def invoice_page(call: Call) -> Response:
    desk = call.desk
    with desk.database.read() as session:
        view = debtors.invoice_view(session, call.actor, call.path("invoice"), desk.database, desk.settings, call.now)
    return call.show(
        "invoice.html.j2", invoice=view.invoice, shown=view.shown, customer=view.customer, moments=view.moments,
        promises=view.promises, disputes=view.disputes, documents=view.documents, dispute_reasons=DISPUTE_REASONS,
        verdicts=VERDICTS, prospect=view.prospect,
        deadlines={one.id: promise_deadline(one.date, desk.settings) for one in view.promises},
    )  # fmt: skip


def dossier_file(call: Call) -> Response:
    with call.desk.database.read() as session:
        return files.response(
            files.dossier_of(session, call.actor, call.path("invoice"), call.desk.settings, call.now)
        )  # fmt: skip


def document_file(call: Call) -> Response:
    with call.desk.database.read() as session:
        return files.response(files.document(session, call.actor, call.path("invoice"), number_of(call)))


def why_page(call: Call) -> Response:
    """Why a mail was taken as it was, in words."""
    with call.desk.database.read() as session:
        message = session.get_one(Message, message_of(call).id)
        told = explain.explain(session, message, call.tongue)
        mail = mail_of(session, message)
        customer = session.get(Customer, message.customer_id) if message.customer_id is not None else None
    return call.show("why.html.j2", told=told, mail=mail, customer=customer)


# --- by hand ---------------------------------------------------------------------------------------------------------


def log(call: Call) -> Response:
    """What was said or agreed, of a customer or one of its invoices: a call, a promise, a payment plan, a dispute …"""
    form = call.form
    kind, text = form.get("kind", ""), form.get("text", "").strip()[:4000]
    number = form.get("invoice") or None
    if kind in ("call", "note") and not text:
        raise NeedsPerson(call.say("log.needs_text"))
    ending = next((one for one in VERDICTS if one.value == form.get("verdict")), None)
    if kind == "verdict" and (ending is None or number is None):
        raise NeedsPerson(call.say("item.choose_verdict"))
    line = deeds.Line(
        kind=kind,
        text=text or (call.say("log.no_reason") if kind == "hold" else ""),
        invoice=number,
        customer=form.get("customer"),
        day=call.needed_day("day") if kind in ("promise", "insolvent") else call.day("day"),
        amount=amount_of(call, form.get("amount", "")),
        dispute_reason=form.get("dispute_reason", ""),
        verdict=ending,
        invoices=tuple(call.lists.get("covers", ())),
        instalments=_instalments(call) if kind == "plan" else (),
        address=form.get("address") or None,
        new_contact=form.get("new_contact", "").strip() or None,
    )
    with call.desk.database.write() as session:
        deeds.write_down(session, call.actor, line, call.desk.settings, call.now)
    back = f"/invoices/{number}" if number else f"/customers/{form.get('customer', '')}"
    return call.go(back, call.say("log.done"))


def _instalments(call: Call) -> tuple[Instalment, ...]:
    """The lines of the plan that were filled in. Raises NeedsPerson where one lacks its day or its amount."""
    found = []
    lines = zip_longest(call.lists.get("part_day", ()), call.lists.get("part_amount", ()), fillvalue="")
    for at, (day, written) in enumerate(lines, start=1):
        on, amount = call.day_in(day), amount_of(call, written)
        if on is not None and amount is not None:
            found.append(Instalment(on, amount))
        elif on is not None or amount is not None:
            raise NeedsPerson(call.say("log.plan_half", n=at))
    return tuple(found)


def amount_of(call: Call, written: str) -> Decimal | None:
    """An amount as people write it; None where the field is empty. Raises NeedsPerson where it is none."""
    text = written.strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise NeedsPerson(call.say("error.no_amount", text=text)) from None
    if not amount.is_finite() or amount != amount.quantize(Decimal("0.01")):
        raise NeedsPerson(call.say("error.no_amount", text=text))
    return amount
