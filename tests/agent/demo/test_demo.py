"""The demo as a newcomer runs it, only shorter; each run starts its own servers and lets a week pass."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from agent import cli
from agent.demo.commands import MARK, further
from agent.demo.story import MailLeft, Moved, Read
from agent.demo.verdict import Verdict, verdict
from agent.demo.world import Scene, Wish, World

pytestmark = pytest.mark.slow
TUESDAY = date(2026, 3, 10)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Scene], Verdict, Path, list[str]]:
    """Eight days, from Tuesday to Tuesday, of a dozen customers."""
    folder = tmp_path_factory.mktemp("demo")
    with World(Wish(folder, TUESDAY, seed=3, days=8, customers=12)) as world:
        scenes = list(world.play())
        return scenes, verdict(world), folder, [command for command, _ in further(folder, world)]


def test_nothing_happens_that_never_must(week: tuple[list[Scene], Verdict, Path, list[str]]) -> None:
    found = week[1]
    assert found.broken == ()
    assert found.duplicates == 0
    assert found.received > 5


def test_reminders_leave_answers_come_and_states_move(week: tuple[list[Scene], Verdict, Path, list[str]]) -> None:
    happenings = [happening for scene in week[0] for happening in scene.happenings]
    assert any(isinstance(happening, MailLeft) for happening in happenings)
    assert {h.kind for h in happenings if isinstance(h, Read)} >= {"human", "auto_reply", "bounce"}
    assert any(isinstance(happening, Moved) and happening.by_message is not None for happening in happenings)
    assert week[0][-1].board.queue


def test_weekends_are_quiet(week: tuple[list[Scene], Verdict, Path, list[str]]) -> None:
    at_weekends = [scene for scene in week[0] if scene.at.weekday() >= 5]
    assert len(at_weekends) == 2
    assert not [h for scene in at_weekends for h in scene.happenings if isinstance(h, MailLeft)]


def test_strangers_are_put_in_front_of_a_person(week: tuple[list[Scene], Verdict, Path, list[str]]) -> None:
    assert week[1].forged
    assert week[1].forged == week[1].forged_queued


def test_machines_are_recognised(week: tuple[list[Scene], Verdict, Path, list[str]]) -> None:
    assert week[1].machines == week[1].machines_right


def test_what_it_leaves_can_be_looked_into(
    week: tuple[list[Scene], Verdict, Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # In place: the database is bound to where it lies.
    config = str(week[2] / "relance.toml")
    for arguments in (["invoices", "--json"], ["queue", "list", "--json"], ["messages", "--json"], ["audit", "verify"]):
        assert cli.main(["--config", config, *arguments]) == 0, arguments
        assert capsys.readouterr().out, arguments
    assert any(" explain " in command for command in week[3])


def test_the_command_shows_it_all_and_ends_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is set for another installation must not reach into the demo.
    monkeypatch.setenv("RELANCE_DATABASE__URL", f"sqlite:///{tmp_path / 'real.db'}")
    folder = tmp_path / "demo"
    arguments = ["demo", "--dir", str(folder), "--fast", "--customers", "2", "--days", "3"]
    assert cli.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "sent twice" in shown
    assert "audit verify" in shown
    assert not (tmp_path / "real.db").exists()
    assert [json.loads(line)["event"] for line in (folder / "demo.log").read_text().splitlines()]
    assert (folder / MARK).is_file()
    shutil.rmtree(folder / "documents")
    assert cli.main(arguments) == 0  # replaced
    assert (folder / "documents").is_dir()


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    assert cli.main(["demo", "--dir", str(tmp_path), "--fast"]) == 1
    said = capsys.readouterr()
    assert "--dir" in said.err
    assert said.out == ""
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"
