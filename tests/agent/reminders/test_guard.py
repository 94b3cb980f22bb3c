"""What changes between composing and sending, and what a person says of a delivery: nothing leaves twice or unseen."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from agent.reminders import deliver, plan
from agent.replies import resolve
from agent.replies.word import DeliveryWord, Word
from agent.review import queue
from config.errors import NeedsPerson
from models import Customer, Delivery, ExceptionItem, Reminder
from models.states import WAITING, DeliveryState
from tests.agent.reminders.test_deliver import NOW, Desk, desk
from tests.servers.smtp_sink import At, refuse

__all__ = ["desk"]


def in_mode(desk: Desk, mode: str) -> None:
    policy = desk.settings.policy.model_copy(update={"mode": mode})
    desk.settings = desk.settings.model_copy(update={"policy": policy})


def says(desk: Desk, word: DeliveryWord) -> None:
    with desk.database.write() as session:
        item = session.scalars(select(ExceptionItem).order_by(ExceptionItem.id.desc()).limit(1)).one()
        resolve.resolve(session, queue.get(session, item.id), Word("Anna", delivery=word), desk.settings, NOW)


def waiting(desk: Desk) -> int:
    with desk.database.read() as session:
        query = select(func.count()).select_from(ExceptionItem).where(ExceptionItem.state.in_(WAITING))
        return session.scalar(query) or 0


def test_in_mode_observe_nothing_leaves_that_was_reserved_before(desk: Desk) -> None:
    in_mode(desk, "observe")
    assert desk.deliver() == deliver.Delivered()
    assert (desk.copies(), desk.delivery.state) == (0, DeliveryState.RESERVED)


def test_in_mode_suggest_what_was_reserved_before_waits_for_a_persons_word(desk: Desk) -> None:
    in_mode(desk, "suggest")
    assert desk.deliver().cancelled == 1
    plan.drain(desk.database, desk.settings, NOW)
    desk.deliver()
    assert desk.copies() == 0
    with desk.database.read() as session:
        newest = session.scalars(select(Reminder).order_by(Reminder.id.desc()).limit(1)).one()
    assert newest.approval == "waiting"


def test_a_mail_that_is_refused_again_is_asked_about_again(desk: Desk) -> None:
    for _ in range(2):
        desk.sink.then(refuse(At.RCPT, "550 5.7.1 not wanted"))
        assert desk.deliver().rejected == 1
        assert waiting(desk) == 1
        says(desk, "again")
        assert waiting(desk) == 0


def test_what_was_given_back_to_the_plan_is_not_sent_as_well(desk: Desk) -> None:
    desk.sink.then(refuse(At.RCPT, "550 5.7.1 not wanted"))
    desk.deliver()
    says(desk, "drop")
    with pytest.raises(NeedsPerson, match="settled"):
        says(desk, "again")
    plan.drain(desk.database, desk.settings, NOW)
    desk.deliver()
    plan.drain(desk.database, desk.settings, NOW + timedelta(days=7))
    desk.deliver(NOW + timedelta(days=7))
    with desk.database.read() as session:
        sent = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.SENT))
    assert (sent, desk.copies()) == (1, 1)


def test_somebody_who_shall_get_no_copies_any_more_gets_none(desk: Desk) -> None:
    with desk.database.write() as session:
        customer = session.scalars(select(Customer)).one()
        session.scalars(select(Delivery)).one().copies = ["left@customer.example"]
        customer.cc = None
    assert desk.deliver().cancelled == 1
    assert desk.copies() == 0


def test_a_living_copy_is_no_hindrance(desk: Desk) -> None:
    with desk.database.write() as session:
        session.scalars(select(Customer)).one().cc = "boss@customer.example"
        session.scalars(select(Delivery)).one().copies = ["boss@customer.example"]
    assert desk.deliver().sent == 1
