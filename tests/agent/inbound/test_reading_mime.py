"""A message is cut at its boundaries into the tree that the standard library's parser makes of it."""

import random
from email import policy
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest

from agent.inbound.mime import parse_message

MAILS = sorted((Path(__file__).parent / "mails").iterdir())
NESTED = (
    b"From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n"
    b"Content-Type: multipart/alternative; boundary=c\n\n--c\n\nplain\n--c\nContent-Type: text/html\n\n<p>x\n--c--\n"
    b"epilogue\n--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner\n--b\n"
    b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@x\nStatus: 5.1.1\n"
    b"--b--\nend\n"
)


def shape(message: Message) -> object:
    payload: object = message.get_payload()
    held = [shape(part) for part in payload if isinstance(part, Message)] if isinstance(payload, list) else payload
    about = (message.get_unixfrom(), message.preamble, message.epilogue, message.get_default_type())
    return [list(message.raw_items()), about, held]


def by_library(raw: bytes) -> Message:
    return BytesParser(policy=policy.compat32).parsebytes(raw)


@pytest.mark.parametrize(
    "raw",
    [
        NESTED,
        NESTED.replace(b"\n", b"\r\n"),
        b"",
        b"no header at all",
        b"From a@x Mon Mar  2 09:12:44 2026\nSubject: s\n\nx",
        b" folded\nSubject: s\n:nameless\n more\n\nx",
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Type: multipart/mixed; boundary=b\n\nit never comes",
        b"Content-Type: multipart/mixed; boundary=b\n\nonly its end\n--b--\nx",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n--b--\n--b",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b \t\nx --b\n--bc\n--b--c\n--b",
        b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\nx\n--b--",
        b"Content-Type: message/delivery-status\n\n\n\nA: b\n\n\nC: d",
        b"Subject: s\rX: y\r\rbody\r--b",
    ],
)
def test_the_tree_is_the_librarys(raw: bytes) -> None:
    assert shape(parse_message(raw)) == shape(by_library(raw))


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_the_tree_of_a_mail_is_the_librarys(path: Path) -> None:
    raw = path.read_bytes()
    assert shape(parse_message(raw)) == shape(by_library(raw))


def test_the_tree_of_a_mail_broken_at_random_is_the_librarys() -> None:
    dice = random.Random(11)
    pieces = (b"\n", b"\r\n", b"\n\n", b"--", b"\n--b\n", b"\n--b--\n", b"\n--c--\n", b" ", b":", b"")
    for _ in range(500):
        raw = NESTED
        for _ in range(dice.randint(1, 4)):
            begin = dice.randrange(len(raw))
            raw = raw[:begin] + dice.choice(pieces) + raw[begin + dice.choice((0, 0, 3, 40)) :]
        assert shape(parse_message(raw)) == shape(by_library(raw)), raw
