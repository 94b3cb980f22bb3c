"""Of the sums that a reply names, and those that they leave of what is owed, the most probable one is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from classifier.calibration import Weights
from classifier.data import read_rows
from classifier.examples import meant_by
from classifier.facts import PaidFacts, PromiseFacts, Spoken
from classifier.meant_sums import SUM_BY_RULE, SUM_INPUTS, Money, choose_paid, choose_part, sum_inputs
from classifier.named_sums import SUMS, named_sums
from classifier.preprocess import prepare
from classifier.values import InvoiceRef, Promised
from tests.classifier.builders import invoice, raw_labels, raw_row, reply, write_rows

TEXT = "200 went out last week. The 300 of the other order is not for you. Half follows on 20 March."
PART = Promised(date(2026, 3, 20), Decimal("400.00"), "EUR")


def money(text: str = TEXT, heard: Sequence[Mapping[str, float]] = (), *invoices: InvoiceRef) -> Money:
    asked = reply(text, *(invoices or (invoice(amount="800.00"),)))
    prepared = prepare(asked.text, asked.date.date())
    spoken = [Spoken(each, 0.5, 0.5) for each in prepared.sentences]
    rows = np.array([[each.get(name, -4.0) for name in SUMS] for each in heard]).reshape(len(heard), len(SUMS))
    return Money(named_sums(prepared.sentences, "en", asked.invoices), spoken, asked.invoices, rows)


def by(**weights: float) -> Weights:
    return Weights(tuple(weights.get(name.replace(" ", "_"), 0.0) for name in SUM_INPUTS), 0.0)


def test_money_larger_numbers_and_shares_of_what_is_owed_are_sums() -> None:
    assert [str(each.amount) for each in money().sums] == ["200", "300", "400.00"]
    assert named_sums(prepare("300 now", date(2026, 3, 11)).sentences, "en", [invoice(), invoice(currency="GBP")]) == ()


@pytest.mark.parametrize(
    ("text", "owed", "currency", "sums"),
    [
        ("900 mil hoy y el resto el martes", "1800000", "COP", ["900000"]),
        ("2,00,000 will be paid, rest later", "430000", "INR", ["200000"]),
        ("Mille deux partent lundi", "1843.60", "EUR", ["1200"]),
        ("Comptez sur 150 000 dinars jeudi", "312000", "DZD", ["150000"]),
        ("600 000 francs vous ont été virés", "900000", "XOF", ["600000"]),
        ("500 bucks sent just now", "1890", "CAD", ["500"]),
        ("Pago el 3 % menos, es decir 97", "100", "EUR", ["3.00", "97"]),
        ("Die RG 4711 ist am 12.3. bezahlt", "640", "EUR", []),
        ("300 € et 200 $ le 3 mars", "640", "EUR", ["300"]),
    ],
)
def test_sums_are_read_as_customers_write_them(text: str, owed: str, currency: str, sums: list[str]) -> None:
    prepared = prepare(text, date(2026, 3, 11))
    named = named_sums(prepared.sentences, prepared.language, [invoice("4711", amount=owed, currency=currency)])
    assert [str(each.amount) for each in named] == sums


def test_without_a_trained_map_the_sums_are_those_that_the_rules_read() -> None:
    facts = choose_part(PromiseFacts(PART.on, (PART,)), money(), "en", SUM_BY_RULE.of)
    assert facts.parts == (PART,)
    assert choose_part(PromiseFacts(), money(), "en", SUM_BY_RULE.of).parts == ()
    assert choose_paid(PaidFacts(amount=Decimal(200)), money(), SUM_BY_RULE.of).amount == 200
    assert choose_paid(PaidFacts(), money(), SUM_BY_RULE.of).amount is None


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([{"paid": 3.0}, {"none": 3.0}, {"promised": 3.0}], "400.00"),
        ([{"paid": 3.0}, {"promised": 3.0}, {"none": 3.0}], "300"),
        ([{"paid": 3.0}, {"none": 3.0}, {"none": 3.0}], None),
    ],
)
def test_the_most_probable_sum_is_the_part_promised_and_none_where_none_is_probable(
    heard: list[dict[str, float]], expected: str | None
) -> None:
    found = choose_part(PromiseFacts(PART.on, (PART,)), money(TEXT, heard), "en", by(promised=1.0).of)
    assert [(part.on, str(part.amount)) for part in found.parts] == ([(PART.on, expected)] if expected else [])


def test_what_a_sum_that_is_taken_off_leaves_can_be_the_part_promised() -> None:
    said = money("The credit note of 120 comes off, you have it on 20 March.", [{"off": 3.0}])
    found = choose_part(PromiseFacts(PART.on), said, "en", by(rest_of_off=1.0).of)
    assert found.parts == (Promised(PART.on, Decimal("680.00"), "EUR"),)


def test_what_the_rules_work_out_stands() -> None:
    worked_out = Promised(PART.on, Decimal("500.00"), "EUR")
    heard = [{"paid": 3.0}, {"none": 3.0}, {"promised": 3.0}]
    assert choose_part(PromiseFacts(PART.on, (worked_out,)), money(TEXT, heard), "en", by(promised=1.0).of).parts == (
        worked_out,
    )


@pytest.mark.parametrize(
    ("text", "heard", "expected"),
    [
        ("500 went out yesterday. What is left follows on Friday.", {"paid": 1.0, "promised": -1.0}, "300.00"),
        ("Everything but the 95 for the call-out goes on Friday.", {"off": 1.0, "promised": -1.0}, "705.00"),
        ("500 goes out today. What is left follows on Friday.", {"paid": -2.0, "promised": 1.0}, None),
        ("500 went out yesterday. Is the rest due on Friday?", {"paid": 1.0, "promised": -1.0}, None),
        ("500 went out yesterday, and 100. The rest follows on Friday.", {"paid": 1.0, "promised": -1.0}, None),
        ("500 went out yesterday.", {"paid": 1.0, "promised": -1.0}, None),
    ],
)
def test_a_rest_is_worked_out_where_one_sum_alone_sounds_of_a_payment_or_a_deduction(
    text: str, heard: dict[str, float], expected: str | None
) -> None:
    said = money(text)
    said = replace(said, heard=np.array([[heard.get(name, -4.0) for name in SUMS] for _ in said.sums]))
    found = choose_part(PromiseFacts(PART.on), said, "en", never)
    assert [str(part.amount) for part in found.parts] == ([expected] if expected else [])


def never(_inputs: Sequence[float]) -> float:
    return 0.0


def test_instalments_stay_whole_where_the_first_is_the_one_chosen() -> None:
    parts = (PART, Promised(date(2026, 4, 20), Decimal("400.00"), "EUR"))
    assert choose_part(PromiseFacts(PART.on, parts), money(), "en", SUM_BY_RULE.of).parts == parts


def test_the_sum_paid_is_heard_whether_it_is_all_or_part() -> None:
    said = money("The 800 left on Monday.", [{"paid": 3.0}])
    assert choose_paid(PaidFacts(), said, by(paid=1.0).of).amount == 800


def test_each_sum_has_all_inputs_of_the_maps_in_order() -> None:
    said = money(TEXT, [{"paid": 3.0}, {"none": 2.0}, {"promised": 1.0}])
    weighed = {str(amount): dict(zip(SUM_INPUTS, each, strict=True)) for amount, each in sum_inputs(said, PART.amount)}
    assert sorted(weighed) == ["200", "300", "400.00", "500.00", "600.00"]
    assert (weighed["200"]["paid"], weighed["200"]["by rule"], weighed["200"]["rest named"]) == (3.0, 0.0, 0.0)
    assert (weighed["400.00"]["by rule"], weighed["400.00"]["share of owed"]) == (1.0, 0.5)
    assert (weighed["600.00"]["rest of paid"], weighed["600.00"]["rest named"], weighed["600.00"]["named"]) == (3, 1, 0)


@pytest.mark.parametrize(
    ("amount", "promised", "paid", "meant"),
    [
        ("300", ["300.00", "500.00"], None, "promised"),
        ("500", ["300.00", "500.00"], None, "later"),
        ("200", ["600.00"], None, "off"),
        ("200", ["600.00"], "200.00", "paid"),
        ("800", [], "800.00", "paid"),
        ("40", ["600.00"], "200.00", "none"),
        ("400", ["400.00"], "400.00", None),  # two halves, of which one was paid
    ],
)
def test_what_a_sum_is_by_the_labels(
    amount: str, promised: list[str], paid: str | None, meant: str | None, tmp_path: Path
) -> None:
    parts = [{"date": None, "amount": each, "currency": "EUR"} for each in promised]
    said = raw_labels("promise", intents=["promise", "paid"], promised=parts, paid_amount=paid)
    owed = [{"number": "FA-2026-0312", "amount": "800.00", "currency": "EUR", "due": "2026-02-28"}]
    (row,) = read_rows([write_rows(tmp_path / "a.jsonl", raw_row(primary="promise", invoices=owed, labels=said))])
    assert meant_by(Decimal(amount), row) == meant
