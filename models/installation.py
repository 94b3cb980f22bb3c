"""Which machine this database may send from (one row)."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class Installation(Base):
    """The binding of the database to one place.

    A restored or cloned database finds itself in another place and sends nothing until a person adopts it, because the
    original may still be sending.
    """

    __tablename__ = "installation"

    id: Mapped[Id]
    uuid: Mapped[str] = mapped_column(String(36))
    fingerprint: Mapped[str] = mapped_column(String(64))
    bound_at: Mapped[datetime]
    bound_by: Mapped[str] = mapped_column(String(128))
