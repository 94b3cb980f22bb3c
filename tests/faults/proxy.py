"""A proxy before a real IMAP or SMTP server that knows commands from answers, and breaks one of them as told.

    proxy.arm(Fault("FETCH", How.HALF))        the answer to the next FETCH ends in its middle
    proxy.arm(Fault("DOT", How.CUT_AFTER))     the mail was accepted, its answer never arrives
    proxy.arm(Fault("RCPT", How.SAY, text="451 4.3.0 later"))

The steps of SMTP are its commands, and CONNECT (the greeting), BODY (354 was said, the mail is on its way) and DOT (the
mail is here and waits for its answer); those of IMAP are its commands (UID FETCH is FETCH), and CONNECT. A fault is
used up by the first step that it fits; `fired` tells whether there was one, since a test whose fault has never
happened has tested nothing. Faults are told by what the client sees; whether the server has done the command is in
their names: CUT_BEFORE has not reached it, CUT_AFTER was done.

Plain connections only, a thread for each.
"""

import contextlib
import random
import re
import select
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """In which way a step goes wrong."""

    CUT_BEFORE = "cut before"
    CUT_AFTER = "cut after"
    RESET_BEFORE = "reset before"
    RESET_AFTER = "reset after"
    HALF = "half an answer"
    STALL = "stall"
    GARBLE = "garbled"
    TRICKLE = "slow trickle"
    GIANT = "giant literal"
    SAY = "said"
    SPLIT = "split in two"
    """A nuisance and no fault: the answer comes in two pieces."""
    GOSSIP = "unsolicited lines"
    """A nuisance and no fault: other clients' changes are told before the answer (RFC 9051 7)."""


BEFORE = frozenset({How.CUT_BEFORE, How.RESET_BEFORE})
RESETS = frozenset({How.RESET_BEFORE, How.RESET_AFTER})
HARMLESS = frozenset({How.SPLIT, How.GOSSIP})
TRICKLE_SECONDS = 0.05
GIANT_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong at the `nth` time of a step. ``text``: what `How.SAY` says, without tag and line end."""

    at: str
    how: How
    nth: int = 1
    text: str = ""

    def __str__(self) -> str:
        said = f" “{self.text[:40]}”" if self.text else ""
        return f"{self.at} {self.how.value}{said}" + (f", time {self.nth}" if self.nth > 1 else "")


class _HungUp(Exception):
    """One of the two sides is gone, or was cut off."""


class Proxy:
    """Listens on `port`, and hands on to the server behind it. All its public names may be used from any thread."""

    def __init__(self, protocol: str, upstream: int) -> None:
        self._talk = {"imap": _Imap, "smtp": _Smtp}[protocol]
        self.upstream = upstream
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._left = 0
        self.fired = False
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"{protocol}-proxy", daemon=True).start()

    def arm(self, fault: Fault | None) -> None:
        """Break this from now on, and nothing else."""
        with self._lock:
            self._fault, self._left, self.fired = fault, fault.nth if fault else 0, False

    def take(self, step: str) -> Fault | None:
        """The fault, where it is for this step and its turn has come. For the connections."""
        with self._lock:
            if self._fault is None or self._fault.at != step:
                return None
            self._left -= 1
            if self._left:
                return None
            fault, self._fault, self.fired = self._fault, None, True
            return fault

    def hang_up(self) -> None:
        """End every connection, those that stall too."""
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, _HungUp), client:
            server = socket.create_connection(("127.0.0.1", self.upstream), timeout=60)
            with server, self._held(client, server):
                self._talk(self, client, server).run()

    @contextlib.contextmanager
    def _held(self, *sockets: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.update(sockets)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(sockets)


class _Side:
    """One end of a conversation: lines, and blocks of a known length."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self._file = connection.makefile("rb")

    def line(self) -> bytes:
        found = self._file.readline()
        if not found.endswith(b"\n"):
            raise _HungUp
        return found

    def block(self, size: int) -> bytes:
        found = self._file.read(size)
        if len(found) < size:
            raise _HungUp
        return found

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def has_buffered(self) -> bool:
        """Whether more was received than was read: `select` does not see that."""
        self.socket.setblocking(False)
        try:
            return bool(self._file.peek(1))
        finally:
            self.socket.settimeout(None)


