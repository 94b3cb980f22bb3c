"""Looks at everything in the order in which things depend on each other, and never stops at the first fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from agent.console import Context
from agent.learning import sampling
from agent.operations import local, mail, probe, work
from agent.operations.checks import Check, Status, guarded, warning
from config import Mailbox


def examine(context: Context, *, send_probe: bool) -> list[Check]:
    """Every check, in order. Expected and unexpected failures of one are an `error` line, not an exception."""
    examination = _Examination(context)
    checks = guarded("packages", local.check_packages)
    configuration = guarded("configuration", lambda: local.check_configuration(context.settings(), context.now()))
    checks += configuration
    if _has_error(configuration):
        return checks  # everything else needs it
    settings = context.settings()
    checks += guarded("disk", lambda: local.check_disk(settings))
    checks += guarded("database", lambda: local.check_database(context.database()))
    checks += guarded("key", lambda: local.check_key(settings))
    for name, mailbox in settings.mailbox.items():
        checks += examination.mailbox(name, mailbox, send_probe=send_probe)
    checks += guarded("model", lambda: local.check_model(settings, context.database()))
    checks += guarded("rows", examination.rows)
    return checks


def _has_error(checks: list[Check]) -> bool:
    return any(check.status is Status.ERROR for check in checks)


class _Examination:
    """What is learnt on the way and judged at the end: how this machine's clock stands to the others."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._started_at: datetime = context.now()
        self._started_monotonic = time.monotonic()
        self._servers: dict[str, timedelta] = {}

    def mailbox(self, name: str, mailbox: Mailbox, *, send_probe: bool) -> list[Check]:
        now = self._context.now()
        checks = guarded(f"imap.{name}", lambda: mail.check_imap(name, mailbox, now))
        checks += guarded(f"smtp.{name}", lambda: self._smtp(name, mailbox))
        if send_probe and not _has_error(checks):
            checks += guarded(f"probe.{name}", lambda: probe.judge(name, mailbox, probe.run(mailbox, now)))
        return checks

    def _smtp(self, name: str, mailbox: Mailbox) -> list[Check]:
        facts, checks = mail.check_smtp(name, mailbox, self._context.now())
        if (told := local.date_in_greeting(facts.greeting)) is not None:
            self._servers[mailbox.smtp.host] = told - self._context.now()
        return checks

    def rows(self) -> Iterator[Check]:
        settings, now = self._context.settings(), self._context.now()
        found = work.gather(self._context.database(), settings, now)
        yield local.judge_clock(
            local.Clocks(
                now=now,
                wall_seconds=(now - self._started_at).total_seconds(),
                monotonic_seconds=time.monotonic() - self._started_monotonic,
                last_event_at=found.last_event_at,
                servers=self._servers,
            )
        )
        yield from work.judge(found, settings, now)
        with self._context.database().read() as session:
            for drift in sampling.alarms(session):
                yield warning("drift", str(drift), "Correct such mails in the queue, and train again: `relance train`.")
