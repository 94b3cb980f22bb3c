"""What is shipped is what was tested: every file of the packages, and the trained model, in a wheel that works."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("agent", "classifier", "templates", "models", "config")
MODEL = {"classifier/built/estimators.skops", "classifier/built/manifest.json"}


def build(kind: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.iterdir()
    return made


def files_of_the_packages() -> set[str]:
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    names = {path.relative_to(ROOT).as_posix() for path in found}
    return {name for name in names if "__pycache__" not in name and not name.startswith("classifier/built/")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


# One worker builds; the others would build the same again. A checkout whose model is stale trains it here.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel"), pytest.mark.timeout(900)]


def test_the_wheel_holds_every_file_and_the_model(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert files_of_the_packages() - inside == set()
    assert inside >= MODEL
    assert any(name.startswith("models/migrations/versions/") for name in inside)
    assert any(name.startswith("config/plans/") for name in inside)
    assert any(name.startswith("templates/mail/") for name in inside)


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = {name for name in inside if not name.split("/")[0].endswith(".dist-info")}
    extra = {name for name in ours - files_of_the_packages() if not name.startswith("classifier/built/")}
    assert extra == set()
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_the_source_archive_holds_what_a_wheel_is_built_and_tested_from(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert files_of_the_packages() - inside == set()
    assert {"pyproject.toml", "hatch_build.py", "LICENSE", "Makefile", "requirements/dev.lock"} <= inside
    assert {"tests/house/test_wheel.py", "tests/servers/dovecot.py", "scripts/setup"} <= inside
    assert not any(name.startswith((".venv/", "classifier/built/")) for name in inside)
    (code,) = re.findall(r"^CODE := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    tops = {name.partition("/")[0] for name in inside}
    assert set(code.split()) <= tops, "`make lint` finds what it names"


def test_the_source_archive_names_nothing_that_is_not_there() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert [name for name in options["targets"]["sdist"]["only-include"] if not (ROOT / name).exists()] == []


def test_an_installed_relance_is_not_misled_by_a_foreign_folder(wheel: Path, tmp_path: Path) -> None:
    site, foreign = tmp_path / "site", tmp_path / "foreign"
    uv = Path(sys.executable).with_name("uv")
    options = ["--quiet", "--offline", "--no-deps", "--target", str(site)]
    subprocess.run([str(uv), "pip", "install", *options, str(wheel)], check=True)
    for name in PACKAGES:
        (foreign / name).mkdir(parents=True)
        (foreign / name / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")

    def relance(*arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RELANCE_")}
        return subprocess.run(
            [site / "bin" / "relance", *arguments],
            cwd=foreign,
            env=clean | {"PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )

    helped = relance("--help")
    assert helped.returncode == 0, helped.stderr
    made = relance("init", "here")
    assert made.returncode == 0, made.stderr
    assert (foreign / "here" / "relance.toml").exists()
