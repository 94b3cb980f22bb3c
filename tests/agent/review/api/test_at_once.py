"""The same write on several connections at once, on each kind of database: carried out once."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from models import Event, SavedView
from tests.agent.review.api.test_api import Program
from tests.builders.desk import Office, one_item


def test_the_same_key_on_four_connections_at_once_is_one_deed(desk: Office) -> None:
    one_item(desk)
    program = Program(desk)
    line = {"kind": "note", "invoice": "FA-1", "text": "they will call"}

    def once(_: int) -> tuple[int, str]:
        answered = program.post("/log", line, key="same")
        return answered.status_code, answered.text

    with ThreadPoolExecutor(4) as pool:
        answered = set(pool.map(once, range(4)))
    assert answered == {(200, answered.copy().pop()[1])}
    with desk.database.read() as session:
        assert len(session.scalars(select(Event).where(Event.kind == "note.logged")).all()) == 1


def test_one_view_saved_on_four_connections_at_once_is_one_view(desk: Office) -> None:
    program = Program(desk)

    def once(at: int) -> int:
        status: int = program.post("/views", {"name": "mine", "text": f"search {at}"}, key=f"view-{at}").status_code
        return status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(once, range(4))) == {200}
    with desk.database.read() as session:
        assert session.scalars(select(SavedView.name)).all() == ["mine"]
