"""The classifier's commands: classify and evaluate. Training and promotion are the learning room's."""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

import typer

from classifier.data import data_files, read_rows, reply_from
from classifier.errors import DataError
from classifier.values import Reply

if TYPE_CHECKING:
    from classifier.encoders.values import Encoder
    from classifier.trained import Classifier
    from config import Settings


class Console(Protocol):
    """What a command needs of its context."""

    config: Path | None

    def settings(self) -> Settings: ...
    def now(self) -> datetime: ...
    def emit(self, value: Any, json: bool) -> None: ...
    def say(self, text: str) -> None: ...


Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
ModelOption = Annotated[
    Path | None,
    typer.Option("--model", help="Folder of a trained model. [default: the configured one]", show_default=False),
]


def mount(app: typer.Typer) -> None:
    """Add the classifier's commands to `app`."""
    app.command()(evaluate)
    app.command()(classify)


def classify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")] = Path("-"),
    json: Json = False,
    model: ModelOption = None,
) -> None:
    """Say what replies mean: JSON lines in (id, date, reminder_sent, text, invoices), one line out for each."""
    console = _console(context)
    replies = list(_replies(file))
    from classifier.parallel import predict

    for each in predict(*_chosen(console, model), replies):
        console.emit(each if json else _short(each.as_json()), json)


def evaluate(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Labelled replies; without it, cross-validation.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="Draws of authors in the cross-validation.")] = 5,
    html: Annotated[Path | None, typer.Option(help="Also write a page with plots to this file.")] = None,
    json: Json = False,
    model: ModelOption = None,
) -> None:
    """Measure a trained model on labelled replies it never saw, or the way of training on the shipped ones."""
    from classifier.evaluation import cross_evaluate, evaluate_model
    from classifier.page import cross_page, model_page
    from classifier.report import cross_report, model_report

    console = _console(context)
    if file is None:
        crossed = cross_evaluate(read_rows(data_files()), range(seeds), console.say, _encoder(console))
        _page(console, html, lambda: cross_page(crossed))
        _data(crossed.as_json(), cross_report(crossed), json)
        return
    measured = evaluate_model(_classifier(console, model), read_rows([file]))
    _page(console, html, lambda: model_page(measured))
    _data(measured.as_json(), model_report(measured), json)


def _page(console: Console, file: Path | None, page: Callable[[], str]) -> None:
    if file is None:
        return
    try:
        file.write_text(page(), "utf-8")
    except OSError as error:
        raise DataError([f"{file}: can't be written ({error})"]) from None
    console.say(f"wrote {file}")


def _console(context: typer.Context) -> Console:
    return cast("Console", context.obj)


def _data(value: Any, text: str, json: bool) -> None:
    sys.stdout.write(json_format.dumps(value, ensure_ascii=False) + "\n" if json else text)


def _classifier(console: Console, model: Path | None) -> Classifier:
    from classifier import load

    return load(*_chosen(console, model))


def _chosen(console: Console, model: Path | None) -> tuple[Path | None, str]:
    """Folder of the trained model asked for, else of the configured or promoted one, None for the default; encoder."""
    from classifier.registry import promoted

    if not _is_configured(console):
        return model, "default"
    settings = console.settings()
    return model or settings.model_path or promoted(settings.root), settings.encoder


def _encoder(console: Console) -> Encoder | None:
    from classifier.encoders.find import DEFAULT, encoder_named

    return encoder_named(console.settings().encoder if _is_configured(console) else DEFAULT)


def _is_configured(console: Console) -> bool:
    from config import path_of_configuration

    return console.config is not None or path_of_configuration(None).is_file()


def _replies(file: Path) -> Iterator[Reply]:
    """Raises `DataError` that names the line; the whole input is checked before anything is predicted."""
    name = "standard input" if str(file) == "-" else str(file)
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([f"{name}: can't be read as UTF-8 ({error})"]) from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            raw = json_format.loads(line)
        except ValueError as error:
            raise DataError([f"{name}:{number}: not JSON ({error})"]) from None
        if not isinstance(raw, dict):
            raise DataError([f"{name}:{number}: not a JSON object"])
        yield reply_from(raw, f"{name}:{number}")


def _short(said: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "primary", "confidence", "automatic", "per_invoice", "promise_date", "dispute_reason",
            "question_topic", "other_reason", "rule", "language")  # fmt: skip
    return {key: said[key] for key in keys}
