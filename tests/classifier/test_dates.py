"""Dates as customers write them, in six languages, by the labelling guide; the message is of a Wednesday."""

from __future__ import annotations

import random
import re
import tomllib
from datetime import date, timedelta
from importlib.resources import files

import pytest

from classifier.date_patterns import grammar
from classifier.dates import find_dates

WEDNESDAY = date(2026, 3, 11)

#: language, phrase, the one coming date that it means (month-day; another year in full), or None where it has none
AHEAD = [
    ("fr", "le virement partira vendredi", "03-13"),
    ("fr", "vendredi prochain", "03-13"),
    ("fr", "d'ici vendredi", "03-13"),
    ("fr", "mercredi", "03-18"),
    ("fr", "mercredi en huit", "03-25"),
    ("fr", "jeudi ou vendredi", "03-13"),
    ("fr", "vendredi de la semaine prochaine", "03-20"),
    ("fr", "nous vous réglerons le 15/04", "04-15"),
    ("fr", "le 15/04/2026", "04-15"),
    ("fr", "le 15.04.26", "04-15"),
    ("fr", "au plus tard le 1er avril", "04-01"),
    ("fr", "le lundi 16 mars", "03-16"),
    ("fr", "lundi 17 mars", None),
    ("fr", "le 31 avril", None),
    ("fr", "le 25", "03-25"),
    ("fr", "le 5", "04-05"),
    ("fr", "vendredi 13", "03-13"),
    ("fr", "le 10 du mois prochain", "04-10"),
    ("fr", "entre le 10 et le 15 avril", "04-15"),
    ("fr", "du 20 au 25 mars", "03-25"),
    ("fr", "entre le 16 et le 20", "03-20"),
    ("fr", "demain matin", "03-12"),
    ("fr", "après-demain", "03-13"),
    ("fr", "aujourd'hui même", "03-11"),
    ("fr", "je fais le virement ce soir", "03-11"),
    ("fr", "cet après-midi", "03-11"),
    ("fr", "cette semaine", "03-13"),
    ("fr", "avant la fin de la semaine", "03-13"),
    ("fr", "la semaine prochaine", "03-20"),
    ("fr", "en fin de semaine prochaine", "03-20"),
    ("fr", "courant de la semaine prochaine", "03-20"),
    ("fr", "la semaine du 23 mars", "03-27"),
    ("fr", "en semaine 14", "04-03"),
    ("fr", "à la fin du mois", "03-31"),
    ("fr", "fin de mois", "03-31"),
    ("fr", "fin avril", "04-30"),
    ("fr", "fin du mois prochain", "04-30"),
    ("fr", "le mois prochain", "04-30"),
    ("fr", "courant avril", "04-30"),
    ("fr", "début avril", "04-05"),
    ("fr", "début juin", "06-05"),
    ("fr", "mi-juin", "06-15"),
    ("fr", "à la mi-avril", "04-15"),
    ("fr", "mi-mois", "03-15"),
    ("fr", "dans la première quinzaine d'avril", "04-15"),
    ("fr", "le dernier jour du mois", "03-31"),
    ("fr", "sous huitaine", "03-19"),
    ("fr", "sous quinzaine", "03-26"),
    ("fr", "sous 8 jours", "03-19"),
    ("fr", "d'ici une dizaine de jours", "03-21"),
    ("fr", "dans deux semaines", "03-25"),
    ("fr", "dans un mois", "04-11"),
    ("fr", "sous 48 heures", "03-13"),
    ("fr", "sous 48h", "03-13"),
    ("fr", "d'ici deux jours", "03-13"),
    ("fr", "dans les 3 prochains jours", "03-14"),
    ("fr", "sous 5 jours ouvrés", "03-18"),
    ("fr", "dès que possible", None),
    ("fr", "au prochain virement", None),
    ("fr", "la semaine dernière", None),
    ("fr", "le premier de la pile", None),
    ("fr", "à 45 jours fin de mois", "04-30"),
    ("fr", "un de ces jours", None),
    ("fr", "chaque vendredi", None),
    ("fr", "F26/118", None),
    ("en", "it goes out on Friday", "03-13"),
    ("en", "next Friday", "03-13"),
    ("en", "Friday's run", "03-13"),
    ("en", "by close of business Thursday", "03-12"),
    ("en", "Wednesday", "03-18"),
    ("en", "Thursday or Friday", "03-13"),
    ("en", "Friday week", "03-20"),
    ("en", "next week on Tuesday", "03-17"),
    ("en", "Friday of next week", "03-20"),
    ("en", "on 15 April", "04-15"),
    ("en", "April 15th", "04-15"),
    ("en", "15th of April 2026", "04-15"),
    ("en", "Monday, March 16", "03-16"),
    ("en", "Monday, March 17", None),
    ("en", "by the 25th", "03-25"),
    ("en", "on the 5th", "04-05"),
    ("en", "the 10th of next month", "04-10"),
    ("en", "between the 16th and the 20th", "03-20"),
    ("en", "on 03/04", "04-03"),
    ("en", "2026-04-03", "04-03"),
    ("en", "20-Mar-2026", "03-20"),
    ("en", "on 20-03", "03-20"),
    ("en", "tomorrow morning", "03-12"),
    ("en", "first thing tomorrow", "03-12"),
    ("en", "the day after tomorrow", "03-13"),
    ("en", "in today's run", "03-11"),
    ("en", "by end of play today", "03-11"),
    ("en", "this week", "03-13"),
    ("en", "by the end of the week", "03-13"),
    ("en", "next week", "03-20"),
    ("en", "the end of next week", "03-20"),
    ("en", "the week after next", "03-27"),
    ("en", "week of 23 March", "03-27"),
    ("en", "in week 14", "04-03"),
    ("en", "month-end", "03-31"),
    ("en", "the end of April", "04-30"),
    ("en", "by the end of next month", "04-30"),
    ("en", "early April", "04-05"),
    ("en", "late April", "04-30"),
    ("en", "mid-June", "06-15"),
    ("en", "middle of April", "04-15"),
    ("en", "in April", "04-30"),
    ("en", "the last working day of the month", "03-31"),
    ("en", "within 8 days", "03-19"),
    ("en", "in two weeks", "03-25"),
    ("en", "in a fortnight", "03-25"),
    ("en", "within 48 hours", "03-13"),
    ("en", "in a couple of days", "03-13"),
    ("en", "in 5 working days", "03-18"),
    ("en", "in two weeks' time", "03-25"),
    ("en", "as soon as possible", None),
    ("en", "in our next run", None),
    ("en", "last week", None),
    ("en", "you may call me", None),
    ("en", "the first invoice", None),
    ("en", "the second reminder", None),
    ("en", "every Friday", None),
    ("de", "am Freitag", "03-13"),
    ("de", "nächsten Freitag", "03-13"),
    ("de", "Freitag nächster Woche", "03-20"),
    ("de", "am 25. März", "03-25"),
    ("de", "bis zum 25.", "03-25"),
    ("de", "am 20.03.", "03-20"),
    ("de", "am 15.04.2026", "04-15"),
    ("de", "Montag, den 16. März", "03-16"),
    ("de", "morgen früh", "03-12"),
    ("de", "übermorgen", "03-13"),
    ("de", "heute noch", "03-11"),
    ("de", "diese Woche", "03-13"),
    ("de", "bis Ende der Woche", "03-13"),
    ("de", "nächste Woche", "03-20"),
    ("de", "übernächste Woche", "03-27"),
    ("de", "bis Monatsende", "03-31"),
    ("de", "Ende April", "04-30"),
    ("de", "Mitte Juni", "06-15"),
    ("de", "Anfang April", "04-05"),
    ("de", "im nächsten Monat", "04-30"),
    ("de", "innerhalb von 8 Tagen", "03-19"),
    ("de", "in 14 Tagen", "03-25"),
    ("de", "in zwei Wochen", "03-25"),
    ("de", "in KW 14", "04-03"),
    ("de", "binnen 48 Stunden", "03-13"),
    ("de", "letzte Woche", None),
    ("de", "so bald wie möglich", None),
    ("de", "Guten Morgen", None),
    ("es", "el viernes", "03-13"),
    ("es", "el próximo viernes", "03-13"),
    ("es", "el viernes de la semana que viene", "03-20"),
    ("es", "el 15 de abril", "04-15"),
    ("es", "el día 25", "03-25"),
    ("es", "mañana mismo", "03-12"),
    ("es", "pasado mañana", "03-13"),
    ("es", "hoy mismo", "03-11"),
    ("es", "esta semana", "03-13"),
    ("es", "la semana que viene", "03-20"),
    ("es", "a finales de mes", "03-31"),
    ("es", "a finales de abril", "04-30"),
    ("es", "a mediados de junio", "06-15"),
    ("es", "a principios de abril", "04-05"),
    ("es", "el mes que viene", "04-30"),
    ("es", "en un plazo de 8 días", "03-19"),
    ("es", "en dos semanas", "03-25"),
    ("es", "dentro de 48 horas", "03-13"),
    ("es", "la semana pasada", None),
    ("es", "cuanto antes", None),
    ("es", "en cuanto firme mi jefe", None),
    ("it", "venerdì", "03-13"),
    ("it", "venerdì prossimo", "03-13"),
    ("it", "venerdì della prossima settimana", "03-20"),
    ("it", "il 15 aprile", "04-15"),
    ("it", "entro il 25", "03-25"),
    ("it", "il 20/03", "03-20"),
    ("it", "domani mattina", "03-12"),
    ("it", "dopodomani", "03-13"),
    ("it", "oggi stesso", "03-11"),
    ("it", "entro questa settimana", "03-13"),
    ("it", "la prossima settimana", "03-20"),
    ("it", "entro fine mese", "03-31"),
    ("it", "a fine aprile", "04-30"),
    ("it", "a metà giugno", "06-15"),
    ("it", "ai primi di aprile", "04-05"),
    ("it", "il mese prossimo", "04-30"),
    ("it", "entro 8 giorni", "03-19"),
    ("it", "tra due settimane", "03-25"),
    ("it", "entro 48 ore", "03-13"),
    ("it", "la settimana scorsa", None),
    ("it", "appena possibile", None),
    ("nl", "vrijdag", "03-13"),
    ("nl", "komende vrijdag", "03-13"),
    ("nl", "volgende week vrijdag", "03-20"),
    ("nl", "op 15 april", "04-15"),
    ("nl", "de 25e", "03-25"),
    ("nl", "op 20-03", "03-20"),
    ("nl", "morgenochtend", "03-12"),
    ("nl", "overmorgen", "03-13"),
    ("nl", "vandaag nog", "03-11"),
    ("nl", "deze week", "03-13"),
    ("nl", "volgende week", "03-20"),
    ("nl", "eind van de maand", "03-31"),
    ("nl", "eind april", "04-30"),
    ("nl", "half juni", "06-15"),
    ("nl", "begin april", "04-05"),
    ("nl", "volgende maand", "04-30"),
    ("nl", "binnen 8 dagen", "03-19"),
    ("nl", "over twee weken", "03-25"),
    ("nl", "binnen 48 uur", "03-13"),
    ("nl", "vorige week", None),
    ("nl", "zo snel mogelijk", None),
]

