"""A certificate authority for one test session, and a certificate for the loopback address.

A client trusts it by `SSL_CERT_FILE=authority.file`, which OpenSSL's default context reads: no code under test
needs a switch that weakens its checks.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import program

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True)
class Authority:
    file: Path
    """The authority's certificate: what a client trusts."""
    certificate: Path
    """The server's certificate, for localhost and 127.0.0.1."""
    key: Path


def make_authority(folder: Path) -> Authority:
    authority = Authority(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    key = folder / "authority.key"
    _issue(folder, "authority", "relance test authority", authority.file, key)
    signed_by = ("-CA", str(authority.file), "-CAkey", str(key))
    _issue(folder, "server", "localhost", authority.certificate, authority.key, *signed_by)
    authority.key.chmod(0o644)  # read by the servers' own users; it guards nothing and lives for one session
    return authority


def _issue(folder: Path, section: str, name: str, certificate: Path, key: Path, *signer: str) -> None:
    config = folder / f"{section}.cnf"
    config.write_text(_CONFIG.format(name=name))
    openssl = program("openssl", server="TLS certificates", mend="Debian: apt-get install openssl")
    command = [openssl, "req", "-x509", "-config", str(config), "-extensions", section, "-days", "30"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), *signer]
    subprocess.run(command, check=True, capture_output=True)