class _Talk:
    """One connection through the proxy, a thread of its own."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        client.settimeout(None)
        server.settimeout(None)
        self.proxy = proxy
        self.client, self.server = _Side(client), _Side(server)

    def run(self) -> None:
        raise NotImplementedError

    def hang_up(self, fault: Fault) -> None:
        """Take both connections away from their ends."""
        if fault.how in RESETS:
            linger = struct.pack("ii", 1, 0)  # with no time to linger, a close is a reset
            self.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        for side in (self.server, self.client):
            with contextlib.suppress(OSError):
                if side is self.server or fault.how not in RESETS:
                    side.socket.shutdown(socket.SHUT_RDWR)
        raise _HungUp

    def answer(self, fault: Fault | None, answer: bytes) -> None:
        """Hand on what the server answered; or what the fault makes of it."""
        match fault.how if fault else None:
            case None:
                self.client.send(answer)
            case How.HALF:
                self.client.send(answer[: len(answer) // 2])
                self.hang_up(fault) if fault else None
            case How.STALL:
                self._until_gone()
            case How.GARBLE:
                noise = random.Random(len(answer)).randbytes(24).replace(b"\n", b"\0").replace(b"\r", b"\0")
                self.client.send(noise + b"\r\n")
            case How.TRICKLE:
                self._trickle(answer)
            case How.SPLIT:
                self._in_two(answer)
            case _:
                self.hang_up(fault) if fault else None

    def _in_two(self, answer: bytes) -> None:
        middle = len(answer) // 2
        self.client.send(answer[:middle])
        threading.Event().wait(0.03)  # two segments, not one
        self.client.send(answer[middle:])

    def _trickle(self, answer: bytes) -> None:
        for place in range(len(answer)):
            self.client.send(answer[place : place + 1])
            if self._is_gone(TRICKLE_SECONDS):
                raise _HungUp

    def _until_gone(self) -> None:
        while not self._is_gone(60):
            pass
        raise _HungUp

    def _is_gone(self, seconds: float) -> bool:
        readable, _, _ = select.select([self.client.socket], [], [], seconds)
        return bool(readable) and not self.client.socket.recv(65_536, socket.MSG_PEEK)


class _Smtp(_Talk):
    """RFC 5321: a line is a command, an answer ends with a code and a space."""

    def run(self) -> None:
        self._through("CONNECT", b"")
        while True:
            line = self.client.line()
            step = line.split(None, 1)[0].upper().decode("latin-1") if line.strip() else "EMPTY"
            code = self._through(step, line)
            while code == 334:  # the questions of AUTH
                code = self._through("AUTH", self.client.line())
            if step == "DATA" and code == 354:
                self._body()
            if step == "QUIT":
                return

    def _through(self, step: str, line: bytes) -> int:
        """One command and its answer; the code that the client saw."""
        fault = self.proxy.take(step)
        if fault and fault.how in BEFORE:
            self.hang_up(fault)
        if fault and fault.how is How.SAY:
            return self._say(fault, line)
        self.server.send(line)
        answer = self._answer_of_server()
        self.answer(fault, answer)
        return int(answer[:3])

    def _say(self, fault: Fault, line: bytes) -> int:
        """An answer of the proxy's own. A yes is the server's too; anything else it never heard of the command."""
        if fault.text.startswith("2"):
            self.server.send(line)
            self._answer_of_server()
        self.client.send(fault.text.replace("\n", "\r\n").encode() + b"\r\n")
        if fault.text.startswith("421"):
            self.hang_up(fault)
        return int(fault.text[:3])

    def _body(self) -> None:
        first = self.client.line()
        fault = self.proxy.take("BODY")
        if fault:
            self.hang_up(fault) if fault.how is not How.STALL else self._until_gone()
        self.server.send(first)
        line = first
        while line != b".\r\n":
            line = self.client.line()
            if line != b".\r\n":
                self.server.send(line)
        self._through("DOT", line)

    def _answer_of_server(self) -> bytes:
        lines = [self.server.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.server.line())
        return b"".join(lines)


_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")


class _Imap(_Talk):
    """RFC 9051: a command has a tag, its answer ends with the line of that tag; both may hold literals."""

    def run(self) -> None:
        fault = self.proxy.take("CONNECT")
        if fault and fault.how in BEFORE:
            self.hang_up(fault)
        greeting = self.server.line()
        self.answer(fault, greeting) if not fault or fault.how is not How.SAY else self._say(fault, b"*")
        while True:
            line = self.client.line()
            tag, _, rest = line.partition(b" ")
            words = rest.upper().split()
            step = (words[1] if words[0] == b"UID" else words[0]).decode("latin-1")
            fault = self.proxy.take(step)
            if fault and fault.how in BEFORE:
                self.hang_up(fault)
            if fault and fault.how is How.SAY:
                self._say(fault, tag)
                continue
            self._command(line)
            if step == "AUTHENTICATE":
                self._authenticated(tag)
            elif step == "IDLE":
                self._idle(fault, tag)
            else:
                self._answered(fault, tag)
            if step == "LOGOUT":  # the server hangs up, and some clients wait for that
                return

    def _command(self, line: bytes) -> None:
        """Hand a command on, with the literals in it: for each the server is asked to go on."""
        while found := _LITERAL.search(line):
            self.server.send(line)
            if not found.group(2):
                self.client.send(self.server.line())
            self.server.send(self.client.block(int(found.group(1))))
            line = self.client.line()
        self.server.send(line)

    def _answered(self, fault: Fault | None, tag: bytes) -> None:
        answer = self._up_to(tag)
        if fault and fault.how is How.GIANT:
            self._giant(answer)
        elif fault and fault.how is How.GOSSIP:
            self.client.send(b"* 1 FETCH (FLAGS (\\Seen))\r\n* 0 RECENT\r\n* OK still here\r\n" + answer)
        else:
            self.answer(fault, answer)

    def _up_to(self, tag: bytes) -> bytes:
        pieces: list[bytes] = []
        while True:
            line = self.server.line()
            pieces.append(line)
            if found := _LITERAL.search(line):
                pieces.append(self.server.block(int(found.group(1))))
            elif line.startswith(tag + b" ") and not _is_continued(pieces):
                return b"".join(pieces)

    def _say(self, fault: Fault, tag: bytes) -> None:
        if fault.text.startswith("BYE"):
            self.client.send(f"* {fault.text}\r\n".encode())
            self.hang_up(fault)
        self.client.send(tag + b" " + fault.text.encode() + b"\r\n")

    def _giant(self, answer: bytes) -> None:
        """The body that is asked for is said to have four gigabytes, and comes as long as anybody listens."""
        head = answer.partition(b"\r\n")[0]
        told = _LITERAL.sub(b"", head + b"\r\n") + b"{%d}\r\n" % GIANT_BYTES
        self.client.send(told if told.startswith(b"*") else b"* 1 FETCH (BODY[] {%d}\r\n" % GIANT_BYTES)
        piece = b"x" * 65_536
        while True:
            self.client.send(piece)

    def _authenticated(self, tag: bytes) -> None:
        """SASL: the server asks, the client answers, until the line of the tag."""
        while not (line := self.server.line()).startswith(tag + b" "):
            self.client.send(line)
            if line.startswith(b"+"):
                self.server.send(self.client.line())
        self.client.send(line)

    def _idle(self, fault: Fault | None, tag: bytes) -> None:
        self.answer(fault, self.server.line())
        while True:
            if self.client.has_buffered():
                break
            ready, _, _ = select.select([self.client.socket, self.server.socket], [], [])
            if self.client.socket in ready:
                break
            self.client.send(self.server.line())
        done = self.client.line()
        fault = self.proxy.take("DONE")
        if fault and fault.how in BEFORE:
            self.hang_up(fault)
        self.server.send(done)
        self._answered(fault, tag)


def _is_continued(pieces: list[bytes]) -> bool:
    """Whether the last line goes on after a literal, and so is the middle of an answer."""
    return len(pieces) > 1 and bool(_LITERAL.search(pieces[-2]))
