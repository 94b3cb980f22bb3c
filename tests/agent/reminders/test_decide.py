"""Which reminders are due, and what speaks against each: tables over plain values, no database."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reminders.decide import FrozenLine, FrozenMail, lapsed, last_look, plan_customer, said_by
from agent.reminders.rules import CUSTOMER_RULES, MAIL_RULES
from agent.reminders.values import CustomerView, DoneStep, Hindrance, Recipient
from config.choice import Selector
from config.plans import Channel
from models.invoice import InvoiceKind
from models.states import InvoiceState
from tests.builders.reminders import STANDARD, at, customer, invoice, ledger, plan_settings

FRIENDLY, FIRM, LAST = "friendly_reminder", "firm_reminder", "last_reminder"
# FA-1 is due on Monday 2 March: friendly on Thursday the 5th, firm on the 12th, call on the 17th, last reminder on the
# 24th, formal notice on the 30th, hand-over on 1 April.


def steps(view: CustomerView, now: Any, **changes: Any) -> list[str]:
    return [r.step.name for r in plan_customer(view, ledger(**changes), plan_settings(), now).reminders]


def reasons(view: CustomerView, now: Any, **changes: Any) -> list[Hindrance]:
    return [x.reason for x in plan_customer(view, ledger(**changes), plan_settings(), now).left_out]


@pytest.mark.parametrize(
    ("day", "done", "expected"),
    [
        ("2026-03-04", "", []),
        ("2026-03-05", "", [FRIENDLY]),
        ("2026-03-06", "", [FRIENDLY]),
        ("2026-03-11", FRIENDLY, []),
        ("2026-03-12", FRIENDLY, [FIRM]),
        ("2026-03-16", f"{FRIENDLY} {FIRM}", []),
        ("2026-03-17", f"{FRIENDLY} {FIRM}", ["call"]),
        ("2026-03-23", f"{FRIENDLY} {FIRM} call", []),
        ("2026-03-24", f"{FRIENDLY} {FIRM} call", [LAST]),
        ("2026-03-30", f"{FRIENDLY} {FIRM} call {LAST}", ["formal_notice"]),
        ("2026-04-01", f"{FRIENDLY} {FIRM} call {LAST} formal_notice", ["hand_over"]),
        ("2026-05-04", f"{FRIENDLY} {FIRM} call {LAST} formal_notice hand_over", []),
    ],
)
def test_a_step_is_due_from_its_day_on_and_in_its_order(day: str, done: str, expected: list[str]) -> None:
    view = customer(invoice(steps_done=frozenset(done.split())))
    assert steps(view, at(day)) == expected


@pytest.mark.parametrize(("distance", "expected"), [(0, "2026-03-30"), (3, "2026-03-31"), (7, "2026-04-07")])
def test_a_formal_notice_may_ask_for_a_distance_from_the_last_mail(distance: int, expected: str) -> None:
    """The last reminder left late, on 28 March; the notice's own day is the 30th, and 6 April is Easter Monday."""
    notice = replace(STANDARD.step("formal_notice"), after_mail=distance)
    plan = replace(STANDARD, steps=tuple(notice if s.name == notice.name else s for s in STANDARD.steps))
    done = frozenset((FRIENDLY, FIRM, "call", LAST))
    view = customer(invoice(steps_done=done), last_mail_at={"EUR": at("2026-03-28")})
    settings = plan_settings(plans={"standard": plan})
    days = [date(2026, 3, 30) + timedelta(days=n) for n in range(14)]
    due = [d for d in days if plan_customer(view, ledger(), settings, at(d.isoformat())).reminders]
    assert due[0].isoformat() == expected


def test_who_wants_no_mails_is_called_in_their_place_about_all_that_is_late_and_the_plan_goes_on() -> None:
    young = invoice(id=2, number="FA-2", due_date=date(2026, 3, 9))
    view = customer(invoice(steps_done={FRIENDLY}), young, no_mail_since=date(2026, 3, 6))
    (planned,) = plan_customer(view, ledger(), plan_settings(), at("2026-03-12")).reminders
    assert (planned.step.name, planned.step.channel) == (FIRM, Channel.CALL)
    assert [(line.invoice.number, line.step) for line in planned.lines] == [("FA-1", FIRM), ("FA-2", FRIENDLY)]
    assert any("wants none since 2026-03-06" in note for note in planned.notes)
    assert not any("PDF" in note for note in planned.notes)


