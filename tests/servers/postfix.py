"""A real Postfix for one test session, on loopback, that delivers into our Dovecot.

It plays both ends of the company's mail: the border (`port`: anybody may write to any address at *.test) and
the submission server (`submission_port`: STARTTLS and a login first; `submissions_port`: TLS from the start).
It delivers every domain below .test, so that customers have mailboxes, too; all others are refused.

As a border it adds a genuine Authentication-Results (RFC 8601) with its own name, from the envelope sender's
domain: good.test passes, bad.test fails, all others get none. It leaves in what a sender forged under that
name, on purpose: a real border that strips nothing is the case to survive.

Recipients by the beginning of their name: `unknown-` is refused at once (550 5.1.1), `later-` is told to come
again (450 4.7.1), `gone-` and `full-` are accepted and come back as a delivery status notification
(RFC 3464) from Postfix itself (5.1.1 and 5.2.2).

Postfix' master process needs root.
"""

import contextlib
import os
import pwd
import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from tests.servers import process
from tests.servers.dovecot import Dovecot

_MEND = "Debian: apt-get install postfix"

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = {name}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
default_transport = error:5.1.2 loopback only
relay_transport = error:5.1.2 loopback only
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
virtual_mailbox_domains = regexp:{folder}/etc/domains
virtual_mailbox_maps = regexp:{folder}/etc/mailboxes
transport_maps = regexp:{folder}/etc/transport
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/etc/later
# At DATA, not at RCPT: there a mail to two recipients would get the header twice.
smtpd_data_restrictions = check_sender_access regexp:{folder}/etc/authentication
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_cert_file = {tls.certificate}
smtpd_tls_key_file = {tls.key}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_sasl_auth_enable = no
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
minimal_backoff_time = 2s
queue_run_delay = 2s
"""

_MASTER = """
127.0.0.1:{port} inet n - n - 200 smtpd
127.0.0.1:{submission} inet n - n - 200 smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_data_restrictions=
127.0.0.1:{submissions} inet n - n - 200 smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_data_restrictions=
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
bounced unix - n n - - pipe flags=q user=nobody argv=/bin/sh -c {{echo ${{nexthop}}; exit 69}}
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""

_TABLES = {
    "domains": r"/\.test$/ delivered",
    "mailboxes": "!/^unknown-/ delivered",
    "transport": "/^gone-/ bounced:5.1.1 this person has left\n/^full-/ bounced:5.2.2 mailbox full",
    "later": "/^later-/ DEFER 4.7.1 greylisted, come again",
    "authentication": "/@good\\.test$/ PREPEND Authentication-Results: {name};"
    " spf=pass smtp.mailfrom=good.test; dkim=pass header.d=good.test; dmarc=pass header.from=good.test\n"
    "/@bad\\.test$/ PREPEND Authentication-Results: {name};"
    " spf=fail smtp.mailfrom=bad.test; dkim=none; dmarc=fail header.from=bad.test",
}


