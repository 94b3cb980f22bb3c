"""The page for operators names the columns that an import takes."""

import re
from pathlib import Path

from agent.ledger.columns import COLUMNS

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"


def test_the_page_lists_the_columns_of_each_file_and_which_are_required() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("### Files to import\n")[2].partition("\n## ")[0]
    written = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))
    assert written == {
        kind.value: ", ".join(f"**`{each.name}`**" if each.is_required else f"`{each.name}`" for each in columns)
        for kind, columns in COLUMNS.items()
    }
