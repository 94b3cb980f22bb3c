"""The queue and the tasks at the command line, where a colleague has in hand what somebody else would settle."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent.cli import main
from agent.ledger.tasks import open_task
from agent.review import deeds, queue
from config import load
from models import Database, Event, ExceptionItem, Invoice, Task
from models.reasons import TaskKind
from models.states import ExceptionState, TaskState
from tests.builders.desk import NOW, answer, debtor

SERVER = 'host = "127.0.0.1"\nsecurity = "none"\n'
CONFIGURATION = (
    '[company]\nname = "Morel"\ncountry = "FR"\ncurrency = "EUR"\nlanguage = "fr"\ntimezone = "Europe/Paris"\n'
    f'[mailbox.ar]\naddress = "ar@morel.example"\n[mailbox.ar.imap]\n{SERVER}password_env = "X"\n'
    f"[mailbox.ar.smtp]\n{SERVER}"
)
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        ended = main(["--config", str(tmp_path / "relance.toml"), *arguments])
        out, err = capsys.readouterr()
        assert ended == code, out + err
        return out + err

    return command


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """With item 1 about a customer's mail, and task 1, a call."""
    (tmp_path / "relance.toml").write_text(CONFIGURATION, encoding="utf-8")
    settings = load(tmp_path / "relance.toml")
    opened = Database.open(settings.database.url, settings.root, NOW)
    with opened.write() as session:
        owner, invoices = debtor(session, "FA-1")
        answer(session, owner, invoices)
        open_task(session, key="t", kind=TaskKind.CALL, invoices=invoices, detail="d", due_on=NOW.date(), at=NOW)
    yield opened
    opened.close()


def events(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Event)) or 0


def assignee(database: Database) -> str | None:
    with database.read() as session:
        return session.scalars(select(ExceptionItem.assignee)).one()


DEEDS = {
    "take": (),
    "resolve": ("--as", "paid"),
    "dismiss": ("--reason", "nothing in it"),
    "snooze": ("--until", "2099-01-01"),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("named", [("--by", "bob"), (), ("--by", "bob", "--over", "eve")])
def test_what_a_colleague_has_in_hand_is_left_alone(
    database: Database, run: Run, deed: str, named: tuple[str, ...]
) -> None:
    run("queue", "take", "1", "--by", "lea")
    before = events(database)
    told = run("queue", deed, "1", *DEEDS[deed], *named, code=1)
    assert "lea has taken item 1" in told
    assert "--over lea" in told
    assert (assignee(database), events(database)) == ("lea", before)


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("named", [("--by", "bob", "--over", "lea"), ("--by", "lea")])
def test_it_is_taken_over_knowingly_and_by_oneself(
    database: Database, run: Run, deed: str, named: tuple[str, ...]
) -> None:
    run("queue", "take", "1", "--by", "lea")
    run("queue", deed, "1", *DEEDS[deed], *named)
    with database.read() as session:
        event = session.scalars(select(Event).order_by(Event.seq.desc())).first()
        assert event is not None
        assert event.actor == named[1]
        assert session.scalars(select(ExceptionItem.state)).one() is {
            "take": ExceptionState.TAKEN, "resolve": ExceptionState.RESOLVED, "dismiss": ExceptionState.DISMISSED,
            "snooze": ExceptionState.SNOOZED,
        }[deed]  # fmt: skip


def test_what_nobody_named_has_taken_is_free_for_a_colleague(database: Database, run: Run) -> None:
    run("queue", "take", "1")
    run("queue", "resolve", "1", "--as", "paid", "--by", "anna")


def test_what_a_colleague_took_on_the_page_is_left_alone_too(database: Database, run: Run) -> None:
    with database.write() as session:
        deeds.assign(session, "item", 1, "lea", "lea", NOW)
    assert "lea has taken item 1" in run("queue", "resolve", "1", "--as", "paid", code=1)
    with database.read() as session:
        assert queue.waiting(session, NOW)[0].assignee == "lea"


@pytest.mark.parametrize("deed", [("done", "1"), ("call", "1", "--result", "paid")])
def test_a_task_that_a_colleague_has_is_left_alone_until_it_is_taken_over(
    database: Database, run: Run, deed: tuple[str, ...]
) -> None:
    with database.write() as session:
        deeds.assign(session, "task", 1, "lea", "lea", NOW)
    before = events(database)
    assert "--over lea" in run("tasks", *deed, "--by", "bob", code=1)
    assert events(database) == before
    run("tasks", *deed, "--by", "bob", "--over", "lea")
    with database.read() as session:
        assert session.scalars(select(Task.state)).one() is TaskState.DONE


@pytest.mark.parametrize(("outcome", "state"), [("done", "in_collection"), ("not_handed_over: small", "reminded")])
def test_a_hand_over_that_is_done_is_told_and_taken_back(
    database: Database, run: Run, outcome: str, state: str
) -> None:
    with database.write() as session:
        invoices = list(session.scalars(select(Invoice)))
        open_task(session, key="h", kind=TaskKind.HAND_OVER, invoices=invoices, detail="d", due_on=NOW.date(), at=NOW)

    def shown() -> str:
        return str(json.loads(run("invoices", "FA-1", "--json"))["state"])

    told = run("tasks", "done", "2", "--outcome", outcome, "--by", "lea")
    assert ("FA-1 is in collection" in told) is (state == "in_collection")
    assert shown() == state
    assert "Task 2 waits again" in run("tasks", "undo", "2", "--by", "lea")
    assert shown() == "reminded"
    assert "was not done" in run("tasks", "undo", "2", code=1)
