"""The guards of the rules that never bend, switched off one by one: for each there are tests that turn red then.

    python -m tests.faults.guards               a line a guard; exit 1 where one is missed by no test
    python -m tests.faults.guards --only gap    those whose name holds this word

A guard that could go without a test noticing is no guard. Each is switched off in a process of its own, forked before
any test is loaded, which then runs the named tests: the guard is seen when one of them fails. What needs a whole
mailbox and deaths (the commit before the body, identity by content, the border's word, the cursor) is tried so in
`test_trials.py`.
"""

import argparse
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nh3
import pytest
import skops.io

from agent import daemon, host
from agent.inbound import process, standing
from agent.inbound import store as inbound
from agent.operations import archive
from agent.reminders import decide, deliver, letter, reconcile, rules, schedule
from agent.replies import decide as replies
from agent.replies import word_on_message
from agent.reports import export
from agent.review.web import guards as pages
from classifier import judgement
from models import Database, Delivery, events, transitions
from models.states import DeliveryState

ROOT = Path(__file__).parents[2]
PYTEST = (
    "-x", "-q", "-W", "ignore", "-p", "no:xdist", "-p", "no:cacheprovider", "-k", "not postgresql",
    "--rootdir", str(ROOT),
)  # fmt: skip


DIES = "wherever_the_process_dies_the_customer_gets_the_mail_at_most_once_and_nothing_is_forgotten"
FILES = "where_the_provider_files_copies_an_empty_folder_is_believed_after_half_an_hour_only"


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard of a rule (its number in the design, or 0), how to switch it off, and tests that should then fail."""

    rule: int
    name: str
    off: Callable[[], None]
    tests: tuple[str, ...]


def replaced(place: Any, name: str, by: Any) -> Callable[[], None]:
    """Switch off by putting something else in a name's place."""
    getattr(place, name)  # a guard that was renamed must not be taken for one that is off
    return lambda: setattr(place, name, by)


def says_nothing(*_: object, **__: object) -> None:
    return None


def says_yes(*_: object, **__: object) -> bool:
    return True


def rows_of_tables() -> Iterator[Guard]:
    """Each rule that stands in a table: off is to be gone from it."""
    planning = "tests/agent/reminders/test_decide.py"
    for table in ("CUSTOMER_RULES", "MAIL_RULES"):
        rows = getattr(rules, table)
        for row in rows:
            rest = tuple(other for other in rows if other is not row)
            yield Guard(3, f"hindrance: {row[0].value}", replaced(decide, table, rest), (planning,))
    for rule in replies.RULES:
        rest_of_rules = tuple(other for other in replies.RULES if other is not rule)
        yield Guard(6, f"decision: {rule.name}", replaced(replies, "RULES", rest_of_rules),
                    ("tests/agent/replies/test_decide.py",))  # fmt: skip


def _unknown_is_tried_again() -> None:
    move = transitions.move

    def moved(session: Any, row: Any, to: Any, **more: Any) -> Any:
        return move(session, row, DeliveryState.FAILED if to is DeliveryState.UNKNOWN else to, **more)

    transitions.move = moved  # the guard is off


def _lapses_into_a_second_try() -> None:
    def lapse(database: Database, mailbox: str, now: Any) -> int:
        with database.write() as session:
            for found in session.query(Delivery).filter_by(mailbox=mailbox, state=DeliveryState.SENDING):
                if found.lease_until is not None and found.lease_until < now:
                    found.state, found.owner = DeliveryState.FAILED, None
        return 0

    reconcile.lapse = lapse  # the guard is off


def _anybody_books() -> None:
    deliver._Attempt._mine = lambda self, session: session.get_one(Delivery, self._id)  # type: ignore[method-assign] # the guard is off


def _to_everybody() -> None:
    envelope = deliver._envelope

    def to_customer(session: Any, delivery: Any, mailbox: Any) -> Any:
        found = envelope(session, delivery, mailbox)
        return type(found)(found.sender, (delivery.recipient, *delivery.copies), found.raw)

    deliver._envelope = to_customer  # the guard is off


