"""Invoices as customers name them, and the parts of a reply that speak of each."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from classifier.invoices import Mentions, find_invoices
from classifier.preprocess import prepare
from classifier.values import InvoiceRef
from tests.classifier.builders import invoice, reply

MARCH = invoice("FA-2026-0312", "1240.00", "2026-03-31")
APRIL = invoice("FA-2026-0418", "310.50", "2026-04-30")
MAY = invoice("FA-2026-0527", "89.90", "2026-05-31")
OTHERS = {
    "F26/118": invoice("F26/118"),
    "INV-20418": invoice("INV-20418"),
    "RE-5521": invoice("RE-5521"),
    "2026-03-771": invoice("2026-03-771"),
}

NAMED = [
    ("La FA-2026-0312 est payée.", "0312"),
    ("fa 2026 0312 : payée", "0312"),
    ("La 0312 est payée.", "0312"),
    ("La 312 est payée, la 418 non.", "0312 0418"),
    ("FA20260418 est en litige.", "0418"),
    ("celle de mars est réglée", "0312"),
    ("la facture d'avril pose problème", "0418"),
    ("celle de 310,50 € est partie", "0418"),
    ("les 1 240 € sont partis", "0312"),
    ("la grosse est réglée", "0312"),
    ("la plus petite attendra", "0527"),
    ("Toutes sont payées.", "0312 0418 0527"),
    ("La 0312 est payée, les autres partent vendredi.", "0312 0418 0527"),
    ("les deux premières sont parties", "0312 0418"),
    ("C'est payé.", ""),
    ("Appelez le 06 39 98 41 07.", ""),
    ("le 12/03/2026", ""),
]


@pytest.mark.parametrize(("text", "expected"), NAMED)
def test_invoices_are_recognised_as_people_shorten_them(text: str, expected: str) -> None:
    found = _find(text, MARCH, APRIL, MAY)
    assert [number.removeprefix("FA-2026-") for number in found.named] == expected.split()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("F26/118 was paid", "F26/118"),
        ("26/118", "F26/118"),
        ("our 118", "F26/118"),
        ("our 18", None),
        ("inv 20418 is fine", "INV-20418"),
        ("INV20418", "INV-20418"),
        ("RE5521 erledigt", "RE-5521"),
        ("die 5521", "RE-5521"),
        ("2026-03-771", "2026-03-771"),
        ("the 771", "2026-03-771"),
    ],
)
def test_numbers_of_other_shapes(text: str, number: str | None) -> None:
    found = _find(text, *OTHERS.values())
    assert list(found.named) == ([number] if number else [])


def test_an_ending_that_two_invoices_share_names_neither() -> None:
    assert _find("la 312", invoice("A-312"), invoice("B-312")).named == ()


def test_both_means_all_of_two() -> None:
    assert _find("les deux sont payées", MARCH, APRIL).named == ("FA-2026-0312", "FA-2026-0418")
    assert _find("both are paid", MARCH, APRIL).named == ("FA-2026-0312", "FA-2026-0418")


def test_segments_part_a_list_a_line_each() -> None:
    segments = _find("0312 : payée le 4\n0418 : en litige\n0527 : inconnue", MARCH, APRIL, MAY).segments
    assert [each.numbers for each in segments] == [("FA-2026-0312",), ("FA-2026-0418",), ("FA-2026-0527",)]


def test_a_sentence_that_names_none_goes_on_about_the_last_ones() -> None:
    segments = _find("La 0312 est payée. Vérifiez votre relevé. La 0418 est contestée.", MARCH, APRIL).segments
    assert [[piece.sentence for piece in each.pieces] for each in segments] == [[0, 1], [2]]


def test_a_list_of_numbers_is_one_segment() -> None:
    segments = _find("Les 312 et 418 sont payées depuis hier. La 527 part demain soir.", MARCH, APRIL, MAY).segments
    assert [each.numbers for each in segments] == [("FA-2026-0312", "FA-2026-0418"), ("FA-2026-0527",)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Toutes seront honorées fin mars, sauf la 418 : elle est fausse.", ["0312 0527", "0418"]),
        ("The 312 and 418 went out, 527 is wrong.", ["0312 0418", "0527"]),
        ("312, sent yesterday 418 on Friday 527 never ordered", ["0312", "0418", "0527"]),
        ("les deux premières sont soldées, la dernière part vendredi", ["0312 0418", "0527"]),
        ("La 312 est payée, les deux dernières partent vendredi.", ["0312", "0418 0527"]),
        ("Les deux petites sont payées, la grosse part vendredi.", ["0418 0527", "0312"]),
        ("La 312, on la paie le 15. Les portes de la 418, non.", ["0312", "0418"]),
        ("Alles behalve de oudste krijg je 3 juli. Die oudste: de platen zijn nooit gelost.", ["0418 0527", "0312"]),
        ("Tout sauf la dernière a été payé vendredi. La dernière suit le 19.", ["0312 0418", "0527"]),
        ("312/418 went Friday. For 527, whose order was that?", ["0312 0418", "0527"]),
        ("Septembre (la 418 pis la 527) je le dois pas, la 312 est partie.", ["0418 0527", "0312"]),
    ],
)
def test_each_part_is_said_of_its_own_invoices(text: str, parts: list[str]) -> None:
    found = _find(text, MARCH, APRIL, MAY)
    said = [" ".join(sorted(number.removeprefix("FA-2026-") for number in each.numbers)) for each in found.segments]
    assert said == parts


def test_the_letters_that_only_one_number_begins_with_name_it_in_the_things_that_they_stand_for() -> None:
    marquee, generator = invoice("MARQ-12"), invoice("GEN-88")
    assert _find("The marquee was lovely, paid.", marquee, generator).named == ("MARQ-12",)
    assert _find("The marquee was lovely, paid.", marquee, invoice("MARQ-13")).named == ()


def test_both_are_not_all_of_three() -> None:
    assert _find("Both rolls came torn.", MARCH, APRIL, MAY).named == ()
    assert _find("Les deux plus anciennes sont parties.", MARCH, APRIL, MAY).named == ("FA-2026-0312", "FA-2026-0418")


def test_an_amount_names_its_invoice_with_any_mark_between_thousands() -> None:
    assert _find("via Manzoni (2.150): giovedì", invoice("A-1", "2150.00"), invoice("A-2", "380.00")).named == ("A-1",)


def test_a_reply_about_one_invoice_is_not_parted() -> None:
    assert _find("La 312 est payée. Voyez votre compte.", MARCH, APRIL).segments == ()


def test_the_month_of_an_invoice_is_its_due_date_or_the_one_before() -> None:
    due_later = (invoice("A-1001", due="2026-04-30"), invoice("A-1002", due="2026-05-31"))
    assert _find("celle de mars, celle d'avril", *due_later).named == ("A-1001", "A-1002")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Mars c'est réglé. Concernant avril je n'ai pas le bon.", ["0312", "0418"]),
        ("Mars : sortie le 5. Avril : pas reçue.", ["0312", "0418"]),
        ("Loyers : mars est sorti. Avril : pas reçu.", ["0312", "0418"]),
        ("Avril est réglé.", []),
        ("Mars 2026 était dur. Avril aussi.", []),
        ("Nous paierons en mars ou en avril.", []),
    ],
)
def test_months_that_open_sentences_stand_for_invoices_where_each_has_one(text: str, parts: list[str]) -> None:
    found = _find(text, MARCH, APRIL)
    assert [" ".join(each.numbers).removeprefix("FA-2026-") for each in found.segments] == parts


def test_months_joined_to_one_another_each_name_an_invoice() -> None:
    rents = (invoice("M-09", due="2026-09-30"), invoice("M-10", due="2026-10-31"), invoice("M-11", due="2026-11-30"))
    found = _find("Septembre et octobre je les fais lundi. Novembre, non.", *rents)
    assert [each.numbers for each in found.segments] == [("M-09", "M-10"), ("M-11",)]


def _find(text: str, *invoices: InvoiceRef) -> Mentions:
    asked = reply(text, *invoices)
    prepared = prepare(text, asked.date.date())
    language = "en" if any(word in text for word in ("both", "was", "our", "the ")) else prepared.language
    return find_invoices(prepared.sentences, language, invoices)


def test_an_ending_that_all_invoices_share_is_left_out_by_people() -> None:
    listed = [invoice("131-26"), invoice("132-26"), invoice("FA-140/26")]
    assert _find("Reste la 132 : jamais reçue. La 140 est payée.", *listed).named == ("132-26", "FA-140/26")
    assert _find("La 26 est payée.", *listed).named == ()
    assert _find("Le lot 132 manque.", *listed[:1]).named == ()


LISTED = {
    "A": InvoiceRef("FA-2026-0312", Decimal("1240.00"), "EUR", date(2026, 1, 31)),
    "B": InvoiceRef("FA-2026-0415", Decimal("380.00"), "EUR", date(2026, 3, 15)),
    "C": InvoiceRef("FA-2026-0502", Decimal("2960.00"), "EUR", date(2026, 4, 10)),
}


@pytest.mark.parametrize("language", ["fr", "en", "de", "es", "it", "nl"])
def test_invoices_are_known_by_what_people_call_them(language: str) -> None:
    """`A|B`: the sentence is parted between them; `A+B`: both are meant in one."""
    with (Path(__file__).parent / "data" / "named.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["language"] == language]
    assert len(rows) > 6
    wrong = {}
    for row in rows:
        invoices = tuple(LISTED[letter] for letter in row["listed"])
        prepared = prepare(row["sentence"], date(2026, 5, 11))
        found = find_invoices(prepared.sentences, prepared.language, invoices)
        parts = [
            tuple(LISTED[one].number for one in part.split("+")) for part in row["named"].split("|") if part != "-"
        ]
        named = tuple(number for part in parts for number in part)
        if found.named != named or [each.numbers for each in found.segments] != (parts if len(parts) > 1 else []):
            wrong[row["sentence"]] = found
    assert wrong == {}
