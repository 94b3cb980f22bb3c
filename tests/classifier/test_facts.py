"""What is said of payments made or to come; sentences come with how much they promise or report."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from classifier.facts import PaidFacts, PromiseFacts, Spoken, naming_a_coming_payment, paid_facts, promise_facts
from classifier.preprocess import prepare
from classifier.values import InvoiceRef
from tests.classifier.builders import WEDNESDAY, invoice, reply

DAY = reply("x", at=WEDNESDAY).date.date()

PROMISED = [
    ("Nous vous réglerons vendredi.", "2026-03-13"),
    ("La facture du 12 février sera réglée le 20 mars.", "2026-03-20"),
    ("Suite à votre relance du 10, le virement partira le 20 mars.", "2026-03-20"),
    ("Si j'ai l'avoir lundi, je vous règle vendredi.", "2026-03-13"),
    ("Le patron rentre lundi 16, il signera et vous serez payé le 18.", "2026-03-18"),
    ("M. Roy rentre lundi 16 mars. Le virement sera fait le jour même.", "2026-03-16"),
    ("Nous ferons le nécessaire.", None),
    ("Ce sera payé au prochain virement.", None),
    ("We'll pay the invoice of 3 March on Friday.", "2026-03-13"),
    ("If we get it by Monday it will be in the run of 20 March.", "2026-03-20"),
    ("It'll be paid by the end of next week.", "2026-03-20"),
    ("Après les congés, fin août, ce sera soldé.", "2026-08-31"),
    ("Deux petits jours et c'est sur votre compte, promis.", "2026-03-13"),
    ("Je paie dès que je peux, je suis en arrêt jusqu'au 20 juin.", None),
    ("On est fermés jusqu'au 16 mars, vous serez payés le 18.", "2026-03-18"),
    ("Je vous rappelle lundi pour vous donner une date.", None),
    ("Once my client pays on the 25th I'll pay you.", None),
    ("My client pays on the 25th and I'll pay you on the 26th.", "2026-03-26"),
    ("Goods are due in on the 20th, then we'll see.", None),
    ("Bank holiday Monday we're shut.", None),
    ("I'll let you know by Monday.", None),
    ("Ich bin bis 3. April im Urlaub.", None),
    ("Ich melde mich am Montag mit einem Termin.", None),
    ("Sobald mein Kunde am 25. zahlt, zahle ich auch.", None),
    ("El lunes le llamo y le doy una fecha.", None),
    ("Estoy de vacaciones hasta el 3 de abril.", None),
    ("Appena il mio cliente mi paga il 25 pago anch'io.", None),
    ("Lunedì la chiamo.", None),
    ("Le due chiamate minori Le verranno saldate entro lunedì.", "2026-03-16"),
    ("Comunque vada, il 20 marzo chiudiamo con voi.", "2026-03-20"),
    ("El 20 de marzo lo cerramos con usted.", "2026-03-20"),
    ("Cerramos por vacaciones el 20 de marzo.", None),
    ("Ik ben tot 3 april met vakantie.", None),
    ("Ik bel je vrijdag wel even terug.", None),
]


@pytest.mark.parametrize(("text", "expected"), PROMISED)
def test_the_promised_date_is_the_one_of_the_paying_clause(text: str, expected: str | None) -> None:
    assert _promise(text).on == (date.fromisoformat(expected) if expected else None)


def test_the_day_of_a_return_is_no_day_of_payment_where_another_sentence_promises() -> None:
    promise, back = (prepare(text, DAY).sentences[0] for text in ("Je fais le nécessaire.", "Je rentre le 24 mars."))
    spoken = [Spoken(promise, 0.9, 0.0), Spoken(back, 0.1, 0.0)]
    assert promise_facts(spoken, "fr", (invoice(),)).on is None


def _sentences(name: str, value: str) -> list[tuple[str, str, str]]:
    with (Path(__file__).parent / "data" / name).open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["language"], row[value], row["sentence"]) for row in rows]


@pytest.mark.parametrize("language", ["fr", "en", "de", "es", "it", "nl"])
def test_sentences_promise_the_day_that_the_labelling_guide_says(language: str) -> None:
    listed = [
        (promised, text) for spoken, promised, text in _sentences("promises.tsv", "promised") if spoken == language
    ]
    assert len(listed) > 60
    wrong = {
        text: found
        for promised, text in listed
        if (found := _promise(text).on) != (None if promised == "-" else date.fromisoformat(_full(promised)))
    }
    assert wrong == {}
    assert {prepare(text, DAY).language for _, text in listed} == {language}


def _full(day: str) -> str:
    return day if len(day) > len("03-11") else f"2026-{day}"


def test_dates_joined_by_and_are_instalments_and_by_or_a_choice() -> None:
    assert _promise("Je vous paie le 20 mars et le 20 avril.").on == date(2026, 3, 20)
    assert _promise("Je vous paie le 20 mars ou le 20 avril.").on == date(2026, 4, 20)
    assert _promise("Je vous paie le 15 et le 30 avril.").on == date(2026, 4, 15)
    assert _promise("Wir zahlen am 15. und 30. April.").on == date(2026, 4, 15)
    assert _promise("We will pay between 5 and 10 April.").on == date(2026, 4, 10)


def test_a_date_that_another_takes_the_place_of_is_not_promised() -> None:
    assert _promise("We'll pay on 10 April instead of 31 March.").on == date(2026, 4, 10)
    assert _promise("Wir zahlen am 10. April statt am 31. März.").on == date(2026, 4, 10)


def test_terms_of_payment_count_only_where_no_day_is_named() -> None:
    assert _promise("We're on 60 days end of month, so you will be paid on 30 April.").on == date(2026, 4, 30)
    assert _promise("Nos accords prévoient un règlement à 45 jours fin de mois.").on == date(2026, 4, 30)


PARTS = [
    ("Je verse 300 € vendredi et le reste fin mars.", [("2026-03-13", "300"), ("2026-03-31", "940.00")]),
    ("Je vous fais 400 le 20 mars et 840 le 20 avril.", [("2026-03-20", "400"), ("2026-04-20", "840")]),
    (
        "We'll pay half on Friday and the rest at the end of March.",
        [("2026-03-13", "620.00"), ("2026-03-31", "620.00")],
    ),
    ("trois cents euros vendredi, pas plus", [("2026-03-13", "300")]),
    ("Déduction faite de l'avoir de 260 €, nous réglons 900 € vendredi.", [("2026-03-13", "900")]),
    ("I can do 1k this Friday.", [("2026-03-13", "1000")]),
    ("Nous réglons 1 240 € vendredi.", []),
    ("Nous réglons vendredi.", []),
    ("Je règle sous 30 jours.", []),
    ("Je paie 5 000 € vendredi.", []),
]


@pytest.mark.parametrize(("text", "expected"), PARTS)
def test_parts_of_the_sum_are_read_with_their_dates(text: str, expected: list[tuple[str, str]]) -> None:
    found = _promise(text)
    assert [(str(each.on), str(each.amount)) for each in found.parts] == expected
    assert {each.currency for each in found.parts} <= {"EUR"}


@pytest.mark.parametrize("language", ["fr", "en", "de", "es", "it", "nl"])
def test_the_first_part_of_the_sum_is_read_in_every_language(language: str) -> None:
    listed = [(part, text) for spoken, part, text in _sentences("parts.tsv", "part") if spoken == language]
    assert len(listed) > 5
    wrong = {}
    for part, text in listed:
        currency = "GBP" if "£" in text else "USD" if "US$" in text else "CHF" if "Fr." in text else "EUR"
        parts = _promise(text, invoice(amount="4800.00" if "1'250" in text else "1240.00", currency=currency)).parts
        if (parts[0].amount if parts else None) != (None if part == "-" else Decimal(part)):
            wrong[text] = parts
    assert wrong == {}


SHARES = [
    ("We'll clear it in four goes, the first one on Friday.", "310.00"),
    ("On vous paie en quatre fois, même somme à chaque fois, le premier virement part vendredi.", "310.00"),
    ("Viermal den gleichen Betrag überweisen wir, jeweils zum Monatsende, Start 31.03.", "310.00"),
    ("Paghiamo un anticipo pari al 20% domani e il resto a consegna.", "248.00"),
    ("Un anticipo del 30 % sale mañana y el saldo a 60 días.", "372.00"),
    ("Il 75 per cento lo paghiamo entro venerdì.", "930.00"),
    ("Due quinti li paghiamo venerdì e tre quinti a fine aprile.", "496.00"),
]


@pytest.mark.parametrize(("text", "part"), SHARES)
def test_a_part_is_told_by_its_share_or_by_how_many_there_are(text: str, part: str) -> None:
    assert str(_promise(text).parts[0].amount) == part


def test_a_sum_for_each_month_since_april_was_not_paid_yet() -> None:
    assert _promise("Os pago cien euros al mes desde abril.").parts[0].amount == Decimal(100)


def test_a_sum_that_goes_out_now_needs_no_day() -> None:
    assert _promise("Von der Rechnung zahlen wir 380 sofort.").parts[0].amount == Decimal(380)


def test_one_amount_on_several_days_is_a_part_on_each() -> None:
    found = _promise("Trois chèques de 400 euros, le 20 mars, le 20 avril et le 20 mai.").parts
    assert [(part.on, part.amount) for part in found] == [
        (date(2026, 3, 20), Decimal(400)),
        (date(2026, 4, 20), Decimal(400)),
        (date(2026, 5, 20), Decimal(400)),
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Less the €240 credit note, €1,000 gets paid on Friday.", "1000"),
        ("We dispute the €240 freight charge; €1,000 is approved for Thursday's run.", "1000"),
        ("Descontando la mercancía rota, 240 €, el día 20 le pagaremos 1.000 €.", "1000"),
        ("Minus de creditnota van 240 euro betalen we maandag 1000 euro.", "1000"),
        ("Abzüglich der Gutschrift über 240 € überweisen wir am Freitag 1.000 €.", "1000"),
        ("Nous vous payons vendredi 1 000 €, moins les 240 € d'avoir.", "1000"),
    ],
)
def test_what_is_taken_off_the_sum_is_no_part_of_what_is_promised(text: str, left: str) -> None:
    assert [str(part.amount) for part in _promise(text).parts] == [left]


def test_two_amounts_that_are_all_that_is_owed_are_both_promised_where_none_is_taken_off() -> None:
    assert [str(part.amount) for part in _promise("We pay €240 on Friday and €1,000 on 20 March.").parts] == [
        "240",
        "1000",
    ]


def test_an_amount_of_another_currency_is_no_part() -> None:
    assert _promise("We will pay $ 300 on Friday.").parts == ()


def test_with_instalments_the_promise_date_is_the_first() -> None:
    assert _promise("Je verse 300 € vendredi et le reste fin mars.").on == date(2026, 3, 13)


PAID = [
    ("Le virement est parti ce matin.", PaidFacts(date(2026, 3, 11), None, "transfer")),
    ("Chèque n° 4417 posté lundi.", PaidFacts(date(2026, 3, 9), None, "cheque", "4417")),
    ("Payé par carte hier, 1 240 €.", PaidFacts(date(2026, 3, 10), Decimal(1240), "card")),
    ("Vous nous avez prélevé le 5.", PaidFacts(date(2026, 3, 5), None, "direct_debit")),
    ("C'est réglé depuis la semaine dernière.", PaidFacts()),
    ("La facture du 12 février a été réglée le 4 mars.", PaidFacts(date(2026, 3, 4))),
    ("Virement du 4 mars, réf. AB12345.", PaidFacts(date(2026, 3, 4), None, "transfer", "AB12345")),
    ("Virement du 4 mars, réf. FA-2026-0312.", PaidFacts(date(2026, 3, 4), None, "transfer")),
    ("We paid £1,240.00 by bank transfer on 4 March.", PaidFacts(date(2026, 3, 4), Decimal("1240.00"), "transfer")),
    ("Check 20817 was mailed yesterday.", PaidFacts(date(2026, 3, 10), None, "cheque", "20817")),
]


@pytest.mark.parametrize(("text", "expected"), PAID)
def test_a_reported_payment_gives_its_date_amount_method_and_reference(text: str, expected: PaidFacts) -> None:
    prepared = prepare(text, DAY)
    spoken = [Spoken(sentence, promise=0.0, paid=0.9) for sentence in prepared.sentences]
    assert paid_facts(spoken, prepared.language, (invoice(),)) == expected


def _promise(text: str, *owed: InvoiceRef) -> PromiseFacts:
    prepared = prepare(text, DAY)
    spoken = [Spoken(sentence, promise=0.9, paid=0.0) for sentence in prepared.sentences]
    return promise_facts(spoken, prepared.language, owed or (invoice(),))


NAMED = [
    ("Wir überweisen am Freitag 1.200,00 EUR.", True),
    ("Deze week maken we 750 euro aan u over.", True),
    ("Wir haben am Freitag 1.200,00 EUR überwiesen.", False),
    ("Pagato venerdì.", False),
    ("Can you pay us on Friday?", False),
    ("We won't be able to pay before 15 April.", False),
    ("Wenn wir die Ware am Freitag haben, zahlen wir.", False),
    ("Nous paierons prochainement.", False),
]


@pytest.mark.parametrize(("text", "named"), NAMED)
def test_words_alone_name_a_coming_payment(text: str, named: bool) -> None:
    prepared = prepare(text, DAY)
    spoken = [Spoken(sentence, promise=0.1, paid=0.6) for sentence in prepared.sentences]
    assert bool(naming_a_coming_payment(spoken, prepared.language)) is named


def test_words_name_no_coming_payment_where_the_model_is_sure_of_one_made() -> None:
    (sentence,) = prepare("The cheque is in the post and will be paid in on Friday.", DAY).sentences
    assert naming_a_coming_payment([Spoken(sentence, promise=0.1, paid=0.6)], "en")
    assert not naming_a_coming_payment([Spoken(sentence, promise=0.1, paid=0.9)], "en")
