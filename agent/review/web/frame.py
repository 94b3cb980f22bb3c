"""The frame of every page: who asks, in which language, with which form; and what goes back.

A page is a plain function of a `Call`. The frame lets it be reached by those only who may, runs it beside the loop (it
speaks to the database), turns what people may be told into a page, and renders templates that escape everything.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agent.reports.words import Tongue, accepted
from agent.review import people
from agent.review.days import day_of
from agent.review.deeds import Changed, NoSuch
from agent.review.rights import Actor, NotAllowed, Right, may_release
from agent.review.web.desk import Desk
from agent.review.web.guards import SAFE_METHODS, is_from_our_page
from config.errors import NeedsPerson, RelanceError, TemporaryFailure

log = structlog.get_logger()

STATIC = Path(str(resources.files("templates"))) / "web" / "static"
NOTICE = "notice"


@dataclass
class Call:
    """One request as a page sees it. ``actor`` is None on the pages before the log-in only."""

    desk: Desk
    request: Request
    tongue: Tongue
    now: datetime
    form: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    """The same, for fields that may come several times."""
    maybe_actor: Actor | None = None

    @property
    def actor(self) -> Actor:
        assert self.maybe_actor is not None, "a page before the log-in has no actor"
        return self.maybe_actor

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a piece of the page."""
        return self.request.headers.get("hx-request") == "true" and "hx-boosted" not in self.request.headers

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    @property
    def today(self) -> date:
        return self.now.astimezone(self.desk.settings.zone).date()

    def day(self, name: str) -> date | None:
        """A day of the form; None where the field is empty. Raises NeedsPerson where it is no day that can be meant."""
        return self.day_in(self.form.get(name, ""))

    def day_in(self, written: str) -> date | None:
        """The same of a field that stands there more than once."""
        text = written.strip()
        found = day_of(text) if text else None
        if text and found is None:
            raise NeedsPerson(self.say("error.no_day", text=text))
        return found

    def needed_day(self, name: str) -> date:
        """The same, where the field may not be empty."""
        found = self.day(name)
        if found is None:
            raise NeedsPerson(self.say("error.needs_day"))
        return found

    def say(self, key: str, /, **values: object) -> str:
        return self.tongue.say(key, **values)

    def show(self, template: str, /, status: int = 200, **values: Any) -> Response:
        """A page (or a piece of one) made of a template."""
        html = render(self, template, values)
        return HTMLResponse(html, status_code=status)

    def go(self, to: str, notice: str = "", *, undo: bool = False, is_error: bool = False) -> Response:
        """On to another page, which says ``notice`` once; ``undo`` offers to take it back."""
        if notice:
            self.request.session[NOTICE] = {"text": notice, "undo": undo, "error": is_error}
        if self.is_fragment:
            return Response(status_code=204, headers={"HX-Redirect": to})
        return RedirectResponse(to, status_code=303)


LONGEST_NUMBER = 17
"""Digits of a number in an address: what each database takes as an integer."""


def number_of(call: Call) -> int:
    """The number that the address names. Raises NoSuch where it is none."""
    text = call.path("number")
    if not text.isdecimal() or len(text) > LONGEST_NUMBER:
        raise NoSuch("there is no such address")
    return int(text)


Page = Callable[[Call], Response]


def page(desk: Desk, show: Page, right: Right | None = Right.READ) -> Callable[[Request], Any]:
    """An endpoint: the page for who has the right; ``right`` None: for anybody, logged in or not."""

    async def endpoint(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=500) if request.method not in SAFE_METHODS else FormData()
        return await run_in_threadpool(_answer, desk, show, right, request, form)

    return endpoint


def _answer(desk: Desk, show: Page, right: Right | None, request: Request, form: FormData) -> Response:
    lists: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            lists.setdefault(name, []).append(value.replace("\0", ""))  # no database keeps it
    call = Call(
        desk, request, _tongue(desk, request, None), desk.now(),
        form={name: values[-1] for name, values in lists.items()}, lists=lists,
    )  # fmt: skip
    try:
        call.maybe_actor = _actor(desk, request)
        if call.maybe_actor is not None:
            call.tongue = _tongue(desk, request, call.maybe_actor.language)
            structlog.contextvars.bind_contextvars(user=call.maybe_actor.name)
        if request.method not in SAFE_METHODS and not _is_ours(request, call.form):
            return call.show(
                "error.html.j2", status=403, title=call.say("error.stale"), text=call.say("error.stale_text")
            )
        if right is not None:
            if call.maybe_actor is None:
                return _to_login(call)
            if not call.maybe_actor.may(right):
                raise NotAllowed(
                    call.say("error.not_allowed_text", role=call.say(f"role.{call.maybe_actor.role.value}"))
                )
        return show(call)
    except RelanceError as error:
        return _told(call, error)
    finally:
        structlog.contextvars.unbind_contextvars("user")