def test_calls_in_the_place_of_mails_keep_the_gap_of_mails() -> None:
    called = {"EUR": at("2026-04-02")}
    view = customer(invoice(steps_done={FRIENDLY}), no_mail_since=date(2026, 3, 6), last_mail_at=called)
    assert steps(view, at("2026-04-08")) == []
    assert steps(view, at("2026-04-09")) == [FIRM]


def test_nobody_who_wants_no_mails_is_called_about_what_is_not_due_yet() -> None:
    notice = replace(STANDARD.step(FRIENDLY), name="pre_due_notice", day=-5)
    settings = plan_settings(plans={"standard": replace(STANDARD, steps=(notice, *STANDARD.steps))})
    for wanted, expected in ((None, 1), (date(2026, 2, 1), 0)):
        view = customer(no_mail_since=wanted)
        plan = plan_customer(view, ledger(), settings, at("2026-02-27"))
        assert (len(plan.reminders), plan.left_out) == (expected, ())


THROUGH: dict[str, Any] = {"steps_done": [step.name for step in STANDARD.steps]}


@pytest.mark.parametrize(
    ("given", "about", "world", "expected"),
    [
        ({}, {}, {}, Hindrance.PLAN_ENDED),
        ({"state": InvoiceState.PROMISED, "promised_for": date(2026, 5, 20)}, {}, {}, Hindrance.PROMISED),
        ({"state": InvoiceState.DISPUTED}, {}, {}, Hindrance.DISPUTED),
        ({"state": InvoiceState.PAYMENT_REPORTED}, {}, {}, Hindrance.PAYMENT_REPORTED),
        ({"state": InvoiceState.BROKEN}, {}, {}, Hindrance.PLAN_ENDED),
        ({"held": "talking to them"}, {}, {}, Hindrance.HELD),
        ({"status": "refused"}, {}, {}, Hindrance.INVOICE_REFUSED),
        ({}, {"held": "talking to them"}, {}, Hindrance.CUSTOMER_HELD),
        ({}, {"insolvent_since": date(2026, 4, 1)}, {}, Hindrance.INSOLVENT),
        ({}, {"open_exceptions": (7,)}, {}, Hindrance.EXCEPTION_OPEN),
        ({}, {}, {"as_of": None}, Hindrance.LEDGER_STALE),
    ],
)
def test_after_the_last_step_what_speaks_against_reminding_is_named_before_the_end_of_the_plan(
    given: dict[str, Any], about: dict[str, Any], world: dict[str, Any], expected: Hindrance
) -> None:
    assert reasons(customer(invoice(**THROUGH, **given), **about), at("2026-05-04"), **world) == [expected]


@pytest.mark.parametrize("held", [None, "talking to them"])
def test_what_is_not_late_yet_and_has_no_step_is_not_left_out(held: str | None) -> None:
    view = customer(invoice(**THROUGH, due_date=date(2026, 5, 20), held=held))
    assert reasons(view, at("2026-05-04")) == []


def test_a_month_of_downtime_sends_the_first_step_and_not_all_of_them() -> None:
    assert steps(customer(), at("2026-04-02")) == [FRIENDLY]


def test_after_a_late_first_mail_the_second_waits_for_the_gap() -> None:
    view = customer(invoice(steps_done=frozenset({FRIENDLY})), last_mail_at={"EUR": at("2026-04-02")})
    assert steps(view, at("2026-04-08")) == []
    assert reasons(view, at("2026-04-08")) == [Hindrance.GAP]
    assert steps(view, at("2026-04-09")) == [FIRM]


def test_the_gap_does_not_count_for_a_call() -> None:
    view = customer(invoice(steps_done=frozenset({FRIENDLY, FIRM})), last_mail_at={"EUR": at("2026-03-16")})
    assert steps(view, at("2026-03-17")) == ["call"]


@pytest.mark.parametrize(
    ("day", "hour"),
    [("2026-03-07", "10:00"), ("2026-03-08", "10:00"), ("2026-03-05", "07:00"), ("2026-03-05", "19:00")],
)
def test_nothing_leaves_on_a_weekend_or_at_night(day: str, hour: str) -> None:
    assert steps(customer(), at(day, hour)) == []
    assert reasons(customer(), at(day, hour)) == [Hindrance.OUTSIDE_HOURS]


