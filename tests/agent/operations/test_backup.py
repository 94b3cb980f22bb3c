"""`backup` and `restore` as people call them: proven, never written over, and sending nothing until adopted."""

import contextlib
import io
import json
import shutil
import sqlite3
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import Database
from models.keys import load as load_key
from tests.builders.site import Site
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import SmtpSink


@pytest.fixture
def site(tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink, database_url: str) -> Site:
    folder = tmp_path / "original"
    folder.mkdir()
    url = "sqlite:///relance.db" if database_url.startswith("sqlite") else database_url
    desk = Site(folder, dovecot.account(), smtp_sink.port, url)
    desk.write()
    desk.owe("Avel", "Brise")
    return desk


def backed_up(site: Site, name: str = "first.backup") -> Path:
    file = site.folder.parent / name
    told = site.rows("backup", str(file))[0]
    assert told["file"] == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    return file


def moved(site: Site, name: str, url: str) -> Site:
    """The same company in another folder, as on a new machine."""
    folder = site.folder.parent / name
    folder.mkdir()
    other = Site(folder, site.account, site.smtp_port, url)
    other.write()
    return other


def as_json(site: Site, *arguments: str) -> object:
    return [{k: v for k, v in row.items() if k != "installation"} for row in site.rows(*arguments)]


def test_what_is_restored_is_what_was_backed_up(site: Site) -> None:
    site.command("run", "--once")
    file = backed_up(site)
    before = {kind: as_json(site, kind) for kind in ("invoices", "reminders", "messages")}
    # On a new machine there is nothing to replace; two folders over one PostgreSQL would be one database.
    is_sqlite = site.database_url == "sqlite:///relance.db"
    twin = moved(site, "twin", site.database_url) if is_sqlite else site
    told = twin.refusal("restore", str(file), *(() if is_sqlite else ("--replace",)), code=0)
    assert "relance adopt" in told
    assert {kind: as_json(twin, kind) for kind in before} == before
    assert load_key(twin.folder / "relance.key") == load_key(site.folder / "relance.key")


def test_the_configuration_comes_back_where_there_is_none(site: Site) -> None:
    (site.folder / "trained" / "v1").mkdir(parents=True)
    (site.folder / "trained" / "v1" / "note").write_text("a trained model", encoding="utf-8")
    (site.folder / "statuses.toml").write_text("# own words", encoding="utf-8")
    file = backed_up(site)
    if site.database_url != "sqlite:///relance.db":
        site.command("restore", str(file), "--replace")
        return
    empty = site.folder.parent / "empty"
    site.command("restore", str(file), "--into", str(empty))
    assert (empty / "relance.toml").read_bytes() == site.config.read_bytes()
    assert (empty / "trained" / "v1" / "note").read_text(encoding="utf-8") == "a trained model"
    assert (empty / "statuses.toml").read_text(encoding="utf-8") == "# own words"
    assert (empty / "relance.db").exists()


def test_a_restored_installation_sends_nothing_until_adopted(site: Site, smtp_sink: SmtpSink) -> None:
    file = backed_up(site)
    site.command("restore", str(file), "--replace")
    site.command("run", "--once")
    assert smtp_sink.mails == []
    (line,) = [row for row in site.rows("doctor", code=1) if row["name"] == "installation"]
    assert line["status"] == "error"
    site.command("adopt", "--by", "Anna")
    site.command("run", "--once")
    assert len(smtp_sink.mails) == 2
    site.command("audit", "verify")


def test_what_left_after_the_backup_was_made_does_not_leave_again(site: Site, smtp_sink: SmtpSink) -> None:
    file = backed_up(site)
    site.command("run", "--once")
    assert len(smtp_sink.mails) == 2
    site.command("restore", str(file), "--replace")
    site.command("adopt")
    site.command("run", "--once")
    assert len(smtp_sink.mails) == 2


def test_a_database_that_was_set_back_by_hand_sends_nothing(site: Site, smtp_sink: SmtpSink) -> None:
    if site.database_url != "sqlite:///relance.db":
        pytest.skip("a PostgreSQL database is set back by its own tools")
    older = {p.name: p.read_bytes() for p in site.folder.iterdir() if p.name.startswith("relance.db")}
    site.command("run", "--once")
    assert len(smtp_sink.mails) == 2
    for name in ("relance.db-wal", "relance.db-shm"):
        (site.folder / name).unlink(missing_ok=True)
    for name, content in older.items():
        (site.folder / name).write_bytes(content)
    site.command("run", "--once", code=1)
    assert len(smtp_sink.mails) == 2
    assert "set back" in site.refusal("audit", "verify")
    site.command("adopt")
    site.command("run", "--once")
    assert len(smtp_sink.mails) == 2


