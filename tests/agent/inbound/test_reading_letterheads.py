"""A signature without a courtesy line is taken off where everything fits, and no word of the customer's with it."""

import pytest

from agent.inbound.newtext import split_text
from agent.inbound.reading import read_message
from agent.inbound.values import Address
from tests.agent.inbound.conftest import NOW
from tests.builders import mail

LETTERHEADS = [
    (
        "Anna Berg",
        "anna.berg@kunde.example",
        "Die Überweisung ging heute raus.",
        "Anna Berg\nBuchhaltung\nKunde GmbH\nHauptstr. 5, 10115 Berlin\nTel. +49 30 1234567",
    ),
    (
        "Anna Berg",
        "anna.berg@kunde.example",
        "We paid on Friday.",
        "Anna Berg\nAccounts Payable\nKunde Ltd\n+44 20 7946 0000\nanna.berg@kunde.example",
    ),
    ("Karim Benali", "k.benali@client.example", "Le virement est parti.", "Karim BENALI\nComptable\n06 12 34 56 78"),
    (
        "",
        "k.benali@client.example",
        "Le virement est parti.",
        "K. Benali\nService comptabilité\nClient SAS | 12 rue des Lilas | 75011 Paris\nwww.client.example",
    ),
    (
        "Rossi Marco",
        "m.rossi@cliente.example",
        "Abbiamo pagato ieri.",
        "Marco Rossi\nUfficio Amministrazione\nCliente S.r.l.\nTel. 02 1234567",
    ),
    (
        "María López",
        "maria@cliente.example",
        "Pagamos hoy.",
        "María López\nAdministración\nCliente S.L.\nTfno. 91 123 45 67",
    ),
    (
        "de Vries, Jan",
        "jan@klant.example",
        "Wij betalen vrijdag.",
        "Jan de Vries\nAdministratie\nKlant B.V.\nT 020-1234567\nE jan@klant.example",
    ),
    (
        "Client SAS",
        "compta@client.example",
        "Le virement est parti.",
        "Service Comptabilité\nClient SAS\nTél : 01 23 45 67 89",
    ),
    ("Anna Berg", "anna@x.example", "Paid.", "Anna Berg | Accounts | X Ltd | +44 20 7946 0000"),
    (
        "Anna Berg",
        "anna@x.example",
        "Paid this morning, see below for the details.\n\n300 EUR for F26-118",
        "Anna Berg\nX Ltd\nwww.x.example",
    ),
    (
        "Anna Berg",
        "anna@x.example",
        "Paid on Monday!",
        "Dr. Anna Berg\nX Ltd, Accounts\n12 High Street, London W1 2AB\nPhone 020 7946 0000",
    ),
    (
        "Zoé Le Goff",
        "zoe.legoff@client.example",
        "C'est réglé.",
        "Zoé LE GOFF\nResponsable administratif\nClient SAS – 12 rue des Lilas – 75011 Paris\nTél. 01.23.45.67.89",
    ),
]


@pytest.mark.parametrize(("name", "address", "text", "signature"), LETTERHEADS)
def test_the_authors_letterhead_is_a_signature(name: str, address: str, text: str, signature: str) -> None:
    split = split_text(f"{text}\n\n{signature}\n", author=Address(name, address))
    assert (split.new_text, split.signature) == (text, signature)
    assert split_text(f"{text}\n\n{signature}\n", author=Address("Tom", "tom@other.example")).new_text != text
    assert split_text(f"{text}\n\n{signature}\n").signature == ""


OWN_WORDS = [
    "300 on Friday, Karim",
    "We pay.\n\n300 on Friday\nKarim",
    "We pay.\n\nKarim",
    "We pay.\n\nKarim Benali",
    "Please write to\n\nMarie Curie\nComptable\nmarie.curie@client.example\n01 23 45 67 89",
    "Call me.\n\nKarim\n06 12 34 56 78 until Friday, then we pay 300.",
    "Paid:\n\nKarim Benali 300 EUR on 12/03/2026\nCall +33 6 12 34 56 78 for the rest",
    "The right address:\n\nClient SAS\n12 rue des Lilas\n75011 Paris",
    "Please send the invoice to:\n\nKarim Benali\nClient SAS\n12 rue des Lilas\n75011 Paris\nkarim@new.example",
    "Please use our new details from now on:\n\nBenali SARL\ncompta@benali.example\nTel. 01 23 45 67 89",
    "Karim Benali\nClient SAS\n+33 6 12 34 56 78",
    "Paid.\n\nKarim Benali\nF26-118\n300,00 EUR\n06 12 34 56 78",
    "Paid.\n\nKarim Benali\nIBAN FR76 3000 6000 0112 3456 7890 189\n06 12 34 56 78",
    "We pay.\n\nPlease call Karim Benali\n+33 1 23 45 67 89",
    "We pay.\n\nKarim Benali is back on Monday\n+33 1 23 45 67 89 reaches him.",
    "Our firm moved.\n\nClient SAS\n12 rue des Lilas\n75011 Paris",
    "We pay.\n\nBenali 50 %\n06 12 34 56 78",
    "Wrong contact.\n\nMarie Curie\n01 23 45 67 89\nmarie@client.example",
    "We pay:\n\nKarim Benali\n06 12 34 56 78",
    "Paid.\n\nKarim Benali\nFA 2026-0312\n06 12 34 56 78",
    "Paid.\n\nKarim Benali\nAccounts\nkarim.benali@new-firm.example",
]


@pytest.mark.parametrize("text", OWN_WORDS)
def test_no_word_of_the_customers_goes_with_it(text: str) -> None:
    assert split_text(f"{text}\n", author=Address("Karim Benali", "k.benali@client.example")).new_text == text


def test_the_author_is_the_one_in_from() -> None:
    raw = mail.letter("Paid.\n\nAnna Berg\nX Ltd\n+44 20 7946 0000\n", sender="Anna Berg <anna@x.example>")
    reading = read_message(raw, None, NOW)
    assert (reading.new_text, reading.signature) == ("Paid.", "Anna Berg\nX Ltd\n+44 20 7946 0000")
