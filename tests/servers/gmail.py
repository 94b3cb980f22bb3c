"""A server with Gmail's extension (X-GM-EXT-1), made of a real one: a proxy before Dovecot that adds what Gmail adds.

    gmail = Gmail(dovecot_port)
    gmail.threads["INBOX", 1] = 1278455344230334865     # the conversation of UID 1

It announces the extension, calls the inbox All Mail, and answers X-GM-THRID, an unsigned number of 64 bits, in FETCH.
All else goes through as it is. `asked` counts the commands that ask for the number. Plain connections only.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Callable

EXTENSION, THREAD = b"X-GM-EXT-1", b"X-GM-THRID"
_UID = re.compile(rb"\* \d+ FETCH \((?:.* )?UID (\d+)")
_OPENS = re.compile(rb"\S+ (?:EXAMINE|SELECT) \"?([^\" ]+)\"?", re.IGNORECASE)


class Gmail:
    """Listens on `port`. `threads`: the conversation of a mail, by its folder and UID."""

    def __init__(self, upstream: int) -> None:
        self.threads: dict[tuple[str, int], int] = {}
        self.asked = 0
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._upstream), timeout=60) as server:
            talk = _Talk(self)
            back = threading.Thread(target=_pump, args=(server, client, talk.told), daemon=True)
            back.start()
            _pump(client, server, talk.said)
            back.join(60)


class _Talk:
    """One connection: which folder is open, and whether the command at hand asks for conversations."""

    def __init__(self, gmail: Gmail) -> None:
        self.gmail = gmail
        self.folder = ""
        self.asks = False

    def said(self, line: bytes) -> bytes:
        """A line of the client, as the real server can understand it."""
        if opens := _OPENS.match(line):
            self.folder = opens[1].decode()
        if b"FETCH" in line:
            self.asks = THREAD in line
            self.gmail.asked += self.asks
        return line.replace(b" " + THREAD, b"")

    def told(self, line: bytes) -> bytes:
        """A line of the server, as Gmail would have written it."""
        if b"CAPABILITY IMAP4rev1" in line:
            return line.replace(b"CAPABILITY IMAP4rev1", b"CAPABILITY IMAP4rev1 " + EXTENSION, 1)
        if line.startswith(b"* LIST") and line.rstrip().endswith(b"INBOX"):
            return line.replace(b"(", rb"(\All ", 1)
        uid = _UID.match(line)
        if self.asks and uid:
            thread = self.gmail.threads.get((self.folder, int(uid[1])))
            if thread is not None:
                return line.replace(b"FETCH (", b"FETCH (" + THREAD + b" %d " % thread, 1)
        return line


def _pump(source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]) -> None:
    """Hand on line by line; a literal's bytes are lines that nothing of this fits."""
    with contextlib.suppress(OSError), source.makefile("rb") as lines:
        for line in lines:
            target.sendall(change(line))
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
