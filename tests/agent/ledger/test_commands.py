"""The commands as people and programs call them: exit codes, what goes where, keys."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.cli import main

TOML = """
[company]
name = "Ateliers Morel SAS"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"
[mailbox.ar]
address = "compta@morel.example"
imap = {host = "127.0.0.1", port = 1, security = "none", password_env = "NONE_SET"}
smtp = {host = "127.0.0.1", port = 1, security = "none"}
"""
INVOICE_KEYS = {
    "number", "customer", "kind", "amount", "balance", "currency", "due_date", "state", "promise_date", "hold",
    "last_reminder", "next_step",
}  # fmt: skip

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`relance …` in a folder with a ledger of two customers and two invoices; exit code, data, talk."""
    (tmp_path / "relance.toml").write_text(TOML)
    (tmp_path / "customers.csv").write_text("id;name;email\nC1;Été;a@a.example\nC2;Bolt;b@b.example\n", "cp1252")
    (tmp_path / "invoices.csv").write_text(
        "number,customer_id,due_date,amount\nF-1,C1,2026-10-01,1234.50\nF-2,C1,2026-10-02,200\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RELANCE_CONFIG", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    assert call("import", "customers", "customers.csv")[0] == 0
    assert call("import", "invoices", "invoices.csv")[0] == 0
    return call


def invoices(run: Run, *numbers: str) -> list[dict[str, Any]]:
    code, out, _ = run("invoices", *numbers, "--json")
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


def test_invoices_show_where_each_stands(run: Run) -> None:
    first, second = invoices(run)
    assert set(first) == INVOICE_KEYS
    assert (first["amount"], first["balance"], first["due_date"]) == ("1234.50", "1234.50", "2026-10-01")
    assert first["next_step"] == {"step": "friendly_reminder", "on": "2026-10-05"}
    assert (second["hold"], second["last_reminder"], second["promise_date"]) == (None, None, None)
    assert run("invoices")[1].splitlines()[1].split()[:5] == ["F-1", "C1", "2026-10-01", "1234.50", "1234.50"]


def test_a_bad_file_ends_with_one_and_names_line_and_column(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("id,date,amount,customer_id\nP1,2026-10-01,ten,C1\nP2,2026-10-01,10,C9\n")
    code, out, err = run("import", "payments", "bad.csv", "--json")
    assert code == 1
    document = json.loads(out)
    assert document["refused"]
    assert [(e["line"], e["column"]) for e in document["skipped"]] == [(2, "amount"), (3, "customer_id")]
    assert "bad.csv, line 2, column amount: expected an amount" in err
    assert "nothing was imported" in err
    assert run("import", "payments", "bad.csv")[1] == ""


def test_an_import_tells_what_it_did_and_says_so_when_nothing_is_new(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,date,amount,customer_id,invoice_number\nP1,2026-10-02,34.50,C1,F-1\n")
    document = json.loads(run("import", "payments", "p.csv", "--json", "--as-of", "2026-10-03")[1])
    assert document["as_of"] == "2026-10-03T00:00:00+02:00"
    assert document["allocations"] == [{"payment": "P1", "invoice": "F-1", "amount": "34.50", "rule": "named"}]
    code, out, err = run("import", "payments", "p.csv")
    assert (code, out) == (0, "p.csv: 1 payments: 0 created, 0 changed, 1 unchanged\n")
    assert "Nothing new" in err


def test_a_file_may_come_by_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"customer_id,email\nC1,boss@a.example\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    assert run("import", "contacts", "-")[:2] == (0, "standard input: 1 contacts: 1 created, 0 changed, 0 unchanged\n")
    [customer] = [json.loads(line) for line in run("customers", "C1", "--json")[1].splitlines()]
    assert [c["email"] for c in customer["contacts"]] == ["a@a.example", "boss@a.example"]


def test_holds_promises_and_disputes_by_hand(run: Run) -> None:
    assert run("hold", "F-1", "--reason", "appel", "--until", "2099-12-24", "--by", "Ann")[0] == 0
    assert run("hold", "--customer", "C1", "--reason", "tout")[0] == 0
    assert run("log", "promise", "F-1", "--date", "2099-01-10", "--amount", "500,00", "--text", "dit")[0] == 0
    assert run("log", "dispute", "F-2", "--reason", "quality")[0] == 0
    first, second = invoices(run)
    assert (first["state"], first["promise_date"]) == ("promised", "2099-01-10")
    assert first["hold"] == {"reason": "appel", "by": "Ann", "until": "2099-12-24", "of_customer": False}
    assert (second["state"], second["hold"]["reason"]) == ("disputed", "tout")
    assert "dispute" in run("queue", "list")[1]
    assert run("settle-dispute", "F-2", "--as", "rejected")[0] == 0
    assert run("release", "--customer", "C1")[0] == 0
    [second] = invoices(run, "F-2")
    assert (second["state"], second["hold"]) == ("reminded", None)
    assert run("queue", "list")[1] == ""


def test_notes_write_offs_and_files(run: Run) -> None:
    assert run("log", "call", "--customer", "C2", "--text", "rappeler")[0] == 0
    assert run("log", "note", "F-1", "--text", "vu")[0] == 0
    assert "is kept with F-1" in run("attach", "F-1", "invoices.csv", "--kind", "order")[2]
    assert "has invoices.csv already" in run("attach", "F-1", "invoices.csv")[2]
    assert run("write-off", "F-1", "--reason", "petit")[0] == 0
    assert [i["state"] for i in invoices(run)] == ["written_off", "open"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("invoices", "F-9"), 1, "unknown invoice F-9"),
        (("customers", "C9"), 1, "unknown customer C9"),
        (("hold", "--reason", "x"), 1, "one invoice or one customer"),
        (("hold", "F-1", "--reason", "x", "--until", "2020-01-01"), 1, "a day to come"),
        (("log", "promise", "F-1", "--date", "2020-01-01"), 1, "has passed"),
        (("log", "promise", "F-1", "--date", "2099-01-01", "--amount", "9999"), 1, "open is F-1 1234.50 EUR"),
        (("log", "dispute", "F-1", "--reason", "mood"), 1, "Give one of amount"),
        (("log", "promise", "--customer", "C2", "--date", "2099-01-01"), 1, "no open invoice"),
        (("attach", "F-1", "gone.pdf"), 1, "can't be read"),
        (("import", "payments", "gone.csv"), 1, "Name a CSV file"),
        (("import", "payments", "invoices.csv", "--as-of", "soon"), 2, "is no time"),
        (("import", "letters", "invoices.csv"), 2, "letters"),
        (("log", "promise", "F-1", "--date", "2099-01-01", "--amount", "-1"), 2, "is no amount"),
    ],
)
def test_what_can_not_be_done_is_told_in_words(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert words in " ".join(err.split())
