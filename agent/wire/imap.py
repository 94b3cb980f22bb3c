"""Opens an IMAP connection that is encrypted, logged in and bounded in time.

One connection belongs to one thread. It is closed by whoever opened it, after any error: IMAPClient cannot be used
again after a timeout. What it does not do: select, fetch, retry, or remember a connection.
"""

from __future__ import annotations

import imaplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from agent.wire import oauth, tls
from agent.wire.watchdog import cut_after, limited
from config import Imap, Mailbox, OAuth, secret_of
from config.errors import NeedsPerson, TemporaryFailure

CONNECT_SECONDS = 15.0
#: A silence of this length between two pieces of an answer ends the connection.
READ_SECONDS = 60.0
#: The whole of connecting may take so long, from the connection to the end of the greeting.
GREETING_SECONDS = 60.0
#: The whole of a log-in may take so long, however steadily a slow server trickles its answer.
LOGIN_SECONDS = 120.0
#: A literal that is larger is read past and comes back as `ReadPast`: the library would take all of it into memory.
#: What is larger than `agent.inbound.collect.HUGE` is asked for in pieces, so that only a server that told a wrong size
#: before comes near; its mail is asked for in pieces then.
LITERAL_BYTES = 64 << 20
#: One of this size is a lie altogether.
LITERAL_LIE = 1 << 30
#: A dead peer is noticed after this long, also while we only wait for it (IDLE).
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 20), (socket.TCP_KEEPCNT, 4))
_USER_TIMEOUT_MS = 120_000


def open_imap(mailbox: Mailbox) -> IMAPClient:
    """A connection to the mailbox, logged in, no folder selected.

    Dates come back aware (`normalise_times=False`), flags and folder names as IMAPClient gives them.

    Raises:
        TemporaryFailure: the server cannot be reached, or is busy.
        NeedsPerson: log-in refused, certificate not trusted, no STARTTLS offered.
        ConfigError: the secret is not where the settings say.
    """
    client = connect(mailbox.imap)
    try:
        login(client, mailbox.imap)
    except BaseException:
        client.shutdown()
        raise
    return client


@contextmanager
def imap_session(mailbox: Mailbox) -> Iterator[IMAPClient]:
    """`open_imap` for a `with` block; the connection is closed at its end whatever happened."""
    client = open_imap(mailbox)
    try:
        yield client
    except BaseException:
        client.shutdown()
        raise
    try:
        client.logout()
    except (IMAPClientError, OSError):  # the work is done; how the server says goodbye matters to nobody
        client.shutdown()


def connect(imap: Imap) -> IMAPClient:
    """A connection with its TLS done and nobody logged in. Raises as `open_imap` does."""
    where = f"IMAP {imap.host}:{imap.port}"
    try:
        client = _Client(
            imap.host,
            port=imap.port,
            ssl=imap.security == "tls",
            ssl_context=tls.context() if imap.security == "tls" else None,
            timeout=SocketTimeout(CONNECT_SECONDS, READ_SECONDS),
        )
    except OSError as error:
        raise tls.told(error, "IMAP", imap.host, imap.port) from error
    except IMAPClientError as error:
        raise TemporaryFailure(
            f"{where}: it answers, but not as IMAP does ({_words(error)})", "Check `port`."
        ) from error
    client.normalise_times = False
    _bound_literals(client)
    try:
        _keep_alive(client.socket())
        if imap.security == "starttls":
            with limited(client, GREETING_SECONDS, "starting TLS"):
                if not client.has_capability("STARTTLS"):
                    raise NeedsPerson(
                        f"{where}: the server offers no STARTTLS: the password would travel in the open",
                        'Use its TLS port (993) with security = "tls".',
                    )
                client.starttls(tls.context())
    except OSError as error:
        client.shutdown()
        raise tls.told(error, "IMAP", imap.host, imap.port) from error
    except IMAPClientError as error:
        client.shutdown()
        raise TemporaryFailure(f"{where}: {_words(error)}", "It is tried again by itself.") from error
    except (NeedsPerson, TemporaryFailure):
        client.shutdown()
        raise
    return client


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """IMAPClient with a limit on the whole of connecting, starting TLS and being greeted."""

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 the library's name
        connection = socket.create_connection((self.host, self.port), CONNECT_SECONDS)
        try:
            with cut_after(connection, GREETING_SECONDS, f"waiting for the greeting of {self.host}:{self.port}"):
                if self.ssl:
                    connection = (self.ssl_context or tls.context()).wrap_socket(connection, server_hostname=self.host)
                return _Connected(self.host, connection)
        except BaseException:
            connection.close()
            raise