def test_working_hours_are_the_customers_own() -> None:
    abroad = customer(timezone="America/New_York", country="US")
    assert steps(abroad, at("2026-03-05", "10:00")) == []
    assert steps(abroad, at("2026-03-05", "16:00")) == [FRIENDLY]


def test_one_mail_lists_all_that_is_due_and_its_level_is_the_oldest_ones() -> None:
    old = invoice(id=1, number="FA-1", steps_done=frozenset({FRIENDLY}))
    young = invoice(id=2, number="FA-2", due_date=date(2026, 3, 9))
    (reminder,) = plan_customer(customer(young, old), ledger(), plan_settings(), at("2026-03-12")).reminders
    assert reminder.step.name == FIRM
    assert [(line.invoice.number, line.step) for line in reminder.lines] == [("FA-1", FIRM), ("FA-2", FRIENDLY)]
    assert reminder.total == Decimal("200.00")


def test_two_currencies_are_two_mails() -> None:
    view = customer(invoice(id=1), invoice(id=2, number="FA-2", currency="USD"))
    planned = plan_customer(view, ledger(), plan_settings(), at("2026-03-05")).reminders
    assert sorted(r.currency for r in planned) == ["EUR", "USD"]


def test_a_missing_pdf_is_told_and_does_not_hinder() -> None:
    view = customer(invoice(steps_done=frozenset({FRIENDLY})))
    (reminder,) = plan_customer(view, ledger(), plan_settings(), at("2026-03-12")).reminders
    assert reminder.notes == ("no PDF of FA-1 to attach",)


@pytest.mark.parametrize(
    ("approval", "owner", "note"),
    [
        ("none", "leo@morel.example", []),
        ("person", "leo@morel.example", ["leaves only on a person's word"]),
        ("sales_owner", "leo@morel.example", ["leaves only on the word of leo@morel.example"]),
        ("sales_owner", None, ["leaves only on a person's word, no sales owner is known"]),
    ],
)
def test_whose_word_a_step_asks_for_is_told_before_it_is_due(approval: Any, owner: str | None, note: list[str]) -> None:
    mine = replace(STANDARD, steps=(replace(STANDARD.steps[0], approval=approval), *STANDARD.steps[1:]))
    view = customer(account_manager=owner)
    (reminder,) = planned(view, at("2026-03-05"), plans={"standard": mine}).reminders
    assert list(reminder.notes) == note


def test_a_step_that_waits_for_a_word_is_not_said_to_be_on_its_way() -> None:
    due = invoice(steps_reserved=frozenset({FRIENDLY}))
    for waiting, told in (
        ({}, "step friendly_reminder is on its way"),
        ({FRIENDLY: None}, "step friendly_reminder waits for a person's word"),
        ({FRIENDLY: "leo@morel.example"}, "step friendly_reminder waits for the word of leo@morel.example"),
    ):
        (left,) = planned(customer(replace(due, steps_waiting=waiting)), at("2026-03-05")).left_out
        assert (left.reason, left.detail) == (Hindrance.ON_ITS_WAY, told)


@pytest.mark.parametrize(
    ("mailed", "told"),
    [
        # the plan leaves six days between the last reminder and the formal notice
        ("2026-05-03", ["the last mail left on 2026-05-03, 1 day(s) before this step, where the plan leaves 6"]),
        ("2026-05-02", ["the last mail left on 2026-05-02, 2 day(s) before this step, where the plan leaves 6"]),
        ("2026-05-01", []),
        (None, []),
    ],
)
def test_a_letter_soon_after_a_mail_that_left_late_says_so(mailed: str | None, told: list[str]) -> None:
    mails = {"EUR": at(mailed)} if mailed is not None else {}
    done = {step.name for step in STANDARD.steps[:4]}
    (notice,) = planned(customer(invoice(steps_done=done), last_mail_at=mails), at("2026-05-04")).reminders
    assert (notice.step.name, list(notice.notes)) == ("formal_notice", told)


STATES = [
    (InvoiceState.OPEN, None),
    (InvoiceState.REMINDED, None),
    (InvoiceState.BROKEN, None),
    (InvoiceState.PAYMENT_REPORTED, Hindrance.PAYMENT_REPORTED),
    (InvoiceState.PROMISED, Hindrance.PROMISED),
    (InvoiceState.DISPUTED, Hindrance.DISPUTED),
]


