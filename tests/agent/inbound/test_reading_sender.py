"""Who a message is from, and whose word for it counts."""

import pytest

from agent.inbound.headers import parse_headers, tidy
from agent.inbound.sender import parse_address, parse_addresses, read_authentication, read_sender
from agent.inbound.values import Address, Border

OWN = Border("own", "mx.morel.example")


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("anna@customer.example", "", "anna@customer.example"),
        ("Anna Weiß <anna@Customer.Example>", "Anna Weiß", "anna@customer.example"),
        ('"Weiß, Anna" <anna@customer.example>', "Weiß, Anna", "anna@customer.example"),
        ("=?utf-8?q?Zo=C3=A9?= <zoe@customer.example>", "Zoé", "zoe@customer.example"),
        ("zoe@customer.example (Zoé, comptabilité)", "", "zoe@customer.example"),
        ('"good@good.test" <evil@evil.test>', "good@good.test", "evil@evil.test"),
        ("ar+tag@sub.customer.example", "", "ar+tag@sub.customer.example"),
        ("Anna < anna@customer.example >", "Anna", "anna@customer.example"),
    ],
)
def test_strictly_written_addresses_are_read(text: str, name: str, address: str) -> None:
    assert parse_address(text) == Address(name, address)


@pytest.mark.parametrize(
    "text",
    [
        "good@good.test <evil@evil.test>",
        "good@good.test, evil@evil.test",
        "<good@good.test> <evil@evil.test>",
        "good@good.test evil@evil.test",
        '"good@good.test',
        "good@good.test (",
        "Anna <anna@customer.example> x",
        "Anna anna@customer.example",
        "anna@customer",
        "anna@-customer.example",
        "anna @customer.example",
        "Anna <anna@customer.example evil@evil.test>",
        "<<anna@customer.example>>",
        "anna@@customer.example",
        '"a b"@customer.example',
        "anna@[192.0.2.1]",
        "undisclosed-recipients:;",
        "evil@evil.test: good@good.test;",
        "Team: good@good.test;",
        "Team: Anna <good@good.test>",
        "",
        "a" * 65 + "@customer.example",
    ],
)
def test_anything_else_is_no_sender(text: str) -> None:
    assert parse_address(text) is None


def test_lists_are_opened_and_what_is_no_address_is_left_out() -> None:
    found = parse_addresses("A <a@x.example>, broken@, Team: b@x.example, c@x.example;, a@x.example")
    assert [address.address for address in found] == ["a@x.example", "b@x.example", "c@x.example", "a@x.example"]
    assert len(parse_addresses(", ".join(f"a{n}@x.example" for n in range(2_000)))) == 500


@pytest.mark.parametrize("extra", [b"From: b@y.example\n", b"from: a@x.example\n"])
def test_two_from_headers_are_no_sender(extra: bytes) -> None:
    assert read_sender(parse_headers(b"From: a@x.example\n" + extra + b"\nx")) is None


def test_a_blank_before_the_colon_makes_no_mailbox_line() -> None:
    raw = tidy(b"From : a@x.example\nSubject: x\n\nhello")
    assert read_sender(parse_headers(raw)) == Address("", "a@x.example")
    assert parse_headers(tidy(b"From a@x.example Mon Mar  2 09:12:00 2026\nSubject: x\n\n")).text("subject") == "x"