def test_nothing_is_written_over(site: Site) -> None:
    file = backed_up(site)
    assert "is there already" in site.refusal("backup", str(file))
    before = site.rows("invoices")
    assert "is there already" in site.refusal("restore", str(file))
    assert site.rows("invoices") == before


def test_a_backup_can_be_proven_without_restoring_it(site: Site) -> None:
    file = backed_up(site)
    assert site.rows("restore", "--check", str(file))[0]["messages"] == 0


def test_what_was_set_aside_is_named_and_can_be_opened(site: Site) -> None:
    file = backed_up(site)
    done = site.rows("restore", str(file), "--replace")[0]
    aside = [Path(path) for path in done["set_aside"]]
    assert aside
    assert all(path.exists() for path in aside)
    for database in (path for path in aside if ".db." in path.name and not path.name.endswith(("-wal", "-shm"))):
        with contextlib.closing(sqlite3.connect(database)) as opened:
            assert opened.execute("SELECT count(*) FROM customer").fetchone() == (2,)


def rewritten(file: Path, change: dict[str, bytes]) -> Path:
    """A copy of the archive with other contents of some members."""
    other = file.with_name("changed.backup")
    with tarfile.open(file) as old, tarfile.open(other, "w:gz") as new:
        for entry in old:
            opened = old.extractfile(entry)
            assert opened is not None
            content = change.get(entry.name, opened.read())
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
        for name in change.keys() - set(old.getnames()):
            entry = tarfile.TarInfo(name)
            entry.size = len(change[name])
            new.addfile(entry, io.BytesIO(change[name]))
    return other


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        ("relance.key", b"{}", "its hash differs"),
        ("manifest.json", b'{"format": 99}', "its format is 99"),
        ("manifest.json", b"no json", "not a sound backup"),
        ("../outside", b"x", "which no backup holds"),
    ],
)
def test_a_backup_that_was_changed_is_refused(site: Site, member: str, content: bytes, words: str) -> None:
    changed = rewritten(backed_up(site), {member: content})
    target = moved(site, "target", "sqlite:///relance.db")
    assert words in target.refusal("restore", str(changed))
    assert not (target.folder / "relance.db").exists()
    assert not (site.folder.parent / "outside").exists()


def test_a_restored_configuration_writes_over_no_file(site: Site) -> None:
    (site.folder / "statuses.toml").write_text("# own words", encoding="utf-8")
    file = backed_up(site)
    into = site.folder.parent / "target"
    into.mkdir()
    (into / "statuses.toml").write_text("# mine", encoding="utf-8")
    assert "statuses.toml is there already" in site.refusal("restore", str(file), "--into", str(into))
    assert (into / "statuses.toml").read_text(encoding="utf-8") == "# mine"
    assert not (into / "relance.toml").exists()


@pytest.mark.parametrize("content", [b"", b"no tar at all", b"\x1f\x8b\x08\x00damaged"])
def test_a_file_that_is_no_backup_is_refused(site: Site, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "no.backup"
    file.write_bytes(content)
    assert "not a sound backup" in site.refusal("restore", str(file), "--replace")
    assert "there is no such file" in site.refusal("restore", str(tmp_path / "missing"), "--replace")


def test_a_newer_backup_is_refused_with_the_version_that_can_read_it(site: Site) -> None:
    file = backed_up(site)
    with tarfile.open(file) as tar:
        opened = tar.extractfile("manifest.json")
        assert opened is not None
        manifest = {**json.load(opened), "schema": "9999", "version": "9.1"}
    changed = rewritten(file, {"manifest.json": json.dumps(manifest).encode()})
    assert "Install relance 9.1" in site.refusal("restore", str(changed), "--replace")


def test_a_damaged_raw_mail_is_seen_when_it_is_backed_up(site: Site) -> None:
    site.command("run", "--once")
    database = Database.open(site.database_url, site.folder, datetime.now(UTC))
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE blob SET compressed = substr(compressed, 1, 8)")
    database.close()
    assert "raw mail" in site.refusal("backup", str(site.folder.parent / "damaged.backup"))
    assert not list(site.folder.parent.glob("*.backup"))
    assert not list(site.folder.parent.glob(".relance-backup-*"))


def test_a_copied_folder_sends_nothing(site: Site, smtp_sink: SmtpSink) -> None:
    copy = site.folder.parent / "copy"
    shutil.copytree(site.folder, copy)
    clone = Site(copy, site.account, site.smtp_port, site.database_url)
    clone.command("run", "--once")
    assert smtp_sink.mails == []
