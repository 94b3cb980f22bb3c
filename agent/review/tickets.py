"""A link that logs a person in once, within minutes: for the first log-in, and for the demo.

The ticket is an HMAC under the installation's key over who, until when, and the last log-in of that account: using it
changes the last log-in, so that it works once.
"""

import hmac
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from models import User, events
from models.keys import SigningKey

GOOD_FOR = timedelta(minutes=15)


def issue(user: User, key: SigningKey, now: datetime, good_for: timedelta = GOOD_FOR) -> str:
    """A ticket for the account."""
    until = int((now + good_for).timestamp())
    return f"{user.id}.{until}.{_signature(user, until, key)}"


def redeem(session: Session, key: SigningKey, ticket: str, now: datetime) -> User | None:
    """The account whose ticket this is, logged in; None: it is none, has run out, or was used."""
    number, _, rest = ticket.partition(".")
    until, _, signature = rest.partition(".")
    if not (number.isdecimal() and until.isdecimal() and len(number) < 18 and len(until) < 12):
        return None
    user = session.get(User, int(number), with_for_update=True)
    if user is None or user.disabled_at is not None or datetime.fromtimestamp(int(until), UTC) < now:
        return None
    if not hmac.compare_digest(_signature(user, int(until), key), signature):
        return None
    user.last_login_at = now
    events.record(session, "user.logged_in", user, actor=user.name, at=now, way="ticket")
    return user


def _signature(user: User, until: int, key: SigningKey) -> str:
    last = user.last_login_at.isoformat() if user.last_login_at is not None else "never"
    return key.sign(f"ticket\n{user.id}\n{user.session_epoch}\n{last}\n{until}")
