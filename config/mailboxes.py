"""What an operator can set of a mailbox: its servers, how it logs in, and whose word on senders counts.

Part of `config.settings`, which says how the docstring below each key is used.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from config import fields
from config.fields import Section, wrong

_WAYS_TO_A_SECRET = ("password_env", "password_file", "password_keyring", "oauth")
_LOGIN_KEYS = ("username", *_WAYS_TO_A_SECRET)
_IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
_SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}
#: Exchange Online: 30 messages a minute, 10,000 recipients a day; Google Workspace: 2,000 messages in rolling 24 hours
#: (their documentation as of 2026). Some room is left for the people who write from the same mailbox.
_PROVIDER_RATES: dict[str, tuple[fields.Rate, ...]] = {
    "own": (),
    "m365": (fields.Rate(30, timedelta(minutes=1)), fields.Rate(9000, timedelta(days=1))),
    "google": (fields.Rate(1800, timedelta(days=1)),),
}
#: The authserv-id that Gmail's border writes into Authentication-Results (RFC 8601 2.5).
_GMAIL_AUTHSERV_ID = "mx.google.com"


class OAuth(Section):
    """Log-in by OAuth 2 (SASL XOAUTH2) with a refresh token, where a provider takes no passwords."""

    token_url: fields.WebUrl
    """Address that gives an access token for the refresh token (RFC 6749 section 6)."""
    client_id: fields.Text
    """Id under which relance is registered with the provider."""
    scope: str = ""
    """Scope to ask for, where the provider wants one named."""
    refresh_token_env: fields.VariableName | None = None
    """Environment variable that holds the refresh token."""
    refresh_token_file: Path | None = None
    """File that holds the refresh token; readable by its owner only."""
    client_secret_env: fields.VariableName | None = None
    """Environment variable that holds the client's secret, where it has one."""
    client_secret_file: Path | None = None
    """File that holds the client's secret, where it has one."""

    @model_validator(mode="after")
    def _one_refresh_token(self) -> Self:
        if (self.refresh_token_env is None) == (self.refresh_token_file is None):
            wrong("exactly one of refresh_token_env and refresh_token_file", "Say in one way where the token stands.")
        if self.client_secret_env is not None and self.client_secret_file is not None:
            wrong("at most one of client_secret_env and client_secret_file", "Take one of them out.")
        return self


class Server(Section):
    """What a connection to IMAP and to SMTP have in common."""

    host: fields.Host
    """Name or address of the server."""
    port: fields.Port
    """Port. Where not given: IMAP 993 (tls) or 143, SMTP 465 (tls), 587 (starttls) or 25."""
    security: Literal["tls", "starttls", "none"] = "tls"
    """`tls` from the first byte, `starttls` demanded after connecting, `none` for a server on this machine only."""
    username: str = ""
    """Name to log in with. Where empty: the mailbox's address."""
    password_env: fields.VariableName | None = None
    """Environment variable that holds the password."""
    password_file: Path | None = None
    """File that holds the password; readable by its owner (and group) only."""
    password_keyring: fields.Text | None = None
    """Service name under which the system's keyring keeps the password of `username`."""
    oauth: OAuth | None = None
    """Log in by OAuth 2 instead of a password."""

    # Where this section stands in the file, so that a secret that is missing can be told with its key.
    _key: str = PrivateAttr(default="")
    _file: Path = PrivateAttr(default=Path("relance.toml"))

    @property
    def key(self) -> str:
        """Dotted path of this section, as `mailbox.ar.imap`."""
        return self._key

    @property
    def file(self) -> Path:
        """The configuration file; relative paths of secrets count from its folder."""
        return self._file

    @property
    def names_a_secret(self) -> bool:
        return any(getattr(self, way) is not None for way in _WAYS_TO_A_SECRET)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.security == "none" and not fields.is_loopback(self.host):
            wrong(
                'security "tls" or "starttls" for a server on another machine',
                'Set security = "tls" (or "starttls"): "none" would show password and mails to the network.',
            )
        if sum(getattr(self, way) is not None for way in _WAYS_TO_A_SECRET) > 1:
            wrong(f"only one of {', '.join(_WAYS_TO_A_SECRET)}", "Keep one of them.")
        return self


def _with_port(data: Any, ports: dict[str, int]) -> Any:
    if not isinstance(data, dict) or "port" in data:
        return data
    return {**data, "port": ports.get(str(data.get("security", "tls")), ports["tls"])}


