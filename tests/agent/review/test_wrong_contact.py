"""A mail that comes from, or speaks of, somebody who is not the right one to write to; and customers without mails."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import addresses, overview
from agent.ledger.byhand import Deed
from agent.reminders import decide, loading, plan
from agent.replies import resolve, store, undoing
from agent.replies.word import Word
from agent.replies.wrong_contact import about_whom, named_in
from agent.review import debtors, deeds, queue
from agent.review import item as items
from agent.review.deeds import TaskWord
from agent.review.rights import Actor
from config.errors import NeedsPerson, RelanceError
from models import Contact, Customer, ExceptionItem, Message, Prediction, Task
from models.reasons import ExceptionReason, TaskKind
from models.states import TaskState
from models.user import Role
from tests.builders import ledger, mail
from tests.builders.desk import NOW, Office, answer, debtor

OTHER = Word(by="lea", intent="other")


def says(
    session: Session, why: str | None, text: str = "Bonjour,\n\nJe ne suis pas la bonne personne.\n", **columns: Any
) -> tuple[ExceptionItem, Customer]:
    """A mail in the queue that the model takes for `other`, with that reason; its customer owes one invoice."""
    owner, invoices = debtor(session, "FA-1", name="Dupont", **columns)
    row = answer(session, owner, invoices, primary="other", text=text, words=())
    said = session.scalars(select(Prediction).where(Prediction.message_id == row.message_id)).one()
    said.document = store.document_of(replace(store.from_document(said.document), other_reason=why))
    session.flush()
    return row, owner


def to_write_to(office: Office, customer_id: str) -> str | None:
    with office.database.read() as session:
        (view,) = loading.customer_views(session, office.settings, NOW, [customer_id])
    return decide.billing_address(view.recipients)


@pytest.mark.parametrize("why", addresses.WRONG)
def test_a_wrong_contact_gets_nothing_more_and_a_task_asks_for_the_right_one(small_desk: Office, why: str) -> None:
    settings = small_desk.settings
    with small_desk.database.write() as session:
        row, owner = says(session, why)
        item, customer, address = row.id, owner.id, owner.email
    assert to_write_to(small_desk, customer) == address
    with small_desk.database.write() as session:
        done = resolve.resolve(session, queue.get(session, item), OTHER, settings, NOW)
    assert [effect.code for effect in done.effects] == ["contact_wrong", "contact_sought", "goes_on"]
    assert to_write_to(small_desk, customer) is None
    with small_desk.database.read() as session:
        contact = session.scalars(select(Contact).where(Contact.email == address)).one()
        assert (contact.dead_since, contact.dead_because) == (NOW, why)
        task = session.scalars(select(Task).where(Task.kind == TaskKind.FIND_CONTACT)).one()
        assert task.state is TaskState.OPEN
        assert address in task.detail
        (shown,) = overview.customers(session, settings, NOW, [customer])
        assert shown.contacts[0]["dead_because"] == why
    ledger.load(small_desk.database, settings, "payments", ledger.csv("id,date,amount,customer_id"))
    left = [x for p in plan.preview(small_desk.database, settings, NOW) for x in p.left_out]
    assert [(x.reason.value, address in x.detail) for x in left] == [("address_dead", True)]


def test_reminders_go_on_to_the_contact_that_a_person_gives_before_any_older_one(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        text = "Bonjour,\n\nJe ne suis pas la bonne personne, écrivez à Claire.Petit@dupont.example.\n"
        row, owner = says(session, "wrong_person", text)
        session.add(Contact(customer_id=owner.id, email="old@dupont.example", role="billing", created_at=NOW))
        session.flush()
        offered = debtors_item(small_desk, session, row.id)
        item, customer = row.id, owner.id
    assert offered.named == "claire.petit@dupont.example"
    word = replace(OTHER, new_contact=offered.named)
    with small_desk.database.write() as session:
        done = resolve.resolve(session, queue.get(session, item), word, small_desk.settings, NOW)
    assert [effect.code for effect in done.effects][:2] == ["contact_wrong", "contact_replaced"]
    assert to_write_to(small_desk, customer) == "claire.petit@dupont.example"
    with small_desk.database.read() as session:
        assert session.scalars(select(Task).where(Task.kind == TaskKind.FIND_CONTACT)).all() == []


def debtors_item(office: Office, session: Session, number: int) -> Any:
    offered = items.view(session, number, office.settings, NOW).contact
    assert offered is not None
    return offered


@pytest.mark.parametrize("new", [None, "new@dupont.example"])
def test_undo_puts_the_address_back_and_takes_the_new_one_and_the_task_away(
    small_desk: Office, new: str | None
) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person")
        item, customer, address = row.id, owner.id, owner.email
    with small_desk.database.write() as session:
        word = replace(OTHER, new_contact=new)
        resolve.resolve(session, queue.get(session, item), word, small_desk.settings, NOW)
    assert to_write_to(small_desk, customer) == new
    with small_desk.database.write() as session:
        undoing.undo(session, queue.get(session, item), "lea", NOW)
    assert to_write_to(small_desk, customer) == address
    with small_desk.database.read() as session:
        assert session.scalars(select(Contact.email).where(Contact.customer_id == customer)).all() == [address]
        asked = session.scalars(select(Task.state).where(Task.customer_id == customer)).all()
        assert asked == ([] if new else [TaskState.CANCELLED])


@pytest.mark.parametrize(("role", "meanwhile"), [("billing", True), ("cc", False), ("buyer", False)])
def test_meanwhile_reminders_go_to_another_address_only_if_it_is_one_to_write_to(
    small_desk: Office, role: str, *, meanwhile: bool
) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person")
        session.add(Contact(customer_id=owner.id, email="other@dupont.example", role=role, created_at=NOW))
        session.flush()
        done, customer = resolve.resolve(session, row, OTHER, small_desk.settings, NOW), owner.id
    assert done.effects[1].code == ("contact_sought_meanwhile" if meanwhile else "contact_sought")
    assert to_write_to(small_desk, customer) == ("other@dupont.example" if meanwhile else None)


def test_a_person_may_say_that_it_is_none_or_that_it_is_one_which_the_model_did_not_see(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person")
        word = replace(OTHER, other_reason="acknowledgement")
        resolve.resolve(session, row, word, small_desk.settings, NOW)
        assert owner.contacts[0].dead_since is None
    with small_desk.database.write() as session:
        other, invoices = debtor(session, "FA-2", name="Petit")
        row = answer(session, other, invoices, primary="other", words=())
        with pytest.raises(NeedsPerson, match="where one is wrong"):
            resolve.resolve(session, row, replace(OTHER, new_contact="a@b.example"), small_desk.settings, NOW)
        resolve.resolve(session, row, replace(OTHER, other_reason="left_company"), small_desk.settings, NOW)
        assert other.contacts[0].dead_because == "left_company"


def test_another_meaning_or_a_dismissal_leaves_the_address_alone(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person")
        resolve.dismiss(session, row, "she is the right one after all", "lea", NOW)
        assert owner.contacts[0].dead_since is None
    with small_desk.database.write() as session:
        other, invoices = debtor(session, "FA-2", name="Petit")
        row = answer(session, other, invoices, primary="other", words=())
        resolve.resolve(session, row, replace(OTHER, intent="paid"), small_desk.settings, NOW)
        assert other.contacts[0].dead_since is None


def test_the_task_is_done_with_the_contact_that_was_found(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "left_company")
        resolve.resolve(session, row, OTHER, small_desk.settings, NOW)
        task, customer = session.scalars(select(Task)).one().id, owner.id
        word = TaskWord("done", "done", new_contact="Neu@dupont.example")
        deeds.finish_task(session, task, word, "lea", small_desk.settings, NOW)
        assert session.get_one(Task, task).state is TaskState.DONE
    assert to_write_to(small_desk, customer) == "neu@dupont.example"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("contacts", "C1,neu@dupont.example,Claire,billing"),
        ("customers", "C1,Dupont,neu@dupont.example,"),
    ],
)
def test_an_imported_address_settles_the_task_and_is_written_to(small_desk: Office, kind: str, line: str) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person")
        resolve.resolve(session, row, OTHER, small_desk.settings, NOW)
        customer = owner.id
        for number in range(30):  # one address changed of many: no import that stops all sending
            ledger.customer(session, f"X{number}")
    head = "customer_id,email,name,role" if kind == "contacts" else "id,name,email,country"
    ledger.load(small_desk.database, small_desk.settings, kind, ledger.csv(head, line.replace("C1", customer)))
    assert to_write_to(small_desk, customer) == "neu@dupont.example"
    with small_desk.database.read() as session:
        assert session.scalars(select(Task.state).where(Task.kind == TaskKind.FIND_CONTACT)).all() == [TaskState.DONE]


def test_the_same_customers_file_again_does_not_bring_a_wrong_address_back(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person")
        resolve.resolve(session, row, OTHER, small_desk.settings, NOW)
        line = f"{owner.id},{owner.name},{owner.email},"
        customer = owner.id
    ledger.load(small_desk.database, small_desk.settings, "customers", ledger.csv("id,name,email,country", line))
    assert to_write_to(small_desk, customer) is None


def test_an_address_that_is_none_of_the_customers_or_dead_itself_is_refused(small_desk: Office) -> None:
    deed = Deed("lea", NOW)
    with small_desk.database.write() as session:
        owner, _ = debtor(session, "FA-1", name="Dupont", cc="copy@dupont.example")
        with pytest.raises(RelanceError, match="no address of"):
            addresses.retire(session, owner, "who@else.example", "wrong_person", deed, small_desk.settings)
        with pytest.raises(RelanceError, match="no mail address"):
            addresses.retire(
                session, owner, owner.email, "wrong_person", deed, small_desk.settings, replacement="Claire"
            )
        addresses.retire(session, owner, "copy@dupont.example", "wrong_person", deed, small_desk.settings)
        with pytest.raises(RelanceError, match="nothing goes to"):
            addresses.retire(
                session, owner, owner.email, "wrong_person", deed, small_desk.settings,
                replacement="copy@dupont.example",
            )  # fmt: skip
        session.flush()
        (view,) = loading.customer_views(session, small_desk.settings, NOW, [owner.id])
    assert decide.copies_for(view) == ()


def test_a_machines_word_that_somebody_has_left_is_carried_out_where_a_person_says_so(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont")
        raw = mail.letter(
            "I have left the company. Please write to paula@dupont.example.\n", sender=owner.email,
            subject="Automatic reply: Rappel", headers={"Auto-Submitted": "auto-replied"}, date=NOW,
        )  # fmt: skip
        row = answer(session, owner, invoices, raw=raw, reason=ExceptionReason.OTHER, primary="other", words=())
        item, customer, address = row.id, owner.id, owner.email
    lea = small_desk.at_work()
    page = lea.get(f"/work/item/{item}").text
    assert 'value="paula@dupont.example"' in page
    assert 'name="intent"' not in page
    form = {"other_reason": "left_company", "wrong_contact": address, "new_contact": "paula@dupont.example"}
    assert lea.post(f"/work/item/{item}/settle", form).status_code == 303
    assert to_write_to(small_desk, customer) == "paula@dupont.example"


def test_a_mail_that_could_not_be_read_is_settled_without_a_question_of_contacts(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person")
        session.get_one(Message, row.message_id).kind = None
        resolve.resolve(session, row, OTHER, small_desk.settings, NOW)
        assert owner.contacts[0].dead_since is None


@pytest.mark.parametrize(
    ("why", "sender", "written_to", "wrong"),
    [
        ("wrong_person", "a@x.example", "b@x.example", "a@x.example"),
        ("wrong_person", "stranger@x.example", "b@x.example", "b@x.example"),
        ("left_company", "a@x.example", "b@x.example", "b@x.example"),
        ("left_company", "a@x.example", None, "a@x.example"),
        ("left_company", "c@x.example", "d@x.example", None),
        (None, None, None, None),
    ],
)
def test_whom_such_a_mail_is_about(why: str | None, sender: str | None, written_to: str | None, wrong: Any) -> None:
    assert about_whom(why, sender, written_to, {"a@x.example", "b@x.example"}) == wrong


def test_the_contact_that_a_mail_names_is_none_that_is_known() -> None:
    text = "Schreiben Sie an ALT@kunde.example oder weber@kunde.example."
    assert named_in(text, {"alt@kunde.example"}) == "weber@kunde.example"
    assert named_in("nobody@ and @nothing", ()) is None


# --- no mails at all -------------------------------------------------------------------------------------------------


def test_who_wants_no_mails_is_shown_with_who_said_so_and_can_be_lifted_on_the_page(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, _ = debtor(session, "FA-1", name="Dupont")
        customer = owner.id
    lea = small_desk.at_work()
    form = {"kind": "stop_mails", "customer": customer, "text": "wants to be called"}
    assert lea.post("/log", form).status_code == 303
    with small_desk.database.read() as session:
        (shown,) = overview.customers(session, small_desk.settings, NOW, [customer])
        assert shown.no_mail is not None
        assert (shown.no_mail.since, shown.no_mail.by, shown.no_mail.at) == (NOW.date(), "lea", NOW)
        sees = Actor(1, "lea", Role.REVIEWER, None, None)
        moments = debtors.customer_view(session, sees, customer, small_desk.settings, NOW).moments
        assert "mails_stopped" in {moment.code for moment in moments}
    page = lea.get(f"/customers/{customer}").text
    assert "(lea," in page
    assert "wants to be called" in page
    assert lea.post("/log", {"kind": "resume_mails", "customer": customer}).status_code == 303
    page = lea.get(f"/customers/{customer}").text
    assert "(lea," not in page
    with small_desk.database.read() as session:
        assert session.get_one(Customer, customer).no_mail_since is None


def test_who_wants_no_mails_by_the_ledgers_word_is_shown_with_who_imported_it(small_desk: Office) -> None:
    ledger.load(
        small_desk.database, small_desk.settings, "customers",
        ledger.csv("id,name,email,no_mail_since", "C1,Dupont,a@dupont.example,2026-03-01"),
    )  # fmt: skip
    with small_desk.database.read() as session:
        (shown,) = overview.customers(session, small_desk.settings, NOW, ["C1"])
    assert shown.no_mail is not None
    assert (shown.no_mail.since.isoformat(), shown.no_mail.by) == ("2026-03-01", "tester")


def test_a_wrong_address_is_put_down_and_taken_back_on_the_customers_page(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, _ = debtor(session, "FA-1", name="Dupont")
        customer, address = owner.id, owner.email
    lea = small_desk.at_work()
    form = {"kind": "left_company", "customer": customer, "address": address, "new_contact": "neu@dupont.example"}
    assert lea.post("/log", form).status_code == 303
    page = lea.get(f"/customers/{customer}").text
    assert "Has left the company" in page
    assert "now neu@dupont.example" in page
    assert to_write_to(small_desk, customer) == "neu@dupont.example"
    form = {"kind": "contact_right", "customer": customer, "address": address}
    assert lea.post("/log", form).status_code == 303
    assert to_write_to(small_desk, customer) == address


def test_the_items_page_offers_the_contact_and_its_choice_is_carried_out(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        row, owner = says(session, "wrong_person", "Bonjour,\n\nÉcrivez à claire@dupont.example.\n")
        item, customer = row.id, owner.id
    lea = small_desk.at_work()
    page = lea.get(f"/work/item/{item}").text
    assert 'value="claire@dupont.example"' in page
    form = {
        "intent": "other", "other_reason": "wrong_person", "wrong_contact": owner.email,
        "new_contact": "claire@dupont.example",
    }  # fmt: skip
    assert "from now on" in lea.post(f"/work/item/{item}/consequence", form).text
    assert lea.post(f"/work/item/{item}/settle", form).status_code == 303
    assert to_write_to(small_desk, customer) == "claire@dupont.example"


def test_only_who_works_on_the_list_changes_whom_mails_go_to(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, _ = debtor(session, "FA-1", name="Dupont", account_manager="max@morel.example")
        customer = owner.id
    seller = small_desk.at_work("max", Role.SALES, email="max@morel.example")
    seller.post("/log", {"kind": "stop_mails", "customer": customer, "text": "x"})
    with small_desk.database.read() as session:
        assert session.get_one(Customer, customer).no_mail_since is None
