"""Brief results: content, determinism, size, and edits in the middle."""

import json
import random

import pytest

from aishoot_async.sandbox._result_table import cut_runs

pytestmark = pytest.mark.anyio


async def test_results_look_like_results(connect):
    async with connect(seed=3, briefs={1: 400}) as api:
        text = (await api.get("/ai-shoot/briefs/1/results?pageSize=400")).body.decode()
        rows = json.loads(text, parse_float=str)["entries"]
    assert len({row["id"] for row in rows}) == 400
    assert 400 < len(text) / 400 < 700
    assert {row["briefId"] for row in rows} == {1}
    assert all(row["settings"]["seed"] > 2**53 and len(str(row["settings"]["seed"])) == 23 for row in rows)
    assert all(row["cost"].endswith("0") for row in rows), "closing zeros, which a float would lose"
    assert not text.isascii()
    assert len({row["status"] for row in rows}) >= 3
    assert any(row["rating"] is None for row in rows)
    assert any(row["comment"] for row in rows)
    assert all(row["createdAt"] <= row["updatedAt"] for row in rows)
    assert all(row["createdAt"].endswith("Z") and len(row["createdAt"]) == 24 for row in rows)


async def test_two_runs_are_byte_identical_and_seeds_differ(connect):
    bodies = []
    for seed in (5, 5, 6):
        async with connect(seed=seed) as api:
            paths = ("/ai-shoot/skus?pageSize=50", "/ai-shoot/briefs/1/results?pageSize=250", "/ai-shoot/skus/global")
            bodies.append([(await api.get(path)).body for path in paths])
    assert bodies[0] == bodies[1]
    assert all(mine != other for mine, other in zip(bodies[0], bodies[2], strict=True))


async def test_a_row_depends_on_its_serial_only(connect):
    async with connect(briefs={1: 5, 2: 5}) as small, connect(briefs={1: 50}, skus=0) as large:
        assert small.sandbox.results(1) == large.sandbox.results(1)[:5]
        assert small.sandbox.results(1) != small.sandbox.results(2)


async def test_unknown_briefs_and_ids_that_are_no_integers(connect):
    async with connect() as api:
        assert (await api.get("/ai-shoot/briefs/2/results")).status == 404
        assert (await api.get("/ai-shoot/briefs/-1/results")).status == 404
        for wrong in ("x", "1.0", "", "1%20", "9" * 30):
            assert (await api.get(f"/ai-shoot/briefs/{wrong}/results")).status == 400


async def test_edits_in_the_middle(connect):
    async with connect(briefs={1: 10}) as api:
        sandbox = api.sandbox
        before = sandbox.results(1)
        sandbox.insert_results(1, 4, 2)
        after = sandbox.results(1)
        assert after[:4] + after[6:] == before
        assert len({row["id"] for row in after}) == 12
        sandbox.delete_results(1, 3, 4)
        assert sandbox.results(1) == after[:3] + after[7:]
        sandbox.insert_results(1, 99)
        assert sandbox.results(1)[:-1] == after[:3] + after[7:]
        sandbox.delete_results(1, 0, 99)
        assert sandbox.results(1) == []
        assert (await api.get("/ai-shoot/briefs/1/results")).json() == {"entries": [], "total": 0}
        for wrong in ((-1, 1), (0, 0)):
            with pytest.raises(ValueError, match="position must be"):
                sandbox.insert_results(1, *wrong)
            with pytest.raises(ValueError, match="position must be"):
                sandbox.delete_results(1, *wrong)
        for act in (sandbox.results, sandbox.delete_brief):
            with pytest.raises(KeyError):
                act(9)


async def test_briefs_come_and_go(connect):
    async with connect(briefs={}) as api:
        assert (await api.get("/ai-shoot/briefs/3/results")).status == 404
        api.sandbox.add_brief(3, 2)
        assert (await api.get("/ai-shoot/briefs/3/results")).json()["total"] == 2
        with pytest.raises(ValueError, match="already"):
            api.sandbox.add_brief(3, 2)
        api.sandbox.delete_brief(3)
        assert (await api.get("/ai-shoot/briefs/3/results")).status == 404


def test_runs_behave_as_a_list_does():
    chance = random.Random(7)
    for _ in range(300):
        runs = [(chance.randrange(100), chance.randrange(1, 5)) for _ in range(chance.randrange(5))]
        flat = [serial for first, length in runs for serial in range(first, first + length)]
        position = chance.randrange(len(flat) + 3)
        before, after = ([s for f, n in half for s in range(f, f + n)] for half in cut_runs(runs, position))
        assert (before, after) == (flat[:position], flat[position:])


async def test_a_million_results_and_five_thousand_briefs_are_not_stored(connect, tmp_path):
    path = tmp_path / "sandbox.db"
    async with connect(database=path, briefs={1: 1_000_000, **dict.fromkeys(range(2, 5002), 100)}) as api:
        reply = await api.get("/ai-shoot/briefs/1/results?page=50000&pageSize=20")
        assert reply.json()["total"] == 1_000_000
        assert "-1000000-" in reply.json()["entries"][-1]["id"]
        api.sandbox.insert_results(1, 500_000, 3)
        assert (await api.get("/ai-shoot/briefs/1/results?page=5000&pageSize=200")).json()["total"] == 1_000_003
    assert path.stat().st_size < 1_000_000
