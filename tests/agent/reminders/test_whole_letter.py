"""Letters with all that they may hold: credits, what stands apart, charges, the account, one-click answers."""

import base64
import email
import email.policy
import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from agent.inbound import keys, oneclick
from agent.inbound.oneclick import Choice
from agent.reminders.letter import compose
from agent.reminders.letter_values import Bank, CreditLine, LetterCharges, LetterError, OtherLine, Signatory
from agent.reminders.payment_code import as_png, payment_code
from agent.reminders.render import qr_of, remittance, render
from agent.reminders.templates import languages, mail_environment, texts
from agent.replies.oneclick import sharpen
from classifier.values import InvoiceRef, Prediction, Reply
from tests.builders import ledger, replies
from tests.builders.letters import MESSAGE_ID, PARTLY_PAID, letter, line

ENVIRONMENT = mail_environment(None)
NB = "\u00a0"
IBAN = "FR7630006000011234567890189"
TOKEN = keys.parse_tag(MESSAGE_ID) or ""
EVERYTHING: dict[str, Any] = {
    "credits": (CreditLine("AV-9", Decimal("-40.25")),),
    "apart": (
        OtherLine("FA-7", date(2026, 1, 5), Decimal("12.00"), "promised"),
        OtherLine("FA-8", date(2026, 1, 6), Decimal("13.00"), "disputed"),
    ),
    "charges": LetterCharges(date(2026, 3, 13), Decimal("6.12"), Decimal("40.00"), is_claimed=False),
    "bank": Bank("Ateliers Morel SAS", IBAN, "AGRIFRPP", has_qr=True),
    "signatory": Signatory("Jeanne Morel", "Responsable recouvrement", "04 72 00 00 00"),
    "one_click": True,
    "offers_instalments": True,
}


@pytest.mark.parametrize("language", languages(ENVIRONMENT))
@pytest.mark.parametrize("template", texts(ENVIRONMENT))
def test_every_text_can_carry_everything_in_both_parts(language: str, template: str) -> None:
    made = letter(line(), PARTLY_PAID, language=language, template=template, **EVERYTHING)
    rendered = render(made, ENVIRONMENT)
    assert rendered.language == language
    shown = rendered.html.replace("&amp;", "&").replace("&nbsp;", NB)
    for part in (rendered.text, shown):
        for needed in ("AV-9", "FA-7", "FA-8", "Jeanne Morel", "04 72 00 00 00", "AGRIFRPP", f"FR76{NB}3000"):
            assert needed in part


def test_the_sum_to_pay_is_right_to_the_cent() -> None:
    shown = letter(line(), PARTLY_PAID, **EVERYTHING)
    assert shown.to_pay == Decimal("1240.00") + Decimal("300.25") - Decimal("40.25")
    claimed = replace(shown, charges=replace(EVERYTHING["charges"], is_claimed=True))
    assert claimed.to_pay == shown.to_pay + Decimal("46.12")
    assert f"1{NB}546,12{NB}€" in render(claimed, ENVIRONMENT).text


@given(
    balances=st.lists(st.decimals("0.01", "99999.99", places=2), min_size=1, max_size=5),
    credited=st.lists(st.decimals("0.01", "999.99", places=2), max_size=3),
    interest=st.decimals("0.00", "999.99", places=2),
    is_claimed=st.booleans(),
)
def test_whatever_the_figures_the_sum_to_pay_is_written_or_nothing_at_all(
    balances: list[Decimal], credited: list[Decimal], interest: Decimal, *, is_claimed: bool
) -> None:
    lines = [line(number=f"FA-{n}", amount=b, balance=b) for n, b in enumerate(balances)]
    made = letter(
        *lines,
        credits=tuple(CreditLine(f"AV-{n}", -c) for n, c in enumerate(credited)),
        charges=LetterCharges(date(2026, 3, 13), interest, Decimal("40.00"), is_claimed),
    )
    expected = sum(balances) - sum(credited) + (interest + 40 if is_claimed else 0)
    if expected <= 0:
        with pytest.raises(LetterError, match="nothing is left to pay"):
            compose(made, ENVIRONMENT)
        return
    figures = Decimal(
        re.sub(r"[^0-9]", "", _after(render(made, ENVIRONMENT).text, is_extra=bool(credited) or is_claimed))
    )
    assert figures / 100 == expected


def _after(text: str, *, is_extra: bool) -> str:
    label = "Montant à régler" if is_extra else "Total restant dû"
    found = re.search(rf"^{label}{NB}: (.*)$", text, re.M)
    assert found is not None
    return found[1]


