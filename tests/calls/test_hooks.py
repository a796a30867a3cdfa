"""Hooks hear of each attempt, and can break nothing."""

import asyncio
import gc
import logging
import sys
from collections import Counter

import attrs
import pytest

from aishoot_async import (
    AIShootError,
    CallEvent,
    NotFoundError,
    RetryPolicy,
    SessionClosedError,
    SkuCreate,
    SkuUpdate,
    Timeouts,
)
from aishoot_async.calls import _hooks
from helpers.raw_server import RawRequest, RawServer, always, drop, hang, in_turn
from helpers.sessions import TOKEN, session_for

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
    assert {event.url for event in events} == {f"{server.url}/ai-shoot/skus/global"}
    assert len({event.call for event in events}) == 1
    assert hash(events[4])
    assert events[0].attempt is None
    assert events[1].attempt is not None
    assert events[1].attempt.wait == 0.0
    assert events[1].attempt.sent == "maybe"
    assert events[2].attempt == attrs.evolve(events[1].attempt, wait=events[2].attempt.wait)
    assert events[4].attempt.status == 404
    assert events[4].attempt.request_id == "r"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        events[0].number = 2


async def test_the_url_and_the_template_of_each_operation() -> None:
    recorder = Recorder()
    new = {"name": "n", "front_image": "f"}
    async with RawServer(always(b"", 500)) as server:
        settings = {"hooks": [recorder], "retry": RetryPolicy(attempts=1)}
        async with session_for(server, base_url=f"{server.url}/base", **settings) as session:
            for call in (
                session.skus.list(sku_id_filter="a b", page_size=5, start=1).collect(),
                session.skus.list_global(),
                session.skus.create(SkuCreate(**new)),
                session.skus.update("a/b", SkuUpdate(**new)),
                session.skus.delete("7"),
                session.briefs.results(12, page_size=5, start=3).collect(),
            ):
                with pytest.raises(AIShootError):
                    await call
    told = [event for moment, event in recorder.heard if moment == "before"]
    skus, results = "/ai-shoot/skus", "/ai-shoot/briefs/12/results"
    assert [(event.method, event.template, event.path, event.url.removeprefix(server.url)) for event in told] == [
        ("GET", skus, skus, f"/base{skus}?skuIdFilter=a%20b&page=1&pageSize=5"),
        ("GET", f"{skus}/global", f"{skus}/global", f"/base{skus}/global"),
        ("POST", skus, skus, f"/base{skus}"),
        ("PUT", f"{skus}/{{skuId}}", f"{skus}/a%2Fb", f"/base{skus}/a%2Fb"),
        ("DELETE", f"{skus}/{{skuId}}", f"{skus}/7", f"/base{skus}/7"),
        ("GET", "/ai-shoot/briefs/{briefId}/results", results, f"/base{results}?page=3&pageSize=5"),
    ]
    assert [event.url.removeprefix(server.url) for event in told] == [request.target for request in server.requests]


async def test_attempts_of_calls_at_once_are_told_apart() -> None:
    recorder = Recorder()
    dropped: set[str] = set()

    async def drop_first(request: RawRequest, connection) -> None:
        if request.target in dropped:
            await connection.answer(b"[]")
        dropped.add(request.target)
        await connection.close()

    async with RawServer(drop_first) as server:
        async with session_for(server, hooks=[recorder]) as one, session_for(server, hooks=[recorder]) as two:
            await asyncio.gather(
                *(session.skus.list(sku_id_filter=f"s{at}", start=1) for at in range(10) for session in (one, two)),
                return_exceptions=True,
            )
    by_call: dict[int, list[tuple[str, CallEvent]]] = {}
    for moment, event in recorder.heard:
        by_call.setdefault(event.call, []).append((moment, event))
    assert len(by_call) >= 20
    for heard in by_call.values():
        assert len({event.url for _, event in heard}) == 1
        numbers = [(moment, event.number) for moment, event in heard]
        whole = [("before", 1), ("after", 1), ("retrying", 1), ("before", 2), ("after", 2)]
        assert numbers in (whole, whole[:2])