class Postfix:
    """The running server. Made by `start`; shared by the tests of one process."""

    authserv_id = "mx.example.test"
    """Whose Authentication-Results count: the border's own name."""

    def __init__(self, folder: Path, dovecot: Dovecot, ports: tuple[int, int, int]):
        self.host = "127.0.0.1"
        self.port, self.submission_port, self.submissions_port = ports
        self.folder = folder
        self.dovecot = dovecot
        self.ca_file = dovecot.ca_file
        self._log = folder / "postfix.log"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, dovecot: Dovecot) -> "Postfix":
        process.program("postfix", server="Postfix", mend=_MEND)
        if os.geteuid() != 0:
            process.missing("Postfix", "its master process needs root")
        return process.with_other_ports(lambda: cls._start_once(dovecot))

    @classmethod
    def _start_once(cls, dovecot: Dovecot) -> "Postfix":
        folder = process.scratch("postfix", pwd.getpwnam("root"))
        ports = (process.free_port(), process.free_port(), process.free_port())
        server = cls(folder, dovecot, ports)
        server._configure()
        try:
            server._bring_up()
        except BaseException:
            server.stop()
            raise
        return server

    def deliver(self, sender: str, recipients: str | Sequence[str], raw: bytes) -> None:
        """Hand in a mail at the border, as any server of the internet would; refusals are smtplib's errors."""
        to = [recipients] if isinstance(recipients, str) else list(recipients)
        with smtplib.SMTP(self.host, self.port, local_hostname="client.test", timeout=20) as client:
            client.sendmail(sender, to, raw)

    def submit(self, user: str, password: str, recipients: str | Sequence[str], raw: bytes) -> None:
        """Send a mail as one's own user, with STARTTLS and a login."""
        to = [recipients] if isinstance(recipients, str) else list(recipients)
        trusted = ssl.create_default_context(cafile=str(self.ca_file))
        with smtplib.SMTP(self.host, self.submission_port, local_hostname="client.test", timeout=20) as client:
            client.starttls(context=trusted)
            client.login(user, password)
            client.sendmail(user, to, raw)

    def down(self) -> AbstractContextManager[None]:
        """An outage for the block; afterwards the same server with the same queue on the same ports."""
        return process.down(self._take_down, self._bring_up)

    @contextmanager
    def knowing_only(self, address: str, delimiter: str) -> Iterator[None]:
        """For the block the server is as a company's is: it refuses whom it does not know, and knows of tags (RFC
        5233) behind `delimiter`, or where that is empty of none.
        """
        folder = self.folder / "etc"
        usual = (folder / "main.cf").read_text()
        # A regexp table is asked for the whole address only (regexp_table(5)); companies have tables of names.
        (folder / "names").write_text(f"{address} delivered\n")
        names = [f"virtual_mailbox_maps = texthash:{folder}/names", f"recipient_delimiter = {delimiter}"]
        lines = [line for line in usual.splitlines() if not line.startswith("virtual_mailbox_maps")]
        with self.down():
            (folder / "main.cf").write_text("\n".join([*lines, *names, ""]))
        try:
            yield
        finally:
            with self.down():
                (folder / "main.cf").write_text(usual)

    def stop(self) -> None:
        self._take_down()
        shutil.rmtree(self.folder)

    def _configure(self) -> None:
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        etc = self.folder / "etc"
        main = _MAIN.format(
            folder=self.folder,
            name=self.authserv_id,
            lmtp=self.dovecot.lmtp_port,
            tls=self.dovecot.tls,
            sasl=self.dovecot.sasl_socket,
        )
        (etc / "main.cf").write_text(main)
        (etc / "master.cf").write_text(
            _MASTER.format(port=self.port, submission=self.submission_port, submissions=self.submissions_port)
        )
        for name, table in _TABLES.items():
            (etc / name).write_text(table.replace("{name}", self.authserv_id) + "\n")
        # Debian builds its lookup tables as plug-ins, which this file finds.
        shutil.copy("/etc/postfix/dynamicmaps.cf", etc)
        process.run(pwd.getpwnam("root"), ["/usr/sbin/postfix", "-c", str(etc), "check"])

    def _bring_up(self) -> None:
        command = ["/usr/lib/postfix/sbin/master", "-d", "-c", str(self.folder / "etc")]
        started = process.start(pwd.getpwnam("root"), command, log=self.folder / "master.log")
        self._process = started
        for port in (self.port, self.submission_port, self.submissions_port):
            process.wait_for_port(port, started, self._log, "Postfix")
        # The master listens before it can serve, and resets whom it took on too early.
        for port in (self.port, self.submission_port):
            process.until(partial(_greets, port), what=f"the greeting of Postfix on port {port}")

    def _take_down(self) -> None:
        if self._process is not None:
            process.stop(self._process)
            self._process = None


def _greets(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        return client.recv(4) == b"220 "
    return False
