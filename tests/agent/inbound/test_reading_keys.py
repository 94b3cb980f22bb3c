"""Thread keys are deterministic, ours to make, and recognised in whatever case they come back."""

import base64

import pytest

from agent.inbound.keys import (
    conversation_of,
    is_own,
    make_message_id,
    parse_tag,
    tag_of,
    tagged_address,
    thread_index,
    token_of,
    tokens_of_conversation,
)

SECRET = b"k" * 32


def test_the_same_key_always_gives_the_same_id() -> None:
    first = make_message_id(SECRET, "customer:7/standard/1", "ar.example")
    assert first == make_message_id(SECRET, "customer:7/standard/1", "AR.example")
    assert first != make_message_id(SECRET, "customer:7/standard/2", "ar.example")
    assert first != make_message_id(b"another secret", "customer:7/standard/1", "ar.example")


def test_an_id_of_ours_is_known_by_shape_and_domain() -> None:
    made = make_message_id(SECRET, "a", "ar.example")
    assert is_own(made, "ar.example")
    assert is_own(made.upper(), "ar.example")
    assert token_of(made, "ar.example") == tag_of(SECRET, "a")


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "<>",
        "<r.abc@ar.example>",
        "<x.aaaaaaaaaaaaaaaaaaaaaaaaaa@ar.example>",
        "r.aaaaaaaaaaaaaaaaaaaaaaaa11@ar.example",
    ],
)
def test_other_ids_are_not_ours(foreign: str) -> None:
    assert not is_own(foreign, "ar.example")


def test_an_id_of_another_domain_is_not_ours() -> None:
    assert not is_own(make_message_id(SECRET, "a", "evil.example"), "ar.example")
    assert not is_own(make_message_id(SECRET, "a", "ar.example.evil.example"), "ar.example")


def test_a_tag_comes_back_from_plus_addresses_and_catch_alls() -> None:
    token = tag_of(SECRET, "a")
    assert parse_tag(tagged_address("compta@ar.example", token)) == token
    assert parse_tag(f"<r.{token.upper()}@ar.example>") == token
    assert parse_tag("compta+holiday@ar.example") is None
    assert parse_tag("compta@ar.example") is None


def test_a_conversation_names_the_token_that_began_it() -> None:
    root, own = tag_of(SECRET, "a"), tag_of(SECRET, "b")
    first, second = conversation_of(thread_index(root, root)), conversation_of(thread_index(root, own))
    assert first is not None
    assert first == second
    assert root in tokens_of_conversation(first)
    assert own not in tokens_of_conversation(first)
    assert len(base64.b64decode(thread_index(root, root))) == 22
    assert len(base64.b64decode(thread_index(root, own))) == 27


@pytest.mark.parametrize(
    "foreign", ["", "AQ==", "%%%", "é", "A" * 5000, base64.b64encode(b"\x02" + bytes(21)).decode()]
)
def test_what_is_no_thread_index_is_no_conversation(foreign: str) -> None:
    assert conversation_of(foreign) is None
