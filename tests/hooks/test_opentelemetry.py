"""Attempts as spans and metrics, seen by OpenTelemetry's own SDK."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Self

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from yarl import URL

from aishoot_async import (
    APIStatusError,
    CallEvent,
    CallTimeoutError,
    ConnectError,
    RetryPolicy,
    SessionClosedError,
    Timeouts,
    TransportError,
)
from aishoot_async._version import __version__
from aishoot_async.hooks import OpenTelemetryHook, _opentelemetry
from aishoot_async.sandbox import Sandbox
from helpers.raw_server import RawRequest, RawServer, always, drop, hang, in_turn
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)


class Telemetry:
    """OpenTelemetry's own SDK, as an application would set it up, kept in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider(metric_readers=[self._reader], shutdown_on_exit=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tracers.shutdown()
        self.meters.shutdown()

    def hook(self, **settings) -> OpenTelemetryHook:
        return OpenTelemetryHook(self.tracers, self.meters, **settings)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The client spans, in the order in which they ended."""
        return [span for span in self._exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.spans
        return span

    @property
    def points(self) -> list:
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        ((scope,),) = (resource.scope_metrics for resource in data.resource_metrics)
        (metric,) = scope.metrics
        assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
        assert scope.scope.name == "aishoot_async"
        return list(metric.data.data_points)


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with Telemetry() as kept:
        yield kept


async def test_a_walk_through_the_sandbox(telemetry: Telemetry) -> None:
    mine = telemetry.tracers.get_tracer("mine")
    async with Sandbox(briefs={1: 250}) as sandbox:
        async with session_for(sandbox, sandbox.token, hooks=[telemetry.hook()]) as session:
            with mine.start_as_current_span("export") as parent:
                assert len(await session.briefs.results(1, start=1).collect()) == 250
        sandbox_url = sandbox.url
    spans = telemetry.spans
    assert len(spans) == 3
    labels = {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": URL(sandbox_url).port,
        "url.scheme": "http",
        "url.template": "/ai-shoot/briefs/{briefId}/results",
        "http.response.status_code": 200,
    }
    pages = set()
    for span in spans:
        assert span.name == "GET /ai-shoot/briefs/{briefId}/results"
        assert span.parent == parent.get_span_context()
        assert (span.status.status_code, span.status.description) == (StatusCode.UNSET, None)
        assert span.instrumentation_scope.name == "aishoot_async"
        assert span.instrumentation_scope.version == __version__
        assert span.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.44.0"
        full = span.attributes["url.full"]
        pages.add(full)
        assert full.startswith(f"{sandbox_url}/ai-shoot/briefs/1/results?page=")
        assert dict(span.attributes) == {**labels, "url.full": full}
    assert len(pages) == len(spans)

    (point,) = telemetry.points
    assert dict(point.attributes) == labels
    assert point.count == len(spans)
    assert point.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert point.sum * 1e9 == pytest.approx(sum(span.end_time - span.start_time for span in spans), abs=len(spans))
    assert {exemplar.span_id for exemplar in point.exemplars} <= {span.context.span_id for span in spans}
    assert point.exemplars


async def test_a_repeated_attempt(telemetry: Telemetry) -> None:
    turns = in_turn(always(b"", 503), drop, always(b"[]"))
    async with RawServer(turns) as server, session_for(server, hooks=[telemetry.hook()]) as session:
        with telemetry.tracers.get_tracer("mine").start_as_current_span("mine") as parent:
            await session.skus.list_global()
    seen = [
        [span.attributes.get(f"http.{key}") for key in ("response.status_code", "request.resend_count")]
        + [span.attributes.get("error.type"), span.status.status_code]
        for span in telemetry.spans
    ]
    assert seen == [
        [503, None, "503", StatusCode.ERROR],
        [None, 1, "TransportError", StatusCode.ERROR],
        [200, 2, None, StatusCode.UNSET],
    ]
    assert all(span.parent == parent.get_span_context() for span in telemetry.spans)
    errors = {point.attributes.get("error.type") for point in telemetry.points}
    assert errors == {None, "503", "TransportError"}
    assert all("http.request.resend_count" not in point.attributes for point in telemetry.points)


@pytest.mark.parametrize("status", [302, 404, 422, 500])
async def test_an_answer_that_is_no_success(status: int, telemetry: Telemetry) -> None:
    async with RawServer(always(b"", status)) as server:
        async with session_for(server, hooks=[telemetry.hook()], retry=ONCE) as session:
            with pytest.raises(APIStatusError):
                await session.skus.delete("secret-dress")
    span = telemetry.span
    assert span.name == "DELETE /ai-shoot/skus/{skuId}"
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes["error.type"] == str(status)
    assert span.attributes["url.full"] == f"{server.url}/ai-shoot/skus/secret-dress"
    (point,) = telemetry.points
    assert point.attributes["error.type"] == str(status)
    assert "secret-dress" not in str(point.attributes)


async def test_no_answer(telemetry: Telemetry) -> None:
    async with RawServer(drop) as server:
        async with session_for(server, hooks=[telemetry.hook()], retry=ONCE) as session:
            with pytest.raises(TransportError):
                await session.skus.list_global()
    async with session_for(server, hooks=[telemetry.hook()], retry=ONCE) as session:
        with pytest.raises(ConnectError):
            await session.skus.list_global()
    assert [span.attributes["error.type"] for span in telemetry.spans] == ["TransportError", "ConnectError"]
    for span in telemetry.spans:
        assert span.status.status_code is StatusCode.ERROR
        assert "http.response.status_code" not in span.attributes


@pytest.mark.parametrize("way", ["deadline", "cancel", "close"])
async def test_an_attempt_that_is_cut_off(way: str, telemetry: Telemetry) -> None:
    timeouts = Timeouts(call=0.05) if way == "deadline" else Timeouts()
    hook = telemetry.hook()
    async with RawServer(hang) as server, session_for(server, hooks=[hook], timeouts=timeouts) as session:
        task = asyncio.create_task(session.skus.list_global())
        if way != "deadline":  # which may pass earlier
            await server.until_requests(1)
        if way == "cancel":
            task.cancel()
        if way == "close":
            await session.aclose()
        await asyncio.wait([task])
        with contextlib.suppress(asyncio.CancelledError, CallTimeoutError, SessionClosedError):
            task.result()
    assert telemetry.span.attributes["error.type"] == "cut off"
    assert telemetry.span.status.status_code is StatusCode.ERROR
    assert telemetry.points[0].count == 1
    assert not hook._open


async def test_calls_at_once(telemetry: Telemetry) -> None:
    hook, mine = telemetry.hook(), telemetry.tracers.get_tracer("mine")
    dropped: set[str] = set()
    parents: dict[str, object] = {}

    async def answer_the_latest_first(request: RawRequest, connection) -> None:
        if request.target not in dropped:
            dropped.add(request.target)
            await connection.close()
            return
        at = int(request.target.rpartition("skuIdFilter=")[2].partition("&")[0])
        await server.until_requests(2 * 20)
        if at < 19:
            await answered[at + 1].wait()
        await connection.answer(b"[]", 430 + at)
        answered[at].set()

    answered = [asyncio.Event() for _ in range(20)]
    async with RawServer(answer_the_latest_first) as server, session_for(server, hooks=[hook]) as session:

        async def call(at: int) -> None:
            with mine.start_as_current_span(f"mine {at}") as parent:
                parents[str(at)] = parent.get_span_context()
                with pytest.raises(APIStatusError):
                    await session.skus.list(sku_id_filter=str(at), start=1, page_size=100)

        await asyncio.gather(*(call(at) for at in range(20)))
    for span in telemetry.spans:
        at = URL(span.attributes["url.full"]).query["skuIdFilter"]
        assert span.parent == parents[at]
        repeated = "http.request.resend_count" in span.attributes
        assert span.attributes.get("http.response.status_code") == (430 + int(at) if repeated else None)
    assert len(telemetry.spans) == 40
    assert not hook._open


async def test_response_headers_are_opted_in(telemetry: Telemetry) -> None:
    async def echo(request: RawRequest, connection) -> None:
        lines = (
            b"X-Request-Id: " + request.headers["authorization"].encode(),
            b"X-Many: 1",
            b"X-Many: \x1b[2J\xff",
            b"Server: s",
            b"Content-Length: 2",
        )
        await connection.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n[]" % b"\r\n".join(lines))

    async with RawServer(echo) as server:
        for headers in ((), ("X-Request-ID", "x-many", "x-none")):
            async with session_for(server, hooks=[telemetry.hook(headers=headers)]) as session:
                await session.skus.list_global()
    without, with_headers = telemetry.spans
    prefix = "http.response.header."
    assert not [key for key in without.attributes if key.startswith(prefix)]
    shown = {
        key.removeprefix(prefix): value for key, value in with_headers.attributes.items() if key.startswith(prefix)
    }
    assert shown == {"x-request-id": ("Bearer [token]",), "x-many": ("1", r"\x1b[2J\udcff")}
    for span in telemetry.spans:
        assert TOKEN[:16] not in span.to_json()


async def test_no_sdk_at_all() -> None:
    async with RawServer(always(b"[]")) as server, session_for(server, hooks=[OpenTelemetryHook()]) as session:
        assert await session.skus.list_global() == []


async def test_metrics_without_spans(telemetry: Telemetry) -> None:
    hook = OpenTelemetryHook(TracerProvider(ALWAYS_OFF, shutdown_on_exit=False), telemetry.meters)
    async with RawServer(always(b"[]")) as server, session_for(server, hooks=[hook]) as session:
        await session.skus.list_global()
    assert not telemetry.spans
    assert [point.count for point in telemetry.points] == [1]


async def test_an_sdk_that_raises_breaks_no_call(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SpanProcessor):
        def on_start(self, span, parent_context=None) -> None:
            msg = "my processor is broken"
            raise LookupError(msg)

    telemetry.tracers.add_span_processor(Broken())
    async with RawServer(always(b"[]")) as server, session_for(server, hooks=[telemetry.hook()]) as session:
        with caplog.at_level(logging.ERROR, "aishoot_async"):
            assert await session.skus.list_global() == []
    assert "my processor is broken" in caplog.text


def event(call: int) -> CallEvent:
    path = "/ai-shoot/skus"
    return CallEvent(call=call, method="GET", url=f"https://[::1]{path}?sig=x", path=path, template=path, number=1)


async def test_ends_that_get_lost_leave_no_spans_open(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_opentelemetry, "_MOST_OPEN", 3)
    hook = telemetry.hook()
    for call in range(10):
        hook.before_attempt(event(call))
    assert len(telemetry.spans) == 7
    assert len(hook._open) == 3
    assert telemetry.spans[0].attributes["server.address"] == "::1"
    assert telemetry.spans[0].attributes["server.port"] == 443
    assert telemetry.spans[0].attributes["url.full"] == "https://[::1]/ai-shoot/skus?sig=REDACTED"
    hook.after_attempt(event(0))  # one whose beginning it does not know
    assert len(telemetry.spans) == 7


def test_what_the_conventions_redact():
    kept = "https://a.example/x?page=1&signature=s&design=d"
    assert _opentelemetry.redacted(kept) == kept
    secret = "https://a.example/x?sig=s&page=1&X-Amz-Signature=a%26b&Signature="
    assert (
        _opentelemetry.redacted(secret)
        == "https://a.example/x?sig=REDACTED&page=1&X-Amz-Signature=REDACTED&Signature=REDACTED"
    )
