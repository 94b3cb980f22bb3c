"""Days told by another day, and days that the words beside them make plainer; the message is of a Wednesday."""

from __future__ import annotations

from datetime import date

import pytest

from classifier.dates import find_dates
from classifier.preprocess import prepare
from tests.classifier.test_dates import WEDNESDAY

#: language, sentence, the day of its last phrase (month-day), or None where it has none
COUNTED = [
    ("en", "the grant lands on 8 April and you have yours by the Friday of that week", "04-10"),
    ("en", "we are back on 8 April and you are paid that week", "04-10"),
    ("en", "the board sits on 8 April, we pay the following week", "04-17"),
    ("en", "he signs on Monday 30 March and by that Friday you have it", "04-03"),
    ("en", "the sale is on 8 April, two days after that you are paid", "04-10"),
    ("en", "our grant comes on 9 April, you get yours on the 20th of that month", "04-20"),
    ("en", "our grant comes on 9 April, you get yours at the end of that month", "04-30"),
    ("en", "the hall opens on 9 April and the cheque goes on the Tuesday before", "04-07"),
    ("en", "I land on Sunday 12 April and pay on the Monday", "04-13"),
    ("en", "that Friday it goes out", "03-13"),
    ("en", "two days after that it goes out", None),
    ("en", "not a day later", None),
    ("fr", "la subvention tombe le 8 avril, vous êtes payés la même semaine", "04-10"),
    ("fr", "la subvention tombe le 8 avril, vous êtes payés la semaine suivante", "04-17"),
    ("fr", "on encaisse le 8 avril et trois jours plus tard on vous paie", "04-11"),
    ("fr", "on encaisse le 8 avril, le virement part le 20 du même mois", "04-20"),
    ("fr", "on encaisse le 8 avril et vous aurez tout avant la fin du même mois", "04-30"),
    ("fr", "la foire ouvre le 10 avril et je paie la veille", "04-09"),
    ("fr", "la veille de la réunion", None),
    ("de", "am 8. April kommt das Geld, in derselben Woche überweise ich", "04-10"),
    ("de", "am 8. April kommt das Geld, in der Woche darauf überweise ich", "04-17"),
    ("de", "am 8. April kommt das Geld, zwei Tage später seid ihr dran", "04-10"),
    ("de", "die Sitzung ist am 8. April, am Tag drauf zahle ich", "04-09"),
    ("de", "die Messe beginnt am 10. April, am Mittwoch davor zahle ich", "04-08"),
    ("de", "am 8. April kommt das Geld, am 20. desselben Monats zahle ich", "04-20"),
    ("es", "el 8 de abril cobramos y esa misma semana pagamos", "04-10"),
    ("es", "el 8 de abril cobramos y dos días después pagamos", "04-10"),
    ("es", "cobramos el 8 de abril y pagamos el 20 del mismo mes", "04-20"),
    ("es", "vuelve el 8 de abril y esa misma mañana lo pago", "04-08"),
    ("it", "l'8 aprile incassiamo e nella stessa settimana paghiamo", "04-10"),
    ("it", "l'8 aprile incassiamo e due giorni dopo paghiamo", "04-10"),
    ("it", "incassiamo l'8 aprile e paghiamo il 20 dello stesso mese", "04-20"),
    ("it", "domenica dopo la messa ve li porto", "03-15"),
    ("nl", "het geld komt op 8 april, die week nog betalen wij", "04-10"),
    ("nl", "het geld komt op 8 april, de week erna betalen wij", "04-17"),
    ("nl", "het geld komt op 8 april en een dag later hebt u het", "04-09"),
    ("nl", "het geld komt op 8 april, de 20e van diezelfde maand hebt u het", "04-20"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "sentence", "expected"), COUNTED, ids=str)
def test_a_day_counts_from_the_day_said_before(language: str, sentence: str, expected: str | None) -> None:
    found = find_dates(sentence, language, WEDNESDAY)
    assert (found[-1].ahead if found else None) == _day(expected)


#: language, sentence, its days in their order, each once
BESIDE = [
    ("en", "the sale is on the 10th of April and the cheque comes by the 15th", ["04-10", "04-15"]),
    ("en", "the sale is on the 10th of April, the ring is paid on the 5th", ["04-10", "04-05"]),
    ("en", "at the end of April, Thursday the 30th", ["04-30"]),
    ("en", "in April, on Friday the 10th", ["04-10"]),
    ("en", "next week, at the latest on Thursday", ["03-20", "03-19"]),
    ("en", "our runs go out every Thursday and you are in this week's", ["03-12"]),
    ("fr", "tous les jeudis on signe, vous êtes dans le parapheur de la semaine prochaine", ["03-19"]),
    ("fr", "le lendemain du 14 avril, un mercredi", ["04-15"]),
    ("fr", "deux jours après la réunion du 22, virement", ["03-24"]),
    ("fr", "la veille de la réunion du 22", ["03-21"]),
    ("en", "two days after the board meeting on the 18th we wire it", ["03-20"]),
    ("en", "two days after the board meeting. On the 18th we talk", ["03-18"]),
    ("es", "dos días después del consejo del 18", ["03-20"]),
    ("it", "due giorni dopo il consiglio del 18", ["03-20"]),
    ("nl", "twee dagen na de vergadering van de 18e", ["03-20"]),
    ("fr", "le 10 avril, un vendredi", ["04-10"]),
    ("fr", "300 le 10 avril, 300 quinze jours plus tard, le 24", ["04-10", "04-24"]),
    ("fr", "vendredi, 3 000 euros", ["03-13"]),
    ("de", "wir zahlen donnerstags, diese Woche seid ihr dabei", ["03-12"]),
    ("de", "nächste Woche, am Donnerstag", ["03-19"]),
    ("de", "Freitag, der 13., passt", ["03-13"]),
    ("nl", "eind april, donderdag de 30e", ["04-30"]),
    ("nl", "volgende week donderdag, 19 maart", ["03-19"]),
    ("it", "venerdì 10 ve lo pago", ["04-10"]),
    ("it", "la settimana prossima, giovedì", ["03-19"]),
    ("en", "on the 1st of each month starting in March", ["04-01"]),
    ("fr", "le 5 de chaque mois à partir de mai", ["05-05"]),
    ("es", "el 7 de abril, martes", ["04-07"]),
]  # fmt: skip


@pytest.mark.parametrize(("language", "sentence", "expected"), BESIDE, ids=str)
def test_days_beside_each_other_make_each_other_plain(language: str, sentence: str, expected: list[str]) -> None:
    found = [mention.ahead for mention in find_dates(sentence, language, WEDNESDAY) if mention.ahead]
    assert list(dict.fromkeys(found)) == [_day(each) for each in expected]


def test_a_usual_weekday_reaches_into_the_next_sentence_only() -> None:
    def last(text: str) -> date | None:
        return prepare(text, WEDNESDAY).sentences[-1].dates[-1].ahead

    assert last("Our runs go out every Thursday. You are in this week's.") == date(2026, 3, 12)
    assert last("Our runs go out every Thursday. It is approved. You are paid this week.") == date(2026, 3, 13)


def test_a_day_counted_back_is_none_where_it_lies_behind_the_message() -> None:
    (mention,) = find_dates("the day before that", "en", WEDNESDAY, before=WEDNESDAY)
    assert mention.ahead is None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(f"2026-{text}") if text else None
