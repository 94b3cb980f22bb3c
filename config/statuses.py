"""What the ledger's own words of an invoice or a customer mean: e-invoice statuses, direct debit."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from config.choice import word
from config.reading import read_toml, told
from config.settings import Settings


class Statuses(BaseModel):
    """The file `statuses.toml`: the words of each meaning, as `config.choice.word` writes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refused: frozenset[str] = frozenset()
    disputed: frozenset[str] = frozenset()
    payment_sent: frozenset[str] = frozenset()
    debit_failed: frozenset[str] = frozenset()
    direct_debit: frozenset[str] = frozenset()

    def meaning(self, status: str | None) -> str | None:
        """`refused`, `disputed`, `payment_sent`, `debit_failed`, or None where the word means nothing here."""
        if not status:
            return None
        said = word(status)
        names = ("refused", "disputed", "payment_sent", "debit_failed")
        return next((name for name in names if said in getattr(self, name)), None)

    def is_direct_debit(self, payment_method: str | None) -> bool:
        return bool(payment_method) and word(payment_method or "") in self.direct_debit


def load_statuses(settings: Settings) -> Statuses:
    """The company's words, or the shipped ones. Raises ConfigError where the file has a mistake."""
    own = settings.root / "statuses.toml"
    path = own if own.exists() else Path(str(resources.files("config"))) / "statuses.toml"
    try:
        return Statuses.model_validate(read_toml(path))
    except ValidationError as error:
        raise told(error, path, Statuses) from None