def _actor(desk: Desk, request: Request) -> Actor | None:
    who = request.session.get("who")
    if not isinstance(who, dict):
        return None
    with desk.database.read() as session:
        user = people.of_session(session, int(who["id"]), int(who["epoch"]))
        return people.actor_of(user) if user is not None else None


def _is_ours(request: Request, form: Mapping[str, str]) -> bool:
    sent = request.headers.get("x-csrf-token") or form.get("csrf")
    return is_from_our_page(request.headers, request.session.get("csrf"), sent)


def _to_login(call: Call) -> Response:
    if call.is_fragment:
        return Response(status_code=204, headers={"HX-Redirect": "/login"})
    if call.request.method in SAFE_METHODS and call.request.url.path != "/":
        target = call.request.url.path + (f"?{call.request.url.query}" if call.request.url.query else "")
        return RedirectResponse("/login?" + urlencode({"to": target}), status_code=303)
    return RedirectResponse("/login", status_code=303)


def _told(call: Call, error: RelanceError) -> Response:
    """What people may be told: beside the form where htmx asked, else as a page."""
    status = 403 if isinstance(error, NotAllowed) else 503 if isinstance(error, TemporaryFailure) else 409
    if isinstance(error, Changed):
        error = NeedsPerson(call.say("approval.changed_since"))
    if isinstance(error, NoSuch):
        status, error = 404, NoSuch(call.say("error.not_found"))
    told = call.tongue.error(error)
    if call.is_fragment:
        html = render(call, "piece_error.html.j2", {"text": told})
        return HTMLResponse(html, status_code=200, headers={"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"})
    if call.maybe_actor is None:
        return call.show("error.html.j2", status=status, title=call.say("error.title"), text=told)
    back = _same_site_path(call.request.headers.get("referer", ""), call.request.headers.get("host", ""))
    if call.request.method not in SAFE_METHODS and back is not None:
        return call.go(back, told, is_error=True)
    return call.show("error.html.j2", status=status, title=call.say("error.title"), text=told)


def _same_site_path(url: str, host: str) -> str | None:
    parts = urlsplit(url)
    if parts.netloc != host or not parts.path.startswith("/"):
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


def local_path(text: str) -> str:
    """Where to go after the log-in: a path of ours, or the start page for everything else."""
    is_path = text.startswith("/") and not text.startswith(("//", "/\\")) and "\\" not in text and text.isprintable()
    return text if is_path else "/"


def _tongue(desk: Desk, request: Request, of_actor: str | None) -> Tongue:
    chosen = request.session.get("language")
    wanted = [one for one in (chosen, of_actor) if isinstance(one, str)]
    return desk.words.tongue([*wanted, *accepted(request.headers.get("accept-language", ""))])


def token_of(request: Request) -> str:
    """The session's token against forged requests, made where there is none."""
    if "csrf" not in request.session:
        request.session["csrf"] = secrets.token_urlsafe(24)
    return str(request.session["csrf"])


# --- rendering -------------------------------------------------------------------------------------------------------


class Pages:
    """The environment that pages are rendered in: everything escaped, an unknown name an error."""

    def __init__(self, root: Path | None) -> None:
        loaders = [FileSystemLoader(STATIC.parent)]
        if root is not None:
            loaders.insert(0, FileSystemLoader(root / "templates" / "web"))
        self.environment = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals["asset"] = self.asset

    @cached_property
    def _versions(self) -> dict[str, str]:
        return {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in STATIC.iterdir() if file.is_file()
        }

    def asset(self, name: str) -> str:
        """The address of a file of ours, which changes with its content: browsers may keep it for ever."""
        return f"/static/{name}?v={self._versions[name]}"


def render(call: Call, template: str, values: Mapping[str, Any]) -> str:
    pages: Pages = call.request.app.state.pages
    notice = None
    if not call.is_fragment:
        notice = call.request.session.pop(NOTICE, None)
    tongue = call.tongue
    return pages.environment.get_template(template).render(
        {
            "call": call,
            "actor": call.maybe_actor,
            "t": tongue.say,
            "tn": tongue.count,
            "tongue": tongue,
            "csrf": token_of(call.request),
            "notice": notice,
            "now": call.now,
            "today": call.today,
            "company": call.desk.settings.company.name,
            "mode": call.desk.settings.policy.mode,
            "languages": call.desk.words.languages,
            "path": call.request.url.path,
            "is_stopped": call.maybe_actor is not None and not call.is_fragment and call.desk.is_stopped(),
            "may": (lambda right: call.maybe_actor is not None and call.maybe_actor.may(Right(right))),
            "may_release": (lambda by: call.maybe_actor is not None and may_release(call.maybe_actor, [by])),
            **values,
        }
    )
