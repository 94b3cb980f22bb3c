"""What an operator can set, with the unit and the default of each key.

One frozen value, read once at the start by `config.load` and then handed on as an argument; no module keeps it or reads
it anew. Secrets are not in it: it holds where a secret stands, and `config.secrets.secret_of` fetches it when a
connection is opened. The docstring below each key is the text of the reference in `docs/configuration.md`.
"""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config import fields
from config.environment import EnvironmentSource
from config.fields import Section, wrong
from config.mailboxes import Mailbox

Mode = Literal["observe", "suggest", "automatic"]


class Company(Section):
    """Whose invoices these are. One company, one database."""

    name: fields.Text
    """Name of the company, as customers know it; it signs the reminders."""
    country: fields.Country
    """Country whose holidays and law count where a customer names none (ISO 3166-1, two letters)."""
    currency: fields.Currency
    """Currency of an invoice that names none (ISO 4217, three letters)."""
    language: fields.Language
    """Language of a customer that names none (ISO 639-1, two letters)."""
    timezone: fields.Timezone
    """Time zone of the company, and of a customer that names none (IANA name)."""
    address: str = ""
    """Street, postcode and town, parted by commas, as they stand at the head of a letter."""
    registration: str = ""
    """Legal form, capital, register and number, as the foot of a letter must say in the company's country."""
    signatory: str = ""
    """The person who signs the reminders and can be talked to. Empty: the department alone signs."""
    signatory_title: str = ""
    """What that person is, for example "Credit manager"."""
    phone: str = ""
    """Where that person can be called."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Database(Section):
    """Where the rows are."""

    url: fields.DatabaseUrl = Field(default="sqlite:///relance.db", repr=False)
    """A SQLite file, or `postgresql+psycopg://user@host/database`. A password belongs into the environment
    variable `RELANCE_DATABASE__URL`, not into the file."""


class Ledger(Section):
    """How the ledger that is imported speaks."""

    mode: Literal["payments", "open_items"] = "payments"
    """`payments`: payments lower the balance. `open_items`: the imported list is the truth, and what is gone from it is
    settled."""
    max_age: int = Field(default=3, ge=1, le=60)
    """Working days since the last import of payments (or open items). Older than that, nothing is sent."""


class Policy(Section):
    """How far relance goes without a person."""

    mode: Mode = "observe"
    """`observe`: reads and proposes, sends and changes nothing. `suggest`: a person confirms. `automatic`: acts by
    itself where it is sure."""
    require_authentication: bool = True
    """Whether a sender must have passed authentication at the border. `false`: a known contact with a signed thread key
    is enough."""
    paid_wait_days: int = Field(default=5, ge=1, le=60)
    """Working days that a "paid" waits for the payment to show in the ledger before a person is asked."""
    promise_grace_days: int = Field(default=2, ge=0, le=30)
    """Working days after a promised date before the promise is judged."""
    promise_horizon_days: int = Field(default=30, ge=1, le=365)
    """Days ahead that a promise may lie; one for later goes to a person. The trained model's error bound was measured
    with 30, and says nothing of later days."""
    exception_alarm_days: int = Field(default=5, ge=1, le=60)
    """Working days after which an exception that nobody has settled raises an alarm."""


class Reminders(Section):
    """When reminders go out."""

    plan: fields.PlanName = "standard"
    """Plan of a customer that no plan asks for by a table `[[for]]`."""
    plans: fields.FolderName = "plans"
    """Folder of the company's own plans (`NAME.toml`), beside the configuration file; it need not exist. A plan of
    a shipped name takes its place."""
    gap_days: int = Field(default=7, ge=1, le=90)
    """Days between two mails to the same customer, where the plan says nothing else."""
    sending_hours: fields.SendingHours = fields.Hours(time(8, 30), time(17, 30))
    """Start and end of the time of day when mails may leave, on the customer's clock and working days."""
    quiet_days: tuple[fields.Weekday, ...] = Field(default=(), max_length=3)
    """Working days on which no mail leaves: `["monday"]` where weekend payments are booked in its course."""
    per_customer_per_day: int = Field(default=2, ge=1, le=20)
    """Most reminder mails to one customer on one of its days, over all currencies."""
    jitter_minutes: int = Field(default=0, ge=0, le=240)
    """A mail leaves up to so many minutes after it was planned, so that not all go at the stroke of the hour."""
    notice_days: int = Field(default=8, ge=1, le=60)
    """Days that a formal notice gives for payment."""
    show_answered: bool = False
    """Whether a mail names below its list what is open but not asked for: promised, disputed, reported as paid, by
    direct debit. Otherwise such invoices are left out."""
    one_click: bool = True
    """Whether mails offer answers by one click: paid, will pay on, a problem, a question."""
    derive_segments: bool = False
    """Whether a customer without a segment gets one by the rules of `segments.toml` (shipped, or the company's own
    beside the configuration file): first invoice, always late, broken promises. A segment that the ledger gives goes
    before."""


