"""An invoice by HTTP: its story and why a mail was taken as it was, its file, and what a person puts down by hand."""

import io
import json
import re
import zipfile

import pytest
from sqlalchemy import select

from models import ExceptionItem, Hold, Invoice
from models.states import InvoiceState
from tests.builders.desk import Office, one_item, state_of


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


def test_by_hand_from_the_invoices_page(desk: Office) -> None:
    one_item(desk)
    browser = desk.at_work()
    browser.post("/log", {"kind": "hold", "invoice": "FA-1", "text": "talking to their director", "day": "2026-09-20"})
    assert "talking to their director" in browser.get("/invoices/FA-1").text
    browser.post("/log", {"kind": "release", "invoice": "FA-1"})
    browser.post("/log", {"kind": "dispute", "invoice": "FA-1", "dispute_reason": "amount", "amount": "12,50"})
    assert state_of(desk) is InvoiceState.DISPUTED
    page = browser.get("/invoices/FA-1").text
    assert "€12.50" in page
    browser.post("/log", {"kind": "promise", "invoice": "FA-1", "day": "yesterday"})
    assert state_of(desk) is InvoiceState.DISPUTED


@pytest.mark.parametrize("what", ["invoice", "customer"])
def test_the_invoices_page_releases_the_hold_that_it_shows(desk: Office, what: str) -> None:
    one_item(desk)
    browser = desk.at_work()
    with desk.database.read() as session:
        invoice = session.scalars(select(Invoice)).one()
        held = {what: {"invoice": invoice.number, "customer": invoice.customer_id}[what]}
    browser.post("/log", {"kind": "hold", "text": "talking to their director", "day": "2026-09-20"} | held)
    page = browser.get("/invoices/FA-1").text
    (form,) = re.findall(r'<form[^>]*action="/log"[^>]*>(?:(?!</form>).)*value="release".*?</form>', page, re.S)
    browser.post("/log", dict(re.findall(r'name="(kind|customer|invoice)" value="([^"]*)"', form)))
    with desk.database.read() as session:
        assert session.scalars(select(Hold.released_by)).one() is not None


def test_everything_of_an_invoice_is_one_file(desk: Office) -> None:
    one_item(desk)
    answered = desk.at_work().get("/invoices/FA-1/dossier")
    archive = zipfile.ZipFile(io.BytesIO(answered.content))
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["invoice"] == "FA-1"
    assert set(manifest["files"]) | {"manifest.json"} == set(archive.namelist())


def test_why_is_told_in_the_persons_language(desk: Office) -> None:
    item = one_item(desk)
    with desk.database.read() as session:
        mail_id = session.get_one(ExceptionItem, item).message_id
    french = desk.at_work("lea", language="fr").get(f"/mail/{mail_id}/why").text
    told = french.partition("<ol>")[2].partition("</ol>")[0]
    for said in ("Il est arrivé le", "Une personne l’a écrit", "« Promet de payer »", "Une personne est consultée"):
        assert said in told, said
    assert "The trained model" not in told
    english = desk.at_work("max", language="en").get(f"/mail/{mail_id}/why").text
    assert "reads it as promise with 71% confidence" in english
    assert "It arrived on 1 Sept 2026, 07:00 in the mailbox" in english  # on the company's clock, as on every page
