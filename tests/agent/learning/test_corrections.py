"""What people said of mails, as training data: withdrawn, erased and dominating corrections stay out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.learning import corrections
from agent.learning.corrections import Corrections
from agent.replies.word import Word
from models import Correction, Event, Message, Task
from models.reasons import TaskKind
from models.states import TaskState
from tests.builders.office import NOW, Office, opened


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with opened(database_url, tmp_path) as found:
        yield found


def test_a_correction_becomes_a_row_with_its_text_and_labels(office: Office) -> None:
    office.answers("promise", automatic=False)
    office.says(Word("Anna", "paid"))
    found = _read(office)
    (learnt,) = (*found.training, *found.frozen)
    assert (learnt.by, learnt.at, learnt.row.labels.primary) == ("Anna", NOW, "paid")
    assert learnt.row.reply.text.strip()
    assert set(learnt.row.labels.per_invoice.values()) == {"paid"}


def test_what_merely_waits_teaches_nothing(office: Office) -> None:
    office.answers("promise", automatic=False)
    assert _read(office) == Corrections((), ())


def test_a_withdrawn_correction_is_forgotten_and_known_as_withdrawn(office: Office) -> None:
    office.answers("promise", automatic=False)
    office.says(Word("Anna", "paid"))
    office.undo()
    assert _read(office) == Corrections((), ())
    with office.database.read() as session:
        assert corrections.withdrawn(session) == {office.one(Correction).id}


def test_labels_that_were_erased_teach_nothing(office: Office) -> None:
    office.answers("promise", automatic=False)
    office.says(Word("Anna", "paid"))
    with office.database.write() as session:
        session.get_one(Correction, office.one(Correction).id).labels = {}
    assert _read(office) == Corrections((), ())


def test_an_automatic_action_that_is_drawn_becomes_a_task_for_a_person(office: Office) -> None:
    object.__setattr__(office.settings.classifier, "audit_percent", 100)
    office.answers("paid")
    task = office.one(Task)
    assert (task.kind, task.state, task.message_id) == (TaskKind.AUDIT_SAMPLE, TaskState.OPEN, office.one(Message).id)
    assert any(event.kind == "task.open" for event in _events(office))


def test_none_is_drawn_where_the_share_is_nothing_or_a_person_decides(office: Office) -> None:
    object.__setattr__(office.settings.classifier, "audit_percent", 0)
    office.answers("paid")
    assert office.count(Task) == 0


def _read(office: Office) -> Corrections:
    with office.database.read() as session:
        return corrections.read(session, office.settings, "salt")


def _events(office: Office) -> list[Event]:
    with office.database.read() as session:
        return list(session.query(Event))
