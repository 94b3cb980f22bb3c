"""Customers, invoices, mails, what is written down by hand, and what goes out, by API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic_core import to_jsonable_python

from agent.ledger.byhand import Instalment
from agent.replies import explain
from agent.review import debtors, deeds, outgoing
from agent.review.api import given, told
from agent.review.api.frame import Ask
from agent.review.api.problems import Problem
from agent.review.api.shown import invoice_told, moment_told
from models import Customer
from models.states import DisputeState

MOMENTS = 200


def customers(ask: Ask) -> told.CustomersPage:
    query: given.CustomersQuery = ask.query
    found = debtors.customers(ask.session, ask.actor, query.text.strip(), query.after, query.limit)
    rows = tuple(
        _customer(row, found.counts.get(row.id, 0), found.sums.get(row.id, {})).model_copy(
            update={"oldest_due_date": found.oldest.get(row.id)}
        )
        for row in found.rows
    )
    return told.CustomersPage(customers=rows, next=found.next)


def _customer(row: Customer, count: int, balance: dict[str, Decimal]) -> told.Customer:
    return told.Customer(
        id=row.id, name=row.name, email=row.email, language=row.language, country=row.country, segment=row.segment,
        account_manager=row.account_manager, open_invoices=count, balance=balance, oldest_due_date=None,
    )  # fmt: skip


def customer(ask: Ask) -> told.CustomerStory:
    view = debtors.customer_view(ask.session, ask.actor, str(ask.path["id"]), ask.desk.settings, ask.now)
    summary = view.summary
    open_dates = [one.due_date for one in view.invoices if one.balance > 0]
    shown = _customer(view.customer, summary.open_invoices, summary.balance)
    return told.CustomerStory(
        customer=shown.model_copy(update={"oldest_due_date": min(open_dates, default=None)}),
        contacts=tuple(to_jsonable_python(dict(one)) for one in summary.contacts),
        hold=to_jsonable_python(summary.hold) if summary.hold is not None else None,
        invoices=tuple(invoice_told(one) for one in view.invoices),
        timeline=tuple(moment_told(one) for one in view.moments[:MOMENTS]),
    )


def invoices(ask: Ask) -> told.InvoicesPage:
    query: given.InvoicesQuery = ask.query
    rows, following = debtors.invoices(
        ask.session, ask.actor, ask.desk.settings, ask.now, customer=query.customer, state=query.state,
        after=query.after, size=query.limit,
    )  # fmt: skip
    return told.InvoicesPage(invoices=tuple(invoice_told(one) for one in rows), next=following)


def invoice(ask: Ask) -> told.InvoiceStory:
    number, desk = str(ask.path["number"]), ask.desk
    view = debtors.invoice_view(ask.session, ask.actor, number, desk.database, desk.settings, ask.now)
    kept_back = view.prospect.left_out
    return told.InvoiceStory(
        invoice=invoice_told(view.shown),
        customer_name=view.customer.name,
        plan=view.prospect.plan,
        plan_day=view.prospect.day,
        kept_back=told.KeptBack(reason=kept_back.reason.value, detail=kept_back.detail, items=view.prospect.items)
        if kept_back is not None
        else None,
        promises=tuple(told.PromiseTold.model_validate(one) for one in view.promises),
        disputes=tuple(told.DisputeTold.model_validate(one) for one in view.disputes),
        documents=tuple(told.Document.model_validate(one) for one in view.documents),
        timeline=tuple(moment_told(one) for one in view.moments[:MOMENTS]),
    )


def why(ask: Ask) -> told.Why:
    message = debtors.message_of(ask.session, ask.actor, ask.path["number"])
    found = explain.explain(ask.session, message)
    return told.Why.model_validate({name: found[name] for name in told.Why.model_fields})


_NEEDS: Mapping[str, Mapping[str, str]] = {
    "call": {"text": "a call needs a text"},
    "note": {"text": "a note needs a text"},
    "hold": {"text": "a hold needs a text"},
    "promise": {"day": "a promise needs its day"},
    "plan": {"instalments": "a payment plan needs its instalments"},
    "dispute": {"dispute_reason": "a dispute needs its reason"},
    "verdict": {"verdict": "how the dispute ends has to be said", "invoice": "a verdict is on one invoice"},
    "insolvent": {"day": "an insolvency needs the day of its judgment", "text": "an insolvency needs its source"},
    "solvent": {"text": "the end of an insolvency needs its source"},
    "stop_mails": {"text": "that mails stop needs its reason"},
    "wrong_person": {"address": "which address is the wrong one has to be said"},
    "left_company": {"address": "which address is the wrong one has to be said"},
    "contact_right": {"address": "which address is right after all has to be said"},
}
"""What each kind of line can't be without."""


