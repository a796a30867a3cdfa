"""What users import, and what that costs them."""

import importlib
import pickle
import subprocess
import sys

import pytest

import aishoot_async


def test_every_public_name_is_there_and_reports_the_package_as_its_module():
    for name in aishoot_async.__all__:
        value = getattr(aishoot_async, name)
        if isinstance(value, type):
            assert value.__module__ == "aishoot_async", name
            assert value.__doc__, name


def test_the_face_hands_on_every_name_that_it_imports():
    face = importlib.import_module("aishoot_async._face")
    assert {name for name in vars(face) if not name.startswith(("__", "@"))} | {"__version__"} == set(
        aishoot_async.__all__
    )
    assert set(aishoot_async.__all__) <= set(dir(aishoot_async))


def test_every_error_is_public():
    errors = importlib.import_module("aishoot_async.errors")
    assert set(errors.__all__) <= set(aishoot_async.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = aishoot_async.nothing


def test_a_pickle_finds_the_public_name():
    cursor = aishoot_async.Cursor(3, 20, 100)
    text = pickle.dumps(cursor, protocol=0)
    assert b"caishoot_async\nCursor" in text or b"aishoot_async" in text
    assert pickle.loads(text) == cursor


UNWANTED = (
    "aishoot_async.cli",
    "aishoot_async.export",
    "aishoot_async.sandbox",
    "cyclopts",
    "dask",
    "filelock",
    "obstore",
    "platformdirs",
    "polars",
    "pyarrow",
    "rich",
)


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import aishoot_async", (*UNWANTED, "aiohttp")),
        ("import aishoot_async; aishoot_async.AIShootSession", UNWANTED),
        ("import aishoot_async.export", tuple(set(UNWANTED) - {"aishoot_async.export"})),
        ("import aishoot_async.pytest_plugin", (*UNWANTED, "aiohttp")),
    ],
)
def test_an_import_brings_in_no_more_than_it_needs(code, unwanted):
    listing = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
    ).stderr
    imported = {line.rsplit("|", 1)[-1].strip() for line in listing.splitlines()}
    found = [name for name in imported if name in unwanted or name.split(".")[0] in unwanted]
    assert found == []


def test_who_only_reads_does_not_import_cattrs():
    code = "import sys\nfrom aishoot_async import AIShootSession\nassert 'cattrs' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
