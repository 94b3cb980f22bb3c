import json
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from agent.demo.wordings import Wording, absences, programs, replies
from classifier.text import fold

TRAINING = Path(str(files("classifier"))) / "data" / "replies"
INTENTS = {"paid", "promise", "dispute", "question", "other"}


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", fold(re.sub(r"\{\w+\}", " ", text)).lower())


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


@pytest.fixture(scope="module")
def training() -> list[str]:
    rows = [
        json.loads(line) for file in sorted(TRAINING.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]
    assert len(rows) > 500
    return [row["text"] for row in rows]


def test_there_are_enough_of_them() -> None:
    by_language = Counter(each.language for each in replies())
    assert by_language["fr"] >= 40
    assert by_language["en"] >= 20


def test_none_is_in_the_training_data(training: list[str]) -> None:
    known = {" ".join(words_of(text)) for text in training}
    # The barest ones ("Payé ce matin.", "ok merci") are what everybody writes; a sentence of one's own is not.
    own = [each for each in replies() if len(words_of(each.text)) > 6]
    assert len(own) > 60
    assert not [each.key for each in own if " ".join(words_of(each.text)) in known]


def test_none_shares_a_long_run_of_words_with_the_training_data(training: list[str]) -> None:
    known = set().union(*(runs(text, 9) for text in training))
    assert not {each.key: sorted(runs(each.text, 9) & known) for each in replies() if runs(each.text, 9) & known}


def test_no_two_are_the_same() -> None:
    texts = Counter(" ".join(words_of(each.text)) for each in replies())
    assert not [text for text, count in texts.items() if count > 1]


@pytest.mark.parametrize("each", replies(), ids=lambda each: each.key)
def test_each_says_what_its_labels_say(each: Wording) -> None:
    assert set(each.intents) <= INTENTS
    assert len(each.intents) == (2 if each.about == "two" else 1)
    assert ("promise" in each.intents) == (each.when is not None)
    assert set(re.findall(r"\{(\w+)\}", each.text)) <= {"number", "other", "amount", "date"}
    assert ("{date}" in each.text) == (each.date_pattern is not None)
    assert (each.when == "date") <= ("{date}" in each.text)
    if each.about == "two":
        assert "{number}" in each.text
        assert "{other}" in each.text
    if each.about in {"all", "any"}:
        assert "{number}" not in each.text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_answer_that_people_may_want_to_give_exists(language: str) -> None:
    def has(intent: str, about: str, when: str | None = None) -> bool:
        fits = {"any", about}
        return any(
            each.language == language and each.intents == (intent,) and each.about in fits and each.when == when
            for each in replies()
        )

    for about in ("one", "all"):
        for intent in INTENTS - {"promise"}:
            assert has(intent, about), (intent, about)
        for when in ("date", "none"):
            assert has("promise", about, when), (about, when)
    assert any(each.language == language and each.about == "two" for each in replies())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_programs_and_machines_speak_the_language(language: str) -> None:
    assert set(programs(language)) == {"outlook", "gmail", "phone", "thunderbird"}
    assert all("{date}" in each.text and "{subject}" in each.subject for each in absences(language))