#: the one date in the past that is meant
BEHIND = [
    ("fr", "viré hier", "03-10"),
    ("fr", "réglé avant-hier", "03-09"),
    ("fr", "payée lundi", "03-09"),
    ("fr", "vendredi dernier", "03-06"),
    ("fr", "payé le 4 mars", "03-04"),
    ("fr", "le 28/02", "02-28"),
    ("fr", "parti ce matin", "03-11"),
    ("fr", "il y a trois jours", "03-08"),
    ("fr", "le 20", "02-20"),
    ("fr", "la semaine dernière", None),
    ("fr", "le mois dernier", None),
    ("en", "paid yesterday", "03-10"),
    ("en", "last Friday", "03-06"),
    ("en", "settled on the 5th", "03-05"),
    ("en", "on 28 February", "02-28"),
    ("en", "12-Feb-2026", "02-12"),
    ("en", "this morning", "03-11"),
    ("en", "three days ago", "03-08"),
    ("en", "weeks ago", None),
    ("de", "gestern", "03-10"),
    ("de", "am letzten Freitag", "03-06"),
    ("de", "am 04.03.", "03-04"),
    ("de", "vor drei Tagen", "03-08"),
    ("es", "ayer", "03-10"),
    ("es", "el viernes pasado", "03-06"),
    ("es", "hace tres días", "03-08"),
    ("it", "ieri", "03-10"),
    ("it", "venerdì scorso", "03-06"),
    ("it", "tre giorni fa", "03-08"),
    ("nl", "gisteren", "03-10"),
    ("nl", "afgelopen vrijdag", "03-06"),
    ("nl", "drie dagen geleden", "03-08"),
]