@pytest.mark.parametrize(("state", "hindrance"), STATES)
def test_who_says_paid_promised_or_disputed_is_not_chased(state: InvoiceState, hindrance: Hindrance | None) -> None:
    view = customer(invoice(state=state))
    assert reasons(view, at("2026-03-05")) == ([hindrance] if hindrance else [])
    assert steps(view, at("2026-03-05")) == ([] if hindrance else [FRIENDLY])


DEAD = Recipient("x@y.example", None, "billing", is_dead=True, away_until=None)
AWAY = Recipient("x@y.example", None, "billing", is_dead=False, away_until=date(2026, 3, 10))
COPY = Recipient("x@y.example", None, "cc", is_dead=False, away_until=None)

# For each rule the smallest view that trips it, and the nearest one that does not.
TRIPS: dict[Hindrance, tuple[dict[str, Any], dict[str, Any]]] = {
    Hindrance.LEDGER_STALE: ({"ledger": {"as_of": at("2026-02-26")}}, {"ledger": {"as_of": at("2026-03-02")}}),
    Hindrance.SENDING_STOPPED: ({"ledger": {"stops": ("stopped",)}}, {"ledger": {"stops": ()}}),
    Hindrance.NOT_ADOPTED: ({"ledger": {"is_bound_here": False}}, {"ledger": {"is_bound_here": True}}),
    Hindrance.INSOLVENT: ({"insolvent_since": date(2026, 3, 1)}, {"insolvent_since": None}),
    Hindrance.CUSTOMER_HELD: ({"held": "held by Anna"}, {"held": None}),
    Hindrance.EXCEPTION_OPEN: ({"open_exceptions": (7,)}, {"open_exceptions": ()}),
    Hindrance.MAIL_UNDECIDED: ({"undecided_mails": 1}, {"undecided_mails": 0}),
    Hindrance.COVERED_BY_CREDIT: ({"credit": "-100.00"}, {"credit": "-99.99"}),
    Hindrance.NO_ADDRESS: ({"recipients": (COPY,)}, {"recipients": (COPY, replace(COPY, role="billing"))}),
    Hindrance.ADDRESS_DEAD: ({"recipients": (DEAD,)}, {"recipients": (DEAD, replace(DEAD, is_dead=False))}),
    Hindrance.CONTACT_AWAY: (
        {"recipients": (AWAY,)},
        {"recipients": (replace(AWAY, away_until=date(2026, 3, 4)),)},
    ),
}


def _case(changes: dict[str, Any]) -> tuple[CustomerView, dict[str, Any]]:
    changes = dict(changes)
    ledger_changes = changes.pop("ledger", {})
    credit = changes.pop("credit", None)
    invoices = [invoice()]
    if credit is not None:
        invoices.append(
            invoice(id=9, number="AV-9", kind=InvoiceKind.CREDIT_NOTE, balance=Decimal(credit), amount=Decimal(credit))
        )
    return customer(*invoices, **changes), ledger_changes


@pytest.mark.parametrize("reason", list(TRIPS))
def test_each_rule_stops_its_case_and_lets_the_nearest_one_pass(reason: Hindrance) -> None:
    trips, passes = TRIPS[reason]
    view, changes = _case(trips)
    assert (steps(view, at("2026-03-05"), **changes), reasons(view, at("2026-03-05"), **changes)) == ([], [reason])
    view, changes = _case(passes)
    assert steps(view, at("2026-03-05"), **changes) == [FRIENDLY]


def test_every_rule_has_its_pair_of_cases() -> None:
    named = {reason for reason, _ in (*CUSTOMER_RULES, *MAIL_RULES)}
    assert named | {Hindrance.COVERED_BY_CREDIT} == set(TRIPS)


def test_a_credit_in_one_currency_does_not_cover_another() -> None:
    credit = invoice(id=9, number="AV-9", kind=InvoiceKind.CREDIT_NOTE, balance=Decimal(-500), currency="USD")
    assert steps(customer(invoice(), credit), at("2026-03-05")) == [FRIENDLY]


# --- plans, quiet days, caps, statuses -----------------------------------------------------------------------------


def planned(view: CustomerView, now: Any, **changes: Any) -> Any:
    return plan_customer(view, ledger(), plan_settings(**changes), now)


