"""What users import, and what that costs them."""

import asyncio
import importlib
import os
import pickle
import subprocess
import sys

import pytest

import aishoot_async
from helpers.raw_server import RawServer, always
from helpers.sessions import TOKEN


def test_every_public_name_is_there_and_reports_the_package_as_its_module():
    for name in aishoot_async.__all__:
        value = getattr(aishoot_async, name)
        if isinstance(value, type):
            assert value.__module__ == "aishoot_async", name
            assert value.__doc__, name


def test_the_face_hands_on_every_name_that_it_imports():
    face = importlib.import_module("aishoot_async._face")
    at_once = {name for name in vars(face) if not name.startswith(("__", "@"))} - {"TYPE_CHECKING"}
    assert at_once | {"__version__", *aishoot_async._LATER} == set(aishoot_async.__all__)


def test_every_error_is_public():
    errors = importlib.import_module("aishoot_async.errors")
    assert set(errors.__all__) <= set(aishoot_async.__all__)


@pytest.mark.parametrize("module", ["aishoot_async", "aishoot_async.auth"])
def test_a_package_that_imports_names_later_is_like_any_other(module):
    package = importlib.import_module(module)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        _ = package.nothing


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


# Who has a token and reads renews nothing, uploads nothing, and meets no entity of HTML.
NOT_TO_READ = (
    "aishoot_async.auth._credential_file",
    "aishoot_async.auth._device",
    "aishoot_async.auth._disk",
    "aishoot_async.auth._document",
    "aishoot_async.auth._keeper",
    "aishoot_async.auth._life",
    "aishoot_async.auth._login",
    "aishoot_async.auth._refresh_token",
    "aishoot_async.auth._server",
    "aishoot_async.auth._status",
    "aishoot_async.auth._values",
    "aishoot_async.auth._wire",
    "aishoot_async.auth._writing",
    "aishoot_async.calls._event",
    "aishoot_async.storage",
    "aishoot_async.hooks",
    "aishoot_async.paging._strict",
    "aishoot_async.picture",
    "aishoot_async.resources._content",
    "aishoot_async.resources._multipart",
    "aishoot_async.storage",
    "aishoot_async.structuring",
    "aishoot_async.sync",
    "anyio",
    "cattrs",
    "html",
    "secrets",
    "sqlite3",
)
WALK = """
import asyncio, sys
from aishoot_async import AIShootSession
async def main(url):
    async with AIShootSession(base_url=url) as session:
        return [sku.id async for sku in session.skus.list()]
print(asyncio.run(main(sys.argv[1])))
print(*sys.modules, sep="\\n")
"""


@pytest.mark.anyio
async def test_a_walk_imports_no_more_than_it_needs():
    async with RawServer(always(b'{"entries":[{"id":"1"}],"total":1}')) as server:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WALK, server.url),
            # Who counts the lines that are run imports things, too.
            env={key: text for key, text in os.environ.items() if "COVERAGE" not in key} | {"AISHOOT_TOKEN": TOKEN},
            stdout=asyncio.subprocess.PIPE,
        )
        said, imported = (await child.communicate())[0].decode().split("\n", 1)
    assert said == "['1']"
    assert set(imported.split()) & set(NOT_TO_READ) == set()
