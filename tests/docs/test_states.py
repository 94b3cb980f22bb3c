"""The page of states says what the code does."""

from pathlib import Path

from models import reference
from models.reasons import SENTENCES, ExceptionReason

PAGE = Path(__file__).parents[2] / "docs" / "states.md"


def test_the_page_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.text(), "run: python -m models.reference docs/states.md"


def test_every_reason_has_a_sentence_for_people() -> None:
    assert set(SENTENCES) == set(ExceptionReason)
