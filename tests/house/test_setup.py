"""A newcomer's first commands: what is missing is said, and what was not tested is counted."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.servers import process

ROOT = Path(__file__).parents[2]
pytest_plugins = ("pytester",)


def test_make_alone_prints_the_map() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "lint", "format", "check", "lock", "model", "build", "clean"):
        assert f"make {target} " in said


def test_set_up_without_a_python_says_how_to_get_one() -> None:
    done = setup_with("/nowhere/python3")
    assert done.returncode == 1
    assert "no Python 3.11 or newer found" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_set_up_without_venv_says_how_to_get_it(tmp_path: Path) -> None:
    """Debian's python3 comes without python3-venv."""
    bare = tmp_path / "python3"
    bare.write_text('#!/bin/sh\ncase "$2" in *venv*) exit 1 ;; esac\n')
    bare.chmod(0o755)
    done = setup_with(str(bare))
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def setup_with(python: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": python}
    script = ROOT / "scripts" / "setup"
    return subprocess.run([script], env=environment, capture_output=True, text=True, check=False)


class TestMissingServers:
    def test_at_home_the_test_is_skipped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CI", raising=False)
        with pytest.raises(pytest.skip.Exception, match=r"missing server: Dovecot \(Debian: …\)"):
            process.missing("Dovecot", "Debian: …")

    def test_in_ci_it_is_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI", "true")
        monkeypatch.delenv("RELANCE_NO_APT", raising=False)
        with pytest.raises(pytest.fail.Exception, match="missing server: Dovecot"):
            process.missing("Dovecot", "Debian: …")

    def test_in_ci_without_apt_it_is_skipped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI", "true")
        monkeypatch.setenv("RELANCE_NO_APT", "1")
        with pytest.raises(pytest.skip.Exception):
            process.missing("Dovecot", "Debian: …")

    def test_the_run_ends_with_what_was_not_tested(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CI", raising=False)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        pytester.makeconftest("from tests.conftest import pytest_terminal_summary")
        pytester.makepyfile(
            """
            import pytest
            from tests.servers import process

            @pytest.mark.parametrize("n", [1, 2])
            def test_it(n):
                process.missing("Dovecot", "Debian: apt-get install dovecot-imapd")
            """
        )
        ended = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
        ended.stdout.fnmatch_lines(
            [
                "*NOT TESTED: servers are missing*",
                "*2 tests skipped for want of Dovecot (Debian: apt-get install dovecot-imapd)*",
            ]
        )
