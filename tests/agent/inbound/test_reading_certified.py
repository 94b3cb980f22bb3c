"""Italian certified mail (RFC 6109): the envelope is the provider's, the mail inside is the customer's."""

import base64

import pytest

from agent.inbound.headers import parse_headers, tidy
from agent.inbound.parts import content_of, read_parts
from agent.inbound.reading import read_message
from agent.inbound.values import Border, Kind
from tests.agent.inbound.conftest import NOW

OURS = "<r.abcdefghijklmnopqrstuvwxyz@morel.example>"
BORDER = Border("own", "mx.morel.example")
RESULTS = (
    "Authentication-Results: mx.morel.example; dmarc=pass header.from=pec.provider.example\n"
    "Received: from out.pec.provider.example (x [192.0.2.7]) by mx.morel.example with ESMTPS id 1\n"
)
INNER = f"""\
Message-ID: <cliente-1@pec.cliente.example>
Date: Mon, 2 Mar 2026 10:12:44 +0100
From: "Bianchi Srl" <bianchi@pec.cliente.example>
To: compta@morel.example
Subject: Re: Sollecito di pagamento FA-2026-0312
In-Reply-To: {OURS}
References: {OURS}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="in"

--in
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 8bit

Buongiorno, il bonifico è partito ieri per la fattura FA-2026-0312.

Il giorno lun 2 mar 2026 alle ore 09:12 Morel <compta@morel.example> ha scritto:
> La fattura FA-2026-0312 è scaduta.
--in
Content-Type: application/pdf; name="Contabile.pdf"
Content-Disposition: attachment; filename="Contabile.pdf"
Content-Transfer-Encoding: base64

JVBERi0x
--in--
"""


def envelope(transport: str = "posta-certificata", inner: str = INNER, *, encoding: str = "8bit") -> bytes:
    subject = "POSTA CERTIFICATA" if transport == "posta-certificata" else "ANOMALIA MESSAGGIO"
    return f"""\
{RESULTS}Return-Path: <posta-certificata@pec.provider.example>
X-Trasporto: {transport}
X-Riferimento-Message-ID: <cliente-1@pec.cliente.example>
Message-ID: <opec1.20260302101245.1.1.1.1@pec.provider.example>
Date: Mon, 2 Mar 2026 10:12:45 +0100
From: "Per conto di: bianchi@pec.cliente.example" <posta-certificata@pec.provider.example>
Reply-To: bianchi@pec.cliente.example
To: ar+r.abcdefghijklmnopqrstuvwxyz@morel.example
Subject: {subject}: Re: Sollecito di pagamento FA-2026-0312
MIME-Version: 1.0
Content-Type: multipart/signed; protocol="application/x-pkcs7-signature"; micalg=sha-256; boundary="out"

--out
Content-Type: multipart/mixed; boundary="mix"

--mix
Content-Type: multipart/alternative; boundary="alt"

--alt
Content-Type: text/plain; charset="iso-8859-1"

Messaggio di posta certificata
Il giorno 02/03/2026 alle ore 10:12:45 (+0100) il messaggio
"Re: Sollecito di pagamento FA-2026-0312" inviato da "bianchi@pec.cliente.example"
indirizzato a: compta@morel.example
Il messaggio originale e incluso in allegato.
--alt
Content-Type: text/html; charset="iso-8859-1"

<html><body><h3>Messaggio di posta certificata</h3></body></html>
--alt--
--mix
Content-Type: message/rfc822; name="postacert.eml"
Content-Disposition: inline; filename="postacert.eml"
Content-Transfer-Encoding: {encoding}

{inner}
--mix
Content-Type: application/xml; name="daticert.xml"
Content-Disposition: inline; filename="daticert.xml"
Content-Transfer-Encoding: base64

PHBvc3RhY2VydC8+
--mix--
--out
Content-Type: application/x-pkcs7-signature; name="smime.p7s"
Content-Disposition: attachment; filename="smime.p7s"
Content-Transfer-Encoding: base64

MIIB
--out--
""".encode()


