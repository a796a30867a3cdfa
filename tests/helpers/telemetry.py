"""OpenTelemetry's own SDK, kept in memory."""

from typing import Self

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from aishoot_async.hooks import OpenTelemetryHook


class Telemetry:
    """What an application would set up."""

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
