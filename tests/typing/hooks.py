"""What type checkers must see in the hooks. Never run: mypy and pyright read it."""

import logging
from collections.abc import Mapping
from typing import assert_type

from aishoot_async import AIShootSession, Attempt, CallEvent, Hook
from aishoot_async.hooks import DEFAULT_ALLOW_LIST, LoggingHook, OpenTelemetryHook


class Mine:
    def before_attempt(self, event: CallEvent) -> None:
        assert_type(event.call, int)
        assert_type(event.url, str)
        assert_type(event.template, str)

    def after_attempt(self, event: CallEvent) -> None:
        assert_type(event.attempt, Attempt | None)
        assert_type(event.response_headers, Mapping[str, str])

    def retrying(self, event: CallEvent) -> None: ...


def hooks() -> AIShootSession:
    mine: Hook = Mine()
    log: Hook = LoggingHook(logging.getLogger("mine"), level=logging.INFO, headers=[*DEFAULT_ALLOW_LIST, "X-Mine"])
    return AIShootSession(hooks=[mine, log, OpenTelemetryHook(headers={"X-Request-Id"})])
