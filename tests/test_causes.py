"""An error names its cause: a full disk shows its `OSError`. No chain of causes shows a token."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from aishoot_async import AIShootError, ExportError, RequestValidationError, SyncError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Sandbox
from aishoot_async.sync import plan_sync, read_catalog
from helpers.sessions import session_for
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
async def session():
    async with Sandbox(briefs={1: 30}) as sandbox, session_for(sandbox, sandbox.token, organization="o") as opened:
        yield opened


@pytest.fixture
def disk_is_full(monkeypatch):
    """Let no file reach the disk."""

    def fsync(_: int) -> None:
        raise OSError(*FULL.args)

    monkeypatch.setattr(os, "fsync", fsync)


def causes(error: BaseException | None) -> list[BaseException]:
    chain = []
    while error is not None:
        chain.append(error)
        error = error.__cause__
    return chain


def assert_it_shows_its_cause_and_no_token(error: AIShootError, kind: type[Exception], token: str) -> Exception:
    found = [each for each in causes(error) if isinstance(each, kind)]
    assert len(found) == 1, causes(error)
    assert not leaked(everything(error), token)
    return found[0]


def token_of(session) -> str:
    return session._caller._last_token.reveal()


@pytest.mark.parametrize("name", ["results.jsonl", "results"])
async def test_an_export_on_a_full_disk(session, tmp_path: Path, disk_is_full, name: str) -> None:
    await session.skus.list_global()
    with pytest.raises(ExportError, match=FULL.strerror) as caught:
        await export_results(session, [1], tmp_path / name)
    cause = assert_it_shows_its_cause_and_no_token(caught.value, OSError, token_of(session))
    assert cause.errno == errno.ENOSPC


async def test_the_state_of_a_sync_on_a_full_disk(session, tmp_path: Path, disk_is_full) -> None:
    await session.skus.list_global()
    with pytest.raises(SyncError, match=FULL.strerror) as caught:
        await plan_sync(session, [], state=tmp_path / "state", settle=0)
    cause = assert_it_shows_its_cause_and_no_token(caught.value, OSError, token_of(session))
    assert cause.errno == errno.ENOSPC


async def test_the_plan_of_a_sync_on_a_full_disk(session, tmp_path: Path, disk_is_full, monkeypatch) -> None:
    catalog = tmp_path / "catalog.csv"
    catalog.write_text("key,name,frontImage\n1,One,front-1\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        plan = await plan_sync(session, read_catalog(catalog), state=tmp_path / "state", settle=0)
    with pytest.raises(SyncError, match=FULL.strerror) as caught:
        plan.save(tmp_path / "plan.json")
    cause = assert_it_shows_its_cause_and_no_token(caught.value, OSError, token_of(session))
    assert cause.errno == errno.ENOSPC


async def test_a_state_that_is_no_database(session, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_bytes(b"no database" * 1000)
    await session.skus.list_global()
    with pytest.raises(AIShootError) as caught:
        await plan_sync(session, [], state=state, settle=0)
    assert_it_shows_its_cause_and_no_token(caught.value, sqlite3.DatabaseError, token_of(session))


async def test_an_image_that_cannot_be_read(session, tmp_path: Path) -> None:
    with pytest.raises(RequestValidationError) as caught:
        await session.images.upload(tmp_path / "none.png")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


async def test_a_catalog_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AIShootError) as caught:
        read_catalog(tmp_path / "none.csv")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
