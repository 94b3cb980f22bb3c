"""What strangers wrote, for the eyes only: a mail's HTML made harmless in a frame that may do nothing, attachments as
downloads. Reading them is the confined child's work, of which the pages have one of their own.
"""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from agent.inbound.confined import Unreadable
from agent.review import debtors, files
from agent.review.conversation import html_part
from agent.review.deeds import NoSuch
from agent.review.web.frame import LONGEST_NUMBER, Call, number_of
from agent.review.web.guards import MAIL_POLICY
from config.errors import NeedsPerson
from models import Message
from models.message import Direction

_STYLE = (
    "body{font:15px/1.55 system-ui,sans-serif;margin:12px;color:#1d1c1a;background:#fff;overflow-wrap:anywhere}"
    "table{border-collapse:collapse}td,th{padding:2px 8px;vertical-align:top}blockquote{border-left:2px solid #ccc;"
    "margin:8px 0;padding-left:12px;color:#555}"
)


def as_sent(call: Call) -> Response:
    """The HTML of a mail: of a stranger's what is harmless of it, of our own all of it. The frame forbids the rest."""
    message = message_of(call)
    with call.desk.database.read() as session:
        raw = files.raw_of(session, message)
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
    message, place = message_of(call), call.path("place")
    if not place.isdecimal() or len(place) > LONGEST_NUMBER:
        raise NoSuch("there is no such attachment")
    with call.desk.database.read() as session:
        return files.response(files.attachment(session, call.desk.reader, message, int(place)))


def source(call: Call) -> Response:
    """The raw bytes of a mail, as a download."""
    message = message_of(call)
    with call.desk.database.read() as session:
        return files.response(files.source(session, message))


def message_of(call: Call) -> Message:
    """The message that the address names, if this person may see it."""
    with call.desk.database.read() as session:
        return debtors.message_of(session, call.actor, number_of(call))
