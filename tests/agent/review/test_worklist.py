"""The one list of what waits: its order, its pages, its filters, and who sees what of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from agent.ledger.tasks import open_task
from agent.review import queue, tasks, weighing, worklist
from agent.review.values import Key, Selection
from models import ExceptionItem, Task
from models.reasons import ExceptionReason, TaskKind
from tests.builders import ledger
from tests.builders.desk import NOW, Office, debtor

TODAY = date(2026, 9, 1)
ALL = Selection()


def items(session: Session, count: int, priority: Callable[[int], int] = lambda place: 40 + place % 5) -> None:
    owner, invoices = debtor(session, f"W-{count}")
    for place in range(count):
        queue.open_exception(
            session, key=f"k:{count}:{place}", reason=ExceptionReason.OTHER, detail="x", at=NOW, due_at=NOW,
            customer_id=owner.id, invoice_ids=[invoices[0].id], priority=priority(place),
        )  # fmt: skip


def task(session: Session, number: str = "T-1", kind: TaskKind = TaskKind.CALL, **columns: object) -> Task:
    _, invoices = debtor(session, number, **columns)
    return open_task(session, key=f"t:{number}", kind=kind, invoices=invoices, detail="call", due_on=TODAY, at=NOW)


def walk(session: Session, chosen: Selection = ALL, by: str = "lea", size: int = 7) -> list[Key]:
    found: list[Key] = []
    after: Key | None = None
    while True:
        page = worklist.page(session, chosen, by, NOW, TODAY, after, size)
        found += [entry.key for entry in page.entries]
        if page.next is None:
            return found
        after = page.next


def test_pages_show_everything_once_in_order(desk: Office) -> None:
    with desk.database.write() as session:
        items(session, 23)
        for number in range(6):
            task(session, f"T-{number}")
        for taken in session.query(ExceptionItem).limit(5):
            queue.take(session, taken, "paul", NOW)
    with desk.database.read() as session:
        keys = walk(session)
        assert len(keys) == len(set(keys)) == 29
        assert keys == sorted(keys, key=lambda key: key.order)
        assert keys == walk(session, size=100)


def test_what_sleeps_is_shown_apart_until_its_time_has_come(desk: Office) -> None:
    with desk.database.write() as session:
        items(session, 3)
        first = session.query(ExceptionItem).first()
        assert first is not None
        queue.snooze(session, first, NOW + timedelta(days=2), "lea", NOW)
        call = task(session)
        tasks.snooze(session, call, NOW + timedelta(days=2), "lea", NOW)
    with desk.database.read() as session:
        asleep = {(key.kind, key.id) for key in walk(session, Selection(asleep=True))}
        assert asleep == {("item", first.id), ("task", call.id)}
        assert not asleep & {(key.kind, key.id) for key in walk(session)}
        later = worklist.page(session, ALL, "lea", NOW + timedelta(days=3), TODAY)
        assert asleep <= {(entry.kind, entry.id) for entry in later.entries}


def test_filters_and_counts_agree(desk: Office) -> None:
    with desk.database.write() as session:
        items(session, 4)
        task(session, "T-1")
        task(session, "T-2", TaskKind.BROKEN_PROMISE)
    with desk.database.read() as session:
        counted = worklist.counts(session, ALL, "lea", NOW)
        assert counted == {"other": 4, "broken_promise": 1, "call": 1}
        for reason, count in counted.items():
            assert len(walk(session, Selection(reason=reason))) == count


@pytest.mark.parametrize("text", ["dupont", "C-77", "F-2026-1", "%", "_"])
def test_a_search_looks_at_customer_and_invoice_and_takes_no_wildcards(desk: Office, text: str) -> None:
    with desk.database.write() as session:
        items(session, 2)
        task(session, "F-2026-1", id="C-77", name="Dupont SARL")
    with desk.database.read() as session:
        found = walk(session, Selection(text=text))
        assert len(found) == (0 if text in "%_" else 1)


def test_mine_and_nobodys(desk: Office) -> None:
    with desk.database.write() as session:
        items(session, 3)
        first = session.query(ExceptionItem).first()
        assert first is not None
        queue.take(session, first, "lea", NOW)
        tasks.assign(session, task(session), "lea", "paul", NOW)
    with desk.database.read() as session:
        assert len(walk(session, Selection(whose="mine"))) == 2
        assert len(walk(session, Selection(whose="mine"), by="paul")) == 0
        assert len(walk(session, Selection(whose="nobody"))) == 2


def test_a_sales_person_sees_own_customers_only(desk: Office) -> None:
    with desk.database.write() as session:
        task(session, "T-1", account_manager="Sam@morel.example")
        task(session, "T-2", account_manager="other@morel.example")
        task(session, "T-3")
    with desk.database.read() as session:
        assert len(walk(session, Selection(only_of="sam@morel.example"))) == 1
        assert walk(session, Selection(only_of="")) == []
        assert worklist.counts(session, Selection(only_of="sam@morel.example"), "sam", NOW) == {"call": 1}


def test_the_next_one_is_nobody_elses(desk: Office) -> None:
    with desk.database.write() as session:
        items(session, 4, priority=lambda _: 50)
        second = session.query(ExceptionItem).order_by(ExceptionItem.id).offset(1).first()
        assert second is not None
        queue.take(session, second, "paul", NOW)
    with desk.database.read() as session:
        first, _, third, fourth = walk(session)
        following = worklist.following(session, ALL, "lea", NOW, TODAY, first)
        assert following is not None
        assert following.key == third
        avoiding = frozenset({f"/work/item/{third.id}"})
        following = worklist.following(session, ALL, "lea", NOW, TODAY, first, avoiding)
        assert following is not None
        assert following.key == fourth
        again = worklist.following(session, ALL, "lea", NOW, TODAY, fourth)
        assert again is not None
        assert again.key == first  # from the top, when the end is reached


def test_the_entry_tells_what_is_open_by_currency_and_how_late(desk: Office) -> None:
    with desk.database.write() as session:
        owner, invoices = debtor(session, "E-1")
        invoices.append(ledger.invoice(session, owner, "D-1", currency="USD", amount=Decimal("7.00")))
        open_task(session, key="t", kind=TaskKind.CALL, invoices=invoices, detail="x", due_on=TODAY, at=NOW)
    with desk.database.read() as session:
        (entry,) = worklist.page(session, ALL, "lea", NOW, TODAY).entries
        assert entry.owed == {"EUR": Decimal("100.00"), "USD": Decimal("7.00")}
        assert entry.days_late == 31


def test_a_key_is_read_back_and_nothing_else_is_taken_for_one() -> None:
    key = Key(88, "task", 12)
    assert Key.parse(str(key)) == key
    for text in ("", "88-task", "x-task-1", "88-shell-1", "88-task-1; DROP", "9" * 40 + "-task-1", "-1-task-1"):
        assert Key.parse(text) is None


def test_a_page_reads_no_more_rows_of_a_long_list_than_of_a_short_one(desk: Office) -> None:
    """By the database's own plan: the order comes from the index, and nothing is sorted."""
    with desk.database.write() as session:
        items(session, 30)
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    engine = desk.database._reader
    event.listen(engine, "before_cursor_execute", note)
    try:
        with desk.database.read() as session:
            worklist.page(session, ALL, "lea", NOW, TODAY, Key(43, "item", 4))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    listed = [found for found in statements if "ORDER BY exception.priority DESC" in found[0]]
    assert len(listed) == 3
    if desk.database.is_sqlite:
        with desk.database.engine.connect() as connection:
            for statement, parameters in listed:
                plan = " ".join(
                    str(row[3])
                    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
                )
                assert "ix_exception_worklist" in plan
                assert "TEMP B-TREE" not in plan


