"""Hooks hear of each attempt, and can break nothing."""

import asyncio
import logging

import attrs
import pytest

from aishoot_async import CallEvent, NotFoundError, Timeouts
from helpers.raw_server import RawServer, always, drop, hang, in_turn
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio


class Recorder:
    def __init__(self) -> None:
        self.heard: list[tuple[str, CallEvent]] = []

    def before_attempt(self, event: CallEvent) -> None:
        self.heard.append(("before", event))

    def after_attempt(self, event: CallEvent) -> None:
        self.heard.append(("after", event))

    def retrying(self, event: CallEvent) -> None:
        self.heard.append(("retrying", event))


async def test_what_a_hook_hears() -> None:
    recorder = Recorder()
    turns = in_turn(drop, always(b"", 404, {"X-Request-Id": "r"}))
    async with RawServer(turns) as server, session_for(server, hooks=[recorder]) as session:
        with pytest.raises(NotFoundError):
            await session.skus.list_global()
    assert [(moment, event.number) for moment, event in recorder.heard] == [
        ("before", 1),
        ("after", 1),
        ("retrying", 1),
        ("before", 2),
        ("after", 2),
    ]
    events = [event for _, event in recorder.heard]
    assert {(event.method, event.path) for event in events} == {("GET", "/ai-shoot/skus/global")}
    assert events[0].attempt is None
    assert events[1].attempt is not None
    assert events[1].attempt.wait == 0.0
    assert events[1].attempt.sent == "maybe"
    assert events[2].attempt == attrs.evolve(events[1].attempt, wait=events[2].attempt.wait)
    assert events[4].attempt.status == 404
    assert events[4].attempt.request_id == "r"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        events[0].number = 2


@pytest.mark.parametrize("way", ["deadline", "cancel"])
async def test_an_attempt_that_is_cut_off_ends_for_the_hooks_too(way: str) -> None:
    recorder = Recorder()
    timeouts = Timeouts(call=0.05) if way == "deadline" else Timeouts()
    async with RawServer(hang) as server, session_for(server, hooks=[recorder], timeouts=timeouts) as session:
        task = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        if way == "cancel":
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() is (way == "cancel")
        assert task.cancelled() or isinstance(task.exception(), TimeoutError)
    assert [moment for moment, _ in recorder.heard] == ["before", "after"]
    assert recorder.heard[1][1].attempt.error == "cut off"


async def test_what_a_hook_raises_is_logged_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def fail(self, _: CallEvent) -> None:
            msg = "my hook is broken"
            raise LookupError(msg)

        before_attempt = after_attempt = retrying = fail

    recorder = Recorder()
    turns = in_turn(drop, always(b"[]"))
    async with RawServer(turns) as server, session_for(server, hooks=(Broken(), recorder)) as session:
        with caplog.at_level(logging.ERROR, "aishoot_async"):
            assert await session.skus.list_global() == []
    assert len(recorder.heard) == 5
    assert len(caplog.records) == 5
    assert {record.name for record in caplog.records} == {"aishoot_async.calls"}
    assert "my hook is broken" in caplog.text
