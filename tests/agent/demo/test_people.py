from datetime import date, datetime, time, timedelta

import pytest

from agent.demo import company
from agent.demo.people import CHARACTERS, STRANGER, ZONE, Act, Answer, People, Reminder, Transfer, numbers_in

FIRST = date(2026, 3, 2)


def firm(customers: int = 40, seed: int = 1) -> company.Company:
    return company.found(company.everybody()[:customers], seed, FIRST, 30)


def reminder(firm: company.Company, customer: company.Customer, at: datetime | None = None) -> Reminder:
    numbers = tuple(bill.number for bill in firm.bills if bill.customer_id == customer.id)[-2:]
    return Reminder(
        customer=customer,
        message_id=f"<{customer.id}@morel.example>",
        subject="Rappel de règlement",
        text=f"Bonjour,\n\nSauf erreur : {', '.join(numbers)}\n",
        received_at=at or datetime(2026, 3, 3, 9, 40, tzinfo=ZONE),
        numbers=numbers,
    )


def reactions(character: str, seed: int = 1) -> tuple[list[Act], Reminder]:
    there = firm(seed=seed)
    people = People(there, seed, FIRST)
    customer = next(c for c in there.customers if people.character(c.id) == character)
    asked = reminder(there, customer)
    return people.react(asked), asked


def answers(acts: list[Act]) -> list[Answer]:
    return [act for act in acts if isinstance(act, Answer)]


def test_the_same_seed_gives_the_same_people() -> None:
    def everything(seed: int) -> list[Act]:
        there = firm(seed=seed)
        people = People(there, seed, FIRST)
        return [*people.unprompted(), *(act for c in there.customers for act in people.react(reminder(there, c)))]

    assert everything(7) == everything(7)
    assert everything(7) != everything(8)


def test_forty_customers_have_every_character() -> None:
    there = firm()
    people = People(there, 1, FIRST)
    assert {people.character(c.id) for c in there.customers} == set(CHARACTERS)


@pytest.mark.parametrize("customers", [1, 2, 12, 42])
def test_any_number_of_customers_lives(customers: int) -> None:
    there = firm(customers)
    people = People(there, 1, FIRST)
    for customer in there.customers:
        for week in range(4):
            people.react(reminder(there, customer, datetime(2026, 3, 3, 9, 40, tzinfo=ZONE) + timedelta(days=7 * week)))


def test_who_says_paid_has_paid_and_a_liar_has_not() -> None:
    honest, asked = reactions("honest")
    assert {act.number for act in honest if isinstance(act, Transfer)} == set(asked.numbers)
    liar, _ = reactions("liar")
    assert [a.meaning.primary for a in answers(liar)] == ["paid"]
    assert not [act for act in liar if isinstance(act, Transfer)]


def test_a_promise_is_kept_by_the_reliable_only() -> None:
    kept, asked = reactions("reliable")
    (promise,) = answers(kept)
    assert promise.meaning.promise_date is not None
    assert {(act.on, act.number) for act in kept if isinstance(act, Transfer)} == {
        (promise.meaning.promise_date, number) for number in asked.numbers
    }
    broken, _ = reactions("unreliable")
    assert [type(act) for act in broken] == [Answer]


def test_two_invoices_get_two_answers() -> None:
    acts, asked = reactions("two_minds")
    (answer,) = answers(acts)
    assert list(answer.meaning.per_invoice) == list(asked.numbers)
    assert len(set(answer.meaning.per_invoice.values())) == 2


def test_an_answering_machine_answers_at_once_and_its_owner_later() -> None:
    acts, asked = reactions("away")
    machine, person = answers(acts)
    assert machine.meaning.kind == "auto_reply"
    assert machine.at - asked.received_at == timedelta(minutes=1)
    assert person.at > machine.at + timedelta(days=2)


def test_forged_mails_come_from_elsewhere() -> None:
    (forged,) = answers(reactions("impersonated")[0])
    assert forged.sender == forged.reminder.customer.address
    assert forged.ip != forged.reminder.customer.ip
    (foreign,) = answers(reactions("abused")[0])
    assert foreign.sender == STRANGER


def test_who_is_gone_has_no_mailbox() -> None:
    there = firm()
    people = People(there, 1, FIRST)
    gone = {c.address for c in there.customers if people.character(c.id) == "gone"}
    assert gone
    assert not gone & people.mailboxes()


def test_nobody_pays_the_same_bill_twice() -> None:
    there = firm()
    people = People(there, 1, FIRST)
    acts: list[Act] = list(people.unprompted())
    for week in range(4):
        at = datetime.combine(FIRST + timedelta(days=7 * week), time(9, 40), tzinfo=ZONE)
        acts += [act for customer in there.customers for act in people.react(reminder(there, customer, at))]
    numbers = [act.number for act in acts if isinstance(act, Transfer)]
    assert len(numbers) == len(set(numbers))
    assert not set(numbers) & {payment.number for payment in there.paid_before}


def test_people_answer_after_they_have_read() -> None:
    there = firm()
    people = People(there, 1, FIRST)
    for customer in there.customers:
        asked = reminder(there, customer)
        assert all(answer.at > asked.received_at for answer in answers(people.react(asked)))


def test_a_reminder_is_read_for_the_numbers_that_it_names() -> None:
    there = firm(4)
    first, second = there.bills[0].number, there.bills[1].number
    known = {bill.number: bill for bill in there.bills}
    assert numbers_in(f"… {second} et {first}, merci", known) == (second, first)
    assert numbers_in("FA-1999-0001", known) == ()
