"""HTML to plain text that keeps what the markup says about quotes and signatures.

Quotes come out as lines that begin with ``>``; where a client marks its reply header or its signature only by an id
or a class, a mark of a private code point stands on a line of its own for `agent.inbound.newtext` to read. One pass
over the tokens of the standard library's tokenizer, no tree: depth and time stay bounded whatever the markup.
Nothing here makes HTML safe to show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

#: a reply header starts on the next line
HISTORY_MARK = "\ue000"
#: like `HISTORY_MARK`, and all that follows is history
HISTORY_TO_END_MARK = "\ue001"
SIGNATURE_MARK = "\ue002"
SIGNATURE_END_MARK = "\ue003"
MARKS = HISTORY_MARK + HISTORY_TO_END_MARK + SIGNATURE_MARK + SIGNATURE_END_MARK

#: characters of HTML that are read
MAX_HTML = 512 * 1024
MAX_OPEN_TAGS = 2_000

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_HIDDEN = frozenset("script style head title template object svg math select".split())
_BLOCK = frozenset(
    "address article aside blockquote center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header li main "
    "nav ol pre section table tbody tfoot thead tr ul body html".split()
)
#: elements between which a reader sees an empty line
_SPACED = frozenset("p ul ol pre h1 h2 h3 h4 h5 h6 dl".split())

_WHOLLY_QUOTED = re.compile(
    r"\b(yahoo_quoted|protonmail_quote|zmail_extra|zmail_quote|tutanota_quote|mail_quote|quoted-text|ms-outlook-mobile-reference)",
    re.I,
)
_HEADER = re.compile(r"\b(gmail_attr|moz-cite-prefix|reply-intro|mail-quote-header)\b", re.I)
_TO_END = re.compile(
    r"\b(divRplyFwdMsg|appendonsend|OutlookMessageHeader|stopSpelling|mail-editor-reference-message-container|"
    r"OLK_SRC_BODY_SECTION|lineBreakAtBeginningOfMessage-reply|hmmessage_reply)\b",
    re.I,
)
#: Outlook and Windows Mail draw a line above the header block and mark it in no other way
_OUTLOOK_RULE = re.compile(
    r"border:\s*none;\s*border-top:\s*solid\s+(#e1e1e1|#b5c4df|rgb\(229|rgb\(225|rgb\(181)", re.I
)
_WINDOWS_MAIL_RULE = re.compile(
    r"border-top-color:\s*rgb\(229,\s*229,\s*229\);\s*border-top-width:\s*[12]px;\s*border-top-style:\s*solid", re.I
)
_SIGNATURE = re.compile(
    r"\b(gmail_signature|moz-signature|ms-outlook-mobile-signature|AppleMailSignature|protonmail_signature_block|"
    r"x_Signature|ms_signature|mail_signature|composer_signature|front-signature|messageSignatureSection)\b|"
    r"^Signature\b",
    re.I,
)
#: Gmail's indent button makes a blockquote too
_INDENT = re.compile(r"border:\s*(none|0)", re.I)


@dataclass(slots=True)
class _Open:
    tag: str
    quotes: int = 0
    hidden: bool = False
    signature: bool = False


@dataclass(slots=True)
class _Page:
    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    depth: int = 0
    hidden: int = 0
    preformatted: int = 0


class _Converter(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = _Page()
        self.open: list[_Open] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ("br", "hr"):
            self._mark_if_history(tag, values)
            self._break()
            if tag == "hr" and not self.page.hidden:
                self._put_line("________________________________")
            return
        if tag in _VOID:
            return
        if tag == "p":
            self._close_open_paragraph()
        if tag in _BLOCK or tag in _SPACED:
            self._block_edge(spaced=tag in _SPACED)
        elif tag in ("td", "th") and self.page.line:
            self.page.line.append(" ")
        self._mark_if_history(tag, values)
        opened = _Open(tag, hidden=_is_hidden(tag, values))
        opened.quotes = int(not opened.hidden and _is_quote(tag, values))
        opened.signature = any(_SIGNATURE.search(values.get(name, "")) for name in ("class", "id", "name"))
        if len(self.open) >= MAX_OPEN_TAGS:
            return
        self.open.append(opened)
        self.page.depth += opened.quotes
        self.page.hidden += opened.hidden
        self.page.preformatted += tag == "pre"
        if opened.signature and not self.page.hidden and not self.page.depth:
            self._break_if_text()
            self._put_line(SIGNATURE_MARK)

    def handle_endtag(self, tag: str) -> None:
        if tag == "br":
            self._break()
            return
        if not any(opened.tag == tag for opened in self.open[-60:]):
            return
        while self.open:
            opened = self.open.pop()
            if opened.tag in _BLOCK or opened.tag in _SPACED:
                self._block_edge(spaced=opened.tag in _SPACED)
            if opened.signature and not self.page.hidden and not self.page.depth:
                self._break_if_text()
                self._put_line(SIGNATURE_END_MARK)
            self.page.depth -= opened.quotes
            self.page.hidden -= opened.hidden
            self.page.preformatted -= opened.tag == "pre"
            if opened.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        if self.page.hidden:
            return
        data = data.translate(_NO_MARKS)
        if self.page.preformatted:
            first, *rest = data.split("\n")
            self.page.line.append(first)
            for line in rest:
                self._break()
                self.page.line.append(line)
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        if text != " " or self.page.line:
            self.page.line.append(text)

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: ARG002 the library's own
        """As browsers do: "<![" begins a comment up to the next ">". The library's own way raises on most of them."""
        end = self.rawdata.find(">", i)
        return -1 if end < 0 else end + 1

    def finish(self) -> None:
        """Put out what stands on the last line."""
        self._break_if_text()

    def _close_open_paragraph(self) -> None:
        if self.open and self.open[-1].tag == "p":
            self.handle_endtag("p")

    def _mark_if_history(self, tag: str, values: dict[str, str]) -> None:
        if self.page.depth or self.page.hidden:
            return
        if not values:
            return
        names = f"{values.get('class', '')} {values.get('id', '')}"
        style = values.get("style", "")
        mark = ""
        if _TO_END.search(names) or _OUTLOOK_RULE.search(style) or _WINDOWS_MAIL_RULE.search(style):
            mark = HISTORY_TO_END_MARK
        elif _HEADER.search(names) or (tag == "div" and "gmail_quote" in names.split()):
            mark = HISTORY_MARK
        if mark:
            self._break_if_text()
            self._put_line(mark)

    def _block_edge(self, *, spaced: bool) -> None:
        self._break_if_text()
        if spaced and self.page.lines and self.page.lines[-1].strip("> "):
            self._put_line("")

    def _break_if_text(self) -> None:
        if "".join(self.page.line).strip():
            self._break()
        else:
            self.page.line.clear()

    def _break(self) -> None:
        if not self.page.hidden:
            text = "".join(self.page.line)
            self._put_line(text.rstrip() if self.page.preformatted else text.strip(" "))
        self.page.line.clear()

    def _put_line(self, text: str) -> None:
        depth = min(self.page.depth, 20)
        if text in MARKS and text:
            self.page.lines.append(text)
        else:
            self.page.lines.append((">" * depth + " " + text).rstrip() if depth else text)


