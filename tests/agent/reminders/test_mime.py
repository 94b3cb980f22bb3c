"""The bytes, read back by the standard library's parser."""

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

from hypothesis import given
from hypothesis import strategies as st

from agent.reminders import mime

# What letters let through: no control characters, no line ends of Unicode, no half characters.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=200)
WORDS = st.lists(st.text(st.sampled_from('abé€ï,;:()<>"\\=?_@.\u00a0’0'), min_size=1, max_size=20), max_size=20)


def parse(head: str) -> EmailMessage:
    message = email.message_from_bytes(head.encode("ascii") + b"\r\n", policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def decoded(text: str) -> str:
    return str(make_header(decode_header(text))) if "=?" in text else text


def lines_are_short(head: str) -> bool:
    return all(len(line) <= 78 for line in head.split("\r\n"))


@given(TEXT)
def test_any_subject_arrives_as_it_is(text: str) -> None:
    head = mime.header("Subject", text)
    assert lines_are_short(head)
    assert str(parse(head)["Subject"]) == text


@given(WORDS)
def test_spaces_between_plain_and_accented_words_arrive(words: list[str]) -> None:
    text = " ".join(["x", *words, "x"])
    assert str(parse(mime.header("Subject", text))["Subject"]) == text


@given(st.one_of(TEXT, WORDS.map(lambda words: " ".join(["x", *words, "x"]))))
def test_any_display_name_arrives_as_it_is_and_is_no_address(name: str) -> None:
    head = mime.addresses("From", [(name, "a@b.example"), ("", "c@d.example")])
    assert lines_are_short(head)
    assert [each.addr_spec for each in parse(head)["From"].addresses] == ["a@b.example", "c@d.example"]
    # The standard library's address parser keeps the spaces between encoded words, which RFC 2047 6.2 drops.
    ((shown, address), last) = getaddresses([head.removeprefix("From: ")])
    assert (decoded(shown), address, last) == (name, "a@b.example", ("", "c@d.example"))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")))
def test_any_text_arrives_as_it_is(text: str) -> None:
    raw = mime.body("<id@x.example>", text, "<p>", [])
    parsed = email.message_from_bytes(raw.encode("ascii"), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    plain = parsed.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")
    assert lines_are_short(raw)


def test_boundaries_follow_the_message_id_and_stand_in_no_part() -> None:
    one, same, other = (
        mime.body(message_id, "=_ --=_ --", "--=_" * 50, [])
        for message_id in ("<1@x.example>", "<1@x.example>", "<2@x.example>")
    )
    assert one == same != other
    boundary = one.split('boundary="')[1].split('"')[0]
    assert one.count(f"--{boundary}") == 3


def test_a_file_is_beside_the_alternatives() -> None:
    file = mime.File("été.pdf", "application/pdf", b"\x00\r\n.\n" * 40)
    message = email.message_from_bytes(
        mime.body("<1@x.example>", "a", "b", [file]).encode("ascii"), policy=email.policy.default
    )
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf",
    ]  # fmt: skip
    *_, last = message.walk()
    assert (last.get_filename(), last.get_payload(decode=True)) == ("été.pdf", file.content)
    assert message["MIME-Version"] == "1.0"
