"""`init` and `doctor` as people call them, against real servers."""

import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from tests.servers.dovecot import Account, Dovecot
from tests.servers.postfix import Postfix
from tests.servers.smtp_sink import At, SmtpSink, refuse


def test_init_makes_a_folder_that_observes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "relance"
    assert cli.main(["init", str(folder)]) == 0
    assert 'mode = "observe"' in (folder / "relance.toml").read_text(encoding="utf-8")
    assert stat.S_IMODE((folder / "relance.key").stat().st_mode) == 0o600
    with sqlite3.connect(folder / "relance.db") as database:
        assert database.execute("SELECT count(*) FROM event").fetchone()[0] >= 1
    database.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert "relance doctor" in err


def test_init_leaves_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", str(tmp_path)]) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix in (".toml", ".key")}
    assert cli.main(["init", str(tmp_path)]) == 0
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert "left as it is" in capsys.readouterr().err


def test_init_says_where_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert cli.main(["init", str(tmp_path / "file" / "below")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def write(folder: Path, account: Account, smtp_port: int, **changes: str) -> Path:
    keys = {
        "imap_port": str(account.port),
        "security": "none",
        "smtp_security": "none",
        "sent": "Sent",
        "host": "127.0.0.1",
    }
    keys |= changes
    (folder / "password").write_text(changes.get("password", account.password), encoding="utf-8")
    (folder / "password").chmod(0o600)
    file = folder / "relance.toml"
    file.write_text(
        f"""
[company]
name = "Morel"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"
[mailbox.ar]
address = "{account.address}"
authserv_id = "mx.example.test"
reply_tag = "{keys.get("reply_tag", "off")}"
[mailbox.ar.imap]
host = "{keys["host"]}"
port = {keys["imap_port"]}
security = "{keys["security"]}"
username = "{account.address}"
password_file = "password"
sent = "{keys["sent"]}"
[mailbox.ar.smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "{keys["smtp_security"]}"
{keys.get("smtp", "")}
""",
        encoding="utf-8",
    )
    return file


def doctor(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = cli.main(["--config", str(file), "doctor", "--json", *options])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    checks = [json.loads(line) for line in out.splitlines()]
    assert all(set(check) == {"name", "status", "detail", "mend"} for check in checks)
    assert all(check["mend"] for check in checks if check["status"] != "ok")
    return code, {check["name"]: check for check in checks}


@pytest.fixture
def account(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Account:
    account = dovecot.account()
    monkeypatch.setenv("SSL_CERT_FILE", str(account.ca_file))
    return account


def test_all_is_well(tmp_path: Path, account: Account, postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    imaps = str(account.imaps_port)
    file = write(tmp_path, account, postfix.submissions_port, security="tls", smtp_security="tls", imap_port=imaps)
    _, checks = doctor(file, capsys)
    for name in ("packages", "configuration", "plan", "disk", "database", "key", "imap.ar", "smtp.ar", "clock"):
        assert checks[name]["status"] == "ok", checks[name]
    assert "logged in as" in checks["smtp.ar"]["detail"]
    assert "IDLE" in checks["imap.ar"]["detail"]
    assert "certificate.imap.ar" in checks
    assert "certificate.smtp.ar" in checks
    assert checks["ledger"]["status"] == checks["daemon"]["status"] == "warning"


def test_starttls(tmp_path: Path, account: Account, postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, account, postfix.submission_port, security="starttls", smtp_security="starttls")
    _, checks = doctor(file, capsys)
    assert checks["imap.ar"]["status"] == checks["smtp.ar"]["status"] == "ok"
    assert "certificate.imap.ar" in checks


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"password": "wrong"}, "imap.ar", "password for"),
        ({"imap_port": "1"}, "imap.ar", "connection was refused"),
        ({"sent": "Gesendet"}, "sent.ar", 'no folder "Gesendet"'),
        ({"security": "tls"}, "imap.ar", "no TLS can be agreed on"),
        ({"smtp_security": "starttls"}, "smtp.ar", "no STARTTLS"),
        ({"smtp": 'username = "nobody"\npassword_file = "password"'}, "smtp.ar", "password for nobody"),
    ],
)
def test_a_fault_is_told_in_words(
    tmp_path: Path,
    account: Account,
    smtp_sink: SmtpSink,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    check: str,
    words: str,
) -> None:
    if "smtp" in changes:
        smtp_sink.then(refuse(At.AUTH, "535 5.7.8 authentication failed"))
    code, checks = doctor(write(tmp_path, account, smtp_sink.port, **changes), capsys)
    assert code == 1
    assert checks[check]["status"] == "error"
    assert words in checks[check]["detail"]


def test_a_certificate_that_nobody_vouches_for(
    tmp_path: Path,
    account: Account,
    smtp_sink: SmtpSink,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    file = write(tmp_path, account, smtp_sink.port, security="tls", imap_port=str(account.imaps_port))
    code, checks = doctor(file, capsys)
    assert code == 1
    assert "does not trust" in checks["imap.ar"]["detail"]


def test_a_broken_configuration_ends_the_examination(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "relance.toml"
    file.write_text('[company]\nname = "M"\n', encoding="utf-8")
    code, checks = doctor(file, capsys)
    assert code == 1
    assert checks["configuration"]["status"] == "error"
    assert "database" not in checks
    assert not (tmp_path / "relance.db").exists()


def test_a_key_open_to_others_is_an_error(
    tmp_path: Path, account: Account, smtp_sink: SmtpSink, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, account, smtp_sink.port)
    doctor(file, capsys)
    (tmp_path / "relance.key").chmod(0o644)
    code, checks = doctor(file, capsys)
    assert code == 1
    assert "chmod 600" in checks["key"]["mend"]


def test_for_people_the_mend_stands_below(
    tmp_path: Path, account: Account, smtp_sink: SmtpSink, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, account, smtp_sink.port, sent="Gesendet")
    assert cli.main(["--config", str(file), "doctor"]) == 1
    out = capsys.readouterr().out
    assert "error    sent.ar" in out
    assert '→ Set mailbox.ar.imap.sent = "Sent".' in out


def test_the_probe_comes_back_and_marks_nothing_as_seen(
    tmp_path: Path, account: Account, postfix: Postfix, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, account, postfix.submissions_port, smtp_security="tls")
    _, checks = doctor(file, capsys, "--probe")
    assert checks["probe.ar"]["status"] == "ok", checks["probe.ar"]
    assert "a tagged address" in checks["reply_tag.ar"]["detail"]
    assert "does not file" in checks["files_sent.ar"]["detail"]
    assert checks["border.ar"]["status"] == "ok"
    with account.client() as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search(["UNSEEN"]) == client.search(["ALL"]) != []


@pytest.mark.parametrize(("delimiter", "arrives"), [("+", True), ("", False)])
@pytest.mark.parametrize("reply_tag", ["off", "plus"])
def test_the_probe_shows_whether_the_border_knows_of_tags(
    tmp_path: Path, account: Account, postfix: Postfix, capsys: pytest.CaptureFixture[str], delimiter: str,
    reply_tag: str, *, arrives: bool,
) -> None:  # fmt: skip
    file = write(tmp_path, account, postfix.submissions_port, smtp_security="tls", reply_tag=reply_tag)
    with postfix.knowing_only(account.address, delimiter):
        code, checks = doctor(file, capsys, "--probe")
    assert checks["probe.ar"]["status"] == "ok", checks["probe.ar"]
    tag = checks["reply_tag.ar"]
    assert ("does not arrive" not in tag["detail"]) is arrives, tag
    would_be_lost = reply_tag == "plus" and not arrives
    assert (tag["status"], tag.get("mend") or "") == (
        ("error", 'Set mailbox.ar.reply_tag = "off".') if would_be_lost else ("ok", "")
    )
    if would_be_lost:
        assert code == 1
