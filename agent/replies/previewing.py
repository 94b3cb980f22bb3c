"""What would follow from a person's deed, told before it is done."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from agent.replies.resolve import resolve
from agent.replies.word import Done, Word
from agent.review import queue
from config import Settings
from models import Database


class _Undone(Exception):
    """Rolls a preview back; carries what would have followed."""

    def __init__(self, done: Done) -> None:
        self.done = done


def rolled_back(database: Database, do: Callable[[Session], Done]) -> Done:
    """What would follow from a deed: carried out and rolled back, so that the two can't differ. Raises as the deed."""
    try:
        with database.write() as session:
            raise _Undone(do(session))
    except _Undone as undone:
        return undone.done


def preview(database: Database, item_id: int, word: Word, settings: Settings, now: datetime) -> Done:
    """What would follow from a word. Raises NeedsPerson as `resolve` does."""
    return rolled_back(database, lambda session: resolve(session, queue.get(session, item_id), word, settings, now))