class Imap(Server):
    """Where mail is read. Nothing is deleted, moved or marked as seen there."""

    folders: tuple[fields.Text, ...] = ("*",)
    """Folders to watch; `*` stands for any text. Drafts are always left out."""
    exclude: tuple[fields.Text, ...] = ()
    """Folders not to watch, in the same notation."""
    sent: fields.Text = "Sent"
    """Folder of sent mail."""

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        return _with_port(data, _IMAP_PORTS)

    @model_validator(mode="after")
    def _has_a_login(self) -> Self:
        if not self.names_a_secret:
            wrong(f"one of {', '.join(_WAYS_TO_A_SECRET)}", 'Add, for example, password_env = "RELANCE_IMAP_PASSWORD".')
        return self


class Smtp(Server):
    """How mail is sent. The log-in is that of IMAP where none is given here."""

    rate: fields.MailRate = fields.Rate(25, timedelta(minutes=1))
    """Most mails in a second, minute, hour or day, over all workers."""
    provider: Literal["own", "m365", "google"] = "own"
    """Whose limits count besides `rate`, with room left for people: `m365` 30 a minute and 9,000 a day, `google` 1,800
    a day, `own` none."""
    per_hour: int = Field(default=0, ge=0, le=100000)
    """Most mails in any 60 minutes, over all workers; 0: no such limit."""
    per_day: int = Field(default=0, ge=0, le=1000000)
    """Most mails in any 24 hours, over all workers; 0: that of the provider."""
    redirect_all_to: fields.MailAddressOrNothing = ""
    """An address that gets every mail instead of the customers: for a staging copy. Empty: off."""
    files_sent: bool = False
    """Whether the provider puts a copy of what is sent into the Sent folder by itself (`doctor --probe` finds out)."""

    _log_in_is_imaps: bool = PrivateAttr(default=False)

    @property
    def has_own_log_in(self) -> bool:
        """Whether a secret is named for this server, and not only for IMAP."""
        return self.names_a_secret and not self._log_in_is_imaps

    @property
    def rates(self) -> tuple[fields.Rate, ...]:
        """Every limit that counts: the set ones, and the provider's where none is set for that time."""
        hour, day = timedelta(hours=1), timedelta(days=1)
        known = _PROVIDER_RATES[self.provider]
        if self.per_day:
            known = tuple(rate for rate in known if rate.period != day)
        own = [(self.per_hour, hour), (self.per_day, day)]
        return (self.rate, *known, *(fields.Rate(count, period) for count, period in own if count))

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        return _with_port(data, _SMTP_PORTS)


class Mailbox(Section):
    """One shared mailbox that is read; of several, reminders come from the first one of the file."""

    address: fields.MailAddress
    """Address of the mailbox."""
    border: Literal["own", "m365", "gmail"] = "own"
    """Whose Authentication-Results count, and where they stand: an own mail server, Microsoft 365 or Gmail."""
    authserv_id: str = ""
    """Name under which the border writes Authentication-Results (RFC 8601). Where empty with an `own` border no sender
    counts as authenticated, and every answer waits for a person."""
    local_filter: bool = False
    """A content filter on the mail server's own machine (amavis and the like) hands each mail back to it over the
    loopback. Such hops are passed over, so that the lines above the one before count. Only where no other program of
    that machine hands in mails whose header strangers choose, as a web form may. Only with an `own` border."""
    reply_tag: Literal["off", "plus", "catchall"] = "off"
    """Put a signed tag into the Reply-To address: `plus` (name+tag@domain) or `catchall` (tag@domain), once
    `doctor --probe` has shown that such mail arrives."""
    imap: Imap
    smtp: Smtp

    @property
    def domain(self) -> str:
        """The domain of the address, in small letters."""
        return self.address.partition("@")[2]

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        # A frozen model is completed here once, before anybody has seen it; hence the plain object's setter.
        if self.border == "gmail" and not self.authserv_id:
            object.__setattr__(self, "authserv_id", _GMAIL_AUTHSERV_ID)
        if self.local_filter and self.border != "own":
            raise ValueError("local_filter is for an `own` border: Microsoft's and Gmail's have no such filter")
        if not self.imap.username:
            object.__setattr__(self.imap, "username", self.address)
        if not self.smtp.names_a_secret:
            inherited = {key: getattr(self.imap, key) for key in _LOGIN_KEYS}
            if self.smtp.username:
                inherited.pop("username")
            smtp = self.smtp.model_copy(update=inherited)
            smtp._log_in_is_imaps = True  # noqa: SLF001 its neighbour, completed here
            object.__setattr__(self, "smtp", smtp)
        elif not self.smtp.username:
            object.__setattr__(self.smtp, "username", self.imap.username)
        return self
