"""What strangers wrote, for the eyes only: a mail's HTML made harmless in a frame that may do nothing, attachments as
downloads. Reading them is the confined child's work, of which the pages have one of their own.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import HTMLResponse, Response

from agent.inbound.confined import Unreadable
from agent.inbound.store import reading_of
from agent.reminders.letter import safe_filename
from agent.review import debtors
from agent.review.conversation import html_part
from agent.review.web.frame import Call
from agent.review.web.guards import MAIL_POLICY
from config.errors import NeedsPerson
from models import Blob, Message
from models.message import Direction

_STYLE = (
    "body{font:15px/1.55 system-ui,sans-serif;margin:12px;color:#1d1c1a;background:#fff;overflow-wrap:anywhere}"
    "table{border-collapse:collapse}td,th{padding:2px 8px;vertical-align:top}blockquote{border-left:2px solid #ccc;"
    "margin:8px 0;padding-left:12px;color:#555}"
)


def as_sent(call: Call) -> Response:
    """The HTML of a mail: of a stranger's what is harmless of it, of our own all of it. The frame forbids the rest."""
    message, raw = _raw(call)
    if message.direction is Direction.OUT and message.state is None:
        body = html_part(raw)
    else:
        found = call.desk.reader.show(raw, "html")
        if isinstance(found, Unreadable):
            raise NeedsPerson(call.say("mail.unreadable", why=found.reason))
        body = found.decode("utf-8") or f"<p>{call.say('mail.no_html')}</p>"
        body = f"<!doctype html><meta charset=utf-8><title>mail</title><style>{_STYLE}</style>{body}"
    return HTMLResponse(body, headers={"Content-Security-Policy": MAIL_POLICY})


def attachment(call: Call) -> Response:
    """One attachment, always as a download and never as something that a browser would open."""
    message, raw = _raw(call)
    place = call.path("place")
    with call.desk.database.read() as session:
        attached = reading_of(session, message.id).attachments if message.kind is not None else ()
    if not place.isdecimal() or int(place) >= len(attached):
        raise NeedsPerson(call.say("error.not_found"))
    chosen = attached[int(place)]
    found = call.desk.reader.show(raw, f"attachment:{chosen.sha256}")
    if isinstance(found, Unreadable):
        raise NeedsPerson(call.say("mail.unreadable", why=found.reason))
    return download(found, chosen.filename)


def source(call: Call) -> Response:
    """The raw bytes of a mail, as a download."""
    message, raw = _raw(call)
    return download(raw, f"message-{message.id}.eml")


def download(content: bytes, filename: str) -> Response:
    name = safe_filename(filename)
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def message_of(call: Call) -> Message:
    """The message that the address names, if this person may see it."""
    number = call.path("number")
    with call.desk.database.read() as session:
        return debtors.message_of(session, call.actor, int(number) if number.isdecimal() and len(number) < 18 else 0)


def _raw(call: Call) -> tuple[Message, bytes]:
    message = message_of(call)
    with call.desk.database.read() as session:
        return message, session.get_one(Blob, message.blob_sha256).content
