"""Forged and hostile requests by HTTP: what is refused, and what every answer forbids."""

import pytest

from models.states import InvoiceState
from tests.builders.desk import Office, one_item, state_of


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


def test_a_form_without_the_token_changes_nothing(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work()
    answered = browser.client.post(f"/work/item/{item}/settle", data={"intent": "paid"})
    assert answered.status_code == 403
    assert state_of(desk) is InvoiceState.REMINDED


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_form_changes_nothing_even_with_the_token(desk: Office, headers: dict[str, str]) -> None:
    item = one_item(desk)
    browser = desk.at_work()
    assert browser.post(f"/work/item/{item}/settle", {"intent": "paid"}, **headers).status_code == 403
    assert state_of(desk) is InvoiceState.REMINDED


def test_another_name_for_this_host_is_not_answered(desk: Office) -> None:
    assert desk.client().get("/login", headers={"Host": "evil.example"}).status_code == 421


def test_every_answer_forbids_what_no_page_needs(desk: Office) -> None:
    browser = desk.at_work()
    for path in ("/", "/nothing/here", "/login", "/static/desk.css?v=x"):
        headers = browser.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert browser.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/static/../desk.css", "/static/..%2f..%2fen.toml", "/static/nothing.js"])
def test_only_our_own_files_are_served(desk: Office, path: str) -> None:
    assert desk.client().get(path).status_code == 404


def test_a_body_that_is_too_large_is_refused(desk: Office) -> None:
    browser = desk.at_work()
    assert browser.post("/log", {"text": "x" * 1_100_000}).status_code == 413


@pytest.mark.parametrize(
    "path", ["/work/item/999", "/work/item/abc", "/work/task/9", "/customers/none", "/invoices/none", "/mail/7/html"]
)
def test_what_is_not_there_is_told_in_words(desk: Office, path: str) -> None:
    answered = desk.at_work().get(path)
    assert answered.status_code in (404, 409)
    assert "Traceback" not in answered.text
