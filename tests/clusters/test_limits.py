"""How much is asked for at once, and how a refusal narrows it."""

import asyncio
import time

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import Limits
from aishoot_async.clusters import dask
from aishoot_async.clusters._liveness import Liveness
from aishoot_async.clusters._window import HOLD, Window
from aishoot_async.clusters.dask import export_results
from aishoot_async.sandbox import Fault, Status
from helpers.cluster import BRIEFS, session_at

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("in_flight", [1, 5])
async def test_all_workers_together_keep_the_limit(cluster, server, session, tmp_path, in_flight):
    briefs = range(1, 9)
    report = await export_results(cluster.address, briefs, tmp_path / "r", session=session, in_flight=in_flight)
    assert report.complete
    assert server.max_in_flight <= in_flight


@pytest.mark.slow
async def test_a_window_of_ones_own_shares_the_limit_out(cluster, server, session, tmp_path):
    report = await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session, window=2, prefetch=32)
    assert report.complete
    assert 2 < server.max_in_flight <= 16


@pytest.mark.slow
async def test_a_rate_holds_for_all_workers_together(cluster, server, tmp_path):
    async with session_at(server, limits=Limits(rate=40.0)) as session:
        begun = time.monotonic()
        await export_results(cluster.address, range(1, 13), tmp_path / "r", session=session)
        assert server.calls["brief_results"] / (time.monotonic() - begun) <= 40.0 + 5


@pytest.mark.slow
async def test_a_refusal_narrows_the_window(cluster, server, session, tmp_path, monkeypatch):
    windows = []

    class Noted(Window):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            windows.append(self)
            self.smallest = self.size

        def refused(self):
            super().refused()
            self.smallest = min(self.smallest, self.size)

    monkeypatch.setattr(dask, "Window", Noted)
    server.add_fault(Fault(Status(429), operation="brief_results", at=60, times=2))
    report = await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session)
    assert report.complete
    (window,) = windows
    assert window.widest == 8
    # Both refusals count as one, unless a busy machine keeps them five seconds apart.
    assert window.smallest <= 4
    assert window.size > window.smallest


@given(st.integers(1, 64), st.lists(st.tuples(st.sampled_from(["refused", "brought", "wait"]), st.floats(0, 10))))
def test_the_window_stays_between_one_and_its_widest(widest, events):
    now = 0.0
    window = Window(widest, lambda: now)
    for event, seconds in events:
        before = window.size
        if event == "wait":
            now += seconds
        else:
            getattr(window, event)()
        assert 1 <= window.size <= widest
        assert before // 2 <= window.size <= before + 1


def test_refusals_that_come_together_count_as_one():
    now = 0.0
    window = Window(32, lambda: now)
    for _ in range(5):
        window.refused()
    assert window.size == 16
    now = HOLD
    window.refused()
    assert window.size == 8
    for _ in range(8 + 9):
        window.brought()
    assert window.size == 10


async def test_what_is_out_finishes_and_then_there_is_less_room():
    window = Window(4, lambda: 0.0)
    out, done = [], asyncio.Event()

    async def brief(number):
        async with window.place:
            out.append(number)
            await done.wait()

    tasks = [asyncio.create_task(brief(number)) for number in range(8)]
    await anyio.wait_all_tasks_blocked()
    assert out == [0, 1, 2, 3]
    window.refused()
    done.set()
    await asyncio.gather(*tasks)
    assert window.place.statistics().borrowed_tokens == 0


def test_a_worker_hangs_when_the_scheduler_hears_nothing_of_it():
    liveness = Liveness(10.0)
    liveness.update({"a": {"last_seen": 5.0}, "b": {"last_seen": 5.0}}, 0.0)
    liveness.update({"a": {"last_seen": 5.0}, "b": {"last_seen": 6.0}}, 9.0)
    assert liveness.stalled(10.0) == set()
    assert liveness.stalled(11.0) == {"a"}
    assert liveness.healthy(11.0) == ["b"]
    liveness.update({"a": {"last_seen": 7.0}}, 12.0)
    assert liveness.stalled(12.0) == set()
    assert liveness.healthy(12.0) == ["a"]
