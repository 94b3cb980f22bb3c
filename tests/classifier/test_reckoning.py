"""Sums that have to be reckoned: what is owed, less what is taken off, less what was paid, is what is promised."""

from __future__ import annotations

from decimal import Decimal

import pytest

from classifier.facts import RECKONED, PromiseFacts, Spoken, facts_by_words, promise_facts
from classifier.judgement import SURE_PART
from classifier.preprocess import prepare
from classifier.values import InvoiceRef
from tests.classifier.builders import WEDNESDAY, invoice, reply

DAY = reply("x", at=WEDNESDAY).date.date()


def _promise(text: str, language: str, *owed: InvoiceRef, by_words: bool = False) -> PromiseFacts:
    """What the last sentence promises, and those before do not."""
    prepared = prepare(text, DAY)
    last = len(prepared.sentences) - 1
    spoken = [Spoken(each, 0.9 if at == last else 0.05, 0.05) for at, each in enumerate(prepared.sentences)]
    return facts_by_words(spoken, language, owed) if by_words else promise_facts(spoken, language, owed)


THINGS = [
    ("en", "Two of the six cool boxes came broken. At £86 apiece, the four good ones will be paid on Friday.",
     "516", "344"),
    ("en", "3 of the 12 lamps never worked. You charged £130 a head. We pay for the nine tomorrow.", "1560", "1170"),
    ("en", "24 kegs went back. At the £30 deposit per keg I deduct that. The difference goes out Friday.",
     "3300", "2580"),
    ("fr", "Vous facturez 48 bacs à 64,00 €. Le règlement des 42 bacs est programmé mardi prochain.", "3072", "2688"),
    ("fr", "320 caisses à 42 €, mais 27 avaient le fond pourri. Nous payons les bonnes lundi.", "13440", "12306"),
    ("de", "36 Bademäntel zu 54 Euro, vier davon falsch bestickt. Die übrigen bezahlen wir nächste Woche.",
     "1944", "1728"),
    ("de", "Drei von vier Fenstern sind eingebaut, jedes 1.300. Die drei zahlen wir am Freitag.", "5200", "3900"),
    ("es", "Facturan 12 cajas a 50 €, pero 2 llegaron rotas. Las buenas las pagamos el viernes.", "600", "500"),
    ("it", "12 cartoni a 50 €, ma 2 sono danneggiati. Gli altri li paghiamo venerdì.", "600", "500"),
    ("nl", "12 dozen van 50 euro, maar 2 waren kapot. De goede betalen we vrijdag.", "600", "500"),
]  # fmt: skip

SEVERAL = [
    ("en", "Your credits CRN902 (£115.00) and CRN907 (£85.00) are posted. The difference goes out on the 30th.",
     "2750", "2550"),
    ("fr", "Vos avoirs de 115 € et de 85 € sont déduits. Nous payons le solde vendredi.", "2750", "2550"),
    ("de", "Ihre Gutschriften über 115 Euro und 85 Euro sind da. Die Differenz überweisen wir am Freitag.",
     "2750", "2550"),
]  # fmt: skip

ELSEWHERE = [
    ("en", "There's 20 for delivery on it. Take that off, I'll pay the rest tomorrow.", "335", "315"),
    ("en", "I've got your £50 voucher here so I'm using it on this. The rest goes to you tomorrow.", "395", "345"),
    ("fr", "La banque prend 145 € par virement. Vous recevrez donc le montant diminué d'autant mercredi.",
     "8250", "8105"),
    ("de", "In der Summe sind 145,00 EUR Fracht. Die haben wir gekürzt und zahlen am Montag.", "4618.20", "4473.20"),
    ("es", "Vuestro abono de 120 € ya nos ha llegado. La diferencia la pagamos el viernes.", "1240", "1120"),
    ("it", "La vostra nota di credito di 120 € è arrivata. La differenza la paghiamo venerdì.", "1240", "1120"),
    ("nl", "Jullie creditnota van 120 euro is binnen. Het verschil betalen we vrijdag.", "1240", "1120"),
]  # fmt: skip

TAXES = [
    ("de", "Auf der Rechnung stehen 19 % Umsatzsteuer. Netto zahlen wir nächste Woche, die Steuer nicht.",
     "2499", "2100"),
    ("de", "Die Umsatzsteuer, 20 Prozent, überweise ich noch heute.", "890.40", "148.40"),
    ("fr", "Vous facturez 20 % de TVA. Le hors taxe est payé vendredi.", "1200", "1000"),
]  # fmt: skip

INSTEAD = [
    ("fr", "Attendez-vous à 315,20 au lieu de 415,20. Virement demain.", "415.20", "315.20"),
    ("en", "Expect 315.20 instead of 415.20 on Thursday.", "415.20", "315.20"),
    ("de", "Am Donnerstag kommen 315,20 statt 415,20.", "415.20", "315.20"),
    ("es", "El jueves recibirán 315,20 en lugar de 415,20.", "415.20", "315.20"),
    ("it", "Giovedì arrivano 315,20 invece di 415,20.", "415.20", "315.20"),
    ("nl", "Donderdag komt er 315,20 in plaats van 415,20.", "415.20", "315.20"),
]

