"""A customer answers, an invoice moves, another system is told: the daemon as a process, real servers on every side."""

import base64
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import RELANCE, Desk, answer, parsed
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.receiver import Receiver, receiving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MORNING = "2025-03-06T10:00"
API_PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@contextmanager
def daemon(desk: Desk) -> Iterator["subprocess.Popen[bytes]"]:
    """`relance run`, until it is told to stop or killed; its log lies in the desk's folder."""
    with (desk.folder / "daemon.log").open("ab") as written:
        running = subprocess.Popen(
            [RELANCE, "--config", desk.config, "run"], stdout=written, stderr=written, cwd=desk.folder,
            env=desk._surroundings(),
        )  # fmt: skip
        try:
            yield running
            if running.poll() is None:
                running.send_signal(signal.SIGTERM)
            running.wait(120)
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()


def documented() -> Callable[[dict[str, str], bytes, str], bool]:
    """The recipe of the documentation, as a reader would copy it."""
    (code,) = re.findall(r"```python\n(.*?)```", API_PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 our own page
    found: Callable[[dict[str, str], bytes, str], bool] = names["is_from_relance"]
    return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_a_change_is_told_signed_at_least_once_through_refusals_and_a_killed_daemon(
    real_desk: Desk, dovecot: Dovecot, postfix: Postfix, receiver: Receiver
) -> None:
    desk, customer = real_desk, dovecot.account("payer", "good.test")
    desk.environment["HOOK_SECRET"] = SECRET
    hook = f'[webhook.erp]\nurl = "{receiver.url}"\nsecret_env = "HOOK_SECRET"\nevents = ["invoice.*"]\n'
    desk.configure(extra=f"[daemon]\npoll_seconds = 5\n{hook}")
    people = f"id,name,email,language\npayer,Payer SARL,{customer.address},fr\n"
    desk.load("customers", people, as_of="2025-03-06T07:00")
    desk.load(
        "invoices", "number,customer_id,due_date,amount\nFA-1,payer,2025-03-03,1240.00\n", as_of="2025-03-06T07:00"
    )
    desk.fresh("2025-03-06T07:00")
    desk.run(MORNING)
    reminder = str(parsed(customer.wait_for_mails(1)[0])["Message-ID"])
    before = len(receiver.got)

    receiver.answers[:] = [500]
    raw = answer(
        reminder, customer.address,
        "Bonjour,\n\nLa facture FA-1 a été réglée par virement le 4 mars.\n\nCordialement,\nSophie",
        at="2025-03-06T12:00:00+01:00", mailbox=desk.account.address,
    )  # fmt: skip
    postfix.deliver(customer.address, desk.account.address, raw)
    with daemon(desk) as first:
        receiver.wait_for(lambda: len(receiver.got) > before)
        first.kill()  # what came of the attempt is not written down, or has just been
    assert desk.states("FA-1") == {"FA-1": "payment_reported"}
    with daemon(desk) as second:
        receiver.wait_for(lambda: len(receiver.got) > before + 1)
        receiver.wait_for(lambda: "invoice.payment_reported" in receiver.kinds[before + 1 :])
        second.send_signal(signal.SIGTERM)
        assert second.wait(120) == 0, (desk.folder / "daemon.log").read_text("utf-8")[-2000:]

    is_from_relance = documented()
    for headers, body in receiver.got[before:]:
        assert is_from_relance(headers, body, SECRET)
        assert not is_from_relance(headers, body + b" ", SECRET)
        assert not is_from_relance(headers, body, "whsec_" + base64.b64encode(b"x" * 32).decode())
        assert b"virement" not in body, "ids and codes, and never a customer's words"
    once = {headers["webhook-id"]: json.loads(body) for headers, body in receiver.got}
    assert receiver.ids[before] in receiver.ids[before + 1 :], "what was refused came again under its id"
    (told,) = [one for one in once.values() if one["type"] == "invoice.payment_reported"]
    assert told["data"]["invoice"] == "FA-1"
    assert told["data"]["customer"] == "payer"
    assert told["data"]["details"]["was"] == "reminded"
    (row,) = desk.rows("webhooks", "list")
    assert (row["waiting"], row["given_up"]) == (0, 0)
    assert row["delivered"] == len(once)
    desk("run", "--once")
    assert len({*receiver.ids}) == len(once), "a change is told once"
