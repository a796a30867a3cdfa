"""Options and arguments that several commands share."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, get_origin

from cyclopts import Parameter, Token

from ._context import Context

_WHOLE: Final = re.compile(r"[+-]?\d+", re.ASCII)


def _whole(kind: Any, tokens: Sequence[Token]) -> Any:
    """Read digits and nothing else: cyclopts alone would round 1.5 to 2, and take another brief than was named."""
    for token in tokens:
        if not _WHOLE.fullmatch(token.value):
            msg = f'"{token.value}" is no whole number'
            raise ValueError(msg)
    numbers = [int(token.value) for token in tokens]
    return numbers if get_origin(kind) is list else numbers[0]


def _from_0(_kind: Any, number: int | None) -> None:
    if number is not None and number < 0:
        msg = "It must be 0 or more."
        raise ValueError(msg)


WHOLE: Final = Parameter(converter=_whole)
Given = Annotated[Context, Parameter(parse=False)]
Whole = Annotated[int, WHOLE]
Limit = Annotated[int | None, WHOLE, Parameter(name=["--limit", "-n"], validator=_from_0)]
