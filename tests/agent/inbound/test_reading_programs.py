"""The headers that mail programs put above what they quote are history, by a table; sentences like them are not."""

from pathlib import Path
from typing import NamedTuple

import pytest

from agent.inbound.attributions import names_of
from agent.inbound.newtext import split_text
from agent.inbound.values import Address

OURS = names_of([Address("Compta Morel", "compta@morel.example")])
NEW = "The transfer went out this morning."
LETTER = ["Dear Anna,", "", "Your invoice F26-118 is overdue.", "", "Kind regards", "Compta Morel"]


MARKS = {"marked": ("> ",), "unmarked": ("",), "both": ("> ", "")}


class Sample(NamedTuple):
    program: str
    language: str
    #: the quote marks that the history below may have
    marks: tuple[str, ...]
    header: str


def samples() -> list[Sample]:
    found = []
    for each in (Path(__file__).parent / "reply_headers.txt").read_text("utf-8").split("\n%% ")[1:]:
        told, _, header = each.rstrip("\n").partition("\n")
        program, language, mark = told.split(", ")
        found.append(Sample(program, language, MARKS[mark], header))
    return found


SAMPLES = samples()


NAMES = [f"{number}-{sample.program}-{sample.language}" for number, sample in enumerate(SAMPLES)]


@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
def test_the_header_of_a_mail_program_and_what_it_heads_are_history(sample: Sample) -> None:
    for mark in sample.marks:
        quoted = "\n".join(f"{mark}{line}" for line in LETTER)
        split = split_text(f"{NEW}\n\n{sample.header}\n{'' if mark else chr(10)}{quoted}\n", OURS)
        assert split.new_text == NEW
        assert "overdue" in split.quoted


def test_the_table_has_all_languages_that_reply_headers_are_read_in_for_certain() -> None:
    languages = "cs da de en es fi fr hu it nb nl pl pt ro ru sv tr uk"
    assert sorted({sample.language for sample in SAMPLES}) == languages.split()


@pytest.mark.parametrize(
    "text",
    [
        "Le 12 mars Monsieur Dupont a écrit que la facture est fausse :\nil manque l'avoir. Nous payons le reste.",
        "Le 12/03/2026 M. Dupont nous a écrit :\nvous livrez le reste vendredi. Nous attendons.",
        "Le 12/03/2026 votre collègue m'a écrit :\nla livraison suit. Nous attendons.",
        "Il 12/03/2026 il vostro ufficio ci ha scritto:\nil resto arriva venerdì. Aspettiamo.",
        "El 12/03/2026 su colega nos escribió:\nel resto llega el viernes. Esperamos.",
        "Am 12.03.2026 schrieb mir Frau Klein:\ndie Ware kommt nach. Wir warten.",
        "Am 12. März schrieb Herr Maier, dass die Rechnung falsch ist:\nes fehlt die Gutschrift.",
        "Am 12.03.2026 schrieb uns Ihr Kollege: die Ware kommt nach.\nWir zahlen dann.",
        "Am 12.03.2026 schrieb ich an ap@customer.example:  bitte warten.\nWir zahlen am Freitag.",
        "On 12 March Ms Brown wrote that the invoice is wrong:\nthe price is 100, not 110.",
        "On 3/12/2026 your colleague wrote to us: the rest comes on Friday.\nWe pay then.",
        "El 12 de marzo la señora Pérez escribió que la factura es errónea:\nfalta el abono.",
        "Il 12 marzo il signor Rossi ha scritto che la fattura è sbagliata:\nmanca la nota di credito.",
        "Op 12 maart schreef mevrouw Jansen dat de factuur niet klopt:\nde korting ontbreekt.",
        "Em 12 de março o senhor Silva escreveu que a fatura está errada:\nfalta o desconto.",
        "W dniu 12 marca pan Nowak napisał, że faktura jest błędna:\nbrak rabatu.",
        "Den 12. marts skrev fru Hansen, at fakturaen er forkert:\nder mangler en kreditnota.",
        "12. maaliskuuta Virtanen kirjoitti, että lasku on väärä:\nhyvitys puuttuu.",
        "12 марта господин Иванов написал, что счёт неверный:\nнет скидки.",
        "12 Mart'ta Bay Yılmaz faturanın yanlış olduğunu yazdı:\nindirim eksik.",
        "An: Buchhaltung\nBetreff: Rechnung F26-118\nWir zahlen am 12.03.2026.",
        "À : la comptabilité\nObjet : facture F26-118\nLe virement est parti le 12/03/2026.",
        "Notre réponse :\n‐‐‐‐‐\nLe virement est parti.",
    ],
)
def test_a_sentence_that_looks_like_a_header_stays(text: str) -> None:
    assert split_text(text, OURS).new_text == text


def test_fields_above_the_line_that_says_whose_it_is_belong_to_it() -> None:
    header = '----------------\nКому: anna@x.example;\nТема: F26-118;\n02.03.2026, 09:12, "Morel" <ar@morel.example>:'
    assert split_text(f"{NEW}\n\n{header}\n\n> overdue\n", OURS).new_text == NEW
    split = split_text(f"{NEW}\nAn: Buchhaltung\n\n{header}\n\n> overdue\n", OURS)
    assert split.new_text == f"{NEW}\nAn: Buchhaltung"
