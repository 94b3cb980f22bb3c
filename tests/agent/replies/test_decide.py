"""What is done with an answer: for each rule a case that it stops, and the nearest one that passes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agent.inbound.values import AutoReply, Bounce, BounceReason, Kind
from agent.replies.decide import RULES, decide
from agent.replies.values import (
    Action,
    MarkAway,
    MarkDead,
    OpenDispute,
    RecordPromise,
    ReportPaid,
    TakeNote,
)
from classifier.values import Promised
from models.reasons import ExceptionReason as Why
from models.states import InvoiceState
from tests.builders.replies import CONTACT, at_hand, case, policy, prediction

PAID: tuple[Action, ...] = (ReportPaid(1),)


@pytest.mark.parametrize(
    ("primary", "actions"),
    [
        ("paid", PAID),
        ("promise", (RecordPromise(1, date(2026, 3, 20), None),)),
        ("dispute", (OpenDispute(1, "quality"),)),
    ],
)
def test_a_plain_answer_of_a_proven_contact_is_applied_without_a_person(primary: str, actions: Any) -> None:
    verdict = decide(case(prediction=prediction(primary)), policy())
    assert (verdict.rule, verdict.actions) == ("automatic", actions)
    assert not verdict.is_queued


def test_a_dispute_pauses_by_itself_and_asks_a_person_in_the_same_breath() -> None:
    verdict = decide(case(prediction=prediction("dispute")), policy())
    assert verdict.queue is not None
    assert verdict.queue.reason is Why.DISPUTE
    assert verdict.queue.holds


# For each rule: what trips it, and the nearest case that it lets pass.
TRIPS: dict[str, tuple[dict[str, Any], dict[str, Any], Why]] = {
    "colleague": ({"is_colleague": True}, {"is_colleague": False}, Why.COLLEAGUE_WROTE),
    "several_customers": ({"in_conflict": True}, {"in_conflict": False}, Why.SEVERAL_CUSTOMERS),
    "reused_id": ({"reuses_an_id": True}, {"reuses_an_id": False}, Why.REUSED_MESSAGE_ID),
    "cut": ({"is_cut": True}, {"is_cut": False}, Why.UNREADABLE),
    "not_threaded": ({"is_proven": False}, {"is_proven": True}, Why.NOT_THREADED),
    "unknown_sender": ({"standing": replace(CONTACT, known=False)}, {"standing": CONTACT}, Why.UNKNOWN_SENDER),
    "unauthenticated": (
        {"standing": replace(CONTACT, authenticated=False)},
        {"standing": CONTACT},
        Why.UNAUTHENTICATED,
    ),
    "no_prediction": ({"prediction": None}, {}, Why.LOW_CONFIDENCE),
    "always_a_persons": ({"prediction": prediction(rule="insolvency")}, {}, Why.RULE),
    "question": ({"prediction": prediction("question")}, {}, Why.QUESTION),
    "other": ({"prediction": prediction("other")}, {}, Why.OTHER),
    "undated_promise": (
        {"prediction": prediction("promise", promise_date=None)},
        {"prediction": prediction("promise")},
        Why.PROMISE_UNDATED,
    ),
    "instalments": (
        {
            "prediction": prediction(
                "promise",
                promised=(
                    Promised(date(2026, 3, 20), Decimal(50), "EUR"),
                    Promised(date(2026, 3, 27), Decimal(50), "EUR"),
                ),
            )
        },
        {"prediction": prediction("promise", promised=(Promised(date(2026, 3, 20), Decimal(50), "EUR"),))},
        Why.INSTALMENTS,
    ),
    "unsure": ({"prediction": prediction(automatic=False)}, {}, Why.LOW_CONFIDENCE),
    "promise_date": (
        {"prediction": prediction("promise", promise_date=date(2026, 4, 10))},
        {"prediction": prediction("promise", promise_date=date(2026, 4, 9))},
        Why.PROMISE_TOO_FAR,
    ),
    "unclear_part": (
        {"prediction": prediction("promise", promised_amount=Decimal(40), promised_currency="USD")},
        {"prediction": prediction("promise", promised_amount=Decimal(40), promised_currency="EUR")},
        Why.PROMISE_PART,
    ),
    "hinted_at": ({"hinted_at": ("FA-2026-0312",)}, {"hinted_at": ()}, Why.LOW_CONFIDENCE),
    "no_invoice": (
        {"invoices": (at_hand(is_closed=True),)},
        {"invoices": (at_hand(is_closed=False),)},
        Why.NOTHING_OPEN,
    ),
    "mode": ({"policy": {"mode": "suggest"}}, {"policy": {"mode": "automatic"}}, Why.SUGGESTED),
}


def verdict_of(changes: dict[str, Any]) -> Any:
    changes = dict(changes)
    settings = changes.pop("policy", {})
    return decide(case(**changes), policy(**settings))


@pytest.mark.parametrize("rule", list(TRIPS))
def test_each_rule_asks_a_person_and_moves_nothing(rule: str) -> None:
    trips, _, reason = TRIPS[rule]
    verdict = verdict_of(trips)
    assert (verdict.rule, verdict.actions) == (rule, ())
    assert verdict.queue.reason is reason


@pytest.mark.parametrize("rule", list(TRIPS))
def test_the_nearest_case_of_each_rule_is_applied(rule: str) -> None:
    assert verdict_of(TRIPS[rule][1]).rule == "automatic"


def test_every_rule_has_its_pair_of_cases() -> None:
    assert {rule.name for rule in RULES} == set(TRIPS)


def test_authentication_may_be_waived_by_the_operator_but_the_sender_must_be_known() -> None:
    forged = replace(CONTACT, authenticated=False)
    assert decide(case(standing=forged), policy(require_authentication=False)).actions == PAID
    stranger = replace(forged, known=False)
    assert decide(case(standing=stranger), policy(require_authentication=False)).actions == ()


def test_a_bank_account_number_is_always_a_persons() -> None:
    verdict = decide(case(mentions_iban=True), policy())
    assert (verdict.rule, verdict.queue.reason if verdict.queue else None) == ("always_a_persons", Why.RULE)


def test_a_promise_for_a_day_before_the_mail_was_written_is_asked_about() -> None:
    verdict = decide(case(prediction=prediction("promise", promise_date=date(2026, 3, 9))), policy())
    assert verdict.queue is not None
    assert verdict.queue.reason is Why.PROMISE_PAST


def test_observe_says_what_it_would_do_and_does_nothing() -> None:
    verdict = decide(case(), policy(mode="observe"))
    assert (verdict.actions, verdict.proposed) == ((), PAID)


def test_each_invoice_gets_its_own_intent() -> None:
    said = prediction("promise", per_invoice={"FA-1": "paid", "FA-2": "promise"})
    both = (at_hand(), at_hand(id=2, number="FA-2"))
    verdict = decide(case(prediction=said, invoices=both), policy())
    assert verdict.actions == (ReportPaid(1), RecordPromise(2, date(2026, 3, 20), None))


def test_several_invoices_and_no_word_which_is_a_persons() -> None:
    both = (at_hand(), at_hand(id=2, number="FA-2"))
    verdict = decide(case(invoices=both), policy())
    assert (verdict.rule, verdict.actions) == ("no_invoice", ())


def test_an_invoice_that_has_closed_meanwhile_is_left_alone() -> None:
    said = prediction(per_invoice={"FA-1": "paid", "FA-2": "paid"})
    both = (at_hand(is_closed=True), at_hand(id=2, number="FA-2"))
    assert decide(case(prediction=said, invoices=both), policy()).actions == (ReportPaid(2),)


@pytest.mark.parametrize(
    ("primary", "state", "rule"),
    [
        ("paid", InvoiceState.PAID, "automatic"),
        ("paid", InvoiceState.CREDITED, "automatic"),
        ("paid", InvoiceState.IN_COLLECTION, "no_invoice"),
        ("promise", InvoiceState.PAID, "no_invoice"),
        ("dispute", InvoiceState.PAID, "no_invoice"),
    ],
)
def test_a_paid_that_crosses_its_own_payment_is_taken_note_of(primary: str, state: InvoiceState, rule: str) -> None:
    settled = (at_hand(is_closed=True, state=state),)
    verdict = decide(case(prediction=prediction(primary), invoices=settled), policy())
    assert (verdict.rule, verdict.queue is None) == (rule, rule == "automatic")


def test_a_part_promised_is_recorded_as_a_part() -> None:
    said = prediction("promise", promised_amount=Decimal(40), promised_currency="EUR")
    assert decide(case(prediction=said), policy()).actions == (RecordPromise(1, date(2026, 3, 20), Decimal(40)),)


def test_once_a_person_released_a_stranger_the_next_one_is_queued_but_holds_no_more() -> None:
    forged = replace(CONTACT, authenticated=False)
    first = decide(case(standing=forged), policy())
    later = decide(case(standing=forged, strangers_hold_no_more=True), policy())
    assert first.queue is not None
    assert later.queue is not None
    assert (first.queue.holds, later.queue.holds) == (True, False)


def bounce(**changes: Any) -> Bounce:
    value = Bounce(
        permanent=True,
        recipient="compta@dupont.example",
        status="5.1.1",
        reason=BounceReason.DEAD_ADDRESS,
        original_message_id="<r.x@y>",
    )
    return replace(value, **changes)


@pytest.mark.parametrize(
    ("changes", "is_proven", "rule", "actions"),
    [
        ({}, True, "dead_address", (MarkDead("compta@dupont.example"),)),
        ({}, False, "bounce_unproven", ()),
        ({"reason": BounceReason.MAILBOX_FULL, "status": "5.2.2"}, True, "undelivered", ()),
        ({"reason": BounceReason.SPAM, "status": "5.7.1"}, True, "undelivered", ()),
        ({"permanent": False, "reason": BounceReason.DELAYED}, True, "delayed", (TakeNote(),)),
    ],
)
def test_only_a_dead_address_stops_mails_to_it(
    changes: dict[str, Any], is_proven: bool, rule: str, actions: tuple[Action, ...]
) -> None:
    message = case(kind=Kind.BOUNCE, bounce=bounce(**changes), prediction=None, is_proven=is_proven)
    verdict = decide(message, policy())
    assert (verdict.rule, verdict.actions) == (rule, actions)


def absence(**changes: Any) -> Any:
    return case(kind=Kind.AUTO_REPLY, auto_reply=AutoReply(date(2026, 3, 16), None), prediction=None, **changes)


def test_an_absence_moves_mails_to_that_contact_and_no_state() -> None:
    assert decide(absence(), policy()).actions == (MarkAway("compta@dupont.example", date(2026, 3, 16)),)


def test_an_absence_moves_mails_by_fifteen_working_days_at_most() -> None:
    far = policy(absence_at_most_until=date(2026, 3, 12))
    assert decide(absence(), far).actions == (MarkAway("compta@dupont.example", date(2026, 3, 12)),)


def test_a_strangers_absence_moves_nothing() -> None:
    assert decide(absence(is_proven=False), policy()).actions == (TakeNote(),)


@pytest.mark.parametrize("kind", [Kind.BOUNCE, Kind.AUTO_REPLY])
def test_nothing_that_a_machine_wrote_changes_an_invoice(kind: Kind) -> None:
    message = case(kind=kind, bounce=bounce(), auto_reply=AutoReply(None, None), prediction=prediction("paid"))
    actions = decide(message, policy()).actions
    assert not any(isinstance(a, ReportPaid | RecordPromise | OpenDispute) for a in actions)


def test_a_colleagues_mail_to_nobody_who_owes_asks_nobody() -> None:
    elsewhere = case(is_colleague=True, customer_id=None, is_proven=False, invoices=(), prediction=None)
    assert decide(elsewhere, policy()).actions == (TakeNote(),)
    assert decide(case(is_colleague=True, is_proven=False), policy()).queue is not None


@pytest.mark.parametrize("trip", ["reuses_an_id", "is_cut"])
def test_a_released_stranger_holds_no_more_by_other_tricks_either(trip: str) -> None:
    forged = replace(CONTACT, authenticated=False)
    verdict = decide(case(standing=forged, strangers_hold_no_more=True, **{trip: True}), policy())
    assert verdict.queue is not None
    assert not verdict.queue.holds
