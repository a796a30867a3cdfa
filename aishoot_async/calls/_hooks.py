"""What a user's hooks are told about each attempt."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast, get_args

from multidict import CIMultiDict, CIMultiDictProxy

from ..callbacks import call_plain, check_plain
from ..errors import ConfigurationError
from ..secret import Secret, scrub_text

if TYPE_CHECKING:
    from ._event import CallEvent

logger: Final = logging.getLogger("aishoot_async.calls")


class Hook(Protocol):
    """Told of each attempt, on the event loop: it must be quick, and what it raises is logged and dropped.

    Whatever becomes of an attempt, one ``after_attempt`` follows on its ``before_attempt``, in the same task. Hooks
    hear of requests; they cannot change them.
    """

    def before_attempt(self, event: "CallEvent", /) -> None:
        """Hear that an attempt begins."""
        ...

    def after_attempt(self, event: "CallEvent", /) -> None:
        """Hear what it came to."""
        ...

    def retrying(self, event: "CallEvent", /) -> None:
        """Hear that it will be repeated, after ``event.attempt.wait`` seconds."""
        ...


HookMethod = Literal["before_attempt", "after_attempt", "retrying"]


def check_hooks(hooks: object) -> tuple[Hook, ...]:
    """Read a session's ``hooks`` argument.

    Raises:
        ConfigurationError: it is no sequence of hooks, or one is async.
    """
    given: tuple[object, ...] = tuple(cast("Sequence[object]", hooks)) if isinstance(hooks, Sequence) else (None,)
    for hook in given:
        if isinstance(hook, type) or not all(callable(getattr(hook, moment, None)) for moment in get_args(HookMethod)):
            msg = f"hooks must be a sequence of objects with the methods {', '.join(get_args(HookMethod))}"
            raise ConfigurationError(msg)
        for moment in get_args(HookMethod):
            check_plain(f"a hook's {moment}", getattr(hook, moment))
    return cast("tuple[Hook, ...]", given)


def redacted_headers(headers: Mapping[str, str], secrets: Iterable[Secret]) -> Mapping[str, str]:
    """Return a copy of an answer's headers without tokens."""
    secrets = tuple(secrets)
    pairs = list(headers.items())
    # No token holds a line break, so one search in all headers is enough: few servers echo a token.
    whole = "\n".join(text for pair in pairs for text in pair)
    if scrub_text(whole, secrets) != whole:
        pairs = [(scrub_text(name, secrets), scrub_text(value, secrets)) for name, value in pairs]
    return CIMultiDictProxy(CIMultiDict(pairs))


def notify(hooks: Sequence[Hook], moment: HookMethod, event: "CallEvent") -> None:
    """Call each hook; log an error of a hook and go on."""
    for hook in hooks:
        try:
            call_plain(f"a hook's {moment}", getattr(hook, moment), event)
        except (Exception, asyncio.CancelledError):
            # A hook awaits nothing, so that nobody cancels it: its CancelledError is an error of its own.
            logger.exception("a hook failed in %s", moment)