def _day(text: str | None) -> set[date]:
    if text is None:
        return set()
    return {date.fromisoformat(text if len(text) > 5 else f"2026-{text}")}


@pytest.mark.parametrize(("language", "phrase", "expected"), AHEAD, ids=str)
def test_a_phrase_means_its_coming_date(language: str, phrase: str, expected: str | None) -> None:
    assert {each.ahead for each in find_dates(phrase, language, WEDNESDAY) if each.ahead} == _day(expected)


@pytest.mark.parametrize(("language", "phrase", "expected"), BEHIND, ids=str)
def test_a_phrase_means_its_past_date(language: str, phrase: str, expected: str | None) -> None:
    assert {each.behind for each in find_dates(phrase, language, WEDNESDAY) if each.behind} == _day(expected)


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(AHEAD) + len(BEHIND) >= 150
    assert {language for language, _, _ in AHEAD} == {"fr", "en", "de", "es", "it", "nl"}


@pytest.mark.parametrize(
    ("base", "phrase", "expected"),
    [
        (date(2026, 12, 30), "le 5", date(2027, 1, 5)),
        (date(2026, 12, 30), "le 15 janvier", date(2027, 1, 15)),
        (date(2026, 1, 31), "dans un mois", date(2026, 2, 28)),
        (date(2026, 1, 31), "le 31", date(2026, 1, 31)),
        (date(2026, 2, 10), "le 30", date(2026, 3, 30)),
        (date(2026, 3, 13), "vendredi", date(2026, 3, 20)),
        (date(2026, 3, 13), "ce vendredi", date(2026, 3, 13)),
        (date(2026, 3, 14), "cette semaine", None),
        (date(2026, 3, 15), "la semaine prochaine", date(2026, 3, 20)),
        (date(2026, 3, 31), "fin du mois", date(2026, 3, 31)),
        (date(2028, 2, 10), "fin février", date(2028, 2, 29)),
        (date(2026, 3, 20), "mi-mois", date(2026, 4, 15)),
        (date(2026, 12, 29), "semaine 2", date(2027, 1, 15)),
    ],
)
def test_dates_at_the_edges_of_weeks_months_and_years(base: date, phrase: str, expected: date | None) -> None:
    assert {each.ahead for each in find_dates(phrase, "fr", base) if each.ahead} == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("language", "phrase", "expected"),
    [
        ("en", "no later than Friday 5th June", "06-05"),
        ("en", "by close of business on Friday", "03-13"),
        ("en", "the first may be paid", None),
        ("en", "in Q2", "06-30"),
        ("fr", "sous 24/48h", "03-13"),
        ("fr", "le dernier vendredi du mois", "03-27"),
        ("fr", "12,50 € ou 12.10 €", None),
        ("de", "morgen im Laufe des Tages", "03-12"),
        ("de", "am ersten Freitag im April", "04-03"),
        ("es", "el veinticinco de marzo", "03-25"),
        ("it", "entro trentun (31) giorni", "04-11"),
        ("nl", "op 20-3", "03-20"),
        ("nl", "de twee facturen", None),
    ],
)
def test_longer_and_rarer_phrases(language: str, phrase: str, expected: str | None) -> None:
    assert {each.ahead for each in find_dates(phrase, language, WEDNESDAY) if each.ahead} == _day(expected)


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("fr", "le premier du mois prochain"),
        ("en", "the first of next month"),
        ("de", "zum Ersten des nächsten Monats"),
        ("de", "zum nächsten Ersten"),
        ("es", "el día 1 del mes que viene"),
        ("it", "il primo del mese prossimo"),
        ("nl", "op de eerste van volgende maand"),
    ],
)
def test_the_first_of_next_month(language: str, phrase: str) -> None:
    assert [each.ahead for each in find_dates(phrase, language, WEDNESDAY)] == [date(2026, 4, 1)]


