from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from agent.demo.company import Bill
from agent.demo.mailserver import Post
from agent.demo.verdict import chased, crowded, duplicated
from agent.demo.world import Record

AT = datetime(2026, 3, 10, 9, 40, tzinfo=UTC)
NUMBER = "FA-2026-0311"
BILLS = {NUMBER: Bill(NUMBER, "C001", date(2026, 2, 1), date(2026, 3, 1), Decimal(100), "Comptoir", False)}


def post(message_id: str = "<r.1@morel.example>", recipient: str = "anna@lefort.example", at: datetime = AT) -> Post:
    head = f"Message-ID: {message_id}\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    raw = f"{head}\r\nLa facture FA-20=\r\n26-0311\r\n"
    return Post("compta@morel.example", recipient, raw.encode(), at)


def test_a_mail_that_came_twice_is_seen() -> None:
    assert duplicated([post(), post(at=AT + timedelta(days=1))]) == ["<r.1@morel.example>"]
    assert duplicated([post(), post(recipient="bob@lefort.example"), post("<r.2@morel.example>")]) == []


def test_a_payer_who_is_chased_is_seen() -> None:
    known_before = Record(posts=[post()], paid_at={NUMBER: AT - timedelta(hours=2)})
    known_later = Record(posts=[post()], paid_at={NUMBER: AT + timedelta(hours=2)})
    assert len(chased(known_before, BILLS)) == 1
    assert chased(known_later, BILLS) == []
    assert chased(Record(posts=[post()]), BILLS) == []


def test_a_burst_is_seen() -> None:
    later = AT + timedelta(days=6)
    assert len(crowded([post(), post("<r.2@morel.example>", at=later)], 7)) == 1
    assert crowded([post(), post("<r.2@morel.example>", at=later)], 6) == []
    assert crowded([post(), post("<r.2@morel.example>", "bob@lefort.example", later)], 7) == []
