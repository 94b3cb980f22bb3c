"""What every request passes: which host it names, how large it is, whether our own page sent it; and what pages may do.

Pure functions over headers, and one thin ASGI layer that asks them. A page runs only scripts and styles of our own
files, loads nothing from elsewhere, is framed by nobody, and is kept in no cache.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.review.api.problems import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST_REQUEST = 1_000_000
"""Bytes. No form here needs more."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""For what a stranger wrote: no script, form or link that opens here, nothing loaded; sandboxed by itself as well."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # `no-referrer` would make browsers send the Origin "null" with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def is_from_our_page(headers: Mapping[str, str], token: str | None, sent: str | None) -> bool:
    """Whether a request that changes something comes from one of our own pages.

    It must carry the session's token, and where the browser tells where it comes from (Sec-Fetch-Site, else Origin),
    that must be here. ``headers`` has its names in small letters.
    """
    if not token or not sent or not hmac.compare_digest(token.encode(), sent.encode("utf-8", "surrogatepass")):
        return False
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    if origin := headers.get("origin"):
        return urlsplit(origin).netloc == headers.get("host")
    return True


def is_host_ours(host: str, known: Collection[str]) -> bool:
    """Whether the Host header names this desk: another name that leads here is somebody's trick (DNS rebinding)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in known


class Guards:
    """The ASGI layer around the pages."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, is_tls: bool) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._headers = dict(_HEADERS)
        if is_tls:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not is_host_ours(headers.get("host", ""), self._hosts):
            await _refused(scope, "This is not the address of these pages.", 421)(scope, receive, send)
            return
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            await _refused(scope, "There is no such address.", 400)(scope, receive, send)  # no database keeps it
            return
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_REQUEST:
            await _refused(scope, "Too large.", 413)(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    found.setdefault(name, value)
                found.setdefault("Content-Security-Policy", PAGE_POLICY)
                found.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, _bounded(receive), send_guarded)


def _refused(scope: Scope, text: str, status: int) -> Response:
    """In the form that whoever asks expects: programs get a problem."""
    if str(scope.get("path", "")).startswith("/api/"):
        return Problem(status, text).response()
    return PlainTextResponse(text, status)


def _bounded(receive: Receive) -> Receive:
    """A body without a length is counted as it comes."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_REQUEST:
            return {"type": "http.disconnect"}
        return message

    return counted
