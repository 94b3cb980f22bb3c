import os
import stat
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config import ConfigError, Settings, load
from config.fields import Rate

FILE = """
[company]
name = "Ateliers Morel SAS"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"

[mailbox.ar]
address = "Compta@Morel.Example"
authserv_id = "mx.morel.example"
[mailbox.ar.imap]
host = "127.0.0.1"
port = 10143
security = "none"
username = "ar@example.test"
password_env = "RELANCE_IMAP_PASSWORD"
[mailbox.ar.smtp]
host = "127.0.0.1"
port = 10025
security = "none"
rate = "25/minute"

[policy]
mode = "automatic"

[reminders]
sending_hours = ["09:00", "17:00"]
"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("RELANCE_"):
            monkeypatch.delenv(name)


def read(folder: Path, text: str = FILE) -> Settings:
    file = folder / "relance.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def mistake(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return caught.value


def changed(old: str, new: str) -> str:
    assert FILE.count(old) >= 1, old
    return FILE.replace(old, new, 1)


def test_reads_what_stands_in_the_file_and_fills_in_the_rest(tmp_path: Path) -> None:
    settings = read(tmp_path)
    box = settings.mailbox["ar"]
    assert settings.root == tmp_path
    assert settings.zone == ZoneInfo("Europe/Paris")
    assert (settings.policy.mode, settings.policy.paid_wait_days, settings.policy.promise_horizon_days) == (
        "automatic",
        5,
        30,
    )
    assert (settings.ledger.mode, settings.ledger.max_age) == ("payments", 3)
    assert settings.reminders.sending_hours == (time(9), time(17))
    assert settings.model_path is None
    assert (box.address, box.domain) == ("Compta@morel.example", "morel.example")
    assert box.smtp.rate == Rate(25, timedelta(minutes=1))
    assert box.imap.folders == ("*",)


def test_smtp_logs_in_as_imap_does_where_it_says_nothing_else(tmp_path: Path) -> None:
    smtp = read(tmp_path).mailbox["ar"].smtp
    assert (smtp.username, smtp.password_env) == ("ar@example.test", "RELANCE_IMAP_PASSWORD")
    own = (
        read(tmp_path, changed('rate = "25', 'username = "relay"\npassword_env = "OTHER"\nrate = "25'))
        .mailbox["ar"]
        .smtp
    )
    assert (own.username, own.password_env) == ("relay", "OTHER")


def test_the_user_name_is_the_address_where_none_is_given(tmp_path: Path) -> None:
    box = read(tmp_path, changed('username = "ar@example.test"\n', "")).mailbox["ar"]
    assert box.imap.username == box.smtp.username == "Compta@morel.example"


@pytest.mark.parametrize(("security", "imap", "smtp"), [("tls", 993, 465), ("starttls", 143, 587)])
def test_the_usual_ports_follow_from_the_security(tmp_path: Path, security: str, imap: int, smtp: int) -> None:
    text = FILE.replace("port = 10143\n", "").replace("port = 10025\n", "").replace('"none"', f'"{security}"')
    box = read(tmp_path, text).mailbox["ar"]
    assert (box.imap.port, box.smtp.port) == (imap, smtp)


def test_gmail_has_a_border_of_a_known_name(tmp_path: Path) -> None:
    text = changed('authserv_id = "mx.morel.example"', 'border = "gmail"')
    assert read(tmp_path, text).mailbox["ar"].authserv_id == "mx.google.com"


def test_a_local_filter_belongs_to_a_border_of_our_own(tmp_path: Path) -> None:
    assert read(tmp_path, changed("authserv_id =", "local_filter = true\nauthserv_id =")).mailbox["ar"].local_filter
    text = changed('authserv_id = "mx.morel.example"', 'border = "gmail"\nlocal_filter = true')
    with pytest.raises(ConfigError, match="local_filter is for an `own` border"):
        read(tmp_path, text)


def test_variables_go_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_POLICY__MODE", "observe")
    monkeypatch.setenv("RELANCE_MAILBOX__AR__IMAP__PORT", "1143")
    monkeypatch.setenv("RELANCE_MAILBOX__AR__SMTP__RATE", "3/hour")
    monkeypatch.setenv("RELANCE_REMINDERS__SENDING_HOURS", '["08:00", "12:00"]')
    monkeypatch.setenv("RELANCE_IMAP_PASSWORD", "hush")
    settings = read(tmp_path)
    assert settings.policy.mode == "observe"
    assert settings.mailbox["ar"].imap.port == 1143
    assert settings.mailbox["ar"].imap.username == "ar@example.test"
    assert settings.mailbox["ar"].smtp.rate == Rate(3, timedelta(hours=1))
    assert settings.reminders.sending_hours == (time(8), time(12))


def test_the_file_is_found_by_argument_then_variable_then_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "named"):
        (tmp_path / name).mkdir()
        read(tmp_path / name, changed("Ateliers Morel SAS", name))
    monkeypatch.chdir(tmp_path / "here")
    assert load().company.name == "here"
    monkeypatch.setenv("RELANCE_CONFIG", str(tmp_path / "named" / "relance.toml"))
    assert load().company.name == "named"
    assert load(tmp_path / "here").company.name == "here"


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = read(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        settings.policy.mode = "observe"  # type: ignore[misc] # the point of the test


def test_secrets_of_the_database_are_not_shown(tmp_path: Path) -> None:
    settings = read(tmp_path, FILE + '[database]\nurl = "postgresql+psycopg://me:hush@db/relance"\n')
    assert "hush" not in repr(settings)


# What is written → the key that the error names, and words of it.
MISTAKES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "unknown key": (changed("authserv_id", "autserv_id"), "mailbox.ar.autserv_id", ('Did you mean "authserv_id"?',)),
    "unknown section": (FILE + "[polciy]\n", "polciy", ('Did you mean "policy"?',)),
    "an order to pydantic": ('_env_file = "x"\n' + FILE, "_env_file", ("section",)),
    "text for a number": (changed("10143", '"many"'), "mailbox.ar.imap.port", ('found "many"', "whole number")),
    "number for text": (changed('"Ateliers Morel SAS"', "5"), "company.name", ("found 5", "double quotes")),
    "empty text": (changed('"Ateliers Morel SAS"', '""'), "company.name", ("not empty",)),
    "no section": (FILE.replace("[company]", "[compagny]"), "company", ("expected a section [company]",)),
    "section given as a value": ("policy = 3\n" + FILE.partition("[policy]")[0], "policy", ("section [policy]",)),
    "no smtp": (FILE.replace("[mailbox.ar.smtp]", "[mailbox.ar.smpt]"), "mailbox.ar.smtp", ("[mailbox.ar.smtp]",)),
    "missing key": (changed('country = "FR"\n', ""), "company.country", ("Add it to [company]", "ISO 3166-1")),
    "no mailbox": (FILE.partition("[mailbox.ar]")[0], "mailbox", ("[mailbox.ar]",)),
    "empty mailboxes": (FILE.partition("[mailbox.ar]")[0] + "[mailbox]\n", "mailbox", ("at least one",)),
    "unsafe name of a mailbox": (FILE.replace("mailbox.ar", 'mailbox."../x"'), "mailbox.../x", ("small letters",)),
    "port out of range": (changed("10143", "70000"), "mailbox.ar.imap.port", ("found 70000", "between 1 and 65535")),
    "open connection to elsewhere": (changed('"127.0.0.1"', '"imap.example.com"'), "mailbox.ar.imap", ('"tls"',)),
    "a host that looks like this one": (changed('"127.0.0.1"', '"127.0.0.1.example"'), "mailbox.ar.imap", ('"tls"',)),
    "host with a scheme": (changed('"127.0.0.1"', '"imaps://x"'), "mailbox.ar.imap.host", ("without",)),
    "unknown security": (changed('"none"', '"ssl"'), "mailbox.ar.imap.security", ('found "ssl"', "'starttls'")),
    "unknown zone": (changed("Europe/Paris", "Europe/Pariss"), "company.timezone", ("IANA",)),
    "half a zone": (changed("Europe/Paris", "Europe"), "company.timezone", ("IANA",)),
    "a zone that is a path": (changed("Europe/Paris", "../x"), "company.timezone", ("IANA",)),
    "unknown currency": (changed('"EUR"', '"EURO"'), "company.currency", ("ISO 4217",)),
    "unknown country": (changed('"FR"', '"France"'), "company.country", ("ISO 3166-1",)),
    "unknown language": (changed('"fr"', '"zz"'), "company.language", ("ISO 639-1",)),
    "odd rate": (changed("25/minute", "25 per minute"), "mailbox.ar.smtp.rate", ('"25/minute"',)),
    "no mail at all": (changed("25/minute", "0/minute"), "mailbox.ar.smtp.rate", ('"25/minute"',)),
    "hours reversed": (changed('["09:00", "17:00"]', '["17:00", "09:00"]'), "reminders.sending_hours", ("Swap",)),
    "hours unclear": (changed('["09:00", "17:00"]', '["9", "17"]'), "reminders.sending_hours", ("08:30",)),
    "address with a name": (changed('"Compta@', '"Compta <Compta@'), "mailbox.ar.address", ("plain mail address",)),
    "database of another kind": (FILE + '[database]\nurl = "mysql://x/y"\n', "database.url", ("sqlite:///relance.db",)),
    "driver not named": (FILE + '[database]\nurl = "postgresql://x/y"\n', "database.url", ("postgresql+psycopg://",)),
    "database in memory": (FILE + '[database]\nurl = "sqlite://"\n', "database.url", ("SQLite file",)),
    "no log-in": (changed('password_env = "RELANCE_IMAP_PASSWORD"', ""), "mailbox.ar.imap", ("password_env",)),
    "two log-ins": (changed("password_env", 'password_file = "x"\npassword_env'), "mailbox.ar.imap", ("only one of",)),
    "mode of another world": (changed('"automatic"', '"auto"'), "policy.mode", ('found "auto"', "'observe'")),
    "plans elsewhere": (FILE + 'plans = "../x"\n', "reminders.plans", ("beside",)),
    "token over an open line": (
        changed(
            'password_env = "RELANCE_IMAP_PASSWORD"',
            'oauth = {token_url="http://x/", client_id="c", refresh_token_env="T"}',
        ),
        "mailbox.ar.imap.oauth.token_url",
        ("https://",),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_its_key_and_how_to_mend_it(tmp_path: Path, name: str) -> None:
    text, key, words = MISTAKES[name]
    error = mistake(tmp_path, text)
    every = (error, *error.also)
    assert key in {one.key for one in every}, str(error)
    found = next(one for one in every if one.key == key)
    assert found.file == str(tmp_path / "relance.toml")
    assert found.expected
    assert found.mend
    for word in words:
        assert word in found.line
    assert error.exit_code == 2


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    error = mistake(tmp_path, changed("10143", "0").replace('"EUR"', '"E"'))
    assert {error.key, *(one.key for one in error.also)} == {"mailbox.ar.imap.port", "company.currency"}
    assert len(str(error).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[company\n", "line 1"),
        ("a = 1\na = 2\n", "a mistake in it"),
        ("name = Morel\n", "line 1"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    assert words in str(mistake(tmp_path, text))


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "relance.toml").write_bytes('name = "Société"'.encode("cp1252"))
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "relance.toml")


def test_no_file_leads_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="relance init"):
        load(tmp_path / "relance.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('password_env = "RELANCE_IMAP_PASSWORD"', 'password = "hunter2"'),
        ('password_env = "RELANCE_IMAP_PASSWORD"', 'password_env = "hunter2"'),
        ('password_env = "RELANCE_IMAP_PASSWORD"', 'password_env = ["hunter2"]'),
        ('password_env = "RELANCE_IMAP_PASSWORD"', 'passwort = "hunter2"'),
        ("[policy]", '[database]\nurl = "mysql://me:hunter2@x/y"\n[policy]'),  # pragma: allowlist secret
    ],
)
def test_a_secret_that_stands_in_the_file_is_never_shown(tmp_path: Path, old: str, new: str) -> None:
    assert "hunter2" not in str(mistake(tmp_path, changed(old, new)))


def test_a_mistake_in_a_variable_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_MAILBOX__AR__IMAP__PORT", "many")
    assert mistake(tmp_path, FILE).file == "environment variable RELANCE_MAILBOX__AR__IMAP__PORT"


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"RELANCE_POLCIY__MODE": "observe"}, "RELANCE_POLCIY__MODE"),
        ({"RELANCE_POLICY__": "observe"}, "RELANCE_POLICY__"),
        ({"RELANCE_REMINDERS__SENDING_HOURS": "['08:00']"}, "JSON"),
        ({"RELANCE_POLICY__MODE": "observe", "RELANCE_POLICY__MODE__X": "y"}, "RELANCE_POLICY__MODE__X"),
    ],
)
def test_a_variable_that_says_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], word: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert word in str(mistake(tmp_path, FILE))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "relance.toml").chmod(stat.S_IWUSR)
    with pytest.raises(ConfigError, match="permission denied"):
        load(tmp_path / "relance.toml")


def test_what_init_writes_is_valid_and_only_observes() -> None:
    from tomllib import loads

    from agent.operations.initialise import template
    from config import parse

    tables: dict[str, Any] = loads(template())
    settings = parse(tables, Path("relance.toml"))
    assert settings.policy.mode == "observe"
    # What stands there as an example is what would count if it were not there.
    bare = {"company": tables["company"], "mailbox": tables["mailbox"]}
    assert parse(bare, Path("relance.toml")) == settings
