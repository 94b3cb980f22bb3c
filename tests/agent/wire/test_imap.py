"""Opening IMAP, against a real server."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.wire import imap, tls
from agent.wire.imap import imap_session, open_imap
from config import Mailbox, NeedsPerson, TemporaryFailure, parse
from tests.servers.dovecot import Account, Dovecot


def mailbox(account: Account, folder: Path, password: str | None = None, **options: Any) -> Mailbox:
    (folder / "password").write_text(password or account.password, encoding="utf-8")
    (folder / "password").chmod(0o600)
    tables = {
        "company": {"name": "M", "country": "FR", "currency": "EUR", "language": "fr", "timezone": "Europe/Paris"},
        "mailbox": {
            "ar": {
                "address": account.address,
                "imap": {
                    "host": "127.0.0.1",
                    "port": account.port,
                    "security": "none",
                    "password_file": "password",
                    **options,
                },
                "smtp": {"host": "127.0.0.1", "port": 25, "security": "none"},
            }
        },
    }
    return parse(tables, folder / "relance.toml").mailbox["ar"]


@pytest.fixture
def account(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Account:
    account = dovecot.account()
    monkeypatch.setenv("SSL_CERT_FILE", str(account.ca_file))
    return account


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_logs_in(account: Account, tmp_path: Path, security: str) -> None:
    port = account.imaps_port if security == "tls" else account.port
    with imap_session(mailbox(account, tmp_path, security=security, port=port)) as client:
        assert client.folder_exists("INBOX")
        assert client.normalise_times is False
        assert client.socket().getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0
        assert client.socket().gettimeout() == 60


@pytest.mark.parametrize("password", ["wrong", "mot de passé"])
def test_a_refused_password_is_a_persons(account: Account, tmp_path: Path, password: str) -> None:
    with pytest.raises(NeedsPerson, match="was refused") as caught:
        open_imap(mailbox(account, tmp_path, password))
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"), [(10, "has expired"), (18, "self-signed"), (62, "another name"), (4711, "not trusted")]
)
def test_a_certificate_that_does_not_hold_is_a_persons(code: int, words: str) -> None:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = code, "it is odd"
    told = tls.told(error, "IMAP", "imap.example", 993)
    assert isinstance(told, NeedsPerson)
    assert words in str(told)
    assert told.mend


def test_a_server_that_is_down_is_tried_again(account: Account, dovecot: Dovecot, tmp_path: Path) -> None:
    with dovecot.down(), pytest.raises(TemporaryFailure, match="connection was refused"):
        open_imap(mailbox(account, tmp_path))


def test_a_server_that_speaks_something_else_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        somebody = Account("ar@example.test", "secret", "127.0.0.1", port, port, tmp_path)

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 mx.example ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(TemporaryFailure, match=r"Check `port`|connection was lost"):
            open_imap(mailbox(somebody, tmp_path))
        thread.join()


@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
def test_a_greeting_that_trickles_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    """Each byte is in time, the whole never comes; of TLS not even the first message does."""
    monkeypatch.setattr(imap, "GREETING_SECONDS", 0.3)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        somebody = Account("ar@example.test", "secret", "127.0.0.1", port, port, tmp_path)

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                begun = {"none": b"* OK", "starttls": b"* OK at your service\r\n", "tls": b"\x16\x03\x03\x40\x00"}
                connection.sendall(begun[security])
                while not ended.wait(0.02):
                    connection.sendall(b"\0" if security == "tls" else b"*")

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            with pytest.raises(TemporaryFailure):
                open_imap(mailbox(somebody, tmp_path, security=security))
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "name server"),
        (TimeoutError(), "no answer in time"),
        (OSError(113, "No route to host"), "cannot be reached"),
        (ConnectionResetError(104, "Connection reset by peer"), "was lost"),
    ],
)
def test_what_the_network_says_is_told_in_words(error: OSError, words: str) -> None:
    told = tls.told(error, "IMAP", "imap.example", 993)
    assert isinstance(told, TemporaryFailure)
    assert words in str(told)
    assert str(told).startswith("IMAP imap.example:993: ")
