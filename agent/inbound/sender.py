"""Who a message is from, and whether our own border vouches for it.

The standard library reads ``good@good.test <evil@evil.test>`` as the first address (CVE-2023-27043), so addresses
are parsed here, strictly: what is not written by RFC 5322's grammar is no address. An identity needs exactly one
From header with exactly one address.

Authentication-Results (RFC 8601) are worth what their place is worth: anybody can write such a line into a mail,
and only the border can write above its own Received line. Where that line stands is a matter of the border:

- *own*: a milter of our MTA prepends its line; it stands above the topmost Received line that names the border as
  ``by`` (lines of a later LMTP delivery may stand further up). The authserv-id must be exactly ours. With
  `Border.local_filter` hops over the loopback are passed over, those of a log-in excepted: the border names the address
  that it was connected from right behind the HELO name, where no sender can write.
- *m365*: the topmost Authentication-Results line, without an authserv-id, above the first Received line written by
  ``*.protection.outlook.com``, all lines further up being Microsoft's own hops.
- *gmail*: the topmost line, with the id ``mx.google.com``, directly below the topmost Received line by that host.

Unsure is unauthenticated. Whether the sender may speak for a customer is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agent.inbound.headers import Headers, decode_header
from agent.inbound.values import Address, Authentication, Border

MAX_ADDRESSES = 500
_ATOM = r"[^\x00-\x20\x7f()<>\[\]:;@\\,.\"]+"
_TOKEN = re.compile(
    rf'(?P<space>[ \t\r\n]+)|(?P<quoted>"(?:[^"\\\x00\r\n]|\\[^\x00\r\n])*")|(?P<atom>{_ATOM})|'
    r"(?P<special>[<>:;@,.\[\]])"
)
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


class _NotStrict(ValueError):
    """The text is not written by the grammar."""


def parse_address(text: str) -> Address | None:
    """The one address that `text` consists of, or None where it is anything else.

    >>> parse_address('Anna <anna@Customer.Example>')
    Address(name='Anna', address='anna@customer.example')
    >>> parse_address('good@good.test <evil@evil.test>') is None
    True
    """
    found = list(_mailboxes(text, groups=False))
    return found[0] if len(found) == 1 else None


def parse_addresses(text: str) -> tuple[Address, ...]:
    """All strictly written addresses of a list; groups are opened, what is no address is left out."""
    found: list[Address] = []
    for mailbox in _mailboxes(text):
        if mailbox is not None and mailbox not in found:
            found.append(mailbox)
        if len(found) == MAX_ADDRESSES:
            break
    return tuple(found)


def _mailboxes(text: str, *, groups: bool = True) -> Iterator[Address | None]:
    """Each element of an address list; None for an element that is no strict address, as a group's name may be."""
    try:
        tokens = _tokens(text)
    except _NotStrict:
        yield None
        return
    element: list[_Token] = []
    in_angle = False
    for token in [*tokens, _Token("special", ",")]:
        in_angle = (in_angle or token.text == "<") and token.text != ">"
        if token.kind == "special" and token.text in ",;:" and not in_angle:
            if token.text == ":" and not groups:
                yield None  # two readers might take its name and its members for the sender
            elif any(part.kind != "space" for part in element) and token.text != ":":
                yield _mailbox(element)
            element = []
        else:
            element.append(token)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at] == "(":
            at = _comment_end(text, at)
            tokens.append(_Token("space", " "))
            continue
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _NotStrict(text[at])
        tokens.append(_Token(match.lastgroup, match[0]))
        at = match.end()
    return tokens


