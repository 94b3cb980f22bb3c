from pathlib import Path

import keyring
import keyring.backend
import pytest

from config import ConfigError, Imap, parse
from config.secrets import client_secret_of, refresh_token_of, secret_of


def server(folder: Path, **login: object) -> Imap:
    tables = {
        "company": {"name": "M", "country": "FR", "currency": "EUR", "language": "fr", "timezone": "Europe/Paris"},
        "mailbox": {
            "ar": {
                "address": "ar@firm.example",
                "imap": {"host": "imap.firm.example", **login},
                "smtp": {"host": "smtp.firm.example"},
            }
        },
    }
    return parse(tables, folder / "relance.toml").mailbox["ar"].imap


def test_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "hush")
    secret = secret_of(server(tmp_path, password_env="SOME_PASSWORD"))
    assert secret.get_secret_value() == "hush"
    assert "hush" not in f"{secret} {secret!r}"


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="SOME_PASSWORD") as caught:
        secret_of(server(tmp_path, password_env="SOME_PASSWORD"))
    assert caught.value.key == "mailbox.ar.imap.password_env"


def test_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush é\n", encoding="utf-8")
    (tmp_path / "password").chmod(0o600)
    assert secret_of(server(tmp_path, password_file="password")).get_secret_value() == "hush é"


@pytest.mark.parametrize("mode", [0o604, 0o666, 0o620])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "password").write_text("hush\n", encoding="utf-8")
    (tmp_path / "password").chmod(mode)
    with pytest.raises(ConfigError, match=r"chmod 600") as caught:
        secret_of(server(tmp_path, password_file="password"))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe"])
def test_a_file_that_is_no_single_line_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(content)
    (tmp_path / "password").chmod(0o600)
    with pytest.raises(ConfigError, match="one line of text"):
        secret_of(server(tmp_path, password_file="password"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        secret_of(server(tmp_path, password_file="nowhere"))


class Keys(keyring.backend.KeyringBackend):
    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return "hush" if (service, username) == ("relance", "ar@firm.example") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


def test_from_the_keyring(tmp_path: Path) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(Keys())  # type: ignore[no-untyped-call] # keyring types no constructor
    try:
        assert secret_of(server(tmp_path, password_keyring="relance")).get_secret_value() == "hush"
        with pytest.raises(ConfigError, match=r"keyring set other ar@firm.example"):
            secret_of(server(tmp_path, password_keyring="other"))
    finally:
        keyring.set_keyring(before)


def test_tokens_of_an_oauth_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hush")
    monkeypatch.delenv("CLIENT", raising=False)
    login = {"token_url": "https://login.example/token", "client_id": "id", "refresh_token_env": "TOKEN"}
    imap = server(tmp_path, oauth=login)
    assert imap.oauth is not None
    assert refresh_token_of(imap.oauth, imap).get_secret_value() == "hush"
    assert client_secret_of(imap.oauth, imap) is None
    with pytest.raises(ConfigError, match="a password"):
        secret_of(imap)
    imap = server(tmp_path, oauth={**login, "client_secret_env": "CLIENT"})
    assert imap.oauth is not None
    with pytest.raises(ConfigError, match="CLIENT"):
        client_secret_of(imap.oauth, imap)