OFFSET = [
    ("en", "500 went yesterday, the outstanding 380 will be with you Friday.", "880", "380"),
    ("en", "We've raised a debit note for £460 and will pay the balance on Friday.", "1960", "1500"),
    ("en", "Ten per cent off as agreed, payment on Monday.", "2900", "2610"),
    ("de", "Wir verrechnen unsere Gegenforderung von 500 Euro und überweisen den Rest am 20. März.", "3700", "3200"),
    ("de", "Ein Fünftel behalten wir bis zur Mängelbeseitigung ein, den Rest überweisen wir am 20.03.",
     "2750", "2200"),
    ("fr", "On a déjà donné 300 à votre livreur en liquide, le complément part mercredi.", "1280", "980"),
    ("es", "Una máquina de 360 vino rota y no se paga. Lo demás lo pagamos el viernes.", "1560", "1200"),
    ("it", "Abbiamo emesso nota di debito per 240 euro, la differenza viene bonificata venerdì.", "1840", "1600"),
    ("nl", "Na verrekening van de schade ad € 500 betalen wij vrijdag € 7.970.", "8470", "7970"),
    ("nl", "Met 2% betalingskorting betalen wij maandag.", "4300", "4214"),
    ("nl", "400 hebben jullie al gehad, wat er nog mist komt dinsdag.", "1450", "1050"),
    ("nl", "De 500 waar we het over oneens zijn blijft staan, het overige betalen we vrijdag.", "2300", "1800"),
]  # fmt: skip

NET = [
    ("en", "You'll receive the amount without the 20% VAT on Monday.", "1200", "1000"),
    ("nl", "Wij betalen het bedrag zonder de 21% btw, vrijdag.", "1210", "1000"),
    ("fr", "Nous sommes exonérés de TVA : vous recevrez le montant hors taxes (TVA 20 %) vendredi.", "1440", "1200"),
    ("en", "The VAT at 20% should not have been charged, so we are paying the net figure on Tuesday.", "3600", "3000"),
]


@pytest.mark.parametrize(
    ("language", "text", "owed", "left"), [*THINGS, *SEVERAL, *ELSEWHERE, *TAXES, *INSTEAD, *OFFSET, *NET]
)
def test_what_is_left_is_reckoned(language: str, text: str, owed: str, left: str) -> None:
    currency = "GBP" if "£" in text else "EUR"
    found = _promise(text, language, invoice(number="QX-1", amount=owed, currency=currency))
    assert [part.amount for part in found.parts] == [Decimal(left)]


@pytest.mark.parametrize(
    ("language", "text", "left"),
    [
        ("en", "On Friday I pay QX-1 plus half of QX-2.", "1130"),
        ("fr", "Vendredi je paie la QX-1 et la moitié de la QX-2.", "1130"),
        ("de", "Am Freitag zahle ich die QX-1 und die Hälfte der QX-2.", "1130"),
    ],
)
def test_a_whole_invoice_and_a_share_of_another_are_summed(language: str, text: str, left: str) -> None:
    owed = invoice(number="QX-1", amount="640"), invoice(number="QX-2", amount="980")
    assert [part.amount for part in _promise(text, language, *owed).parts] == [Decimal(left)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The 300 of last month are another matter. This one is paid on Friday."),
        ("en", "A part payment of €300 is approved and goes out on 20 March. The rest follows."),
        ("de", "Die 40 Euro Mahnkosten zahle ich nicht. Die Rechnung geht am Freitag raus, ohne Abzug."),
        ("fr", "La ristourne de 60 €, laissez tomber. Je règle tout vendredi."),
        ("es", "Somos 22 personas sin descanso. Le pagamos el viernes sin falta."),
        ("it", "Il vecchio saldo di 600 euro l'abbiamo pagato a gennaio, questa fattura la paghiamo venerdì."),
        ("es", "La deuda anterior de 600 euros ya se pagó en enero, ésta la pagamos el viernes."),
        ("de", "Vier mal 310, alle zwei Wochen. Los geht es am 20. März."),
    ],
)
def test_nothing_is_reckoned_where_the_sums_are_other_things(language: str, text: str) -> None:
    assert _promise(text, language, invoice(number="QX-1")).sureness == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "Your credits (€115) are posted. The difference goes out on Friday.",
        "We pay on Friday less the credit note of €115.",
    ],
)
def test_what_is_reckoned_waits_for_a_person(text: str) -> None:
    found = _promise(text, "en", invoice(number="QX-1"))
    assert found.parts
    assert found.sureness == RECKONED < SURE_PART


def test_a_rest_is_reckoned_where_the_model_hears_only_the_payment_made() -> None:
    text = "I gave your driver €500 in cash yesterday. The rest on Friday."
    found = _promise(text, "en", invoice(number="QX-1"), by_words=True)
    assert [part.amount for part in found.parts] == [Decimal(740)]
