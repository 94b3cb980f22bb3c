"""Which folders are watched, as a table."""

from pathlib import Path

import pytest

from agent.inbound.folders import Listed, choose
from tests.agent.inbound.conftest import settings_for

LISTING: tuple[Listed, ...] = (
    ((), b"/", "Clients"),
    ((), b"/", "Clients/Dupont"),
    ((rb"\Noselect",), b"/", "Shared"),
    ((rb"\HasNoChildren", rb"\Drafts"), b"/", "Unfinished"),
    ((), b"/", "INBOX"),
    ((), b"/", "Archive/Brouillons"),
    ((), b".", "INBOX.Drafts"),
    ((rb"\Sent",), b"/", "Gesendet"),
    ((rb"\Junk",), b"/", "Spam"),
)


@pytest.mark.parametrize(
    ("imap", "expected"),
    [
        ("", ["Gesendet", "INBOX", "Clients", "Clients/Dupont", "Spam"]),
        ('folders = ["inbox"]', ["INBOX"]),
        ('folders = ["INBOX", "Clients/*"]', ["INBOX", "Clients/Dupont"]),
        ('exclude = ["Clients*", "Spam"]', ["Gesendet", "INBOX"]),
        ('exclude = ["clients"]', ["Gesendet", "INBOX", "Clients", "Clients/Dupont", "Spam"]),
        ('folders = ["Unfinished", "*Drafts"]', []),
        ('folders = ["Client."]', []),
    ],
)
def test_settings_choose_and_drafts_are_never_chosen(tmp_path: Path, imap: str, expected: list[str]) -> None:
    chosen = choose(LISTING, settings_for(tmp_path, imap=imap).mailbox["ar"].imap)
    assert [folder.name for folder in chosen] == expected


def test_sent_is_known_by_the_servers_mark_or_by_the_settings(tmp_path: Path) -> None:
    chosen = choose(LISTING, settings_for(tmp_path, imap='sent = "Clients"').mailbox["ar"].imap)
    assert [folder.name for folder in chosen if folder.is_sent] == ["Clients", "Gesendet"]


def test_of_gmail_only_the_folders_that_hold_everything_are_read(tmp_path: Path) -> None:
    listing: tuple[Listed, ...] = (
        ((), b"/", "INBOX"),
        ((rb"\HasNoChildren", rb"\All"), b"/", "[Gmail]/Tous les messages"),
        ((rb"\HasNoChildren", rb"\Important"), b"/", "[Gmail]/Important"),
        ((rb"\HasNoChildren", rb"\Sent"), b"/", "[Gmail]/Messages envoyés"),
        ((rb"\HasNoChildren", rb"\Drafts"), b"/", "[Gmail]/Brouillons"),
        ((), b"/", "Label"),
    )
    chosen = choose(listing, settings_for(tmp_path).mailbox["ar"].imap, is_gmail=True)
    assert [folder.name for folder in chosen] == ["[Gmail]/Messages envoyés", "[Gmail]/Tous les messages"]
