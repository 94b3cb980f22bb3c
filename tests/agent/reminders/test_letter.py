"""From a letter's data to the frozen mail.

`data/*.eml` are mails as they were looked at and found good; after a wanted change of words write them anew with
`python -m tests.agent.reminders.test_letter` and read the difference.
"""

import email
import email.policy
import html
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inbound.identity import identify
from agent.reminders.letter import Draft, compose, safe_filename
from agent.reminders.letter_values import Attachment, Letter, LetterError, Words
from agent.reminders.render import render
from agent.reminders.templates import mail_environment
from tests.builders.letters import MESSAGE_ID, PARTLY_PAID, letter, line

DATA = Path(__file__).parent / "data"
ENVIRONMENT = mail_environment(None)
PDF = Attachment("FA-2026-0312.pdf", "application/pdf", b"%PDF-1.7\n")
FIRST = "<r.22222222222222222222222222@morel.example>"

IN_ENGLISH: dict[str, Any] = {
    "company_name": "Harrow & Finch Ltd",
    "sender": "accounts@harrow.example",
    "recipient": "payables@northgate.example",
    "recipient_name": "Claire Whitmore",
    "customer_name": "Northgate Joinery Ltd",
    "language": "en",
    "message_id": "<r.abcdefghijklmnopqrstuvwx23@harrow.example>",
}
CONTINUING: dict[str, Any] = {
    "template": "firm_reminder",
    "tone": "firm",
    "level": 2,
    "in_reply_to": FIRST,
    "references": (FIRST,),
    "attachments": (PDF,),
}
GOLDEN: dict[str, Letter] = {
    # the first mail to a French customer: one invoice, no name, no attachment
    "fr_friendly_one": letter(),
    # the second: two invoices, one paid in part, a copy attached, the thread and its subject go on, a signed Reply-To
    "fr_firm_several": letter(
        line(),
        PARTLY_PAID,
        recipient_name="Élodie Lefèvre",
        copies=("direction@lefevre.example",),
        thread_subject="Rappel de règlement\u00a0: facture FA-2026-0312 échue le 28 février 2026",
        reply_to="compta+r.abcdefghijklmnopqrstuvwx23@morel.example",
        **CONTINUING,
    ),
    # the first mail to an English customer: one invoice, paid in part
    "en_friendly_one": letter(replace(PARTLY_PAID, number="INV-20418"), currency="GBP", **IN_ENGLISH),
    # the second, to a named person, with a copy attached
    "en_firm_several": letter(
        line(number="INV-20418"),
        replace(PARTLY_PAID, number="INV-20431"),
        thread_subject="Payment reminder: invoice INV-20418, due 28 February 2026",
        **IN_ENGLISH,
        **CONTINUING,
    ),
}


def composed(**changes: Any) -> Draft:
    return compose(replace(letter(), **changes), ENVIRONMENT)


def parsed(draft: Draft) -> EmailMessage:
    message = email.message_from_bytes(draft.raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not [defect for part in message.walk() for defect in part.defects]
    return message


def part(draft: Draft, kind: str) -> str:
    found = parsed(draft).get_body((kind,))
    assert found is not None
    text = found.get_content()
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("name", GOLDEN)
def test_the_same_letter_has_the_same_bytes(name: str) -> None:
    assert compose(GOLDEN[name], ENVIRONMENT).raw == (DATA / f"{name}.eml").read_bytes()
    assert compose(GOLDEN[name], mail_environment(None)) == compose(GOLDEN[name], ENVIRONMENT)


@pytest.mark.parametrize("name", GOLDEN)
def test_both_parts_say_the_same_words(name: str) -> None:
    draft = compose(GOLDEN[name], ENVIRONMENT)
    plain, html = " ".join(part(draft, "plain").split()), part(draft, "html").replace("&amp;", "&")
    for written in GOLDEN[name].lines:
        assert written.number in plain
        assert written.number in html
    for sentence in ("Sauf erreur ou omission de notre part", "According to our records"):
        assert (sentence in plain) == (sentence in html)
    crossed = "s’est croisé avec ce message" if GOLDEN[name].language == "fr" else "has crossed with this message"
    assert crossed in plain
    assert crossed in html


def test_the_bytes_travel_as_they_are() -> None:
    raw = compose(GOLDEN["fr_firm_several"], ENVIRONMENT).raw
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(each) for each in raw.split(b"\r\n")) <= 998


