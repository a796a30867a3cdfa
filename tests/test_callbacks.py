"""Every callback that is not awaited must be a plain function; those that are awaited may be either."""

import asyncio
import functools
from contextlib import suppress
from unittest.mock import AsyncMock

import pytest

from aishoot_async import AIShootSession, ConfigurationError, SkuCreate
from aishoot_async.callbacks import call_and_await, call_plain, check_plain
from aishoot_async.export import export_results, export_skus
from aishoot_async.sandbox import Sandbox
from aishoot_async.sync import CatalogItem, apply_plan, plan_sync
from helpers.parts import session_of

pytestmark = pytest.mark.anyio


async def coroutine_function(_):
    """Never to be reached."""


async def async_generator(_):
    yield


def hands_on(event):
    return coroutine_function(event)


class AsyncCall:
    async def __call__(self, _):
        """Never to be reached."""

    async def method(self, _):
        """Never to be reached."""


class Awaitable:
    def __await__(self):
        yield


SEEN_AT_ONCE = {
    "async def": coroutine_function,
    "async generator": async_generator,
    "async method": AsyncCall().method,
    "object with an async call": AsyncCall(),
    "partial of an async def": functools.partial(coroutine_function),
    "no callable": 3,
    "text": "print",
}
SEEN_WHEN_CALLED = {
    "plain function": hands_on,
    "partial of one": functools.partial(hands_on),
    "awaitable object": lambda _: Awaitable(),
    "async mock": AsyncMock(),
    "partial of an object": functools.partial(AsyncCall()),
}
EVERY = {**SEEN_AT_ONCE, **SEEN_WHEN_CALLED}


def returns(value):
    return lambda _: value


@pytest.mark.parametrize("callback", SEEN_AT_ONCE.values(), ids=SEEN_AT_ONCE)
def test_what_is_seen_to_be_async_is_refused_at_once(callback):
    with pytest.raises(ConfigurationError, match="on_thing must be"):
        check_plain("on_thing", callback)


@pytest.mark.parametrize("callback", SEEN_WHEN_CALLED.values(), ids=SEEN_WHEN_CALLED)
async def test_what_turns_out_to_be_async_is_refused_then(callback):
    with pytest.raises(ConfigurationError, match="on_thing must be a plain function"):
        check_plain("on_thing", callback)
        call_plain("on_thing", callback, 1)


@pytest.mark.parametrize("callback", [None, print, [].append, returns(3), returns(object()), asyncio.Queue])
def test_a_plain_callable_is_right(callback):
    check_plain("on_thing", callback)


async def test_a_task_runs_by_itself_and_is_right():
    ran = []

    async def note(event):
        ran.append(event)

    tasks = []

    def start(event):
        tasks.append(asyncio.create_task(note(event)))
        return tasks[-1]

    check_plain("on_thing", start)
    call_plain("on_thing", start, 1)
    await tasks[0]
    assert ran == [1]


async def test_what_is_awaited_may_be_either():
    seen = []

    async def later(event):
        await asyncio.sleep(0)
        seen.append(event)

    def hand_on(event):
        return later(event)

    for callback in (seen.append, later, functools.partial(later), hand_on):
        await call_and_await(callback, 1)
    assert seen == [1] * 4


@pytest.mark.parametrize("callback", EVERY.values(), ids=EVERY)
async def test_an_async_on_progress_is_refused(tmp_path, callback):
    async with Sandbox(skus=3, briefs={1: 30}) as sandbox, session_of(sandbox) as session:
        exports = {"r": functools.partial(export_results, session, [1]), "s": functools.partial(export_skus, session)}
        for name, export in exports.items():
            with pytest.raises(ConfigurationError, match="on_progress"):
                await export(tmp_path / name, on_progress=callback)
            assert callback in SEEN_WHEN_CALLED.values() or not (tmp_path / name).exists()
            assert (await export(tmp_path / name)).complete


@pytest.mark.parametrize("callback", EVERY.values(), ids=EVERY)
async def test_an_async_on_outcome_is_refused(tmp_path, callback):
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        catalog = [CatalogItem("a", SkuCreate(name="A", front_image="front-a"))]
        plan = await plan_sync(session, catalog, state=tmp_path / "state")
        with pytest.raises(ConfigurationError, match="on_outcome"):
            await apply_plan(session, plan, on_outcome=callback)
        if callback in SEEN_AT_ONCE.values():
            assert sandbox.calls["create_sku"] == 0


@pytest.mark.parametrize("moment", ["before_attempt", "after_attempt", "retrying"])
@pytest.mark.parametrize("callback", SEEN_AT_ONCE.values(), ids=SEEN_AT_ONCE)
def test_an_async_hook_is_refused(moment, callback):
    hook = type("Given", (), dict.fromkeys(("before_attempt", "after_attempt", "retrying"), returns(None)))()
    setattr(hook, moment, callback)
    with pytest.raises(ConfigurationError, match="hook"):
        AIShootSession("token", hooks=[hook])


@pytest.mark.parametrize("callback", SEEN_WHEN_CALLED.values(), ids=SEEN_WHEN_CALLED)
async def test_a_hook_that_turns_out_to_be_async_is_logged(caplog, callback):
    hook = type("Given", (), dict.fromkeys(("before_attempt", "after_attempt", "retrying"), staticmethod(callback)))()
    async with Sandbox() as sandbox:
        with suppress(ConfigurationError):  # of those that this Python tells at once
            async with session_of(sandbox, hooks=[hook]) as session:
                await session.skus.list()
            assert "a hook failed in before_attempt" in caplog.text
            assert "must be a plain function" in caplog.text
