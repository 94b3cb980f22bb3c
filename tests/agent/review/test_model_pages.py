"""Trained models on the pages: trained in the background, put to work with a reason, past the gate only knowingly."""

import dataclasses
import json
import shutil
import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from agent.learning import background, gate, promotion, training
from agent.learning.decide import Fall
from classifier.errors import ModelError
from classifier.registry import LOCAL
from classifier.storage import DEFAULT, PLAIN
from config import Settings
from models import Database, Event, Promotion, TrainingRun
from models.user import Role
from tests.builders.desk import Browser, Office

NAME = "20260901-080000-aaaaaaaa"
FRAGMENT = {"hx-request": "true"}
Begun = list[int]


@pytest.fixture
def begun(small_desk: Office) -> Begun:
    """Runs that the desk wants to begin; none is."""
    found: Begun = []

    def start(_d: Database, _s: Settings, run: int, _c: Callable[[], datetime]) -> threading.Thread:
        found.append(run)
        return threading.Thread()

    small_desk._desk = dataclasses.replace(small_desk.desk, start=start)
    return found


@pytest.fixture
def admin(small_desk: Office, begun: Begun) -> Browser:
    return small_desk.at_work("lea", Role.ADMIN)


@pytest.fixture
def french(small_desk: Office, begun: Begun) -> Browser:
    return small_desk.at_work("zoe", Role.ADMIN, language="fr")


def trained(desk: Office) -> None:
    shutil.copytree(DEFAULT / PLAIN, desk.settings.root / LOCAL / NAME)


def compared(desk: Office, monkeypatch: pytest.MonkeyPatch, *falls: Fall) -> None:
    """The trained model was compared with the one in use, with this outcome."""
    monkeypatch.setattr(gate, "compare", lambda *_: list(falls))
    with desk.database.write() as session:
        number = background.ask(session, "comparison", NAME, "lea", desk.clock()).id
    background.work(desk.database, desk.settings, number, desk.clock)


def in_use(desk: Office) -> str:
    history = promotion.read(desk.settings.root, desk.database.key)
    return history[-1].folder if history else "default"


FALL = Fall("shipped replies", "paid", 0.88, 0.6)


