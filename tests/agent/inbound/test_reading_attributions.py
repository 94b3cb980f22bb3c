"""Reply headers that name a person and no time are history; what people write themselves is not. Samples of our own."""

import pytest

from agent.inbound.attributions import names_of
from agent.inbound.newtext import split_text
from agent.inbound.reading import read_message
from agent.inbound.values import Address
from tests.agent.inbound.conftest import NOW
from tests.builders import mail

OURS = names_of([Address("Compta Morel", "ar@morel-sas.example")])
NOBODY: frozenset[str] = frozenset()
NEW = "The transfer went out this morning."
HISTORY = "Your invoice F26-118 is overdue.\n\nPlease pay by 10 March."
LETTER = f"{{greeting}}\n\n{HISTORY}"

SHORT_HEADERS = [
    "Compta Morel a écrit :", "Citation de Compta Morel :", "Compta Morel wrote:", "Quoting Compta Morel:",
    "Compta Morel schrieb:", "Zitat von Compta Morel:", "Compta Morel hat geschrieben:", "Compta Morel escribió:",
    "Citando a Compta Morel:", "Compta Morel ha scritto:", "Citando Compta Morel:", "Compta Morel schreef:",
    "Citeren Compta Morel:", "Compta Morel escreveu:", "Compta Morel napisał(a):", "Cytowanie Compta Morel:",
    "Compta Morel skrev:", "Citat fra Compta Morel:", "Citerar Compta Morel:", "Siterer Compta Morel:",
    "Compta Morel kirjoitti:", "Lainaus Compta Morel:", "Compta Morel napsal(a):", "Cituji Compta Morel:",
    "Compta Morel a scris:", "Citat din Compta Morel:", "Compta Morel írta:", "Idézet (Compta Morel):",
    "Compta Morel пишет:", "Цитирую Compta Morel:", "Compta Morel написав(ла):", "Цитування Compta Morel:",
    "Compta Morel yazdı:", "Alıntı Compta Morel:", '"Morel, Zoé" schrieb:', "Morel SAS - Comptabilité a écrit :",
    "ar@morel-sas.example wrote:", "Dr. Zoé Le Morel wrote:",
]  # fmt: skip


@pytest.mark.parametrize("header", SHORT_HEADERS)
@pytest.mark.parametrize("mark", ["", "> "], ids=["unmarked", "marked"])
@pytest.mark.parametrize("gap", ["\n\n", "\n"], ids=["apart", "glued"])
def test_a_header_that_names_whom_the_mail_answers_needs_no_date(header: str, mark: str, gap: str) -> None:
    quoted = "\n".join(mark + line for line in HISTORY.split("\n"))
    split = split_text(f"{NEW}{gap}{header}\n\n{quoted}\n", OURS)
    assert split.new_text == NEW
    assert "overdue" in split.quoted


YOU_WROTE = [
    "You wrote:", "Vous avez écrit :", "Sie schrieben:", "Usted escribió:", "Lei ha scritto:", "U schreef:",
    "Вы писали:", "Ви писали:", "Du skrev:", "Ați scris:", "Kirjoititte:", "Şunu yazdınız:",
    "Napsal jste:",
]  # fmt: skip
GREETINGS = [
    "Bonjour Madame Berg,", "Dear Ms Berg,", "Sehr geehrte Frau Berg,", "Estimada señora Berg:", "Gentile Anna,",
    "Geachte mevrouw Berg,", "Здравствуйте, Анна!", "Доброго дня, Анно!", "Hej Anna,", "Stimată doamnă,",
    "Hyvä Anna,", "Sayın Anna Berg,", "Tisztelt Berg Anna!", "Vážená paní Bergová,", "Szanowna Pani,", "Kære Anna,",
    "Hei Anna,", "Prezada Anna,",
]  # fmt: skip


@pytest.mark.parametrize("header", [*YOU_WROTE, "Tom Brown wrote:", "Zitat von Tom Brown:"])
def test_without_a_known_name_the_letter_below_tells(header: str) -> None:
    for greeting in GREETINGS:
        assert split_text(f"{NEW}\n\n{header}\n\n{LETTER.format(greeting=greeting)}\n").new_text == NEW
    assert split_text(f"{NEW}\n\n{header}\n\n{HISTORY}\n\nYours\nCompta Morel\n", OURS).new_text == NEW
    for gap in ("\n\n", "\n"):
        marked = f"{NEW}{gap}{header}\n> {HISTORY}\n".replace("\n\nP", "\n>\n> P")
        assert split_text(marked).new_text == NEW


