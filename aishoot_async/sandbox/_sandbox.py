"""`Sandbox`: the server's life, and its state as tests see it."""

import asyncio
import sqlite3
from collections import Counter
from types import TracebackType
from typing import Any, Self, Unpack

from aiohttp import web
from attrs import frozen

from aishoot_async.sandbox._app import App, Tables
from aishoot_async.sandbox._database import fact, open_database, set_fact
from aishoot_async.sandbox._faults import Fault, FaultPlan
from aishoot_async.sandbox._login import CLIENT_ID, TokenPair, TokenTable
from aishoot_async.sandbox._requests import RecordedRequest, RequestLog
from aishoot_async.sandbox._result_table import ResultTable
from aishoot_async.sandbox._settings import SandboxOptions, SandboxSettings
from aishoot_async.sandbox._skus import SkuTable, complete_fields, read_documents
from aishoot_async.sandbox._wire import PlatformError

_SCOPE = "offline_access"


@frozen
class _Running:
    app: App
    runner: web.ServerRunner
    database: sqlite3.Connection
    tables: Tables
    tokens: TokenPair
    url: str


class Sandbox:
    """A real HTTP server on loopback that behaves as the AI Shoot API is documented to, and as badly as it is told to.

    ```python
    async with Sandbox(seed=7, skus=30, briefs={1: 250}) as sandbox:
        print(sandbox.url, sandbox.token)
    ```

    Every setting is a keyword argument; `SandboxSettings` says what each means. Content follows from the seed and not
    from the clock or the port, so that two runs answer with the same bytes; therefore the `imageUrl` of a result is a
    path (`/images/{hash}.png`), to be resolved against `url`. Every third demo SKU is a global one.

    State methods act at once and may be called between requests, on the thread whose event loop runs the sandbox
    (`ThreadedSandbox` is for all others). Those that need the server raise `RuntimeError` while it does not run.
    """

    def __init__(self, **options: Unpack[SandboxOptions]) -> None:
        """Check the settings; nothing is opened yet. Raises `ValueError` for a setting that cannot be used."""
        self.settings: SandboxSettings = SandboxSettings(**options)
        self._plan = FaultPlan(self.settings.faults, page_base=self.settings.page_base)
        self._log = RequestLog(self.settings.keep_requests)
        self._running: _Running | None = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()

    async def start(self) -> None:
        """Open the database, fill a new one with demo content, log in, listen. Raises `OSError` for a port in use."""
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        database = open_database(self.settings.database)
        try:
            self._running = await self._launch(database)
        except BaseException:
            database.close()
            raise

    async def _launch(self, database: sqlite3.Connection) -> _Running:
        settings = self.settings
        tables = Tables(
            SkuTable(database, settings),
            ResultTable(database, seed=settings.seed, integer_ids=settings.integer_ids),
            TokenTable(database, seed=settings.seed, clock=settings.clock, lifetime=settings.token_lifetime),
        )
        _fill_new(database, tables, settings)
        tokens = tables.tokens.open_family(_SCOPE)
        app = App(settings, database, tables, self._plan, self._log)
        runner = web.ServerRunner(web.Server(app.handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except BaseException:
            await runner.cleanup()
            raise
        port = runner.addresses[0][1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return _Running(app, runner, database, tables, tokens, f"http://{host}:{port}")

    async def aclose(self) -> None:
        """Stop listening, drop every connection, close the database. Closing twice is fine; so is starting again."""
        running, self._running = self._running, None
        if running is None:
            return
        running.app.abandon()
        # asyncio never closes a connection that it is still accepting when its server closes: let it come in first.
        for _ in range(4):
            await asyncio.sleep(0)
        try:
            await running.runner.cleanup()
        finally:
            running.database.close()

    @property
    def _live(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the sandbox is not running")
        return self._running

    @property
    def url(self) -> str:
        """The origin of the API and of the auth server, without a closing slash."""
        return self._live.url

    @property
    def token(self) -> str:
        """The access token of the login made at the start; it can expire like any other (see `issue_token`)."""
        return self._live.tokens.access

    @property
    def refresh_token(self) -> str:
        """The refresh token of the login made at the start."""
        return self._live.tokens.refresh or ""

    @property
    def client_id(self) -> str:
        """The one client id that the auth endpoints accept: the documented one."""
        return CLIENT_ID

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest requests (`keep_requests` of them), by arrival."""
        return self._log.requests

    @property
    def calls(self) -> Counter[str]:
        """How many requests each operation got, dropped ones included; `unknown` counts unknown routes."""
        return self._log.calls

    @property
    def max_in_flight(self) -> int:
        """The highest number of requests that were being handled at once."""
        return self._log.max_in_flight

    def reset_requests(self) -> None:
        """Forget the recorded requests and set the counters to 0."""
        self._log.clear()

    async def wait_for_calls(self, count: int, operation: str | None = None) -> None:
        """Return once an operation (None: any) was called so many times, as `calls` counts; arrived is not answered."""
        await self._log.wait_for(count, operation)

    def skus(self) -> list[dict[str, Any]]:
        """Every SKU as the API renders it, in order."""
        return read_documents(self._live.tables.skus.documents())

    def results(self, brief_id: int) -> list[dict[str, Any]]:
        """Every result of a brief as the API renders it, in order. Raises `KeyError` for an unknown brief."""
        return read_documents(self._live.tables.results.page(brief_id, 0, None))

    def insert_sku(
        self, *, sku_id: str | None = None, position: int | None = None, is_global: bool = False, **fields: object
    ) -> dict[str, Any]:
        """Add a SKU behind the API's back and return it as the API renders it.

        `fields` are the body fields as on the wire (`name`, `frontImage` and so on); the two required ones have
        defaults. `position` counts from 0 (None: at the end). Raises `ValueError` for an id that is taken, and
        for fields that the API would refuse.
        """
        try:
            complete = complete_fields({"name": "Inserted", "frontImage": "0" * 64, **fields})
        except PlatformError as error:
            raise ValueError(error.message) from None
        _, text = self._live.tables.skus.add(complete, sku_id=sku_id, position=position, is_global=is_global)
        return read_documents([text])[0]

    def update_sku(self, sku_id: str, **fields: object) -> dict[str, Any]:
        """Change fields of a SKU behind the API's back and return it as the API renders it.

        `fields` are body fields as on the wire; the others stay as they are. Raises `KeyError` for an unknown SKU, and
        `ValueError` for fields that the API would refuse.
        """
        skus = self._live.tables.skus
        try:
            complete = complete_fields({**skus.fields(sku_id), **fields})
        except PlatformError as error:
            raise ValueError(error.message) from None
        return read_documents([skus.replace(sku_id, complete) or ""])[0]

    def delete_sku(self, sku_id: str) -> None:
        """Delete a SKU behind the API's back. Raises `KeyError` for an unknown one."""
        if not self._live.tables.skus.delete(sku_id):
            raise KeyError(sku_id)

    def add_brief(self, brief_id: int, count: int) -> None:
        """Add a brief with so many results. Raises `ValueError` for one that exists."""
        try:
            self._live.tables.results.fill({brief_id: count})
        except sqlite3.IntegrityError:
            raise ValueError(f"there is a brief {brief_id} already") from None

    def delete_brief(self, brief_id: int) -> None:
        """Let a brief vanish with its results. Raises `KeyError` for an unknown one."""
        self._live.tables.results.drop(brief_id)

    def insert_results(self, brief_id: int, position: int, n: int = 1) -> None:
        """Insert new results, at a position counted from 0 (beyond the end: at the end). `KeyError`: no such brief."""
        _check_rows(position, n)
        self._live.tables.results.insert(brief_id, position, n)

    def delete_results(self, brief_id: int, position: int, n: int = 1) -> None:
        """Delete up to `n` results from a position on. Raises `KeyError` for an unknown brief."""
        _check_rows(position, n)
        self._live.tables.results.delete(brief_id, position, n)

    def expire_tokens(self) -> None:
        """Let every access token given out so far be expired. Refresh tokens stay good."""
        self._live.tables.tokens.expire_access()

    def issue_token(self) -> str:
        """Return a fresh access token, of a login of its own."""
        return self._live.tables.tokens.open_family("").access

    def approve(self, user_code: str) -> None:
        """Approve a device login, as its user would in the browser. Raises `KeyError` for an unknown code."""
        self._live.tables.tokens.decide(user_code, "approved")

    def deny(self, user_code: str) -> None:
        """Deny a device login. Raises `KeyError` for an unknown code."""
        self._live.tables.tokens.decide(user_code, "denied")

    def add_fault(self, fault: Fault) -> None:
        """Arm one more fault; it counts calls from now on."""
        self._plan.add(fault)

    def clear_faults(self) -> None:
        """Disarm every fault."""
        self._plan.clear()


def _check_rows(position: int, count: int) -> None:
    if position < 0 or count < 1:
        raise ValueError(f"position must be 0 or more and n at least 1, not {position!r} and {count!r}")


def _fill_new(database: sqlite3.Connection, tables: Tables, settings: SandboxSettings) -> None:
    """Put demo content into a file that has none. What a file holds follows from its first seed for ever."""
    seed = fact(database, "seed")
    if seed is not None:
        if seed != settings.seed:
            raise ValueError(f"seed is {settings.seed}, but {settings.database} was made with the seed {seed}")
        return
    tables.skus.fill(settings.skus)
    tables.results.fill(settings.briefs)
    with database:
        set_fact(database, "seed", settings.seed)
