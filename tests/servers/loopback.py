"""A guard that keeps a test run on this machine.

An audit hook sees every connection and look-up that Python makes, however deep in a library (libpq and child
processes are beyond it). It refuses those that leave loopback, with the error that an unplugged cable gives, and
keeps a list: code that rightly survives a network error would hide the attempt.
"""

import errno
import ipaddress
import os
import socket

_NAMES = {"localhost", "", None, socket.gethostname()}
_NEVER_RESOLVED = (".test", ".invalid", ".example", ".localhost")
"""RFC 6761: names that no resolver knows. Asking for one is how a test gets an unknown host."""


class LoopbackOnly:
    """The audit hook; it can't be taken off again, so it has a switch."""

    def __init__(self) -> None:
        self.active = False
        self.attempts: list[str] = []

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.active or not event.startswith("socket."):
            return
        match event, arguments:
            case (("socket.connect" | "socket.sendto" | "socket.sendmsg"), (_, (host, *_))) if not _here(host):
                self.attempts.append(f"{event} {host}")
                raise OSError(errno.ENETUNREACH, f"{os.strerror(errno.ENETUNREACH)} (loopback only in tests)")
            case "socket.getaddrinfo", (host, *_) if not _here(host):
                if not str(host).endswith(_NEVER_RESOLVED):
                    self.attempts.append(f"{event} {host}")
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known (loopback only in tests)")


def _here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", errors="replace")
    if host in _NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False
