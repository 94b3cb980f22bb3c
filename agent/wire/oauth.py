"""Access tokens for SASL XOAUTH2, from a refresh token (RFC 6749 section 6).

A token is kept in memory until four fifths of its life are over, and fetched by one thread at a time. It is never
written to disk and never printed. A refresh token that the provider replaces stays the one that the settings name: no
big provider for mailboxes revokes the old one on use, and a daemon that rewrites its secrets cannot be audited.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from dataclasses import dataclass

from pydantic import SecretStr

from agent.wire import http
from config import OAuth, Server
from config.errors import NeedsPerson, RelanceError, TemporaryFailure
from config.secrets import client_secret_of, refresh_token_of

_USED_SHARE_OF_LIFE = 0.8
#: Where the answer names no life (RFC 6749 5.1 allows that).
_USUAL_LIFE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _Kept:
    token: SecretStr
    fresh_until: float  # on the monotonic clock


_kept: dict[tuple[str, str, str], _Kept] = {}
_one_at_a_time = threading.Lock()


def access_token(oauth: OAuth, server: Server, *, anew: bool = False) -> SecretStr:
    """A valid access token; `anew` fetches one even if the kept one seems fresh (after a refused log-in).

    Raises:
        TemporaryFailure: the token server cannot be reached or is out of order.
        NeedsPerson: it refuses the refresh token.
        ConfigError: a secret is not where the settings say.
    """
    account = (oauth.token_url, oauth.client_id, server.username)
    with _one_at_a_time:
        kept = _kept.get(account)
        if kept is not None and not anew and time.monotonic() < kept.fresh_until:
            return kept.token
        asked_at = time.monotonic()
        answer = _ask(oauth, server)
        token = SecretStr(str(answer["access_token"]))
        _kept[account] = _Kept(token, asked_at + _life_seconds(answer) * _USED_SHARE_OF_LIFE)
        return token


def _life_seconds(answer: dict[str, object]) -> float:
    stated = answer.get("expires_in")
    if isinstance(stated, str) and stated.isdecimal():  # some servers quote the number
        return float(stated)
    return float(stated) if isinstance(stated, int | float) else _USUAL_LIFE_SECONDS


def _ask(oauth: OAuth, server: Server) -> dict[str, object]:
    form = {
        "grant_type": "refresh_token",
        "client_id": oauth.client_id,
        "refresh_token": refresh_token_of(oauth, server).get_secret_value(),
    }
    if oauth.scope:
        form["scope"] = oauth.scope
    if (secret := client_secret_of(oauth, server)) is not None:
        form["client_secret"] = secret.get_secret_value()
    parts = urllib.parse.urlsplit(oauth.token_url)
    where = f"token server {parts.hostname}"
    answered = http.ask(oauth.token_url, "token server", body=urllib.parse.urlencode(form).encode())
    if answered.status != 200:
        raise _refusal(answered, where, server)
    try:
        answer = json.loads(answered.body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not answer.get("access_token"):
        raise TemporaryFailure(f"{where}: its answer holds no access token", f"Check {server.key}.oauth.token_url.")
    return answer


def _refusal(answered: http.Answer, where: str, server: Server) -> RelanceError:
    if answered.status in (400, 401, 403):
        return NeedsPerson(
            f"{where}: the refresh token for {server.username} was refused ({_error_code(answered)})",
            f"Grant relance access again and store the new token ({server.key}.oauth).",
        )
    return TemporaryFailure(f"{where}: out of order (HTTP {answered.status})", "It is tried again by itself.")


def _error_code(answered: http.Answer) -> str:
    """The `error` code of RFC 6749 5.2; its free text is left out, for it may quote the request."""
    try:
        code = json.loads(answered.body).get("error")
    except (ValueError, AttributeError):
        code = None
    return code if isinstance(code, str) and code.replace("_", "").isalnum() else f"HTTP {answered.status}"