def test_charges_that_are_only_shown_are_not_part_of_the_sum() -> None:
    text = " ".join(render(letter(charges=EVERYTHING["charges"]), ENVIRONMENT).text.split(" "))
    assert "sans qu’ils vous soient réclamés" in " ".join(text.split())
    assert "Montant à régler" not in text


def test_a_credit_that_is_no_credit_and_a_number_named_twice_are_refused() -> None:
    with pytest.raises(LetterError, match="nothing is left to pay"):
        compose(letter(credits=(CreditLine("AV-1", Decimal("5.00")),)), ENVIRONMENT)
    with pytest.raises(LetterError, match="twice"):
        compose(letter(apart=(OtherLine("FA-2026-0312", date(2026, 1, 1), Decimal(1), "promised"),)), ENVIRONMENT)


# --- the payment code -----------------------------------------------------------------------------------------------

PRINT_DPI, PRINT_MM = 150, 28
"""A letter's code is 28 mm wide; 150 dots an inch is what an office printer and a telephone make of it at worst."""


@given(
    to_pay=st.decimals("0.01", "999999999.99", places=2),
    payee=st.text(st.characters(codec="utf-8", categories=("L", "N", "Zs")), min_size=1, max_size=70).map(str.strip),
    reference=st.text(st.characters(codec="ascii", min_codepoint=33), max_size=140),
)
@settings(max_examples=30, deadline=None)
def test_a_reader_finds_in_the_printed_code_what_was_put_in(to_pay: Decimal, payee: str, reference: str) -> None:
    if not payee:
        return
    code = payment_code(payee, IBAN, "AGRIFRPP", to_pay, reference)
    side = round(PRINT_MM / 25.4 * PRINT_DPI)
    page = Image.new("L", (2 * side, 2 * side), 255)
    printed = Image.open(io.BytesIO(as_png(code))).convert("L").resize((side, side), Image.Resampling.BILINEAR)
    page.paste(printed, (side // 3, side // 2))
    (read,) = zxingcpp.read_barcodes(page)
    assert read.text == code
    fields = read.text.split("\n")
    assert (fields[0], fields[3], fields[6], fields[7]) == ("BCD", "SCT", IBAN, f"EUR{to_pay:.2f}")
    assert fields[10] == reference


def test_the_payment_code_is_that_of_the_guideline() -> None:
    code = payment_code("Franz Mustermänn", "DE71 1102 2033 0123 4567 89", "BHBLDEHHXXX", Decimal("12.3"), "RE 2026-17")
    assert code.split("\n") == [
        "BCD", "002", "1", "SCT", "BHBLDEHHXXX", "Franz Mustermänn", "DE71110220330123456789", "EUR12.30", "", "",
        "RE 2026-17",
    ]  # fmt: skip


@pytest.mark.parametrize("amount", ["0", "-1", "1000000000.00", "0.005"])
def test_an_amount_that_can_not_be_paid_so_has_no_code(amount: str) -> None:
    with pytest.raises(ValueError, match="can't be paid"):
        payment_code("A", IBAN, "", Decimal(amount), "x")


@pytest.mark.parametrize(
    ("changes", "has_code"),
    [
        ({}, True),
        ({"currency": "USD"}, False),
        ({"bank": None}, False),
        ({"bank": replace(EVERYTHING["bank"], has_qr=False)}, False),
    ],
)
def test_only_euros_to_a_known_account_have_a_code(changes: dict[str, Any], has_code: bool) -> None:
    assert (qr_of(letter(**{**EVERYTHING, **changes})) is not None) is has_code


def test_the_code_asks_for_exactly_what_is_to_pay() -> None:
    code = qr_of(letter(line(), PARTLY_PAID, **EVERYTHING))
    assert code is not None
    assert code.split("\n")[7:] == ["EUR1500.00", "", "", "FA-2026-0312 FA-2026-0340"]


def test_as_many_numbers_as_fit_stand_on_the_transfer() -> None:
    lines = [line(number=f"FACTURE-2026-{n:05}") for n in range(20)]
    text = remittance(letter(*lines))
    assert len(text) <= 140
    assert text.split() == [one.number for one in lines[: len(text.split())]]


def test_the_picture_travels_in_the_mail_and_nothing_is_fetched() -> None:
    made = letter(**EVERYTHING)
    message = email.message_from_bytes(compose(made, ENVIRONMENT).raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not [defect for part in message.walk() for defect in part.defects]
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    picture = next(part for part in message.walk() if part.get_content_type() == "image/png")
    html = next(part for part in message.walk() if part.get_content_type() == "text/html").get_content()
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html
    code = qr_of(made)
    assert code is not None
    assert picture.get_content() == as_png(code)
    assert picture.get_content().startswith(base64.b64decode("iVBORw0KGgo="))


# --- answers by one click -------------------------------------------------------------------------------------------


def links(language: str) -> list[tuple[str, dict[str, list[str]]]]:
    html = render(letter(language=language, **EVERYTHING), ENVIRONMENT).html
    found = re.findall(r'class="answer" href="([^"]+)"', html)
    return [(urlsplit(href).path, parse_qs(urlsplit(href.replace("&amp;", "&")).query)) for href in found]


@pytest.mark.parametrize("language", languages(ENVIRONMENT))
def test_each_link_prefills_an_answer_that_is_read_back_with_certainty(language: str) -> None:
    read = []
    for address, asked in links(language):
        assert address == "compta@morel.example"
        assert asked["subject"][0].startswith("Re: ")
        assert asked["in-reply-to"] == [MESSAGE_ID]
        answer = oneclick.read(asked["body"][0])
        assert answer is not None
        assert answer.token == TOKEN
        words, _, code = asked["body"][0].strip().rpartition("\n")
        assert words.strip()
        assert oneclick.code(answer.choice, TOKEN) in code
        read.append(answer.choice)
    assert read == list(Choice)


def test_no_links_where_none_are_wanted() -> None:
    assert 'class="answer"' not in render(letter(), ENVIRONMENT).html


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        (f"Bonjour\n({oneclick.code(Choice.PAID, TOKEN)})", Choice.PAID),
        (f"[ RELANCE:Promise:{TOKEN.upper()} ]", Choice.PROMISE),
        (f"{oneclick.code(Choice.PAID, TOKEN)} {oneclick.code(Choice.PAID, TOKEN)}", Choice.PAID),
        (f"{oneclick.code(Choice.PAID, TOKEN)} {oneclick.code(Choice.PROBLEM, TOKEN)}", None),
        (f"[relance:paid:{TOKEN[:-1]}]", None),
        ("[relance:gift:" + TOKEN + "]", None),
        ("rien", None),
    ],
)
def test_codes_are_read_back_or_not_at_all(text: str, choice: Choice | None) -> None:
    answer = oneclick.read(text)
    assert (answer.choice if answer else None) == choice


def reply(choice: Choice) -> Reply:
    text = f"Bonjour.\n({oneclick.code(choice, TOKEN)})"
    refs = tuple(InvoiceRef(number, Decimal(100), "EUR") for number in ("FA-1", "FA-2"))
    return Reply(id="1", text=text, date=ledger.NOW, invoices=refs)


def prediction(**changes: Any) -> Prediction:
    intents = {"paid": 0.2, "promise": 0.2, "dispute": 0.1, "question": 0.1, "other": 0.4}
    return replace(replies.prediction(), **{"intents": intents, "automatic": False, "rule": None, **changes})


@pytest.mark.parametrize(
    ("choice", "intent"),
    [(Choice.PAID, "paid"), (Choice.PROMISE, "promise"), (Choice.PROBLEM, "dispute"), (Choice.QUESTION, "question")],
)
def test_what_was_clicked_is_certain_for_every_invoice_of_the_reminder(choice: Choice, intent: str) -> None:
    found = sharpen(prediction(), reply(choice))
    assert (found.primary, found.confidence, found.automatic) == (intent, 1.0, True)
    assert found.per_invoice == {"FA-1": intent, "FA-2": intent}


def test_words_that_say_something_else_make_it_a_persons() -> None:
    said = {"paid": 0.1, "promise": 0.1, "dispute": 0.8, "question": 0.1, "other": 0.1}
    found = sharpen(prediction(intents=said, primary="dispute", automatic=True), reply(Choice.PAID))
    assert (found.primary, found.automatic) == ("dispute", False)


def test_a_rule_stands_ahead_of_a_click() -> None:
    ruled = prediction(rule="insolvency")
    assert sharpen(ruled, reply(Choice.PAID)) is ruled


def test_an_ordinary_answer_is_left_to_the_trained_model() -> None:
    made = prediction()
    assert sharpen(made, replace(reply(Choice.PAID), text="Bonjour, c'est payé")) is made