def test_the_plan_is_the_customers_own_and_the_reminder_says_why() -> None:
    gentle = replace(STANDARD, name="gentle", gap_days=15, selectors=(Selector(segments=frozenset({"loyal"})),))
    plans = {"standard": STANDARD, "gentle": gentle}
    (reminder,) = planned(customer(segment="Loyal"), at("2026-03-05"), plans=plans).reminders
    assert (reminder.plan, "segment loyal" in reminder.because) == ("gentle", True)
    (reminder,) = planned(customer(), at("2026-03-05"), plans=plans).reminders
    assert reminder.plan == "standard"


def test_a_changed_plan_never_goes_back_to_a_softer_step() -> None:
    other = replace(STANDARD, version=3, steps=(replace(STANDARD.steps[0], name="soft"), *STANDARD.steps[1:]))
    reached = invoice(done=frozenset({DoneStep(FRIENDLY, "standard/2"), DoneStep(FIRM, "standard/2")}))
    for day, expected in (("2026-03-16", []), ("2026-03-17", ["call"])):
        plan = planned(customer(reached), at(day), plans={"standard": other})
        assert [r.step.name for r in plan.reminders] == expected


def test_a_mail_that_came_back_is_sent_again_though_the_call_was_made() -> None:
    """Within one version no step is passed over: its mail was proven not to have arrived."""
    view = customer(invoice(steps_done=frozenset({FRIENDLY, "call"})), last_mail_at={"EUR": at("2026-03-05")})
    assert steps(view, at("2026-03-17")) == [FIRM]


def test_no_mail_leaves_on_a_quiet_day_but_a_call_keeps_its_own() -> None:
    due = invoice(due_date=date(2026, 3, 6))  # friendly on Monday the 9th
    monday = frozenset({0})
    assert planned(customer(due), at("2026-03-09"), quiet_days=monday).reminders == ()
    assert [x.reason for x in planned(customer(due), at("2026-03-09"), quiet_days=monday).left_out] == [
        Hindrance.OUTSIDE_HOURS
    ]
    assert len(planned(customer(due), at("2026-03-10"), quiet_days=monday).reminders) == 1
    called = invoice(due_date=date(2026, 3, 1), steps_done=frozenset({FRIENDLY, FIRM}))  # the call on Monday the 16th
    (reminder,) = planned(customer(called), at("2026-03-16"), quiet_days=monday).reminders
    assert reminder.step.name == "call"


def test_a_customer_gets_no_more_mails_a_day_than_set() -> None:
    view = customer(invoice(id=1), invoice(id=2, number="FA-2", currency="USD"))
    assert len(planned(view, at("2026-03-05"), per_customer_per_day=2).reminders) == 2
    one = planned(view, at("2026-03-05"), per_customer_per_day=1)
    assert (len(one.reminders), [x.reason for x in one.left_out]) == (1, [Hindrance.DAY_FULL])
    none = planned(replace(view, mails_today=1), at("2026-03-05"), per_customer_per_day=1)
    assert none.reminders == ()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("refused", Hindrance.INVOICE_REFUSED),
        ("disputed", Hindrance.DISPUTED),
        ("payment_sent", Hindrance.PAYMENT_REPORTED),
        ("debit_failed", None),
        (None, None),
    ],
)
def test_the_ledgers_word_of_an_invoice_counts(status: str | None, reason: Hindrance | None) -> None:
    view = customer(invoice(status=status))
    assert reasons(view, at("2026-03-05")) == ([reason] if reason else [])
    assert steps(view, at("2026-03-05")) == ([] if reason else [FRIENDLY])


def test_who_pays_by_direct_debit_is_not_chased_before_the_debit_failed() -> None:
    assert reasons(customer(pays_by_debit=True), at("2026-03-05")) == [Hindrance.DIRECT_DEBIT]
    failed = customer(invoice(status="debit_failed"), pays_by_debit=True)
    assert steps(failed, at("2026-03-05")) == [FRIENDLY]


def test_what_is_below_the_steps_minimum_waits() -> None:
    minimum = replace(STANDARD, steps=(replace(STANDARD.steps[0], minimum=Decimal("100.01")), *STANDARD.steps[1:]))
    plan = planned(customer(), at("2026-03-05"), plans={"standard": minimum})
    assert ([x.reason for x in plan.left_out], plan.reminders) == ([Hindrance.BELOW_MINIMUM], ())
    two = customer(invoice(), invoice(id=2, number="FA-2"))
    assert len(planned(two, at("2026-03-05"), plans={"standard": minimum}).reminders) == 1


