"""Serving the pages: in this thread (`relance web`), or in one of its own beside something else."""

from __future__ import annotations

import ipaddress
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

import uvicorn
from sqlalchemy import select

from agent.reports.words import Words
from agent.review.web.app import build
from agent.review.web.desk import Desk
from config import Settings
from config.errors import ConfigError, NeedsPerson
from models import Database, User


def placed(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings with another address, checked like the file's own.

    Raises:
        ConfigError: that address is not safe to listen on.
    """
    if host is None and port is None:
        return settings
    from pydantic import ValidationError  # noqa: PLC0415 one use

    given = dict(settings.web) | ({"host": host} if host is not None else {})
    try:
        web = type(settings.web)(**given)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError("--host", "", said, "See [web] in docs/configuration.md.") from None
    if port is not None:
        web = web.model_copy(update={"port": port})
    return settings.model_copy(update={"web": web}).placed(settings.file)


class Server:
    """The pages on their socket, which is open as soon as this is entered. ``run`` serves until it is told to stop."""

    def __init__(self, database: Database, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._web = settings.web
        certificate = _certificate(settings)
        self._socket = _listening(settings)
        desk = Desk(database, settings, Words(settings.root, settings.zone), clock)
        self._server = uvicorn.Server(
            uvicorn.Config(
                build(desk),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                proxy_headers=bool(self._web.trusted_proxies),
                forwarded_allow_ips=list(self._web.trusted_proxies),
                ssl_certfile=certificate[0] if certificate else None,
                ssl_keyfile=certificate[1] if certificate else None,
                timeout_graceful_shutdown=5,
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where a browser finds the pages."""
        if self._web.url is not None:
            return self._web.url
        host, port = self._socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"http{'s' if self._web.certificate else ''}://{shown}:{port}"

    def has_no_users(self) -> bool:
        with self._database.read() as session:
            return session.scalar(select(User.id).where(User.disabled_at.is_(None)).limit(1)) is None

    def run(self) -> None:
        """Serve in this thread until SIGINT or SIGTERM."""
        # The server closes its doors on the first signal and sends it on: we have been told by then.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: None)
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Serve in a thread of its own, until the block ends; signals stay with the main thread."""
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True
        )
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(10)
        self._socket.close()


def _listening(settings: Settings) -> socket.socket:
    web = settings.web
    try:
        is_v6 = ipaddress.ip_address(web.host.strip("[]")).version == 6
    except ValueError:
        is_v6 = False
    found = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((web.host.strip("[]"), web.port))
        found.listen(128)
    except OSError as error:
        found.close()
        reason = (error.strerror or str(error)).lower()
        raise NeedsPerson(
            f"the review pages can't listen on {web.host}:{web.port}: {reason}",
            "End what listens there, or choose another port with --port or [web] port.",
        ) from None
    return found


def _certificate(settings: Settings) -> tuple[str, str] | None:
    """The files of certificate and key, once they were seen to fit; None: no TLS here. Raises ConfigError."""
    web = settings.web
    if web.certificate is None or web.certificate_key is None:
        return None
    files = settings.root / web.certificate, settings.root / web.certificate_key
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*files)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            settings.file, "web.certificate", "a certificate and its key (PEM)", f"Correct the paths: {error}.",
            found=f"{files[0]} and {files[1]}",
        ) from None  # fmt: skip
    return str(files[0]), str(files[1])
