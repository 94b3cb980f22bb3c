"""Promises, disputes, recovery by step, the mailbox, people's work, causes, objectives."""

from datetime import date
from decimal import Decimal

from agent.reports.figures_mailbox import causes, mailbox, people, weeks
from agent.reports.figures_promises import disputes, promises
from agent.reports.figures_recovery import channels, recovery, reminders_needed
from agent.reports.objectives import results
from agent.reports.values import Period, Work
from models.states import DisputeState, PromiseState
from tests.builders.figures import at, books, day, dispute, invoice, mail, paid, promise, touch

Q3 = Period(date(2026, 7, 1), date(2026, 9, 30))


def test_promises_count_when_they_have_fallen_due() -> None:
    big, small = invoice("300", "2026-06-01", "2026-07-01"), invoice("100", "2026-06-01", "2026-07-01")
    ledger = books(
        big,
        small,
        promises=(
            promise(big, "2026-07-10", PromiseState.KEPT, "2026-07-10"),
            promise(small, "2026-07-20", PromiseState.BROKEN, "2026-08-01"),
            promise(small, "2026-07-21", PromiseState.BROKEN),
            promise(small, "2026-07-22", PromiseState.SUPERSEDED),
            promise(small, "2026-10-15", PromiseState.OPEN),
            promise(small, "2026-10-20", PromiseState.KEPT, "2026-09-29"),  # kept before its day
            promise(small, "2026-06-20", PromiseState.KEPT, "2026-06-20"),  # before the period
        ),
    )
    (row,) = promises(ledger, Q3)
    assert (row["fallen_due"], row["kept"], row["broken"], row["replaced"], row["open"]) == (4, 2, 2, 1, 1)
    assert (row["kept_rate"], row["kept_rate_by_amount"]) == (Decimal("50.0"), Decimal("66.7"))
    assert row["slippage_days"] == 0  # -21, 0 and 12 days


def test_disputes_by_reason() -> None:
    one, two = invoice("300", "2026-07-01", "2026-08-01"), invoice("100", "2026-07-01", "2026-08-01")
    ledger = books(
        one,
        two,
        disputes=(
            dispute(one, "amount", "2026-08-05", "2026-08-15", DisputeState.UPHELD),
            dispute(two, "amount", "2026-08-05", "2026-08-25", DisputeState.REJECTED),
            dispute(two, "quality", "2026-09-05"),
            dispute(two, "quality", "2026-06-05"),
        ),
    )
    amount, quality = disputes(ledger, Q3)
    assert (amount["reason"], amount["opened"], amount["open"], amount["upheld"], amount["rejected"]) == (
        "amount", 2, 0, 1, 1,
    )  # fmt: skip
    assert (amount["days_to_settle"], amount["unfounded_share"]) == (Decimal("15.0"), Decimal("50.0"))
    assert (amount["dispute_rate"], amount["dispute_rate_by_amount"]) == (Decimal("100.0"), Decimal("100.0"))
    assert (quality["opened"], quality["open"], quality["days_to_settle"]) == (1, 1, None)


def test_money_counts_for_the_last_reminder_before_it_and_within_the_window() -> None:
    one = invoice("100", "2026-06-01", "2026-07-01", paid("2026-07-06", "30"), paid("2026-07-13", "70"))
    late = invoice("100", "2026-06-01", "2026-07-01", paid("2026-07-25", "100"))
    ledger = books(
        one,
        late,
        touches=(touch("2026-07-04", one, late), touch("2026-07-10", one, late, step="firm", level=2)),
        mails=(mail("2026-07-11"),),
    )
    first, second = recovery(ledger, Q3)
    assert (first["step"], first["covered"], first["collected"], first["recovery_rate"]) == (
        "friendly", 200, 30, Decimal("15.0"),
    )  # fmt: skip
    assert (second["step"], second["covered"], second["collected"]) == ("firm", 170, 70)
    assert (first["paid_after"], second["paid_after"]) == (0, 2)
    assert (second["days_to_pay_median"], second["days_to_pay_p90"]) == (3, 15)
    assert (first["reply_rate"], second["reply_rate"]) == (0, 100)


def test_a_window_that_still_runs_counts_for_nothing_yet() -> None:
    one = invoice("100", "2026-06-01", "2026-07-01", paid("2026-09-30", "100"))
    (row,) = recovery(books(one, touches=(touch("2026-09-27", one),)), Q3)
    assert (row["reminders"], row["covered"], row["window_running"], row["recovery_rate"]) == (1, 0, 1, None)


def test_money_of_the_day_of_the_reminder_was_on_its_way_already() -> None:
    one = invoice("100", "2026-06-01", "2026-07-01", paid("2026-07-04", "100"))
    sent = touch("2026-07-04", one)
    (row,) = recovery(books(one, touches=(sent,)), Q3)
    assert (row["collected"], row["paid_after"]) == (0, 0)


def test_channels_are_told_apart_and_answers_are_of_mails_only() -> None:
    one = invoice("100", "2026-06-01", "2026-07-01")
    call = touch("2026-07-20", one, step="call", channel="call", template=None, thread_id=None)
    by_call, by_mail = channels(books(one, touches=(touch("2026-07-04", one), call)), Q3)
    assert (by_call["channel"], by_call["reply_rate"]) == ("call", None)
    assert (by_mail["channel"], by_mail["template"], by_mail["reply_rate"]) == ("mail", "friendly", 0)


