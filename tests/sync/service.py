"""A service of SKUs that does as a test says: independent of the client, and of the sandbox."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

import attrs
from aiohttp import web

from aishoot_async import AIShootSession, RetryPolicy

FIELDS = ("name", "frontImage", "backImage", "gender", "isInWardrobe", "projectIds", "skuCategoryName")
QUICK = RetryPolicy(attempts=2, backoff=0.001, backoff_max=0.01)
Row = dict[str, Any]


@attrs.define
class Kept:
    """A SKU as it is stored: what it was sent as, and since when a listing shows that."""

    fields: Row
    before: Row | None
    changed: float


def as_it_is(fields: Row) -> Row:
    return fields


class Service:
    """SKUs in memory.

    ``show`` renders a row; ``befall`` is awaited with each request, and again when it has had its effect: it may raise
    `LostError`, or return a response. ``lag``: seconds until a listing shows what was done.
    """

    def __init__(
        self,
        *,
        show: Callable[[Row], Row] = as_it_is,
        base: int = 1,
        most: int = 100,
        has_total: bool = True,
        integer_ids: bool = False,
        id_name: str = "id",
        create_answer: str = "sku",
        lag: float = 0.0,
        shuffled: bool = False,
        defaults: bool = True,
    ) -> None:
        self.show = show
        self.base, self.most, self.has_total = base, most, has_total
        self.integer_ids, self.id_name, self.create_answer = integer_ids, id_name, create_answer
        self.lag, self.shuffled, self.defaults = lag, shuffled, defaults
        self.kept: dict[str, Kept] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.befall: Callable[[str, str, Any, bool], Awaitable[web.Response | None]] | None = None
        self._numbers = itertools.count(1)
        self._turn = itertools.count()

    async def __aenter__(self) -> Self:
        await self._listen(0)
        return self

    async def _listen(self, port: int) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def go_away(self, seconds: float) -> None:
        """End every connection, and refuse new ones for so long."""
        port = self._runner.addresses[0][1]
        await self._runner.cleanup()
        await asyncio.sleep(seconds)
        await self._listen(port)

    def session(self, **settings: Any) -> AIShootSession:
        settings.setdefault("retry", QUICK)
        return AIShootSession("tok", base_url=self.url, auth_url=self.url, **settings)

    # What happens behind the API's back.

    def put(self, **fields: Any) -> str:
        """Make a SKU that somebody else has made."""
        return self._create({"name": "Alien", "frontImage": "f", **fields}, lag=0)

    def change(self, sku_id: str, **fields: Any) -> None:
        kept = self.kept[sku_id]
        self.kept[sku_id] = Kept({**kept.fields, **fields}, None, 0.0)

    def drop(self, sku_id: str) -> None:
        del self.kept[sku_id]

    @property
    def skus(self) -> dict[str, Row]:
        return {sku_id: kept.fields for sku_id, kept in self.kept.items()}

    @property
    def names(self) -> list[str]:
        return sorted(kept.fields["name"] for kept in self.kept.values())

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _, _ in self.requests)

    def bodies(self, method: str) -> list[Row]:
        return [body for asked, _, body in self.requests if asked == method]

    # The API.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        body = json.loads(text) if text else None
        self.requests.append((request.method, request.path_qs, body))
        try:
            return await self._answer(request, body)
        except LostError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    async def _answer(self, request: web.Request, body: Any) -> web.Response:
        said = await self._meet(request, body, after=False)
        if said is not None:
            return said
        match request.method:
            case "GET":
                answer = self._list(request)
            case "POST":
                answer = self._created(self._create(body, self.lag))
            case "PUT":
                answer = self._update(request.match_info["tail"].rpartition("/")[2], body)
            case _:
                answer = self._delete(request.match_info["tail"].rpartition("/")[2])
        return await self._meet(request, body, after=True) or answer

    async def _meet(self, request: web.Request, body: Any, *, after: bool) -> web.Response | None:
        return await self.befall(request.method, request.path_qs, body, after) if self.befall is not None else None

    def _complete(self, body: Row) -> Row:
        if not self.defaults:
            return dict(body)
        return {**dict.fromkeys(FIELDS), "isInWardrobe": False, "projectIds": [], **body}

    def _create(self, body: Row, lag: float) -> str:
        number = next(self._numbers)
        sku_id = str(number) if self.integer_ids else f"sku-{number:05d}"
        self.kept[sku_id] = Kept(self._complete(body), None, time.monotonic() if lag else 0.0)
        return sku_id

    def _rendered(self, sku_id: str, fields: Row) -> Row:
        return {self.id_name: int(sku_id) if self.integer_ids else sku_id, **self.show(fields)}

    def _created(self, sku_id: str) -> web.Response:
        match self.create_answer:
            case "sku":
                return web.json_response(self._rendered(sku_id, self.kept[sku_id].fields), status=201)
            case "id":
                return web.json_response(int(sku_id) if self.integer_ids else sku_id, status=201)
            case _:
                return web.Response(status=201, headers={"Location": f"{self.url}/ai-shoot/skus/{sku_id}"})

    def _update(self, sku_id: str, body: Row) -> web.Response:
        kept = self.kept.get(sku_id)
        if kept is None:
            return web.json_response({"status": 404, "message": "no such SKU"}, status=404)
        self.kept[sku_id] = Kept(self._complete(body), kept.fields, time.monotonic())
        return web.Response(status=200)

    def _delete(self, sku_id: str) -> web.Response:
        if self.kept.pop(sku_id, None) is None:
            return web.json_response({"status": 404, "message": "no such SKU"}, status=404)
        return web.Response(status=204)

    def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("skuIdFilter", "")
        now = time.monotonic()
        rows: list[Row] = []
        for sku_id, kept in self.kept.items():
            is_late = self.lag and now < kept.changed + self.lag
            fields = kept.before if is_late else kept.fields
            if wanted in sku_id and fields is not None:
                rows.append(self._rendered(sku_id, fields))
        if self.shuffled:
            turn = next(self._turn) % max(1, len(rows))
            rows = rows[turn:] + rows[:turn] if len(rows) <= self.most else rows
        size = min(int(request.query["pageSize"]), self.most)
        page = int(request.query["page"]) - self.base
        if page < 0:
            return web.json_response({"status": 400, "message": "page"}, status=400)
        answer: Row = {"entries": rows[page * size : (page + 1) * size]}
        return web.json_response({**answer, "total": len(rows)} if self.has_total else answer)


class LostError(Exception):
    """Ends the connection instead of answering."""


def lose(*which: int, method: str = "POST", applied: bool = True) -> Callable[..., Awaitable[web.Response | None]]:
    """Make what befalls: the answers to these requests of a method, counted from 0, are lost; of none named, all."""
    count = itertools.count()

    async def befall(asked: str, _path: str, _body: Any, after: bool) -> web.Response | None:  # noqa: FBT001
        if asked == method and after == applied and (not which or next(count) in which):
            raise LostError
        return None

    return befall


async def until(wanted: Callable[[], bool]) -> None:
    """Wait until it is so."""
    while not wanted():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
