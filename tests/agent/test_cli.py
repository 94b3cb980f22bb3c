import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import typer

from agent import cli
from agent.console import Context, as_json_text, plain, printable
from config.errors import NeedsPerson


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Row:
    number: str
    amount: Decimal
    due: date | None
    tags: tuple[str, ...] = ()


class Own:
    def as_json(self) -> Mapping[str, Any]:
        return {"own": Decimal("1.50")}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            Row("F1", Decimal("12.30"), date(2026, 7, 1)),
            '{"number": "F1", "amount": "12.30", "due": "2026-07-01", "tags": []}',
        ),
        ({"at": datetime(2026, 7, 1, tzinfo=UTC), "c": Colour.RED}, '{"at": "2026-07-01T00:00:00+00:00", "c": "red"}'),
        (Own(), '{"own": "1.50"}'),
        ({"text": "é\x1b[2J\u202e\udcff"}, '{"text": "é\\u001b[2J\\u202e\\udcff"}'),
        ({"big": Decimal("1E+3")}, '{"big": "1000"}'),
    ],
)
def test_json(value: Any, text: str) -> None:
    assert as_json_text(value) == text
    json.loads(text)


def test_a_value_without_a_form_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="object has no form"):
        plain(object())


def test_many_are_one_object_a_line_and_one_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    context = Context()
    context.emit([{"a": 1}, {"a": 2}], json=True)
    context.emit((row for row in [{"a": 3}]), json=True)
    context.emit({"a": 4}, json=True)
    context.emit([], json=True)
    assert capsys.readouterr().out == '{"a": 1}\n{"a": 2}\n{"a": 3}\n{"a": 4}\n'


def test_for_people_many_are_a_table_and_one_is_lines(capsys: pytest.CaptureFixture[str]) -> None:
    context = Context()
    context.emit([Row("F1", Decimal("12.30"), None, ("x", "y")), Row("F10", Decimal(5), None)], json=False)
    context.emit(Row("F1", Decimal("12.30"), None), json=False)
    assert capsys.readouterr().out == (
        "number  amount  due  tags\n"
        "F1      12.30   -    x, y\n"
        "F10     5       -    -\n"
        "number  F1\namount  12.30\ndue     -\ntags    -\n"
    )


def test_talk_goes_to_standard_error_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Context().say("from \x1b]0;x\x07 a stranger")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "from \\x1b]0;x\\x07 a stranger\n")
    assert printable("plain é\t") == "plain é\t"


def app_that(raises: BaseException | None = None) -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(cli._options)

    @app.command()
    def work() -> None:
        if raises is not None:
            raise raises

    return app


@pytest.mark.parametrize(
    ("raises", "code", "words"),
    [
        (None, 0, ""),
        (NeedsPerson("the box is locked", "Unlock it."), 1, "relance: the box is locked. Unlock it.\n"),
        (typer.Exit(1), 1, ""),
        (KeyError("x"), 1, "unexpected KeyError: 'x' (a mistake in relance; `relance --debug …` shows where)\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_every_end_has_its_code_and_its_words(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raises: BaseException | None,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(cli, "app", app_that(raises))
    assert cli.main(["work"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "app", app_that(KeyError("x")))
    assert cli.main(["--debug", "work"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_usage_is_told_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["no-such-command"]) == 2
    assert cli.main(["init", "--no-such-option"]) == 2
    assert "No such command" in capsys.readouterr().err


def test_a_wrong_configuration_has_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "relance.toml"
    file.write_text("[company]\n", encoding="utf-8")
    monkey = app_that()

    @monkey.command()
    def read(context: typer.Context) -> None:
        context.obj.settings()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "app", monkey)
        assert cli.main(["--config", str(file), "read"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"relance: {file}: company.name: expected this key to be set.")


def relance(*arguments: str, **named: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent.cli", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd=Path(cli.__file__).parents[1], **named
    )


def test_the_version() -> None:
    answer = relance("--version")
    assert answer.returncode == 0
    assert answer.stdout.startswith("relance ")


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys; from agent import cli; cli.main(['--help']); "
        "sys.exit(','.join({'sklearn', 'dbos', 'scipy', 'pymap'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(cli.__file__).parents[1],
    )
    assert answer.stderr == "\n"
    assert "doctor" in answer.stdout


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    command = f"{sys.executable} -m agent.cli --help | true"
    answer = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(cli.__file__).parents[1],
    )
    assert answer.stderr == ""
