"""Who has an entry open is seen by every process that serves pages."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select

from agent.reports.words import Words
from agent.review.web.desk import STILL_THERE, Desk, Presence
from models import Presence as Row
from tests.builders.desk import NOW, Browser, Office, one_item


def test_two_processes_over_one_database_agree(desk: Office) -> None:
    other = Desk(desk.database, desk.settings, Words(desk.settings.root, desk.settings.zone), desk.clock)
    desk.desk.presence.sign("/work/item/1", "lea", NOW)
    assert other.presence.others("/work/item/1", "sam", NOW) == ("lea",)
    assert other.presence.all_of_others("sam", NOW) == {"/work/item/1"}
    assert other.presence.all_of_others("lea", NOW) == frozenset()
    other.presence.leave("/work/item/1", "lea")
    assert desk.desk.presence.others("/work/item/1", "sam", NOW) == ()


def test_a_page_that_gives_no_sign_any_more_is_forgotten(desk: Office) -> None:
    seen = Presence(desk.database)
    seen.sign("/work/item/1", "lea", NOW)
    assert seen.others("/work/item/1", "sam", NOW + STILL_THERE) == ("lea",)
    later = NOW + STILL_THERE + timedelta(seconds=1)
    assert seen.others("/work/item/1", "sam", later) == ()
    seen.sign("/work/item/2", "sam", later)
    with desk.database.read() as session:
        assert [row.path for row in session.scalars(select(Row))] == ["/work/item/2"]


def test_signs_at_the_same_moment_are_one_row(desk: Office) -> None:
    seen = Presence(desk.database)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: seen.sign("/work/item/1", "lea", NOW), range(8)))
    assert seen.others("/work/item/1", "sam", NOW) == ("lea",)


def test_the_page_says_who_else_is_there(small_desk: Office) -> None:
    item = one_item(small_desk)
    lea = small_desk.at_work("lea")
    small_desk.person("sam")
    sam = Browser(small_desk.client())
    sam.log_in("sam")
    assert lea.get(f"/work/item/{item}").status_code == 200
    assert "lea" in sam.get(f"/work/item/{item}/presence", **{"HX-Request": "true"}).text
