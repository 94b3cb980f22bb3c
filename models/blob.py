"""Bytes kept once: raw mails and documents, by the SHA-256 of their content, compressed."""

import hashlib
import zlib

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base

EMPTY = hashlib.sha256(b"").hexdigest()
"""What a mail points at once its bytes were erased."""


class Blob(Base):
    __tablename__ = "blob"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int]
    compressed: Mapped[bytes] = mapped_column(LargeBinary)

    @property
    def content(self) -> bytes:
        return zlib.decompress(self.compressed)


def keep(session: Session, content: bytes) -> str:
    """Store ``content`` if it isn't there yet; its SHA-256 in hex."""
    digest = hashlib.sha256(content).hexdigest()
    if session.get(Blob, digest) is None:
        session.add(Blob(sha256=digest, size=len(content), compressed=zlib.compress(content, 6)))
        session.flush()
    return digest
