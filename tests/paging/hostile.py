"""A listing server that does as a test says: independent of the client, and of the sandbox."""

import asyncio
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Self

import attrs
import pytest
from aiohttp import web

from aishoot_async import AIShootSession, PagingError, RetryPolicy

Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
ONCE = RetryPolicy(attempts=1)


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def failure(status: int) -> Answer:
    return status, body({"status": status, "error": "no", "message": "as the test says"})


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"r{number}", "n": number} for number in numbers]


class HostileServer:
    """Answers with what ``answer(page, size)`` gives; notes what it was asked, and how much at once."""

    def __init__(self, answer: Callable[[int, int], Answer]) -> None:
        self.answer = answer
        self.asked: list[tuple[int, int]] = []
        self.token: Callable[[], Answer] = lambda: failure(404)
        self.path = ""
        """Of the latest request."""
        self.in_flight = 0
        self.max_in_flight = 0
        self.gates: dict[int, asyncio.Event] = {}
        self._arrivals: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._idle = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/ai-shoot/{tail:.*}", self._serve)
        app.router.add_post("/oauth/token", self._serve_token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        page, size = int(request.query["page"]), int(request.query["pageSize"])
        self.asked.append((page, size))
        self.in_flight += 1
        self._idle.clear()
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self._arrivals[page].set()
        try:
            if page in self.gates:
                await self.gates[page].wait()
            self.path = request.path
            status, text, *headers = self.answer(page, size)
            return web.Response(
                status=status, body=text, content_type="application/json", headers=headers[0] if headers else None
            )
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()

    async def _serve_token(self, request: web.Request) -> web.Response:
        status, text = self.token()
        return web.Response(status=status, body=text, content_type="application/json")

    @property
    def pages(self) -> list[int]:
        return [page for page, _ in self.asked]

    @property
    def pages_asked_again(self) -> list[int]:
        """The pages that were asked for more than once, once for each time too many."""
        return sorted((Counter(self.pages) - Counter(set(self.pages))).elements())

    def forget(self) -> None:
        self.asked.clear()
        self.max_in_flight = 0

    def hold(self, *pages: int) -> None:
        for page in pages:
            self.gates.setdefault(page, asyncio.Event())

    def release(self, *pages: int) -> None:
        for page in pages:
            self.gates.pop(page).set()

    async def arrived(self, page: int) -> None:
        async with asyncio.timeout(30):
            await self._arrivals[page].wait()

    async def idle(self) -> None:
        async with asyncio.timeout(30):
            while self.in_flight:
                await self._idle.wait()

    def session(self, **options: Any) -> AIShootSession:
        options = {"auth": "token", "retry": ONCE, **options}
        return AIShootSession(base_url=self.url, auth_url=self.url, **options)


@attrs.define
class Rows:
    """A listing with the habits that a service might have.

    ``total``: "honest", "missing", "own" (the page's own count), or how much it is off by.
    ``cap``: the longest page; ``fixed``: the length of a page, whatever is asked for.
    ``past_end``: "empty", "repeat" (the last page) or a status. ``below``: what is under base 1: the same, or "first".
    """

    data: Sequence[Any]
    envelope: str = "entries"
    cap: int | None = None
    fixed: int | None = None
    base: int = 1
    total: str | int = "honest"
    last: bool = False
    past_end: str | int = "empty"
    below: str | int = "empty"
    refuses_above: int | None = None
    overrides: dict[int, Answer] = attrs.field(factory=dict)

    def __call__(self, page: int, size: int) -> Answer:
        if self.refuses_above is not None and size > self.refuses_above:
            return failure(400)
        if page in self.overrides:
            return self.overrides[page]
        size = self.fixed or min(size, self.cap or size)
        index = page - self.base
        pages = -(-len(self.data) // size)
        if index < 0:
            if isinstance(self.below, int):
                return failure(self.below)
            index = 0 if self.below == "first" else pages
        elif index > 0 and index >= pages:
            if isinstance(self.past_end, int):
                return failure(self.past_end)
            index = max(0, pages - 1) if self.past_end == "repeat" else index
        here = self.data[index * size : index * size + size]
        return 200, body(self._wrapped(list(here), index, size, is_last=index >= pages - 1))

    def _total(self, here: list[Any]) -> int | None:
        match self.total:
            case "honest":
                return len(self.data)
            case "missing":
                return None
            case "own":
                return len(here)
            case int(off):
                return max(0, len(self.data) + off)
        raise AssertionError(self.total)

    def _wrapped(self, here: list[Any], index: int, size: int, *, is_last: bool) -> object:
        total = self._total(here)
        count = {} if total is None else {"totalElements": total, "totalPages": -(-total // size)}
        last = {"last": is_last} if self.last else {}
        match self.envelope:
            case "array":
                return here
            case "entries":
                return {"entries": here, **({} if total is None else {"total": total}), **last}
            case "spring":
                return {"content": here, **count, **last, "number": index, "size": size}
            case "spring-page":
                return {"content": here, "page": {"size": size, "number": index, **count}}
            case "hal":
                shown = {"_embedded": {"results": here}} if here else {}
                return {**shown, "page": {"size": size, "number": index, "totalElements": total}}
            case "list":
                return {"things": here, **({} if total is None else {"total": total}), "took": 3}
        raise AssertionError(self.envelope)


def changing(shown: Rows, change: Callable[[int, Rows], None]) -> Callable[[int, int], Answer]:
    """Answer as a listing does that ``change(number, shown)`` acts on before each answer, numbered from 1."""
    count = itertools.count(1)

    def answer(page: int, size: int) -> Answer:
        change(next(count), shown)
        return shown(page, size)

    return answer


def paired(before: int, shown: Rows) -> None:
    """Take the first row away, and put a new one behind the last: the total stays, and a row slips past the walk."""
    shown.data = [*shown.data[1:], *rows(before)]


def ids(items: Sequence[Any]) -> list[str]:
    return [item["id"] for item in items]


def names(count: int, first: int = 1) -> list[str]:
    return [f"r{number}" for number in range(first, count + 1)]


async def outcome(pager: Any) -> tuple[list[str], PagingError | None]:
    """Walk; give the ids, and the error if there was one."""
    got: list[str] = []
    try:
        async for row in pager:
            got.append(row["id"])  # nothing may come before an error
    except PagingError as error:
        return got, error
    return got, None


async def until_error(listing) -> tuple[list[str], Exception]:
    """Walk a pager, or a walk to its end, which must be an error, and nothing after it."""
    got, walk = [], aiter(listing)
    try:
        async for row in walk:
            got.append(row["id"])  # kept when the error comes
    except Exception as error:  # noqa: BLE001  # tests say which
        assert [row async for row in walk] == []
        return got, error
    raise AssertionError("no error came")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what was logged of listings that change."""
    return [record.getMessage() for record in caplog.records if record.name == "aishoot_async.paging"]


def tasks() -> set[asyncio.Task[Any]]:
    """Give the client's tasks: all but this one and the server's."""
    found = asyncio.all_tasks() - {asyncio.current_task()}
    names = "Listing.", "begin()", "probed()", "_settle()"
    return {task for task in found if any(name in repr(task) for name in names)}


async def until_gone() -> None:
    """Wait for what has been cancelled: a few turns of the loop, or a thread that gives a file back."""
    async with asyncio.timeout(30):
        while tasks():  # noqa: ASYNC110  # what is abandoned tells nobody
            await asyncio.sleep(0.001)  # a loop that never rests takes the interpreter away from its threads


async def gone() -> bool:
    """Give what has been cancelled the few turns of the loop that it takes to end."""
    for turn in range(20):
        if not tasks():
            break
        assert turn < 3 or all(task.cancelling() for task in tasks())
        await asyncio.sleep(0)
    return not tasks()
