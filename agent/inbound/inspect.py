"""The command ``inspect``: what relance reads off mails that lie in files, one JSON object a line.

For people who wonder how a mail was read, and for measuring. Touches no mailbox, database or configuration.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.console import Json
from agent.inbound.confined import Reader, Unreadable
from agent.inbound.values import Reading

#: larger files are not read: no mail server takes them
MAX_FILE = 100 * 1024 * 1024


def inspect_files(files: list[Path], now: datetime) -> Iterator[dict[str, Any]]:
    """One line of output for each file, whatever its bytes."""
    with Reader() as reader:
        for file in files:
            try:
                if file.stat().st_size > MAX_FILE:
                    yield unreadable(file, f"the file is larger than {MAX_FILE // 1024 // 1024} MB")
                    continue
                raw = file.read_bytes()
            except OSError as error:
                yield unreadable(file, f"cannot read the file: {error.strerror}")
                continue
            reading = reader.read(raw, None, now)
            yield unreadable(file, reading.reason) if isinstance(reading, Unreadable) else as_line(file, reading)


def as_line(file: Path, reading: Reading) -> dict[str, Any]:
    """The object that ``inspect --json`` prints for a reading."""
    bounce, auto_reply, forward = reading.bounce, reading.auto_reply, reading.forward
    return {
        "file": str(file),
        "kind": reading.kind.value,
        "bounce": None if bounce is None else {
            "permanent": bounce.permanent, "recipient": bounce.recipient, "status": bounce.status,
            "reason": bounce.reason.value, "original_message_id": bounce.original_message_id,
        },
        "auto_reply": None if auto_reply is None else {
            "return_date": auto_reply.return_date.isoformat() if auto_reply.return_date else None,
            "new_contact": auto_reply.new_contact,
        },
        "new_text": reading.new_text,
        "signature": reading.signature,
        "quoted": reading.quoted,
        "inline": [{"quoted": one.quoted, "answer": one.answer} for one in reading.inline],
        "language": reading.language,
        "message_id": reading.message_id,
        "in_reply_to": reading.in_reply_to,
        "references": list(reading.references),
        "conversation": reading.conversation,
        "from": reading.from_header,
        "sender": reading.sender.address if reading.sender else None,
        "delegate": reading.delegate.address if reading.delegate else None,
        "forward": None if forward is None else {
            "author": forward.author.address if forward.author else None, "attached": forward.attached,
        },
        "subject": reading.subject,
        "date": reading.date.isoformat() if reading.date else None,
        "attachments": [
            {"filename": attachment.filename, "content_type": attachment.content_type, "size": attachment.size}
            for attachment in reading.attachments
        ],
        "payment_proofs": list(reading.payment_proofs),
        "numbers": list(reading.numbers),
        "mentions_iban": reading.mentions_iban,
        "error": reading.error,
    }  # fmt: skip


def unreadable(file: Path, reason: str) -> dict[str, Any]:
    """The object for a file that gave no reading: kind human, since a person has to look at it."""
    names = (
        "bounce", "auto_reply", "message_id", "in_reply_to", "conversation", "sender", "delegate", "forward", "date",
    )  # fmt: skip
    empty = dict.fromkeys(names)
    texts = dict.fromkeys(("new_text", "signature", "quoted", "from", "subject"), "")
    lists: dict[str, Any] = {"inline": [], "references": [], "attachments": [], "payment_proofs": [], "numbers": []}
    return {
        "file": str(file),
        "kind": "human",
        "language": "und",
        "mentions_iban": False,
        **empty,
        **texts,
        **lists,
        "error": reason,
    }


def print_line(line: dict[str, Any], *, indent: int | None) -> None:
    """Write one object in UTF-8, whatever the terminal's encoding and the file's name; one line unless indented."""
    text = json.dumps(line, ensure_ascii=False, indent=indent)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def mount(app: typer.Typer) -> None:
    """Add the command ``inspect``."""

    @app.command("inspect")
    def inspect(
        files: Annotated[
            list[Path], typer.Argument(metavar="FILE.eml…", help="Mails, one a file.", show_default=False)
        ],
        json_: Json = False,
    ) -> None:
        """Show what relance reads off mails in files: kind, new text, signature, quote, headers."""
        for line in inspect_files(files, datetime.now(UTC)):
            print_line(line, indent=None if json_ else 2)
