"""What a failed connection means, in words that say how to mend it.

IMAP, SMTP and the token server fail in the same ways below their own protocol: a name that is unknown, a port that
refuses, a host that is silent, a certificate that does not hold. Those are told here, once.
"""

from __future__ import annotations

import errno
import socket
import ssl

from config.errors import NeedsPerson, RelanceError, TemporaryFailure

# OpenSSL's X509_V_ERR_* codes (verify(1)): what went wrong, and how to mend it.
_VERIFY = {
    9: ("is not valid yet", "Set the clock of this machine or of the server right."),
    10: ("has expired", "Renew it on the server."),
    18: ("is self-signed", "Install one from an authority that this machine trusts."),
    19: ("comes from an authority that this machine does not trust", "Install that authority's root certificate here."),
    20: ("comes from an authority that this machine does not trust", "Install that authority's root certificate here."),
    21: ("is sent without the intermediate certificates", "Install the full chain on the server."),
    23: ("was revoked", "Replace it on the server."),
    62: ("belongs to another name", "Set `host` to the name in the certificate."),
    64: ("belongs to another address", "Set `host` to the name in the certificate."),
}
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}


def context() -> ssl.SSLContext:
    """Certificates and names are checked, TLS 1.2 at least."""
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def told(error: OSError, service: str, host: str, port: int) -> RelanceError:
    """A failure below the mail protocol as an error for people: `service` is "IMAP", "SMTP" …"""
    where = f"{service} {host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        found, mend = _VERIFY.get(error.verify_code, (f"is not trusted ({error.verify_message})", "Mend it there."))
        return NeedsPerson(f"{where}: the server's certificate {found}", mend)
    if isinstance(error, ssl.SSLError):
        return NeedsPerson(
            f"{where}: no TLS can be agreed on ({error.reason or 'the connection was cut'})",
            'Check that port and security fit together: 993 and 465 want "tls", 143 and 587 want "starttls".',
        )
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return TemporaryFailure(f"{where}: the name server does not answer", "Check this machine's network.")
        return TemporaryFailure(f"{where}: no such host is known", "Check `host` for a typing mistake.")
    if isinstance(error, ConnectionRefusedError):
        return TemporaryFailure(f"{where}: the connection was refused", "Check `port`, and that the server runs.")
    if isinstance(error, TimeoutError):
        return TemporaryFailure(f"{where}: no answer in time", "Check `host`, `port` and the firewall between.")
    if error.errno in _UNREACHABLE:
        return TemporaryFailure(f"{where}: the host cannot be reached", "Check the network, and the route to it.")
    return TemporaryFailure(
        f"{where}: the connection was lost ({error.strerror or error}). It is tried again by itself."
    )
