"""Log-in and log-out at the company's own provider, from the browser's side."""

from __future__ import annotations

import hmac
from dataclasses import asdict

from starlette.responses import RedirectResponse, Response

from agent.review import oidc, people
from agent.review.oidc import NotProven, Pending
from agent.review.web.access import begin, door_of
from agent.review.web.frame import Call, local_path
from config import Oidc
from config.errors import NeedsPerson, RelanceError
from config.secrets import oidc_secret_of
from models import User

PENDING = "oidc"
PATH = "/login/oidc/return"


def go_there(call: Call) -> Response:
    """Begin a log-in: the browser goes to the provider."""
    settings = _settings(call)
    pending = Pending.new()
    there = oidc.way_there(oidc.discover(settings), settings, pending, _back(call))
    call.request.session[PENDING] = {**asdict(pending), "to": local_path(call.query.get("to", "/"))}
    return RedirectResponse(there, status_code=303)


def come_back(call: Call) -> Response:
    """The provider sent the browser back: with a code that proves somebody, or with nothing."""
    kept = call.request.session.pop(PENDING, None)
    try:
        user = _person(call, kept)
    except RelanceError as error:
        return call.show("login.html.j2", status=401, name="", refused=str(error), to="/")
    begin(call, user)
    call.request.session["by_provider"] = True
    return RedirectResponse(local_path(str(kept["to"])) if isinstance(kept, dict) else "/", status_code=303)


def _person(call: Call, kept: object) -> User:
    settings, desk = _settings(call), call.desk
    if not isinstance(kept, dict) or not hmac.compare_digest(
        str(kept["state"]).encode(), call.query.get("state", "").encode("utf-8", "replace")
    ):
        raise NotProven("this log-in was not begun here", "Begin again.")
    if "code" not in call.query:
        raise NotProven("the log-in provider proved nobody", "Begin again.")
    pending = Pending(str(kept["state"]), str(kept["nonce"]), str(kept["verifier"]))
    provider = oidc.discover(settings)
    secret = oidc_secret_of(settings, desk.settings)
    told = oidc.redeem(
        provider, settings, secret.get_secret_value() if secret else None, call.query["code"], pending, _back(call)
    )
    person = oidc.proven(told, oidc.keys_of(provider), settings, pending.nonce, call.now)
    with desk.database.write() as session:
        return people.from_provider(session, person, door_of(call))


def go_out(call: Call) -> Response:
    """End the provider's own session as well."""
    settings = _settings(call)
    there = oidc.way_out(oidc.discover(settings), settings, _back(call).removesuffix("/oidc/return"))
    return RedirectResponse(there or "/login", status_code=303)


def _settings(call: Call) -> Oidc:
    found = call.desk.settings.web.oidc
    if found is None:
        raise NeedsPerson(call.say("error.not_found"))
    return found


def _back(call: Call) -> str:
    return f"{(call.desk.settings.web.url or '').rstrip('/')}{PATH}"
