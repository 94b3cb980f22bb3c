"""What every request passes, as tables."""

import pytest

from agent.review.web.frame import local_path
from agent.review.web.guards import MAIL_POLICY, PAGE_POLICY, is_from_our_page, is_host_ours

OURS = {"host": "desk.example"}


@pytest.mark.parametrize(
    ("headers", "token", "sent", "is_ours"),
    [
        ({**OURS, "sec-fetch-site": "same-origin"}, "t", "t", True),
        ({**OURS, "origin": "https://desk.example"}, "t", "t", True),
        (OURS, "t", "t", True),
        (OURS, "t", "u", False),
        (OURS, "t", None, False),
        (OURS, None, None, False),
        (OURS, "", "", False),
        ({**OURS, "sec-fetch-site": "cross-site"}, "t", "t", False),
        ({**OURS, "sec-fetch-site": "same-site"}, "t", "t", False),
        ({**OURS, "origin": "https://evil.example"}, "t", "t", False),
        ({**OURS, "origin": "null"}, "t", "t", False),
        (OURS, "t", "\ud800", False),
    ],
)
def test_a_change_is_ours_only_with_the_token_and_from_here(
    headers: dict[str, str], token: str | None, sent: str | None, is_ours: bool
) -> None:
    assert is_from_our_page(headers, token, sent) is is_ours


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1:8425", True), ("localhost", True), ("[::1]:8425", True), ("LOCALHOST:1", True),
        ("evil.example", False), ("", False), ("127.0.0.1.evil.example", False), ("[", False),
        ("localhost@evil.example", False),
    ],
)  # fmt: skip
def test_another_host_is_not_answered(host: str, is_ours: bool) -> None:
    assert is_host_ours(host, {"localhost", "127.0.0.1", "::1"}) is is_ours


@pytest.mark.parametrize(
    "text", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "", "/a\nb", "\\/x"]
)
def test_the_log_in_leads_nowhere_else(text: str) -> None:
    assert local_path(text) == "/"


def test_the_log_in_leads_to_the_page_that_was_asked_for() -> None:
    assert local_path("/work/item/7?whose=mine") == "/work/item/7?whose=mine"


@pytest.mark.parametrize("policy", [PAGE_POLICY, MAIL_POLICY])
def test_no_page_runs_what_stands_in_it(policy: str) -> None:
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in PAGE_POLICY