PASS = b"Authentication-Results: mx.morel.example; dmarc=pass (p=none) header.from=customer.example\n"
FAIL = PASS.replace(b"pass", b"fail")
BORDER = (
    b"Received: from out.customer.example (out.customer.example [192.0.2.7]) by mx.morel.example with ESMTPS id 1\n"
)
LMTP = b"Received: from mx.morel.example by store.morel.example with LMTP id 2\n"
FROM = b"From: Anna <anna@customer.example>\n"


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (PASS + BORDER, "pass"),
        (LMTP + PASS + BORDER, "pass"),
        (b"Delivered-To: compta@morel.example\n" + LMTP + BORDER.replace(b"by", PASS.rstrip() + b"\nX-A: by"), "none"),
        (BORDER + PASS, "none"),
        (BORDER + PASS + BORDER, "none"),
        (LMTP + BORDER + PASS + LMTP + BORDER, "none"),
        (PASS, "none"),
        (FAIL + BORDER + PASS, "fail"),
        (PASS + FAIL + BORDER, "fail"),
        (PASS.replace(b"mx.morel.example", b"mx.morel.example.evil.example") + BORDER, "none"),
        (PASS.replace(b"mx.morel.example", b'"mx.morel.example"') + BORDER, "pass"),
        (PASS.replace(b"mx.morel.example;", b"(mx.morel.example;) evil.example;") + BORDER, "none"),
        (PASS.replace(b"mx.morel.example", b'"mx.morel.example evil"') + BORDER, "none"),
        (PASS.replace(b"mx.morel.example", b"mx.morel.example 1") + BORDER, "pass"),
        (PASS.replace(b"mx.morel.example", b"mx.morel.example 2") + BORDER, "none"),
        (PASS.replace(b"dmarc=pass", b'spf=pass smtp.mailfrom="a; dmarc=pass"@evil.example;x=y') + BORDER, "none"),
        (PASS.replace(b"dmarc=pass", b'dmarc=pass reason="a; dmarc=fail"') + BORDER, "pass"),
        (PASS.replace(b"customer.example", b"other.example") + BORDER, "none"),
        (PASS.replace(b"header.from=customer.example", b"") + BORDER, "none"),
        (PASS.replace(b"dmarc=pass", b"dkim=pass (dmarc=pass)") + BORDER, "none"),
        (PASS.replace(b"dmarc=pass (p=none)", b"dmarc=none; spf=pass") + BORDER, "none"),
        (PASS.replace(b"dmarc=pass (p=none)", b"dmarc=bestguesspass") + BORDER, "none"),
    ],
)
def test_only_lines_above_our_border_count(lines: bytes, verdict: str) -> None:
    headers = parse_headers(lines + FROM + b"\nx")
    assert read_authentication(headers, read_sender(headers), OWN).verdict == verdict


#: what Postfix and amavis write, from the top down: taken back from the filter, taken by it
BACK = b"Received: from localhost (localhost [127.0.0.1])\n by mx.morel.example (Postfix) with ESMTP id 3; x\n"
FILTER = (
    b"Received: from mx.morel.example ([127.0.0.1])\n by localhost (mx.morel.example [127.0.0.1]) (amavis, port 10024)"
    b" with ESMTP id 2; x\n"
)
LOCAL_FILTER = Border("own", "mx.morel.example", local_filter=True)


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (BACK + FILTER + PASS + BORDER, "pass"),
        (LMTP + BACK + FILTER + PASS + BORDER, "pass"),
        (BACK + FILTER + BACK + FILTER + PASS + BORDER, "pass"),
        (BACK.replace(b"127.0.0.1", b"IPv6:::1") + FILTER + PASS + BORDER, "pass"),
        (PASS + BORDER, "pass"),
        (BACK + FILTER + FAIL + BORDER, "fail"),
        (BACK + FILTER + BORDER + PASS, "none"),
        (BACK + FILTER + BORDER + BACK + FILTER + PASS + BORDER, "none"),
        ((BACK + FILTER) * 3 + PASS + BORDER, "none"),
        (BORDER + BACK + FILTER + PASS, "none"),
        (BACK.replace(b"ESMTP", b"ESMTPA") + PASS + BORDER, "none"),
        (BACK.replace(b"ESMTP", b"ESMTPSA") + PASS + BORDER, "none"),
        (BACK.replace(b"[127.0.0.1]", b"[192.0.2.7]") + PASS + BORDER, "none"),
        (BACK.replace(b"localhost (localhost [127.0.0.1])", b"[127.0.0.1] (x [192.0.2.7])") + PASS + BORDER, "none"),
        (BACK.replace(b"localhost (localhost", b"x (y [192.0.2.7]) (z") + PASS + BORDER, "none"),
        (BACK + FILTER + PASS, "none"),
    ],
)
def test_hops_to_a_filter_on_the_borders_own_machine_are_passed_over(lines: bytes, verdict: str) -> None:
    headers = parse_headers(lines + FROM + b"\nx")
    assert read_authentication(headers, read_sender(headers), LOCAL_FILTER).verdict == verdict


