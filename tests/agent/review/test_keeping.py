"""A picture of the ledger is made once, and again as soon as anything changed."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

from agent.review.web.keeping import LONGEST, MOST, Keeping
from models import Database, SendingStop, events
from tests.builders.ledger import NOW


def _counting() -> Callable[[], int]:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    return make


def _change(database: Database) -> None:
    with database.write() as session:
        stop = SendingStop(reason="person", detail="holiday", placed_by="lea", placed_at=NOW)
        session.add(stop)
        events.record(session, "sending_stop.placed", stop, actor="lea", at=NOW, reason="person")


def test_it_is_made_once_while_nothing_changes(database: Database) -> None:
    keeping, make = Keeping(database), _counting()
    assert [keeping.of("figures", NOW, make) for _ in range(3)] == [1, 1, 1]
    assert keeping.of("outgoing", NOW, make) == 2


def test_a_change_makes_it_anew(database: Database) -> None:
    keeping, make = Keeping(database), _counting()
    keeping.of("figures", NOW, make)
    _change(database)
    assert keeping.of("figures", NOW, make) == 2


def test_the_hour_alone_makes_it_anew_after_a_while(database: Database) -> None:
    keeping, make = Keeping(database), _counting()
    keeping.of("figures", NOW, make)
    assert keeping.of("figures", NOW + LONGEST - timedelta(seconds=1), make) == 1
    assert keeping.of("figures", NOW + LONGEST, make) == 2


def test_two_who_ask_at_once_wait_for_one_making(database: Database) -> None:
    keeping, make, together = Keeping(database), _counting(), Barrier(2)
    found: list[int] = []

    def ask() -> None:
        together.wait()
        found.append(keeping.of("figures", NOW, make))

    threads = [Thread(target=ask) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [1, 1]


def test_only_the_last_few_are_kept(database: Database) -> None:
    keeping, make = Keeping(database), _counting()
    for number in range(MOST + 1):
        keeping.of(number, NOW, make)
    assert keeping.of(MOST, NOW, make) == MOST + 1
    assert keeping.of(0, NOW, make) == MOST + 2
