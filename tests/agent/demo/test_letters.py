from datetime import UTC, date, datetime

import pytest

from agent.demo import company, letters
from agent.demo.people import ZONE, Answer, Meaning, Reminder
from agent.inbound.reading import read_message
from agent.inbound.values import Kind

AT = datetime(2026, 3, 4, 11, 20, tzinfo=ZONE)
REMINDER_TEXT = (
    "Bonjour,\n\nSauf erreur ou omission de notre part, la facture FA-2026-0311 reste due.\n\nCordialement,\n"
)


def customer(language: str, program: str) -> company.Customer:
    return company.Customer(
        id="C001", name="Garage Lefort", domain="lefort.example", address="anna@lefort.example", person="Anna Lefort",
        role="Comptabilité", city="Angers", language=language, country="FR", program=program, ip="127.66.0.1",
    )  # fmt: skip


def answer(
    language: str, program: str, *, kind: str = "human", text: str = "Bonjour,\n\nC'est réglé depuis hier."
) -> Answer:
    asked = Reminder(
        customer=customer(language, program),
        message_id="<r.abc@morel.example>",
        subject="Rappel de règlement : facture FA-2026-0311",
        text=REMINDER_TEXT,
        received_at=datetime(2026, 3, 3, 9, 40, tzinfo=ZONE),
        numbers=("FA-2026-0311",),
    )
    return Answer(
        at=AT, reminder=asked, sender=asked.customer.address, ip=asked.customer.ip, text=text, signed=True,
        meaning=Meaning(kind, "paid", {}, None), subject="Réponse automatique" if kind == "auto_reply" else None,
    )  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("program", ["outlook", "gmail", "phone", "thunderbird"])
def test_relance_reads_off_what_is_new_whatever_the_program(language: str, program: str) -> None:
    reading = read_message(letters.written(answer(language, program)), None, AT)
    assert reading.kind is Kind.HUMAN
    assert "réglé depuis hier" in reading.new_text
    assert "Sauf erreur" not in reading.new_text
    assert "Sauf erreur" in reading.quoted
    assert reading.in_reply_to == "<r.abc@morel.example>"
    assert reading.sender is not None
    assert reading.sender.address == "anna@lefort.example"
    assert reading.date == AT


def test_an_answering_machine_says_that_it_is_one() -> None:
    machine = answer(
        "fr", "outlook", kind="auto_reply", text="Bonjour,\n\nJe suis en congés et de retour le 12 mars 2026."
    )
    reading = read_message(letters.written(machine), None, AT)
    assert reading.kind is Kind.AUTO_REPLY
    assert reading.auto_reply is not None
    assert reading.auto_reply.return_date == date(2026, 3, 12)


def test_the_same_answer_is_the_same_mail() -> None:
    assert letters.written(answer("fr", "gmail")) == letters.written(answer("fr", "gmail"))
    assert letters.message_id(answer("fr", "gmail")) != letters.message_id(answer("fr", "gmail", text="Autre chose."))


def test_dates_are_written_on_the_writers_clock() -> None:
    raw = letters.written(answer("fr", "phone"))
    assert b"+0100" in raw
    assert read_message(raw, None, AT).date == datetime(2026, 3, 4, 10, 20, tzinfo=UTC)
