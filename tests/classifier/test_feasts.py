"""Feasts by their names: the day that is meant, and none where a country or a word beside it leaves it open."""

from __future__ import annotations

from datetime import date

import pytest

from classifier.dates import find_dates

#: language, day of the message, phrase, the day that it means, or None where it has none
NAMED = [
    ("fr", "2026-04-20", "on solde ça pour la fête du Travail", "2026-05-01"),
    ("fr", "2026-05-04", "le lundi de Pentecôte sans faute", "2026-05-25"),
    ("fr", "2026-05-04", "le jeudi de l'Ascension", "2026-05-14"),
    ("fr", "2026-10-12", "à la Toussaint vous êtes payés", "2026-11-01"),
    ("fr", "2026-10-12", "le lendemain de la Toussaint", "2026-11-02"),
    ("fr", "2026-12-01", "la veille de Noël", "2026-12-24"),
    ("fr", "2026-12-01", "à la Saint-Sylvestre", "2026-12-31"),
    ("fr", "2026-07-06", "pour la fête nationale belge", "2026-07-21"),
    ("fr", "2026-07-06", "pour la fête nationale", None),
    ("fr", "2026-12-01", "avant Noël", None),
    ("fr", "2026-05-04", "après la Pentecôte", None),
    ("fr", "2026-05-04", "le mardi après la Pentecôte", "2026-05-26"),
    ("en", "2026-12-01", "xmas eve at the latest", "2026-12-24"),
    ("en", "2026-12-01", "on new years eve", "2026-12-31"),
    ("en", "2026-11-10", "Thanksgiving Day", "2026-11-26"),
    ("en", "2026-09-20", "by Thanksgiving", None),
    ("en", "2026-08-25", "on Labor Day", "2026-09-07"),
    ("en", "2026-04-20", "bank holiday Monday at the latest", "2026-05-04"),
    ("en", "2026-05-18", "bank holiday Monday at the latest", None),
    ("en", "2026-06-20", "by the Fourth of July", "2026-07-04"),
    ("en", "2026-03-11", "on St Patrick's Day", "2026-03-17"),
    ("en", "2026-12-01", "the day after Christmas", "2026-12-26"),
    ("en", "2026-12-01", "we are closed over Christmas", None),
    ("en", "2026-03-20", "the Thursday after Easter", "2026-04-09"),
    ("de", "2026-05-12", "am Pfingstmontag", "2026-05-25"),
    ("de", "2026-05-20", "zu Fronleichnam", "2026-06-04"),
    ("de", "2026-02-02", "Rosenmontag überweis ich", "2026-02-16"),
    ("de", "2026-12-03", "spätestens an Silvester", "2026-12-31"),
    ("de", "2026-12-03", "Silvester Müller ist im Haus", None),
    ("de", "2026-09-15", "am Nationalfeiertag", "2026-10-26"),
    ("de", "2026-07-15", "am Nationalfeiertag", None),
    ("de", "2026-03-20", "nach Ostern", None),
    ("de", "2026-03-20", "nach Karfreitag", None),
    ("es", "2026-12-15", "el día de Reyes", "2027-01-06"),
    ("es", "2026-11-20", "el Día de la Constitución", "2026-12-06"),
    ("es", "2026-03-11", "por San José", "2026-03-19"),
    ("es", "2026-03-11", "nuestra oficina de San José", None),
    ("es", "2026-12-01", "en Nochebuena", "2026-12-24"),
    ("it", "2026-07-28", "entro Ferragosto", "2026-08-15"),
    ("it", "2026-12-15", "per l'Epifania", "2027-01-06"),
    ("it", "2026-03-25", "a Pasquetta", "2026-04-06"),
    ("it", "2026-12-01", "la vigilia di Natale", "2026-12-24"),
    ("it", "2026-04-10", "il giorno della Liberazione", "2026-04-25"),
    ("nl", "2026-04-10", "op koningsdag", "2026-04-27"),
    ("nl", "2025-04-10", "op koningsdag", "2025-04-26"),
    ("nl", "2026-05-12", "tweede Pinksterdag", "2026-05-25"),
    ("nl", "2026-05-01", "met Hemelvaart", "2026-05-14"),
    ("nl", "2026-11-20", "op pakjesavond", "2026-12-05"),
    ("nl", "2026-11-20", "met Sinterklaas", None),
    ("nl", "2026-10-28", "op Wapenstilstand", "2026-11-11"),
]


@pytest.mark.parametrize(("language", "said", "phrase", "expected"), NAMED, ids=str)
def test_a_feast_is_the_day_that_its_name_alone_can_mean(
    language: str, said: str, phrase: str, expected: str | None
) -> None:
    found = {each.ahead for each in find_dates(phrase, language, date.fromisoformat(said)) if each.ahead}
    assert found == ({date.fromisoformat(expected)} if expected else set())


def test_a_feast_that_is_over_lies_behind() -> None:
    (mention,) = find_dates("paid on Boxing Day", "en", date(2026, 12, 30))
    assert (mention.ahead, mention.behind) == (None, date(2026, 12, 26))
