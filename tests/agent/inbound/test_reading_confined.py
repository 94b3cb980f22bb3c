"""The reading process: one child for many mails, replaced when it dies, hangs or answers nonsense."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent.inbound import confined, inspect
from agent.inbound.confined import Reader, Unreadable
from agent.inbound.reading import read_message
from agent.inbound.values import Border, Reading
from config.errors import RelanceError

CONTRACT = (
    "file kind bounce new_text signature quoted language message_id in_reply_to references from subject date "
    "attachments error"
)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MAIL = (
    b"Authentication-Results: mx.x.example; dmarc=pass header.from=customer.example\n"
    b"Received: from a by mx.x.example\n"
    b"From: Anna <anna@customer.example>\nDate: Mon, 2 Mar 2026 09:00:00 +0100\n"
    b"Subject: =?utf-8?q?Pay=C3=A9?=\n\nPaid F26-118.\n"
)


@pytest.fixture
def reader() -> Iterator[Reader]:
    with Reader() as made:
        yield made


def child_of(reader: Reader) -> int:
    child = reader._child
    assert child is not None
    return child.pid


def test_the_child_reads_what_the_function_reads(reader: Reader) -> None:
    border = Border("own", "mx.x.example")
    reading = reader.read(MAIL, border, NOW)
    assert reading == read_message(MAIL, border, NOW)
    assert isinstance(reading, Reading)
    assert reading.authentication.verdict == "pass"


def test_one_child_serves_many_mails_and_large_ones(reader: Reader) -> None:
    reader.read(MAIL, None, NOW)
    first = child_of(reader)
    assert isinstance(reader.read(MAIL + b"x" * 5_000_000, None, NOW), Reading)
    assert child_of(reader) == first


def test_a_killed_child_is_replaced(reader: Reader) -> None:
    reader.read(MAIL, None, NOW)
    os.kill(child_of(reader), signal.SIGKILL)
    answers = [reader.read(MAIL, None, NOW) for _ in range(2)]
    assert isinstance(answers[1], Reading)


def test_a_hanging_child_costs_one_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    hang = "import sys, time; sys.stdout.buffer.write(b'\\0' * 7 + b'\\5ready'); sys.stdout.flush(); time.sleep(600)"
    with Reader(seconds=0.2) as reader:
        monkeypatch.setattr(confined, "_CHILD", hang)
        hung = reader.read(MAIL + b"x" * 1_000_000, None, NOW)
        assert isinstance(hung, Unreadable)
        assert "longer" in hung.reason
    monkeypatch.undo()
    with Reader() as reader:
        assert isinstance(reader.read(MAIL, None, NOW), Reading)


def test_nonsense_is_no_reading(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    nonsense = (
        "import sys; w = sys.stdout.buffer.write; w(b'\\0' * 7 + b'\\5ready'); sys.stdout.flush(); "
        "sys.stdin.buffer.read(20); w(b'\\0' * 7 + b'\\2{}'); sys.stdout.flush(); sys.stdin.buffer.read()"
    )
    monkeypatch.setattr(confined, "_CHILD", nonsense)
    assert reader.read(MAIL, None, NOW) == Unreadable("the reading process gave an answer that is no reading")


def test_a_child_that_never_starts_is_not_the_mails_fault(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    monkeypatch.setattr(confined, "_CHILD", "import sys; sys.exit(3)")
    with pytest.raises(RelanceError, match="exit code 3"):
        reader.read(MAIL, None, NOW)


def test_a_program_that_cannot_be_run_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, reader: Reader, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))
    with pytest.raises(RelanceError, match="does not start \\(No such file"):
        reader.read(MAIL, None, NOW)


def test_inspect_prints_a_line_a_file_whatever_its_bytes(tmp_path: Path) -> None:
    good, empty, junk = tmp_path / "good.eml", tmp_path / "empty.eml", tmp_path / "junk.eml"
    good.write_bytes(MAIL)
    empty.write_bytes(b"")
    junk.write_bytes(bytes(range(256)) * 50)
    app = typer.Typer()
    app.callback()(lambda: None)
    inspect.mount(app)
    files = [str(good), str(empty), str(junk), str(tmp_path / "missing.eml"), str(tmp_path)]
    result = CliRunner().invoke(app, ["inspect", "--json", *files])
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["file"] for line in lines] == files
    assert lines[0]["subject"] == "Payé"
    assert lines[0]["numbers"] == ["F26-118"]
    assert all(line["kind"] == "human" and isinstance(line["new_text"], str) for line in lines)
    assert lines[3]["error"]
    assert lines[4]["error"]
    assert all(set(CONTRACT.split()) <= set(line) for line in lines)
