"""How an SMTP session is opened: for a mail and for doctor alike."""

from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from pydantic import SecretStr

from agent.operations import smtp_check
from agent.reminders import wire
from agent.wire import oauth
from agent.wire.smtp import no_log_in
from config import Smtp
from config.errors import NeedsPerson, TemporaryFailure
from tests.builders import ledger
from tests.servers.smtp_sink import At, SmtpSink, refuse

FAR: dict[str, Any] = {"host": "smtp.firm.example"}
OWN: dict[str, Any] = {"password_env": "SMTP_PASSWORD"}
TOKEN: dict[str, Any] = {
    "oauth": {"token_url": "http://127.0.0.1:9/token", "client_id": "relance", "refresh_token_env": "REFRESH"}
}


def smtp(root: Path, **section: Any) -> Smtp:
    imap = {"host": "127.0.0.1", "port": 1, "security": "none", "password_env": "IMAP_PASSWORD"}
    box = {"address": "compta@morel.example", "imap": imap, "smtp": section}
    return ledger.settings(root, mailbox={"ar": box}).mailbox["ar"].smtp


@pytest.mark.parametrize(
    ("section", "offers_auth", "lacking"),
    [
        ({**FAR, **OWN}, False, True),
        ({**FAR, **OWN}, True, False),
        ({**FAR, "security": "starttls", **TOKEN}, False, True),
        (FAR, False, False),
        ({"host": "127.0.0.1", "security": "none", **OWN}, False, False),
    ],
    ids=["a secret of its own", "offered", "a token of its own", "IMAP's secret", "on this machine"],
)
def test_a_secret_that_a_distant_server_does_not_ask_for_is_a_persons(
    tmp_path: Path, section: dict[str, Any], offers_auth: bool, lacking: bool
) -> None:
    found = no_log_in(smtp(tmp_path, **section), offers_auth=offers_auth)
    assert (found is not None) is lacking
    assert found is None or "port" in found.mend


@pytest.fixture
def sink(tmp_path: Path, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> Smtp:
    monkeypatch.setenv("SMTP_PASSWORD", smtp_sink.password)
    return smtp(tmp_path, host="127.0.0.1", port=smtp_sink.port, security="none", username=smtp_sink.username, **OWN)


@pytest.mark.parametrize(
    ("at", "answer", "needs_person"),
    [
        (At.CONNECT, "554 5.7.1 go away", True),
        (At.CONNECT, "421 4.3.2 closing", False),
        (At.AUTH, "535 5.7.8 wrong password", True),
        (At.AUTH, "454 4.7.0 the directory is away", False),
    ],
)
def test_doctor_and_a_mail_tell_one_story_of_a_server(
    sink: Smtp, smtp_sink: SmtpSink, at: At, answer: str, needs_person: bool
) -> None:
    smtp_sink.then(refuse(at, answer), refuse(at, answer))
    with pytest.raises(NeedsPerson if needs_person else TemporaryFailure) as told:
        smtp_check.look(sink)
    mail = wire.Envelope("compta@morel.example", ("ap@customer.example",), b"Subject: a\r\n\r\nb\r\n")
    assert wire.SmtpWire(sink).attempt(mail, lambda: True) == wire.NotTried(str(told.value), needs_person)
    assert answer[:3] in told.value.what
    assert smtp_sink.mails == []


def test_doctor_replaces_a_token_that_was_revoked_as_the_daemon_does(
    tmp_path: Path, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access_token(oauth: object, server: object, *, anew: bool = False) -> SecretStr:
        return SecretStr("new" if anew else "revoked")

    async def auth_xoauth2(self: aiosmtplib.SMTP, username: str, token: str, **_: object) -> None:
        tried.append(token)
        if token == "revoked":
            raise aiosmtplib.SMTPAuthenticationError(535, "5.7.8 token has expired")

    tried: list[str] = []
    monkeypatch.setattr(oauth, "access_token", access_token)
    monkeypatch.setattr(aiosmtplib.SMTP, "auth_xoauth2", auth_xoauth2)
    given = smtp(tmp_path, host="127.0.0.1", port=smtp_sink.port, security="none", **TOKEN)
    assert smtp_check.look(given).logged_in
    assert tried == ["revoked", "new"]