#: Named parts of a form without which its family means nothing; of others the pattern's parameters tell.
NEEDED = {
    "explicit": {"day", "month"}, "weekday": {"weekday"}, "span_ago": {"n", "unit"}, "days_end_of_month": {"n"},
    "week_of": {"day"}, "numbered_week": {"week"}, "weekday_of_month": {"weekday", "nth"},
}  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en", "de", "es", "it", "nl"])
def test_every_form_catches_what_its_family_needs(language: str) -> None:
    for pattern in grammar(language).patterns:
        caught = set(pattern.regex.groupindex)
        needed = NEEDED.get(pattern.family, set())
        if pattern.family == "in_span" and "days" not in pattern.params:
            needed = {"n"} if "unit" in pattern.params else {"n", "unit"}
        assert needed <= caught | ({"day"} if "named_day" in caught else set()), pattern.regex.pattern


@pytest.mark.parametrize("language", ["fr", "en", "de", "es", "it", "nl"])
def test_every_form_filled_with_any_words_gives_a_day_or_none(language: str) -> None:
    raw = tomllib.loads((files("classifier") / "wordings" / "dates" / f"{language}.toml").read_text("utf-8"))
    draw = random.Random(language)
    of = {
        "month": raw["months"], "weekday": raw["weekdays"], "n": [*raw["numbers"], "14"], "unit": raw["units"],
        "day": [*map(str, range(1, 32)), *raw["days"]], "day_ordinal": list(raw["days"]), "week": ["1", "53"],
        "quarter": raw["quarters"], "nth": raw["nths"], "year": ["2026", "2099"], "wd": raw["short_weekdays"],
        "hours": ["24", "48"], "hour_unit": [word for word, unit in raw["units"].items() if unit == 0],
    }  # fmt: skip

    def filled(form: str) -> str:
        text = re.sub(r"\[([^\]]*)\]", lambda found: draw.choice(["", *found[1].split("|")]), form)
        text = re.sub(r"\(([^)]*)\)", lambda found: draw.choice(found[1].split("|")), text)
        names = re.compile(r"\{(?:any_)?(\w+?)(?:_stem)?\}")
        return names.sub(lambda found: draw.choice(list(of[found[1]])), text)

    for pattern in raw["pattern"]:
        for form in pattern["forms"]:
            base = WEDNESDAY + timedelta(draw.randint(0, 800))
            for mention in find_dates(filled(form), language, base):
                assert mention.ahead is None or mention.ahead >= base
                assert mention.behind is None or mention.behind <= base


