"""Which plan a customer gets, by tables; and the segments that history makes."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from config import ConfigError
from config.choice import Selector, Who, choose, word
from config.plans import Plan, load_plans
from config.segments import History, load_segments
from config.statuses import load_statuses
from tests.builders.reminders import STANDARD
from tests.config.test_plans import STEP, settings, write

WHO = Who(customer="C1", segment="Loyal", country="DE", currency="EUR", owes=Decimal(500))


def plan(name: str, **asks: object) -> Plan:
    selector = Selector(**{k: frozenset([v]) if isinstance(v, str) else v for k, v in asks.items()})  # type: ignore[arg-type]  # a test's shorthand
    return replace(STANDARD, name=name, selectors=(selector,))


CUSTOMER = plan("by_customer", customers="C1")
SEGMENT = plan("by_segment", segments="loyal")
AMOUNT = plan("by_amount", at_least=Decimal(100), below=Decimal(1000))
COUNTRY = plan("by_country", countries="DE")
CURRENCY = plan("by_currency", currencies="EUR")
ORDER = [CUSTOMER, SEGMENT, AMOUNT, COUNTRY, CURRENCY]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_most_specific_plan_wins_whatever_their_order(first: int) -> None:
    plans = {p.name: p for p in reversed([STANDARD, *ORDER[first:]])}
    chosen = choose(plans, "standard", WHO)
    assert chosen.plan.name == ORDER[first].name
    assert ORDER[first].selectors[0].words() in chosen.because


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        (CUSTOMER, {"customer": "C2"}),
        (SEGMENT, {"segment": None}),
        (SEGMENT, {"segment": "at risk"}),
        (AMOUNT, {"owes": Decimal("99.99")}),
        (AMOUNT, {"owes": Decimal(1000)}),
        (COUNTRY, {"country": "FR"}),
        (CURRENCY, {"currency": "USD"}),
    ],
)
def test_a_plan_asks_for_all_that_it_names(asked: Plan, changed: dict[str, object]) -> None:
    plans = {"standard": STANDARD, asked.name: asked}
    assert choose(plans, "standard", WHO).plan is asked
    told = choose(plans, "standard", replace(WHO, **changed))  # type: ignore[arg-type]  # the table's values
    assert told.plan is STANDARD
    assert "settings" in told.because


def test_two_things_asked_for_go_before_one() -> None:
    both = plan("both", segments="loyal", countries="DE")
    plans = {p.name: p for p in (STANDARD, SEGMENT, both)}
    assert choose(plans, "standard", WHO).plan is both


@pytest.mark.parametrize("text", ["At-Risk", "at risk", "AT_RISK", "àt rîsk"])
def test_names_are_compared_as_people_read_them(text: str) -> None:
    assert word(text) == "at_risk"


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("loyal", "gentle"),
        ("strategic", "gentle"),
        ("new", "firm"),
        ("occasional", "firm"),
        ("at-risk", "firm"),
        ("public sector", "public_sector"),
        ("pre_due", "pre_due"),
        ("retail", "standard"),
        (None, "standard"),
    ],
)
def test_the_shipped_plans_ask_for_their_segments(tmp_path: Path, segment: str | None, name: str) -> None:
    assert choose(load_plans(settings(tmp_path)), "standard", replace(WHO, segment=segment)).plan.name == name


def test_the_gentle_plan_leaves_fifteen_days_between_two_mails(tmp_path: Path) -> None:
    assert load_plans(settings(tmp_path))["gentle"].gap_days == 15


def test_two_plans_for_the_very_same_customers_are_a_mistake(tmp_path: Path) -> None:
    table = '[[for]]\ncountry = ["DE"]\n'
    for name in ("one", "two"):
        write(tmp_path, f'name = "{name}"\nversion = 1\n{table}{STEP}', name)
    with pytest.raises(ConfigError, match="one plan for country DE"):
        load_plans(settings(tmp_path))


@pytest.mark.parametrize(
    ("history", "segment"),
    [
        (History(invoices=1, paid=0, late=0, broken_promises=0), "new"),
        (History(invoices=5, paid=4, late=0, broken_promises=2), "at_risk"),
        (History(invoices=6, paid=5, late=4, broken_promises=0), "at_risk"),
        (History(invoices=6, paid=5, late=3, broken_promises=0), None),
        (History(invoices=12, paid=10, late=1, broken_promises=0), "loyal"),
        (History(invoices=12, paid=9, late=0, broken_promises=0), None),
    ],
)
def test_history_makes_a_segment_by_the_shipped_rules(tmp_path: Path, history: History, segment: str | None) -> None:
    rule = load_segments(settings(tmp_path)).of(history)
    assert (rule.name if rule else None) == segment
    assert rule is None or rule.because


def test_a_company_has_its_own_rules_of_segments(tmp_path: Path) -> None:
    text = 'late_after_days = 1\n[[segment]]\nname = "big"\nbecause = "many invoices"\npaid_at_least = 1\n'
    (tmp_path / "segments.toml").write_text(text, encoding="utf-8")
    rule = load_segments(settings(tmp_path)).of(History(3, 1, 0, 0))
    assert rule is not None
    assert rule.name == "big"


def test_a_rule_without_a_condition_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "segments.toml").write_text(
        'late_after_days = 1\n[[segment]]\nname = "all"\nbecause = "x"\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="condition"):
        load_segments(settings(tmp_path))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("Refusée", "refused"),
        ("REJECTED", "refused"),
        ("en litige", "disputed"),
        ("Suspendue", "disputed"),
        ("Paiement transmis", "payment_sent"),
        ("prélèvement rejeté", "debit_failed"),
        ("déposée", None),
        ("", None),
        (None, None),
    ],
)
def test_the_ledgers_words_have_a_meaning(tmp_path: Path, status: str | None, meaning: str | None) -> None:
    assert load_statuses(settings(tmp_path)).meaning(status) == meaning


@pytest.mark.parametrize(
    ("method", "is_debit"), [("SEPA-Lastschrift", True), ("prélèvement", True), ("virement", False)]
)
def test_direct_debit_is_known_by_its_names(tmp_path: Path, method: str, is_debit: bool) -> None:
    assert load_statuses(settings(tmp_path)).is_direct_debit(method) is is_debit