def test_such_hops_end_our_border_where_nobody_said_that_there_is_a_filter() -> None:
    headers = parse_headers(BACK + FILTER + PASS + BORDER + FROM + b"\nx")
    assert read_authentication(headers, read_sender(headers), OWN).verdict == "none"


M365_RESULT = (
    b"Authentication-Results: spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=customer.example; dkim=pass "
    b"header.d=customer.example;dmarc=pass action=none header.from=customer.example;compauth=pass reason=100\n"
)
M365_HOPS = (
    b"Received: from A.eurprd01.prod.outlook.com (2603::1) by B.eurprd01.prod.outlook.com with HTTPS; x\n"
    b"Received: from C.mail.protection.outlook.com by A.outlook.office365.com with Microsoft SMTP Server; x\n"
)
M365_BORDER = (
    b"Received: from out.customer.example (192.0.2.7) by C.mail.protection.outlook.com (10.0.0.1) with SMTP; x\n"
)


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (M365_HOPS + M365_RESULT + M365_BORDER, "pass"),
        (M365_HOPS + M365_BORDER + M365_RESULT, "none"),
        (M365_HOPS + M365_RESULT.replace(b"dmarc=pass", b"dmarc=fail") + M365_RESULT + M365_BORDER, "fail"),
        (M365_RESULT + BORDER + M365_BORDER, "none"),
        (M365_HOPS + PASS + M365_BORDER, "none"),
        (M365_RESULT, "none"),
    ],
)
def test_microsoft_365(lines: bytes, verdict: str) -> None:
    headers = parse_headers(lines + FROM + b"\nx")
    assert read_authentication(headers, read_sender(headers), Border("m365")).verdict == verdict


GMAIL_TOP = b"Delivered-To: ar@morel.example\nReceived: by 2002:a05:6214:1 with SMTP id x; x\n"
GMAIL_BORDER = b"Received: from out.customer.example (out. [192.0.2.7]) by mx.google.com with ESMTPS id y; x\n"
GMAIL_RESULT = (
    b"Received-SPF: pass (google.com: good)\n"
    b"Authentication-Results: mx.google.com;\n dkim=pass header.i=@customer.example;\n"
    b" dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=customer.example\n"
)


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (GMAIL_TOP + GMAIL_BORDER + GMAIL_RESULT, "pass"),
        (GMAIL_TOP + GMAIL_BORDER + GMAIL_RESULT.replace(b"dmarc=pass", b"dmarc=fail") + GMAIL_RESULT, "fail"),
        (GMAIL_TOP + GMAIL_BORDER + b"DKIM-Signature: v=1\n" + GMAIL_RESULT, "none"),
        (GMAIL_TOP + GMAIL_RESULT + GMAIL_BORDER, "none"),
        (GMAIL_TOP + GMAIL_RESULT, "none"),
    ],
)
def test_gmail(lines: bytes, verdict: str) -> None:
    headers = parse_headers(lines + FROM + b"\nx")
    assert read_authentication(headers, read_sender(headers), Border("gmail")).verdict == verdict


def test_without_a_border_nobody_is_authenticated() -> None:
    headers = parse_headers(PASS + BORDER + FROM + b"\nx")
    assert read_authentication(headers, read_sender(headers), None).verdict == "none"
    assert read_authentication(headers, read_sender(headers), Border("own", "")).verdict == "none"