class _Connected(imaplib.IMAP4):
    """The library's connection over a socket that stands already."""

    def __init__(self, host: str, connection: socket.socket) -> None:
        self._given = connection
        super().__init__(host)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002 set already
        return self._given


def login(client: IMAPClient, imap: Imap) -> None:
    """Log in with the password or an OAuth access token. Raises as `open_imap` does."""
    where = f"IMAP {imap.host}:{imap.port}"
    try:
        if imap.oauth is not None:
            _by_token(client, imap, imap.oauth)
        else:
            password = secret_of(imap).get_secret_value()
            # LOGIN carries ASCII only (RFC 9051 6.2.3); SASL PLAIN is UTF-8 (RFC 4616).
            log_in = client.login if (imap.username + password).isascii() else client.plain_login
            with limited(client, LOGIN_SECONDS, "logging in"):
                log_in(imap.username, password)
    except LoginError as error:
        if "UNAVAILABLE" in str(error).upper() or "INUSE" in str(error).upper():  # RFC 5530: not the password's fault
            raise TemporaryFailure(f"{where}: log-in is not possible just now ({_words(error)}).") from error
        secret = "OAuth token" if imap.oauth is not None else "password"
        raise NeedsPerson(
            f"{where}: the {secret} for {imap.username} was refused ({_words(error)})",
            f"Check {imap.key}.username and the secret; some providers want an app password.",
        ) from error
    except OSError as error:
        raise tls.told(error, "IMAP", imap.host, imap.port) from error
    except IMAPClientError as error:
        raise TemporaryFailure(f"{where}: {_words(error)}", "It is tried again by itself.") from error


def _by_token(client: IMAPClient, imap: Imap, settings: OAuth) -> None:
    """Log in by the kept token; by a new one where that has run out before its time, or was revoked."""
    for anew in (False, True):
        token = oauth.access_token(settings, imap, anew=anew).get_secret_value()
        try:
            with limited(client, LOGIN_SECONDS, "logging in"):
                client.oauth2_login(imap.username, token)
        except LoginError:
            if anew:
                raise
        else:
            return


class ReadPast(bytes):
    """Stands for a literal that was too large to be held: empty, but as long as the library counts on."""

    def __new__(cls, size: int) -> ReadPast:
        made = super().__new__(cls)
        made.size = size
        return made

    size: int

    def __len__(self) -> int:
        return self.size


def _bound_literals(client: IMAPClient) -> None:
    """Read past a literal that is too large to be held; break off where one is announced that can't be true."""
    read = client._imap.read  # noqa: SLF001 the library hands literals on whole, and has no limit to set

    def bounded(size: int) -> bytes:
        if size > LITERAL_LIE:
            raise IMAPClientAbortError(f"the server announces a literal of {size} bytes")
        if size > LITERAL_BYTES:
            left = size
            while left > 0 and (passed := read(min(left, _PASSED_AT_ONCE))):
                left -= len(passed)
            return ReadPast(size)
        found: bytes = read(size)
        return found

    client._imap.read = bounded  # noqa: SLF001 as above


_PASSED_AT_ONCE = 1 << 20


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Commands are small and wait for answers: held back to fill a packet, each costs 40 ms (Nagle, delayed ACK).
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in _KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)


def _words(error: Exception) -> str:
    """What the server said, short and on one line."""
    argument = error.args[0] if error.args else error
    text = argument.decode("utf-8", "replace") if isinstance(argument, bytes) else str(argument)
    return " ".join(text.split())[:160].rstrip(".") or type(error).__name__
