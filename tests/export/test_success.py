"""``_SUCCESS`` never stands beside a manifest that calls a brief incomplete, whichever briefs a run was for."""

import json

import pytest

from aishoot_async.export import export_results
from aishoot_async.sandbox import Fault, InsertRows, Sandbox, Status, ThreadedSandbox
from helpers.parts import session_of, visible
from helpers.s3 import objects, store_options

pytestmark = pytest.mark.anyio
UNSTABLE = Fault(InsertRows(brief=2, position=0, count=1), operation="brief_results", brief=2, every=2)


def said(text):
    return {row["brief_id"]: row["complete"] for row in map(json.loads, text.splitlines())}


def assert_honest(folder):
    """Wherever a mark stands, nothing beside it speaks against it."""
    shown = visible(folder)
    manifests = {name.removeprefix("_manifest").removesuffix(".ndjson"): name for name in shown if "_manifest" in name}
    marked = {name.removeprefix("_SUCCESS") for name in shown if "_SUCCESS" in name}
    for suffix, name in manifests.items():
        if not all(said((folder / name).read_text()).values()):
            assert suffix not in marked
            assert "" not in marked


async def test_a_refresh_of_other_briefs_does_not_bring_it_back(tmp_path, caplog):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 50, 2: 500, 3: 5}) as sandbox, session_of(sandbox) as session:
        sandbox.add_fault(UNSTABLE)
        first = await export_results(session, [1, 2], folder)
        assert [outcome.state for outcome in first.outcomes] == ["complete", "unstable"]
        assert not (folder / "_SUCCESS").exists()
        caplog.clear()
        for briefs in ([1], [1, 3], [3]):
            report = await export_results(session, briefs, folder, refresh=True)
            assert report.complete
            assert said((folder / "_manifest.ndjson").read_text())[2] is False
            assert not (folder / "_SUCCESS").exists()
            assert "brief_id=2" in caplog.messages[-1]
            assert "_SUCCESS" in caplog.messages[-1]
            # Nothing is left to be fetched, and it is no other.
            assert (await export_results(session, briefs, folder)).was_finished
            assert not (folder / "_SUCCESS").exists()
        sandbox.clear_faults()
        assert (await export_results(session, [2], folder, refresh=True)).complete
        assert all(said((folder / "_manifest.ndjson").read_text()).values())
        assert (folder / "_SUCCESS").exists()


async def test_one_that_an_earlier_release_has_left_is_taken_away(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 50, 2: 500}) as sandbox, session_of(sandbox) as session:
        sandbox.add_fault(UNSTABLE)
        await export_results(session, [1, 2], folder)
        await export_results(session, [1], folder, refresh=True)
        (folder / "_SUCCESS").touch()
        assert (await export_results(session, [1], folder)).was_finished
        assert not (folder / "_SUCCESS").exists()


async def test_a_restart_with_other_briefs_forgets_the_incomplete_one(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 50, 2: 500}) as sandbox, session_of(sandbox) as session:
        sandbox.add_fault(UNSTABLE)
        await export_results(session, [1, 2], folder)
        assert (await export_results(session, [1], folder, restart=True)).complete
    assert said((folder / "_manifest.ndjson").read_text()) == {1: True}
    assert visible(folder) == ["_SUCCESS", "_manifest.ndjson", "brief_id=1", "brief_id=2"]
    assert not list((folder / "brief_id=2").iterdir())


async def test_a_brief_that_brought_nothing_is_not_in_the_manifest_and_in_nobodys_way(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 50}) as sandbox, session_of(sandbox) as session:
        assert not (await export_results(session, [1, 2], folder)).complete
        assert not (folder / "_SUCCESS").exists()
        assert (await export_results(session, [1], folder, refresh=True)).complete
        assert (folder / "_SUCCESS").exists()


