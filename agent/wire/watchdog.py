"""A limit on the whole of an IMAP command.

Socket timeouts count from one piece of an answer to the next, so a server that sends a byte a second keeps a command
alive for ever. Here a timer shuts the socket, and the command ends as on any other broken connection.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from config.errors import TemporaryFailure


@contextmanager
def deadline(client: IMAPClient, seconds: float, doing: str) -> Iterator[None]:
    """Run one command, or a few, within `seconds`.

    Refusals of the server (NO, BAD) pass as the IMAPClientError that they are; after them the connection is still good.
    ``doing`` stands in the error: "reading INBOX".

    Raises:
        TemporaryFailure: too slow, or the connection broke. The connection is of no more use.
    """
    try:
        with limited(client, seconds, doing):
            yield
    except (IMAPClientAbortError, ProtocolError, OSError) as error:
        raise TemporaryFailure(f"IMAP: the connection broke while {doing} ({error})") from error


@contextmanager
def limited(client: IMAPClient, seconds: float, doing: str) -> Iterator[None]:
    """`deadline` for who tells failures in words of its own: only what was too slow comes out as TemporaryFailure."""
    with cut_after(client.socket(), seconds, doing):
        yield


@contextmanager
def cut_after(connection: socket.socket, seconds: float, doing: str) -> Iterator[None]:
    """`limited` for a connection that is no client's yet; TLS may begin on it meanwhile."""
    expired = threading.Event()
    # A handle of our own: starting TLS takes the socket's away, and the TLS socket's shutdown would pull the session
    # away under the reading thread.
    handle = connection.dup() if not isinstance(connection, ssl.SSLSocket) else _plain(connection)

    def cut() -> None:
        expired.set()
        with suppress(OSError):  # it broke by itself meanwhile
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (IMAPClientError, OSError) as error:
        if expired.is_set():
            raise TemporaryFailure(f"IMAP: {doing} took longer than {seconds:g} seconds") from error
        raise
    finally:
        timer.cancel()
        handle.close()


def _plain(connection: ssl.SSLSocket) -> socket.socket:
    """Another handle of the connection below TLS (an SSLSocket refuses to be doubled itself)."""
    return socket.socket(connection.family, connection.type, connection.proto, fileno=os.dup(connection.fileno()))
