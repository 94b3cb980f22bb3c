"""Customers, invoices, mails, what goes out, and figures by API."""

from __future__ import annotations

from decimal import Decimal

from pydantic_core import to_jsonable_python

from agent.replies import explain
from agent.reports import asking
from agent.reports.asking import Wish
from agent.reports.tables import By
from agent.review import debtors, deeds, outgoing
from agent.review.api import values
from agent.review.api.frame import Ask
from agent.review.api.problems import Problem
from agent.review.api.shown import invoice_told, moment_told
from models import Customer
from models.states import DisputeState

MOMENTS = 200


def customers(ask: Ask) -> values.CustomersPage:
    query: values.CustomersQuery = ask.query
    found = debtors.customers(ask.session, ask.actor, query.text.strip(), query.after, query.limit)
    rows = tuple(
        _customer(row, found.counts.get(row.id, 0), found.sums.get(row.id, {})).model_copy(
            update={"oldest_due_date": found.oldest.get(row.id)}
        )
        for row in found.rows
    )
    return values.CustomersPage(customers=rows, next=found.next)


def _customer(row: Customer, count: int, balance: dict[str, Decimal]) -> values.Customer:
    return values.Customer(
        id=row.id, name=row.name, email=row.email, language=row.language, country=row.country, segment=row.segment,
        account_manager=row.account_manager, open_invoices=count, balance=balance, oldest_due_date=None,
    )  # fmt: skip


def customer(ask: Ask) -> values.CustomerStory:
    view = debtors.customer_view(ask.session, ask.actor, str(ask.path["id"]), ask.desk.settings, ask.now)
    summary = view.summary
    open_dates = [one.due_date for one in view.invoices if one.balance > 0]
    told = _customer(view.customer, summary.open_invoices, summary.balance)
    return values.CustomerStory(
        customer=told.model_copy(update={"oldest_due_date": min(open_dates, default=None)}),
        contacts=tuple(to_jsonable_python(dict(one)) for one in summary.contacts),
        hold=to_jsonable_python(summary.hold) if summary.hold is not None else None,
        invoices=tuple(invoice_told(one) for one in view.invoices),
        timeline=tuple(moment_told(one) for one in view.moments[:MOMENTS]),
    )


def invoices(ask: Ask) -> values.InvoicesPage:
    query: values.InvoicesQuery = ask.query
    rows, following = debtors.invoices(
        ask.session, ask.actor, ask.desk.settings, ask.now, customer=query.customer, state=query.state,
        after=query.after, size=query.limit,
    )  # fmt: skip
    return values.InvoicesPage(invoices=tuple(invoice_told(one) for one in rows), next=following)


def invoice(ask: Ask) -> values.InvoiceStory:
    view = debtors.invoice_view(ask.session, ask.actor, str(ask.path["number"]), ask.desk.settings, ask.now)
    return values.InvoiceStory(
        invoice=invoice_told(view.shown),
        customer_name=view.customer.name,
        promises=tuple(values.PromiseTold.model_validate(one) for one in view.promises),
        disputes=tuple(values.DisputeTold.model_validate(one) for one in view.disputes),
        documents=tuple(one.filename for one in view.documents),
        timeline=tuple(moment_told(one) for one in view.moments[:MOMENTS]),
    )


def why(ask: Ask) -> values.Why:
    message = debtors.message_of(ask.session, ask.actor, ask.path["number"])
    told = explain.explain(ask.session, message)
    names = values.Why.model_fields
    return values.Why.model_validate({name: told[name] for name in names})


def write_down(ask: Ask) -> values.Done:
    body: values.Line = ask.body
    if (body.invoice is None) == (body.customer is None):
        raise Problem(422, "one of invoice and customer is expected")
    if body.kind in ("call", "note", "hold") and not body.text.strip():
        raise Problem(422, errors=[{"at": "body.text", "detail": f"a {body.kind} needs a text"}])
    if body.kind == "dispute" and body.dispute_reason is None:
        raise Problem(422, errors=[{"at": "body.dispute_reason", "detail": "a dispute needs its reason"}])
    line = deeds.Line(
        kind=body.kind, text=body.text.strip(), invoice=body.invoice, customer=body.customer, day=body.day,
        amount=Decimal(body.amount) if body.amount is not None else None, dispute_reason=body.dispute_reason or "",
        verdict=DisputeState(body.verdict) if body.verdict is not None else None,
    )  # fmt: skip
    deeds.write_down(ask.session, ask.actor, line, ask.desk.settings, ask.now)
    return values.Done(effects=(values.Effect(code="logged", sentence=f"the {body.kind} is written down"),))


# --- what goes out ---------------------------------------------------------------------------------------------------


def going_out(ask: Ask) -> values.Outgoing:
    found = outgoing.today(ask.desk.database, ask.desk.settings, ask.now, ask.actor.only_of)
    with ask.desk.database.read() as session:
        stops = outgoing.stops(session)
    planned = [
        values.Planned(
            customer=one.customer.id, step=one.step.name, currency=one.currency,
            invoices=tuple(line.invoice.number for line in one.lines),
        )
        for plan in found.plans for one in plan.reminders
    ]  # fmt: skip
    left_out = [
        values.LeftOut(invoice=one.invoice_number, customer=one.customer_id, reason=one.reason.value, detail=one.detail)
        for one in found.left_out
    ]
    return values.Outgoing(
        stops=tuple(values.Stop.model_validate(one) for one in stops), planned=tuple(planned),
        left_out=tuple(left_out), reasons=dict(found.reasons),
    )  # fmt: skip


def calendar(ask: Ask) -> values.Calendar:
    days = outgoing.calendar(ask.session, ask.desk.settings, ask.now, ask.actor.only_of, ask.query.days)
    return values.Calendar(
        steps=tuple(
            values.Ahead(
                on=day, customer=one.customer_id, name=one.name, step=one.step, invoices=one.invoices,
                amounts=one.amounts,
            )
            for day, ahead in days.items() for one in ahead
        )
    )  # fmt: skip


def stop_all(ask: Ask) -> values.Stops:
    outgoing.stop_all(ask.session, ask.body.reason[:500], ask.actor.name, ask.now)
    return _stops(ask)


def resume_all(ask: Ask) -> values.Stops:
    outgoing.resume_all(ask.session, ask.actor.name, ask.now)
    return _stops(ask)


def _stops(ask: Ask) -> values.Stops:
    ask.session.flush()
    return values.Stops(stops=tuple(values.Stop.model_validate(one) for one in outgoing.stops(ask.session)))


# --- figures ---------------------------------------------------------------------------------------------------------


def figures(ask: Ask) -> values.Figures:
    """One table; whoever sees their own customers only gets theirs, whatever is asked for."""
    query: values.FiguresQuery = ask.query
    wish = Wish(
        start=query.since, end=query.to, by=By(query.by) if query.by is not None else None, customer=query.customer,
        segment=query.segment, owner=ask.actor.only_of if ask.actor.only_of is not None else query.owner,
    )  # fmt: skip
    (table,) = asking.tables(ask.session, ask.desk.settings, ask.now, [str(ask.path["name"])], wish)
    return values.Figures(
        name=table.name, start=table.period.start, end=table.period.end,
        rows=tuple(to_jsonable_python(row) for row in table.as_objects()),
    )  # fmt: skip
