"""The root of the tree, the place in a listing that each error can name, and the errors of a caller's own mistake."""

import re
from typing import Any, ClassVar, Final, Self

import attrs

_CURSOR_TEXT: Final = "(-1|[0-9]{1,18}):([0-9]{1,18}):([0-9]{1,18})"


def _rebuild(cls: type["AIShootError"], args: tuple[Any, ...], state: dict[str, Any]) -> "AIShootError":
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class AIShootError(Exception):
    """The root of every error that this library raises.

    Attributes:
        cursor: where a new walk must start to go on behind the last item handed out; ``None`` outside a walk.
    """

    cursor: "Cursor | None" = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by state: the subclasses' constructors take keywords, which ``BaseException`` would lose."""
        return _rebuild, (type(self), self.args, self.__dict__)


class ConfigurationError(AIShootError, ValueError):
    """A setting cannot work: a bad URL, an impossible limit, a token with a line break."""


class RequestValidationError(AIShootError, ValueError):
    """A request was refused before any I/O, because the API documents that it cannot be right.

    Attributes:
        field: the field or parameter at fault, as the caller names it; ``None`` where it is the whole.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """Say what is wrong, and with which field."""
        super().__init__(message)
        self.field = field


class SessionClosedError(AIShootError):
    """The session was closed, before the call or while the call waited."""


class WrongLoopError(AIShootError):
    """A session is used on another event loop, or in another process, than the one that its pool is bound to."""


def _whole_number(name: str, value: object, least: int) -> int:
    most = Cursor.MAX_NUMBER
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        msg = f"cursor: {name} must be a whole number from {least}, not {value!r}"
    elif value > most:
        # Python refuses to write the largest numbers.
        msg = f"cursor: {name} must be a whole number from {least} to {most}, not one of {value.bit_length()} bits"
    else:
        return value
    raise RequestValidationError(msg, field=name)


@attrs.frozen
class Cursor:
    """A place in a listing: where a new walk must start, in this process or another.

    It stands here, with the root of the errors, because each error can carry one and a bad one is itself an error.

    Attributes:
        page: the page number on the wire; -1 means "from the beginning", whatever number the service gives that.
        offset: how many items of that page have been handed out already.
        page_size: items a page, as the service gives them.
        MAX_NUMBER: the largest of these: 18 digits, as `parse` reads them.
    """

    MAX_NUMBER: ClassVar[int] = 10**18 - 1
    page: int
    offset: int
    page_size: int

    def __attrs_post_init__(self) -> None:
        """Refuse what no walk can have handed out."""
        _whole_number("page", self.page, -1)
        _whole_number("offset", self.offset, 0)
        _whole_number("page_size", self.page_size, 1)

    def __str__(self) -> str:
        """Write ``page:offset:page_size``, which `parse` reads back."""
        return f"{self.page}:{self.offset}:{self.page_size}"

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read what ``str(cursor)`` wrote.

        Raises:
            RequestValidationError: the text is no cursor.
        """
        found = re.fullmatch(_CURSOR_TEXT, text) if isinstance(text, str) else None
        if found is None:
            msg = f"not a cursor: {text!r} (a cursor reads page:offset:page_size, such as 3:20:100)"
            raise RequestValidationError(msg, field="start")
        page, offset, page_size = map(int, found.groups())
        return cls(page, offset, page_size)
