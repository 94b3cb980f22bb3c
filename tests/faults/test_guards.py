"""A sample of the guards that `make prove` switches off one by one (`tests.faults.guards`)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import guards

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["no cell is a formula", "decision: unauthenticated", "the chain of events"])
def test_a_guard_that_is_off_is_missed(name: str) -> None:
    done = run("-m", "tests.faults.guards", "--only", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seen")


NOBODY = """
import sys
from tests.faults import guards
nothing = guards.Guard(0, "nothing", lambda: None, ("tests/agent/reports/test_tables.py",))
guards.all_guards = lambda: [nothing]
sys.exit(guards.main([]))
"""


def test_a_guard_that_nothing_misses_is_told() -> None:
    done = run("-c", NOBODY)
    assert done.returncode == 1
    assert done.stdout.startswith("MISSED")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_every_rule_of_the_tables_is_a_guard() -> None:
    names = [guard.name for guard in guards.all_guards()]
    assert len(names) == len(set(names)) > 40
    assert {guard.rule for guard in guards.all_guards()} >= {1, 2, 3, 4, 6, 7, 8, 9}
