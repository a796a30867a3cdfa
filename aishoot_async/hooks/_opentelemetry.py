"""Attempts as OpenTelemetry spans and metrics, after the semantic conventions for HTTP clients, version 1.44.0.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpclientrequestduration
"""

import re
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import attrs
from yarl import URL

from .._version import __version__
from ..calls import escape_controls
from ..calls._event import CallEvent
from ..errors import Attempt, ConfigurationError
from ._headers import allow_list, allowed

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

_SCHEMA: Final = "https://opentelemetry.io/schemas/1.44.0"
_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_SENSITIVE: Final = re.compile(
    "(?<=[?&])(X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|AWSAccessKeyId|Signature|sig|X-Goog-Signature)"
    "=[^&]*"
)
_MOST_OPEN: Final = 10_000


def redacted(url: str) -> str:
    """Take out the values of the query's keys that the conventions name."""
    return _SENSITIVE.sub(r"\1=REDACTED", url)


def error_type(attempt: Attempt) -> str | None:
    """Name what failed; ``None`` for a success.

    A redirect is none: following it is one more than this client ever does.
    """
    if attempt.status is None:
        return attempt.error
    return None if 200 <= attempt.status < 300 else str(attempt.status)  # noqa: PLR2004  # as RFC 9110, 15.3 has it


@attrs.frozen
class _Open:
    """An attempt under way."""

    span: "Span"
    labels: dict[str, str | int]
    started: int
    ticks: float


class OpenTelemetryHook:
    """Makes a client span for each attempt, and the histogram ``http.client.request.duration``, in seconds.

    Spans are named ``GET /ai-shoot/briefs/{briefId}/results``, and are children of the span that is current where the
    call is made. A repeated attempt has ``http.request.resend_count``. ``error.type`` is the status, if that is no
    success, or what `aishoot_async.Attempt.error` says: ``ConnectError``, ``CallTimeoutError``,
    ``ResponseTooLargeError``, ``TransportError``, or ``cut off`` by a deadline, a cancellation or the session's end.
    A span lasts until the whole body has been read.

    Hooks cannot change requests, so the trace context is not sent to the service, whose own spans could not be joined
    anyway. Together with an instrumentation of aiohttp every request would be counted twice: use one of the two.

    Args:
        tracer_provider: where spans go; ``None`` for OpenTelemetry's global one.
        meter_provider: where measurements go; ``None`` for OpenTelemetry's global one.
        headers: the names of the response headers to put into spans, as ``http.response.header.<name>``; none by
            default. Those that carry credentials (``Set-Cookie``, ``Authorization``, ``Proxy-…``) cannot be named.

    Raises:
        ConfigurationError: an argument cannot work, or OpenTelemetry is not installed (the extra ``[otel]``).
    """

    def __init__(
        self,
        tracer_provider: "TracerProvider | None" = None,
        meter_provider: "MeterProvider | None" = None,
        *,
        headers: Iterable[str] = (),
    ) -> None:
        """Import OpenTelemetry."""
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415  # an extra
        except ImportError as error:
            msg = "OpenTelemetryHook needs the package opentelemetry-api: pip install 'aishoot-async[otel]'"
            raise ConfigurationError(msg) from error
        self._names = allow_list(headers)
        self._tracer = trace.get_tracer("aishoot_async", __version__, tracer_provider, _SCHEMA)
        self._duration = metrics.get_meter("aishoot_async", __version__, meter_provider, _SCHEMA).create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_BOUNDARIES,
        )
        self._client = trace.SpanKind.CLIENT
        self._failed = trace.StatusCode.ERROR
        self._context_of = trace.set_span_in_context
        # Bounded and in order, should somebody stand between the session and this hook, and lose an end.
        self._open: OrderedDict[tuple[int, int], _Open] = OrderedDict()

    def before_attempt(self, event: CallEvent, /) -> None:
        """Start the attempt's span."""
        url = URL(event.url, encoded=True)
        labels: dict[str, str | int] = {
            "http.request.method": event.method,
            "server.address": url.raw_host or "",
            "server.port": url.port or 0,
            "url.scheme": url.scheme,
            "url.template": event.template,
        }
        more: dict[str, str | int] = {"url.full": redacted(event.url)}
        if event.number > 1:
            more["http.request.resend_count"] = event.number - 1
        started = time.time_ns()
        span = self._tracer.start_span(
            f"{event.method} {event.template}", kind=self._client, attributes={**labels, **more}, start_time=started
        )
        self._open[event.call, event.number] = _Open(span, labels, started, time.perf_counter())
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].span.end()

    def after_attempt(self, event: CallEvent, /) -> None:
        """End the attempt's span, and record how long it took."""
        opened = self._open.pop((event.call, event.number), None)
        if opened is None or event.attempt is None:
            return
        outcome: dict[str, str | int] = {}
        if event.attempt.status is not None:
            outcome["http.response.status_code"] = event.attempt.status
        error = error_type(event.attempt)
        if error is not None:
            outcome["error.type"] = error
            opened.span.set_status(self._failed)
        opened.span.set_attributes(outcome)
        for name, values in allowed(event.response_headers, self._names).items():
            opened.span.set_attribute(f"http.response.header.{name}", [escape_controls(value) for value in values])
        # One figure for both: the wall clock may be set back meanwhile.
        seconds = time.perf_counter() - opened.ticks
        opened.span.end(opened.started + int(seconds * 1e9))
        self._duration.record(seconds, {**opened.labels, **outcome}, self._context_of(opened.span))

    def retrying(self, event: CallEvent, /) -> None:
        """Do nothing: the next attempt's span says which one it is."""