def test_an_order_of_day_and_month_that_could_be_either_is_no_date_where_nothing_tells() -> None:
    assert [each.ahead for each in find_dates("on 05/06", "en", WEDNESDAY, month_first=None)] == [None]
    assert [each.ahead for each in find_dates("on 05/20", "en", WEDNESDAY, month_first=None)] == [date(2026, 5, 20)]
    assert [each.ahead for each in find_dates("on 05/06", "en", WEDNESDAY, month_first=False)] == [date(2026, 6, 5)]
    assert [each.ahead for each in find_dates("on 05/06", "en", WEDNESDAY, month_first=True)] == [date(2026, 5, 6)]


#: Feasts, the day of the week after another day, spoken words, and what looks like a date and is none.
FURTHER = [
    ("fr", "le vendredi saint au plus tard", "04-03"),
    ("fr", "il signe le 16 mars, le lundi qui suit je paie", "03-23"),
    ("fr", "le 15 de chaque mois", "03-15"),
    ("fr", "vendredi en deux semaines", "03-27"),
    ("fr", "je paye aujourdui", "03-11"),
    ("fr", "fin mars, 2000", "03-31"),
    ("en", "by Good Friday", "04-03"),
    ("en", "the board meets on 18 March and the Friday after it goes out", "03-20"),
    ("en", "down for 15th", "03-15"),
    ("en", "on the last of April", "04-30"),
    ("en", "a couple of days", "03-13"),
    ("en", "it goes on 20 March, first working day after", "03-20"),
    ("en", "we fell in and out", None),
    ("de", "bis Karfreitag", "04-03"),
    ("de", "die Sitzung ist am 16. März, am Montag danach zahle ich", "03-23"),
    ("de", "im Zahlungslauf vom 22.", "03-22"),
    ("de", "heut noch", "03-11"),
    ("es", "el jueves santo", "04-02"),
    ("es", "el viernes de la otra semana", "03-20"),
    ("es", "el último de mayo", "05-31"),
    ("es", "un par de días", "03-13"),
    ("it", "il martedì dopo Pasqua", "04-07"),
    ("it", "entro l'ultimo del mese", "03-31"),
    ("nl", "tegen Paaszaterdag", "04-04"),
    ("nl", "zaterdag 14 maart is er feest, de dinsdag daarna betaal ik", "03-17"),
]


