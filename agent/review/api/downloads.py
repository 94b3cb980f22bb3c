"""Files by API: mails and their attachments, documents, everything on an invoice or a case."""

from __future__ import annotations

from agent.review import debtors, files
from agent.review.api.frame import Ask
from agent.review.api.work import entry_of
from agent.review.files import File


def source(ask: Ask) -> File:
    return files.source(ask.session, debtors.message_of(ask.session, ask.actor, ask.path["number"]))


def attachment(ask: Ask) -> File:
    message = debtors.message_of(ask.session, ask.actor, ask.path["number"])
    return files.attachment(ask.session, ask.desk.reader, message, ask.path["place"])


def document(ask: Ask) -> File:
    return files.document(ask.session, ask.actor, str(ask.path["number"]), ask.path["document"])


def dossier(ask: Ask) -> File:
    return files.dossier_of(ask.session, ask.actor, str(ask.path["number"]), ask.desk.settings, ask.now)


def hand_over(ask: Ask) -> File:
    entry = entry_of(ask, "task")
    return files.hand_over(ask.session, entry.id, ask.desk.settings, ask.now)
