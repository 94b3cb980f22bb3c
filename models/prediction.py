"""What the classifier said of a message, and which trained model said it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id


class Prediction(Base):
    __tablename__ = "prediction"

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), unique=True)
    model_version: Mapped[Code]
    primary: Mapped[Code]
    confidence: Mapped[float] = mapped_column(Float)
    document: Mapped[dict[str, Any]]
    predicted_at: Mapped[datetime]