@pytest.mark.parametrize(("language", "phrase", "expected"), FURTHER, ids=str)
def test_feasts_and_days_counted_from_another_day(language: str, phrase: str, expected: str | None) -> None:
    found = [mention.ahead for mention in find_dates(phrase, language, WEDNESDAY)]
    assert (found[-1] if found else None) == (date.fromisoformat(f"2026-{expected}") if expected else None)


@pytest.mark.parametrize(
    ("language", "phrase"),
    [("fr", "il y a une heure"), ("en", "an hour ago"), ("de", "vor zwei Stunden"), ("es", "hace un rato"),
     ("it", "un'ora fa"), ("nl", "een uur geleden")],
)  # fmt: skip
def test_what_was_done_an_hour_ago_was_done_today(language: str, phrase: str) -> None:
    (mention,) = find_dates(phrase, language, WEDNESDAY)
    assert (mention.ahead, mention.behind) == (None, WEDNESDAY)


def test_this_friday_said_at_a_weekend_may_be_either() -> None:
    (mention,) = find_dates("this Friday", "en", date(2026, 3, 15))
    assert (mention.ahead, mention.behind) == (date(2026, 3, 20), date(2026, 3, 13))


def test_that_day_and_the_next_one_count_from_the_date_said_before() -> None:
    before = date(2026, 3, 25)
    assert [each.ahead for each in find_dates("le lendemain", "fr", WEDNESDAY, before=before)] == [date(2026, 3, 26)]
    assert [each.ahead for each in find_dates("the same day", "en", WEDNESDAY, before=before)] == [before]
    assert [each.ahead for each in find_dates("le lendemain", "fr", WEDNESDAY)] == [None]


def test_a_span_points_at_the_words_of_the_original_text() -> None:
    text = "Réglé d’ici le 15 avril, œuvre d’art comprise"
    (mention,) = find_dates(text, "fr", WEDNESDAY)
    assert text[mention.start : mention.end] == "le 15 avril"


def test_every_resolved_date_lies_on_its_side_of_the_message() -> None:
    for language, phrase, _ in AHEAD + BEHIND:
        for shift in range(0, 400, 37):
            base = WEDNESDAY + timedelta(shift)
            for mention in find_dates(phrase, language, base):
                assert mention.ahead is None or mention.ahead >= base
                assert mention.behind is None or mention.behind <= base
