"""What is left of a mail once greeting, sign-off and signature are off; sentences; placeholders; language."""

from __future__ import annotations

from datetime import date

import pytest

from classifier.language import detect_language
from classifier.preprocess import delexicalise, prepare, split_sentences, strip_shape

DAY = date(2026, 3, 11)

SHAPES = [
    ("Bonjour,\n\nC'est fait.\n\nCordialement,\nSophie Martin\n", "C'est fait."),
    ("Bonjour Madame, le virement est parti.\nCdlt\nPaul", "le virement est parti."),
    ("Madame, Monsieur,\n\nNous contestons.\n\nVeuillez agréer, Madame, nos salutations.\n\nX", "Nous contestons."),
    ("Hi Tom,\n\nPaid on Friday.\n\nKind regards,\nAnn Lee\nAcme Ltd\n020 7946 0000", "Paid on Friday."),
    ("Hello\nall done\nThanks\nAnn", "all done"),
    ("Guten Tag Herr Maier,\n\nerledigt.\n\nMit freundlichen Grüßen\nKarin", "erledigt."),
    ("Buongiorno,\nbonifico fatto.\nCordiali saluti\nAnna", "bonifico fatto."),
    ("C'est payé.\n\nSophie Martin\nAcme SARL\n", "C'est payé."),
    ("C'est payé.\n\nCordialement,\nSophie\n\nPS : pensez à l'avoir.", "C'est payé.\n\nPS : pensez à l'avoir."),
    ("Done\n\nSent from my iPhone", "Done"),
    ("Merci de m'envoyer la facture.\nCordialement", "Merci de m'envoyer la facture."),
    ("Bonjour", "Bonjour"),
    ("Thanks, will pay tomorrow", "Thanks, will pay tomorrow"),
    ("Best I can do is Friday.", "Best I can do is Friday."),
]


@pytest.mark.parametrize(("text", "body"), SHAPES)
def test_greeting_and_signature_come_off_and_the_message_stays(text: str, body: str) -> None:
    assert strip_shape(text) == body


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Nous payons le 15. Les frais, non.", ["Nous payons le 15.", "Les frais, non."]),
        ("1. La 771 est payée.", ["1. La 771 est payée."]),
        ("Bien reçu. Je paie demain !", ["Bien reçu.", "Je paie demain !"]),
        ("La facture n° 12 de M. Durand est payée.", ["La facture n° 12 de M. Durand est payée."]),
        ("Le 12. 03 au plus tard", ["Le 12. 03 au plus tard"]),
        ("0312 : payée\n0318 : en litige", ["0312 : payée", "0318 : en litige"]),
        (
            "Nous avons bien reçu votre relance concernant la facture\nde février et la payons.",
            ["Nous avons bien reçu votre relance concernant la facture de février et la payons."],
        ),
        ("?", ["?"]),
    ],
)
def test_sentences_end_at_marks_and_lines_but_not_in_wrapped_lines(text: str, sentences: list[str]) -> None:
    assert split_sentences(text, "fr") == sentences


def test_a_german_day_ends_no_sentence() -> None:
    assert split_sentences("Wir zahlen am 15. März.", "de") == ["Wir zahlen am 15. März."]


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("Do. nächste Woche raus", "de", 1), ("lun. mattina in banca", "it", 1), ("sem. prochaine, promis", "fr", 1),
        ("Geht klar. Danke", "de", 2),
    ],
)  # fmt: skip
def test_a_short_weekday_ends_no_sentence_before_a_small_letter(text: str, language: str, count: int) -> None:
    assert len(split_sentences(text, language)) == count


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("La FV 12/03/2026 è pagata.", []),
        ("La FV12/03/2026 è pagata.", []),
        ("La FV 12/03/2026 è pagata il 10/04/2026.", ["10/04/2026"]),
        ("Pagata il 12/03/2026.", ["12/03/2026"]),
        ("Pagata il 15 marzo.", ["il 15 marzo."]),  # a short number hides no day
    ],
)
def test_no_day_is_read_in_the_number_of_an_invoice(text: str, days: list[str]) -> None:
    prepared = prepare(text, date(2026, 4, 11), numbers=["FV 12/03/2026", "15"])
    assert [each.text[day.start : day.end] for each in prepared.sentences for day in each.dates] == days


def test_figures_names_of_days_and_addresses_become_placeholders() -> None:
    text = "Virement de 300 € fait le 4 mars pour FA-2026-0312, solde le 20 mars, écrire à compta@x.example"
    (sentence,) = prepare(text, DAY).sentences
    assert delexicalise(sentence) == (
        "virement de xamount fait xdatebehind pour xcode , solde xdateahead , ecrire a xmail"
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("C'est fait.", "fr"),
        ("It's done.", "en"),
        ("Schon erledigt.", "de"),
        ("Ya está pagado.", "es"),
        ("Abbiamo già pagato.", "it"),
        ("Wij hebben al betaald.", "nl"),
        ("je men occupe", "fr"),
        ("Friday's run, Lorna.", "en"),
        ("Kommt Mitte April.", "de"),
        ("Les pagaremos a mediados de abril.", "es"),
        ("Pagheremo appena possibile.", "it"),
        ("Riusciamo a pagare 900€ entro venerdì.", "it"),
        ("Uiterlijk 31 maart is alles voldaan.", "nl"),
        ("We betalen zo snel mogelijk.", "nl"),
        ("mach ma morgn fix", "de"),
        ("yep fri latest, promise", "en"),
        ("dopodomani ce l'hai", "it"),
    ],
)
def test_short_mails_tell_their_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", " \n", "....", "\u200b", "a" * 100_000, "\n" * 5000 + "ok", "é" * 3])
def test_any_text_gives_at_least_one_sentence(text: str) -> None:
    prepared = prepare(text, DAY)
    assert 1 <= len(prepared.sentences) <= 60
