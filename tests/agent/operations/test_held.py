"""What lies in a mailbox, as the rows tell it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.operations import work
from models import Database, Folder
from tests.builders import ledger

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def test_the_folder_that_was_compared_longest_ago_speaks_for_its_mailbox(tmp_path: Path) -> None:
    settings = ledger.settings(tmp_path)
    (name, *_) = settings.mailbox
    database = Database.open(f"sqlite:///{tmp_path / 'relance.db'}", tmp_path, NOW)
    long_ago, lately = NOW - timedelta(minutes=55), NOW - timedelta(minutes=5)
    with database.write() as session:
        session.add(Folder(mailbox=name, name="INBOX", seen=7, looked_at=lately, swept_at=lately))
        session.add(Folder(mailbox=name, name="Sent", seen=2, looked_at=lately, swept_at=long_ago))
        session.add(Folder(mailbox=name, name="Gone", seen=9, looked_at=NOW - timedelta(days=9), swept_at=None))
    (held,) = (one for one in work.gather(database, settings, NOW).held if one.name == name)
    database.close()
    assert (held.folders, held.mails, held.swept_at, held.unhandled) == (2, 9, long_ago, 0)
