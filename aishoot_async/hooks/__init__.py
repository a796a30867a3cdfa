"""Hooks to give to a session: ``AIShootSession(hooks=[LoggingHook()])``.

`LoggingHook` writes to the standard library's logging; `OpenTelemetryHook`, which needs the extra ``[otel]``, makes
spans and metrics. A hook of your own is any object with the methods of `aishoot_async.Hook`.
"""

from ._headers import DEFAULT_ALLOW_LIST
from ._logging import LoggingHook
from ._opentelemetry import OpenTelemetryHook

__all__ = ["DEFAULT_ALLOW_LIST", "LoggingHook", "OpenTelemetryHook"]
