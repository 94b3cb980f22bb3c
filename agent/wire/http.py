"""One way to speak HTTP to a server that the configuration names: no redirects, certificates checked, bounded in size.

Whoever is sent elsewhere by an answer would carry secrets, or a company's own machine, to a place that nobody named.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from agent.wire import tls
from config.errors import TemporaryFailure
from config.fields import is_loopback

LONGEST_ANSWER = 512 * 1024
TIMEOUT_SECONDS = 15.0
"""For each step; and, twice as long, for the whole of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, whatever its status."""

    status: int
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None


def ask(
    url: str, service: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None,
    longest: int = LONGEST_ANSWER,
) -> Answer:  # fmt: skip
    """GET, or POST where there is a body; ``service`` names the server in errors.

    Raises:
        TemporaryFailure, NeedsPerson: it can't be reached, or its certificate does not hold.
    """
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=tls.context()), _NoRedirect()]
    if is_loopback(host):
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body, dict(headers or {}))  # noqa: S310 the settings allow https, or loopback
    opener = urllib.request.build_opener(*handlers)
    ends = time.monotonic() + 2 * TIMEOUT_SECONDS
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return Answer(response.status, _read(response, longest, ends, f"{service} {host}:{port}"))
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection
            return Answer(error.code, _read(error, longest, ends, f"{service} {host}:{port}"))
    except urllib.error.URLError as error:
        cause = error.reason if isinstance(error.reason, OSError) else OSError(str(error.reason))
        raise tls.told(cause, service, host, port) from None
    except OSError as error:
        raise tls.told(error, service, host, port) from None
    except http.client.HTTPException as error:
        raise TemporaryFailure(f"{service} {host}:{port}: it does not speak HTTP ({type(error).__name__})") from None


def _read(response: object, longest: int, ends: float, where: str) -> bytes:
    """The body, up to ``longest`` bytes, unless it trickles."""
    found = bytearray()
    while len(found) < longest:
        piece: bytes = response.read1(min(65_536, longest - len(found)))  # type: ignore[attr-defined]  # of http.client
        if not piece:
            break
        found += piece
        if time.monotonic() > ends:
            raise TemporaryFailure(f"{where}: its answer takes too long")
    return bytes(found)
