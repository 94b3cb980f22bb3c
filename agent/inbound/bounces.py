"""Delivery reports: which address failed, with what status, for good or for now, and why.

Reports by RFC 3464 are read field by field; the many that are free text go to flufl.bounce and to patterns of our
own. A status such as ``5.0.0`` says nothing, so the code and the words in the text of the failure count for more.
The *reason* decides what follows: only a dead address ends the use of an address, a full mailbox or a policy does
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from functools import cache

from flufl.bounce import all_failures

from agent.inbound import wordings
from agent.inbound.values import Bounce, BounceReason

#: characters of text in which words are searched
MAX_TEXT = 60_000
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_SMTP = re.compile(r"(?<![\d.:/-])([45][0-5]\d)(?=[\s,;:#-]|$)")


#: what reporters put around an address
_AROUND = ".'`"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a delivery report consists of, as texts."""

    #: text of the body (history and all), for words
    text: str
    #: delivery-status parts, or the text itself where it holds such fields
    status_fields: str
    #: header sections and texts of the returned message
    returned: tuple[str, ...]
    subject: str
    failed_header: str
    tree: Message
    complaint: bool


@dataclass(frozen=True, slots=True)
class _Recipient:
    """One recipient's block of a delivery-status part."""

    address: str | None
    action: str
    status: str | None
    diagnostic: str


def read_bounce(evidence: Evidence) -> Bounce:
    """Read a message that is known to be a delivery report or a complaint."""
    original = _original_id(evidence)
    if evidence.complaint:
        recipient = _complained_of(evidence)
        return Bounce(False, recipient, None, BounceReason.COMPLAINT, original)
    blocks = list(_recipients(evidence.status_fields))
    failed = next((block for block in blocks if block.action in ("failed", "")), blocks[0] if blocks else None)
    failed = failed or next((block for block in blocks if block.action == "delayed"), None)
    diagnostic = failed.diagnostic if failed else ""
    words = _failure_text(evidence.text)
    status = _status(failed, diagnostic, words)
    delayed = bool(failed and failed.action == "delayed") or (
        not blocks and _says("delayed", f"{evidence.subject}\n{words}")
    )
    permanent = _permanent(status, delayed, f"{diagnostic}\n{words}")
    recipient = (failed.address if failed else None) or _recipient_in_text(evidence)
    return Bounce(permanent, recipient, status, _reason(status, permanent, delayed, diagnostic, words), original)


def is_success(status_fields: str) -> bool:
    """Whether a delivery-status part only tells of mails that arrived or were passed on."""
    actions = {block.action for block in _recipients(status_fields)}
    return bool(actions) and actions <= {"delivered", "relayed", "expanded"}


def says_bounce(field: str, text: str) -> bool:
    """Whether `text` has a phrase of `field` (subject, body, sender) in any language."""
    return bool(_pattern(field).search(wordings.fold(text[:MAX_TEXT])))


def _recipients(fields: str) -> Iterator[_Recipient]:
    for block in re.split(r"\n\s*\n", fields.replace("\r", "")):
        values: dict[str, str] = {}
        for name, value in re.findall(r"(?mi)^[ \t>]*([A-Za-z-]{4,40})[ \t]*:[ \t]*(.*(?:\n[ \t]+\S.*)*)", block):
            values.setdefault(name.lower(), re.sub(r"\s+", " ", value).strip())
        who = values.get("final-recipient") or values.get("original-recipient")
        if who is None and "action" not in values and "status" not in values:
            continue
        if who is None and "reporting-mta" in values:
            continue
        code = _CODE.search(values.get("status", ""))
        status = ".".join(code.groups()) if code else None
        # The original recipient is the address that we wrote to; the final one may be what an alias made of it.
        address = _address_of(values.get("original-recipient")) or _address_of(values.get("final-recipient"))
        action = values.get("action", "").split(" ")[0].strip(" ;().").lower()
        yield _Recipient(address, action, status, values.get("diagnostic-code", ""))


def _address_of(value: str | None) -> str | None:
    if not value:
        return None
    text = value.partition(";")[2] or value
    match = _ADDRESS.search(text.replace("+40", "@") if "@" not in text else text)
    return match[0].strip(_AROUND) if match else None


def _status(failed: _Recipient | None, diagnostic: str, words: str) -> str | None:
    """The most telling code: the receiving server's own in the diagnostic, then the reporter's, then the text's.

    A detail of 0 means "other or undefined" (RFC 3463 3), so that any other code tells more; so does a subject of 0.
    """
    stated = failed.status if failed else None
    codes = [*_codes(diagnostic), *([stated] if stated else [])]
    codes += [code for code in _codes(words) if stated is None or code[0] == stated[0]]
    return max(codes, key=_telling) if codes else None


def _codes(text: str) -> list[str]:
    """The failure codes in `text`, in order."""
    return [".".join(match.groups()) for match in _CODE.finditer(text) if match[1] != "2"]


def _telling(code: str) -> int:
    return 2 if not code.endswith(".0") else 0 if code.endswith(".0.0") else 1


def _permanent(status: str | None, delayed: bool, text: str) -> bool:
    if delayed:
        return False
    if status:
        return status[0] == "5"
    code = _SMTP.search(text)
    if code:
        return code[1][0] == "5"
    return True  # a report that names no code and no delay says that the mail was given up


