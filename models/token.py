"""Programs that speak to the desk's API: their tokens, and what was answered to a write that may come again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, word
from models.user import Role


class ApiToken(Base):
    """A program's key. ``name`` stands in the log as the actor of what the program does, so it never changes.

    The token itself is shown once, when it is made; what is kept can't be turned back into it.
    """

    __tablename__ = "api_token"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Role] = mapped_column(word(Role))
    email: Mapped[str | None] = mapped_column(String(320))
    """Of a sales token: the account manager whose customers it sees. In small letters."""
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    """The token's first part, by which its row is found; no secret."""
    secret_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the second part, which holds 256 random bits: nothing that could be guessed, so nothing to slow."""
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class ApiAnswer(Base):
    """What a write with an Idempotency-Key was answered, so that the same request once more does nothing again."""

    __tablename__ = "api_answer"
    __table_args__ = (UniqueConstraint("token_id", "key"),)

    id: Mapped[Id]
    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id"))
    key: Mapped[str] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 of method, path and body: the same key with another request is a mistake of the program."""
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    """Ids, codes and sentences of relance's own; no customer's words."""
    created_at: Mapped[datetime] = mapped_column(index=True)
