"""Code of a user that runs because a token is needed, and needs that very token for a call of its own.

That call would wait for the code to end, and the code waits for the call. It is refused at once: the token that it
wants does not exist yet, or must not be used yet. Tasks that such code starts, and threads that get its context (as
`asyncio.to_thread` has it), are known by that context; once the code has ended, they may call.
"""

import contextlib
from collections.abc import Generator
from contextvars import ContextVar

import attrs

from ..errors import AuthError


@attrs.define(eq=False)
class _Asked:
    source: object
    is_active: bool = True


_ASKED: ContextVar[tuple[_Asked, ...]] = ContextVar("aishoot_async_asked", default=())


@contextlib.contextmanager
def asking(source: object) -> Generator[None]:
    """Run code of the user's for a source of tokens."""
    asked = _Asked(source)
    before = _ASKED.set((*_ASKED.get(), asked))
    try:
        yield
    finally:
        asked.is_active = False
        _ASKED.reset(before)


def check_reentry(source: object) -> None:
    """Refuse what would wait for itself.

    Args:
        source: the source of tokens that is to be asked.

    Raises:
        AuthError: this is called by code of the user's that runs for this source.
    """
    if any(asked.is_active and asked.source is source for asked in _ASKED.get()):
        msg = (
            f"a call was made from within the {type(source).__name__} that gives this call its token, and would wait "
            f"for itself for ever; make it afterwards, or with a session that has a login of its own"
        )
        raise AuthError(msg)
