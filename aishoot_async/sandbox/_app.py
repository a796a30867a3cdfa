"""What happens to one request: read, recorded, met by faults, served, delivered."""

import asyncio
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import web
from attrs import evolve, frozen

import aishoot_async.sandbox._faults as faults
from aishoot_async.sandbox._delivery import compressed, deliver, drop
from aishoot_async.sandbox._images import ImageEndpoints
from aishoot_async.sandbox._login import LoginEndpoints, TokenTable, read_form
from aishoot_async.sandbox._requests import RequestLog
from aishoot_async.sandbox._result_table import ResultTable
from aishoot_async.sandbox._settings import SandboxSettings
from aishoot_async.sandbox._shoot import ShootEndpoints
from aishoot_async.sandbox._skus import SkuTable
from aishoot_async.sandbox._wire import JSON_TYPE, Answer, Call, LoginError, PlatformError, prettify

if TYPE_CHECKING:
    from collections.abc import Callable

# Paths match by their raw segments, each percent-decoded exactly once: an id that a library tidied is another id.
_ID: Final = "{id}"
_ROUTES: Final[dict[tuple[str, ...], dict[str, str]]] = {
    ("ai-shoot", "skus"): {"GET": "list_skus", "POST": "create_sku"},
    ("ai-shoot", "skus", "global"): {"GET": "list_global_skus", "PUT": "update_sku", "DELETE": "delete_sku"},
    ("ai-shoot", "skus", _ID): {"PUT": "update_sku", "DELETE": "delete_sku"},
    ("ai-shoot", "briefs", _ID, "results"): {"GET": "brief_results"},
    ("upload",): {"POST": "upload", "HEAD": "upload_exists"},
    ("images", _ID): {"GET": "image"},
    ("oauth", "device", "code"): {"POST": "device_code"},
    ("oauth", "token"): {"POST": "token"},
    ("oauth", "revoke"): {"POST": "revoke"},
    ("activate",): {"GET": "activate"},
}
_ID_SEGMENT: Final = {"update_sku": 2, "delete_sku": 2, "brief_results": 2, "image": 1}
_UNKNOWN: Final = "unknown"
_OPEN_TO_ALL: Final = frozenset({"image", "device_code", "activate", "token", "refresh", "revoke"})
_GATEWAY_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>Gateway</title></head><body><h1>Gateway</h1></body></html>\n"
)
_HTML_TYPE: Final = "text/html; charset=utf-8"


@frozen
class Tables:
    """The state of a sandbox, by subject."""

    skus: SkuTable
    results: ResultTable
    tokens: TokenTable


