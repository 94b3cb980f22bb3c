"""Accounts of the people who use the pages: made, changed and ended by hand, asked for at each log-in and request.

Passwords are kept as argon2id hashes (RFC 9106's second recommended parameters, argon2-cffi's default). A name that
does not exist costs the same time as a wrong password. Every change of an account is an event; every refused log-in is
counted, by name and by address, and too many make the next ones wait.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from agent.review.oidc import Person
from agent.review.rights import Actor
from config.errors import NeedsPerson, RelanceError
from models import ApiToken, LoginFailure, User, events
from models.user import Role

SHORTEST_PASSWORD = 10
"""NIST SP 800-63B asks for eight and no rules of composition; two more, as there is no second factor."""
LONGEST_PASSWORD = 1_000
PROVIDER = "provider"
"""Who makes and changes accounts as the company's provider has them."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

WINDOW = timedelta(minutes=15)
BY_NAME_AND_ADDRESS = 5
BY_ADDRESS = 30
BY_NAME = 50
"""Of one name from everywhere: so high that a stranger hardly locks a person out, so low that guessing is useless."""

_hasher = PasswordHasher()


class TooManyFailures(RelanceError):
    """Too many log-ins were refused lately; even the right password has to wait."""


class Refused(RelanceError):
    """The name, the password, or both are wrong; which one is told to nobody."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a log-in comes from, and when."""

    address: str
    at: datetime


def find(session: Session, name: str) -> User:
    """The account of that name. Raises NeedsPerson."""
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise NeedsPerson(f"there is no user “{name}”; `relance user list` shows those that there are")
    return user


def add(
    session: Session,
    name: str,
    role: Role,
    password: str | None,
    *,
    email: str | None,
    language: str | None,
    by: str,
    at: datetime,
) -> User:
    """A new account. Raises NeedsPerson where the name is taken or unfit, or the password too short."""
    if not _NAME.fullmatch(name):
        raise NeedsPerson(f"“{name}” is no name for a user", "Use letters, digits, and . _ @ - (64 at most).")
    if session.scalar(select(User.id).where(func.lower(User.name) == name.lower())) is not None:
        raise NeedsPerson(f"there is a user “{name}” already")
    if session.scalar(select(ApiToken.id).where(func.lower(ApiToken.name) == name.lower())) is not None:
        raise NeedsPerson(f"a token of the API is named “{name}”; a name stands in the log for one of them only")
    if role is Role.SALES and not email:
        raise NeedsPerson(
            "a sales person sees the customers of which it is the account manager", "Give its address with --email."
        )
    user = User(
        name=name,
        email=email.lower() if email else None,
        role=role,
        language=language,
        password_hash=_hashed(password) if password is not None else None,
        session_epoch=1,
        created_at=at,
        created_by=by,
    )
    session.add(user)
    events.record(session, "user.added", user, actor=by, at=at, role=role.value)
    return user


def set_password(session: Session, user: User, password: str, *, by: str, at: datetime) -> None:
    """A new password; whoever is logged in under the old one is logged out."""
    user.password_hash = _hashed(password)
    user.session_epoch += 1
    events.record(session, "user.password_set", user, actor=by, at=at)


def set_role(session: Session, user: User, role: Role, *, by: str, at: datetime) -> None:
    was, user.role = user.role, role
    user.session_epoch += 1
    events.record(session, "user.role_set", user, actor=by, at=at, was=was.value, role=role.value)


def disable(session: Session, user: User, *, by: str, at: datetime) -> None:
    """End the account: no log-in, no session. Its name stays in the log."""
    if user.disabled_at is not None:
        return
    user.disabled_at = at
    user.session_epoch += 1
    events.record(session, "user.disabled", user, actor=by, at=at)


def enable(session: Session, user: User, *, by: str, at: datetime) -> None:
    if user.disabled_at is not None:
        user.disabled_at = None
        events.record(session, "user.enabled", user, actor=by, at=at)