def test_a_training_is_asked_for_once_and_its_progress_is_told_until_it_ends(
    small_desk: Office, admin: Browser, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin.post("/model/train").status_code == 303
    assert len(begun) == 1
    assert "under way already" in admin.post("/model/train").text
    assert len(begun) == 1
    assert "A training is under way" in admin.get("/model").text
    with small_desk.database.write() as session:
        session.get_one(TrainingRun, begun[0]).progress = "by hand: fold 3 of 4"
    assert "by hand: fold 3 of 4" in admin.get("/model/training", **{"hx-request": "true"}).text

    def train(*_: object) -> object:
        trained(small_desk)
        return small_desk.settings.root / LOCAL / NAME

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(gate, "compare", lambda *_: [FALL])
    background.work(small_desk.database, small_desk.settings, begun[0], small_desk.clock)
    ended = admin.get("/model/training", **{"hx-request": "true"})
    assert (ended.status_code, ended.headers["hx-refresh"]) == (204, "true")
    page = admin.get("/model").text
    assert NAME in page
    assert "Falls below a floor" in page
    assert "F1 0.6 on the shipped replies, its floor is 0.88" in page
    assert in_use(small_desk) == "default"


def test_what_passes_the_gate_is_put_to_work_with_a_reason_and_taken_back(
    small_desk: Office, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(small_desk)
    compared(small_desk, monkeypatch)
    assert "Say why" in admin.post(f"/model/{NAME}/promote").text
    assert in_use(small_desk) == "default"
    assert admin.post(f"/model/{NAME}/promote", {"reason": "reads our <customers> better"}).status_code == 303
    assert in_use(small_desk) == NAME
    page = admin.get("/model").text
    assert "reads our &lt;customers&gt; better" in page
    back = {"reason": "too many wrong", "of": NAME}
    assert admin.post("/model/rollback", back).status_code == 303
    assert in_use(small_desk) == "default"
    assert admin.post("/model/rollback", back).status_code != 303  # a second click goes back no further
    with small_desk.database.read() as session:
        kept = [(row.kind, row.reason, row.by) for row in session.scalars(select(Promotion).order_by(Promotion.id))]
        events = [row.actor for row in session.scalars(select(Event).where(Event.subject_type == "model"))]
    assert kept == [
        ("promoted", "reads our <customers> better", "lea"), ("rolled_back", "too many wrong", "lea"),
    ]  # fmt: skip
    assert events == ["lea", "lea"]


def test_past_the_gate_only_knowingly(small_desk: Office, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(small_desk)
    compared(small_desk, monkeypatch, FALL)
    assert "Tick the box" in admin.post(f"/model/{NAME}/promote", {"reason": "for a test"}).text
    assert in_use(small_desk) == "default"
    admin.post(f"/model/{NAME}/promote", {"reason": "for a test", "anyway": "1"})
    assert in_use(small_desk) == NAME
    assert "although it fell below a floor" in admin.get("/model").text


def test_without_a_comparison_that_holds_nothing_is_put_to_work(
    small_desk: Office, admin: Browser, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(small_desk)
    assert "has to be compared" in admin.post(f"/model/{NAME}/promote", {"reason": "x"}).text
    assert admin.post(f"/model/{NAME}/compare").status_code == 303
    assert len(begun) == 1
    background.work(small_desk.database, small_desk.settings, begun[0], small_desk.clock)
    manifest = small_desk.settings.root / LOCAL / NAME / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")
    assert "compare it again" in admin.get("/model").text
    refused = admin.post(f"/model/{NAME}/promote", {"reason": "x", "anyway": "1"})
    assert "changed since they were compared" in refused.text
    assert in_use(small_desk) == "default"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SALES, Role.REVIEWER, Role.APPROVER])
def test_only_administrators_train_and_put_to_work(small_desk: Office, begun: Begun, role: Role) -> None:
    trained(small_desk)
    browser = small_desk.at_work("max", role, email="max@morel.example")
    for path in ("/model/train", f"/model/{NAME}/compare", f"/model/{NAME}/promote", "/model/rollback"):
        assert "does not allow" in browser.post(path, {"reason": "x", "of": "default"}).text
    assert begun == []
    page = browser.get("/model").text
    assert "Train now" not in page
    assert "An administrator may" in page


def test_a_note_that_somebody_changed_is_told_on_the_page(small_desk: Office, admin: Browser) -> None:
    folder = small_desk.settings.root / LOCAL
    folder.mkdir()
    (folder / "promoted.json").write_text('{"history": [], "signature": {"key": "k1", "value": "x"}}', "utf-8")
    assert 'role="alert"' in admin.get("/model").text


def test_a_curve_is_drawn_from_the_manifest_and_its_absence_is_told(
    small_desk: Office, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(small_desk)
    manifest = small_desk.settings.root / LOCAL / NAME / "manifest.json"
    told = json.loads(manifest.read_text("utf-8"))
    told["figures"].pop("learning_curve", None)
    manifest.write_text(json.dumps(told), "utf-8")
    compared(small_desk, monkeypatch)
    admin.post(f"/model/{NAME}/promote", {"reason": "x"})
    assert "holds no learning curve" in admin.get("/model").text
    admin.post("/model/rollback", {"reason": "x", "of": NAME})
    told["figures"]["learning_curve"] = [[1000, 0.7], [4000, 0.8123]]
    manifest.write_text(json.dumps(told), "utf-8")
    compared(small_desk, monkeypatch)
    admin.post(f"/model/{NAME}/promote", {"reason": "x"})
    page = admin.get("/model").text
    assert "0.812" in page
    assert "<svg" in page.partition("Learning curve")[2].partition("</section>")[0]
    assert "holds no learning curve" not in page


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        ("", "commence"),
        ("12 corrections are learnt from, 3 are kept to compare models on", "12 corrections seront apprises"),
        ("reading 900 replies with <b>e5</b>", "lecture de 900 réponses avec &lt;b&gt;e5&lt;/b&gt;"),
        ("without encoder: choosing thresholds", "sans encodeur : choix des seuils"),
        ("compares with the trained model in use", "comparaison avec le modèle en service"),
    ],
    ids=["nothing yet", "corrections", "reading", "without encoder", "comparing"],
)
def test_a_french_reader_is_told_in_french_how_far_a_training_is(
    small_desk: Office, french: Browser, begun: Begun, progress: str, told: str
) -> None:
    french.post("/model/train")
    with small_desk.database.write() as session:
        session.get_one(TrainingRun, begun[0]).progress = progress
    shown = french.get("/model/training", **FRAGMENT).text
    assert told in shown
    assert 'lang="en"' not in shown


def test_progress_that_an_older_version_wrote_is_shown_as_it_is_and_marked_as_english(
    small_desk: Office, french: Browser, begun: Begun
) -> None:
    french.post("/model/train")
    with small_desk.database.write() as session:
        session.get_one(TrainingRun, begun[0]).progress = "without fr-g fr-h"
    assert 'lang="en">without fr-g fr-h' in french.get("/model/training", **FRAGMENT).text


def test_what_a_training_says_on_its_way_reaches_a_french_page(
    small_desk: Office, french: Browser, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    french.post("/model/train")
    monkeypatch.setattr(background, "BEAT_SECONDS", 0.01)
    shown: list[str] = []

    def train(*given: object) -> object:
        say = given[-1]
        assert callable(say)
        say("judged part 2 of 4 without having learnt from it: fr-g fr-h")
        for _ in range(500):
            shown.append(french.get("/model/training", **FRAGMENT).text)
            if "partie 2 sur 4" in shown[-1]:
                break
        raise ModelError("/x: made for other features than this program's. Build or train it again.")

    monkeypatch.setattr(training, "train", train)
    with pytest.raises(ModelError):
        background.work(small_desk.database, small_desk.settings, begun[0], small_desk.clock)
    assert "partie 2 sur 4 jugée sans en avoir rien appris : fr-g fr-h" in shown[-1]
    page = french.get("/model").text
    assert "/x : fait pour d’autres variables que celles de ce programme. Construisez ou entraînez-le" in page


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("its process ended (signal 9); the log of the pages' process says why", "s’est arrêté (signal 9)"),
        ("its process ended (exit 1); the log of the pages' process says why", "s’est arrêté (code 1)"),
        ("unexpected OSError: <disk> is full", "erreur inattendue (OSError) : &lt;disk&gt; is full"),
    ],
    ids=["signal", "exit", "unexpected"],
)
def test_a_french_reader_is_told_in_french_how_a_run_failed(
    small_desk: Office, french: Browser, begun: Begun, error: str, told: str
) -> None:
    french.post("/model/train")
    with small_desk.database.write() as session:
        run = session.get_one(TrainingRun, begun[0])
        run.ended_at, run.slot, run.error = small_desk.clock(), None, error
    page = french.get("/model").text
    assert told in page
    assert 'lang="en"' not in page.partition("<main")[2].partition("</main>")[0]


def test_a_french_reader_is_told_in_french_what_is_wrong_with_a_models_files(
    small_desk: Office, french: Browser
) -> None:
    trained(small_desk)
    folder = small_desk.settings.root / LOCAL
    manifest = folder / NAME / "manifest.json"
    whole = manifest.read_text("utf-8")
    for written, told in (
        ("{", "manifest.json : lecture impossible ("),
        ('{"format": 1}', "attendu. Entraînez-le de nouveau avec cette version de relance."),
        (
            whole.replace('"languages"', '"tongues"'),
            "manifest.json : il manque languages dans le manifeste. Construisez",
        ),
    ):
        manifest.write_text(written, "utf-8")
        page = french.get("/model").text
        assert told in page
        assert 'role="alert" lang="en"' not in page
    manifest.write_text(whole, "utf-8")
    (folder / "promoted.json").write_text('{"history": [], "signature": {"key": "k1", "value": "x"}}', "utf-8")
    assert "sa signature n’est pas celle de cette installation" in french.get("/model").text


def test_a_french_reader_who_compares_what_is_not_there_is_told_so_in_french(french: Browser) -> None:
    told = french.post("/model/nothing/compare").text
    assert "nothing : aucun modèle entraîné de ce nom. Il y a : default." in told