class Payment(Section):
    """Where customers pay to. Never taken from anywhere else, so that no mail can change it."""

    iban: fields.Iban = ""
    """Account; shown in every reminder, with a QR code for banking apps where the currency is the euro. Empty: none."""
    bic: fields.Bic = ""
    """Bank of the account."""
    payee: str = ""
    """Name of the account's holder. Empty: the company's."""
    qr: bool = True
    """Whether reminders carry the QR code."""


class Charges(Section):
    """Late-payment interest and indemnity, where a step of a plan shows or claims them. Between businesses only."""

    country: fields.Country | None = None
    """Country whose late-payment law counts. Where not given: the company's."""
    contract_rate: Decimal | None = Field(default=None, ge=0, le=100)
    """Per cent a year that the contracts agree on, in place of the statutory rate. `doctor` warns where it lies below
    what the law allows."""
    end_of_month: Literal["none", "first", "last"] = "none"
    """Whether the contracts agree on terms with the end of the month, for the warning at import: `first` to the end of
    the month and then the days (France: 45), `last` the days and then to the end of the month."""
    indemnity: bool = True
    """Whether the fixed indemnity for recovery costs is shown or claimed with the interest."""


class Daemon(Section):
    """How the daemon works."""

    poll_seconds: int = Field(default=60, ge=5, le=3600)
    """Seconds between two looks at each mailbox; new mail is usually noticed at once besides."""


class Audit(Section):
    """Where the head of the event log is noted outside of the database, so that a cut or another history is seen."""

    anchors: Path | None = None
    """One more file to append to (there is always one beside the signing key): on another disk, or one that relance
    may only append to, it proves more."""
    syslog: str = ""
    """Socket of the system's log, as `/dev/log`, which gets each anchor too. Empty: off."""


class Retention(Section):
    """How long personal data is kept, in days. What is owed, waits for a person or is under a legal hold stays."""

    mails: int = Field(default=1825, ge=30)
    """Mails of a customer (raw bytes, text, what was made of it), from the day when the last invoice that they speak of
    was settled: 5 years, as a claim can be brought for so long (French Code de commerce L110-4)."""
    strangers: int = Field(default=365, ge=30)
    """Mails that belong to no customer, from the day when they came, once a person has settled them."""
    contacts: int = Field(default=1095, ge=30)
    """Names, telephones and further addresses of a customer that owes nothing, from the day when its last invoice was
    settled: 3 years, as the CNIL advises for customers who have gone quiet."""


class Objectives(Section):
    """What the company wants to reach; `relance report objectives` and the digest show it beside what was reached."""

    dso: Decimal | None = Field(default=None, ge=0)
    """Most days of sales outstanding, counted back."""
    overdue_share: Decimal | None = Field(default=None, ge=0, le=100)
    """Most per cent of what is open that may be overdue."""
    cei: Decimal | None = Field(default=None, ge=0, le=100)
    """Least collection effectiveness index, in per cent."""
    recovery_rate: Decimal | None = Field(default=None, ge=0, le=100)
    """Least per cent of what was overdue in the period that is collected in it."""
    mean_delay: Decimal | None = Field(default=None, ge=0)
    """Most days between due date and payment, weighted by amount."""
    promises_kept: Decimal | None = Field(default=None, ge=0, le=100)
    """Least per cent of the promises fallen due that are kept."""
    automatic_share: Decimal | None = Field(default=None, ge=0, le=100)
    """Least per cent of people's answers that are handled without a person."""

    @property
    def targets(self) -> dict[str, Decimal]:
        """Those that are set, by name."""
        return {name: value for name, value in self if value is not None}


