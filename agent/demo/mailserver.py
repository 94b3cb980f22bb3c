"""The mail system of the simulated world, in one thread on random ports of this machine: real sockets, nothing leaves.

    IMAP        one mailbox of the company, with INBOX and Sent (pymap, in memory)
    submission  where the company hands over what it sends, after log-in; carries it to the customers' mailboxes, or
                reports to the company that there is no such address
    border      where the world hands over mail for the company: judged, stamped, put into INBOX (`agent.demo.border`)

The dates that mails get are those of the simulated clock. What is received outside is kept until somebody asks.

What it does not do: TLS, greylisting, queues, or anything that a mail system needs among strangers. pymap may lose the
wake-up of an IDLE command; the demo asks the mailbox instead of waiting for it to call.
"""

import asyncio
import logging
import threading
from argparse import Namespace
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pymap.backend.dict import Config, Login
from pymap.backend.dict.mailbox import MailboxData
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata

from agent.demo import border
from agent.demo.border import Border, Peer

HOST = "127.0.0.1"
START_SECONDS = 30.0
CALL_SECONDS = 30.0

ROUNDS = 1_000
"""Of the hash of a password that lives for a minute; the usual million takes a third of a second a log-in."""

# aiosmtpd tells the log that its own log-in uses what its own next version will not have.
logging.getLogger("mail.log").addHandler(logging.NullHandler())

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """The company's mailbox: its address is the name to log in with, for IMAP and submission alike."""

    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Post:
    """A mail as it came to an address outside of the company."""

    sender: str
    recipient: str
    raw: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Outside:
    """The world that the company writes to."""

    published: Mapping[str, str]
    """By domain: the address on the network that its mails come from."""
    mailboxes: frozenset[str]
    """The addresses that exist."""


class DemoMail:
    """The servers; a context manager. ``clock`` gives the simulated moment."""

    def __init__(self, account: Account, company: Border, outside: Outside, clock: Callable[[], datetime]) -> None:
        self.account = account
        self.company = company
        self.outside = outside
        self.clock = clock
        self.imap_port = 0
        self.submission_port = 0
        self.border_port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="demo-mail", daemon=True)
        self._running: set[asyncio.Task[Any]] = set()
        self._servers: list[asyncio.Server] = []
        self._received: list[Post] = []
        self._bounces = 0
        self._inbox: MailboxData | None = None
        self._failure: BaseException | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise TimeoutError("the demo's mail servers did not come up")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(CALL_SECONDS)

    def received(self) -> list[Post]:
        """What came to addresses outside since the last call, oldest first."""
        return self._call(self._take())

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:  # no port, no loopback: told to whoever starts us
            self._failure = error
        finally:
            self._started.set()
            self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)

    async def _take(self) -> list[Post]:
        taken, self._received = self._received, []
        return taken

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        await self._open_imap()
        self.submission_port = await self._open_smtp(_Submission(self), self._log_in)
        self.border_port = await self._open_smtp(_Border(self), None)
        self._started.set()
        await self._stopping.wait()
        await self._close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    # --- IMAP ---------------------------------------------------------------------------------------------------------

    async def _open_imap(self) -> None:
        arguments = Namespace(proxy_protocol=None, passlib_cfg=None)
        config = _Imap(
            arguments,
            host=HOST,
            port=0,
            tls_enabled=False,
            demo_data=False,
            demo_user=self.account.address,
            demo_password=self.account.password,
        )
        config.apply_context()
        login = Login(config)
        hashed = config.hash_context.copy(rounds=ROUNDS).hash(self.account.password)
        await login.demo_user_identity.set(UserMetadata(config, self.account.address, password=hashed))
        self._inbox = await _folders(login)
        imap = IMAPServer(login, config)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # asyncio keeps only a weak reference to the task of a connection: ours is what keeps it alive.
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await imap(reader, writer, cast(Any, _HERE))

        server = await asyncio.start_server(connected, HOST, 0)
        self._servers.append(server)
        self.imap_port = _port_of(server)

    async def put_into_inbox(self, raw: bytes) -> None:
        """A mail that has arrived, with the simulated moment as its date of arrival. On the servers' own thread."""
        assert self._inbox is not None
        await self._inbox.append(AppendMessage(raw, self.clock()))

    # --- SMTP ---------------------------------------------------------------------------------------------------------

    async def _open_smtp(self, handler: object, authenticator: Any) -> int:
        server = await self._loop.create_server(
            lambda: SMTP(
                handler,
                hostname=self.company.host,
                ident="demo",
                authenticator=authenticator,
                auth_require_tls=False,
                loop=self._loop,
            ),
            HOST,
            0,
        )
        self._servers.append(server)
        return _port_of(server)

    def _log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:  # noqa: ARG002 aiosmtpd's form
        known = LoginPassword(self.account.address.encode(), self.account.password.encode())
        return AuthResult(success=data == known, handled=False)

    async def carry(self, envelope: Envelope) -> None:
        """Take a mail of the company out into the world; what has nowhere to go is reported to its sender."""
        raw, sender = envelope.original_content or b"", envelope.mail_from or ""
        for recipient in envelope.rcpt_tos:
            if recipient.lower() in self.outside.mailboxes:
                self._received.append(Post(sender, recipient.lower(), raw, self.clock()))
            else:
                self._bounces += 1
                await self.put_into_inbox(
                    border.bounce(raw, sender, recipient, self.company, self.clock(), self._bounces)
                )


class _Submission:
    """The company's way out: whoever has logged in may send to anybody, in its own name only."""

    def __init__(self, mail: DemoMail) -> None:
        self._mail = mail

    async def handle_MAIL(
        self,
        server: SMTP,  # noqa: ARG002 aiosmtpd's form
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if address.lower() != self._mail.account.address:
            return f"553 5.7.1 <{address}>: not owned by this user"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002
        await self._mail.carry(envelope)
        return "250 2.0.0 Ok: queued"


class _Border:
    """The company's way in: no log-in, and only for its own address."""

    def __init__(self, mail: DemoMail) -> None:
        self._mail = mail

    async def handle_RCPT(
        self,
        server: SMTP,  # noqa: ARG002 aiosmtpd's form
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if border.domain_of(address) != self._mail.company.domain:
            return "554 5.7.1 Relay access denied"
        if address.lower() != self._mail.account.address:
            return f"550 5.1.1 <{address}>: User unknown"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002
        mail = self._mail
        address = session.peer[0] if session.peer is not None else ""
        peer = Peer(str(address), str(session.host_name), envelope.mail_from or "")
        raw = border.accepted(
            envelope.original_content or b"",
            peer,
            envelope.rcpt_tos[0],
            mail.company,
            mail.outside.published,
            mail.clock(),
        )
        await mail.put_into_inbox(raw)
        return "250 2.0.0 Ok"


async def _folders(login: Login) -> MailboxData:
    """Make the account's folders; INBOX."""
    async with login.demo_user_identity.new_session() as session:
        await session.mailbox_set.add_mailbox("Sent")
        return await session.mailbox_set.get_mailbox("INBOX")


class _Imap(Config):
    @property
    def greeting(self) -> bytes:
        # pymap would ask the resolver for this machine's name, which takes seconds where there is no network.
        return b"demo mail server ready"


@dataclass(frozen=True, slots=True)
class _PeerOfImap:
    """What pymap asks of a connection's other end, without the proxy protocol that it would ask it by."""

    dnsbl: str | None = None
    from_localhost: bool = True


_HERE = _PeerOfImap()


def _port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
