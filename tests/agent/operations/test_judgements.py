"""Doctor's judgement as tables: facts in, checks out; no server, no database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.operations import local, mail, probe, work
from agent.operations.checks import Check, Status, guarded
from agent.operations.local import Clocks
from agent.operations.mail import FolderSeen, ImapFacts
from agent.operations.probe import Found, Probe, Standing
from agent.operations.smtp_check import SmtpFacts
from agent.operations.work import Loop, Work
from agent.reminders import loading
from agent.reminders.rules import CUSTOMER_RULES, Situation
from agent.reminders.values import Hindrance
from config import ConfigError, Mailbox, NeedsPerson, Settings, parse
from tests.builders import reminders

NOW = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)  # a Wednesday after a holiday
OK, WARNING, ERROR = Status.OK, Status.WARNING, Status.ERROR


def settings(**sections: Any) -> Settings:
    tables = {
        "company": {"name": "M", "country": "FR", "currency": "EUR", "language": "fr", "timezone": "Europe/Paris"},
        "mailbox": {
            "ar": {
                "address": "ar@firm.example",
                "imap": {"host": "imap.firm.example", "password_env": "X"},
                "smtp": {"host": "smtp.firm.example"},
            }
        },
        **sections,
    }
    return parse(tables, Path("/nowhere/relance.toml"))


def mailbox(**keys: Any) -> Mailbox:
    box = {
        "address": "ar@firm.example",
        "imap": {"host": "imap.firm.example", "password_env": "X"},
        "smtp": {"host": "smtp.firm.example"},
    }
    return settings(mailbox={"ar": box | keys}).mailbox["ar"]


def statuses(checks: list[Check]) -> dict[str, Status]:
    return {check.name: check.status for check in checks}


@pytest.mark.parametrize(("free", "status"), [(100 * 1024**2, ERROR), (500 * 1024**2, WARNING), (5 * 1024**3, OK)])
def test_disk(free: int, status: Status) -> None:
    assert local.judge_disk(Path("/"), free).status is status


@pytest.mark.parametrize(
    ("change", "weak"),
    [
        ({}, 0),
        ({"journal_mode": "delete"}, 1),
        ({"synchronous": "1"}, 1),
        ({"foreign_keys": "0", "busy_timeout": "0"}, 2),
    ],
)
def test_pragmas(change: dict[str, str], weak: int) -> None:
    safe = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"}
    assert len(local.judge_pragmas(safe | change)) == weak


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, OK, "2026-07-15"),
        ({"wall_seconds": 3600.0}, ERROR, "jumped by 3599 s"),
        ({"last_event_at": NOW + timedelta(hours=1)}, ERROR, "last event"),
        ({"last_event_at": NOW + timedelta(minutes=1)}, OK, ""),
        ({"servers": {"smtp.firm.example": timedelta(minutes=20)}}, ERROR, "20 min ahead of"),
        ({"servers": {"smtp.firm.example": -timedelta(minutes=20)}}, ERROR, "20 min behind"),
        ({"servers": {"smtp.firm.example": timedelta(seconds=20)}}, OK, "agree"),
    ],
)
def test_clock(change: dict[str, Any], status: Status, words: str) -> None:
    known: dict[str, Any] = {"now": NOW, "wall_seconds": 1.0, "monotonic_seconds": 1.0, "last_event_at": None}
    check = local.judge_clock(Clocks(**({"servers": {}} | known | change)))
    assert (check.status, words in check.detail) == (status, True)


@pytest.mark.parametrize(
    ("greeting", "at"),
    [
        (
            "mx.example Microsoft ESMTP MAIL Service ready at Wed, 15 Jul 2026 14:00:00 +0200",
            datetime(2026, 7, 15, 12, 0, tzinfo=UTC),
        ),
        ("mx.example ESMTP Postfix", None),
        ("ready at Wed, 45 Jul 2026 14:00:00 +0200", None),
    ],
)
def test_the_time_in_a_greeting(greeting: str, at: datetime | None) -> None:
    assert local.date_in_greeting(greeting) == at


@pytest.mark.parametrize(
    ("as_of", "status"),
    [
        (None, WARNING),
        (NOW, OK),
        (datetime(2026, 7, 9, 12, 0, tzinfo=UTC), OK),  # Thursday; Friday, Monday, Wednesday: 3 working days
        (datetime(2026, 7, 8, 12, 0, tzinfo=UTC), WARNING),
    ],
)
def test_ledger_is_fresh_for_doctor_and_for_the_plan_alike(as_of: datetime | None, status: Status) -> None:
    company = settings()
    assert work.judge_ledger(as_of, company, NOW).status is status
    (stale,) = (rule for hindrance, rule in CUSTOMER_RULES if hindrance is Hindrance.LEDGER_STALE)
    seen = Situation(reminders.ledger(as_of=as_of), reminders.customer(), loading.plan_settings(company), NOW)
    assert (stale(seen) is None) is (status is OK)


@pytest.mark.parametrize(
    ("loops", "expected"),
    [
        ([], {"daemon": WARNING}),
        ([Loop("deliver", NOW, None, 0)], {"daemon": OK}),
        ([Loop("deliver", NOW - timedelta(hours=1), None, 0)], {"daemon": WARNING}),
        ([Loop("deliver", NOW, "refused", 1), Loop("plan", NOW, None, 0)], {"loop.deliver": WARNING}),
        ([Loop("deliver", NOW, "refused", 3)], {"loop.deliver": ERROR}),
        ([Loop("deliver", None, "refused", 3)], {"loop.deliver": ERROR, "daemon": WARNING}),
    ],
)
def test_loops(loops: list[Loop], expected: dict[str, Status]) -> None:
    assert statuses(list(work.judge_loops(loops, timedelta(minutes=1), NOW))) == expected


def test_what_waits_for_a_person_is_a_warning() -> None:
    quiet = Work(NOW, (Loop("plan", NOW, None, 0),), 0, 0, 0, 0, (), NOW)
    assert set(statuses(list(work.judge(quiet, settings(), NOW))).values()) == {OK}
    busy = Work(NOW, quiet.loops, 1, 1, 3, 2, ("the list shrank by 40 %",), NOW)
    found = statuses(list(work.judge(busy, settings(), NOW)))
    assert {found[name] for name in ("sending", "deliveries", "queue", "quarantine")} == {WARNING}


FOLDERS = (FolderSeen("Inbox", "", True), FolderSeen("Sent Items", "\\Sent", True), FolderSeen("Shared", "", False))


@pytest.mark.parametrize(
    ("imap", "expected"),
    [
        ({"sent": "Sent Items"}, {"imap.ar": OK}),
        ({}, {"imap.ar": OK, "sent.ar": ERROR}),
        ({"sent": "Sent Items", "folders": ["INBOX"]}, {"imap.ar": OK}),
        ({"sent": "Sent Items", "folders": ["INBOX", "Shared"]}, {"imap.ar": OK, "folders.ar": ERROR}),
    ],
)
def test_folders(imap: dict[str, Any], expected: dict[str, Status]) -> None:
    box = mailbox(imap={"host": "imap.firm.example", "password_env": "X", **imap})
    checks = list(mail.judge_imap("ar", box, ImapFacts(frozenset(), FOLDERS, None), NOW))
    assert statuses(checks) == expected
    mends = {check.name: check.mend for check in checks}
    assert "Sent Items" in mends.get("sent.ar", "Sent Items")


@pytest.mark.parametrize(("days", "status"), [(3, ERROR), (14, WARNING), (60, OK)])
def test_certificates(days: int, status: Status) -> None:
    facts = SmtpFacts("hello", True, True, None, NOW + timedelta(days=days))
    checks = statuses(list(mail.judge_smtp("ar", mailbox(), facts, NOW)))
    assert checks == {"smtp.ar": OK, "certificate.smtp.ar": status}


def test_a_distant_server_without_a_log_in_is_a_warning() -> None:
    facts = SmtpFacts("hello", False, False, None, None)
    assert statuses(list(mail.judge_smtp("ar", mailbox(), facts, NOW))) == {"smtp.ar": WARNING}


NOTHING = Found(None, False, (), "")
ARRIVED = Found("INBOX", False, (), "")
FILED = Found("INBOX", True, (), "")


@pytest.mark.parametrize(
    ("keys", "seen", "expected"),
    [
        ({}, Probe(ARRIVED, None), {"reply_tag.ar": OK, "files_sent.ar": OK}),
        ({}, Probe(FILED, None), {"reply_tag.ar": OK, "files_sent.ar": WARNING}),
        ({"smtp": {"host": "h.example", "files_sent": True}}, Probe(ARRIVED, None), {"files_sent.ar": WARNING}),
        ({"smtp": {"host": "h.example", "files_sent": True}}, Probe(FILED, None), {"files_sent.ar": OK}),
        ({}, Probe(NOTHING, ARRIVED), {"probe.ar": OK, "reply_tag.ar": OK}),
        ({"reply_tag": "plus"}, Probe(NOTHING, ARRIVED), {"probe.ar": OK, "reply_tag.ar": ERROR}),
        ({}, Probe(NOTHING, NOTHING), {"probe.ar": ERROR}),
        (
            {"authserv_id": "mx.other.example"},
            Probe(Found("INBOX", False, (Standing("mx.firm.example", 0, ""),), ""), None),
            {"border.ar": WARNING},
        ),
        (
            {"authserv_id": "mx.firm.example"},
            Probe(Found("INBOX", False, (Standing("MX.firm.example", 0, ""),), ""), None),
            {"border.ar": OK},
        ),
    ],
)
def test_probe(keys: dict[str, Any], seen: Probe, expected: dict[str, Status]) -> None:
    found = statuses(list(probe.judge("ar", mailbox(**keys), seen)))
    assert expected.items() <= found.items()


def test_where_authentication_results_stand() -> None:
    header = (
        b"Return-Path: <x@y>\r\n"
        b"Authentication-Results: mx.firm.example 1;\r\n dmarc=pass\r\n"
        b"Received: from a by b\r\n"
        b'Authentication-Results: "forged.example"; dmarc=pass\r\n'
        b"Authentication-Results: spf=pass smtp.mailfrom=x\r\n\r\n"
    )
    assert [(s.authserv_id, s.received_above) for s in probe.read_standings(header)] == [
        ("mx.firm.example", 0),
        ("forged.example", 1),
        ("", 1),
    ]


def test_the_probe_is_a_mail_that_no_robot_answers() -> None:
    raw = probe.compose(mailbox(), probe.tagged_address("ar@firm.example", "1f"), "token", NOW)
    assert b"To: ar+probe-1f@firm.example\r\n" in raw
    assert b"Auto-Submitted: auto-generated\r\n" in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("failure", "detail", "mend"),
    [
        (NeedsPerson("it broke", "Mend it."), "it broke", "Mend it."),
        (ConfigError("f", "a.b", "x", "Write x."), "f: a.b: expected x", "Write x."),
        (KeyError("k"), "could not be checked (KeyError: 'k')", "--debug"),
    ],
)
def test_a_failure_becomes_a_line_with_its_mend(failure: Exception, detail: str, mend: str) -> None:
    def fail() -> list[Check]:
        raise failure

    [check] = guarded("thing", fail)
    assert (check.name, check.status, check.detail) == ("thing", ERROR, detail)
    assert mend in check.mend


def test_every_mistake_of_the_configuration_has_a_line() -> None:
    def fail() -> list[Check]:
        raise ConfigError("f", "a", "x", "Write x.", also=[ConfigError("f", "b", "y", "Write y.")])

    assert [check.detail for check in guarded("configuration", fail)] == ["f: a: expected x", "f: b: expected y"]


@pytest.mark.parametrize(
    ("held", "status"),
    [
        (work.Held("ar", 4, 12, NOW - timedelta(minutes=50), 0), OK),
        (work.Held("ar", 4, 12, NOW - timedelta(hours=4), 0), WARNING),
        (work.Held("ar", 4, 12, None, 0), WARNING),
        (work.Held("ar", 4, 12, NOW - timedelta(minutes=50), 1), ERROR),
    ],
)
def test_mails_that_lie_there_are_held_against_mails_that_were_handled(held: work.Held, status: Status) -> None:
    (check,) = work.judge_held([held], NOW)
    assert (check.name, check.status) == ("mails.ar", status)


def test_a_mailbox_that_was_never_read_says_nothing_of_its_mails() -> None:
    assert list(work.judge_held([work.Held("ar", 0, 0, None, 0)], NOW)) == []
