"""Whole mails as programs write them, each of which was once read wrong; what is said of each is what people read."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.inbound.reading import read_message
from agent.inbound.values import AutoReply, BounceReason, Kind, Reading

NOW = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)
MAILS = Path(__file__).parent / "mails"


def read(name: str) -> Reading:
    return read_message((MAILS / f"{name}.eml").read_bytes(), None, NOW)


def test_each_mail_of_the_folder_is_asked_for() -> None:
    assert {path.stem for path in MAILS.iterdir()} == {*MACHINES, *PEOPLE, *TEXTS, *REPORTS, *LOCKED}


MACHINES = {
    "exchange_ooo_fr": AutoReply(date(2026, 3, 23), "lucie.perrin@garage-durand.example"),
    "left_company_en": AutoReply(None, "ap@clark.example"),
    "recipient_left_autoreply_bounce": AutoReply(None, "compta@garage-durand.example"),
    "mailinblack_noauto": AutoReply(None, None),
    "yahoo_vacation": AutoReply(date(2026, 3, 20), None),
}


@pytest.mark.parametrize("name", MACHINES)
def test_machines_that_answer(name: str) -> None:
    reading = read(name)
    assert (reading.kind, reading.auto_reply) == (Kind.AUTO_REPLY, MACHINES[name])


PEOPLE = ("human_reply_to_autoreply", "human_says_out_of_office_cc")


@pytest.mark.parametrize("name", PEOPLE)
def test_people_who_speak_of_machines_and_absences(name: str) -> None:
    assert read(name).kind is Kind.HUMAN


REPORTS = {"mimecast": BounceReason.DEAD_ADDRESS, "domino": BounceReason.DEAD_ADDRESS}


@pytest.mark.parametrize("name", REPORTS)
def test_reports_of_dead_addresses(name: str) -> None:
    bounce = read(name).bounce
    assert bounce is not None
    assert (bounce.reason, bounce.recipient) == (REPORTS[name], "s.durand@garage-durand.example")


TEXTS = {
    "yahoo_en_app": "We will pay next week",
    "external_banner": "Hi, we pay Friday.",
    "zendesk_reply_above": "Nous réglons lundi.",
    "alternative_plain_is_stub": "Bonjour, Nous payons vendredi.",
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_new(name: str) -> None:
    assert read(name).new_text == TEXTS[name]


LOCKED = ("pgp_inline_encrypted", "smime_enc")


@pytest.mark.parametrize("name", LOCKED)
def test_what_is_encrypted_is_told_and_is_no_text(name: str) -> None:
    reading = read(name)
    assert reading.new_text == ""
    assert reading.error == "the mail is encrypted: its text can't be read"
    assert len(reading.attachments) == 1
