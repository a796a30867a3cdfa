"""What a worker gets for a run and nobody else may see: it goes through the scheduler in a message that nobody keeps.

Tasks and their arguments are kept by the scheduler and shown by its dashboard, and at level DEBUG Dask logs every
message. So this is no argument, and its text stands in the frames of a message, which no log shows.
"""

import json
import pickle
from importlib import import_module
from typing import Any, Final, NoReturn

import attrs

from ..errors import AIShootError
from ..secret import Secret

GRANT: Final = "aishoot-grant"
"""The operation by which a worker takes it."""
_protocol: Final[Any] = import_module("distributed.protocol")  # which has no types


@attrs.frozen(kw_only=True, repr=False)
class TokenMessage:
    """A token, or why there is none.

    Attributes:
        run: the run that it is for.
        number: of the token: it names the token where a worker says which one was refused.
        token: the access token.
        error: why there is none.
        proxy: where the calls go through; it may hold a password.
        store_options: what the object store takes.
    """

    run: str
    number: int = 0
    token: Secret | None = None
    error: AIShootError | None = None
    proxy: str | None = None
    store_options: dict[str, Any] = attrs.field(factory=dict)

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would show the token."""
        raise TypeError("a token message cannot be pickled")


def pickled(options: dict[str, Any]) -> bytes:
    """Write store options as they are sent.

    Raises:
        Exception: of any kind: they hold what no other process can have.
    """
    return pickle.dumps(options)


def _to_frames(message: TokenMessage) -> tuple[dict[str, Any], list[bytes]]:
    plain = {
        "run": message.run,
        "number": message.number,
        "token": None if message.token is None else message.token.reveal(),
        "proxy": message.proxy,
    }
    return {}, [json.dumps(plain).encode(), pickle.dumps(message.error), pickled(message.store_options)]


def _from_frames(_header: dict[str, Any], frames: list[Any]) -> TokenMessage:
    plain = json.loads(bytes(frames[0]))
    token = plain.pop("token")
    # They come from the driver, as the tasks do.
    error, store_options = (pickle.loads(frame) for frame in frames[1:])  # noqa: S301
    return TokenMessage(
        token=None if token is None else Secret(token), error=error, store_options=store_options, **plain
    )


_protocol.register_serialization(TokenMessage, _to_frames, _from_frames)


def serialize(message: TokenMessage) -> Any:
    """Return what a message of Dask can hold, and no log shows."""
    return _protocol.to_serialize(message)