@pytest.mark.parametrize("transport", ["posta-certificata", "errore"], ids=["certified", "anomaly"])
def test_the_mail_inside_is_what_the_customer_wrote(transport: str) -> None:
    raw = envelope(transport)
    reading = read_message(raw, BORDER, NOW)
    assert reading.kind is Kind.HUMAN
    assert reading.new_text == "Buongiorno, il bonifico è partito ieri per la fattura FA-2026-0312."
    assert reading.subject == "Re: Sollecito di pagamento FA-2026-0312"
    assert (reading.in_reply_to, reading.references) == (OURS, (OURS,))
    assert reading.sender is not None
    assert reading.sender.address == "bianchi@pec.cliente.example"
    assert reading.message_id == "<opec1.20260302101245.1.1.1.1@pec.provider.example>"
    assert "ar+r.abcdefghijklmnopqrstuvwxyz@morel.example" in {each.address for each in reading.recipients}
    assert (reading.language, reading.numbers, reading.payment_proofs) == ("it", ("FA-2026-0312",), ("Contabile.pdf",))
    proof = next(each for each in reading.attachments if each.filename == "Contabile.pdf")
    assert content_of(read_parts(tidy(raw), parse_headers(tidy(raw))), proof.sha256) == b"%PDF-1"
    assert "daticert.xml" in {each.filename for each in reading.attachments}


def test_nobody_is_authenticated_by_an_envelope() -> None:
    """The border's pass is the provider's; what stands inside anybody can have put there."""
    assert read_message(envelope(), BORDER, NOW).authentication.verdict == "none"
    forged = envelope(inner=RESULTS + INNER)
    assert read_message(forged, BORDER, NOW).authentication.verdict == "none"


def test_an_automatic_answer_inside_stays_one() -> None:
    absent = "Auto-Submitted: auto-replied\n" + INNER.replace("Re: Sollecito", "Risposta automatica: Sollecito")
    assert read_message(envelope(inner=absent), BORDER, NOW).kind is Kind.AUTO_REPLY


def test_an_inner_mail_in_base64_is_read() -> None:
    packed = base64.encodebytes(INNER.encode()).decode()
    assert read_message(envelope(inner=packed, encoding="base64"), BORDER, NOW).new_text.startswith("Buongiorno")


def test_an_envelope_within_an_envelope_is_opened_once() -> None:
    inner = envelope().decode().partition(RESULTS)[2].replace('"out"', '"o2"').replace("--out", "--o2")
    inner = inner.replace('"mix"', '"m2"').replace("--mix", "--m2").replace('"alt"', '"a2"').replace("--alt", "--a2")
    reading = read_message(envelope(inner=inner), BORDER, NOW)
    assert reading.new_text.startswith("Messaggio di posta certificata")


def test_an_envelope_without_a_mail_is_read_as_it_stands() -> None:
    raw = b"X-Trasporto: posta-certificata\nFrom: a@pec.example\nSubject: POSTA CERTIFICATA: x\n\nMessaggio\n"
    assert read_message(raw, BORDER, NOW).new_text == "Messaggio"


RECEIPTS = [
    ("accettazione", "ACCETTAZIONE", Kind.AUTO_REPLY),
    ("presa-in-carico", "PRESA IN CARICO", Kind.AUTO_REPLY),
    ("avvenuta-consegna", "CONSEGNA", Kind.AUTO_REPLY),
    ("non-accettazione", "AVVISO DI NON ACCETTAZIONE", Kind.BOUNCE),
    ("errore-consegna", "AVVISO DI MANCATA CONSEGNA", Kind.BOUNCE),
    ("preavviso-errore-consegna", "AVVISO DI MANCATA CONSEGNA PER SUPERAMENTO TEMPO MASSIMO", Kind.BOUNCE),
    ("rilevazione-virus", "PROBLEMA DI SICUREZZA", Kind.BOUNCE),
]


@pytest.mark.parametrize(("receipt", "subject", "kind"), RECEIPTS, ids=[each[0] for each in RECEIPTS])
def test_receipts_are_a_machines_and_name_our_mail(receipt: str, subject: str, kind: Kind) -> None:
    ours = INNER.replace("cliente-1@pec.cliente.example", OURS.strip("<>"))
    raw = envelope(inner=ours).decode()
    raw = raw.replace("X-Trasporto: posta-certificata", f"X-Ricevuta: {receipt}").replace("POSTA CERTIFICATA", subject)
    raw = raw.replace("<cliente-1@pec.cliente.example>", OURS)
    raw = raw.replace('"Per conto di: bianchi@pec.cliente.example" ', "")
    reading = read_message(raw.encode(), BORDER, NOW)
    assert reading.kind is kind
    assert OURS in reading.references
    assert "bonifico" not in reading.new_text
    if reading.bounce is not None:
        assert reading.bounce.permanent is (receipt != "preavviso-errore-consegna")
