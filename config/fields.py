"""The kinds of value that settings are made of, each with its own way of saying what is wrong.

Every check here raises through `wrong`, which carries what was expected and how to mend it to the person who reads the
error; `config.reading` adds file and key. Nothing here touches a file, the environment or the network.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import time, timedelta
from functools import lru_cache
from pathlib import PurePath
from typing import Annotated, Any, Literal, NamedTuple, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from babel import Locale
from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

#: `type` of every error that `wrong` raises; its context has `expected` and `mend`.
CUSTOM = "relance"

_PERIODS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_RATE = re.compile(r"([0-9]{1,6})/(second|minute|hour|day)")
_HOUR = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MAILBOX_NAME = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_PLAN_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# The addr-spec of RFC 5321 4.1.2 without quoted strings, comments and address literals: what a mailbox really has.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*@{_LABEL}(?:\.{_LABEL})*")
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


def wrong(expected: str, mend: str) -> NoReturn:
    """Refuse a value: `expected` as a noun phrase, `mend` as an imperative sentence."""
    raise PydanticCustomError(CUSTOM, "{expected}", {"expected": expected, "mend": mend})


class Section(BaseModel):
    """A table of the file: closed (an unknown key is a mistake) and frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` mails in any `period`."""

    count: int
    period: timedelta

    def __str__(self) -> str:
        name = next(name for name, period in _PERIODS.items() if period == self.period)
        return f"{self.count}/{name}"


class Hours(NamedTuple):
    """Local wall-clock times of a day, `end` left out."""

    start: time
    end: time


def is_loopback(host: str) -> bool:
    """Whether `host` can only mean this machine, without asking a name server."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _rate(value: Any) -> Rate:
    if isinstance(value, Rate):
        return value
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        wrong("a number and a period, second, minute, hour or day", 'Write it as "25/minute".')
    return Rate(int(found[1]), _PERIODS[found[2]])


def _hours(value: Any) -> Hours:
    if isinstance(value, Hours):
        return value
    texts = list(value) if isinstance(value, list | tuple) else []
    if len(texts) != 2 or not all(isinstance(text, str) and _HOUR.fullmatch(text) for text in texts):
        wrong("a start and an end as hours and minutes", 'Write it as ["08:30", "17:30"].')
    start, end = (time.fromisoformat(text) for text in texts)
    if start >= end:
        wrong("a start that lies before the end", "Swap the two times; a window over midnight is not possible.")
    return Hours(start, end)


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    return frozenset(holidays.list_supported_countries(include_aliases=False))


def _country(value: str) -> str:
    if value.upper() not in _countries():
        wrong("a country by its two letters (ISO 3166-1) whose holidays are known", 'Write it as "FR", "BE" or "GB".')
    return value.upper()


def _currency(value: str) -> str:
    if value.upper() not in list_currencies():
        wrong("a currency by its three letters (ISO 4217)", 'Write it as "EUR", "GBP" or "CHF".')
    return value.upper()


def _language(value: str) -> str:
    if not re.fullmatch("[a-zA-Z]{2}", value) or value.lower() not in Locale("en").languages:
        wrong("a language by its two letters (ISO 639-1)", 'Write it as "fr" or "en".')
    return value.lower()


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder of the database
        wrong("a time zone of the IANA database", 'Write it as "Europe/Paris".')
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value) or len(value) > 254 or len(value.partition("@")[0]) > 64:
        wrong("one plain mail address", 'Write it as "invoices@example.com", without a name or angle brackets.')
    local, _, domain = value.partition("@")
    return f"{local}@{domain.lower()}"


def _address_or_nothing(value: str) -> str:
    return _address(value) if value else value


def _iban(value: str) -> str:
    """An account number whose check digits are right (ISO 13616), without spaces; empty where there is none."""
    iban = re.sub(r"\s", "", value).upper()
    if not iban:
        return iban
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", iban):
        wrong("an IBAN", "Write it as on your bank's statement, or leave it empty.")
    digits = "".join(str(int(char, 36)) for char in iban[4:] + iban[:4])
    if int(digits) % 97 != 1:
        wrong("an IBAN whose check digits fit", "Compare it with your bank's statement: a figure is wrong.")
    return iban


def _bic(value: str) -> str:
    bic = re.sub(r"\s", "", value).upper()
    if bic and not re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", bic):
        wrong("a BIC of 8 or 11 characters", "Write it as on your bank's statement, or leave it empty.")
    return bic


def _host(value: str) -> str:
    bare = value.strip("[]")
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if not _HOST.fullmatch(value) or len(value) > 253:
            wrong("the name or address of a host alone", 'Write it as "imap.example.com", without "imap://" or a port.')
        return value.lower()
    return bare


def _port(value: int) -> int:
    if not 1 <= value <= 65535:
        wrong("a port between 1 and 65535", "IMAP usually has 993 (tls) or 143, SMTP 465 (tls) or 587 (starttls).")
    return value


def _mailbox_name(value: str) -> str:
    if not _MAILBOX_NAME.fullmatch(value) or len(value) > 32:
        wrong(
            "a name of small letters, digits and single - or _ that begins with a letter, 32 at most",
            "Rename the section, for example to [mailbox.ar].",
        )
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        wrong(
            "the name of an environment variable, not the secret itself",
            'Write it as "RELANCE_IMAP_PASSWORD" and put the secret into that variable.',
        )
    return value


def _plan_name(value: str) -> str:
    if not _PLAN_NAME.fullmatch(value):
        wrong("a name of small letters, digits, - and _ that begins with a letter", 'Write it as "standard".')
    return value


def _folder(value: str) -> str:
    path = PurePath(value)
    if path.is_absolute() or ".." in path.parts or not value:
        wrong("a folder beside or below the configuration file", 'Write it as "plans".')
    return value


def _web_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        scheme, host = "", ""
    if not host or not (scheme == "https" or (scheme == "http" and is_loopback(host))):
        wrong("an https:// address", 'Write it as "https://login.example.com/oauth2/token".')
    return value


def _database_url(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme in ("postgres", "postgresql"):
        wrong("the driver to be named", 'Begin the address with "postgresql+psycopg://".')
    if scheme == "postgresql+psycopg":
        try:
            parts = urlsplit(value)
            complete = parts.port != 0 and len(parts.path) > 1
        except ValueError:
            complete = False
        if complete:
            return value
        wrong("the address of a PostgreSQL database", 'Write it as "postgresql+psycopg://user@host:5432/database".')
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/") and ":memory:" not in rest and "?" not in rest:
        return value
    wrong(
        "the address of a SQLite file or a PostgreSQL database",
        'Write it as "sqlite:///relance.db" or "postgresql+psycopg://user@host/database".',
    )


Text = Annotated[str, Field(min_length=1)]
Port = Annotated[int, AfterValidator(_port)]
Country = Annotated[str, AfterValidator(_country)]
Currency = Annotated[str, AfterValidator(_currency)]
Language = Annotated[str, AfterValidator(_language)]
Timezone = Annotated[str, AfterValidator(_timezone)]
MailAddress = Annotated[str, AfterValidator(_address)]
MailAddressOrNothing = Annotated[str, AfterValidator(_address_or_nothing)]
Host = Annotated[str, AfterValidator(_host)]
MailboxName = Annotated[str, AfterValidator(_mailbox_name)]
VariableName = Annotated[str, AfterValidator(_variable)]
Iban = Annotated[str, AfterValidator(_iban)]
Bic = Annotated[str, AfterValidator(_bic)]
PlanName = Annotated[str, AfterValidator(_plan_name)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
FolderName = Annotated[str, AfterValidator(_folder)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
MailRate = Annotated[Rate, BeforeValidator(_rate)]
SendingHours = Annotated[Hours, BeforeValidator(_hours)]
