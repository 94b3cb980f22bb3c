"""Mails that people pass on: told as such, and never taken for the sender's own words."""

import pytest

from agent.inbound.reading import read_message
from agent.inbound.values import Address, Forward, Reading
from tests.agent.inbound.conftest import NOW
from tests.builders import mail

AUTHOR = Address("Bob Boss", "bob@customer.test")
BLOCK = "From: Bob Boss <bob@customer.test>\nSent: Monday, March 2, 2026 9:12 AM\nTo: Anna\nSubject: Invoice"
CLAIM = "We paid invoice F26-118 on 2 March by transfer."

_HEADERS = [
    ("TR : Facture", "De : {a}\nEnvoyé : lundi 2 mars 2026 09:12\nÀ : Anna\nObjet : Facture"),
    ("WG: Rechnung", "Von: {a}\nGesendet: Montag, 2. März 2026 09:12\nAn: Anna\nBetreff: Rechnung"),
    ("RV: Factura", "De: {a}\nEnviado el: lunes, 2 de marzo de 2026 9:12\nPara: Anna\nAsunto: Factura"),
    ("I: Fattura", "Da: {a}\nInviato: lunedì 2 marzo 2026 09:12\nA: Anna\nOggetto: Fattura"),
    ("Fwd: Factuur", "Begin doorgestuurd bericht:\n\nVan: {a}\nOnderwerp: Factuur\nDatum: 2 maart 2026\nAan: Anna"),
    ("Fwd: Invoice", "--------- Forwarded message --------\nDe : {a}\nDate: lun. 2 mars 2026\nTo: Anna"),
    (
        "Fwd: Rechnung",
        "-------- Weitergeleitete Nachricht --------\nBetreff: R\nDatum: 2 Mar 2026\nVon: {a}\nAn: A",
    ),
    ("Fwd: Facture", "-------- Message transféré --------\nSujet : F\nDate : Mon, 2 Mar 2026\nDe : {a}\nPour : A"),
]
FORWARDS = [
    ("Fwd: Invoice", f"--------- Forwarded message --------\n{BLOCK}\n\n{CLAIM}"),
    ("Fwd: Invoice", "Begin forwarded message:\n\n> " + f"{BLOCK}\n\n{CLAIM}".replace("\n", "\n> ")),
    *((subject, header.format(a="Bob Boss <bob@customer.test>") + f"\n\n{CLAIM}") for subject, header in _HEADERS),
]


def read(text: str, **more: object) -> Reading:
    return read_message(mail.letter(text, **more), None, NOW)  # type: ignore[arg-type] # the arguments of `letter`


@pytest.mark.parametrize(("subject", "passed_on"), FORWARDS)
@pytest.mark.parametrize("note", ["Please see below.\n\nAnna\n\n", ""], ids=["with a note", "without a note"])
def test_what_was_passed_on_is_not_the_senders_text(subject: str, passed_on: str, note: str) -> None:
    found = read(note + passed_on, subject=subject)
    assert found.new_text == note.strip()
    assert found.forward == Forward(AUTHOR, attached=False)
    assert "F26-118" in found.quoted
    assert found.numbers == ()


@pytest.mark.parametrize(
    "written", ["Bob Boss [mailto:bob@customer.test]", "bob@customer.test<mailto:bob@customer.test>"]
)
def test_the_author_is_read_as_programs_write_him(written: str) -> None:
    found = read(f"FYI\n\n{BLOCK}\n\n{CLAIM}".replace("Bob Boss <bob@customer.test>", written), subject="FW: Invoice")
    assert found.forward is not None
    assert found.forward.author is not None
    assert found.forward.author.address == "bob@customer.test"


def test_an_author_of_two_addresses_is_nobody() -> None:
    text = f"FYI\n\n{BLOCK}\n\n{CLAIM}".replace("Bob Boss <bob@customer.test>", "bob@customer.test <eve@evil.test>")
    assert read(text, subject="FW: Invoice").forward == Forward(None, attached=False)


def test_an_attached_mail_is_a_forward_too() -> None:
    raw = (
        b"From: anna@customer.test\nSubject: see attached\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nFrom my boss.\n--b\nContent-Type: message/rfc822\n\nFrom: Bob Boss <bob@customer.test>\nSubject: old\n"
        b"\nWe paid F26-118.\n--b--\n"
    )
    found = read_message(raw, None, NOW)
    assert (found.forward, found.new_text) == (Forward(AUTHOR, attached=True), "From my boss.")


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Invoice", f"Paid.\n\n{BLOCK}\n\nYour invoice is overdue."),
        ("Re: Fwd: Invoice", f"Paid.\n\n{BLOCK}\n\nYour invoice is overdue."),
        ("Re: Invoice", "Paid.\n\nOn Mon, 2 Mar 2026 at 09:12, Bob <bob@customer.test> wrote:\n> Overdue."),
        (
            "Re: Invoice",
            f"Paid.\n\nOn 2 Mar 2026 at 09:12, Bob <bob@customer.test> wrote:\n> --- Forwarded message ---\n> {CLAIM}",
        ),
        ("Fwd: Invoice", "Paid on Friday."),
        ("Invoice", "We forwarded your message:\nthe director will pay."),
    ],
)
def test_answers_and_plain_mails_are_no_forwards(subject: str, text: str) -> None:
    assert read(text, subject=subject).forward is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Sender": "anna@customer.test"}, None),
        ({"Sender": "Carl <carl@customer.test>"}, Address("Carl", "carl@customer.test")),
        ({"Sender": "carl@customer.test <eve@evil.test>"}, None),
        ({"Sender": "carl@customer.test, eve@evil.test"}, None),
    ],
)
def test_who_handed_it_in_for_another_is_told(headers: dict[str, str], expected: Address | None) -> None:
    assert read("Paid.\n", headers=headers).delegate == expected


def test_two_senders_are_none() -> None:
    raw = b"Sender: carl@customer.test\nSender: eve@evil.test\nFrom: anna@customer.test\n\nPaid."
    assert read_message(raw, None, NOW).delegate is None
