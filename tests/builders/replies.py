"""Cases as judgement sees them, with honest defaults: a plain "we have paid" from a proven, authenticated contact."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from agent.inbound.standing import Standing
from agent.inbound.values import Kind
from agent.replies.values import Case, InvoiceAtHand, PolicyView
from classifier.values import Prediction
from models.states import InvoiceState

CONTACT = Standing(known=True, how="contact", authenticated=True, detail="a contact of the customer")


def prediction(primary: str = "paid", **changes: Any) -> Prediction:
    value = Prediction(
        id="1",
        primary=primary,
        intents={primary: 0.99},
        confidence=0.99,
        automatic=True,
        per_invoice={},
        promise_date=date(2026, 3, 20) if primary == "promise" else None,
        promised=(),
        promised_amount=None,
        promised_currency=None,
        paid_date=None,
        paid_amount=None,
        payment_method=None,
        payment_reference=None,
        dispute_reason="quality" if primary == "dispute" else None,
        question_topic="invoice_copy" if primary == "question" else None,
        other_reason="acknowledgement" if primary == "other" else None,
        language="fr",
        evidence=(),
        rule=None,
        model_version="test",
    )
    return replace(value, **changes)


def at_hand(**changes: Any) -> InvoiceAtHand:
    value = InvoiceAtHand(
        id=1,
        number="FA-1",
        balance=Decimal("100.00"),
        currency="EUR",
        state=InvoiceState.REMINDED,
        is_closed=False,
    )
    return replace(value, **changes)


def case(**changes: Any) -> Case:
    """Tuesday 10 March 2026; FA-1 was reminded."""
    value = Case(
        kind=Kind.HUMAN,
        bounce=None,
        auto_reply=None,
        is_colleague=False,
        reuses_an_id=False,
        has_return_path=False,
        is_cut=False,
        customer_id="C1",
        is_proven=True,
        in_conflict=False,
        standing=CONTACT,
        invoices=(at_hand(),),
        prediction=prediction(),
        mentions_iban=False,
        written_on=date(2026, 3, 10),
        today=date(2026, 3, 10),
        contact="compta@dupont.example",
        strangers_hold_no_more=False,
    )
    return replace(value, **changes)


def policy(**changes: Any) -> PolicyView:
    value = PolicyView(
        mode="automatic",
        require_authentication=True,
        promise_horizon_days=30,
        absence_at_most_until=date(2026, 3, 31),
    )
    return replace(value, **changes)
