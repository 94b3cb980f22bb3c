"""What relance stands on is written down once, locked, licensed, and really used."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGES = ("agent", "classifier", "templates", "models", "config")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
EXTRAS = [Requirement(line) for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
DEV = [Requirement(line) for line in PROJECT["dependency-groups"]["dev"]]


def locked(name: str) -> dict[str, set[str]]:
    """Releases by package; there are several where another Python or system takes another."""
    found: dict[str, set[str]] = {}
    for match in re.finditer(r"^([a-z0-9-]+)==([^\s;\\]+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE):
        found.setdefault(match[1], set()).add(match[2])
    return found


@pytest.mark.parametrize("lock", ["dev.lock", "runtime.lock"])
def test_the_lock_has_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert text.count("--hash=sha256:") >= len(locked(lock))
    assert "://" not in text
    assert "index-url" not in text


def test_every_dependency_is_locked_at_a_release_that_it_allows() -> None:
    for lock, wanted in (("runtime.lock", RUNTIME), ("dev.lock", RUNTIME + DEV)):
        releases = locked(lock)
        for requirement in wanted:
            found = releases.get(canonicalize_name(requirement.name), set())
            assert found, f"{requirement.name} is not in {lock}: run make lock"
            assert all(requirement.specifier.contains(release) for release in found), requirement


def test_what_is_an_extra_is_tested() -> None:
    assert {requirement.name for requirement in EXTRAS} <= {requirement.name for requirement in DEV}


def test_production_has_the_releases_that_were_tested() -> None:
    tested = locked("dev.lock")
    assert {name: tested.get(name) for name in locked("runtime.lock")} == locked("runtime.lock")


def test_the_page_about_dependencies_names_them_all_and_no_others() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    named = {Requirement(name).name for name in re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)}
    assert named == {requirement.name for requirement in RUNTIME + DEV}


def test_nothing_that_is_installed_by_the_lock_is_under_the_gpl() -> None:
    for name in locked("dev.lock"):
        try:
            about = importlib.metadata.metadata(name).json
        except importlib.metadata.PackageNotFoundError:
            continue  # of another system or Python
        kinds = [value for value in about.get("classifier", []) if value.startswith("License ::")]
        said = " ".join([str(about.get("license_expression", "")), *kinds])
        assert not re.search(r"(?<!L)(?<!Lesser )\bA?GPL|(?<!Lesser )General Public License", said), (name, said)


def test_every_import_of_the_packages_is_a_dependency_of_its_own() -> None:
    """What comes along with another package may go away with its next release."""
    providers = importlib.metadata.packages_distributions()
    declared = {canonicalize_name(requirement.name) for requirement in RUNTIME + EXTRAS}
    undeclared: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for module in imported(path) - set(sys.stdlib_module_names) - set(PACKAGES):
                if declared.isdisjoint(map(canonicalize_name, providers.get(module, []))):
                    undeclared.setdefault(module, set()).add(path.relative_to(ROOT).as_posix())
    assert undeclared == {}


def test_one_module_knows_the_engine() -> None:
    """So that it could be replaced: the rows are the truth, the engine only says who works on them and when."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    users = {path.relative_to(ROOT).as_posix() for path in files if "dbos" in imported(path)}
    assert users <= {"agent/engine.py"}


def imported(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