def write_down(ask: Ask) -> told.Done:
    body: given.Line = ask.body
    if (body.invoice is None) == (body.customer is None):
        raise Problem(422, "one of invoice and customer is expected")
    for name, needed in _NEEDS.get(body.kind, {}).items():
        value = getattr(body, name)
        if value is None or value == () or (isinstance(value, str) and not value.strip()):
            raise Problem(422, errors=[{"at": f"body.{name}", "detail": needed}])
    line = deeds.Line(
        kind=body.kind, text=body.text.strip(), invoice=body.invoice, customer=body.customer, day=body.day,
        amount=Decimal(body.amount) if body.amount is not None else None, dispute_reason=body.dispute_reason or "",
        verdict=DisputeState(body.verdict) if body.verdict is not None else None, invoices=body.invoices,
        instalments=tuple(Instalment(one.day, Decimal(one.amount)) for one in body.instalments),
        address=body.address, new_contact=body.new_contact,
    )  # fmt: skip
    deeds.write_down(ask.session, ask.actor, line, ask.desk.settings, ask.now)
    return told.Done(effects=(told.Effect(code="logged", sentence=f"the {body.kind} is written down"),))


# --- what goes out ---------------------------------------------------------------------------------------------------


def going_out(ask: Ask) -> told.Outgoing:
    found = ask.desk.outgoing(ask.actor.only_of, ask.now)
    with ask.desk.database.read() as session:
        stops = outgoing.stops(session)
    planned = [
        told.Planned(
            customer=one.customer.id, step=one.step.name, currency=one.currency,
            invoices=tuple(line.invoice.number for line in one.lines),
        )
        for plan in found.plans for one in plan.reminders
    ]  # fmt: skip
    left_out = [
        told.LeftOut(invoice=one.invoice_number, customer=one.customer_id, reason=one.reason.value, detail=one.detail)
        for one in found.left_out
    ]
    return told.Outgoing(
        stops=tuple(told.Stop.model_validate(one) for one in stops), planned=tuple(planned),
        left_out=tuple(left_out), reasons=dict(found.reasons),
    )  # fmt: skip


def calendar(ask: Ask) -> told.Calendar:
    days = outgoing.calendar(ask.desk.database, ask.desk.settings, ask.now, ask.actor.only_of, ask.query.days)
    return told.Calendar(
        steps=tuple(
            told.Ahead(
                on=day, customer=one.customer_id, name=one.name, step=one.step, invoices=one.invoices,
                amounts=one.amounts,
            )
            for day, ahead in days.items() for one in ahead
        )
    )  # fmt: skip


def stop_all(ask: Ask) -> told.Stops:
    outgoing.stop_all(ask.session, ask.body.reason[:500], ask.actor.name, ask.now)
    return _stops(ask)


def resume_all(ask: Ask) -> told.Stops:
    outgoing.resume_all(ask.session, ask.actor.name, ask.now)
    return _stops(ask)


def _stops(ask: Ask) -> told.Stops:
    ask.session.flush()
    return told.Stops(stops=tuple(told.Stop.model_validate(one) for one in outgoing.stops(ask.session)))