def test_how_many_reminders_it_took() -> None:
    early = invoice("10", "2026-06-01", "2026-07-01", paid("2026-07-01", "10"))
    unasked = invoice("20", "2026-06-01", "2026-07-01", paid("2026-07-02", "20"))
    twice = invoice("30", "2026-06-01", "2026-07-01", paid("2026-07-20", "30"))
    ledger = books(early, unasked, twice, touches=(touch("2026-07-04", twice), touch("2026-07-12", twice)))
    rows = [(r["reminders_before"], r["paid_invoices"], r["amount"]) for r in reminders_needed(ledger, Q3)]
    assert rows == [(0, 1, 20), (2, 1, 30)]


def test_the_mailbox_shows_what_is_seen_and_what_is_handled() -> None:
    ledger = books(
        mails=(
            mail("2026-07-01"),
            mail("2026-07-02", was_automatic=False, is_waiting=True, settled=None),
            mail("2026-07-03", was_automatic=False, corrected="promise", settled=at("2026-07-03", 15)),
            mail("2026-07-04", corrected="dispute", was_wrong=True),
            mail("2026-07-05", corrected="paid", was_wrong=False),
            mail("2026-07-06", kind="auto_reply", predicted=None, customer_id=None),
            mail("2026-07-07", kind=None, is_handled=False, predicted=None, was_automatic=False),
            mail("2026-06-07"),
        )
    )
    (row,) = mailbox(ledger, Q3)
    assert (row["seen"], row["handled"], row["in_progress"], row["waiting"]) == (7, 6, 1, 1)
    assert (row["human"], row["auto_replies"], row["bounces"]) == (5, 1, 0)
    assert (row["automatic"], row["automatic_share"]) == (3, Decimal("60.0"))
    assert (row["corrected"], row["corrected_wrong"], row["override_rate"]) == (3, 2, Decimal("66.7"))
    assert (row["automatic_wrong"], row["audited"], row["audited_wrong"]) == (1, 2, 1)
    assert row["audited_error"] == 50
    assert (row["hours_to_decision_median"], row["hours_to_decision_p90"]) == (1, 6)


def test_weeks_tell_which_overdue_invoices_were_worked_and_by_whom() -> None:
    seen, called, left = (invoice("10", "2026-06-01", "2026-07-01") for _ in range(3))
    in_time = invoice("10", "2026-06-01", "2026-12-01")
    ledger = books(
        seen,
        called,
        left,
        in_time,
        touches=(touch("2026-07-07", seen),),
        work=(Work("note", "Anna", day("2026-07-08"), "C1", (called.id,)),),
    )
    (row,) = weeks(ledger, Period(day("2026-07-06"), day("2026-07-12")))
    assert (row["week"], row["overdue_invoices"], row["worked"], row["worked_by_people"]) == (
        day("2026-07-06"),
        3,
        2,
        1,
    )
    assert row["worked_share"] == Decimal("66.7")


def test_an_invoice_that_was_paid_in_the_week_was_overdue_in_it() -> None:
    gone = invoice("10", "2026-06-01", "2026-07-01", paid("2026-07-08", "10"))
    (row,) = weeks(books(gone), Period(day("2026-07-06"), day("2026-07-12")))
    assert row["overdue_invoices"] == 1
    (row,) = weeks(books(gone), Period(day("2026-07-13"), day("2026-07-19")))
    assert row["overdue_invoices"] == 0


def test_cases_by_person() -> None:
    days = [day("2026-07-08"), day("2026-07-08"), day("2026-07-09")]
    done = tuple(Work(what, "Anna", on, "C1", ()) for what, on in zip(("exception", "task", "note"), days, strict=True))
    (row,) = people(books(work=(*done, Work("task", "Anna", day("2026-06-08"), "C1", ()))), Q3)
    assert (row["person"], row["cases"], row["exceptions"], row["tasks"], row["notes"]) == ("Anna", 3, 1, 1, 1)
    assert (row["working_days"], row["cases_per_day"]) == (2, Decimal("1.5"))


def test_causes_come_from_what_was_written_and_what_is_contested() -> None:
    one, two = invoice("10", "2026-06-01", "2026-07-01"), invoice("20", "2026-06-01", "2026-07-01", currency="USD")
    ledger = books(
        one,
        two,
        mails=(mail("2026-07-05", late_reason="cash", invoices=(one.id, two.id)), mail("2026-07-06")),
        disputes=(dispute(one, "quality", "2026-07-07"),),
    )
    rows = [(r["source"], r["cause"], r["currency"], r["amount"]) for r in causes(ledger, Q3)]
    assert rows == [("dispute", "quality", "EUR", 10), ("mail", "cash", "EUR", 10), ("mail", "cash", "USD", 20)]


def test_objectives_stand_beside_results() -> None:
    ledger = books(
        invoice("100", "2026-07-01", "2026-08-01"),
        mails=(mail("2026-07-05"),),
        objectives={"overdue_share": Decimal(20), "automatic_share": Decimal(40), "promises_kept": Decimal(60)},
    )
    rows = {r["objective"]: (r["target"], r["result"], r["is_met"]) for r in results(ledger, Q3)}
    assert rows == {"overdue_share": (20, 100, False), "automatic_share": (40, 100, True)}