async def test_the_incomplete_brief_of_another_shard_counts_too(tmp_path):
    folder, briefs = tmp_path / "r", list(range(1, 9))
    async with Sandbox(briefs=dict.fromkeys(briefs, 50) | {2: 500}) as sandbox, session_of(sandbox) as session:
        sandbox.add_fault(UNSTABLE)
        reports = [await export_results(session, briefs, folder, shard=(number, 2)) for number in (1, 2)]
        (sick,) = (number for number, report in enumerate(reports, 1) if report.unstable)
        others = [outcome.brief_id for outcome in reports[sick - 1].outcomes if outcome.brief_id != 2]
        for number in (1, 2):
            assert (await export_results(session, [*others, 1, 3], folder, shard=(number, 2), refresh=True)).complete
            assert_honest(folder)
        assert f"_SUCCESS-{3 - sick}-of-2" in visible(folder)
        assert f"_SUCCESS-{sick}-of-2" not in visible(folder)
        assert "_SUCCESS" not in visible(folder)
        sandbox.clear_faults()
        for number in (1, 2):
            await export_results(session, briefs, folder, shard=(number, 2), refresh=True)
        assert "_SUCCESS" in visible(folder)


async def test_in_a_store_too(s3, bucket, tmp_path):
    options = {"store_options": store_options(s3), "state": tmp_path / "state"}
    async with Sandbox(briefs={1: 50, 2: 500}) as sandbox, session_of(sandbox) as session:
        sandbox.add_fault(UNSTABLE)
        await export_results(session, [1, 2], f"s3://{bucket}/r", **options)
        assert (await export_results(session, [1], f"s3://{bucket}/r", refresh=True, **options)).complete
        found = objects(s3, bucket)
        assert said(found["r/_manifest.ndjson"]) == {1: True, 2: False}
        assert "r/_SUCCESS" not in found


def refreshed_and_killed(exports, server, tmp_path, named, again, steps):
    """Kill a refresh at each of some steps, counted from its end; go on with it, and give each folder then."""

    def begin(folder):
        server.clear_faults()
        server.add_fault(UNSTABLE)
        exports.run(server, [1, 2], folder, format="jsonl")
        assert said((folder / "_manifest.ndjson").read_text()) == {1: True, 2: False}
        assert_honest(folder)
        if 2 in named:
            server.clear_faults()

    begin(tmp_path / "whole")
    last = exports.run(server, named, tmp_path / "whole", format="jsonl", refresh=True)["steps"]
    kills = 0
    for step in steps:
        folder = tmp_path / str(step)
        begin(folder)
        if last > step:
            # How many steps there are depends on the time that each takes: the last ones may not be reached.
            ended = exports.run(server, named, folder, format="jsonl", refresh=True, die_at=last - step)
            kills += ended == {"killed": True}
        assert_honest(folder)
        assert exports.run(server, named, folder, format="jsonl", **again)["complete"]
        assert_honest(folder)
        yield folder
    assert kills >= len(steps) // 2


@pytest.fixture
def two_briefs():
    with ThreadedSandbox(briefs={1: 20, 2: 60}, max_page_size=10) as server:
        yield server


SOME = range(0, 12, 2)
ALL = pytest.param(range(40), marks=[pytest.mark.slow, pytest.mark.timeout(1200)])


@pytest.mark.parametrize("steps", [SOME, ALL], ids=["some", "all"])
def test_a_refresh_of_the_other_brief_that_is_killed_is_honest(tmp_path, exports, two_briefs, steps):
    for folder in refreshed_and_killed(exports, two_briefs, tmp_path, [1], {"refresh": True}, steps):
        assert said((folder / "_manifest.ndjson").read_text()) == {1: True, 2: False}


@pytest.mark.parametrize("steps", [SOME, ALL], ids=["some", "all"])
@pytest.mark.parametrize("again", [{}, {"refresh": True}], ids=["gone on with", "refreshed again"])
def test_a_refresh_of_the_incomplete_brief_that_is_killed_is_honest(tmp_path, exports, two_briefs, steps, again):
    """A run that is killed behind its last brief leaves a manifest that calls it incomplete still."""
    for folder in refreshed_and_killed(exports, two_briefs, tmp_path, [1, 2], again, steps):
        assert said((folder / "_manifest.ndjson").read_text()) == {1: True, 2: True}
        assert (folder / "_SUCCESS").exists()


async def test_a_folder_of_a_failed_refresh_is_honest(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 50, 2: 500}) as sandbox, session_of(sandbox) as session:
        sandbox.add_fault(UNSTABLE)
        await export_results(session, [1, 2], folder)
        sandbox.add_fault(Fault(Status(404), operation="brief_results", brief=1))
        assert not (await export_results(session, [1], folder, refresh=True)).complete
    assert_honest(folder)
