"""The declarative base and the column types that keep money exact and moments aware.

Money is stored as a whole number of ten-thousandths: exact, summable in SQL, and the same on SQLite (which would
turn NUMERIC into a float) and PostgreSQL. Moments are stored in UTC and come back aware; a naive one is refused.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, Date, DateTime, Enum, Integer, MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

SCALE = Decimal(10_000)
CENT = Decimal("0.01")


class Amount(TypeDecorator[Decimal]):
    """A Decimal with at most four places, stored as an integer of ten-thousandths of the currency's unit."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"money must be a Decimal, not {type(value).__name__}")
        scaled = value * SCALE
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than four decimal places")
        return int(scaled)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        if value is None:
            return None
        exact = Decimal(value) / SCALE
        cents = exact.quantize(CENT)
        return cents if cents == exact else exact  # the dinar has three places


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC; SQLite has no zones, so the zone is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def word(kind: type[StrEnum]) -> Enum:
    """A column type that stores an enum by its value, so that the rows read like the glossary."""
    return Enum(kind, native_enum=False, length=40, values_callable=lambda members: [m.value for m in members])


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        Decimal: Amount,
        datetime: Moment,
        date: Date,
        dict[str, Any]: JSON,
        Mapping[str, Any]: JSON,
        str: String,
    }


Id = Annotated[int, mapped_column(Integer, primary_key=True)]
Code = Annotated[str, mapped_column(String(64))]
