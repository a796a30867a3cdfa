"""Cancelled at any moment, an export leaves nothing running, and goes on to what it would have been."""

import random
import threading

import pytest

from aishoot_async.export import export_results
from aishoot_async.sandbox import Sandbox
from helpers.cancelling import cancelled_at_some_step
from helpers.parts import contents, session_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz"])
async def test_cancelled_at_random_moments(tmp_path, name):
    chance = random.Random(name)
    async with Sandbox(briefs={1: 165, 2: 33, 3: 0}, max_page_size=10) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2, 3], tmp_path / "whole", format=name)
        for number in range(25):
            folder = tmp_path / str(number % 5)
            export = export_results(session, [1, 2, 3], folder, format=name, refresh=number > 4)
            # What still writes, or still holds the lock, would make the next export of this folder fail.
            await cancelled_at_some_step(export, chance, 200)
        for number in range(5):
            assert (await export_results(session, [1, 2, 3], tmp_path / str(number), format=name)).complete
            assert contents(tmp_path / str(number)) == contents(tmp_path / "whole")


async def test_no_thread_is_left(tmp_path):
    async with Sandbox(briefs={1: 30}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1], tmp_path / "r")
    left = [thread for thread in threading.enumerate() if thread.name.startswith("aishoot-disk")]
    for thread in left:
        thread.join(5)
        assert not thread.is_alive()
