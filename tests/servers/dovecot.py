"""A real Dovecot 2.3 for one test session, as an ordinary user on loopback, everything below one folder.

Plain, STARTTLS, IMAPS and LMTP. Any address has a mailbox as soon as it is used, and `account()` hands out one
that nobody else has, so tests can share the server. A wrong password is refused.

By XOAUTH2 a token logs in that a `tests.servers.tokens.TokenServer` on `introspection_port` says is good.

What it does not do: quotas, and remembering anything after the session.
"""

import grp
import itertools
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

from tests.servers import process
from tests.servers.tls import Authority, make_authority

_OAUTH = """
introspection_mode = get
introspection_url = http://127.0.0.1:{port}/introspect?token=
username_attribute = username
username_format = %u
active_attribute = active
active_value = true
"""

_MEND = "Debian: apt-get install dovecot-imapd dovecot-lmtpd"

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap lmtp
listen = 127.0.0.1
postmaster_address = postmaster@example.test
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
ssl = yes
ssl_cert = <{tls.certificate}
ssl_key = <{tls.key}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
# A refused password is answered at once, and not remembered against the address.
auth_failure_delay = 0
auth_cache_size = 0
mail_location = maildir:~/Maildir
mail_max_userip_connections = 200
lmtp_save_to_detail_mailbox = no
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
  mailbox Drafts {{
    auto = subscribe
    special_use = \\Drafts
  }}
  mailbox Junk {{
    auto = subscribe
    special_use = \\Junk
  }}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
# Any address exists, with a password that follows from it.
passdb {{
  driver = static
  mechanisms = plain login
  args = password=secret-%n
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%Lu allow_all_users=yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {folder}/sasl {{
    mode = 0666
  }}
}}
service imap-login {{
  chroot =
  # One process for all logins: a process for each costs more than the login itself.
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  user = {user}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox of its own: where it is, how to get in, and what a second client of it does."""

    address: str
    password: str
    host: str
    port: int
    """Plain, with STARTTLS on offer."""
    imaps_port: int
    ca_file: Path
    """What a client must trust (environment variable SSL_CERT_FILE) to check the server's certificate."""

    def client(self) -> IMAPClient:
        """A client that is logged in; `with account.client() as imap:` ends it."""
        client = IMAPClient(self.host, port=self.port, ssl=False, timeout=20)
        client.login(self.address, self.password)
        return client

    def append(self, raw: bytes, folder: str = "INBOX", flags: Sequence[str] = ()) -> int:
        """Put a mail into a folder, as another client would; its UID. The folder is made where it is missing."""
        with self.client() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            answer = client.append(folder, raw, flags)
        found = re.search(rb"APPENDUID \d+ (\d+)", answer)
        if found is None:
            raise AssertionError(f"no UID in {answer!r}")
        return int(found.group(1))

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The raw mails of a folder, by UID; leaves every flag as it was. Empty where there is no such folder."""
        with self.client() as client:
            if not client.folder_exists(folder):
                return []
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
        return [parts[b"BODY[]"] for _uid, parts in sorted(found.items())]

    def wait_for_mails(self, count: int = 1, folder: str = "INBOX") -> list[bytes]:
        """The mails of a folder, once there are at least `count`."""

        def enough() -> list[bytes]:
            mails = self.mails(folder)
            return mails if len(mails) >= count else []

        return process.until(enough, what=f"{count} mail(s) in {folder} of {self.address}")


class Dovecot:
    """The running server. Made by `start`; shared by the tests of one process."""

    def __init__(self, folder: Path, user: pwd.struct_passwd, tls: Authority, ports: tuple[int, int, int]):
        self.host = "127.0.0.1"
        self.folder = folder
        self.imap_port, self.imaps_port, self.lmtp_port = ports
        self.introspection_port = process.free_port()
        """Where it asks what a token is worth."""
        self.tls = tls
        self.ca_file = tls.file
        self.sasl_socket = folder / "sasl"
        self._user = user
        self._log = folder / "dovecot.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    @classmethod
    def start(cls) -> "Dovecot":
        binary = process.program("dovecot", server="Dovecot", mend=_MEND)
        version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
        if not version.startswith("2.3."):
            process.missing("Dovecot 2.3", f"found {version.split()[0]}, whose configuration has another form")
        return process.with_other_ports(cls._start_once)

    @classmethod
    def _start_once(cls) -> "Dovecot":
        user = process.ordinary_user("nobody")
        folder = process.scratch("dovecot", user)
        ports = (process.free_port(), process.free_port(), process.free_port())
        server = cls(folder, user, make_authority(folder), ports)
        server._configure()
        try:
            server._bring_up()
        except BaseException:
            server.stop()
            raise
        return server

    def account(self, name: str = "ar", domain: str = "example.test") -> Account:
        """A mailbox that no other test of this process uses."""
        local = f"{name}-{next(self._numbers)}"
        return self.mailbox(f"{local}@{domain}")

    def mailbox(self, address: str) -> Account:
        """The mailbox of a certain address, for instance that of a customer whom a test writes to."""
        password = f"secret-{address.partition('@')[0]}"
        return Account(address, password, self.host, self.imap_port, self.imaps_port, self.ca_file)

    def renumber(self, account: Account, folder: str = "INBOX", *, uid_validity: int) -> None:
        """Give a folder another UIDVALIDITY, as a mailbox restored from a backup has."""
        self.doveadm("mailbox", "update", "-u", account.address, "--uid-validity", str(uid_validity), folder)

    def doveadm(self, *arguments: str) -> str:
        binary = process.program("doveadm", server="Dovecot", mend=_MEND)
        return process.run(self._user, [binary, "-c", str(self.folder / "dovecot.conf"), *arguments])

    def down(self) -> AbstractContextManager[None]:
        """An outage for the block; afterwards the same server with the same mails on the same ports."""
        return process.down(self._take_down, self._bring_up)

    def stop(self) -> None:
        self._take_down()
        shutil.rmtree(self.folder)

    def _configure(self) -> None:
        for name in ("run", "state", "mail"):
            part = self.folder / name
            part.mkdir()
            shutil.chown(part, self._user.pw_uid, self._user.pw_gid)
        group = grp.getgrgid(self._user.pw_gid).gr_name
        text = _CONFIG.format(
            folder=self.folder,
            user=self._user.pw_name,
            group=group,
            tls=self.tls,
            imap=self.imap_port,
            imaps=self.imaps_port,
            lmtp=self.lmtp_port,
        )
        (self.folder / "dovecot.conf").write_text(text)
        (self.folder / "oauth2.conf").write_text(_OAUTH.format(port=self.introspection_port))

    def _bring_up(self) -> None:
        binary = process.program("dovecot", server="Dovecot", mend=_MEND)
        command = [binary, "-F", "-c", str(self.folder / "dovecot.conf")]
        started = process.start(self._user, command, log=self._log)
        self._process = started
        for port in (self.imap_port, self.imaps_port, self.lmtp_port):
            process.wait_for_port(port, started, self._log, "Dovecot")

    def _take_down(self) -> None:
        if self._process is not None:
            # Asked alone, the master process gives its children five seconds.
            process.stop(self._process, group=True)
            self._process = None
            # A socket of the last run that is still lying there makes the first login of the next one hang.
            shutil.rmtree(self.folder / "run")
            (self.folder / "run").mkdir()
            shutil.chown(self.folder / "run", self._user.pw_uid, self._user.pw_gid)
