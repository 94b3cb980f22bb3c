import tomllib
from pathlib import Path

import pytest

from config.plans import load_plans
from config.reference import put_into, render
from config.settings import Settings
from tests.config.test_plans import settings, write

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_reference_is_that_of_the_settings() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert put_into(text) == text, "run: python -m config.reference docs/configuration.md"


def test_every_section_and_key_has_a_line_with_its_meaning() -> None:
    lines = render().splitlines()
    for section in Settings.model_fields:
        assert any(line.startswith(f"### `[{section}") for line in lines), section
    keys = [line for line in lines if line.startswith("| `")]
    assert len(keys) > 50
    for line in keys:
        _, kind, default, meaning = line.removesuffix(" |").split(" | ")
        assert kind
        assert default
        assert len(meaning) > 10, line


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks a mark"):
        put_into("# Configuration\n")


def test_the_plan_in_the_document_is_one(tmp_path: Path) -> None:
    example = DOCUMENT.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    assert tomllib.loads(example)["name"] == "gentle"
    write(tmp_path, example)
    assert load_plans(settings(tmp_path))["gentle"].gap_days == 15
