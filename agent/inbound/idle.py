"""IDLE (RFC 2177) as a wake-up, and nothing more: polling finds every mail, this only finds it sooner.

Servers and libraries lose notices (one that arrives together with the answer to IDLE is not seen, one before it breaks
the command), so IDLE runs in slices of 90 seconds, and after each the folder's UIDNEXT is compared. That is also
below the ten minutes after which Gmail hangs up. A closed connection looks like an answer without content that comes
too early. IMAPClient belongs to one thread, so this has a connection of its own, apart from the one that collects.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from agent.wire.imap import imap_session
from agent.wire.watchdog import deadline
from config import Mailbox
from config.errors import RelanceError, TemporaryFailure

log = structlog.get_logger()

SLICE_SECONDS = 90.0
CHECK_SECONDS = 1.0
"""How soon a request to stop is noticed."""
COMMAND_SECONDS = 60.0
PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds before the next try after one, two, ... failures in a row."""


def watch(
    mailbox: Mailbox,
    wake: Callable[[], None],
    stop: threading.Event,
    connect: Callable[[Mailbox], AbstractContextManager[IMAPClient]] = imap_session,
) -> None:
    """Call `wake` whenever something new lies in the inbox, until `stop` is set. Never ends by a failure.

    It wakes after each reconnection, too: what came in between would otherwise wait for the next poll.
    """
    failures = 0
    while not stop.is_set():
        try:
            with connect(mailbox) as imap:
                with deadline(imap, COMMAND_SECONDS, "opening the inbox"):
                    imap.select_folder("INBOX", readonly=True)
                wake()
                while not stop.is_set():
                    if wait_for_mail(imap, time.monotonic() + SLICE_SECONDS, stop):
                        wake()
                    failures = 0
        except (RelanceError, IMAPClientError, OSError) as error:
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            failures += 1
            log.info("idle.lost", error=str(error), retry_in=pause)
            stop.wait(pause)


def wait_for_mail(imap: IMAPClient, until: float, stop: threading.Event) -> bool:
    """Wait until the server tells of something new in the inbox, which is open read-only; whether it did.

    ``until`` is the end of the wait on the clock of `time.monotonic`; setting ``stop`` ends it within a second.

    Raises:
        TemporaryFailure: the connection is gone; take a new one.
    """
    if not imap.has_capability("IDLE"):
        stop.wait(max(0.0, until - time.monotonic()))
        return False
    before = _uidnext(imap)
    while not stop.is_set() and time.monotonic() < until:
        if _slice(imap, min(until, time.monotonic() + SLICE_SECONDS), stop) or _uidnext(imap) != before:
            return True
    return False


def _slice(imap: IMAPClient, until: float, stop: threading.Event) -> bool:
    with deadline(imap, COMMAND_SECONDS, "starting to wait for mail"):
        imap.idle()
    is_news = False
    while not is_news and not stop.is_set():
        left = until - time.monotonic()
        if left <= 0:
            break
        is_news = _tells_of_mail(_check(imap, min(CHECK_SECONDS, left)))
    with deadline(imap, COMMAND_SECONDS, "ending the wait for mail"):
        _text, responses = imap.idle_done()
    return is_news or _tells_of_mail(responses)


def _check(imap: IMAPClient, seconds: float) -> list[tuple[object, ...]]:
    began = time.monotonic()
    try:
        responses: list[tuple[object, ...]] = imap.idle_check(seconds)
    except (IMAPClientError, OSError) as error:
        raise TemporaryFailure(f"IMAP: the connection broke while waiting for mail ({error})") from error
    # The socket had something to say, and it was nothing: that is how the end of a connection looks.
    if not responses and time.monotonic() - began < seconds / 2:
        raise TemporaryFailure("IMAP: the server closed the connection that waits for mail")
    if any(response[0] == b"BYE" for response in responses):
        raise TemporaryFailure("IMAP: the server said goodbye to the connection that waits for mail")
    return responses


def _tells_of_mail(responses: list[tuple[object, ...]]) -> bool:
    return any(len(response) > 1 and response[1] in (b"EXISTS", b"RECENT") for response in responses)


def _uidnext(imap: IMAPClient) -> int | None:
    with deadline(imap, COMMAND_SECONDS, "asking the status of the inbox"):
        found: int | None = imap.folder_status("INBOX", ["UIDNEXT"]).get(b"UIDNEXT")
    return found
