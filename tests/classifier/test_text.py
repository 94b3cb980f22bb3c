"""Phrases are found as they are written, and in the order that the rules count on."""

from __future__ import annotations

from classifier.text import Hit, Phrases, fold, words


def found(phrases: dict[str, list[str]], text: str) -> list[Hit]:
    return Phrases(phrases).find(words(fold(text)))


def test_words_know_where_they_stand() -> None:
    assert [(each.folded, each.start, each.end) for each in words(fold("L’été, déjà"))] == [
        ("l", 0, 1), ("ete", 2, 5), ("deja", 7, 11),
    ]  # fmt: skip


def test_a_phrase_is_found_by_words_stems_numbers_and_gaps() -> None:
    phrases = {"stem": ["regl*"], "at once": ["on the"], "number": ["day #"], "gap": ["will .. pay*"]}
    said = found(phrases, "On the day 12 we will all of us be paying, et c'est réglé")
    assert said == [Hit("at once", 0, 2), Hit("number", 2, 4), Hit("gap", 5, 11), Hit("stem", 14, 15)]


def test_a_gap_is_of_four_words_at_most() -> None:
    assert found({"gap": ["will .. pay"]}, "will one two three four pay")
    assert not found({"gap": ["will .. pay"]}, "will one two three four five pay")


def test_of_one_first_word_whole_words_come_before_stems_and_each_as_it_was_given() -> None:
    phrases = {"stem": ["paye* now"], "gap": ["payed .. now"], "short": ["payed"], "at once": ["payed now"]}
    assert [hit.name for hit in found(phrases, "payed now")] == ["gap", "short", "at once", "stem"]


def test_a_word_beyond_the_end_completes_no_phrase() -> None:
    assert not found({"at once": ["payed now"], "number": ["payed #"]}, "payed")