_REASONS = {"our_side": BounceReason.POLICY, "surely_dead": BounceReason.DEAD_ADDRESS}
_BY_STATUS = {
    "1.0": BounceReason.DEAD_ADDRESS,
    "1.1": BounceReason.DEAD_ADDRESS,
    "1.2": BounceReason.DEAD_ADDRESS,
    "1.3": BounceReason.DEAD_ADDRESS,
    "1.6": BounceReason.DEAD_ADDRESS,
    "1.10": BounceReason.DEAD_ADDRESS,
    "2.1": BounceReason.DEAD_ADDRESS,
    "2.2": BounceReason.MAILBOX_FULL,
    "2.3": BounceReason.TOO_LARGE,
    "3.4": BounceReason.TOO_LARGE,
    "4.4": BounceReason.DEAD_ADDRESS,
    # the sender's own address: nothing about the recipient's
    "1.7": BounceReason.POLICY,
    "1.8": BounceReason.POLICY,
}


def _reason(status: str | None, permanent: bool, delayed: bool, diagnostic: str, words: str) -> BounceReason:
    if delayed:
        return BounceReason.DELAYED
    by_status = _BY_STATUS.get(status[2:]) if status else None
    if by_status and (permanent or by_status is not BounceReason.DEAD_ADDRESS):
        return by_status
    # A status of the subjects system, content or policy (RFC 3463 3) says that the address is not what failed.
    dead = "surely_dead" if status and status[2] in "367" else "dead_address"
    for text in (diagnostic, words):
        for reason in ("mailbox_full", "too_large", "spam", "our_side", dead, "policy"):
            if text and _says(reason, text):
                found = _REASONS.get(reason) or BounceReason(reason)
                if found is BounceReason.DEAD_ADDRESS and not permanent:
                    return BounceReason.TEMPORARY
                return found
    if not permanent:
        return BounceReason.TEMPORARY
    if status and status.startswith("5.7"):
        return BounceReason.POLICY
    return BounceReason.UNKNOWN


def _says(reason: str, text: str) -> bool:
    return bool(_reason_pattern(reason).search(wordings.fold(text[:MAX_TEXT])))


@cache
def _reason_pattern(reason: str) -> re.Pattern[str]:
    return _alternation(wordings.load("bounces")["reasons"][reason])


def _alternation(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(wordings.fold("|".join(f"(?:{phrase})" for phrase in phrases)), re.I)


@cache
def _pattern(field: str) -> re.Pattern[str]:
    return _alternation(wordings.merged("bounces", field))


_RETURNED = re.compile(
    r"(?im)^[\s*>=_|-]*(?:(?:-+ ?)?(?:this is a copy of|below (?:this line|is)|original message|"
    r"the (?:original )?message (?:header|follows)|unsent message|message header|included (?:is|below)|"
    r"returned message|begin(?:ning)? of|original message follows|"
    r"the header of the original|your (?:original )?message)\b.{0,60}$|"
    r"(?:received|return-path|x-mailer|mime-version|message-id)\s*:)"
)


def _failure_text(text: str) -> str:
    """The text without the returned message, whose own words say nothing about the failure."""
    for match in _RETURNED.finditer(text):
        if match.start() > 120:
            return text[: match.start()][:MAX_TEXT]
    return text[:MAX_TEXT]


def _recipient_in_text(evidence: Evidence) -> str | None:
    found = _ADDRESS.search(evidence.failed_header)
    if found:
        return found[0]
    try:
        temporary, permanent = all_failures(evidence.tree)
        addresses = sorted(address.decode("utf-8", "replace").strip(_AROUND) for address in (*permanent, *temporary))
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        addresses = []  # the detectors take any message apart without a care; our own search follows
    words = _failure_text(evidence.text)
    if addresses:
        return min(addresses, key=lambda address: (words.find(address) < 0, words.find(address)))
    return _address_near_failure(words) or _returned_to(evidence)


def _address_near_failure(words: str) -> str | None:
    """The address next to the words of failure; else the first one of the text that is no mail server's."""
    candidates = [match for match in _ADDRESS.finditer(words) if not _is_server(match[0])]
    if not candidates:
        return None
    failure = _pattern("body").search(words)
    if failure is None:
        return candidates[0][0].strip(_AROUND)
    return min(
        candidates, key=lambda match: (match.start() < failure.start() - 200, abs(match.start() - failure.start()))
    )[0].strip(_AROUND)


def _is_server(address: str) -> bool:
    return bool(_pattern("sender").search(address.partition("@")[0])) or bool(
        re.match(r"(?i)(abuse|support|help(desk)?|admin)@", address)
    )


def _returned_to(evidence: Evidence) -> str | None:
    """The one recipient of the returned mail."""
    for text in (*evidence.returned, evidence.text):
        match = re.search(r"(?im)^[>\s]*To\s*:\s*(.{1,300})$", text)
        if match:
            found = {address.lower(): address for address in _ADDRESS.findall(match[1])}
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _complained_of(evidence: Evidence) -> str | None:
    match = re.search(
        r"(?im)^(?:Original-Rcpt-To|Removal-Recipient|X-HmXmrOriginalRecipient)\s*:\s*(.+)$", evidence.status_fields
    )
    return (_address_of(match[1]) if match else None) or _returned_to(evidence)


def _original_id(evidence: Evidence) -> str | None:
    for text in (*evidence.returned, evidence.status_fields, evidence.text):
        match = re.search(r"(?im)^[>\s]*(?:X-Original-)?Message-ID\s*:\s*(<[^<>\s]{3,300}>)", text)
        if match:
            return match[1]
    return None