def test_credits_lower_what_is_asked_for_and_never_below_nothing() -> None:
    credit = invoice(id=9, number="AV-9", kind=InvoiceKind.CREDIT_NOTE, amount=Decimal(-30), balance=Decimal(-30))
    (reminder,) = planned(customer(invoice(), credit), at("2026-03-05")).reminders
    assert (reminder.total, reminder.to_pay) == (Decimal("100.00"), Decimal("70.00"))
    later = invoice(id=2, number="FA-2", due_date=date(2026, 6, 1), balance=Decimal(500))
    big = replace(credit, balance=Decimal(-120))
    plan = planned(customer(invoice(), later, big), at("2026-03-05"))
    assert ([x.reason for x in plan.left_out], plan.reminders) == ([Hindrance.COVERED_BY_CREDIT], ())


def test_a_credit_is_taken_off_once_where_invoices_stand_at_different_steps() -> None:
    credit = invoice(id=9, number="AV-9", kind=InvoiceKind.CREDIT_NOTE, amount=Decimal(-130), balance=Decimal(-130))
    more = replace(credit, id=8, number="AV-8", due_date=date(2026, 3, 3), balance=Decimal(-20))
    called = invoice(steps_done={"friendly_reminder", "firm_reminder"})
    late = invoice(id=2, number="FA-2", due_date=date(2026, 3, 12), balance=Decimal(500))
    view = customer(called, late, credit, more)
    mail = planned(view, at("2026-03-17")).reminders
    assert [(r.step.name, r.total, r.to_pay) for r in mail] == [(FRIENDLY, Decimal(500), Decimal(450))]
    assert [(c.number, c.balance) for c in mail[0].credits] == [("AV-9", Decimal(-30)), ("AV-8", Decimal(-20))]
    assert any("100.00 EUR of the open credits go to older invoices" in note for note in mail[0].notes)
    # Who is not asked for the older one must not miss the credit for it.
    answered = replace(view, invoices=(replace(called, state=InvoiceState.DISPUTED), late, credit, more))
    (alone,) = planned(answered, at("2026-03-17")).reminders
    assert (alone.to_pay, alone.notes) == (Decimal(350), ())


@given(
    st.lists(st.tuples(st.integers(1, 30000), st.sampled_from(["mail", "call", "letter", "hand_over"])), min_size=1),
    st.lists(st.integers(1, 40000), max_size=3),
)
def test_all_that_is_asked_for_at_once_is_what_is_owed(owed: list[tuple[int, str]], given_back: list[int]) -> None:
    passed = {"mail": 0, "call": 2, "letter": 4, "hand_over": 5}
    names = [step.name for step in STANDARD.steps]
    invoices = [
        invoice(id=n, number=f"FA-{n}", balance=Decimal(cents).scaleb(-2), steps_done=set(names[: passed[stands_at]]))
        for n, (cents, stands_at) in enumerate(owed, start=1)
    ]
    open_credits = [
        invoice(id=n, number=f"AV-{n}", kind=InvoiceKind.CREDIT_NOTE, balance=-Decimal(cents).scaleb(-2))
        for n, cents in enumerate(given_back, start=1001)
    ]
    on_balance = sum((i.balance for i in (*invoices, *open_credits)), Decimal(0))
    asked = planned(customer(*invoices, *open_credits), at("2026-06-02")).reminders
    assert sum((r.to_pay for r in asked), Decimal(0)) == max(on_balance, Decimal(0))


def test_what_is_answered_is_left_out_or_stands_apart_and_is_not_asked_for() -> None:
    view = customer(
        invoice(),
        invoice(id=2, number="FA-2", state=InvoiceState.DISPUTED),
        invoice(id=3, number="FA-3", state=InvoiceState.PROMISED, promised_for=date(2026, 4, 1)),
        invoice(id=4, number="FA-4", status="refused"),
        invoice(id=5, number="FA-5", due_date=date(2026, 6, 1), state=InvoiceState.DISPUTED),
        invoice(id=6, number="FA-6", held="held by Anna"),
    )
    (reminder,) = planned(view, at("2026-03-05")).reminders
    assert reminder.apart == ()
    (reminder,) = planned(view, at("2026-03-05"), shows_answered=True).reminders
    assert [line.invoice.number for line in reminder.lines] == ["FA-1"]
    apart = [(x.invoice.number, x.why) for x in reminder.apart]
    assert apart == [("FA-2", Hindrance.DISPUTED), ("FA-3", Hindrance.PROMISED)]


