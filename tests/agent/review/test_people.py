"""Accounts: passwords that can't be read back, log-ins that can't be guessed, ends that end everything."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from agent.review import people
from agent.review.people import BY_NAME_AND_ADDRESS, WINDOW, Door, TooManyFailures
from config.errors import NeedsPerson
from models import Database, Event, LoginFailure, User
from models.user import Role
from tests.builders.ledger import NOW

PASSWORD = "correct horse battery"
DOOR = Door("192.0.2.7", NOW)


@pytest.fixture
def lea(database: Database) -> str:
    with database.write() as session:
        people.add(session, "lea", Role.REVIEWER, PASSWORD, email=None, language=None, by="test", at=NOW)
    return "lea"


def test_a_password_is_kept_as_a_hash_that_tells_right_from_wrong(database: Database, lea: str) -> None:
    with database.read() as session:
        user = people.find(session, lea)
        assert user.password_hash is not None
        assert user.password_hash.startswith("$argon2id$")
        assert PASSWORD not in user.password_hash
        assert people.check(session, lea, PASSWORD) is not None
        assert people.check(session, lea, PASSWORD + "x") is None
        assert people.check(session, "nobody", PASSWORD) is None


@pytest.mark.parametrize("password", ["short", "x" * 1_001])
def test_a_password_of_the_wrong_length_is_refused(database: Database, password: str) -> None:
    with pytest.raises(NeedsPerson, match="password"), database.write() as session:
        people.add(session, "paul", Role.VIEWER, password, email=None, language=None, by="test", at=NOW)


@pytest.mark.parametrize("name", ["", "a b", "<script>", "../x", "é", "x" * 65])
def test_a_name_is_one_that_a_log_can_hold(database: Database, name: str) -> None:
    with pytest.raises(NeedsPerson, match="no name"), database.write() as session:
        people.add(session, name, Role.VIEWER, PASSWORD, email=None, language=None, by="test", at=NOW)


def test_a_name_is_taken_whatever_its_case(database: Database, lea: str) -> None:
    with pytest.raises(NeedsPerson, match="already"), database.write() as session:
        people.add(session, lea.upper(), Role.VIEWER, PASSWORD, email=None, language=None, by="test", at=NOW)


def test_a_sales_person_needs_an_address_to_be_known_by(database: Database) -> None:
    with pytest.raises(NeedsPerson, match="account manager"), database.write() as session:
        people.add(session, "sam", Role.SALES, PASSWORD, email=None, language=None, by="test", at=NOW)


@pytest.mark.parametrize("change", ["password", "role", "disabled"])
def test_a_change_ends_every_session(database: Database, lea: str, change: str) -> None:
    with database.write() as session:
        user = people.find(session, lea)
        epoch = user.session_epoch
        match change:
            case "password":
                people.set_password(session, user, PASSWORD + "!", by="test", at=NOW)
            case "role":
                people.set_role(session, user, Role.VIEWER, by="test", at=NOW)
            case "disabled":
                people.disable(session, user, by="test", at=NOW)
    with database.read() as session:
        assert people.of_session(session, people.find(session, lea).id, epoch) is None


def test_too_many_refusals_make_even_the_right_password_wait(database: Database, lea: str) -> None:
    with database.write() as session:
        for _ in range(BY_NAME_AND_ADDRESS):
            people.must_not_wait(session, lea, DOOR)
            people.turn_away(session, lea, DOOR)
    with database.read() as session:
        with pytest.raises(TooManyFailures):
            people.must_not_wait(session, lea, DOOR)
        people.must_not_wait(session, lea, Door("198.51.100.1", NOW))
        people.must_not_wait(session, lea, Door(DOOR.address, NOW + WINDOW + timedelta(seconds=1)))


def test_one_address_can_not_try_name_after_name(database: Database) -> None:
    with database.write() as session:
        for number in range(people.BY_ADDRESS):
            people.turn_away(session, f"user{number}", DOOR)
    with database.read() as session, pytest.raises(TooManyFailures):
        people.must_not_wait(session, "another", DOOR)


def test_old_refusals_are_forgotten(database: Database, lea: str) -> None:
    with database.write() as session:
        people.turn_away(session, lea, DOOR)
        people.turn_away(session, lea, Door(DOOR.address, NOW + WINDOW * 2))
    with database.read() as session:
        assert len(session.scalars(select(LoginFailure)).all()) == 1


def test_what_is_done_to_an_account_stands_in_the_log(database: Database, lea: str) -> None:
    with database.write() as session:
        people.set_role(session, people.find(session, lea), Role.ADMIN, by="root", at=NOW)
        people.disable(session, people.find(session, lea), by="root", at=NOW)
    with database.read() as session:
        told = [(event.kind, event.actor) for event in session.scalars(select(Event).order_by(Event.seq))]
        hashes = session.scalars(select(User.password_hash)).all()
        written = " ".join(str(event.data) for event in session.scalars(select(Event)))
    assert told[-3:] == [("user.added", "test"), ("user.role_set", "root"), ("user.disabled", "root")]
    assert all(found not in written for found in hashes if found)