def test_headers_of_a_first_mail() -> None:
    message = parsed(composed())
    assert message["From"] == "Ateliers Morel SAS <compta@morel.example>"
    assert message["To"] == "fournisseurs@lefevre.example"
    assert message["Subject"] == "Rappel de règlement\u00a0: facture FA-2026-0312 échue le 28 février 2026".replace(
        "28 février 2026", "28\u00a0février\u00a02026"
    )
    assert message["Date"].datetime == letter().date
    assert message["Message-ID"] == MESSAGE_ID
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr"
    assert message["X-Relance-Ref"] == "abcdefghijklmnopqrstuvwx23"
    for absent in ("Cc", "Reply-To", "In-Reply-To", "References", "X-Auto-Response-Suppress", "List-Unsubscribe"):
        assert absent not in message


def test_a_later_mail_stays_in_the_thread() -> None:
    second = "<r.33333333333333333333333333@morel.example>"
    draft = composed(in_reply_to=second, references=(FIRST, second), thread_subject="Rappel du 28 février 2026")
    message = parsed(draft)
    assert draft.subject == message["Subject"] == "Re: Rappel du 28 février 2026"
    assert message["In-Reply-To"] == second
    assert message["References"].split() == [FIRST, second]
    assert composed(thread_subject="RE: Rappel").subject == "RE: Rappel"


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_mail_under_an_older_subject_says_above_its_words_what_it_is(kind: str) -> None:
    last = {"template": "last_reminder", "tone": "firm", "level": 4}
    own = composed(**last).subject
    assert own.startswith("Dernière relance avant mise en demeure")
    follows = composed(**last, thread_subject="Rappel de règlement")
    said = " ".join(html.unescape(part(follows, kind)).split())
    assert follows.subject == "Re: Rappel de règlement"
    assert said.index(" ".join(own.split())) < said.index("Madame, Monsieur")
    assert " ".join(own.split()) not in " ".join(html.unescape(part(composed(**last), kind)).split())
    # Who writes a subject of their own has said there what it is.
    words = Words("Notre entretien", "Bonjour,\n[table]\nBien à vous,")
    edited = part(composed(**last, words=words, thread_subject="R"), "plain")
    assert " ".join(own.split()) not in " ".join(edited.split())


def test_the_root_and_the_neighbours_of_a_long_thread_are_named() -> None:
    ids = tuple(f"<{number}@morel.example>" for number in range(100))
    assert parsed(composed(references=ids))["References"].split() == [ids[0], *ids[-20:]]


@pytest.mark.parametrize(
    "foreign", ["<a@b\r\nBcc: x@evil.example>", "no brackets", "<é@b.example>", "<a b@c>", "", "<@>"]
)
def test_ids_that_strangers_wrote_are_left_out_unless_strict(foreign: str) -> None:
    message = parsed(composed(in_reply_to=foreign, references=(FIRST, foreign)))
    assert "Bcc" not in message
    assert "In-Reply-To" not in message
    assert message["References"] == FIRST


def test_copies_and_reply_to() -> None:
    draft = composed(
        copies=("b@lefevre.example", "B@LEFEVRE.example", "Fournisseurs@lefevre.example"),
        reply_to="compta+r.abcdefghijklmnopqrstuvwx23@morel.example",
    )
    message = parsed(draft)
    assert draft.copies == ("B@lefevre.example",)
    assert message["Cc"] == "B@lefevre.example"
    assert message["Reply-To"].addresses[0].addr_spec == "compta+r.abcdefghijklmnopqrstuvwx23@morel.example"


def test_the_digest_is_what_the_mail_is_known_by_when_it_comes_back() -> None:
    draft = composed()
    trace = b"Return-Path: <compta@morel.example>\r\nReceived: from a by b; Fri, 13 Mar 2026 09:00:01 +0100\r\n"
    assert draft.digest == identify(trace + draft.raw).dkey
    assert draft.digest != composed(total=Decimal("9.00"), lines=(line(balance=Decimal("9.00")),)).digest


def test_names_are_shown_as_they_are_written() -> None:
    name = 'Élodie "Lo", Fils; <b@evil.example>'
    draft = composed(recipient_name=name, company_name=name, customer_name=name)
    message = parsed(draft)
    for field in ("From", "To"):
        assert [(each.display_name, each.domain) for each in message[field].addresses] == [
            (name, "morel.example" if field == "From" else "lefevre.example")
        ]
    assert "<b@evil" not in part(draft, "html")
    assert "&lt;b@evil.example&gt;" in part(draft, "html")
    assert "<b@evil.example>" in part(draft, "plain")


