"""The demo's last word: the desk, for as long as somebody looks, and never where nobody can."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.slow
DEMO = (sys.executable, "-c", "from agent.cli import main; main()", "demo", "--fast", "--days", "1", "--customers", "2")
TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
OFFER = re.compile(r"at (http://\S+) : log in as (\S+) with (\S+) ")


def test_the_desk_is_offered_where_asked_for_and_ends_on_interrupt(tmp_path: Path) -> None:
    command = [*DEMO, "--desk", "--dir", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        offers = (OFFER.search(line) for line in demo.stderr)
        address, name, password = next(found.groups() for found in offers if found)
        with httpx2.Client(base_url=address, follow_redirects=True) as guest:
            token = TOKEN.findall(guest.get("/login").text)[0]
            entered = guest.post("/login", data={"name": name, "password": password, "csrf": token})
        demo.send_signal(signal.SIGINT)
        demo.stderr.read()
        assert demo.wait(60) == 0
    assert entered.status_code == 200
    assert "password" not in entered.text


def test_off_a_terminal_the_demo_exits_by_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--dir", str(tmp_path / "demo")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0
    assert "review desk" not in done.stderr
