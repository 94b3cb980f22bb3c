"""A whole training through the page: asked for, carried out by a process, compared, put to work, taken back."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import select

import templates
from config import load
from models import Database, TrainingRun
from models.user import Role
from tests.agent.learning.test_commands import CONFIG
from tests.agent.review.web.conftest import Opener, served
from tests.builders.desk import NOW, Office
from tests.classifier.conftest import SMALL

ROOT = Path(templates.__file__).parent.parent
LONGEST = 400_000
"""Milliseconds that a training of 150 replies may take where the machine is busy."""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A desk whose trainings learn from 150 replies of the tests instead of the thousands that are shipped.

    The process that trains is another one: what it finds first on its path says where the replies lie.
    """
    replies, first = tmp_path / "replies", tmp_path / "first"
    replies.mkdir()
    first.mkdir()
    (replies / "small.jsonl").write_bytes(SMALL.read_bytes())
    (first / "sitecustomize.py").write_text(
        f"import pathlib, classifier.data\nclassifier.data.COMMITTED = pathlib.Path({str(replies)!r})\n", "utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(first), str(ROOT))))
    (tmp_path / "relance.toml").write_text(CONFIG, "utf-8")
    settings = load(tmp_path / "relance.toml")
    database = Database.open(settings.database.url, tmp_path, NOW)
    made = Office(database, settings)
    yield made
    made.close()
    database.close()


def test_a_model_is_trained_compared_put_to_work_and_taken_back_on_the_page(chromium: Chromium, office: Office) -> None:
    office.person("lea", Role.ADMIN)
    with served(office) as address:
        opener = Opener(chromium, address)
        page = opener("/model")
        page.keyboard.press("r")
        page.wait_for_selector("#training")
        assert "A training is under way" in page.inner_text("#training")
        page.reload()  # whoever comes back finds it still
        page.wait_for_selector("#training")
        page.wait_for_selector("text=Falls below a floor", timeout=LONGEST)  # the page loads itself anew at its end
        with office.database.read() as session:
            run = session.scalars(select(TrainingRun)).one()
        assert run.error is None
        assert run.folder is not None
        folder = office.settings.root / "trained" / run.folder
        assert '"rows": 150' in (folder / "manifest.json").read_text("utf-8")

        page.click("details:has(form[action$='/promote']) > summary")
        page.fill("form[action$='/promote'] input[name=reason]", "to see it work")
        page.check("form[action$='/promote'] input[name=anyway]")
        page.click("form[action$='/promote'] button")
        page.wait_for_selector(".notice")
        assert run.folder in page.inner_text(".notice")
        assert "although it fell below a floor" in page.inner_text("main")

        page.click("details:has(form[action$='/rollback']) > summary")
        page.fill("form[action$='/rollback'] input[name=reason]", "seen")
        page.click("form[action$='/rollback'] button")
        page.wait_for_selector(".notice")
        assert "seen" in page.inner_text("main")
        assert opener.complaints == []
        for context in opener.contexts:
            context.close()
