"""The room's commands as people type them: a small company, its plan, and what a person does with the tasks."""

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from agent.reminders import plan
from config import load
from models import Database
from tests.builders import ledger

PLAN = """name = "standard"
version = 5
[[step]]
name = "call"
day = 2
channel = "call"
level = 1
[[step]]
name = "formal_notice"
day = 4
channel = "letter"
template = "formal_notice"
level = 2
charges = "claimed"
attach_invoice = true
attach_statement = true
[[step]]
name = "hand_over"
day = 6
channel = "hand_over"
level = 3
"""


class Company:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        self.capsys.readouterr()
        ended = main(["--config", str(self.root / "relance.toml"), *arguments])
        out, err = self.capsys.readouterr()
        assert ended == code, out + err
        return out if code == 0 else err

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]


@pytest.fixture
def company(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Company:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "standard.toml").write_text(PLAN, encoding="utf-8")
    server = 'host = "127.0.0.1"\nsecurity = "none"\n'
    (tmp_path / "relance.toml").write_text(
        '[company]\nname = "Morel"\ncountry = "FR"\ncurrency = "EUR"\nlanguage = "fr"\ntimezone = "Europe/Paris"\n'
        f'[mailbox.ar]\naddress = "ar@morel.example"\n[mailbox.ar.imap]\n{server}password_env = "X"\n'
        f'[mailbox.ar.smtp]\n{server}[policy]\nmode = "automatic"\n',
        encoding="utf-8",
    )
    desk = Company(tmp_path, capsys)
    (tmp_path / "c.csv").write_text("id,name,email,phone\nC1,Dupont,a@b.example,0102\n", encoding="utf-8")
    lines = "FA-1,C1,2026-08-01,100.00\nFA-2,C1,2026-08-02,50.00\n"
    (tmp_path / "i.csv").write_text(f"number,customer_id,due_date,amount\n{lines}", encoding="utf-8")
    (tmp_path / "p.csv").write_text("id,date,amount,customer_id\n", encoding="utf-8")
    for kind, name in (("customers", "c"), ("invoices", "i"), ("payments", "p")):
        desk("import", kind, str(tmp_path / f"{name}.csv"), "--as-of", "2026-09-01T06:00:00Z")
    settings = load(tmp_path / "relance.toml")
    database = Database.open(settings.database.url, settings.root, ledger.NOW)
    for _ in range(3):
        plan.drain(database, settings, ledger.NOW)
    database.close()
    return desk


def test_a_person_works_through_the_tasks_of_a_case(company: Company) -> None:
    by_kind = {row["kind"]: row["id"] for row in company.rows("tasks")}
    assert set(by_kind) == {"call", "letter", "hand_over"}
    shown = json.loads(company("tasks", "show", str(by_kind["call"]), "--json"))
    assert shown["open"] == {"EUR": "150.00"}
    assert "0102" not in company("tasks", "show", "999", code=1)

    letters = company.root / "letters"
    hand_over = ("tasks", "show", str(by_kind["hand_over"]), "--json")
    assert json.loads(company(*hand_over))["letters"] == []
    shown = " ".join(company("tasks", "show", str(by_kind["hand_over"])).split())
    assert "to_pay currency 150.00 EUR interest indemnity until law" in shown
    made = json.loads(company("letter", str(by_kind["letter"]), "-o", str(letters), "--json"))
    (composed,) = json.loads(company(*hand_over))["letters"]
    gives = date.fromisoformat(composed["until"]) - date.fromisoformat(composed["composed_on"])
    assert (composed["file"], composed["by"], gives.days) == (Path(made["file"]).name, "operator", 8)
    assert Path(made["file"]).read_bytes().startswith(b"%PDF-")
    assert made["invoices"] == ["FA-1", "FA-2"]
    assert isinstance(made["notes"], list)
    (statement,) = made["enclosures"]
    assert Path(statement).read_bytes().startswith(b"%PDF-")
    made = json.loads(company("hand-over", str(by_kind["hand_over"]), "-o", str(letters), "--json"))
    assert Path(made["file"]).read_bytes().startswith(b"PK")

    company("tasks", "call", str(by_kind["call"]), "--result", "promised", "--date", "2199-01-05")
    assert {row["state"] for row in company.rows("invoices")} == {"promised"}
    assert "was paid, answered or held" in company("letter", str(by_kind["letter"]), code=1)
    assert company("audit", "verify")


