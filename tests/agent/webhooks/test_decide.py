"""What is told, how it is signed, and what comes after an attempt."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.webhooks import decide

NOW = datetime(2026, 9, 14, 8, 0, tzinfo=UTC)


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the Standard Webhooks libraries: secret, id, timestamp, body and the signature that follows."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # pragma: allowlist secret
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = decide.headers_of("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', secret)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_while_a_secret_is_replaced_both_sign() -> None:
    old, new = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))
    found = decide.headers_of("i", NOW, b"{}", f"{old} {new}")["webhook-signature"].split()
    signed = f"i.{int(NOW.timestamp())}.{{}}".encode()
    wanted = [base64.b64encode(hmac.new(bytes([n]) * 32, signed, hashlib.sha256).digest()).decode() for n in (1, 2)]
    assert found == [f"v1,{one}" for one in wanted]


@pytest.mark.parametrize(
    "secret", ["", "secret", "whsec_", "whsec_!!!", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|empty"):
        decide.keys_of(secret)


@pytest.mark.parametrize(
    ("kind", "patterns", "wanted"),
    [
        ("invoice.paid", ("invoice.*",), True),
        ("invoice.paid", ("invoice.paid",), True),
        ("invoice.paid", ("task.*",), False),
        ("invoice.paid", ("*",), True),
        ("user.logged_in", ("invoice.*", "task.*"), False),
    ],
)
def test_events_are_chosen_by_their_kind(kind: str, patterns: tuple[str, ...], wanted: bool) -> None:
    assert decide.is_wanted(kind, patterns) is wanted


@pytest.mark.parametrize(
    ("status", "attempts", "verdict"),
    [
        (200, 1, "delivered"), (204, 9, "delivered"), (302, 1, "again"), (400, 1, "again"), (500, 9, "again"),
        (500, 10, "given_up"), (None, 1, "again"), (None, 10, "given_up"), (410, 1, "given_up"),
    ],
)  # fmt: skip
def test_what_an_attempt_comes_to(status: int | None, attempts: int, verdict: str) -> None:
    assert decide.verdict(status, attempts) == verdict


def test_the_pauses_grow_and_end_within_four_days() -> None:
    tries = [decide.next_try(n, NOW) - NOW for n in range(1, 10)]
    assert tries == sorted(tries)
    assert tries[0] == timedelta(seconds=5)
    assert sum(tries, timedelta()) < timedelta(days=4)


def test_a_message_names_what_it_is_about() -> None:
    told = decide.Told(
        7, "invoice.paid", NOW, "lea", ("invoice", "3"), {"was": "reminded"}, {"customer": "C1", "invoice": "FA-1"}
    )
    document = json.loads(decide.body_of(told))
    assert document == {
        "type": "invoice.paid",
        "timestamp": "2026-09-14T08:00:00Z",
        "data": {
            "seq": 7, "subject": {"type": "invoice", "id": "3"}, "by": "lea", "customer": "C1", "invoice": "FA-1",
            "details": {"was": "reminded"},
        },
    }  # fmt: skip
