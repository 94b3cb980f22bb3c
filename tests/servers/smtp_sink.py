"""An SMTP server that records what it gets and misbehaves on request.

A submission server can fail at each step of a mail, and the steps mean different things for whether the mail is
out: before the final dot it can't be, once the dot was answered it is, and in between nobody knows. So a test
names the step:

    smtp_sink.then(refuse(At.RCPT, "550 5.1.1 no such user"))
    smtp_sink.then(cut(At.BODY))            # the mail's body comes, and the connection breaks before the dot
    smtp_sink.then(cut(At.DOT))             # the mail was accepted, its answer never arrives: `mails` has it
    smtp_sink.then(stall(At.DOT))           # neither yes nor no, until `release()` or the client hangs up

Reactions are used up in their order: the first waits for its step and is gone. What no reaction is waiting for
goes well. The server speaks AUTH PLAIN (user name and password below), no TLS.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

# aiosmtpd tells the log at each log-in that its own code uses what its own next version will not have.
logging.getLogger("mail.log").addHandler(logging.NullHandler())

Answer = TypeVar("Answer")

USERNAME = "ar@example.test"
PASSWORD = "hush-of-the-sink"


class At(StrEnum):
    """A step of an SMTP session (RFC 5321, section 3.3)."""

    CONNECT = "connect"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    """The answer to the command DATA, in place of 354."""
    BODY = "body"
    """354 was said, the mail is on its way, its final dot has not come."""
    DOT = "dot"
    """The mail is here, and waits for its answer."""


@dataclass(frozen=True, slots=True)
class Reaction:
    at: At
    answer: str | None = None
    """What is said in place of yes; None: the connection breaks."""
    stalls: bool = False
    """Nothing is said until the sink is released, or the client hangs up."""
    to: str | None = None
    """At RCPT, the only recipient that it waits for."""


def refuse(at: At, answer: str, to: str | None = None) -> Reaction:
    """Say no: 4xx is temporary, 5xx is final. A refused mail is not recorded. ``to``: this recipient only."""
    if at is At.BODY:
        raise ValueError("a server can't speak while the body comes: refuse at DATA or at DOT")
    return Reaction(at, answer, to=to)


def cut(at: At) -> Reaction:
    """Break the connection. At DOT the mail was accepted, and is recorded, but the client can't know."""
    return Reaction(at)


def stall(at: At) -> Reaction:
    """Say nothing. At DOT the mail is recorded first."""
    return Reaction(at, stalls=True)


@dataclass(frozen=True, slots=True)
class Mail:
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    user: str | None
    """Who had logged in."""