def test_what_falls_due_soon_is_announced_in_a_mail_of_its_own() -> None:
    notice = replace(STANDARD.steps[0], name="pre_due_notice", day=-5)
    plans = {"standard": replace(STANDARD, steps=(notice, *STANDARD.steps))}
    soon = invoice(id=2, number="FA-2", due_date=date(2026, 3, 9))
    alone = planned(customer(soon), at("2026-03-05"), plans=plans)
    assert [r.step.name for r in alone.reminders] == ["pre_due_notice"]
    both = planned(customer(invoice(), soon), at("2026-03-05"), plans=plans)
    assert [(r.step.name, len(r.lines)) for r in both.reminders] == [(FRIENDLY, 1)]
    assert [(x.invoice_number, x.reason) for x in both.left_out] == [("FA-2", Hindrance.GAP)]


@pytest.mark.parametrize(
    ("change", "lapses"),
    [
        ({}, False),
        ({"held": "held by Anna"}, False),
        ({"open_exceptions": (7,)}, False),
        ({"last_mail_at": {"EUR": at("2026-03-04")}}, False),
        ({"invoices": (invoice(balance=Decimal("40.00")),)}, True),
        ({"invoices": (invoice(state=InvoiceState.PROMISED),)}, True),
        ({"invoices": (invoice(), invoice(id=2, number="FA-2"))}, True),
        ({"invoices": (invoice(due_date=date(2026, 5, 1)),)}, True),
        ({"insolvent_since": date(2026, 3, 1)}, True),
        ({"no_mail_since": date(2026, 3, 1)}, True),
    ],
)
def test_a_mail_that_waits_lapses_once_it_is_no_longer_true(change: dict[str, Any], lapses: bool) -> None:
    (reminder,) = planned(customer(), at("2026-03-05")).reminders
    mail = frozen(said=said_by(reminder))
    why = lapsed(mail, customer(**{"invoices": (invoice(),)} | change), ledger(), plan_settings(), at("2026-03-06"))
    assert (why is not None) == lapses, why


def frozen(**changes: Any) -> FrozenMail:
    line = FrozenLine(1, "FA-1", FRIENDLY, Decimal("100.00"))
    return replace(FrozenMail("EUR", "compta@dupont.example", (), (line,), None), **changes)


@pytest.mark.parametrize(
    ("view", "says"),
    [
        (customer(), None),
        (customer(invoice(balance=Decimal("40.00"))), "balance"),
        (customer(invoice(balance=Decimal(0))), "owed"),
        (customer(invoice(id=2, number="FA-2")), "owed"),
        (customer(invoice(state=InvoiceState.DISPUTED)), "disputed"),
        (customer(invoice(steps_done=frozenset({FRIENDLY}))), "step_later"),
        (customer(no_mail_since=date(2026, 3, 1)), "wants no mails"),
        (customer(undecided_mails=1), "mail_undecided"),
        (customer(open_exceptions=(3,)), "exception_open"),
        (customer(recipients=(replace(COPY, role="billing"),)), "address"),
    ],
)
def test_the_last_look_stops_what_planning_would_no_longer_send(view: CustomerView, says: str | None) -> None:
    objection = last_look(frozen(), view, ledger(), plan_settings(), at("2026-03-05"))
    assert (objection is None) if says is None else (objection is not None and says in objection)


@given(
    days=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    first=st.integers(0, 30),
)
def test_whatever_the_downtime_no_step_is_skipped_doubled_or_sent_within_the_gap(days: list[int], first: int) -> None:
    """The daemon wakes up on any days at all; each time it sends what is due."""
    done: list[str] = []
    last_mail = None
    mails = []
    moment = at("2026-03-02") + timedelta(days=first)
    for pause in days:
        moment += timedelta(days=pause)
        view = customer(
            invoice(steps_done=frozenset(done), state=InvoiceState.REMINDED if done else InvoiceState.OPEN),
            last_mail_at={"EUR": last_mail} if last_mail else {},
        )
        for name in steps(view, moment):
            assert name not in done
            done.append(name)
            if name in {FRIENDLY, FIRM, LAST}:
                last_mail = moment
                mails.append(moment)
    assert done == [step.name for step in STANDARD.steps][: len(done)]
    assert all(b.date() - a.date() >= timedelta(days=7) for a, b in pairwise(mails))
