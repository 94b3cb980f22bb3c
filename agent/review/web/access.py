"""Log-in and log-out, and the language."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from agent.review import people
from agent.review.people import Door, Refused, TooManyFailures
from agent.review.web.frame import Call, local_path
from models import User


def login_page(call: Call) -> Response:
    if call.maybe_actor is not None:
        return RedirectResponse("/", status_code=303)
    return call.show("login.html.j2", name="", refused="", to=local_path(call.query.get("to", "/")))


def login(call: Call) -> Response:
    """Check name and password. The session is begun anew, so that one from before the log-in is worth nothing."""
    name, password = call.form.get("name", "").strip(), call.form.get("password", "")
    to = local_path(call.form.get("to", "/"))
    door = door_of(call)
    database = call.desk.database
    try:
        with database.read() as session:
            people.must_not_wait(session, name, door)
            found = people.check(session, name, password)
        if found is None:
            with database.write() as session:
                people.turn_away(session, name, door)
            raise Refused(call.say("login.wrong"))
        with database.write() as session:
            user = session.get_one(User, found.id)
            people.admit(session, user, password, door)
    except TooManyFailures:
        return call.show("login.html.j2", status=429, name=name, refused=call.say("login.wait"), to=to)
    except Refused as error:
        return call.show("login.html.j2", status=401, name=name, refused=str(error), to=to)
    begin(call, user)
    return RedirectResponse(to, status_code=303)


def logout(call: Call) -> Response:
    by_provider = call.request.session.get("by_provider")
    call.request.session.clear()
    return RedirectResponse("/login?out=1" if by_provider else "/login", status_code=303)


def language(call: Call) -> Response:
    """Another language, for this session."""
    wanted = call.form.get("language", "")
    if wanted in call.desk.words.languages:
        call.request.session["language"] = wanted
    return RedirectResponse(local_path(call.form.get("to", "/")), status_code=303)


def begin(call: Call, user: User) -> None:
    kept = call.request.session.get("language")
    call.request.session.clear()
    call.request.session["who"] = {"id": user.id, "epoch": user.session_epoch}
    if kept:
        call.request.session["language"] = kept


def door_of(call: Call) -> Door:
    client = call.request.client
    return Door(client.host if client is not None else "?", call.now)
