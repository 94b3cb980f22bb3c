"""Log-in, log-out and the language by HTTP: who gets in, where it leads, and who is out again."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from agent.review import people
from models import LoginFailure
from tests.builders.desk import NOW, PASSWORD, Browser, Office, one_item


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


PAGES = (
    "/",
    "/work/counts",
    "/customers",
    "/outgoing",
    "/model",
    "/figures",
    "/work/item/1",
    "/mail/1/html",
    "/invoices/FA-1/dossier",
)


@pytest.mark.parametrize("path", PAGES)
def test_nobody_gets_in_without_a_log_in(desk: Office, path: str) -> None:
    one_item(desk)
    answered = desk.client().get(path)
    assert answered.status_code == 303
    assert answered.headers["location"].startswith("/login")


def test_the_log_in_leads_to_where_one_wanted_to_go(desk: Office) -> None:
    desk.person("lea")
    browser = Browser(desk.client())
    answered = browser.post("/login", {"name": "lea", "password": PASSWORD, "to": "/customers"})
    assert (answered.status_code, answered.headers["location"]) == (303, "/customers")
    assert browser.get("/customers").status_code == 200


def test_a_wrong_password_is_refused_counted_and_in_the_end_throttled(desk: Office) -> None:
    desk.person("lea")
    browser = Browser(desk.client())
    refused = [browser.log_in("lea", "wrong password").status_code for _ in range(6)]
    assert refused == [401] * 5 + [429]
    assert browser.log_in("lea").status_code == 429
    with desk.database.read() as session:
        assert len(session.scalars(select(LoginFailure)).all()) == 5
    desk.clock.passes(timedelta(minutes=16))
    assert browser.log_in("lea").status_code == 303


def test_a_log_in_begins_a_new_session(desk: Office) -> None:
    desk.person("lea")
    browser = Browser(desk.client())
    before = browser.token()
    browser.log_in("lea")
    assert browser.client.post("/logout", data={"csrf": before}).status_code == 403


def test_who_is_disabled_is_out_at_once(desk: Office) -> None:
    browser = desk.at_work()
    assert browser.get("/").status_code == 200
    with desk.database.write() as session:
        people.disable(session, people.find(session, "lea"), by="root", at=NOW)
    assert browser.get("/").status_code == 303


def test_the_session_of_another_installation_is_none(desk: Office) -> None:
    client = desk.client()
    client.cookies.set("relance_session", "eyJ3aG8iOnsiaWQiOjEsImVwb2NoIjoxfX0=.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get("/").status_code == 303


def test_the_pages_speak_the_persons_language(desk: Office) -> None:
    browser = desk.at_work(language="fr")
    assert "À traiter" in browser.get("/").text
    browser.post("/language", {"language": "en", "to": "/"})
    assert "To do" in browser.get("/").text


def test_a_browsers_language_counts_where_the_person_has_none(desk: Office) -> None:
    browser = desk.at_work(language=None)
    assert "À traiter" in browser.get("/", **{"Accept-Language": "de, fr-CA;q=0.8, en;q=0.5"}).text
