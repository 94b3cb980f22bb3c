"""Log-in at the company's own provider: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).

What the provider says is believed only as a signed ID token that was made for us, just now, for this very log-in:
issuer, audience, times and nonce are checked, and the signature by the keys that the provider publishes (joserfc).
Nothing is kept between two log-ins, so that a changed key or address counts at once.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from agent.wire import http
from config import Oidc
from config.errors import NeedsPerson, TemporaryFailure
from config.fields import is_loopback
from models.user import Role

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by a key of the provider's own; never none, and never our secret (HS…)."""
LEEWAY_SECONDS = 60
"""How far the two clocks may be apart."""
_RANKS = (Role.VIEWER, Role.SALES, Role.REVIEWER, Role.APPROVER, Role.ADMIN)


class NotProven(NeedsPerson):
    """What came back from the provider proves nobody."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The addresses that the provider publishes."""

    authorize: str
    token: str
    keys: str
    end_session: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A log-in that was begun, as the browser's session keeps it until the provider sends it back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Pending":
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the provider has proven. ``subject``: issuer and subject, which never change."""

    subject: str
    name: str
    email: str | None
    role: Role


def discover(oidc: Oidc) -> Provider:
    """Read the provider's own description. Raises TemporaryFailure or NeedsPerson."""
    found = _document(f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != oidc.issuer:
        raise NeedsPerson(
            "the log-in provider calls itself by another name than web.oidc.issuer", "Write it as the provider does."
        )
    return Provider(
        _address(found, "authorization_endpoint"), _address(found, "token_endpoint"), _address(found, "jwks_uri"),
        _address(found, "end_session_endpoint") if "end_session_endpoint" in found else None,
    )  # fmt: skip


def _address(found: Mapping[str, Any], name: str) -> str:
    url = found.get(name)
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))):
        raise NeedsPerson(f"the log-in provider names no https address as its {name}")
    return str(url)


def way_there(provider: Provider, oidc: Oidc, pending: Pending, back: str) -> str:
    """The address at which the browser logs in."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": oidc.client_id,
        "redirect_uri": back,
        "scope": " ".join(oidc.scopes),
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{provider.authorize}{'&' if '?' in provider.authorize else '?'}{urlencode(query)}"


def way_out(provider: Provider, oidc: Oidc, back: str) -> str | None:
    """The address at which the provider's own session ends, where it has one."""
    if provider.end_session is None:
        return None
    query = urlencode({"client_id": oidc.client_id, "post_logout_redirect_uri": back})
    return f"{provider.end_session}{'&' if '?' in provider.end_session else '?'}{query}"


def redeem(provider: Provider, oidc: Oidc, secret: str | None, code: str, pending: Pending, back: str) -> str:
    """The ID token for the code that came back, unchecked. Raises NotProven, TemporaryFailure or NeedsPerson."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "client_id": oidc.client_id,
        "code_verifier": pending.verifier,
    }
    if secret is not None:
        form["client_secret"] = secret
    answer = http.ask(provider.token, "log-in provider", body=urlencode(form).encode())
    if answer.status >= 500:
        raise TemporaryFailure(f"the log-in provider is out of order (HTTP {answer.status})")
    try:
        token = json.loads(answer.body).get("id_token") if answer.status == 200 else None
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str):
        raise NotProven(f"the log-in provider gave no ID token (HTTP {answer.status})")
    return token


def keys_of(provider: Provider) -> KeySet:
    """The keys that the provider signs with now."""
    try:
        return KeySet.import_key_set(_document(provider.keys))  # type: ignore[arg-type]  # checked by the library
    except (JoseError, ValueError, KeyError, TypeError):
        raise TemporaryFailure("the log-in provider publishes no keys that can be read") from None


def proven(token: str, keys: KeySet, oidc: Oidc, nonce: str, now: datetime) -> Person:
    """Who it is. Raises NotProven where anything about the token does not hold, or no role follows from it."""
    try:
        claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": oidc.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": oidc.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise NotProven(f"the ID token does not hold ({type(error).__name__})") from None
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims.get("azp", oidc.client_id) != oidc.client_id or (len(audience) > 1 and "azp" not in claims):
        raise NotProven("the ID token was made for another program")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise NotProven("the ID token names nobody")
    role = role_of(oidc, claims)
    if role is None:
        raise NotProven("none of your groups may use these pages", "Ask for one of those that [web.oidc] roles names.")
    email = claims.get("email") if claims.get("email_verified", True) is True else None
    email = email if isinstance(email, str) and 0 < len(email) <= 320 else None
    return Person(f"{oidc.issuer}|{claims['sub']}", _name(claims, email), email, role)


def role_of(oidc: Oidc, claims: Mapping[str, Any]) -> Role | None:
    """The highest role that a group gives; an administrator is made by no default."""
    groups = claims.get(oidc.roles_claim, [])
    named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    found = [Role(oidc.roles[group]) for group in named if isinstance(group, str) and group in oidc.roles]
    if found:
        return max(found, key=_RANKS.index)
    return Role(oidc.default_role) if oidc.default_role else None


def _name(claims: Mapping[str, Any], email: str | None) -> str:
    """The name under which deeds stand in the log."""
    for value in (claims.get("preferred_username"), email, claims["sub"]):
        if isinstance(value, str) and (bare := re.sub(r"[^A-Za-z0-9._@-]", "", value).lstrip("._@-")):
            return bare[:64]
    raise NotProven("the ID token names nobody")


def _document(url: str) -> dict[str, Any]:
    answer = http.ask(url, "log-in provider")
    try:
        found = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise TemporaryFailure(f"the log-in provider does not describe itself (HTTP {answer.status})")
    return found
