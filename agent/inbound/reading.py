"""From the bytes of a mail to its `Reading`: the one door of this package's reading part.

Pure: bytes, the border and a time in, a value out; no clock, file or socket. Each step leaves what it can't read
empty and says so in `error`. Hostile bytes may still cost time or memory, so that programs call this through
`agent.inbound.confined`, in a process with limits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from agent.inbound import keys, wordings
from agent.inbound.attributions import names_of
from agent.inbound.autoreply import read_auto_reply
from agent.inbound.bounces import Evidence, read_bounce
from agent.inbound.certified import ENVELOPE, inner_mail, is_delay, receipt_ids
from agent.inbound.facts import is_payment_proof, mentions_iban, read_numbers
from agent.inbound.forwards import read_forward
from agent.inbound.headers import MAX_SUBJECT, Headers, decode_header, message_ids, parse_date, parse_headers, tidy
from agent.inbound.html import html_to_text, without_marks
from agent.inbound.kind import Facts, judge_kind
from agent.inbound.language import guess_language
from agent.inbound.newtext import Split, has_history, split_text
from agent.inbound.parts import Parts, Passage, read_parts
from agent.inbound.sender import read_addresses, read_authentication, read_delegate, read_return_path, read_sender
from agent.inbound.values import Authentication, AutoReply, Border, Bounce, BounceReason, Kind, Reading

#: characters of a plain text that may stand in place of the one in HTML
MAX_STUB = 250


def read_message(raw: bytes, border: Border | None, now: datetime) -> Reading:
    """Read one message.

    Args:
        raw: the message as it was stored, RFC 5322 or anything else.
        border: whose Authentication-Results count; None trusts nobody's.
        now: stands in for the Date header where there is none (aware).
    """
    raw = tidy(raw)
    headers = parse_headers(raw)
    parts = read_parts(raw, headers)
    inner = inner_mail(headers, parts)
    if inner is not None:
        return _unwrapped(headers, parts, inner, now)
    return _read(headers, parts, border, now)


def _unwrapped(headers: Headers, parts: Parts, inner: bytes, now: datetime) -> Reading:
    """The mail inside a provider's envelope, under the id and to the addresses by which it came."""
    inner = tidy(inner)
    inside = parse_headers(inner)
    found = _read(inside, read_parts(inner, inside), None, now)
    domain = found.sender.address.rpartition("@")[2] if found.sender else None
    attached = {attachment.sha256: attachment for attachment in (*found.attachments, *parts.attachments)}
    return replace(
        found,
        message_id=_one_id(headers, "message-id"),
        recipients=tuple(dict.fromkeys((*found.recipients, *read_addresses(headers, "to", "cc")))),
        return_path=read_return_path(headers),
        attachments=tuple(attached.values()),
        authentication=Authentication("none", domain, ENVELOPE),
        error=found.error or parts.error,
    )


def _read(headers: Headers, parts: Parts, border: Border | None, now: datetime) -> Reading:
    texts = _texts(parts)
    whole = _whole_text(parts, texts)
    subject = headers.text("subject")[:MAX_SUBJECT]
    status_fields = "\n\n".join(text for _, text in parts.reports)
    from_header = headers.text("from")
    rule = judge_kind(Facts(headers, parts, subject, from_header.lower(), whole, status_fields))
    recipients = read_addresses(headers, "to", "cc")
    sender = read_sender(headers)
    split = split_text("\n\n".join(text for text in texts if text.strip()), names_of(recipients), sender)
    date = next((parse_date(value) for value in headers.raw("date")), None)
    return Reading(
        kind=rule.kind,
        bounce=_bounce(headers, parts, subject, whole, status_fields) if rule.kind is Kind.BOUNCE else None,
        auto_reply=_auto_reply(split, subject, from_header, date or now) if rule.kind is Kind.AUTO_REPLY else None,
        new_text=split.new_text,
        signature=split.signature,
        quoted=split.quoted,
        language=guess_language(split.new_text or subject),
        message_id=_one_id(headers, "message-id"),
        in_reply_to=_one_id(headers, "in-reply-to"),
        references=_references(headers),
        sender=sender,
        from_header=from_header,
        recipients=recipients,
        reply_to=read_addresses(headers, "reply-to"),
        return_path=read_return_path(headers),
        subject=subject,
        date=date,
        attachments=parts.attachments,
        authentication=read_authentication(headers, sender, border),
        numbers=read_numbers((subject, split.new_text)),
        mentions_iban=mentions_iban(f"{subject}\n{split.new_text}"),
        error=parts.error,
        inline=split.inline,
        forward=read_forward(subject, split.quoted, parts) if rule.kind is Kind.HUMAN else None,
        delegate=read_delegate(headers, sender),
        conversation=keys.conversation_of(headers.text("thread-index")),
        payment_proofs=tuple(each.filename for each in parts.attachments if is_payment_proof(each.filename)),
    )


def _one_id(headers: Headers, name: str) -> str | None:
    for value in headers.raw(name):
        ids = message_ids(value)
        if ids:
            return ids[0]
        return decode_header(value)[:300] or None
    return None


def _references(headers: Headers) -> tuple[str, ...]:
    """The mails of the conversation, the nearest last; In-Reply-To may name several (RFC 5322 3.6.4)."""
    named = [found for value in headers.raw("references") for found in message_ids(value)]
    answered = [found for value in headers.raw("in-reply-to") for found in message_ids(value)]
    return tuple(dict.fromkeys((*named, *answered[1:], *receipt_ids(headers))))


def _texts(parts: Parts) -> list[str]:
    """The text of each passage: the plain one where it tells enough, the HTML's structure where it tells more."""
    return [_text_of(passage) for passage in parts.passages]


def _text_of(passage: Passage) -> str:
    if not passage.html or (passage.plain.strip() and has_history(passage.plain)):
        return passage.plain
    html = html_to_text(passage.html)
    return html if not passage.plain.strip() or has_history(html) or _is_stub(passage.plain) else passage.plain


def _is_stub(plain: str) -> bool:
    """Whether a text only says that the mail has one in HTML."""
    return len(plain) < MAX_STUB and bool(wordings.pattern("footers", "stub").search(plain))


def _whole_text(parts: Parts, texts: list[str]) -> str:
    """All text of the body, for words: with quotes, without markup."""
    pairs = zip(parts.passages, texts, strict=True)
    return "\n\n".join(passage.plain or without_marks(text) for passage, text in pairs)


def _bounce(headers: Headers, parts: Parts, subject: str, whole: str, status_fields: str) -> Bounce:
    complaint = parts.report_type == "feedback-report" or any(
        kind == "message/feedback-report" for kind, _ in parts.reports
    )
    failed = headers.text("x-failed-recipients")
    fields = status_fields or whole
    found = read_bounce(Evidence(whole, fields, parts.embedded, subject, failed, parts.tree, complaint))
    return replace(found, permanent=False, reason=BounceReason.DELAYED) if is_delay(headers) else found


def _auto_reply(split: Split, subject: str, from_header: str, date: datetime) -> AutoReply:
    own = from_header.rpartition("<")[2].strip("<> ")
    return read_auto_reply(f"{subject}\n\n{split.new_text}\n{split.signature}", own, date)
