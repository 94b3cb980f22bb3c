"""Texts inside S/MIME signatures and winmail.dat, files named like proofs, and what can't be opened."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime

import pytest
from compressed_rtf import compress
from hypothesis import given
from hypothesis import strategies as st

from agent.inbound.envelopes import is_encrypted, read_tnef, signed_content
from agent.inbound.facts import is_payment_proof
from agent.inbound.reading import read_message
from agent.inbound.values import Reading

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nLe virement partira vendredi.\r\n"
SIGNED, ENVELOPED = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010703")
DATA = bytes.fromhex("06092a864886f70d010701")


def _definite(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body).to_bytes(4, "big")
    return bytes([tag, 0x84]) + size + body


def _indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"


def _chunks(entity: bytes) -> bytes:
    return _indefinite(0x24, *(_definite(0x04, entity[at : at + 10]) for at in range(0, len(entity), 10)))


def _signed(entity: bytes, *, streamed: bool) -> bytes:
    make = _indefinite if streamed else _definite
    octets = _chunks(entity) if streamed else _definite(0x04, entity)
    content = make(0x30, DATA, make(0xA0, octets))
    version, digests, signers = b"\x02\x01\x01", _definite(0x31), _definite(0x31)
    return make(0x30, SIGNED, make(0xA0, make(0x30, version, digests, content, signers)))


def _mail(content_type: str, data: bytes, name: str = "smime.p7m") -> Reading:
    head = f'From: anna@customer.example\r\nSubject: Re: rappel\r\nContent-Type: {content_type}; name="{name}"\r\n'
    raw = head.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data)
    return read_message(raw, None, NOW)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("content_type", ["application/pkcs7-mime; smime-type=signed-data", "application/x-pkcs7-mime"])
def test_the_text_inside_an_opaque_signature_is_read(content_type: str, streamed: bool) -> None:
    reading = _mail(content_type, _signed(ENTITY, streamed=streamed))
    assert reading.new_text == "Le virement partira vendredi."
    assert reading.attachments == ()
    assert reading.error is None


def test_a_signed_mail_keeps_its_attachments_and_its_quote() -> None:
    entity = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nPaid.\r\n> When?\r\n"
        b'--b\r\nContent-Type: application/pdf; name="remittance.pdf"\r\nContent-Disposition: attachment\r\n\r\nx\r\n'
        b"--b--\r\n"
    )
    reading = _mail("application/pkcs7-mime", _signed(entity, streamed=False))
    assert reading.new_text == "Paid."
    assert [each.filename for each in reading.attachments] == ["remittance.pdf"]
    assert reading.payment_proofs == ("remittance.pdf",)


def test_an_encrypted_mail_says_that_nobody_can_read_it() -> None:
    data = _definite(0x30, ENVELOPED, _definite(0xA0, _definite(0x30)))
    assert is_encrypted(data)
    reading = _mail("application/pkcs7-mime; smime-type=enveloped-data", data)
    assert reading.new_text == ""
    assert reading.error == "the mail is encrypted: its text can't be read"
    assert [each.filename for each in reading.attachments] == ["smime.p7m"]


def test_a_clear_signature_leaves_the_text_and_is_no_attachment() -> None:
    raw = (
        b"From: a@c.example\r\n"
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nPaid.\r\n--b\r\n"
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n\r\nx\r\n--b--\r\n'
    )
    reading = read_message(raw, None, NOW)
    assert (reading.new_text, reading.attachments, reading.error) == ("Paid.", (), None)


def test_a_pgp_encrypted_mail_says_so_too() -> None:
    raw = (
        b'From: a@c.example\r\nContent-Type: multipart/encrypted; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
        b'--b\r\nContent-Type: application/octet-stream; name="encrypted.asc"\r\n\r\nx\r\n--b--\r\n'
    )
    reading = read_message(raw, None, NOW)
    assert (reading.new_text, reading.error) == ("", "the mail is encrypted: its text can't be read")


def test_a_broken_envelope_stays_an_attachment() -> None:
    reading = _mail("application/pkcs7-mime", _signed(ENTITY, streamed=False)[:60])
    assert (reading.new_text, len(reading.attachments)) == ("", 1)
    reading = _mail("application/ms-tnef", b"no tnef", "winmail.dat")
    assert (reading.new_text, [each.filename for each in reading.attachments]) == ("", ["winmail.dat"])


def _attribute(name: int, value: bytes, level: int = 1) -> bytes:
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def _property(kind: int, name: int, value: bytes) -> bytes:
    padded = value + b"\0" * (-len(value) % 4)
    return struct.pack("<HHII", kind, name, 1, len(value)) + padded


def _winmail(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


PLAIN = _property(0x1F, 0x1000, "Réglé lundi.\0".encode("utf-16-le"))
FIXED = struct.pack("<HHI", 0x03, 0x3FDE, 65001)
NAMED = struct.pack("<HH16sII", 0x03, 0x8001, b"g" * 16, 0, 7) + struct.pack("<I", 1)
FILE = (
    _attribute(0x00069002, b"\0" * 14, 2)
    + _attribute(0x0006800F, b"%PDF", 2)
    + _attribute(
        0x00069005, struct.pack("<I", 1) + _property(0x1F, 0x3707, "Zahlungsavis 0312.pdf\0".encode("utf-16-le")), 2
    )
)


def test_the_text_and_the_files_of_a_winmail_dat_are_read() -> None:
    data = _winmail(_attribute(0x00069003, struct.pack("<I", 3) + NAMED + FIXED + PLAIN), FILE)
    reading = _mail("application/ms-tnef", data, "winmail.dat")
    assert reading.new_text == "Réglé lundi."
    assert [(each.filename, each.size, each.content_type) for each in reading.attachments] == [
        ("Zahlungsavis 0312.pdf", 4, "application/pdf")
    ]
    assert reading.payment_proofs == ("Zahlungsavis 0312.pdf",)


def test_the_html_of_a_winmail_dat_is_read_and_the_old_body_field_too() -> None:
    html = _property(0x102, 0x1013, b"<p>Paid <b>yesterday</b>.</p>")
    assert _mail("application/ms-tnef", _winmail(_attribute(0x00069003, struct.pack("<I", 1) + html))).new_text == (
        "Paid yesterday."
    )
    old = _winmail(_attribute(0x00069007, struct.pack("<II", 1252, 0)), _attribute(0x0002800C, b"Pay\xe9e hier.\0"))
    assert _mail("application/ms-tnef", old).new_text == "Payée hier."


def _rich(text: bytes) -> bytes:
    return _winmail(_attribute(0x00069003, struct.pack("<I", 1) + _property(0x102, 0x1009, compress(text))))


@pytest.mark.parametrize(
    ("rich", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 R\'e9gl\'e9e lundi.\par Merci.}", "Réglée lundi.\nMerci."),
        (
            (
                rb"{\rtf1\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Paid {\*\htmltag84 <b>}\htmlrtf {\b"
                rb" \htmlrtf0 yesterday\htmlrtf }\htmlrtf0 {\*\htmltag92 </b>}.\htmlrtf\par}\htmlrtf0"
                rb" {\*\htmltag72 </p>}}"
            ),
            "Paid yesterday.",
        ),
        (rb"{\rtf1 \u8364?250 on Friday}", "€250 on Friday"),
    ],
    ids=["rich text", "html inside", "unicode"],
)
def test_the_rich_text_of_a_winmail_dat_is_read_where_there_is_no_other(rich: bytes, text: str) -> None:
    assert _mail("application/ms-tnef", _rich(rich), "winmail.dat").new_text == text


def test_rich_text_that_is_broken_or_endless_stays_an_attachment() -> None:
    endless = struct.pack("<IIII", 112, 2_000_000, 0x75465A4C, 0) + b"x" * 100
    for data in (
        _rich(rb"{\rtf1 Paid.}").replace(b"LZFu", b"LZFx"),
        _winmail(_attribute(0x00069003, struct.pack("<I", 1) + _property(0x102, 0x1009, endless))),
        _rich(rb"{\rtf1 \u99999999999? x}"),
    ):
        reading = _mail("application/ms-tnef", data, "winmail.dat")
        assert (reading.new_text, [each.filename for each in reading.attachments]) == ("", ["winmail.dat"])


def test_a_text_beside_the_winmail_dat_comes_first() -> None:
    data = _winmail(_attribute(0x00069003, struct.pack("<I", 1) + PLAIN))
    raw = (
        b'From: a@c.example\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nPaid on Friday.\r\n"
        b"--b\r\nContent-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(data)
        + b"\r\n--b--\r\n"
    )
    assert read_message(raw, None, NOW).new_text == "Paid on Friday."


@given(st.binary(max_size=400))
def test_no_bytes_break_an_envelope(data: bytes) -> None:
    signed_content(data)
    is_encrypted(data)
    read_tnef(data)
    read_tnef(_winmail() + data)
    read_tnef(_winmail(_attribute(0x00069003, data)))
    read_tnef(_winmail(_attribute(0x00069003, struct.pack("<I", 1) + _property(0x102, 0x1009, data))))
    read_tnef(_rich(data))


@given(st.integers(0, 300), st.integers(0, 255))
def test_no_changed_byte_breaks_an_envelope(at: int, byte: int) -> None:
    for whole in (_signed(ENTITY, streamed=True), _winmail(_attribute(0x00069003, struct.pack("<I", 1) + PLAIN), FILE)):
        changed = bytearray(whole)
        changed[at % len(changed)] = byte
        signed_content(bytes(changed))
        read_tnef(bytes(changed))


@pytest.mark.parametrize(
    ("name", "is_proof"),
    [
        ("Remittance Advice 4711.pdf", True),
        ("payment_confirmation.PDF", True),
        ("ProofOfPayment.pdf", True),
        ("Avis_de_virement-0312.pdf", True),
        ("avis d'opéré.pdf", True),
        ("Justificatif de paiement.pdf", True),
        ("Zahlungsavis.pdf", True),
        ("Überweisungsbeleg.png", True),
        ("justificante_transferencia.pdf", True),
        ("Comprobante de pago.jpg", True),
        ("contabile bonifico.pdf", True),
        ("Betalingsbewijs.pdf", True),
        ("RIB.pdf", False),
        ("Facture FA-2026-0312.pdf", False),
        ("payment terms.pdf", False),
        ("population.pdf", False),
        ("image001.png", False),
        ("", False),
    ],
)
def test_files_named_like_a_proof_of_payment_are_told(name: str, is_proof: bool) -> None:
    assert is_payment_proof(name) is is_proof