class Reports(Section):
    """Key figures."""

    window_days: int = Field(default=7, ge=1, le=60)
    """Days after a reminder in which money counts as having followed it."""
    digest_to: tuple[fields.MailAddress, ...] = ()
    """Who gets the weekly digest of all customers by mail."""
    digest_to_account_managers: bool = False
    """Whether each account manager (column `account_manager`, where it is a mail address) gets that of their own."""
    warn_to: tuple[fields.MailAddress, ...] = ()
    """Who is told by mail of a run that went wrong: a server out of reach, a refused mail, sending stopped by relance
    itself, mails that were not handled for an hour. Each trouble once."""
    digest_day: fields.Weekday = "monday"
    """Day of the week on which it leaves, from the start of `sending_hours` on; it tells of the week before."""
    objectives: Objectives = Objectives()


class Oidc(Section):
    """Log-in to the pages at the company's own provider (OpenID Connect), beside local accounts."""

    issuer: fields.WebUrl
    """The provider's issuer; its addresses are read from `/.well-known/openid-configuration` below it."""
    client_id: fields.Text
    """Id under which the pages are registered there; the address to return to is `[web] url` + `/login/oidc/return`."""
    client_secret_env: fields.VariableName | None = None
    """Environment variable that holds the client's secret, where it has one."""
    client_secret_file: Path | None = None
    """File that holds the client's secret, where it has one; readable by its owner only."""
    scopes: tuple[fields.Text, ...] = ("openid", "profile", "email")
    """What is asked for; `groups` where the provider gives the roles' claim only then."""
    roles_claim: fields.Text = "groups"
    """Claim of the ID token that names the groups (or roles) that somebody is in."""
    roles: dict[str, Literal["viewer", "sales", "reviewer", "approver", "admin"]] = Field(default_factory=dict)
    """Role by group, as `{ "Finance" = "approver" }`: the highest counts; in none of them: `default_role`."""
    default_role: Literal["", "viewer", "sales", "reviewer"] = ""
    """Role of whoever the provider knows and no group names; empty: they are turned away."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.client_secret_env is not None and self.client_secret_file is not None:
            wrong("at most one of client_secret_env and client_secret_file", "Take one of them out.")
        if "openid" not in self.scopes:
            wrong('"openid" among the scopes', "Add it: without it there is no ID token.")
        if not self.roles and not self.default_role:
            wrong("roles, or a default_role", 'Add roles = { "Finance" = "reviewer" }: else nobody could log in.')
        return self


class Webhook(Section):
    """One address that is told of changes of state, signed as Standard Webhooks has it."""

    url: fields.WebUrl
    """Where each message is posted to: https, or http on this machine. A redirect is not followed."""
    secret_env: fields.VariableName | None = None
    """Environment variable that holds the secret (`whsec_…`); several, separated by spaces, while one is replaced."""
    secret_file: Path | None = None
    """File that holds the secret; readable by its owner (and group) only."""
    events: tuple[fields.Text, ...] = (
        "invoice.*", "exception.*", "task.*", "promise.*", "dispute.*", "delivery.*", "hold.*", "sending_stop.*",
    )  # fmt: skip
    """Which events; a star stands for the rest of a name. `relance webhooks list` shows what was delivered."""

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if (self.secret_env is None) == (self.secret_file is None):
            wrong("exactly one of secret_env and secret_file", "Say in one way where the secret stands.")
        return self


class Web(Section):
    """The review pages."""

    host: fields.Host = "127.0.0.1"
    """Address to listen on. Another one than this machine's own needs a certificate, or a trusted proxy before it."""
    port: fields.Port = 8425
    """Port to listen on."""
    certificate: Path | None = None
    """File with the TLS certificate and its chain (PEM), where the pages are served by TLS themselves."""
    certificate_key: Path | None = None
    """File with the certificate's private key (PEM)."""
    trusted_proxies: tuple[fields.Text, ...] = ()
    """Addresses of the proxies before the pages, which speak TLS and whose X-Forwarded-For and -Proto are believed."""
    url: fields.WebUrl | None = None
    """Address under which people open the pages, where a proxy stands before them: `https://relance.example.com`."""
    in_daemon: bool = False
    """Whether `relance run` serves the pages as well; else `relance web` does."""
    session_hours: int = Field(default=10, ge=1, le=72)
    """Hours after which a person logs in again."""
    api_rate: fields.MailRate = fields.Rate(300, timedelta(minutes=1))
    """How often one token of the API may ask."""
    oidc: Oidc | None = None
    """Log-in at the company's own provider."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.certificate is None) != (self.certificate_key is None):
            wrong("certificate and certificate_key together", "Give both, or neither.")
        if not fields.is_loopback(self.host) and self.certificate is None and not self.trusted_proxies:
            wrong(
                "a certificate, or trusted_proxies, for another address than this machine's own",
                'Set certificate and certificate_key, or trusted_proxies; or keep host = "127.0.0.1".',
            )
        if self.trusted_proxies and self.url is None:
            wrong("the url under which people open the pages, where a proxy is trusted", 'Add url = "https://…".')
        if self.oidc is not None and self.url is None:
            wrong(
                "the url under which people open the pages, where a provider sends them back", 'Add url = "https://…".'
            )
        return self

    @property
    def is_tls(self) -> bool:
        """Whether browsers speak TLS to it, here or at the proxy."""
        return self.certificate is not None or (self.url or "").startswith("https:")


class Classifier(Section):
    """What reads the answers."""

    model: fields.Text = "default"
    """`default` for the trained model that is shipped or was promoted, or the path of one."""

    audit_percent: int = Field(default=5, ge=0, le=100)
    """Share of the automatic actions that is drawn at random for a person to look at: the one honest measure of how
    often they are wrong here."""
    encoder: fields.Text = "default"
    """The sentence encoder: `default` for the one that comes with relance, `none` to do without: many times as fast
    (model card, section 6), and more is left to people; or the path of a folder with one of your own (`model.onnx` and
    `tokenizer.json`), with which a model has to be trained (`relance train`)."""


class Settings(BaseSettings):
    """The whole configuration. Read it with `config.load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    company: Company
    database: Database = Database()
    ledger: Ledger = Ledger()
    mailbox: dict[fields.MailboxName, Mailbox] = Field(min_length=1)
    """The mailboxes, each under a short name of its own."""
    policy: Policy = Policy()
    reminders: Reminders = Reminders()
    charges: Charges = Charges()
    payment: Payment = Payment()
    daemon: Daemon = Daemon()
    audit: Audit = Audit()
    retention: Retention = Retention()
    reports: Reports = Reports()
    web: Web = Web()
    webhook: dict[fields.MailboxName, Webhook] = {}
    """What is told of changes of state, each under a short name of its own."""
    classifier: Classifier = Classifier()

    _file: Path = PrivateAttr(default=Path("relance.toml"))

    @property
    def file(self) -> Path:
        """The file that this was read from."""
        return self._file

    @property
    def root(self) -> Path:
        """Folder of the configuration file: relative paths count from here."""
        return self._file.absolute().parent

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return self.company.zone

    @property
    def model_path(self) -> Path | None:
        """Path of the trained model, or None for the default one."""
        return None if self.classifier.model == "default" else self.root / self.classifier.model

    @property
    def encoder(self) -> str:
        """The sentence encoder: `default`, `none`, or the path of a folder."""
        named = self.classifier.encoder
        return named if named in ("default", "none") else str(self.root / named)

    def placed(self, file: Path) -> Self:
        """The same settings, knowing which file they came from (and so do their servers)."""
        self._file = file
        for name, mailbox in self.mailbox.items():
            for part, server in (("imap", mailbox.imap), ("smtp", mailbox.smtp)):
                server._key, server._file = f"mailbox.{name}.{part}", file  # noqa: SLF001 a section of this very value
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the names are pydantic-settings'
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The file comes in as arguments, and the environment goes before it; pydantic's own order is the reverse.
        return EnvironmentSource(settings_cls), init_settings
