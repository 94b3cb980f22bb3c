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

AS_PEOPLE_SAY = [
    ("fr", "douze cents", 1200),
    ("fr", "deux cent nonante", 290),
    ("fr", "un cinq cents", 500),
    ("fr", "un demi-million", 500_000),
    ("fr", "un million et demi", 1_500_000),
    ("fr", "deux mille et demi", 2500),
    ("en", "seventeen fifty", 1750),
    ("en", "three fifty", 350),
    ("en", "two and a half grand", 2500),
    ("en", "half a grand", 500),
    ("en", "half a million", 500_000),
    ("en", "two and a half k", 2500),
    ("de", "fuffzig", 50),
    ("de", "zwoundzwanzig", 22),
    ("de", "fuenfhundert", 500),
    ("de", "anderthalbtausend", 1500),
    ("de", "zweieinhalb Riesen", 2500),
    ("de", "2,5 Riesen", 2500),
    ("de", "drei Hunderter", 300),
    ("de", "eine halbe Million", 500_000),
    ("es", "dos mil quinientos", 2500),
    ("es", "medio millón", 500_000),
    ("es", "un millón y medio", 1_500_000),
    ("it", "un cinquecento", 500),
    ("it", "1,5 mila", 1500),
    ("it", "duemila e mezzo", 2500),
    ("it", "mezzo milione", 500_000),
    ("nl", "anderhalf duizend", 1500),
    ("nl", "tweeënhalf duizend", 2500),
    ("nl", "twee ruggen", 2000),
    ("nl", "drieendertig", 33),
    ("nl", "vijfentwintighonderd", 2500),
]

NOT_EXACTLY = [
    ("fr", "mille et quelques"),
    ("en", "a couple hundred"),
    ("en", "two hundred odd"),
    ("es", "quince mil y pico"),
    ("it", "mille e rotti"),
    ("nl", "duizend en nog wat"),
]

NO_SUMS = [
    ("en", "I'll ring at ten thirty"),
    ("en", "twenty twenty-six"),
    ("it", "tra mezz'ora"),
]


@pytest.mark.parametrize(("language", "text", "expected"), NUMBERS)
def test_a_number_in_words_is_found_without_a_currency(language: str, text: str, expected: list[int]) -> None:
    assert [number for *_, number in find_numbers(text, language)] == expected


def test_the_span_covers_the_words_of_the_number() -> None:
    text = "Le hago doscientos cincuenta el sábado"
    ((start, end, _),) = find_numbers(text, "es")
    assert text[start:end] == "doscientos cincuenta"


@pytest.mark.parametrize(("language", "text", "expected"), AS_PEOPLE_SAY)
def test_a_number_is_read_as_people_say_it(language: str, text: str, expected: int) -> None:
    assert [number for *_, number in find_numbers(text, language)] == [expected]


@pytest.mark.parametrize(("language", "text"), NOT_EXACTLY)
def test_a_number_that_is_more_or_less_is_none(language: str, text: str) -> None:
    assert find_numbers(text, language) == ()


@pytest.mark.parametrize(("language", "text"), NO_SUMS)
def test_times_years_and_half_hours_are_no_sums(language: str, text: str) -> None:
    assert [number for *_, number in find_numbers(text, language) if number > 20] == []


def test_the_span_of_a_half_covers_the_word_that_multiplies_it() -> None:
    text = "I'll do two and a half grand on Monday"
    ((start, end, _),) = find_numbers(text, "en")
    assert text[start:end] == "two and a half grand"
