"""The control of the comparison: an outbox as most are. It sends what is not marked as sent, marks it, and retries.

    python naive.py OUTBOX PORT USER PASSWORD [WHERE:NUMBER]      dies there, where a place is given

Only the standard library, as it is started hundreds of times.
"""

import os
import signal
import smtplib
import sqlite3
import sys
from contextlib import closing

TRIES = 3


def main(place: str, port: int, user: str, password: str, dies_at: str) -> None:
    with closing(sqlite3.connect(place)) as outbox:
        for number, (row, raw) in enumerate(outbox.execute("SELECT id, raw FROM mail WHERE NOT sent").fetchall()):
            for _ in range(TRIES):
                _point(f"begun:{number}", dies_at)
                try:
                    with smtplib.SMTP("127.0.0.1", port, timeout=3) as smtp:
                        smtp.login(user, password)
                        smtp.sendmail("ar@example.test", ["to@customer.test"], raw)
                except (OSError, smtplib.SMTPException):
                    continue
                _point(f"answered:{number}", dies_at)
                with outbox:
                    outbox.execute("UPDATE mail SET sent = 1 WHERE id = ?", (row,))
                break


def _point(name: str, dies_at: str) -> None:
    if name == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5] if len(sys.argv) > 5 else "")