@pytest.mark.parametrize("field", ["company_name", "customer_name", "recipient_name", "thread_subject"])
@pytest.mark.parametrize(
    "steering", ["\r\nBcc: x@evil.example", "\n", "\r", "\x00", "\x1b[2J", "\u2028", "\u202e", "\ud800"]
)
def test_a_text_that_steers_is_refused(field: str, steering: str) -> None:
    with pytest.raises(LetterError, match="character that is not to be seen"):
        composed(**{field: f"Morel{steering}"})


@pytest.mark.parametrize("field", ["number", "purchase_order"])
def test_so_it_is_in_an_invoice(field: str) -> None:
    with pytest.raises(LetterError, match="character that is not to be seen"):
        composed(lines=(line(**{field: "FA-1\r\n\r\n<html>"}),))


@pytest.mark.parametrize(
    "address",
    [
        "", "a", "@b.example", "a@", "a@b@c.example", "a b@c.example", "a@b.example\n",
        "a@b.example\r\nBcc: x@evil.example", "Anna <a@b.example>", "a@b.example, c@d.example", "a@b.example>",
        "a@b.example;", '"a b"@c.example',
        "comptabilité@b.example", "a@société.example", "a@[192.0.2.1]", "a@b..example", ".a@b.example", "a@-b.example",
        f"{'a' * 65}@b.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["recipient", "sender", "reply_to", "copies"])
def test_what_is_not_strictly_an_address_is_refused(address: str, field: str) -> None:
    with pytest.raises(LetterError, match="is no plain mail address"):
        composed(**{field: (address,) if field == "copies" else address})


@pytest.mark.parametrize("message_id", ["<x@morel.example>", "r.abc", "", f"{MESSAGE_ID}\r\nBcc: x@evil.example"])
def test_a_message_id_that_is_not_ours_is_refused(message_id: str) -> None:
    with pytest.raises(LetterError, match="no Message-ID of relance's making"):
        composed(message_id=message_id)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lines": (), "total": Decimal(0)}, "has no invoice"),
        ({"lines": (line(), line()), "total": Decimal("2480.00")}, "names an invoice twice"),
        ({"total": Decimal("1240.01")}, "its total is 1240.01, its invoices sum to 1240.00"),
        ({"lines": (line(balance=Decimal("0.00")),), "total": Decimal("0.00")}, "sum to 0.00"),
        ({"lines": (line(balance=Decimal("1.005")),), "total": Decimal("1.005")}, "1.005 is no amount of EUR"),
        ({"lines": (line(balance=Decimal("NaN")),)}, "NaN is no amount of EUR"),
        ({"currency": "JPY", "lines": (line(balance=Decimal("1.50")),), "total": Decimal("1.50")}, "no amount of JPY"),
        ({"currency": "€"}, "no currency"),
        ({"template": "no_such_text"}, r"templates/mail/fr/no_such_text.j2: there is no such text"),
    ],
)
def test_a_letter_that_must_not_leave(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(LetterError, match=told):
        composed(**changes)


def test_a_date_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        composed(date=datetime(2026, 3, 13, 9, 0))  # noqa: DTZ001 the very mistake


@pytest.mark.parametrize(
    ("content_type", "is_fine"),
    [
        ("application/pdf", True),
        ("text/xml", True),
        ("pdf", False),
        ("multipart/mixed", False),
        ("message/rfc822", False),
        ("text/html\r\nX: y", False),
        ("text/html; charset=x", False),
    ],
)
def test_types_of_attachments(content_type: str, is_fine: bool) -> None:
    attachments = (replace(PDF, content_type=content_type),)
    if is_fine:
        (found,) = parsed(composed(attachments=attachments)).iter_attachments()
        assert (found.get_content_type(), found.get_filename()) == (content_type, "FA-2026-0312.pdf")
    else:
        with pytest.raises(LetterError, match="no type of a file"):
            composed(attachments=attachments)


def test_attachments_arrive_whole_under_names_of_their_own() -> None:
    content = bytes(range(256)) * 50
    names = ["Facture n° 12 – été.pdf", "../../FA.pdf", "FA.pdf", 'a"b\\c.pdf', "fa.PDF"]
    draft = composed(attachments=tuple(Attachment(name, "application/pdf", content) for name in names))
    found = [(each.get_filename(), each.get_payload(decode=True)) for each in parsed(draft).iter_attachments()]
    assert [name for name, _ in found] == ["Facture n° 12 – été.pdf", "FA.pdf", "FA (2).pdf", "c.pdf", "fa (3).PDF"]
    assert all(payload == content for _, payload in found)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("FA-12.pdf", "FA-12.pdf"),
        ("C:\\Users\\x\\FA 12.pdf", "FA 12.pdf"),
        ("/etc/passwd", "passwd"),
        ("..", "document"),
        ("", "document"),
        (".htaccess", "htaccess"),
        (".pdf", "pdf"),
        ("a\r\nContent-Type: text/html.pdf", "html.pdf"),
        ("FA\u202efdp.exe", "FAfdp.exe"),
        ("a:b*c?.pdf", "a_b_c_.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("é" * 300 + ".pdf", "é" * 58 + ".pdf"),
        ("e\u0301te\u0301.pdf", "été.pdf"),
    ],
)
def test_file_names_are_only_names(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


@pytest.mark.parametrize("language", ["fr", "FR", "fr-CA", "en_US", "pt", "", "../fr", "zh-Hant"])
def test_customers_of_other_languages_are_written_to_in_english(language: str) -> None:
    written = "fr" if language.lower().startswith("fr") else "en"
    message = parsed(composed(language=language))
    assert message["Content-Language"] == written
    assert f'<html lang="{written}">' in part(composed(language=language), "html")


def plain_of(*lines: Any, **changes: Any) -> str:
    return " ".join(render(letter(*lines, **changes), ENVIRONMENT).text.split(" ")).replace("\n", " ")


def test_one_invoice_and_several_are_spoken_of_differently() -> None:
    assert "la facture FA-2026-0312, établie au nom de Menuiserie Lefèvre & Fils" in plain_of()
    assert "les factures ci-dessous" in plain_of(line(), PARTLY_PAID)
    assert "n’a été réglée qu’en partie" in plain_of(PARTLY_PAID)
    assert "has been paid only in part" in plain_of(PARTLY_PAID, language="en")


def test_the_first_of_a_month_is_written_as_the_language_does() -> None:
    first = line(due_date=date(2026, 3, 1))
    assert "échéance le 1er\u00a0mars\u00a02026" in plain_of(first)
    assert "fell due on 1\u00a0March\u00a02026" in plain_of(first, language="en")


def test_four_invoices_make_a_subject_of_three() -> None:
    lines = tuple(line(number=f"FA-{number}") for number in range(1, 5))
    rendered = render(letter(*lines), ENVIRONMENT)
    named = "factures échues FA-1, FA-2, FA-3 et autres, la plus ancienne échue le 28\u00a0février\u00a02026"
    assert rendered.subject == f"Rappel de règlement\u00a0: {named}"


def test_what_is_not_there_is_a_dash() -> None:
    assert "FA-2026-0312  –     28/02/2026" in render(letter(line(issue_date=None)), ENVIRONMENT).text
    rendered = render(letter(line(days_late=0), template="firm_reminder", tone="firm"), ENVIRONMENT)
    assert "soit un retard" not in rendered.text
    assert "jours" not in rendered.html


WORDS = ["Studio", "54", "3M", "100 %", "n°7", "L’Été", "2,5", "A.1-B", "& Fils", "(Sud)", "1er", "«24/7»", "-", "0"]
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
NUMBERS = st.from_regex(r"[A-Z]{0,3}[-/ .]?[0-9]{1,6}([-/. ][0-9]{1,4}){0,2}", fullmatch=True)


@settings(max_examples=40, deadline=None)
@given(
    numbers=st.lists(NUMBERS, min_size=1, max_size=4, unique=True),
    order=st.none() | NUMBERS,
    names=st.tuples(NAMES, NAMES, st.none() | NAMES),
    cents=st.integers(1, 10**9),
    shape=st.tuples(st.sampled_from(["fr", "en"]), st.sampled_from(["friendly_reminder", "firm_reminder"])),
    currency=st.sampled_from(["EUR", "USD", "CHF", "PLN"]),
)
def test_the_shipped_texts_refuse_no_letter_that_is_right(
    numbers: list[str],
    order: str | None,
    names: tuple[str, str, str | None],
    cents: int,
    shape: tuple[str, str],
    currency: str,
) -> None:
    amount = Decimal(cents) / 100
    lines = [line(number=each, amount=2 * amount, balance=amount, purchase_order=order) for each in numbers]
    company, customer, person = names
    made = letter(
        *lines, company_name=company, customer_name=customer, recipient_name=person,
        language=shape[0], template=shape[1], currency=currency,
    )  # fmt: skip
    assert compose(made, ENVIRONMENT).raw


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for golden, made in GOLDEN.items():
        (DATA / f"{golden}.eml").write_bytes(compose(made, mail_environment(None)).raw)
