"""A stand-in for the AI Shoot API: a real HTTP server on loopback, backed by SQLite, that fails on demand.

It shares no code with the client: a bug in shared code would cancel itself out.
"""

from aishoot_async.sandbox._faults import (
    OPERATIONS,
    Action,
    CutBody,
    Delay,
    DeleteRows,
    DropAfter,
    DropBefore,
    EmptyPage,
    ExpireToken,
    Fault,
    Html,
    InsertRows,
    RawBody,
    SlowDrip,
    Status,
)
from aishoot_async.sandbox._requests import RecordedRequest
from aishoot_async.sandbox._sandbox import Sandbox
from aishoot_async.sandbox._settings import Envelope, SandboxOptions, SandboxSettings
from aishoot_async.sandbox._threaded import ThreadedSandbox

__all__ = [
    "OPERATIONS",
    "Action",
    "CutBody",
    "Delay",
    "DeleteRows",
    "DropAfter",
    "DropBefore",
    "EmptyPage",
    "Envelope",
    "ExpireToken",
    "Fault",
    "Html",
    "InsertRows",
    "RawBody",
    "RecordedRequest",
    "Sandbox",
    "SandboxOptions",
    "SandboxSettings",
    "SlowDrip",
    "Status",
    "ThreadedSandbox",
]