def test_weighing_puts_money_and_delay_first_once_a_day(desk: Office) -> None:
    with desk.database.write() as session:
        small, large = debtor(session, "S-1"), debtor(session, "L-1")
        large[1][0].balance = large[1][0].amount = Decimal("20000.00")
        for owner, invoices in (small, large):
            queue.open_exception(
                session, key=owner.id, reason=ExceptionReason.QUESTION, detail="x", at=NOW,
                due_at=NOW + timedelta(days=5), customer_id=owner.id, invoice_ids=[i.id for i in invoices],
            )  # fmt: skip
    assert weighing.drain(desk.database, desk.settings, NOW, NOW) == 2
    assert weighing.drain(desk.database, desk.settings, NOW, NOW) == 0
    with desk.database.read() as session:
        entries = worklist.page(session, ALL, "lea", NOW, TODAY).entries
        assert [entry.customer_id for entry in entries] == [large[0].id, small[0].id]
        assert entries[0].key.priority > entries[1].key.priority > 50
        assert session.get_one(ExceptionItem, entries[0].id).urgency == 50
    assert weighing.drain(desk.database, desk.settings, NOW + timedelta(days=1), NOW + timedelta(days=1)) == 2


def test_selections_keep_nothing_of_who_looks() -> None:
    assert "only_of" not in replace(ALL, only_of="sam@x.example").as_json()
