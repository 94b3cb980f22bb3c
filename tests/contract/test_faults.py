"""What goes wrong is told: what, where, how to mend it; by the exit code, and never at the price of a mail or a row."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.contract.conftest import SinkDesk, lacks
from tests.servers.process import free_port
from tests.servers.smtp_sink import At, refuse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CUSTOMERS = "id,name,email\none,One Ltd,ap@one.test\n"
INVOICES = "number,customer_id,due_date,amount\nF-1,one,2025-03-03,500.00\n"
MORNING = "2025-03-06T10:00"


@pytest.fixture
def owed(desk: SinkDesk) -> SinkDesk:
    desk.load("customers", CUSTOMERS, as_of="2025-03-06T07:00")
    desk.load("invoices", INVOICES, as_of="2025-03-06T07:00")
    desk.fresh("2025-03-06T07:00")
    return desk


def test_a_server_that_refuses_us_is_named_and_the_mail_waits_for_it(owed: SinkDesk) -> None:
    desk = owed
    desk.sink.then(refuse(At.MAIL, "550 5.7.1 this account is suspended"))
    told = desk.run(MORNING, code=1).err
    assert "this account is suspended" in told
    assert desk.rows("reminders")[0]["state"] in {"reserved", "failed"}
    assert desk.queue() == []
    desk.run(MORNING)  # too early to try again: nothing has shown that the trouble is over
    (loop,) = (check for check in desk("doctor", "--json").rows() if check["name"].startswith("loop.deliver:"))
    assert loop["status"] != "ok"
    assert "this account is suspended" in loop["detail"]
    desk.run("2025-03-06T14:00")
    assert (len(desk.sink.mails), desk.rows("reminders")[0]["state"]) == (1, "sent")
    assert not [check for check in desk("doctor", "--json").rows() if check["name"].startswith("loop.")]
    desk.run("2025-03-06T14:30")
    assert len(desk.sink.mails) == 1


def test_a_server_that_fails_is_named_and_its_work_is_done_later(owed: SinkDesk) -> None:
    desk = owed
    desk.account.append(b"\xff\xfe\x00 not a mail at all \x80\r\n")

    # Where answers can't be read, nothing is sent: the answer to the next reminder may lie there.
    closed = free_port()
    desk.configure(imap_port=closed)
    told = desk.run(MORNING, code=1).err
    assert str(closed) in told
    desk.configure()
    right = desk.environment["RELANCE_IMAP_PASSWORD"]
    desk.environment["RELANCE_IMAP_PASSWORD"] = "wrong"
    told = desk.run(MORNING, code=1).err
    assert "refused" in told
    assert "wrong" not in told.replace("wrong password", ""), "a secret is never printed"
    checks = desk("doctor", "--json", code=1).rows()
    assert "error" in {check["status"] for check in checks if "imap" in check["name"]}
    desk.environment["RELANCE_IMAP_PASSWORD"] = right
    assert desk.sink.mails == []

    closed = free_port()
    desk.configure(smtp=f'host = "127.0.0.1"\nport = {closed}\nsecurity = "none"')
    told = desk.run(MORNING, code=1).err
    assert str(closed) in told
    assert desk.rows("reminders")[0]["state"] in {"reserved", "failed"}

    # The bytes that are no mail were neither lost nor in the way.
    (item,) = desk.queue()
    assert item["customer"] is None
    desk.configure()
    desk.run("2025-03-06T14:00")
    assert len(desk.sink.mails) == 1
    assert desk.rows("reminders")[0]["state"] == "sent"
    desk.run("2025-03-06T14:30")
    assert len(desk.sink.mails) == 1


def test_a_locked_database_is_told_and_nothing_is_half_done(owed: SinkDesk) -> None:
    desk = owed
    with closing(sqlite3.connect(desk.folder / "relance.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert desk.states() == {"F-1": "open"}, "readers wait for nobody"
        told = desk("hold", "F-1", "--reason", "x", code=1).err
        assert "lock" in told or "busy" in told
    assert desk.invoices("F-1")["F-1"]["hold"] is None
    desk("hold", "F-1", "--reason", "x")


BAD_FILES = [
    ("invoices", "number,customer_id,due_date\nX-1,one,2025-03-03\n", ("amount",)),
    ("invoices", "number,customer_id,due_date,amount\nX-1,one,31/02/2025,10\n", ("line 2", "due_date")),
    ("invoices", "number,customer_id,due_date,amount\nX-1,one,2025-03-03,ten\n", ("line 2", "amount")),
    ("invoices", "number,customer_id,due_date,amount\nX-1,nobody,2025-03-03,10\n", ("line 2", "customer_id")),
    (
        "invoices",
        "number,customer_id,due_date,amount\nX-1,one,2025-03-03,10\nX-1,one,2025-03-03,11\n",
        ("line 3", "number"),
    ),
    ("customers", "id,name,email\ntwo,Two,no address\n", ("line 2", "email")),
    ("payments", "id,date,amount,customer_id\nP1,2025-03-03,0,one\n", ("line 2", "amount")),
    ("payments", "", ("empty",)),
]


def test_a_bad_file_is_told_by_line_and_column_and_imports_nothing(owed: SinkDesk) -> None:
    desk = owed
    for kind, text, names in BAD_FILES:
        ran = desk("import", kind, desk.write("bad.csv", text), code=1)
        assert all(name in ran.err for name in ("bad.csv", *names)), ran
        assert ran.out == ""
    half = "number,customer_id,due_date,amount\nX-1,one,2025-03-03,ten\nX-2,one,2025-03-03,20.00\n"
    refused = desk.load("invoices", half, as_of="2025-03-06T08:00", code=1)
    assert (refused["refused"], refused["created"]) == (True, 0)
    assert (refused["skipped"][0]["line"], refused["skipped"][0]["column"]) == (2, "amount")
    assert set(desk.states()) == {"F-1"}
    file = desk.write("half.csv", half)
    assert desk("import", "invoices", file, "--dry-run", "--skip-bad", "--json", code=1).document()["created"] == 1
    assert set(desk.states()) == {"F-1"}
    assert desk("import", "invoices", file, "--skip-bad", "--json", code=1).document()["created"] == 1
    assert set(desk.states()) == {"F-1", "X-2"}
    # A byte order mark, semicolons, day before month, a decimal comma, and Windows' own letters.
    desk.load("customers", "id;name;email\nzoé;Café Zoé;zoe@cafe.test\n", as_of="2025-03-06T08:00", encoding="cp1252")
    other = "\ufeffnumber;customer_id;due_date;amount\nX-3;zoé;13/03/2025;1 234,50\n"
    desk.load("invoices", other, as_of="2025-03-06T08:00")
    shown = desk.invoices("X-3")["X-3"]
    assert (shown["amount"], shown["due_date"], shown["customer"]) == ("1234.50", "2025-03-13", "zoé")


def test_usage_and_configuration_have_a_code_of_their_own(desk: SinkDesk) -> None:
    for arguments in (
        ("no-such-command",),
        ("import", "invoices"),
        ("run", "--at", MORNING),
        ("run", "--once", "--at", "noon"),
        ("plan", "--on", "soon"),
    ):
        ran = desk(*arguments, code=2)
        assert ran.out == ""
        assert ran.err
    desk("import", "invoices", "no-such-file.csv", code=1)
    desk("explain", "<nothing@known.test>", code=1)
    desk("invoices", "F-404", code=1)
    desk.configure(extra='[policies]\nmode = "automatic"')
    told = desk("invoices", code=2).err
    assert "relance.toml" in told
    assert "policies" in told
    desk.config.unlink()
    assert "relance.toml" in desk("invoices", code=2).err

    # `init` writes what is missing, and leaves alone what is there.
    desk("init", str(desk.folder / "new"))
    assert 'mode = "observe"' in (desk.folder / "new" / "relance.toml").read_text(encoding="utf-8")
    databases = list((desk.folder / "new").glob("relance.db*"))
    assert databases
    written = (desk.folder / "new" / "relance.toml").stat().st_mtime_ns
    desk("init", str(desk.folder / "new"))
    assert (desk.folder / "new" / "relance.toml").stat().st_mtime_ns == written
    keys = [file for file in (desk.folder / "new").iterdir() if file.suffix not in {".toml", ".lock"}]
    assert {oct(file.stat().st_mode & 0o777) for file in keys if "key" in file.name} == {"0o600"}


INSPECT_KEYS = (
    "file", "kind", "bounce", "new_text", "signature", "quoted", "language", "message_id", "in_reply_to", "references",
    "from", "subject", "date", "attachments", "error",
)  # fmt: skip
CLASSIFY_KEYS = (
    "id", "primary", "intents", "confidence", "automatic", "per_invoice", "promise_date", "promised_amount",
    "paid_date", "dispute_reason", "question_topic", "other_reason", "language", "evidence",
)  # fmt: skip


def test_reading_and_understanding_can_be_asked_alone(desk: SinkDesk) -> None:
    mail = "From: Anna <anna@one.test>\nSubject: F-1\nDate: Thu, 6 Mar 2025 12:00:00 +0100\n\nBonjour\n"
    files = [desk.write("good.eml", mail), desk.write("bad.eml", "\x00\x01", "utf-16"), str(desk.folder / "gone.eml")]
    lines = desk("inspect", "--json", *files).rows()
    assert [line["file"] for line in lines] == files
    assert not any(lacks(line, INSPECT_KEYS) for line in lines)
    assert (lines[0]["kind"], lines[0]["subject"], lines[0]["new_text"].strip()) == ("human", "F-1", "Bonjour")
    assert lines[0]["error"] is None
    assert lines[2]["error"]

    invoices = [
        {"number": "F-1", "amount": "500.00", "currency": "EUR", "due": "2025-03-03"},
        {"number": "F-2", "amount": "60.00", "currency": "EUR", "due": "2025-03-03"},
    ]
    texts = {
        "paid": "Bonjour,\n\nLa facture F-1 a été réglée par virement le 4 mars.\n\nCordialement,\nSophie",
        "promise": "Hello,\n\nYou will receive our payment on 12 March 2025.\n\nKind regards,\nJo",
    }
    asked = [
        {
            "id": name, "date": "2025-03-06T12:00:00+01:00", "reminder_sent": "2025-03-06T10:00:00+01:00",
            "text": text, "invoices": invoices[:1],
        }
        for name, text in texts.items()
    ]  # fmt: skip
    given = "".join(json.dumps(line) + "\n" for line in asked)
    answers = {row["id"]: row for row in desk("classify", "--json", "-", given=given).rows()}
    assert not any(lacks(row, CLASSIFY_KEYS) for row in answers.values())
    assert {name: row["primary"] for name, row in answers.items()} == {"paid": "paid", "promise": "promise"}
    assert all(row["automatic"] for row in answers.values())
    assert answers["paid"]["per_invoice"] == {"F-1": "paid"}
    assert answers["promise"]["promise_date"] == "2025-03-12"
    assert set(answers["paid"]["intents"]) == {"paid", "promise", "dispute", "question", "other"}
    assert desk("classify", "--json", "-", given="not json\n", code=1).out == ""
