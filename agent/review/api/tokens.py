"""Tokens of programs: made and ended on the command line, shown once, kept as a hash, asked for at each request.

A token is ``rel_<prefix>_<secret>``. The prefix finds the row; of the secret (256 random bits) only the SHA-256 is
kept. Every making and ending is an event.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.review.rights import Actor
from config.errors import NeedsPerson
from models import ApiToken, User, events
from models.user import Role

_TOKEN = re.compile(r"rel_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
NOTED_EVERY = timedelta(minutes=1)
"""How often the last use is written down: a read must not cost a write each time."""


def make(
    session: Session, name: str, role: Role, *, email: str | None, expires_at: datetime | None, by: str, at: datetime
) -> str:
    """A new token, in the open: it is never seen again. Raises NeedsPerson where the name is taken or unfit."""
    if not _NAME.fullmatch(name):
        raise NeedsPerson(f"“{name}” is no name for a token", "Use letters, digits, and . _ @ - (64 at most).")
    for table in (ApiToken, User):
        if session.scalar(select(table.id).where(func.lower(table.name) == name.lower())) is not None:
            raise NeedsPerson(f"the name “{name}” is taken", "A name stands in the log for one program or person only.")
    if role is Role.SALES and not email:
        raise NeedsPerson("a sales token sees the customers of one account manager", "Give the address with --email.")
    if expires_at is not None and expires_at <= at:
        raise NeedsPerson(f"{expires_at:%Y-%m-%d} has already passed; choose a later day")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = ApiToken(
        name=name, role=role, email=email.lower() if email else None, prefix=prefix, secret_hash=_hash(secret),
        created_at=at, created_by=by, expires_at=expires_at,
    )  # fmt: skip
    session.add(row)
    events.record(session, "api_token.made", row, actor=by, at=at, name=name, role=role.value)
    return f"rel_{prefix}_{secret}"


def revoke(session: Session, name: str, *, by: str, at: datetime) -> None:
    """End it at once. Its name stays in the log and can't be given again. Raises NeedsPerson where there is none."""
    row = session.scalar(select(ApiToken).where(ApiToken.name == name))
    if row is None:
        raise NeedsPerson(f"there is no token “{name}”; `relance token list` shows those that there are")
    if row.revoked_at is None:
        row.revoked_at = at
        events.record(session, "api_token.revoked", row, actor=by, at=at, name=name)


def holder(session: Session, token: str, now: datetime) -> ApiToken | None:
    """The row of a token that is good now; None for any other text."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    row = session.scalar(select(ApiToken).where(ApiToken.prefix == found[1]))
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(found[2])):
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return row


def is_use_to_be_noted(row: ApiToken, now: datetime) -> bool:
    return row.last_used_at is None or now - row.last_used_at >= NOTED_EVERY


def note_use(session: Session, token_id: int, now: datetime) -> None:
    session.get_one(ApiToken, token_id).last_used_at = now


def actor_of(row: ApiToken) -> Actor:
    """The program as judgement sees it. A sales token without an address sees nothing rather than everything."""
    return Actor(-row.id, row.name, row.role, None, (row.email or "") if row.role is Role.SALES else None)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
