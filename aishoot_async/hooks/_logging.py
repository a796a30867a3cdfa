"""Attempts as lines of a log."""

import logging
from collections.abc import Iterable
from typing import Any, Final

from ..calls import escape_controls
from ..calls._event import CallEvent
from ..errors import Attempt, ConfigurationError
from ..validation import is_int
from ._headers import DEFAULT_ALLOW_LIST, allow_list, allowed

_LONGEST: Final = 200


class LoggingHook:
    """Logs one line for each attempt, when it has ended, and one when it will be repeated.

    Such as::

        call 7 attempt 1: GET https://api.autoretouch.com/ai-shoot/skus?page=1 answered 503 in 0.120 s, retry-after '1'
        call 7 attempt 1: GET https://api.autoretouch.com/ai-shoot/skus?page=1 will be repeated in 1.000 s
        call 7 attempt 2: GET https://… got no answer in 0.030 s: TransportError, sent: maybe

    What a server has written is quoted, and its control characters are escaped, so that it cannot write lines of its
    own. For formatters that write fields, each record has ``aishoot_moment`` (``"after_attempt"`` or ``"retrying"``),
    ``aishoot_call``, ``aishoot_method``, ``aishoot_url``, ``aishoot_template``, ``aishoot_headers`` and, of
    `aishoot_async.Attempt`, ``aishoot_number``, ``aishoot_sent``, ``aishoot_status``, ``aishoot_error``,
    ``aishoot_elapsed``, ``aishoot_wait`` and ``aishoot_request_id``.

    Args:
        logger: where to log; ``None`` for ``aishoot_async.hooks``.
        level: the level of every line.
        headers: the names of the response headers to show, in any case; no other is. Those that carry credentials
            (``Set-Cookie``, ``Authorization``, ``Proxy-…``) cannot be named.

    Raises:
        ConfigurationError: an argument cannot work.
    """

    def __init__(
        self,
        logger: logging.Logger | None = None,
        *,
        level: int = logging.DEBUG,
        headers: Iterable[str] = DEFAULT_ALLOW_LIST,
    ) -> None:
        """Check the arguments."""
        if not isinstance(logger, logging.Logger | None):
            msg = f"logger must be a logging.Logger or None, not {logger!r}"
            raise ConfigurationError(msg)
        if not is_int(level):
            msg = f"level must be a number such as logging.INFO, not {level!r}"
            raise ConfigurationError(msg)
        self._logger = logging.getLogger("aishoot_async.hooks") if logger is None else logger
        self._level = level
        self._names = allow_list(headers)

    def before_attempt(self, event: CallEvent, /) -> None:
        """Log nothing: how it ends tells more."""

    def after_attempt(self, event: CallEvent, /) -> None:
        """Log what the attempt came to."""
        attempt = event.attempt
        if attempt is None or not self._logger.isEnabledFor(self._level):
            return
        headers = {name: ", ".join(values) for name, values in allowed(event.response_headers, self._names).items()}
        if attempt.status is None:
            outcome = f"got no answer in {attempt.elapsed:.3f} s: {attempt.error}, sent: {attempt.sent}"
        else:
            shown = {"request": attempt.request_id, **headers}
            details = (f", {name} {value[:_LONGEST]!a}" for name, value in shown.items() if value)
            outcome = f"answered {attempt.status} in {attempt.elapsed:.3f} s{''.join(details)}"
        self._log("after_attempt", event, attempt, outcome, headers)

    def retrying(self, event: CallEvent, /) -> None:
        """Log that the attempt will be repeated."""
        attempt = event.attempt
        if attempt is not None and self._logger.isEnabledFor(self._level):
            self._log("retrying", event, attempt, f"will be repeated in {attempt.wait:.3f} s", {})

    def _log(self, moment: str, event: CallEvent, attempt: Attempt, outcome: str, headers: dict[str, str]) -> None:
        fields: dict[str, Any] = {
            "moment": moment,
            "call": event.call,
            "method": event.method,
            "url": event.url,
            "template": event.template,
            "number": event.number,
            "sent": attempt.sent,
            "status": attempt.status,
            "error": attempt.error,
            "elapsed": attempt.elapsed,
            "wait": attempt.wait,
            "request_id": attempt.request_id,
            "headers": {name: escape_controls(value) for name, value in headers.items()},
        }
        self._logger.log(
            self._level,
            "call %d attempt %d: %s %s %s",
            event.call,
            event.number,
            event.method,
            event.url,
            outcome,
            extra={f"aishoot_{name}": value for name, value in fields.items()},
        )