def _comment_end(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    raise _NotStrict("comment")


def _mailbox(element: list[_Token]) -> Address | None:
    texts = [token.text for token in element]
    if "<" not in texts:
        return _addr_spec("".join(texts).strip(), "")
    start = texts.index("<")
    try:
        end = texts.index(">", start)
    except ValueError:
        return None
    if any(token.kind != "space" for token in element[end + 1 :]):
        return None
    phrase = element[:start]
    # An "@" outside quotes makes the phrase an address: two readers would see two senders.
    if any(token.kind == "special" and token.text != "." for token in phrase):
        return None
    name = "".join(_unquoted(token) for token in phrase)
    return _addr_spec("".join(texts[start + 1 : end]).strip(), decode_header(name.encode("utf-8", "replace")))


def _unquoted(token: _Token) -> str:
    if token.kind == "quoted":
        return re.sub(r"\\(.)", r"\1", token.text[1:-1])
    return token.text


def _addr_spec(text: str, name: str) -> Address | None:
    local, at, domain = text.rpartition("@")
    labels = domain.lower().split(".")
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64 or len(domain) > 253 or len(labels) < 2:
        return None
    if not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return Address(name=name, address=f"{local}@{domain.lower()}")


def read_sender(headers: Headers) -> Address | None:
    """The one strict address of the one From header; None where there are several, none, or it is not strict."""
    values = headers.raw("from")
    if len(values) != 1:
        return None
    return parse_address(_as_text(values[0]))


def read_delegate(headers: Headers, sender: Address | None) -> Address | None:
    """Who handed the mail in for its author (RFC 5322 3.6.2): the one Sender header's address, where it is another."""
    values = headers.raw("sender")
    found = parse_address(_as_text(values[0])) if len(values) == 1 else None
    if found is None or (sender is not None and found.address.lower() == sender.address.lower()):
        return None
    return found


def read_addresses(headers: Headers, *names: str) -> tuple[Address, ...]:
    """The addresses of all headers with these names."""
    found: dict[Address, None] = {}
    for name in names:
        for value in headers.raw(name)[:20]:
            found.update(dict.fromkeys(parse_addresses(_as_text(value))))
    return tuple(found)[:MAX_ADDRESSES]


def read_return_path(headers: Headers) -> str | None:
    """The envelope sender as the last hop filed it: "" for the null path, None where no line says."""
    for value in headers.raw("return-path")[:1]:
        match = re.search(r"<\s*([^<>\s]*)\s*>", _as_text(value))
        return match[1] if match else _as_text(value).strip()
    return None


def _as_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


NO_LINE = "our border wrote no Authentication-Results line"
"""Where no line stands at the place where only the border can have written it."""

# --- Authentication-Results ------------------------------------------------------------------------------------------

_RECEIVED_BY = re.compile(r"(?:^|\s)by\s+([\w.:-]+)", re.I)
_WITH_LMTP = re.compile(r"\swith\s+LMTPS?A?\b", re.I)
MAX_LOOPS = 4
"""Hops over the loopback that are passed over: to a filter and back, and to a second one."""
_FROM_LOOPBACK = re.compile(r"\s*from\s+\S+\s+\((?:[\w.-]+\s+)?\[(?:127\.0\.0\.1|(?:IPv6:)?::1)\]\)\s+by\s", re.I)
_WITH_LOG_IN = re.compile(r"\swith\s+(?:UTF8)?E?SMTPS?A\b", re.I)
_RESULT = re.compile(r"\s*([\w-]+)\s*=\s*([\w-]+)(.*)", re.S)
_HEADER_FROM = re.compile(r"\bheader\.from\s*=\s*\"?([^\s;\"]+)", re.I)


def read_authentication(headers: Headers, sender: Address | None, border: Border | None) -> Authentication:
    """The DMARC verdict of our border for the domain of `sender`."""
    if border is None:
        return Authentication("none", None, "no border is configured")
    if sender is None:
        return Authentication("none", None, "the message has not exactly one sender")
    domain = sender.address.rpartition("@")[2]
    lines = _trusted_lines(headers, border)
    if not lines:
        return Authentication("none", domain, NO_LINE)
    return _dmarc_verdict(lines, domain)


def _trusted_lines(headers: Headers, border: Border) -> list[str]:
    """The results (without authserv-id) of the lines that our border wrote."""
    if border.kind == "gmail":
        return _gmail_lines(headers)
    if border.kind == "m365":
        return _m365_lines(headers)
    lines: list[str] = []
    own = border.authserv_id.lower()
    loops = MAX_LOOPS if border.local_filter else 0
    for name, value in headers.fields:
        if name == "received":
            text = _without_comments(_as_text(value))
            by = _RECEIVED_BY.search(text)
            later_delivery = bool(_WITH_LMTP.search(text)) and by is not None
            if not later_delivery and loops and _is_loop(_as_text(value), text):
                loops -= 1
            elif not later_delivery:
                return lines
        elif name == "authentication-results":
            authserv_id, results = _split_results(_as_text(value))
            if own and authserv_id == own:
                lines.append(results)
    # No Received line at all: nothing shows that the message ever crossed our border.
    return []


def _is_loop(received: str, without_comments: str) -> bool:
    """Whether a program on the border's own machine handed the mail on, and nobody logged in to do so."""
    return bool(_FROM_LOOPBACK.match(received)) and not _WITH_LOG_IN.search(without_comments)


def _m365_lines(headers: Headers) -> list[str]:
    topmost: str | None = None
    for name, value in headers.fields:
        if name == "received":
            by = _RECEIVED_BY.search(_without_comments(_as_text(value)))
            host = by[1].lower() if by else ""
            if host.endswith(".protection.outlook.com"):
                return [topmost] if topmost else []
            if not host.endswith((".outlook.com", ".office365.com", ".exchangelabs.com")):
                return []
        elif name == "authentication-results" and topmost is None:
            authserv_id, topmost = _split_results(_as_text(value))
            if authserv_id:
                return []
    return []


def _gmail_lines(headers: Headers) -> list[str]:
    below_border = False
    for name, value in headers.fields:
        if name == "authentication-results":
            authserv_id, results = _split_results(_as_text(value))
            return [results] if below_border and authserv_id == "mx.google.com" else []
        if below_border and name != "received-spf":
            return []
        if name == "received":
            by = _RECEIVED_BY.search(_without_comments(_as_text(value)))
            below_border = by is not None and by[1].lower() == "mx.google.com"
    return []


_AUTHSERV_ID = re.compile(r'\s*(?:"([^"\\]*)"|([^\s";=]+))(?:\s+1)?\s*')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?', re.S)
_PLAIN_QUOTED = re.compile(r'"[^\s;="\\]*"')


def _split_results(value: str) -> tuple[str, str]:
    """(authserv-id, results); the id is "" where the line begins with a result, as Microsoft's do.

    The id may be followed by the version, which is 1 (RFC 8601 2.2); of any other one nothing is known.
    """
    text = _without_comments(value)
    head, *rest = _split_unquoted(text)
    if match := _AUTHSERV_ID.fullmatch(head):
        return (match[1] or match[2] or "").lower() or head, ";".join(rest)
    return ("", text) if "=" in _QUOTED.sub("", head) else (head.lower(), ";".join(rest))


def _split_unquoted(text: str) -> list[str]:
    """The parts between semicolons, of which those within quotes are none: a sender may choose what stands in there."""
    held = _QUOTED.sub(lambda match: match[0].replace(";", "\0"), text)
    return [part.replace("\0", ";") for part in held.split(";")]


def _without_quoted(part: str) -> str:
    """A part without quoted strings that say more than one word: their text is no result, whatever it looks like."""
    return _QUOTED.sub(lambda match: match[0] if _PLAIN_QUOTED.fullmatch(match[0]) else '""', part)


def _without_comments(text: str) -> str:
    """Comments out; a comment that never closes swallows the rest, so that nothing hides behind one."""
    out: list[str] = []
    depth, at, quoted = 0, 0, False
    while at < len(text):
        char = text[at]
        if char == "\\":
            if not depth:
                out.append(text[at : at + 2])
            at += 2
            continue
        if char == '"' and not depth:
            quoted = not quoted
        if char == "(" and not quoted:
            depth += 1
        elif char == ")" and depth and not quoted:
            depth -= 1
        elif not depth:
            out.append(char)
        at += 1
    return "".join(out)


def _dmarc_verdict(lines: list[str], domain: str) -> Authentication:
    """One failing result outweighs any pass; a pass counts only for the very domain of the sender."""
    verdicts: list[str] = []
    judged: list[str] = []
    for line in lines:
        for part in _split_unquoted(line):
            match = _RESULT.match(_without_quoted(part))
            if match and match[1].lower() == "dmarc":
                verdicts.append(match[2].lower())
                header_from = _HEADER_FROM.search(match[3])
                judged.append(header_from[1].lower().rstrip(".") if header_from else "")
    if "fail" in verdicts:
        return Authentication("fail", domain, "DMARC failed")
    if not verdicts:
        return Authentication("none", domain, "our border gave no DMARC result")
    if set(verdicts) != {"pass"}:
        return Authentication("none", domain, f"DMARC result: {', '.join(sorted(set(verdicts)))[:80]}")
    if set(judged) != {domain}:
        return Authentication("none", domain, "the DMARC result is for another domain")
    return Authentication("pass", domain, "DMARC passed")