def actor_of(user: User) -> Actor:
    """The account as judgement sees it. A sales person without an address sees nothing rather than everything."""
    only_of = (user.email or "") if user.role is Role.SALES else None
    return Actor(user.id, user.name, user.role, user.language, only_of)


# --- log-in ----------------------------------------------------------------------------------------------------------


def must_not_wait(session: Session, name: str, door: Door) -> None:
    """Raises TooManyFailures. Asked before the password is looked at, so that guessing on costs nothing here."""
    since = door.at - WINDOW

    def refused(*conditions: object) -> int:
        query = select(func.count()).select_from(LoginFailure).where(LoginFailure.at > since)
        return session.scalar(query.where(*conditions)) or 0  # type: ignore[arg-type]  # columns compared

    by_name, by_address = LoginFailure.name == name[:64], LoginFailure.address == door.address
    if (
        refused(by_name, by_address) >= BY_NAME_AND_ADDRESS
        or refused(by_address) >= BY_ADDRESS
        or refused(by_name) >= BY_NAME
    ):
        raise TooManyFailures("too many log-ins were refused", f"Wait {WINDOW.seconds // 60} minutes.")


def check(session: Session, name: str, password: str) -> User | None:
    """The account whose password this is; None: the name or the password is wrong, or the account has ended."""
    user = session.scalar(select(User).where(User.name == name[:64]))
    known = user is not None and user.password_hash is not None and user.disabled_at is None
    is_right = _matches(user.password_hash if known and user is not None else None, password)
    return user if known and is_right else None


def admit(session: Session, user: User, password: str, door: Door) -> None:
    """Book a log-in that succeeded."""
    user.last_login_at = door.at
    if user.password_hash is not None and _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = _hashed(password)
    session.execute(delete(LoginFailure).where(LoginFailure.name == user.name, LoginFailure.address == door.address))
    events.record(session, "user.logged_in", user, actor=user.name, at=door.at)


def from_provider(session: Session, person: Person, door: Door) -> User:
    """The account of somebody whom the company's provider has proven, made at the first log-in, its role as the
    provider has it today. Raises Refused: the account has ended, or the name is another's, who is never taken over.
    """
    user = session.scalar(select(User).where(User.provider_subject == person.subject))
    if user is None:
        try:
            user = add(
                session, person.name, person.role, None, email=person.email, language=None, by=PROVIDER, at=door.at
            )
        except NeedsPerson as error:
            raise Refused(f"no account can be made: {error}", "Ask an administrator.") from None
        user.provider_subject = person.subject
    if user.disabled_at is not None:
        raise Refused(f"the account {user.name} has ended", "Ask an administrator.")
    if user.role is not person.role:
        set_role(session, user, person.role, by=PROVIDER, at=door.at)
    user.email = person.email.lower() if person.email else None
    user.last_login_at = door.at
    events.record(session, "user.logged_in", user, actor=user.name, at=door.at)
    return user


def turn_away(session: Session, name: str, door: Door) -> None:
    """Count a log-in that was refused, and forget those that no longer count."""
    session.add(LoginFailure(name=name[:64], address=door.address[:64], at=door.at))
    session.execute(delete(LoginFailure).where(LoginFailure.at < door.at - WINDOW))


def of_session(session: Session, user_id: int, epoch: int) -> User | None:
    """The account of a session that is still good."""
    user = session.get(User, user_id)
    if user is None or user.disabled_at is not None or user.session_epoch != epoch:
        return None
    return user


# --- programs --------------------------------------------------------------------------------------------------------


def _hashed(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise NeedsPerson(f"the password has fewer than {SHORTEST_PASSWORD} characters", "Choose a longer one.")
    if len(password) > LONGEST_PASSWORD:
        raise NeedsPerson(f"the password has more than {LONGEST_PASSWORD} characters", "Choose a shorter one.")
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


def _matches(known: str | None, password: str) -> bool:
    """Whether it is the password; without an account the same work is done for nothing."""
    try:
        _hasher.verify(known or _nobodys_hash(), password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return known is not None
