"""The desk in Debian's Chromium, driven by Playwright."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Route, sync_playwright

from agent.review.web.app import build
from tests.builders.desk import PASSWORD, Office
from tests.servers.process import MISSING, until

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --disable-background-networking --disable-component-update"
    " --disable-sync --no-first-run --lang=en-GB"
).split()
NO_COMPLAINT = (
    "the server responded with a status of",  # a refusal of ours, which a test looks at by itself
    "Blocked script execution in",  # Playwright's own look into a frame where no script may run
    "net::ERR_FAILED",  # what `_left` has stopped, and complained of
)
DESKTOP, PHONE = 1360, 390
"""Pixels across."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process drives the one browser; walks over many pages take their time where the machine is busy."""
    for item in items:
        if {"open_page", "chromium"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("chromium"))
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip(f"{MISSING}chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(office: Office) -> Iterator[str]:
    """The desk on a free port; its address."""
    server = uvicorn.Server(uvicorn.Config(build(office.desk), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started or None, seconds=30, what="the desk")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@dataclass
class Opener:
    """Opens pages as people who have logged in, and writes down what no page may do.

    ``complaints``: requests to another place, errors of scripts, dialogs, what the browser's console reports (what a
    Content-Security-Policy has blocked stands there).
    """

    chromium: Chromium
    address: str
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(
        self, path: str = "/", *, name: str = "lea", width: int = DESKTOP, dark: bool = False, **more: Any
    ) -> Page:
        context = self.chromium.new_context(
            viewport={"width": width, "height": 900}, locale="en-GB", color_scheme="dark" if dark else "light", **more
        )
        self.contexts.append(context)
        context.route(lambda url: not self._is_ours(url), self._left)
        context.on("console", self._said)
        context.on("dialog", self._dismissed)
        context.on("page", lambda page: page.on("pageerror", lambda error: self.complaints.append(str(error))))
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{self.address}/login")
        page.fill("input[name=name]", name)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{self.address}/")
        if path != "/":
            page.goto(self.address + path)
        return page

    def _left(self, route: Route) -> None:
        """A request that no policy has stopped: it would leave this machine."""
        self.complaints.append(route.request.url)
        route.abort()

    def _is_ours(self, url: str) -> bool:
        return url.startswith((f"{self.address}/", "data:", "about:"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in NO_COMPLAINT):
            self.complaints.append(message.text)

    def _dismissed(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def open_page(chromium: Chromium, small_desk: Office) -> Iterator[Opener]:
    """An `Opener` over the small desk; what it complains of fails the test."""
    with served(small_desk) as address:
        opener = Opener(chromium, address)
        yield opener
        for context in opener.contexts:
            context.close()
    assert opener.complaints == []
