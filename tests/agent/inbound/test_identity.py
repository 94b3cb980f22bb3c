"""Which mails are the same one."""

from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from agent.inbound.identity import HEAD, Fingerprint, identify
from tests.builders import mail

RAW = mail.letter("Bonjour\n", message_id="<a@b.test>")


@pytest.mark.parametrize(
    "same",
    [
        RAW.replace(b"\r\n", b"\n"),
        RAW + b"\r\n\r\n",
        b"Received: by mx.example.test; now\r\nAuthentication-Results: mx; none\r\n" + RAW,
        RAW.replace(b"Subject: Facture", b"Subject:\r\n Facture"),
        b"\r\n" + RAW,
    ],
)
def test_what_servers_change_on_the_way_does_not_count(same: bytes) -> None:
    assert identify(same).dkey == identify(RAW).dkey


@pytest.mark.parametrize(
    "other",
    [
        RAW.replace(b"Bonjour", b"Bonsoir"),
        RAW.replace(b"<a@b.test>", b"<c@b.test>"),
        RAW.replace(b"Subject: Facture", b"Subject: Avoir"),
        RAW.replace(b"From: anna", b"From: bob"),
        RAW.replace(b"Date: Wed", b"Date: Thu"),
    ],
)
def test_what_a_writer_changes_counts(other: bytes) -> None:
    assert identify(other).dkey != identify(RAW).dkey


def test_the_header_key_leaves_the_body_out() -> None:
    assert identify(RAW.replace(b"Bonjour", b"Bonsoir")).header_key == identify(RAW).header_key


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"\0" * 10, b"no header at all", b"Message-ID: <" + b"x" * 5000 + b"@y>\r\n\r\n"]
)
def test_bytes_that_are_no_mail_have_an_identity_too(raw: bytes) -> None:
    found = identify(raw)
    assert len(found.dkey) == 64
    assert found.message_id is None or len(found.message_id) <= 998


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 200_000), max_size=6))
def test_pieces_give_the_same_identity_as_the_whole(cuts: list[int]) -> None:
    raw = mail.huge(HEAD + 150_000, message_id="<h@x.test>") + b"\r\n\r\nend\r\n \r\n"
    fingerprint = Fingerprint()
    places = [0, *sorted(min(HEAD + cut, len(raw)) for cut in cuts), len(raw)]
    if places[1] < HEAD:
        places.pop(1)
    for start, end in pairwise(places):
        fingerprint.add(raw[start:end])
    assert fingerprint.identity() == identify(raw)
