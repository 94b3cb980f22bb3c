"""Who may use the pages: accounts, failed log-ins, and the views that somebody saved."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, word


class Role(StrEnum):
    """What somebody may do; `agent.review.rights` says what each one means."""

    VIEWER = "viewer"
    SALES = "sales"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    ADMIN = "admin"


class User(Base):
    """A person's account. ``name`` stands in the log as the actor of what the person does, so it never changes."""

    __tablename__ = "user_account"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str | None] = mapped_column(String(320))
    """In small letters. A sales person sees the customers whose account manager this is."""
    role: Mapped[Role] = mapped_column(word(Role))
    language: Mapped[str | None] = mapped_column(String(8))
    password_hash: Mapped[str | None] = mapped_column(String(256))
    """Argon2id in its own notation; None: no log-in by password."""
    provider_subject: Mapped[str | None] = mapped_column(String(512), index=True, unique=True)
    """Who it is at the company's OpenID provider: issuer and subject; None: a local account."""
    session_epoch: Mapped[int] = mapped_column(default=1)
    """Goes up with a new password, role or a disabling, and ends every session that was begun before."""
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(128))
    last_login_at: Mapped[datetime | None]


class LoginFailure(Base):
    """One refused log-in; too many of them make the next ones wait."""

    __tablename__ = "login_failure"
    __table_args__ = (
        Index("ix_login_failure_name_at", "name", "at"),
        Index("ix_login_failure_address_at", "address", "at"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class SavedView(Base):
    """A selection of the work list under a name, for one person or program."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: Mapped[Id]
    owner: Mapped[str] = mapped_column(String(64))
    """The name of the account or token: one name belongs to one of them, for ever."""
    name: Mapped[str] = mapped_column(String(64))
    selection: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
