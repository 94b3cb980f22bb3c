"""Numbers in words, with and without the name of a currency."""

from __future__ import annotations

import pytest

from classifier.spelled import find_numbers

NUMBERS = [
    ("en", "I can do six hundred and fifty on Friday", [650]),
    ("en", "a couple of hundred", []),
    ("fr", "quinze cents vendredi, deux mille en mai", [1500, 2000]),
    ("fr", "rien de tout cela", []),
    ("de", "neunhundert morgen", [900]),
    ("es", "doscientos cincuenta el sábado", [250]),
    ("it", "milleduecento mercoledì", [1200]),
    ("nl", "vijftienhonderd nu", [1500]),
]


@pytest.mark.parametrize(("language", "text", "expected"), NUMBERS)
def test_a_number_in_words_is_found_without_a_currency(language: str, text: str, expected: list[int]) -> None:
    assert [number for *_, number in find_numbers(text, language)] == expected


def test_the_span_covers_the_words_of_the_number() -> None:
    text = "Le hago doscientos cincuenta el sábado"
    ((start, end, _),) = find_numbers(text, "es")
    assert text[start:end] == "doscientos cincuenta"