class SmtpSink:
    """The running server. All its public names may be used from the test's thread."""

    host = "127.0.0.1"
    username = USERNAME
    password = PASSWORD

    def __init__(self) -> None:
        self.port = 0
        self._mails: list[Mail] = []
        self._connections = 0
        self._abandoned = 0
        self._reactions: deque[Reaction] = deque()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._sessions: set[_Scripted] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-sink", daemon=True)

    @property
    def mails(self) -> list[Mail]:
        """What was accepted, in the order of the dots."""
        with self._changed:
            return list(self._mails)

    @property
    def connections(self) -> int:
        with self._changed:
            return self._connections

    @property
    def abandoned(self) -> int:
        """Mails whose client broke off between the 354 and the dot."""
        with self._changed:
            return self._abandoned

    @property
    def unused(self) -> list[Reaction]:
        """Reactions whose step has not come: a test that ends with one has not tested what it says."""
        with self._changed:
            return list(self._reactions)

    def then(self, *reactions: Reaction) -> None:
        with self._changed:
            self._reactions.extend(reactions)

    def release(self) -> None:
        """Let every stalled session go on, as if nothing had been."""
        self._loop.call_soon_threadsafe(self._released.set)

    def wait_for_mails(self, count: int = 1, seconds: float = 20) -> list[Mail]:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._mails) >= count, seconds):
                raise TimeoutError(f"{len(self._mails)} of {count} mails after {seconds:g} s")
            return list(self._mails)

    def start(self) -> None:
        self._thread.start()
        self._server = self._wait(self._loop.create_server(lambda: _Scripted(self, self._loop), self.host, 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def take(self, at: At, to: str | None = None) -> Reaction | None:
        """The reaction to this step, if the next one waits for it. For the sessions."""
        with self._changed:
            if self._reactions and self._reactions[0].at is at and self._reactions[0].to in (None, to):
                return self._reactions.popleft()
            return None

    def connected(self, session: "_Scripted") -> None:
        self._sessions.add(session)
        with self._changed:
            self._connections += 1

    def disconnected(self, session: "_Scripted", *, midway: bool) -> None:
        self._sessions.discard(session)
        with self._changed:
            self._abandoned += midway
            self._changed.notify_all()

    def record(self, mail: Mail) -> None:
        with self._changed:
            self._mails.append(mail)
            self._changed.notify_all()

    async def released(self) -> None:
        await self._released.wait()

    async def _close(self) -> None:
        self._server.close()
        for session in list(self._sessions):
            hang_up(session)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _wait(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


class _Scripted(SMTP):
    """One session. aiosmtpd speaks the protocol; at each step it is asked whether that should go wrong."""

    def __init__(self, sink: SmtpSink, loop: asyncio.AbstractEventLoop):
        steps = _Steps(sink)
        super().__init__(
            steps,
            hostname="sink.example.test",
            ident="sink",
            enable_SMTPUTF8=True,
            authenticator=steps.authenticate,
            auth_require_tls=False,
            # Clients try one mechanism after the other: with one, a refused login is one refused step.
            auth_exclude_mechanism=["LOGIN"],
            loop=loop,
        )
        self._sink = sink
        self._steps = steps
        self._in_body = False

    def connection_made(self, transport: Any) -> None:
        self._sink.connected(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._sink.disconnected(self, midway=self._in_body)
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        text = status.decode() if isinstance(status, bytes) else status
        self._in_body = text.startswith("354")
        # The greeting is the one answer that no handler is asked for.
        if text.startswith("220 ") and (said := await self._steps.react(At.CONNECT, self)):
            await super().push(said)
            hang_up(self)
            return
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:
        if said := await self._steps.react(At.DATA, self):
            await self.push(said)
            return
        if reaction := self._sink.take(At.BODY):
            await self.push("354 go on")
            await self._reader.readline()
            await self._steps.do(reaction, self)
        await super().smtp_DATA(arg)


class _Steps:
    """The handler of a session: takes the reaction that waits for a step, or lets it go well."""

    def __init__(self, sink: SmtpSink):
        self._sink = sink

    async def react(self, at: At, server: SMTP, to: str | None = None) -> str | None:
        """What to say in place of yes; None: yes."""
        reaction = self._sink.take(at, to)
        return await self.do(reaction, server) if reaction else None

    async def do(self, reaction: Reaction, server: SMTP) -> str | None:
        if reaction.stalls:
            await self._sink.released()
            return None
        if reaction.answer is None:
            hang_up(server)
            # What a session is told, too, when its client goes: it ends here, quietly.
            raise asyncio.CancelledError
        return reaction.answer

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if said := await self.react(At.MAIL, server):
            return said
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 yes"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if said := await self.react(At.RCPT, server, address):
            return said
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 yes"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reaction = self._sink.take(At.DOT)
        if reaction is None or reaction.answer is None:
            login: object = session.auth_data
            user = login.login.decode() if isinstance(login, LoginPassword) else None
            raw = envelope.original_content or b""
            self._sink.record(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw, user))
        said = await self.do(reaction, server) if reaction else None
        return said or "250 2.0.0 accepted"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        reaction = self._sink.take(At.AUTH)
        if reaction is not None:
            if reaction.answer is None:
                hang_up(server)
            return AuthResult(success=False, handled=reaction.answer is None, message=reaction.answer)
        known = LoginPassword(USERNAME.encode(), PASSWORD.encode())
        return AuthResult(success=data == known, handled=False, auth_data=data)


def hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