class App:
    """The server side of a sandbox, between aiohttp and the tables."""

    def __init__(
        self,
        settings: SandboxSettings,
        connection: sqlite3.Connection,
        tables: Tables,
        plan: faults.FaultPlan,
        log: RequestLog,
    ) -> None:
        """Wire the endpoints to their state."""
        self._settings = settings
        self._tables = tables
        self._plan = plan
        self._log = log
        self._running: set[asyncio.Task[object]] = set()
        shoot = ShootEndpoints(tables.skus, tables.results, settings)
        images = ImageEndpoints(connection)
        login = LoginEndpoints(tables.tokens, settings)
        self._endpoints: dict[str, Callable[[Call], Answer]] = {
            "list_skus": shoot.list_skus,
            "list_global_skus": shoot.list_global_skus,
            "create_sku": shoot.create_sku,
            "update_sku": shoot.update_sku,
            "delete_sku": shoot.delete_sku,
            "brief_results": shoot.brief_results,
            "upload": images.upload,
            "upload_exists": images.upload_exists,
            "image": images.image,
            "device_code": login.device_code,
            "activate": login.activate,
            "token": login.token,
            "refresh": login.refresh,
            "revoke": login.revoke,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or not."""
        task = asyncio.current_task()
        if task is None:
            msg = "a request is handled outside of a task"
            raise RuntimeError(msg)
        self._running.add(task)
        try:
            return await self._handle(request)
        finally:
            self._running.discard(task)

    def abandon(self) -> None:
        """Cancel what is being served: nobody waits for a slow fault when the sandbox closes."""
        for task in self._running:
            task.cancel()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await request.content.read()
        except ConnectionResetError:
            return drop(request, reset=False)  # whoever asked is gone
        call, refusal = _read_call(request, body, self._log.next_index())
        with self._log.track(call) as outcome:
            if self._settings.latency:
                await asyncio.sleep(self._settings.latency)
            actions = self._plan.meet(call)
            answer = await self._meet(call, refusal, actions)
            if answer is None:
                reset = isinstance(actions.answer, faults.DropBefore | faults.DropAfter) and actions.answer.reset
                return drop(request, reset=reset)
            outcome.status = answer.status
            return await deliver(request, self._dressed(call, answer), actions.delivery)

    async def _meet(self, call: Call, refusal: PlatformError | None, actions: faults.Actions) -> Answer | None:
        """Return the answer to a call under its faults; None drops the connection."""
        late = [action for action in actions.before if isinstance(action, faults.Delay) and action.after_effect]
        for before in actions.before:
            if before not in late:
                await self._befall(before)
        planned = actions.answer
        if isinstance(planned, faults.DropBefore):
            return None
        spared = isinstance(planned, faults.Status | faults.Html | faults.RawBody) and not planned.after_effect
        if isinstance(planned, faults.EmptyPage):
            call = evolve(call, empty_page=True)
        answer = None if spared else self._serve(call, refusal)
        for delay in late:
            await asyncio.sleep(delay.seconds)
        if isinstance(planned, faults.DropAfter):
            return None
        if planned is None or isinstance(planned, faults.EmptyPage):
            return answer
        return self._planned_answer(call, planned)

    async def _befall(self, action: faults.BeforeAction) -> None:
        match action:
            case faults.Delay(seconds):
                await asyncio.sleep(seconds)
            case faults.ExpireToken():
                self._tables.tokens.expire_access()
            case faults.InsertRows():
                if action.brief is None:
                    self._tables.skus.insert(action.position, action.count)
                else:
                    self._tables.results.insert(action.brief, action.position, action.count)
            case faults.DeleteRows():
                if action.brief is None:
                    self._tables.skus.delete_at(action.position, action.count)
                else:
                    self._tables.results.delete(action.brief, action.position, action.count)

    def _planned_answer(self, call: Call, action: faults.Status | faults.Html | faults.RawBody) -> Answer:
        if isinstance(action, faults.RawBody):
            return Answer(action.status, action.body, action.content_type)
        if isinstance(action, faults.Html):
            return Answer(action.status, _GATEWAY_PAGE, _HTML_TYPE)
        headers = {} if action.retry_after is None else {"Retry-After": str(action.retry_after)}
        if action.body is not None:
            return Answer(action.code, action.body, headers=headers)
        if action.html:
            return Answer(action.code, _GATEWAY_PAGE, _HTML_TYPE, headers)
        return PlatformError(action.code, "Planned by the sandbox", headers).answer(call.path, self._settings.clock())

    def _serve(self, call: Call, refusal: PlatformError | None) -> Answer:
        try:
            if refusal is not None:
                raise refusal
            self._check_token(call)
            answer = self._endpoints[call.operation](call)
        except PlatformError as error:
            answer = error.answer(call.path, self._settings.clock())
        except LoginError as error:
            answer = error.answer()
        if self._settings.pretty and answer.content_type == JSON_TYPE:
            answer = evolve(answer, body=prettify(answer.body.decode()).encode())
        return answer

    def _check_token(self, call: Call) -> None:
        if not self._settings.require_auth or call.operation in _OPEN_TO_ALL:
            return
        if call.token is None or not self._tables.tokens.accepts(call.token):
            raise PlatformError(
                401, "Full authentication is required to access this resource", {"WWW-Authenticate": "Bearer"}
            )

    def _dressed(self, call: Call, answer: Answer) -> Answer:
        """Return the answer with what every answer has; compressed if it is to be."""
        answer = evolve(answer, headers={**answer.headers, "X-Request-Id": f"sandbox-{call.index}"})
        return compressed(answer, call.headers.get("Accept-Encoding", "")) if self._settings.gzip else answer


def _read_call(request: web.BaseRequest, body: bytes, index: int) -> tuple[Call, PlatformError | None]:
    """Recognise a request; with the refusal that it will get when it is nothing that this API knows."""
    path, query = _split_target(request.raw_path)
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    call = Call(
        index=index,
        method=request.method,
        path=path,
        query=query,
        headers=request.headers,
        body=body,
        operation=_UNKNOWN,
        token=credentials.strip() if scheme.lower() == "bearer" else None,
        base_url=f"{request.scheme}://{request.host}",
    )
    try:
        operation, subject = _find_operation(call.method, path, read_form(call))
    except PlatformError as error:
        return call, error
    return evolve(call, operation=operation, subject=subject), None


def _split_target(target: str) -> tuple[str, dict[str, str]]:
    """Split a request target into its raw path and its query (of a name that is repeated, the first value)."""
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, _, query = target.partition("?")
    return path, dict(reversed(parse_qsl(query, keep_blank_values=True)))


def _fits(pattern: tuple[str, ...], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        part in {_ID, segment} for part, segment in zip(pattern, segments, strict=True)
    )


def _find_operation(method: str, path: str, form: Mapping[str, str]) -> tuple[str, str]:
    """Return the operation, and the id that the path names (or an empty string).

    Raises `PlatformError`: 404 for an unknown path, 405 for a known one, 400 for an id that is not UTF-8.
    """
    segments = path.removeprefix("/").split("/")
    pattern = next((pattern for pattern in _ROUTES if _fits(pattern, segments)), None)
    if pattern is None:
        raise PlatformError(404, "No endpoint for this path")
    operation = _ROUTES[pattern].get(method)
    if operation is None:
        raise PlatformError(405, f"Request method '{method}' is not supported", {"Allow": ", ".join(_ROUTES[pattern])})
    if operation == "token" and form.get("grant_type") == "refresh_token":
        return "refresh", ""
    place = _ID_SEGMENT.get(operation)
    if place is None:
        return operation, ""
    try:
        return operation, unquote(segments[place], errors="strict")
    except UnicodeDecodeError:
        raise PlatformError(400, "The path is not valid UTF-8") from None