def _no_gap() -> None:
    def due_at(step: Any, due_date: Any, customer: Any, currency: str, plan: Any, settings: Any) -> Any:
        return with_gap(step, due_date, type(customer)(**{**as_dict(customer), "last_mail_at": {}}), currency, plan,
                        settings)  # fmt: skip

    with_gap = schedule.due_at
    schedule.due_at = due_at


def as_dict(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def single() -> Iterator[Guard]:
    """Guards that are no row of a table."""
    deliveries = "tests/agent/reminders/test_deliver.py::test_"
    yield Guard(
        1,
        "what may have left is never tried again",
        _unknown_is_tried_again,
        (deliveries + "a_connection_that_breaks_after_the_body_is_never_tried_blindly",),
    )
    yield Guard(
        1,
        "a dead worker's mail is of unknown outcome",
        _lapses_into_a_second_try,
        (deliveries + DIES,),
    )
    yield Guard(
        1,
        "who was overtaken books nothing",
        _anybody_books,
        (deliveries + "a_worker_that_was_overtaken_books_nothing",),
    )
    yield Guard(
        1,
        "a staging copy writes to nobody",
        _to_everybody,
        (deliveries + "a_redirected_staging_copy_writes_to_no_customer",),
    )
    yield Guard(1, "a database is bound to its place", replaced(Database, "is_bound_here", says_yes),
                (deliveries + "another_machine_sends_nothing_until_adopted",))  # fmt: skip
    yield Guard(1, "Sent is looked at before a person is asked",
                replaced(reconcile, "judge", lambda **_: "ask"), (deliveries + FILES,))  # fmt: skip
    # So late that tests miss it, and not never: they would end by their own timeout only.
    yield Guard(2, "a mail that can't be read is set aside", replaced(process, "ATTEMPTS", 40),
                ("tests/agent/inbound/test_process.py",))  # fmt: skip
    yield Guard(2, "a mail is read by one worker", replaced(process, "_leave", _left_by_anybody),
                ("tests/agent/inbound/test_process.py",))  # fmt: skip
    yield Guard(
        3,
        "the last look",
        replaced(deliver._Attempt, "_objection", says_nothing),
        (deliveries + "a_payment_that_comes_in_at_the_last_moment_stops_the_mail_at_354",),
    )
    yield Guard(3, "what the last look compares", replaced(decide, "last_look", says_nothing),
                ("tests/agent/reminders/test_decide.py",))  # fmt: skip
    yield Guard(
        3,
        "the mailbox was just read",
        replaced(decide, "was_just_read", says_yes),
        (deliveries + "nothing_leaves_while_the_mailbox_was_not_read",),
    )
    yield Guard(3, "an approval is for what was seen", replaced(decide, "lapsed", says_nothing),
                ("tests/agent/reminders/test_waiting.py",))  # fmt: skip
    yield Guard(4, "the gap between mails", _no_gap, ("tests/agent/reminders/test_decide.py",))
    yield Guard(4, "office hours", replaced(schedule, "is_open", says_yes),
                ("tests/agent/reminders/test_decide.py", "tests/agent/reminders/test_year.py"))  # fmt: skip
    yield Guard(6, "only a known sender whom our border vouches for", _everybody_is_known,
                ("tests/agent/inbound/test_standing.py", "tests/agent/replies/test_attacks.py"))  # fmt: skip
    yield Guard(7, "an insolvency is seen to before it is settled",
                replaced(word_on_message, "_must_not_chase_the_insolvent", says_nothing),
                ("tests/agent/review/test_deeds.py",))  # fmt: skip
    yield Guard(7, "the threshold", replaced(judgement, "_is_automatic", says_yes),
                ("tests/classifier/test_plain_messages.py", "tests/classifier/test_facts.py"))  # fmt: skip
    yield Guard(8, "the chain of events", replaced(events, "verify", says_nothing), ("tests/models/test_events.py",))
    yield Guard(9, "strangers' HTML is cleaned", replaced(nh3, "clean", lambda html, **_: html),
                ("tests/agent/inbound/test_showing.py",))  # fmt: skip
    yield Guard(9, "no cell is a formula", replaced(export, "harmless", str), ("tests/agent/reports/test_tables.py",))
    yield Guard(9, "no text steers a header", replaced(letter, "_refuse_control", says_nothing),
                ("tests/agent/reminders/test_letter.py",))  # fmt: skip
    yield Guard(9, "a form is our own page's", replaced(pages, "is_from_our_page", says_yes),
                ("tests/agent/review/test_guards.py",))  # fmt: skip
    yield Guard(9, "a host is ours", replaced(pages, "is_host_ours", says_yes), ("tests/agent/review/test_guards.py",))
    yield Guard(9, "a trained model runs nothing", _loaded_as_it_is, ("tests/classifier/test_storage.py",))
    yield Guard(9, "a backup stays in its folder", _taken_as_it_is, ("tests/agent/operations/test_archive.py",))
    yield Guard(0, "a clock that was set stops sending", replaced(host.ClockWatch, "jump", says_nothing),
                ("tests/agent/test_host.py",))  # fmt: skip
    yield Guard(0, "no loop runs by a clock that was set", replaced(daemon.Daemon, "_clock_is_looked_at", says_yes),
                ("tests/agent/test_daemon_watch.py",))  # fmt: skip


def _left_by_anybody(session: Any, settings: Any, message: Any, claimed: Any, result: Any, owner: str, now: Any) -> str:
    message.owner = owner
    inbound.keep_reading(
        session, message, result, process.tied(session, message, result, settings), owner=owner, now=now
    )
    return "read"


def _everybody_is_known() -> None:
    standing.standing = lambda *_: standing.Standing(True, "contact", True, "believed")


def _loaded_as_it_is() -> None:
    load = skops.io.load
    skops.io.load = lambda file, trusted: load(file, trusted=skops.io.get_untrusted_types(file=file))


def _taken_as_it_is() -> None:
    def take(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, manifest: archive.Manifest) -> None:
        tar.extract(entry, folder, filter="fully_trusted")

    archive._take = take  # the guard is off


def all_guards() -> list[Guard]:
    return [*single(), *rows_of_tables()]


def missed_by_tests(guards: Sequence[Guard], at_once: int) -> Iterator[tuple[Guard, bool]]:
    """Each guard, as it is found out, and whether a test fails without it. Each is switched off in a process that is
    forked, and ends by it.
    """
    waiting = list(reversed(guards))
    running: dict[int, Guard] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            guard = waiting.pop()
            running[_forked(guard)] = guard
        pid, status = os.wait()
        guard = running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code not in {0, 1}:
            raise RuntimeError(f"{guard.name}: the tests could not be run (pytest's exit {code})")
        yield guard, code == 1


def _forked(guard: Guard) -> int:
    """The process that runs the tests without the guard; it ends by pytest's exit."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            with tempfile.TemporaryFile() as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
                guard.off()
                code = pytest.main([*PYTEST, *(str(ROOT / test) for test in guard.tests)])
        finally:
            os._exit(int(code))
    return pid


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Switches guards off, one by one, and sees that tests miss them.")
    parser.add_argument("--only", default="", help="a word of the guard's name")
    options = parser.parse_args(arguments)
    chosen = [guard for guard in all_guards() if options.only in guard.name]
    missed = []
    for guard, seen in missed_by_tests(chosen, max(1, min(2, os.cpu_count() or 1))):
        missed += [] if seen else [guard]
        sys.stdout.write(f"{'seen  ' if seen else 'MISSED'}  rule {guard.rule or '-'}  {guard.name}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - len(missed)} of {len(chosen)} guards are missed by a test when they are off.\n")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
