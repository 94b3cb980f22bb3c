"""A server of OAuth tokens on loopback: it gives access tokens for a refresh token, and tells Dovecot which are good.

`refusals` are the HTTP statuses of its next answers; tokens may have run out, or be good for a few log-ins only.
"""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlparse


class TokenServer(ThreadingHTTPServer):
    """Running inside the `with` block of `serving`."""

    def __init__(self, port: int, username: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.username = username
        self.refusals: list[int] = []
        """HTTP statuses of the next answers to who asks for a token."""
        self.stale = 0
        """How many of the next tokens have run out when they are used."""
        self.uses: int | None = None
        """How many log-ins each token is good for; None: any number."""
        self.given: list[str] = []
        self.left: dict[str, int | None] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/token"

    @classmethod
    @contextmanager
    def serving(cls, port: int, username: str) -> Iterator[Self]:
        with cls(port, username) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

    def make(self) -> dict[str, object]:
        token = secrets.token_urlsafe(24)
        self.given.append(token)
        self.left[token] = 0 if self.stale > 0 else self.uses
        self.stale = max(0, self.stale - 1)
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def is_good(self, token: str) -> bool:
        """Whether one more log-in by it is let in."""
        if token not in self.left:
            return False
        left = self.left[token]
        if left is not None:
            self.left[token] = left - 1
        return left is None or left > 0


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refusals:
            code = self.server.refusals.pop(0)
            self._say(code, {"error": "invalid_grant" if code < 500 else "temporarily_unavailable"})
        else:
            self._say(200, self.server.make())

    def do_GET(self) -> None:
        (token,) = parse_qs(urlparse(self.path).query).get("token", [""])
        is_good = self.server.is_good(token)
        self._say(200, {"active": "true", "username": self.server.username} if is_good else {"active": "false"})

    def _say(self, code: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class calls it so
        pass
