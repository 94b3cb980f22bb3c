"""Days as people type them in haste: short weekdays, telephone spelling, dialect, hours as a term; and what they take
back. The message is of a Wednesday.
"""

from __future__ import annotations

from datetime import date

import pytest

from classifier.dates import find_dates
from tests.classifier.test_dates import WEDNESDAY

#: language, sentence, the one coming day that it means (month-day), or None where it has none
TYPED = [
    ("fr", "tkt dmn t'as le virement", "03-12"),
    ("fr", "apdm chez toi", "03-13"),
    ("fr", "ça part vendr. aprem", "03-13"),
    ("fr", "sam matin je passe", "03-14"),
    ("fr", "on mange à la mer", None),
    ("fr", "72h et c'est sur votre compte", "03-14"),
    ("fr", "on règle sous 48 heures maxi", "03-13"),
    ("fr", "Règlement programmé 7-avr.", "04-07"),
    ("fr", "paiement à la clôture du trimestre", "03-31"),
    ("fr", "pas ce vendredi, le suivant", "03-20"),
    ("en", "will sort it tmrw am", "03-12"),
    ("en", "2moz mate", "03-12"),
    ("en", "thurs nxt wk", "03-19"),
    ("en", "on sat", "03-14"),
    ("en", "we sat with the accountant", None),
    ("en", "Give it 72 hrs", "03-14"),
    ("en", "dated 3-Jul-26", "07-03"),
    ("en", "when the quarter closes", "03-31"),
    ("en", "before the second quarter closes", "06-30"),
    ("en", "Not this Friday but the one after", "03-20"),
    ("en", "with the April run", "04-30"),
    ("de", "mo hast dus aufm konto", "03-16"),
    ("de", "do hast dei Göid", None),
    ("de", "fr/sa überweis ich", "03-14"),
    ("de", "übermorgn hast es", "03-13"),
    ("de", "am Fr. früh geht's raus", "03-13"),
    ("de", "Di nächste Woche", "03-17"),
    ("de", "innert 48 Stunden", "03-13"),
    ("de", "Zahlung am 7.Apr", "04-07"),
    ("de", "heut in acht Tagen", "03-18"),
    ("de", "am Fritig isch es do", "03-13"),
    ("de", "zwischen dem 10. und 15.", "03-15"),
    ("es", "ma8na te lo paso", "03-12"),
    ("es", "mañana x la mañana", "03-12"),
    ("es", "el lunes q viene", "03-16"),
    ("es", "mar por la tarde", "03-17"),
    ("es", "la casa del mar", None),
    ("es", "48 horas y lo tiene", "03-13"),
    ("es", "para el 3-julio-26", "07-03"),
    ("es", "sale el 12/abr", "04-12"),
    ("es", "Este viernes no, el siguiente", "03-20"),
    ("it", "dmn ti faccio il bonifico", "03-12"),
    ("it", "lun. mattina", "03-16"),
    ("it", "sett prox ti pago", "03-20"),
    ("it", "48 ore e ce l'hai", "03-13"),
    ("it", "nella distinta di pagamento odierna", "03-11"),
    ("it", "la Vostra mail odierna", None),
    ("it", "pago adesso con la carta", "03-11"),
    ("it", "Non questo venerdì, quello dopo", "03-20"),
    ("nl", "mrgn staat t op je rekening", "03-12"),
    ("nl", "mrgnochtend maak ik t over", "03-12"),
    ("nl", "vrijd of dinsd", "03-17"),
    ("nl", "vr. gaat ie eruit", "03-13"),
    ("nl", "do volgende wk", "03-19"),
    ("nl", "ma betaal me dan toch", None),
    ("nl", "48 uur en het staat erop", "03-13"),
    ("nl", "de 12e of 13e", "03-13"),
    ("nl", "wk 12 gaat het eruit", "03-20"),
]


@pytest.mark.parametrize(("language", "sentence", "expected"), TYPED, ids=str)
def test_a_day_is_read_as_it_is_typed(language: str, sentence: str, expected: str | None) -> None:
    found = {each.ahead for each in find_dates(sentence, language, WEDNESDAY) if each.ahead}
    assert found == ({date.fromisoformat(f"2026-{expected}")} if expected else set())


#: language, sentence, the days that it leaves
TAKEN_BACK = [
    ("fr", "le 12, non pardon, le 14", ["03-14"]),
    ("fr", "Pas avant le 20", []),
    ("fr", "Pas avant lundi, mais lundi c'est fait", ["03-16"]),
    ("fr", "je n'oublie pas, vendredi je paie", ["03-13"]),
    ("en", "the 12th, no wait, the 14th", ["03-14"]),
    ("en", "not the 12th like i said, make it the 22nd", ["03-22"]),
    ("en", "friday, not tomorrow", ["03-13"]),
    ("en", "Not before the 20th", []),
    ("en", "not later than the 20th", ["03-20"]),
    ("en", "the 12th or 13th", ["03-13"]),
    ("de", "am 12., äh nein, am 14.", ["03-14"]),
    ("de", "nicht morgen, sondern am Freitag", ["03-13"]),
    ("de", "Nicht vor dem 20.", []),
    ("de", "ich vergesse es nicht, Freitag überweise ich", ["03-13"]),
    ("es", "el 12, no, perdón, el 14", ["03-14"]),
    ("es", "el lunes no, el martes", ["03-17"]),
    ("es", "mañana no hay problema", ["03-12"]),
    ("it", "il 12, anzi no, il 14", ["03-14"]),
    ("it", "il 24 no, il 25", ["03-25"]),
    ("nl", "de 12e, nee wacht, de 14e", ["03-14"]),
    ("nl", "niet morgen maar vrijdag", ["03-13"]),
]


@pytest.mark.parametrize(("language", "sentence", "expected"), TAKEN_BACK, ids=str)
def test_a_day_that_is_corrected_or_denied_is_none(language: str, sentence: str, expected: list[str]) -> None:
    found = [each.ahead for each in find_dates(sentence, language, WEDNESDAY) if each.ahead]
    assert found == [date.fromisoformat(f"2026-{each}") for each in expected]
