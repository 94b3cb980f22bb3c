"""Waiting for mail on a real Dovecot: woken by new mail, not by silence, and never by a dead connection."""

import socket
import threading
import time

import pytest
from imapclient import IMAPClient

from agent.inbound import idle
from agent.wire.imap import imap_session
from agent.wire.watchdog import deadline
from config.errors import TemporaryFailure
from tests.agent.inbound.conftest import Box
from tests.builders import mail
from tests.servers.process import until


@pytest.fixture
def imap(box: Box) -> IMAPClient:
    with imap_session(box.settings.mailbox["ar"]) as client:
        client.select_folder("INBOX", readonly=True)
        yield client


def test_new_mail_ends_the_wait(box: Box, imap: IMAPClient) -> None:
    late = threading.Timer(0.5, box.account.append, (mail.letter(),))
    late.start()
    assert idle.wait_for_mail(imap, time.monotonic() + 60, threading.Event()) is True
    late.join()


def test_mail_that_came_while_idle_began_is_found_at_the_end_of_the_slice(
    box: Box, imap: IMAPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "_tells_of_mail", lambda _responses: False)  # the notice that got lost
    monkeypatch.setattr(idle, "SLICE_SECONDS", 2.0)
    late = threading.Timer(0.2, box.account.append, (mail.letter(),))
    late.start()
    assert idle.wait_for_mail(imap, time.monotonic() + 60, threading.Event()) is True
    late.join()


def test_silence_ends_with_the_time_and_the_connection_is_good_for_more(imap: IMAPClient) -> None:
    assert idle.wait_for_mail(imap, time.monotonic() + 1, threading.Event()) is False
    assert imap.noop()


def test_a_request_to_stop_is_noticed(imap: IMAPClient) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert idle.wait_for_mail(imap, time.monotonic() + 60, stop) is False


def test_a_connection_that_dies_is_told_and_does_not_spin(imap: IMAPClient) -> None:
    threading.Timer(0.3, imap.socket().shutdown, (socket.SHUT_RDWR,)).start()
    with pytest.raises(TemporaryFailure):
        idle.wait_for_mail(imap, time.monotonic() + 60, threading.Event())


def test_a_server_without_idle_is_left_to_the_poll(imap: IMAPClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "has_capability", lambda _name: False)
    assert idle.wait_for_mail(imap, time.monotonic() + 0.1, threading.Event()) is False


def test_the_watch_survives_an_outage_and_wakes_afterwards(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "PAUSES", (0.2,))
    woken: list[None] = []
    stop = threading.Event()
    watcher = threading.Thread(target=idle.watch, args=(box.settings.mailbox["ar"], lambda: woken.append(None), stop))
    watcher.start()
    try:
        until(lambda: bool(woken), what="the first wake-up")
        with box.server.down():
            pass
        seen = len(woken)
        until(lambda: len(woken) > seen, what="the wake-up after the outage")
        seen = len(woken)
        box.account.append(mail.letter())
        until(lambda: len(woken) > seen, what="the wake-up for a mail")
    finally:
        stop.set()
        watcher.join()


def test_a_server_that_trickles_is_cut_off(box: Box) -> None:
    """Each piece comes in time, the whole never: only the limit on the command ends it."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"* OK ready\r\n")
            tag = connection.recv(1000).split()[0]
            connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
            connection.recv(1000)
            while not done.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    server = threading.Thread(target=trickle)
    server.start()
    try:
        client = IMAPClient("127.0.0.1", port=listener.getsockname()[1], ssl=False, timeout=5)
        with pytest.raises(TemporaryFailure, match=r"took longer than 0\.5 seconds"), deadline(client, 0.5, "listing"):
            client.noop()
        client.shutdown()
    finally:
        done.set()
        listener.close()
        server.join()
