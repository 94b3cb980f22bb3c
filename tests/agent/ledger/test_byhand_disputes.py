"""A mail that disputes two invoices asks once, and goes on asking until both are settled."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from agent.ledger import byhand, states
from agent.review.queue import open_exception
from models import Database, ExceptionItem, Invoice
from models.reasons import ExceptionReason
from models.states import DisputeState, ExceptionState
from tests.builders import ledger, sent

NOW = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)


def test_an_item_of_two_disputes_waits_for_the_second(database_url: str, tmp_path: Path) -> None:
    settings = ledger.settings(tmp_path)
    database = Database.open(database_url, tmp_path, NOW)
    with database.write() as session:
        sent.customer(session)
        rows = [sent.invoice(session, "FA-1"), sent.invoice(session, "FA-2")]
        mail = sent.reminder(session, rows)
        for row in rows:
            states.dispute(session, row, "quality", None, message_id=mail.id, at=NOW, actor="relance", reason="test")
        open_exception(
            session, key=f"message:{mail.id}", reason=ExceptionReason.DISPUTE, detail="", at=NOW, due_at=NOW,
            customer_id="C1", invoice_ids=[row.id for row in rows], message_id=mail.id,
        )  # fmt: skip
    for number, state in (("FA-1", ExceptionState.OPEN), ("FA-2", ExceptionState.RESOLVED)):
        with database.write() as session:
            contested = session.scalars(select(Invoice).where(Invoice.number == number)).one()
            byhand.settle_disputes(session, contested, DisputeState.REJECTED, byhand.Deed("Anna", NOW))
        with database.read() as session:
            assert session.scalars(select(ExceptionItem.state)).one() is state
    assert settings.company.country == "FR"
    database.close()
