"""`relance messages`, from outside."""

import json
from pathlib import Path

import pytest

from agent.cli import main
from agent.inbound.process import process
from models import Database, Prediction
from tests.agent.inbound.conftest import NOW, settings_for
from tests.agent.inbound.test_process import PlainReader, put
from tests.builders import mail, sent


@pytest.fixture
def config(tmp_path: Path) -> Path:
    settings = settings_for(tmp_path)
    database = Database.open(settings.database.url, settings.root, NOW)
    with database.write() as session:
        sent.customer(session)
        ours = sent.reminder(session, [sent.invoice(session, "FA-2026-0312")])
        answer = put(session, mail.reply(ours.message_id or "", message_id="<answer@customer.test>"))
    process(database, settings, PlainReader(), NOW, "here")
    with database.write() as session:
        session.add(
            Prediction(
                message_id=answer.id, model_version="1", primary="paid", confidence=0.9, document={}, predicted_at=NOW
            )
        )
    database.close()
    return settings.file


def test_every_mail_is_listed_with_the_keys_of_the_contract(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "messages", "--json"]) == 0
    ours, answer = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert set(answer) >= {
        "id", "message_id", "direction", "kind", "state", "customer", "invoices", "primary", "received_at",
    }  # fmt: skip
    assert (ours["direction"], ours["state"], ours["invoices"]) == ("out", "sent", ["FA-2026-0312"])
    assert (answer["direction"], answer["kind"], answer["state"], answer["primary"]) == ("in", "human", "read", "paid")
    assert (answer["message_id"], answer["customer"], answer["invoices"]) == (
        "<answer@customer.test>", "C1", ["FA-2026-0312"],
    )  # fmt: skip


def test_people_get_a_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "messages"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_one_mail_is_shown_with_its_ties_and_what_was_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "messages", "show", "2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["links"] == [{"customer": "C1", "invoice": "FA-2026-0312", "evidence": "signed_id", "proof": True}]
    assert shown["reading"]["new_text"] == "Le virement est parti ce matin."


def test_a_number_that_is_none_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "messages", "show", "99"]) == 1
    assert "no message 99" in capsys.readouterr().err