async def test_the_answers_headers() -> None:
    recorder = Recorder()
    answer = b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\nX-Many: 1\r\nx-many: 2\r\nRetry-After: 0\r\n\r\n[]"

    async def busy(_, connection) -> None:
        await connection.send(answer % 503)

    async def well(_, connection) -> None:
        await connection.send(answer % 200)

    async with RawServer(in_turn(busy, drop, well)) as server, session_for(server, hooks=[recorder]) as session:
        assert await session.skus.list_global() == []
    heard = [(moment, event.number, len(event.response_headers)) for moment, event in recorder.heard]
    assert heard == [
        ("before", 1, 0),
        ("after", 1, 4),
        ("retrying", 1, 4),
        ("before", 2, 0),
        ("after", 2, 0),
        ("retrying", 2, 0),
        ("before", 3, 0),
        ("after", 3, 4),
    ]
    headers = recorder.heard[-1][1].response_headers
    assert headers["retry-after"] == headers["RETRY-AFTER"] == "0"
    assert [value for name, value in headers.items() if name.lower() == "x-many"] == ["1", "2"]
    with pytest.raises(TypeError):
        headers["X-Many"] = "3"


async def test_a_token_that_a_server_writes_into_headers() -> None:
    recorder = Recorder()

    async def echo(request: RawRequest, connection) -> None:
        said = request.headers["authorization"]
        token = said.removeprefix("Bearer ")
        named = {"X-Echo": said, "Set-Cookie": f"token={token}; Secure", f"X-{token}": "x", "X-Half": f"<{token[:20]}>"}
        await connection.answer(b"[]", 503, {**named, "X-Request-Id": token, "X-Kept": "kept"})

    async with RawServer(echo) as server, session_for(server, hooks=[recorder]) as session:
        with pytest.raises(AIShootError):
            await session.skus.list_global()
    for _, event in recorder.heard:
        assert TOKEN[:16] not in repr(event)
    headers = recorder.heard[-1][1].response_headers
    assert headers["X-Echo"] == "Bearer [token]"
    assert headers["X-Half"] == "<[token]>"
    assert headers["X-[token]"] == "x"
    assert headers["X-Kept"] == "kept"


@pytest.mark.parametrize("way", ["deadline", "cancel", "close"])
async def test_an_attempt_that_is_cut_off_ends_for_the_hooks_too(way: str) -> None:
    recorder = Recorder()
    timeouts = Timeouts(call=0.05) if way == "deadline" else Timeouts()
    async with RawServer(hang) as server, session_for(server, hooks=[recorder], timeouts=timeouts) as session:
        task = asyncio.create_task(session.skus.list_global())
        if way != "deadline":  # which may pass earlier
            await server.until_requests(1)
        if way == "cancel":
            task.cancel()
        if way == "close":
            await session.aclose()
        await asyncio.wait([task])
        assert task.cancelled() is (way == "cancel")
        assert task.cancelled() or isinstance(task.exception(), TimeoutError | SessionClosedError)
    assert [moment for moment, _ in recorder.heard] == ["before", "after"]
    assert recorder.heard[1][1].attempt.error == "cut off"
    assert recorder.heard[0][1].call == recorder.heard[1][1].call


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_attempt_whose_loop_is_closed_over_it_ends_for_the_hooks_too() -> None:
    recorder = Recorder()

    async def leave_one_behind() -> None:
        server = await RawServer(hang).__aenter__()
        session = session_for(server, hooks=[recorder])
        asyncio.get_running_loop().call = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    loop.run_until_complete(leave_one_behind())
    loop.close()
    del loop
    gc.collect()
    assert [(moment, event.number) for moment, event in recorder.heard] == [("before", 1), ("after", 1)]
    assert recorder.heard[1][1].attempt.error == "cut off"


@pytest.mark.parametrize("hooks", [[], [Recorder()]], ids=["without", "with"])
async def test_a_session_without_hooks_pays_nothing_for_them(hooks: list[Recorder]) -> None:
    ran: Counter[str] = Counter()

    def count(frame, kind: str, _) -> None:
        # attrs gives the event's own code a file name that holds the class's.
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if kind == "call" and (file == _hooks.__file__ or "CallEvent" in file or name == "end_attempt"):
            ran[name] += 1

    turns = in_turn(drop, always(b"[]", 503), always(b"[]", headers={"X-Request-Id": "r"}))
    async with RawServer(turns) as server, session_for(server, hooks=hooks) as session:
        sys.setprofile(count)
        try:
            await session.skus.list_global()
        finally:
            sys.setprofile(None)
    events = {"__init__": 8, "notify": 8, "redacted_headers": 2} if hooks else {}
    assert {name: ran[name] for name in ran if not name.startswith("<")} == {"end_attempt": 3, **events}


@pytest.mark.parametrize("kind", [LookupError, asyncio.CancelledError])
async def test_what_a_hook_raises_is_logged_and_dropped(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def fail(self, _: CallEvent) -> None:
            msg = "my hook is broken"
            raise kind(msg)

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
