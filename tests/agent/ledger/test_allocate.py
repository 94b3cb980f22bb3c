"""Where money goes: to the cent, never more than there is."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.ledger.allocate import Allocation, OpenItem, Part, PastPart, allocate, reverse

cents = st.integers(1, 10**7).map(lambda n: Decimal(n) / 100)
items = st.lists(st.tuples(cents, st.dates(date(2026, 1, 1), date(2026, 12, 31))), max_size=8).map(
    lambda found: [OpenItem(n, f"F-{n}", day, balance) for n, (balance, day) in enumerate(found, 1)]
)


def item(id: int, balance: str, due: date = date(2026, 8, 1)) -> OpenItem:  # noqa: A002
    return OpenItem(id, f"F-{id}", due, Decimal(balance))


def parts(found: Allocation) -> list[tuple[int, str, str]]:
    return [(part.invoice_id, str(part.amount), part.rule) for part in found.parts]


@given(cents, items)
def test_no_cent_is_lost_and_no_invoice_gets_more_than_it_needs(amount: Decimal, open_items: list[OpenItem]) -> None:
    found = allocate(amount, None, open_items)
    balances = {i.id: i.balance for i in open_items}
    assert sum((part.amount for part in found.parts), found.left) == amount
    assert all(0 < part.amount <= balances[part.invoice_id] for part in found.parts)
    assert len({part.invoice_id for part in found.parts}) == len(found.parts)
    assert found.left == 0 or sum(balances.values()) < amount


@given(cents, items)
def test_an_older_invoice_is_full_before_a_younger_gets_a_cent(amount: Decimal, open_items: list[OpenItem]) -> None:
    found = allocate(amount, None, open_items)
    if [part.rule for part in found.parts] == ["exact_amount"]:
        return
    by_age = sorted(open_items, key=lambda i: (i.due_date, i.number))
    paid = {part.invoice_id: part.amount for part in found.parts}
    full = [paid.get(i.id) == i.balance for i in by_age]
    assert full == sorted(full, reverse=True)


@given(cents, items)
def test_a_reversal_gives_back_what_was_paid(amount: Decimal, open_items: list[OpenItem]) -> None:
    paid = allocate(amount, None, open_items)
    past = [PastPart("P1", amount, date(2026, 8, 1), part.invoice_id, part.amount) for part in paid.parts]
    back = reverse(-amount, None, past)
    assert {p.invoice_id: -p.amount for p in back.parts} == {p.invoice_id: p.amount for p in paid.parts}
    assert sum((part.amount for part in back.parts), back.left) == -amount


def test_the_named_invoice_comes_first_and_what_it_does_not_need_is_left() -> None:
    named = item(1, "100")
    assert parts(allocate(Decimal(60), named, [item(2, "60")])) == [(1, "60", "named")]
    assert allocate(Decimal(130), named, []) == Allocation((Part(1, Decimal(100), "named"),), Decimal(30))


def test_an_invoice_that_is_paid_already_takes_nothing() -> None:
    assert allocate(Decimal(50), item(1, "0"), [item(2, "50")]) == Allocation((), Decimal(50))


def test_the_exact_amount_beats_the_oldest() -> None:
    old, young = item(1, "80", date(2026, 1, 1)), item(2, "50", date(2026, 8, 1))
    assert parts(allocate(Decimal(50), None, [old, young])) == [(2, "50", "exact_amount")]


def test_of_two_with_the_exact_amount_the_older_is_paid() -> None:
    assert parts(allocate(Decimal(50), None, [item(2, "50", date(2026, 8, 2)), item(1, "50")]))[0][0] == 1


def test_a_reversal_takes_the_latest_payment_of_that_amount_that_still_stands() -> None:
    past = [
        PastPart("P1", Decimal(50), date(2026, 8, 1), 1, Decimal(50)),
        PastPart("P2", Decimal(50), date(2026, 8, 5), 2, Decimal(50)),
    ]
    first = reverse(Decimal(-50), None, past)
    assert parts(first) == [(2, "-50", "exact_amount")]
    past.append(PastPart("R1", Decimal(-50), date(2026, 8, 6), 2, Decimal(-50)))
    assert parts(reverse(Decimal(-50), None, past)) == [(1, "-50", "exact_amount")]
    past.append(PastPart("R2", Decimal(-50), date(2026, 8, 7), 1, Decimal(-50)))
    assert reverse(Decimal(-50), None, past) == Allocation((), Decimal(-50))


def test_a_named_reversal_takes_back_no_more_than_was_booked() -> None:
    past = [PastPart("P1", Decimal(30), date(2026, 8, 1), 1, Decimal(30))]
    assert reverse(Decimal(-50), 1, past) == Allocation((Part(1, Decimal(-30), "named"),), Decimal(-20))
