"""Promise 26: the night after. Everything is fetched again, and only what has changed is replaced."""

import json

import pytest

from aishoot_async.export import export_results
from aishoot_async.sandbox import Fault, Sandbox, Status
from helpers.parts import contents, options_for, rows_of, session_of, visible

pytestmark = pytest.mark.anyio


def times(folder):
    return {name: (folder / name).stat().st_mtime_ns for name in contents(folder)}


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz", "csv"])
async def test_only_the_part_with_the_edit_is_replaced(tmp_path, name):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 250, 2: 250, 3: 9}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2, 3], folder, **options_for(name))
        before = times(folder)
        sandbox.delete_results(2, 150)
        sandbox.insert_results(2, 150)
        report = await export_results(session, [1, 2, 3], folder, refresh=True, **options_for(name))
        after = times(folder)
    changed = {part for part in before if after[part] != before[part]}
    assert changed == {f"brief_id=2/part-00000.{name}"}
    assert [outcome.replaced for outcome in report.outcomes] == [0, 1, 0]
    assert report.complete
    assert not report.was_finished


async def test_of_several_parts_only_the_changed_one_is_replaced(tmp_path, exports, small_pages):
    folder = tmp_path / "r"
    assert exports.run(small_pages, [1], folder, format="jsonl")["complete"]
    before = times(folder)
    assert len(before) == 3
    small_pages.delete_results(1, 70)
    small_pages.insert_results(1, 70)
    outcome = exports.run(small_pages, [1], folder, format="jsonl", refresh=True)["outcomes"][0]
    assert (outcome["replaced"], outcome["parts"]) == (1, 3)
    after = times(folder)
    assert {part for part in before if after[part] != before[part]} == {"brief_id=1/part-00001.jsonl"}
    small_pages.delete_results(1, 100, 65)
    assert exports.run(small_pages, [1], folder, format="jsonl", refresh=True)["complete"]
    assert len(contents(folder)) == 2
    assert rows_of(folder, 1) == small_pages.results(1)


async def test_the_mark_is_gone_while_a_refresh_is_not_whole(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 250, 2: 30}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2], folder)
        seen = []
        await export_results(
            session, [1, 2], folder, refresh=True, on_progress=lambda _: seen.append((folder / "_SUCCESS").exists())
        )
        assert seen
        assert not any(seen)
        assert (folder / "_SUCCESS").exists()
        sandbox.add_fault(Fault(Status(404), operation="brief_results", brief=2))
        before = contents(folder)
        report = await export_results(session, [1, 2], folder, refresh=True)
        assert [outcome.state for outcome in report.outcomes] == ["complete", "failed"]
        # What an earlier run has brought is kept, and not called whole.
        assert contents(folder) == before
        assert not (folder / "_SUCCESS").exists()
        sandbox.clear_faults()
        again = await export_results(session, [1, 2], folder)
        assert [outcome.how for outcome in again.outcomes] == ["kept", "fetched"]
        assert (folder / "_SUCCESS").exists()


async def test_an_interrupted_refresh_goes_on_and_the_next_one_begins_anew(tmp_path, exports, small_pages):
    folder = tmp_path / "r"
    steps = exports.run(small_pages, [1, 2, 3], folder, format="jsonl")["steps"]
    small_pages.insert_results(1, 20)
    killed = exports.run(small_pages, [1, 2, 3], folder, format="jsonl", refresh=True, die_at=steps // 2)
    assert killed == {"killed": True}
    assert not (folder / "_SUCCESS").exists()
    last = exports.run(small_pages, [1, 2, 3], folder, format="jsonl", refresh=True)
    assert {outcome["how"] for outcome in last["outcomes"]} & {"kept", "resumed"}
    assert rows_of(folder, 1) == small_pages.results(1)
    anew = exports.run(small_pages, [1, 2, 3], folder, format="jsonl", refresh=True)
    assert [(outcome["how"], outcome["replaced"]) for outcome in anew["outcomes"]] == [("fetched", 0)] * 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_a_refresh_killed_at_every_step(tmp_path, exports, small_pages):
    steps = 80
    for step in range(1, steps):
        folder = tmp_path / str(step)
        exports.run(small_pages, [1, 2, 3], folder, format="jsonl")
        before = rows_of(folder, 1)
        small_pages.delete_results(1, 80)
        small_pages.insert_results(1, 80)
        small_pages.insert_results(2, 5)
        exports.run(small_pages, [1, 2, 3], folder, format="jsonl", refresh=True, die_at=step)
        whole = (folder / "_SUCCESS").exists()
        assert not whole or rows_of(folder, 1) in (before, small_pages.results(1))
        assert exports.run(small_pages, [1, 2, 3], folder, format="jsonl", refresh=True)["complete"], step
        assert [rows_of(folder, brief) for brief in (1, 2, 3)] == [small_pages.results(brief) for brief in (1, 2, 3)]
        small_pages.delete_results(2, 5)


async def test_a_refresh_may_name_other_briefs_and_keeps_those_it_does_not_name(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 25, 2: 30, 3: 3}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2], folder)
        report = await export_results(session, [2, 3], folder, refresh=True)
        assert [outcome.brief_id for outcome in report.outcomes] == [2, 3]
        assert visible(folder) == ["_SUCCESS", "_manifest.ndjson", "brief_id=1", "brief_id=2", "brief_id=3"]
        assert len((folder / "_manifest.ndjson").read_text().splitlines()) == 3
        assert (await export_results(session, [2, 3], folder)).was_finished
        assert (await export_results(session, [1, 2], folder)).was_finished


async def test_a_file_is_refreshed(tmp_path):
    path = tmp_path / "r.jsonl"
    async with Sandbox(briefs={1: 25}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1], path)
        before = path.stat().st_mtime_ns
        assert (await export_results(session, [1], path, refresh=True)).replaced == 0
        assert path.stat().st_mtime_ns == before
        sandbox.insert_results(1, 3)
        assert (await export_results(session, [1], path, refresh=True)).replaced == 1
        assert [json.loads(line) for line in path.read_bytes().splitlines()] == sandbox.results(1)
