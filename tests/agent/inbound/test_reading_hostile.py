"""Whatever the bytes, there is a reading, and it can be written down."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inbound.reading import read_message
from agent.inbound.values import Kind, Reading

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def read(raw: bytes) -> Reading:
    reading = read_message(raw, None, NOW)
    json.dumps([reading.new_text, reading.signature, reading.quoted, reading.subject, reading.from_header]).encode(
        "utf-8"
    )
    return reading


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\x00" * 100,
        b"Message-ID: <[x@y]>\n\nx",
        b'To: "\n\nx',
        b"To: (c):\n\nx",
        b"Content-Type: text/plain; name*\n\nx",
        b"Content-Type: text/plain; charset=no-such-charset\n\n\xff\xfe",
        b"Content-Type: text/plain; charset=undefined\n\n\xff",
        b"Content-Type: text/plain; charset=rot13\n\n\xff",
        b"Content-Type: multipart/mixed\n\nno boundary at all",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n--b--\n--b",
        b"Content-Transfer-Encoding: base64\n\n!!!!",
        b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\nM\n",
        b"From: " + b"(" * 10_000 + b"\n\nx",
        b"From: " + b"<" * 10_000 + b"\n\nx",
        b"To: " + b", ".join(b"a%d@x.example" % n for n in range(20_000)) + b"\n\nx",
        b"Subject: " + b"a" * 1_000_000 + b"\n\nx",
        b"Subject: =?utf-8?b?" + b"=?utf-8?q?" * 5_000 + b"?=\n\nx",
        b"X: y\n" * 100_000 + b"\nx",
        b"Date: Mon, 99 Foo 99999 99:99:99 +9999\n\nx",
        b"Content-Type: text/html\n\n" + b"<div>" * 100_000 + b"x",
        b"Content-Type: text/html\n\n" + b"<blockquote>" * 50_000 + b"x",
        b"Content-Type: text/html\n\n<a " + b"x=y " * 100_000,
        b"\n" + b">" * 200_000,
        b"\n" + b"On x:\n" * 30_000,
        b"\n" + b"From: a@b.example\n" * 20_000,
        b"\n" + b"a" * 2_000_000,
        b"\n" + b"-----\n" * 20_000,
        b"\n" + b"a@" * 100_000,
        b"\n" + b"1-" * 100_000,
    ],
    ids=lambda raw: f"{raw[:60]!r}",
)
def test_odd_bytes_give_a_reading(raw: bytes) -> None:
    assert read(raw).kind in Kind


def test_deep_nesting_is_told_and_the_headers_stand() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_000))
    reading = read(b"From: a@x.example\nSubject: s\n" + nested + b"\nx")
    assert reading.error is not None
    assert reading.subject == "s"
    assert reading.sender is not None


def test_more_parts_than_anybody_needs_are_told() -> None:
    reading = read(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 3_000 + b"--b--\n")
    assert reading.error is not None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Content-Type: text/plain; charset=iso-8859-1\n\npayé".encode(), "payé"),
        (b"Content-Type: text/plain; charset=us-ascii\n\npay\xe9 \x96 merci", "payé – merci"),
        (b"\npay\xe9", "payé"),
        ("Content-Type: text/plain; charset=utf-8\n\npayé".encode("cp1252"), "payé"),
        (b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B;YJ'$$\x1b(B", "支払い"),
        (b"Content-Transfer-Encoding: quoted-printable\n\npay=C3=A9 =\nhier", "payé hier"),
        (b"Content-Type: text/plain; format=flowed\n\npaid \non Friday\n> old \n> text", "paid on Friday"),
        (b"Content-Type: text/html; charset=utf-8\n\n<p>pay&eacute;</p>", "payé"),
        (b"-----BEGIN PGP\n\nx", "-----BEGIN PGP\n\nx"),
        (
            b"\n-----BEGIN PGP SIGNED MESSAGE-----\n\npaid\n-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----",
            "paid",
        ),
    ],
)
def test_texts_come_out_whatever_the_wrapping(raw: bytes, text: str) -> None:
    assert read(raw).new_text == text


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (b"=?utf-8?q?Pay=C3=A9?= =?utf-8?q?_hier?=", "Payé hier"),
        (b"=?utf-8?b?w6k=?= =?utf-8?b?w6k?=", "éé"),
        (b"=?utf-8?b?w?= =?utf-8?b?6k=?=", "=?utf-8?b?w?= k"),
        ("Payé".encode(), "Payé"),
        ("Payé".encode("cp1252"), "Payé"),
        (b"=?x-unknown?q?abc?=", "abc"),
        (b"a\n b", "a b"),
    ],
)
def test_subjects_are_decoded(subject: bytes, text: str) -> None:
    found = read(b"Subject: " + subject + b"\n\nx").subject
    assert found == text or (b"?b?w?=" in subject and found)


def test_attachments_are_listed_and_forwarded_mails_are_not_the_text() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nPaid, see attached.\n--b\n"
        b"Content-Type: application/pdf\n"
        b"Content-Disposition: attachment; filename*=utf-8''avis%20de%20paiement.pdf\n"
        b"Content-Transfer-Encoding: base64\n\nUERG\n"
        b"--b\nContent-Type: message/rfc822\n\nSubject: old\n\nYour invoice is overdue\n--b\n"
        b"Content-Type: application/ms-tnef; name=winmail.dat\n\nx\n--b\n"
        b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n--b--\n"
    )
    reading = read(raw)
    assert reading.new_text == "Paid, see attached."
    names = [attachment.filename for attachment in reading.attachments]
    assert names == ["avis de paiement.pdf", "message.eml", "winmail.dat", "invitation.ics"]
    assert reading.attachments[0].size == 3


def test_the_references_are_read_in_order_and_strangely_written_ids_do_no_harm() -> None:
    raw = (
        b"Message-ID: m1@x.example\nIn-Reply-To: Your message <r1@x.example> of Monday\n"
        b"References: <a@x>\n <b@x> c <b@x>\n\nx"
    )
    reading = read(raw)
    assert (reading.message_id, reading.in_reply_to) == ("<m1@x.example>", "<r1@x.example>")
    assert reading.references == ("<a@x>", "<b@x>")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3_000))
def test_any_bytes(raw: bytes) -> None:
    read(raw)


SEED = (
    b"Received: from a by mx.x.example with ESMTP; x\nFrom: =?utf-8?q?A=C3=A9?= <a@x.example>\nSubject: Re: F26-118\n"
    b'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="b"\n\n--b\n'
    b"Content-Type: text/plain; charset=utf-8\n"
    b"\nPaid.\n\nOn Mon, 2 Mar 2026 at 09:12, M <m@x.example> wrote:\n> old\n--b\n"
    b"Content-Type: text/html\n\n<p>Paid.</p>\n--b--\n"
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 8), st.binary(max_size=6)), max_size=12))
def test_mutations_of_a_mail(edits: list[tuple[int, int, bytes]]) -> None:
    raw = SEED
    for at, cut, put in edits:
        raw = raw[:at] + put + raw[at + cut :]
    read(raw)
