"""The README's own Python, as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aishoot_async.sandbox import ThreadedSandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SCRIPTS = [block for block in BLOCKS if "asyncio.run(" in block]
APPLICATIONS = [block for block in BLOCKS if "FastAPI" in block]
TESTS = [block for block in BLOCKS if "def test_" in block]


def test_every_block_is_run_below():
    assert len(BLOCKS) == len(SCRIPTS) + len(APPLICATIONS) + len(TESTS)
    assert len(SCRIPTS) >= 6
    assert len(APPLICATIONS) == len(TESTS) == 1


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    # On a busy machine, a Dask worker may beat once more while its cluster closes, and complain.
    env = {**os.environ, "DASK_LOGGING__DISTRIBUTED": "critical"}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, env=env)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.splitlines()[3][:40])
def test_a_script_runs_as_it_stands(script, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(script, encoding="utf-8")
    done = python(str(path))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_first_example_shows_all_results():
    done = python("-c", SCRIPTS[0])
    assert len(done.stdout.splitlines()) == 250


def test_the_web_application_answers(monkeypatch):
    testclient = pytest.importorskip("fastapi.testclient")
    with ThreadedSandbox(briefs={7: 3}) as sandbox:
        monkeypatch.setenv("AISHOOT_TOKEN", sandbox.token)
        monkeypatch.setenv("AISHOOT_BASE_URL", sandbox.url)
        namespace = {"__name__": "recipe"}
        exec(compile(APPLICATIONS[0], "recipe.py", "exec"), namespace)
        with testclient.TestClient(namespace["app"]) as client:
            answer = client.get("/briefs/7/images")
        assert answer.status_code == 200
        assert answer.json() == [row["imageUrl"] for row in sandbox.results(7)]


def test_the_recipe_for_tests_passes(tmp_path):
    (tmp_path / "test_recipe.py").write_text(TESTS[0], encoding="utf-8")
    done = python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)
    )
    assert "1 passed" in done.stdout, done.stdout


def test_the_changelog_has_an_unreleased_part():
    changelog = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog
