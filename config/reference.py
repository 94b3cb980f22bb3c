"""Writes the reference of the configuration from the settings' own types, so that it cannot lie.

`python -m config.reference docs/configuration.md` puts it between the two marks of that file; a test compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.fields import Hours, Rate
from config.mailboxes import Mailbox
from config.settings import Settings, Webhook

BEGIN = "<!-- reference: begin, written by `python -m config.reference` -->"
END = "<!-- reference: end -->"

# Types that people write as text, and how they look.
_WRITTEN_AS: dict[Any, str] = {
    str: "text",
    int: "number",
    bool: "true or false",
    Path: "path",
    Decimal: "number",
    Rate: "rate",
    Hours: "two times",
}


def render() -> str:
    """The reference as Markdown: a table for each section."""
    return "\n".join(_sections("", Settings))


def put_into(document: str) -> str:
    """`document` with the reference between its marks. Raises ValueError where a mark is missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks a mark: {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{render()}\n{END}{after}"


def _sections(path: str, model: type[BaseModel]) -> Iterator[str]:
    own = {name: field for name, field in model.model_fields.items() if _section_of(field) is None}
    if path:
        yield f"### `[{path}]`\n"
        if (model.__doc__ or "").strip():
            yield _one_line(model.__doc__ or "") + "\n"
        yield "| key | what it is | default | meaning |"
        yield "| --- | --- | --- | --- |"
        for name, field in own.items():
            yield f"| `{name}` | {_kind(field.annotation)} | {_default(field)} | {_one_line(field.description or '')} |"
        yield ""
    for name, field in model.model_fields.items():
        inner = _section_of(field)
        if inner is not None:
            below = f"{name}.NAME" if inner in (Mailbox, Webhook) else name
            yield from _sections(f"{path}.{below}" if path else below, inner)


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    annotations = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in annotations if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", r"\|")


def _kind(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _kind(next(kind for kind in inner if kind is not NoneType))
    if origin is Literal:
        return ", ".join(f'`"{value}"`' for value in inner)
    if origin is tuple:
        return "list of texts"
    if origin is dict:
        return f"table: a name, and {_kind(inner[1])}"
    if hasattr(annotation, "__metadata__"):
        return _kind(inner[0])
    return _WRITTEN_AS[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "by `security`" if (field.description or "").startswith("Port.") else "**must be given**"
    default = field.get_default(call_default_factory=True)
    return "–" if default is None else f"`{_toml(default)}`"


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Rate() | str():
            return f'"{value}"'
        case time():
            return f'"{value:%H:%M}"'
        case tuple():
            return f"[{', '.join(_toml(item) for item in value)}]"
    return str(value)


def main() -> None:
    """Rewrite the file that is named on the command line."""
    path = Path(sys.argv[1])
    path.write_text(put_into(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
