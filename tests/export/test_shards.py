"""Shards of one job, each in a process of its own, come to what a single run would have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.jobs import Job, unit_names
from aishoot_async.jobs._layout import Shard
from aishoot_async.jobs._success_files import publish_success_file, remove_success_file
from aishoot_async.sandbox import Fault, Sandbox, Status, ThreadedSandbox
from aishoot_async.storage.destinations import LocalFolder
from helpers.exporting import exporter
from helpers.parts import contents, session_of, visible

pytestmark = pytest.mark.anyio
BRIEFS = list(range(1, 13))


def test_processes_at_once_come_to_what_a_single_run_would_have(tmp_path, exports):
    with ThreadedSandbox(briefs={brief: brief * 3 for brief in BRIEFS}) as server, exporter() as second:
        exports.run(server, BRIEFS, tmp_path / "single", format="jsonl")
        exports.start(server, BRIEFS, tmp_path / "r", format="jsonl", shard=[1, 2])
        other = second.run(server, BRIEFS, tmp_path / "r", format="jsonl", shard=[2, 2])
        one = exports.result()
    assert one["complete"]
    assert other["complete"]
    taken = [[outcome["brief_id"] for outcome in report["outcomes"]] for report in (one, other)]
    assert sorted(taken[0] + taken[1]) == BRIEFS
    assert all(taken)
    assert contents(tmp_path / "r") == contents(tmp_path / "single")
    marks = [name for name in visible(tmp_path / "r") if name.startswith("_")]
    assert marks == [
        "_SUCCESS",
        "_SUCCESS-1-of-2",
        "_SUCCESS-2-of-2",
        "_manifest-1-of-2.ndjson",
        "_manifest-2-of-2.ndjson",
    ]


async def test_the_whole_is_called_so_only_while_every_shard_is_whole(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs=dict.fromkeys(BRIEFS, 2)) as sandbox, session_of(sandbox) as session:
        await export_results(session, BRIEFS, folder, shard=(1, 3))
        await export_results(session, BRIEFS, folder, shard=(3, 3))
        assert not (folder / "_SUCCESS").exists()
        await export_results(session, BRIEFS, folder, shard=(2, 3))
        assert (folder / "_SUCCESS").exists()
        sandbox.add_fault(Fault(Status(404), operation="brief_results", times=1))
        report = await export_results(session, BRIEFS, folder, shard=(2, 3), refresh=True)
        assert not report.complete
        assert not (folder / "_SUCCESS").exists()
        assert (folder / "_SUCCESS-1-of-3").exists()
        assert not (folder / "_SUCCESS-2-of-3").exists()
        await export_results(session, BRIEFS, folder, shard=(2, 3))
        assert (folder / "_SUCCESS").exists()
        with pytest.raises(ExportError, match="belongs to another export"):
            await export_results(session, BRIEFS, folder, shard=(1, 2))
        with pytest.raises(ExportError, match="belongs to another export"):
            await export_results(session, BRIEFS, folder)


def test_a_shard_that_fails_while_another_says_that_all_is_there_is_heard(tmp_path):
    class Racing(LocalFolder):
        def write(self, name, content):
            if name == "_SUCCESS":
                remove_success_file(self, Shard(2, 2))
            super().write(name, content)

    place = Racing(tmp_path)
    place.write("_SUCCESS-2-of-2", b"")
    publish_success_file(place, Shard(1, 2))
    assert visible(tmp_path) == ["_SUCCESS-1-of-2"]
    place = LocalFolder(tmp_path)
    publish_success_file(place, Shard(2, 2))
    assert visible(tmp_path) == ["_SUCCESS", "_SUCCESS-1-of-2", "_SUCCESS-2-of-2"]


@pytest.mark.parametrize("is_taken_away", [False, True])
def test_a_mark_that_is_not_there_is_an_error_unless_another_shard_took_it_away(tmp_path, is_taken_away):
    """As a store tells, which is asked for what was sent to it."""

    class Asked(LocalFolder):
        def write(self, name, content):
            super().write(name, content)
            if name == "_SUCCESS":
                self.remove(name)
                if is_taken_away:
                    remove_success_file(self, Shard(2, 2))
                raise ExportError("it is not there")

    place = Asked(tmp_path)
    place.write("_SUCCESS-2-of-2", b"")
    if is_taken_away:
        publish_success_file(place, Shard(1, 2))
    else:
        with pytest.raises(ExportError, match="not there"):
            publish_success_file(place, Shard(1, 2))
    assert "_SUCCESS" not in visible(tmp_path)
    assert "_SUCCESS-1-of-2" in visible(tmp_path)


ids = st.sets(st.integers(-(2**63), 2**63 - 1), min_size=1)


@given(ids, ids, st.integers(1, 9))
def test_each_brief_is_in_one_shard_and_stays_there(briefs, others, count):
    def shards(named):
        job = {"kind": None, "service": "", "destination": None}
        return [
            set(Job(**job, units=unit_names(list(named)), shard=Shard(number, count)).own_units)
            for number in range(1, count + 1)
        ]

    one, both = shards(briefs), shards(briefs | others)
    assert sum(map(len, one)) == len(briefs)
    assert all(alone <= together for alone, together in zip(one, both, strict=True))