def test_who_calls_and_who_collects_are_told_what_credits_take_off(company: Company) -> None:
    credit = "number,customer_id,kind,issue_date,due_date,amount\nAV-1,C1,credit_note,2026-08-01,2026-08-01,-30\n"
    (company.root / "credit.csv").write_text(credit)
    company("import", "invoices", str(company.root / "credit.csv"))
    by_kind = {row["kind"]: str(row["id"]) for row in company.rows("tasks")}
    shown = json.loads(company("tasks", "show", by_kind["call"], "--json"))
    assert (shown["open"], shown["to_pay"]) == ({"EUR": "150.00"}, {"EUR": "120.00"})
    assert shown["credits"] == [{"number": "AV-1", "balance": "-30.00", "currency": "EUR"}]
    made = json.loads(company("hand-over", by_kind["hand_over"], "-o", str(company.root), "--json"))
    with zipfile.ZipFile(made["file"]) as archive:
        summary = archive.read("summary.txt").decode().splitlines()
    assert [line for line in summary if line.startswith(("open in all", "credit ", "to pay"))] == [
        "open in all: 150.00 EUR", "credit AV-1: -30.00 EUR", "to pay: 120.00 EUR",
    ]  # fmt: skip


def test_a_payment_plan_is_accepted_and_a_wrong_one_refused(company: Company) -> None:
    parts = ("--instalment", "2199-01-05=100", "--instalment", "2199-02-05=50.00")
    assert "come to 150" in company("log", "plan", "FA-1", *parts, code=1)
    assert "is no instalment" in company("log", "plan", "FA-1", "--instalment", "soon", code=1)
    company("log", "plan", "FA-1", "FA-2", *parts)
    assert [row["promise_date"] for row in company.rows("invoices")] == ["2199-01-05", "2199-02-05"]


def test_a_time_to_come_is_simulated_and_a_wrong_one_refused(company: Company) -> None:
    assert company.rows("simulate", "--from", "2199-01-01", "--to", "2199-02-01") == []
    assert "lies before" in company("simulate", "--from", "2199-02-01", "--to", "2199-01-01", code=1)
    story = json.loads(company("explain", "FA-1", "--json"))
    assert (story["plan"]["name"], story["next_step"]) == ("standard", None)


def test_a_wrong_address_is_put_down_by_hand_and_taken_back(company: Company) -> None:
    wrong = ("stop-mails", "C1", "--to", "a@b.example", "--reason", "said on the phone")
    assert company("stop-mails", "C1", "--new-contact", "new@b.example", "--reason", "x", code=2)
    company(*wrong, "--because", "left_company", "--new-contact", "new@b.example")
    (row,) = company.rows("customers")
    assert [(c["email"], c["dead_because"], c["replaced_by"]) for c in row["contacts"]] == [
        ("a@b.example", "left_company", "new@b.example"), ("new@b.example", None, None),
    ]  # fmt: skip
    assert "not to a@b.example (left company), now new@b.example" in company("customers")
    told = json.loads(company("explain", "FA-1", "--json"))["sentences"]
    assert any("reminders go to new@b.example" in sentence for sentence in told)
    company("resume-mails", "C1", "--to", "a@b.example")
    assert "not to" not in company("customers")
    assert "no address of" in company(*wrong[:3], "who@else.example", *wrong[4:], code=1)


def test_who_wants_no_mails_is_listed_with_who_said_so(company: Company) -> None:
    company("stop-mails", "C1", "--reason", "wants to be called", "--by", "lea")
    (row,) = company.rows("customers")
    assert row["no_mail"]["by"] == "lea"
    assert "(lea): calls instead" in company("customers")
    company("resume-mails", "C1")
    assert company.rows("customers")[0]["no_mail"] is None
