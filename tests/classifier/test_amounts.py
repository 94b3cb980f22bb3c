"""Amounts beside a currency, in the ways that people write them."""

from __future__ import annotations

import pytest

from classifier.amounts import find_amounts

WRITTEN = [
    ("300 €", "300 EUR"),
    ("300€", "300 EUR"),
    ("1 240,00 €", "1240.00 EUR"),
    ("1\u00a0240,00\u00a0€", "1240.00 EUR"),
    ("1.240,50 €", "1240.50 EUR"),
    ("1.500 €", "1500 EUR"),
    ("1,500 EUR", "1500 EUR"),
    ("EUR 1,240.50", "1240.50 EUR"),
    ("€300", "300 EUR"),
    ("€ 1.933,20", "1933.20 EUR"),
    ("£1,200.50", "1200.50 GBP"),
    ("£42", "42 GBP"),
    ("GBP 3,980.00", "3980.00 GBP"),
    ("$5,000", "5000 USD"),
    ("USD 38,400.00", "38400.00 USD"),
    ("CHF 1'500", "1500 CHF"),
    ("2500 euros", "2500 EUR"),
    ("420 euro", "420 EUR"),
    ("45€50", "45.50 EUR"),
    ("3 k€", "3000 EUR"),
    ("3,5 k€", "3500 EUR"),
    ("250,-€", "250 EUR"),
    ("51 quid", "51 GBP"),
    ("0,50 €", "0.50 EUR"),
    ("euro 645,30", "645.30 EUR"),
    ("EUR 500,--", "500 EUR"),
    ("Fr. 1'250.50", "1250.50 CHF"),
    ("am Fr. 20.03.", ""),
    ("1250 francs CFA", "1250 XOF"),
    ("R15 000 on Friday", "15000 ZAR"),
    ("R7 115,50 paid", "7115.50 ZAR"),
    ("N1,140,000", "1140000 NGN"),
    ("R150 and P15 000", ""),
    ("Rs. 1,08,000 (net)", "108000 INR"),
    ("39 euros 90.", "39.90 EUR"),
    ("300 euros 15 jours après", "300 EUR"),
    ("25 000 naira", "25000 NGN"),
    ("1 200 000 F CFA", "1200000 XOF"),
    ("2 500 MAD", "2500 MAD"),
    ("Rs 45,000", "45000 INR"),
    ("1,25,000 INR", "125000 INR"),
    ("ZAR 45,000.00", "45000.00 ZAR"),
    ("NZ$500", "500 NZD"),
    ("GBP2,740.00", "2740.00 GBP"),
    ("3 TEUR", "3000 EUR"),
    ("1,5 Tsd. Euro", "1500 EUR"),
    ("3 mila euro", "3000 EUR"),
    ("1 250 euros et 40 centimes", "1250.40 EUR"),
    ("12 euros et 5 centimes", "12.05 EUR"),
    ("US$ 500", "500 USD"),
    ("€1.1k", "1100 EUR"),
    ("1k€", "1000 EUR"),
    ("CAD 45.10", "45.10 CAD"),
    ("500,00€ TTC", "500.00 EUR"),
    ("300 € puis 400 €", "300 EUR, 400 EUR"),
    ("1k2 €", "1200 EUR"),
    ("8 T€", "8000 EUR"),
    ("5 Tsd. Euro", "5000 EUR"),
    ("499e", "499 EUR"),
    ("la 20e facture", ""),
    ("400 balles", "400 EUR"),
    ("1,400 pesos", "1400 MXN"),
    ("la facture FA-2026-0312 du 12/03", ""),
    ("300 maintenant", ""),
    ("le 12.03.2026", ""),
    ("20 %", ""),
    ("le 06 39 98 41 07", ""),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_an_amount_is_read_beside_its_currency_only(text: str, expected: str) -> None:
    found = find_amounts(text, "fr")
    assert ", ".join(f"{each.amount:f} {each.currency}" for each in found) == expected


def test_the_span_covers_number_and_currency() -> None:
    text = "je verse 1 240,50 € vendredi"
    (mention,) = find_amounts(text, "fr")
    assert text[mention.start : mention.end] == "1 240,50 €"


IN_WORDS = [
    ("fr", "Deux cent cinquante euros partent ce soir", "250 EUR"),
    ("fr", "mille deux cents euros", "1200 EUR"),
    ("fr", "quatre-vingt-dix-neuf euros et vingt centimes", "99.2 EUR"),
    ("fr", "quelques centaines d'euros", ""),
    ("en", "two hundred and fifty euros", "250 EUR"),
    ("en", "twelve hundred pounds", "1200 GBP"),
    ("en", "a grand, or two grand", "1000 GBP, 2000 GBP"),
    ("en", "forty-five pounds fifty", "45.5 GBP"),
    ("en", "five hundred pounds ten days from now", "500 GBP"),
    ("en", "a hundred dollars", "100 USD"),
    ("en", "we paid 300 euros and two hundred more euros", "300 EUR"),
    ("en", "a couple of hundred euros", ""),
    ("en", "two or three hundred euros", ""),
    ("en", "half of it goes out on Friday", ""),
    ("de", "zweihundertfünfzig Euro", "250 EUR"),
    ("de", "eintausendfünfhundert Euro und fünfzig Cent", "1500.5 EUR"),
    ("de", "5 tausend Euro", "5000 EUR"),
    ("de", "ein paar hundert Euro", ""),
    ("es", "mil doscientos euros", "1200 EUR"),
    ("es", "ochocientos veintidós euros", "822 EUR"),
    ("es", "unos mil euros", ""),
    ("it", "duecentocinquanta euro", "250 EUR"),
    ("it", "milleduecento euro", "1200 EUR"),
    ("nl", "tweehonderdvijftig euro", "250 EUR"),
    ("nl", "vijftienhonderd euro", "1500 EUR"),
    ("nl", "een paar honderd euro", ""),
    ("fr", "cent cinquante balles", "150 EUR"),
    ("fr", "mille dirhams", "1000 MAD"),
    ("fr", "quinze mille francs CFA", "15000 XOF"),
    ("en", "three hundred bucks", "300 USD"),
    ("en", "one and a half thousand pounds", "1500 GBP"),
    ("en", "two grand and change", ""),
    ("de", "zweihundert Mäuse", "200 EUR"),
    ("de", "fünftausend Stutz", "5000 CHF"),
    ("de", "anderthalb tausend Euro", "1500 EUR"),
    ("es", "ciento cincuenta pavos", "150 EUR"),
    ("it", "seicento euri", "600 EUR"),
    ("nl", "vijftig piek", "50 EUR"),
]


@pytest.mark.parametrize(("language", "text", "expected"), IN_WORDS)
def test_an_amount_in_words_is_read_where_it_is_one_number(language: str, text: str, expected: str) -> None:
    found = find_amounts(text, language)
    assert ", ".join(f"{each.amount:f} {each.currency}" for each in found) == expected