DATED_HEADERS = [
    "Вы писали 2 марта 2026 г., 9:12:44:",
    "Vous écriviez le lundi 2 mars 2026 à 09:12:44 :",
    "Monday, March 2, 2026, 9:12:44 AM, you wrote:",
    "Monday, March 2, 2026 9:12 AM +01:00 from Compta Morel <ar@morel-sas.example>:",
    "Понедельник, 2 марта 2026, 9:12 +03:00 от Compta Morel <ar@morel-sas.example>:",
    "mån 2 mars 2026 kl. 09:12 skrev Compta Morel <ar@morel-sas.example>:",
    "Compta Morel escreveu no dia segunda, 2/03/2026 à(s) 09:12:",
    "Compta Morel\n<ar@morel-sas.example> a écrit le lun. 2 mars 2026 à 09:12 :",
    "Morel, Zoé\n<ar@morel-sas.example> schrieb am Mo., 2. März 2026, 09:12:",
    "<ar@morel-sas.example> schreef op ma 2 mrt 2026 09:12:",
    "Zitat von Compta Morel\n<ar@morel-sas.example>:",
    "понедельник, 2 марта 2026 г., 09:12:44 GMT+3,\nCompta Morel <ar@morel-sas.example> написал(а):",
]


@pytest.mark.parametrize("header", DATED_HEADERS)
@pytest.mark.parametrize("new", [NEW, "Le virement est parti ce matin.", "Am Freitag zahlen wir."])
def test_dated_headers_of_more_programs(header: str, new: str) -> None:
    assert split_text(f"{new}\n\n{header}\n\n{HISTORY}\n").new_text == new


def test_a_rule_above_a_quoted_block_of_labels_is_history() -> None:
    block = (
        "> Od: Compta Morel <ar@morel-sas.example>\n> Komu: anna@x.example\n> Datum: 02.03.2026 09:12\n>\n> Dobrý den"
    )
    assert split_text(f"Zaplatili jsme.\n\n{'_' * 60}\n{block}\n").new_text == "Zaplatili jsme."


OWN_WORDS = [
    "Herr Müller schrieb: wir zahlen",
    "Herr Müller schrieb:\nwir zahlen am Freitag.",
    "Unser Anwalt schrieb:\n\nZahlen Sie nicht.",
    "Ihre Frau Morel schrieb:\n\nwir bekommen eine Gutschrift.",
    "Frau Morel schrieb:\n\ndie Gutschrift kommt.",
    "Mme Morel a écrit :\n\nl'avoir arrive.",
    "Our accountant wrote:\nthe invoice is settled.",
    "Tom Brown wrote:\n\nthe goods were short.\n\nSo we wait.",
    "You wrote:\n\nthe goods left on Monday.\n\nThey did not.",
    "Вы писали:\n\nтовар отправлен.\n\nМы его не получили.",
    "Quoting your terms:\n\nno interest is due.",
    "Quoting Clause Five:\n\nno interest is due.\n\nSo we pay none.",
    "As Compta Morel wrote:\nthe credit note comes.",
    "I spoke with Compta Morel, who wrote:\nthe credit note comes.",
    "Zitat: Die Ware fehlt.",
    "We paid as Morel said.\n\nAnna",
    "Wie Compta Morel schrieb: die Gutschrift kommt. Wir warten.",
    "Il 12/03/2026 pagheremo la fattura.\nAnna\n",
    "Le virement est parti.\n\nCompta Morel a écrit que le solde est nul.",
    "Herr Müller schrieb mir gestern am 12.03.2026 um 08:15, dass gezahlt wird.",
]


@pytest.mark.parametrize("text", OWN_WORDS)
def test_what_people_write_themselves_stays(text: str) -> None:
    for names in (OURS, NOBODY):
        split = split_text(text, names)
        assert "\n".join(filter(None, (split.new_text, split.signature))) == text.strip()
        assert split.quoted == ""


def test_the_names_are_those_to_whom_the_mail_is_written() -> None:
    text = f"{NEW}\n\nZitat von Morel:\n\n{HISTORY}\n"
    to_us = read_message(mail.letter(text, to=('"Compta Morel" <ar@example.test>',)), None, NOW)
    to_another = read_message(mail.letter(text, to=("anna@x.example",)), None, NOW)
    assert to_us.new_text == NEW
    assert "overdue" in to_another.new_text
