"""What a user's hooks are told about each attempt."""

import logging
from collections.abc import Sequence
from typing import Final, Literal, Protocol, cast, get_args

import attrs

from ..errors import Attempt, ConfigurationError

logger: Final = logging.getLogger("aishoot_async.calls")


@attrs.frozen(kw_only=True)
class CallEvent:
    """One moment in a call. It never holds a token.

    Attributes:
        method: the HTTP method.
        path: the path below the base URL, without its query.
        number: which attempt it is; 1 for the first.
        attempt: what the attempt came to; ``None`` before it. Its ``wait`` is set when it will be repeated.
    """

    method: str
    path: str
    number: int
    attempt: Attempt | None = None


class Hook(Protocol):
    """Told of each attempt, on the event loop: it must be quick, and what it raises is logged and dropped."""

    def before_attempt(self, event: CallEvent, /) -> None:
        """Hear that an attempt begins."""
        ...

    def after_attempt(self, event: CallEvent, /) -> None:
        """Hear what it came to."""
        ...

    def retrying(self, event: CallEvent, /) -> None:
        """Hear that it will be repeated, after ``event.attempt.wait`` seconds."""
        ...


Moment = Literal["before_attempt", "after_attempt", "retrying"]


def check_hooks(hooks: object) -> tuple[Hook, ...]:
    """Read a session's ``hooks`` argument.

    Raises:
        ConfigurationError: it is no sequence of hooks.
    """
    given: tuple[object, ...] = tuple(cast("Sequence[object]", hooks)) if isinstance(hooks, Sequence) else (None,)
    for hook in given:
        if isinstance(hook, type) or not all(callable(getattr(hook, moment, None)) for moment in get_args(Moment)):
            msg = f"hooks must be a sequence of objects with the methods {', '.join(get_args(Moment))}"
            raise ConfigurationError(msg)
    return cast("tuple[Hook, ...]", given)


def tell(hooks: Sequence[Hook], moment: Moment, event: CallEvent) -> None:
    """Call each hook; an error in one is its own."""
    for hook in hooks:
        try:
            getattr(hook, moment)(event)
        except Exception:
            logger.exception("a hook failed in %s", moment)
