"""The law's clock: claims to declare, claims about to lapse, terms that are too long, rates that are missing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.ledger import lawful
from agent.operations.local import check_law
from agent.reports.words import Words
from config import Settings
from config.law import Prescription, law_for
from config.plans import load_plans
from models import Database, Invoice, Task
from models.reasons import TaskKind
from models.states import InvoiceState, TaskState
from tests.builders import ledger

NOW = ledger.NOW
FRANCE = Prescription(years=5, source="x")


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    yield opened
    opened.close()


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path)


def made(database: Database) -> list[Task]:
    with database.read() as session:
        return list(session.scalars(select(Task).order_by(Task.id)))


def in_french(task: Task, given: Settings) -> str:
    """What a French page says of a task; wholly in French."""
    french = Words(None, given.zone).tongue(["fr"])
    assert french.is_told(task.detail)
    return french.tell(task.detail)


def test_an_insolvency_makes_one_task_with_its_deadline(database: Database, given: Settings) -> None:
    with database.write() as session:
        owner = ledger.customer(session, "C1", insolvent_since=date(2026, 8, 20))
        ledger.invoice(session, owner, "FA-1", amount=Decimal("120.00"))
        ledger.invoice(session, owner, "FA-2", amount=Decimal("30.50"))
        ledger.invoice(session, ledger.customer(session, "C2"), "FA-3")
    assert [lawful.watch(database, given, NOW + timedelta(days=n)) for n in (0, 1)] == [1, 0]
    (task,) = made(database)
    assert (task.kind, task.customer_id, task.due_on) == (TaskKind.INSOLVENCY, "C1", date(2026, 10, 19))
    assert "150.50 EUR" in task.detail
    assert "déclaration de créance" in task.detail
    assert "check it against the judgment" in task.detail
    assert in_french(task, given) == (
        "en procédure collective depuis le 20 août 2026 ; 150.50 EUR ouverts : déclarez la créance au plus tard le"
        " 19 oct. 2026 (à vérifier sur le jugement). Déclaration de créance : deux mois à compter de la publication du"
        " jugement au BODACC (art. L622-24 et R622-24 C. com.)"
    )


def test_where_no_deadline_is_known_a_short_one_asks_to_find_out(database: Database, given: Settings) -> None:
    with database.write() as session:
        owner = ledger.customer(session, "C1", insolvent_since=date(2026, 8, 20), country="US")
        ledger.invoice(session, owner, "FA-1")
    lawful.watch(database, given, NOW)
    (task,) = made(database)
    assert (task.due_on, "find out" in task.detail) == (date(2026, 9, 19), True)
    assert in_french(task, given).endswith("Renseignez-vous : comment déclarer la créance, et jusqu’à quand")


@pytest.mark.parametrize(
    ("paid", "promised", "last_day"),
    [
        (None, None, date(2027, 3, 31)),
        (date(2023, 1, 10), None, date(2028, 1, 10)),
        (date(2023, 1, 10), date(2024, 5, 1), date(2029, 5, 1)),
        (date(2021, 1, 10), None, date(2027, 3, 31)),
    ],
)
def test_a_part_payment_or_a_promise_begins_the_time_anew(
    paid: date | None, promised: date | None, last_day: date
) -> None:
    assert lawful.lapse_of(date(2022, 3, 31), paid, promised, FRANCE).last_day == last_day


@pytest.mark.parametrize(("due", "count"), [(date(2022, 8, 31), 1), (date(2022, 9, 2), 0)])
def test_a_claim_is_warned_of_a_year_before_it_lapses(
    database: Database, given: Settings, due: date, count: int
) -> None:
    with database.write() as session:
        ledger.invoice(session, ledger.customer(session), "FA-1", issue_date=due, due_date=due)
    assert [lawful.watch(database, given, NOW) for _ in range(2)] == [count, 0]
    assert [task.kind for task in made(database)] == [TaskKind.PRESCRIPTION] * count


def test_what_is_paid_needs_no_warning_and_a_task_ends_with_the_payment(database: Database, given: Settings) -> None:
    with database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C1"), "FA-1", issue_date=None, due_date=date(2022, 3, 1))
    lawful.watch(database, given, NOW)
    (task,) = made(database)
    assert in_french(task, given) == (
        "FA-1 peut être réclamée en justice jusqu’au 1 mars 2027 (délai compté depuis son échéance, le 1 mars 2022) ;"
        " les relances n’arrêtent pas ce délai"
    )
    ledger.load(
        database,
        given,
        "payments",
        ledger.csv("id,date,amount,customer_id,invoice_number", "P1,2026-09-01,100,C1,FA-1"),
    )
    assert [task.state for task in made(database)] == [TaskState.CANCELLED]
    with database.read() as session:
        assert session.scalars(select(Invoice.state)).one() is InvoiceState.PAID


def test_terms_over_the_cap_are_warned_of_at_import(database: Database, given: Settings) -> None:
    with database.write() as session:
        ledger.customer(session, "C1")
    lines = ("FA-1,C1,2026-01-01,2026-03-02,100", "FA-2,C1,2026-01-01,2026-03-03,100", "FA-3,C1,,2026-09-01,100")
    result = ledger.load(
        database, given, "invoices", ledger.csv("number,customer_id,issue_date,due_date,amount", *lines)
    )
    assert result.notes == ("Terms longer than the 60 days that L441-10 C. com. allows: FA-2 (61 days).",)


@pytest.mark.parametrize(
    ("agreed", "due", "is_warned"),
    [
        # Issued on 10 January: 60 days are 11 March; the month's end and 45 days are 17 March; 45 days and the month's
        # end are 28 February.
        ("none", "2026-03-11", False),
        ("none", "2026-03-12", True),
        ("first", "2026-03-17", False),
        ("first", "2026-03-18", True),
        ("last", "2026-02-28", False),
        ("last", "2026-03-01", True),
    ],
)
def test_terms_with_the_end_of_the_month_have_a_cap_of_their_own(
    database: Database, tmp_path: Path, agreed: str, due: str, *, is_warned: bool
) -> None:
    given = ledger.settings(tmp_path, charges={"end_of_month": agreed})
    with database.write() as session:
        ledger.customer(session, "C1")
    rows = ledger.csv("number,customer_id,issue_date,due_date,amount", f"FA-1,C1,2026-01-10,{due},100")
    assert bool(ledger.load(database, given, "invoices", rows).notes) is is_warned


@pytest.mark.parametrize(
    ("day", "missing"),
    [
        (date(2026, 11, 16), None),
        (date(2026, 11, 17), date(2027, 1, 1)),
        (date(2027, 1, 5), date(2027, 1, 5)),
    ],
)
def test_a_half_year_without_a_rate_is_announced_before_it_begins(
    given: Settings, day: date, missing: date | None
) -> None:
    assert lawful.missing_rate(law_for(given), day) == missing


def told(given: Settings, day: datetime) -> list[tuple[str, str, str]]:
    return [(check.name, check.status.value, check.detail) for check in check_law(given, load_plans(given), day)]


def test_doctor_tells_a_missing_rate_and_one_that_is_not_certain(given: Settings, tmp_path: Path) -> None:
    assert [line[:2] for line in told(given, datetime(2026, 3, 1, tzinfo=UTC))] == [("law", "ok")]
    (line,) = told(given, datetime(2026, 9, 1, tzinfo=UTC))
    assert (line[1], "not certain" in line[2]) == ("warning", True)
    (line,) = told(given, datetime(2026, 12, 1, tzinfo=UTC))
    assert (line[1], "2027-01-01" in line[2]) == ("warning", True)
    low = ledger.settings(tmp_path, charges={"contract_rate": "5.0"})
    for day in (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)):  # the second's floor is not known
        assert [line[0] for line in told(low, day)] == ["law", "contract_rate"]


def test_a_country_without_a_law_leaves_charges_out_and_says_so(tmp_path: Path) -> None:
    abroad = ledger.settings(tmp_path, charges={"country": "US"})
    (line,) = told(abroad, datetime(2026, 3, 1, tzinfo=UTC))
    assert (line[1], "no late-payment law of US" in line[2]) == ("warning", True)
    plans = {name: replace(plan, steps=plan.steps[:1]) for name, plan in load_plans(abroad).items()}
    assert list(check_law(abroad, {"standard": plans["standard"]}, datetime(2026, 3, 1, tzinfo=UTC))) == []
