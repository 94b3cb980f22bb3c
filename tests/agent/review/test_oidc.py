"""Log-in at a company's provider: a small real one on this machine, with keys of its own, that can lie in every way."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from agent.review import oidc, people
from config import Oidc
from models import Database, Event, User
from models.user import Role
from tests.builders.desk import NOW, Browser, Office, office

CLIENT = "relance-desk"
OURS = "http://127.0.0.1"


@dataclass
class Provider:
    """An OpenID provider: what it says of whoever logs in, and how it lies where a test wants it to."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    claims: dict[str, Any] = field(default_factory=dict)
    signed_with: Any = None
    algorithm: str = "RS256"
    issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    redeemed: list[dict[str, str]] = field(default_factory=list)
    tampered: bool = False

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.described),
                Route("/authorize", self.authorized),
                Route("/token", self.exchanged, methods=["POST"]),
                Route("/keys", self.published),
            ]
        )

    async def described(self, _: Request) -> Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse(
            {"issuer": self.issuer, "end_session_endpoint": f"{self.issuer}/end"}
            | {name: f"{self.issuer}/{path}" for name, path in names.items()}
        )

    async def published(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorized(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    async def exchanged(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.redeemed.append(form)
        now = int(NOW.timestamp())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "preferred_username": "lea", "email": "lea@morel.example", "groups": ["Finance"],
        }  # fmt: skip
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        token = jwt.encode(
            {"alg": self.algorithm, "kid": "k1"}, claims, self.signed_with or self.key, algorithms=[self.algorithm]
        )
        if self.tampered:
            head, _, tail = token.split(".")
            body = json.dumps(claims | {"groups": ["Bosses"]}).encode()
            token = ".".join([head, base64.urlsafe_b64encode(body).rstrip(b"=").decode(), tail])
        return JSONResponse({"id_token": token, "access_token": "x", "token_type": "Bearer"})


@pytest.fixture(scope="module")
def serving() -> Iterator[Provider]:
    provider = Provider()
    server = uvicorn.Server(uvicorn.Config(provider.app(), port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    provider.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield provider
    server.should_exit = True
    thread.join()


@pytest.fixture
def provider(serving: Provider) -> Provider:
    serving.claims, serving.signed_with, serving.algorithm, serving.tampered = {}, None, "RS256", False
    serving.codes.clear()
    serving.redeemed.clear()
    return serving


@pytest.fixture
def desk(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("OIDC_SECRET", "a-secret-of-the-pages")
    found = Database.open(f"sqlite:///{tmp_path / 'relance.db'}", tmp_path, NOW)
    settings = {
        "issuer": provider.issuer, "client_id": CLIENT, "client_secret_env": "OIDC_SECRET",
        "roles": {"Finance": "reviewer", "Bosses": "admin"},
    }  # fmt: skip
    with office(found, tmp_path, web={"url": OURS, "oidc": settings}) as made:
        yield made
    found.close()


def logged_in(browser: Browser, to: str = "/") -> Any:
    """Go the whole way: to the provider and back; the answer of our own last page."""
    import httpx2

    there = browser.get(f"/login/oidc?to={to}").headers["location"]
    back = httpx2.get(there, follow_redirects=False).headers["location"]
    assert back.startswith(OURS)
    return browser.get(back.removeprefix(OURS))


def test_the_first_log_in_makes_an_account_with_the_role_of_the_group(desk: Office, provider: Provider) -> None:
    browser = Browser(desk.client())
    answered = logged_in(browser, "/customers")
    assert (answered.status_code, answered.headers["location"]) == (303, "/customers")
    assert browser.get("/").status_code == 200
    with desk.database.read() as session:
        user = session.scalars(select(User)).one()
        assert (user.name, user.role, user.password_hash) == ("lea", Role.REVIEWER, None)
        assert {"user.added", "user.logged_in"} <= set(session.scalars(select(Event.kind)))
    assert provider.redeemed[0]["client_secret"] == "a-secret-of-the-pages"


def test_the_second_log_in_is_the_same_account_with_the_role_of_today(desk: Office, provider: Provider) -> None:
    logged_in(Browser(desk.client()))
    provider.claims = {"preferred_username": "lea.dupont", "groups": ["Finance", "Bosses"]}
    logged_in(Browser(desk.client()))
    with desk.database.read() as session:
        user = session.scalars(select(User)).one()
        assert (user.name, user.role) == ("lea", Role.ADMIN)


def test_who_lost_the_group_is_turned_away_and_nothing_of_them_is_left_open(desk: Office, provider: Provider) -> None:
    browser = Browser(desk.client())
    provider.claims = {"groups": ["Kitchen"]}
    assert logged_in(browser).status_code == 401
    assert browser.get("/").status_code == 303
    with desk.database.read() as session:
        assert session.scalars(select(User)).all() == []


def test_nobody_becomes_an_administrator_by_default() -> None:
    with pytest.raises(ValueError, match="default_role"):
        Oidc.model_validate({"issuer": "https://id.example", "client_id": "x", "default_role": "admin"})
    settings = Oidc.model_validate({"issuer": "https://id.example", "client_id": "x", "default_role": "viewer"})
    assert oidc.role_of(settings, {"groups": ["admin", "Bosses"]}) is Role.VIEWER


LIES: dict[str, dict[str, Any]] = {
    "another audience": {"claims": {"aud": "other-program"}},
    "no audience": {"claims": {"aud": None}},
    "several audiences and no party": {"claims": {"aud": [CLIENT, "other-program"]}},
    "another party": {"claims": {"azp": "other-program"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "another nonce": {"claims": {"nonce": "of-another-log-in"}},
    "no nonce": {"claims": {"nonce": None}},
    "expired": {"claims": {"exp": int((NOW - timedelta(minutes=2)).timestamp())}},
    "without an end": {"claims": {"exp": None}},
    "issued tomorrow": {"claims": {"iat": int((NOW + timedelta(days=1)).timestamp())}},
    "nobody": {"claims": {"sub": None}},
    "signed by another key": {"signed_with": RSAKey.generate_key(2048, {"kid": "k1"})},
    "signed with the client's own secret": {
        "signed_with": OctKey.import_key("a-secret-of-the-pages"),
        "algorithm": "HS256",
    },
    "changed after it was signed": {"tampered": True},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_does_not_hold_lets_nobody_in(desk: Office, provider: Provider, lie: str) -> None:
    for name, value in LIES[lie].items():
        setattr(provider, name, value)
    browser = Browser(desk.client())
    assert logged_in(browser).status_code == 401
    assert browser.get("/").status_code == 303
    assert len(provider.redeemed) == 1, "the token was fetched, and refused"
    with desk.database.read() as session:
        assert session.scalars(select(User)).all() == []


def test_an_unsigned_token_lets_nobody_in() -> None:
    settings = Oidc.model_validate({"issuer": "https://id.example", "client_id": "x", "default_role": "viewer"})
    body = base64.urlsafe_b64encode(json.dumps({"iss": "https://id.example", "sub": "u"}).encode()).rstrip(b"=")
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=")
    from joserfc.jwk import KeySet

    with pytest.raises(oidc.NotProven):
        oidc.proven(f"{head.decode()}.{body.decode()}.", KeySet([RSAKey.generate_key(2048)]), settings, "n", NOW)


def test_a_return_that_was_not_begun_here_is_refused(desk: Office, provider: Provider) -> None:
    import httpx2

    victim, attacker = Browser(desk.client()), Browser(desk.client())
    there = attacker.get("/login/oidc").headers["location"]
    back = httpx2.get(there, follow_redirects=False).headers["location"].removeprefix(OURS)
    assert victim.get(back).status_code == 401
    victim.get("/login/oidc")
    assert victim.get(back).status_code == 401, "another state"
    assert victim.get("/").status_code == 303


def test_a_return_counts_once(desk: Office, provider: Provider) -> None:
    import httpx2

    browser = Browser(desk.client())
    back = httpx2.get(browser.get("/login/oidc").headers["location"]).headers["location"].removeprefix(OURS)
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 401


def test_what_the_browser_is_sent_with_is_a_challenge_and_no_verifier(desk: Office, provider: Provider) -> None:
    asked = parse_qs(urlsplit(Browser(desk.client()).get("/login/oidc").headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{OURS}/login/oidc/return"]
    assert "code_verifier" not in asked
    assert "client_secret" not in asked


def test_a_local_account_is_never_taken_over(desk: Office, provider: Provider) -> None:
    desk.person("lea")
    assert logged_in(Browser(desk.client())).status_code == 401
    with desk.database.read() as session:
        assert session.scalars(select(User)).one().provider_subject is None


def test_a_disabled_account_stays_out(desk: Office, provider: Provider) -> None:
    logged_in(Browser(desk.client()))
    with desk.database.write() as session:
        people.disable(session, people.find(session, "lea"), by="root", at=NOW)
    assert logged_in(Browser(desk.client())).status_code == 401


def test_logging_out_offers_the_providers_own_end(desk: Office, provider: Provider) -> None:
    browser = Browser(desk.client())
    logged_in(browser)
    token = browser.token()
    out = browser.client.post("/logout", data={"csrf": token})
    assert out.headers["location"] == "/login?out=1"
    assert "/logout/oidc" in browser.get("/login?out=1").text
    there = browser.get("/logout/oidc").headers["location"]
    assert there.startswith(f"{provider.issuer}/end?client_id={CLIENT}")
    assert browser.get("/").status_code == 303


def test_the_button_is_there_only_where_a_provider_is_set(desk: Office, small_desk: Office) -> None:
    assert "/login/oidc" in desk.client().get("/login").text
    assert "/login/oidc" not in small_desk.client().get("/login").text
    assert small_desk.client().get("/login/oidc").status_code == 409