_NO_MARKS = str.maketrans("", "", MARKS)


def _is_hidden(tag: str, values: dict[str, str]) -> bool:
    style = values.get("style", "").replace(" ", "").lower()
    return tag in _HIDDEN or "display:none" in style or "mso-hide:all" in style or "hidden" in values


def _is_quote(tag: str, values: dict[str, str]) -> bool:
    names = f"{values.get('class', '')} {values.get('id', '')}"
    if tag == "blockquote":
        marked = "gmail_quote" in names or values.get("type", "") == "cite" or "cite" in values
        return marked or not _INDENT.search(values.get("style", ""))
    return bool(_WHOLLY_QUOTED.search(names)) or (tag == "div" and values.get("name", "") == "quote")


def html_to_text(html: str) -> str:
    """`html` as lines of text with ``>`` before quoted ones and the marks of this module."""
    converter = _Converter()
    converter.feed(_closed(_without_conditions(html[:MAX_HTML])))
    converter.close()
    converter.finish()
    text = "\n".join(converter.page.lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


_CONDITION = re.compile(r"<!--\[if[^>]{0,200}\]>")
_CONDITION_ENDS = "<![endif]-->"


def _without_conditions(html: str) -> str:
    """`html` without what only some versions of Outlook show; a condition that nothing ends hides nothing."""
    html = re.sub(r"<!\[[^>]{0,40}\]>", "", html)
    kept: list[str] = []
    at = 0
    while condition := _CONDITION.search(html, at):
        end = html.find(_CONDITION_ENDS, condition.end())
        if end < 0:
            break
        kept.append(html[at : condition.start()])
        at = end + len(_CONDITION_ENDS)
    return "".join([*kept, html[at:]])


def _closed(html: str) -> str:
    """`html` in which each comment and each tag has an end: the tokenizer looks for a missing one to the end of the
    text, again from each beginning, and takes hours where there are many.
    """
    last = html.rfind("-->") + 1
    html = html[:last] + html[last:].replace("<!--", "")
    last = html.rfind(">") + 1
    return html[:last] + html[last:].replace("<", "&lt;")


def without_marks(text: str) -> str:
    """`text` without the marks, for readers that look for words only."""
    return "\n".join(line.translate(_NO_MARKS) for line in text.split("\n") if line not in MARKS or not line)
