"""Access tokens, against a token server of our own on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from agent.wire import oauth
from config import Imap, NeedsPerson, TemporaryFailure, parse


class TokenServer(ThreadingHTTPServer):
    """Answers with `answers` in turn, the last one for ever; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, object]] = [(200, {"access_token": "first", "expires_in": 3600})]
        self.asked: list[dict[str, list[str]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(parse_qs(form))
        answers = self.server.answers
        code, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        body = json.dumps(answer).encode()
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class calls it so
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    monkeypatch.setenv("TOKEN", "refresh-hush")
    with TokenServer() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def account(server: TokenServer, folder: Path) -> Imap:
    host, port = server.server_address[:2]
    tables = {
        "company": {"name": "M", "country": "FR", "currency": "EUR", "language": "fr", "timezone": "Europe/Paris"},
        "mailbox": {
            "ar": {
                "address": "ar@firm.example",
                "imap": {
                    "host": "imap.firm.example",
                    "oauth": {
                        "token_url": f"http://{host!s}:{port}/token",
                        "client_id": "relance",
                        "scope": "mail",
                        "refresh_token_env": "TOKEN",
                    },
                },
                "smtp": {"host": "smtp.firm.example"},
            }
        },
    }
    return parse(tables, folder / "relance.toml").mailbox["ar"].imap


def token(imap: Imap, *, anew: bool = False) -> str:
    assert imap.oauth is not None
    return oauth.access_token(imap.oauth, imap, anew=anew).get_secret_value()


def test_a_token_is_kept_while_it_is_fresh(server: TokenServer, tmp_path: Path) -> None:
    imap = account(server, tmp_path)
    assert token(imap) == token(imap) == "first"
    assert server.asked == [
        {
            "grant_type": ["refresh_token"],
            "client_id": ["relance"],
            "refresh_token": ["refresh-hush"],
            "scope": ["mail"],
        }
    ]
    server.answers = [(200, {"access_token": "second"})]
    assert token(imap, anew=True) == token(imap) == "second"


def test_a_token_without_a_life_left_is_fetched_again(server: TokenServer, tmp_path: Path) -> None:
    server.answers = [(200, {"access_token": "a", "expires_in": 0}), (200, {"access_token": "b", "expires_in": "60"})]
    imap = account(server, tmp_path)
    assert (token(imap), token(imap), token(imap)) == ("a", "b", "b")


def test_many_threads_ask_once(server: TokenServer, tmp_path: Path) -> None:
    imap = account(server, tmp_path)
    threads = [threading.Thread(target=token, args=(imap,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((400, {"error": "invalid_grant", "error_description": "refresh-hush"}), NeedsPerson, "invalid_grant"),
        ((401, "no object"), NeedsPerson, "HTTP 401"),
        ((503, {}), TemporaryFailure, "out of order"),
        ((302, {}), TemporaryFailure, "HTTP 302"),
        ((200, {"token": "x"}), TemporaryFailure, "no access token"),
        ((200, "text"), TemporaryFailure, "no access token"),
    ],
)
def test_a_refusal_says_who_must_act_and_shows_no_secret(
    server: TokenServer, tmp_path: Path, answer: tuple[int, object], kind: type[Exception], words: str
) -> None:
    server.answers = [answer]
    with pytest.raises(kind, match=words) as caught:
        token(account(server, tmp_path))
    assert "refresh-hush" not in str(caught.value)


def test_a_token_server_that_is_away_is_tried_again(server: TokenServer, tmp_path: Path) -> None:
    imap = account(server, tmp_path)
    server.server_close()
    with pytest.raises(TemporaryFailure, match="refused"):
        token(imap)
