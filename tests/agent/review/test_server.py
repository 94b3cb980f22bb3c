"""Where the pages listen: the settings' place, or the one asked for, checked alike."""

from pathlib import Path

import pytest

from agent.review.web.server import placed
from config import ConfigError, Settings, parse


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    tables = {
        "company": {"name": "M", "country": "FR", "currency": "EUR", "language": "fr", "timezone": "Europe/Paris"},
        "mailbox": {
            "ar": {
                "address": "ar@firm.example",
                "imap": {"host": "imap.firm.example", "password_env": "SOME_PASSWORD"},
                "smtp": {"host": "smtp.firm.example"},
            }
        },
    }
    return parse(tables, tmp_path / "relance.toml")


def test_another_port_leaves_all_else_as_it_was(settings: Settings) -> None:
    moved = placed(settings, None, 0)
    assert moved.web == settings.web.model_copy(update={"port": 0})
    assert moved.root == settings.root


def test_another_address_is_taken_where_it_is_safe(settings: Settings) -> None:
    assert placed(settings, "::1", None).web.host == "::1"


def test_an_address_that_others_reach_is_refused_without_tls(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="--host"):
        placed(settings, "192.0.2.1", None)
