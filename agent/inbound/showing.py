"""What a page may show of a stranger's mail: its HTML made harmless, and an attachment's bytes.

Runs in the confined child process only, like all reading. Sanitising is a closed list: a tag, attribute or scheme that
is not on it is gone, so nothing is left that could load, run, submit or lead anywhere. Links stay as their words, with
the address that they led to beside them. Size and depth are capped before the sanitiser sees the text: html5ever, on
which nh3 stands, takes minutes for a hundred thousand nested elements.
"""

from __future__ import annotations

import re
from html import escape, unescape

import nh3

from agent.inbound.headers import parse_headers, tidy
from agent.inbound.parts import content_of, read_parts

MAX_HTML = 256 * 1024
"""Characters of HTML that are shown."""
MAX_DEPTH = 512
LONGEST_LINK = 200

TAGS = frozenset(
    "b big blockquote br caption center code col colgroup dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins li ol p pre q "
    "s small span strike strong sub sup table tbody td tfoot th thead tr tt u ul".split()
)
ATTRIBUTES = {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "ol": {"start"}}
GONE_WITH_CONTENT = frozenset(
    "applet audio base canvas embed frame frameset head iframe math noembed noframes noscript object script select "
    "style svg template textarea title video xmp".split()
)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())


class NoSuchPart(Exception):
    """The mail has no such attachment."""


def show(raw: bytes, want: str) -> bytes:
    """``html``: the body as harmless HTML, UTF-8, empty where it has none; ``attachment:SHA256``: that attachment."""
    raw = tidy(raw)
    parts = read_parts(raw, parse_headers(raw))
    if want == "html":
        return "\n<hr>\n".join(harmless(passage.html) for passage in parts.passages if passage.html).encode("utf-8")
    content = content_of(parts, want.removeprefix("attachment:"))
    if content is None:
        raise NoSuchPart
    return content


def harmless(html: str) -> str:
    """`html` with nothing left in it but text, its structure, and the addresses of its links in words.

    >>> harmless('<p onclick="x()">Pay <a href="https://evil.example/">here</a><script>alert(1)</script></p>')
    '<p>Pay here [https://evil.example/]</p>'
    """
    html = html[:MAX_HTML]
    if _depth(html) > MAX_DEPTH:
        return f"<pre>{escape(unescape(re.sub('<[^<>]{0,4000}>', ' ', html)))}</pre>"
    return nh3.clean(
        _links_in_words(html),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        clean_content_tags=set(GONE_WITH_CONTENT),
        url_schemes=set(),
        strip_comments=True,
        link_rel=None,
    )


def _depth(html: str) -> int:
    """How deep elements may be nested in it, at most: each opening counts, whatever may close it by itself."""
    depth = deepest = 0
    for match in re.finditer(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)", html):
        if match[2].lower() in _VOID:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


_ANCHOR = re.compile(r"<a\b([^<>]{0,4000})>|</a\s*>", re.I)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]{0,2000})\"|'([^']{0,2000})'|([^\s\"'>]{1,2000}))", re.I)


def _links_in_words(html: str) -> str:
    """The address behind each link, as text. The standard library's tokenizer takes minutes for unclosed comments."""
    targets: list[str] = []

    def told(match: re.Match[str]) -> str:
        if match[1] is not None:
            href = _HREF.search(match[1])
            targets.append(unescape(href[1] or href[2] or href[3] or "").strip() if href is not None else "")
            return match[0]
        target = targets.pop() if targets else ""
        return f"{match[0]} [{escape(target[:LONGEST_LINK])}]" if target and not target.startswith("#") else match[0]

    return _ANCHOR.sub(told, html)
