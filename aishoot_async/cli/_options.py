"""Options that all or several commands share, and how they are read."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, get_origin

import attrs
from cyclopts import Group, Parameter, Token
from cyclopts.validators import Number

_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_SIZE: Final = re.compile(r"(\d{1,15})\s*(?:([KMGT])(?:i?B)?|B)?", re.ASCII | re.IGNORECASE)
_POWERS: Final = {None: 0, "K": 1, "M": 2, "G": 3, "T": 4}
_AMOUNT: Final = re.compile(r"\d{1,9}|\d{1,3}(\.\d{1,9})?%", re.ASCII)


def _parse_int(kind: Any, tokens: Sequence[Token]) -> Any:
    """Read digits and nothing else: cyclopts alone would round 1.5 to 2, and read another brief than was named."""
    for token in tokens:
        if not _INTEGER.fullmatch(token.value):
            raise ValueError(f'"{token.value}" is no whole number')
    numbers = [int(token.value) for token in tokens]
    return numbers if get_origin(kind) is list else numbers[0]


def parse_size(_kind: Any, tokens: Sequence[Token]) -> int:
    """Read a number of bytes, or one such as ``256M`` or ``1 GiB``: each step is 1024.

    Raises:
        ValueError: it is none, or 0.
    """
    text = tokens[0].value
    found = _SIZE.fullmatch(text.strip())
    size = 0 if found is None else int(found[1]) * 1024 ** _POWERS[found[2] and found[2].upper()]
    if size < 1:
        raise ValueError(f'"{text}" is no size such as 256M or 1G')
    return size


def parse_amount(_kind: Any, tokens: Sequence[Token]) -> int | str:
    """Read a whole number, or a percentage such as ``5%``.

    Raises:
        ValueError: it is neither.
    """
    text = tokens[0].value
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f'"{text}" is neither a whole number nor a percentage such as 5%')
    return text if text.endswith("%") else int(text)


INTEGER: Final = Parameter(converter=_parse_int)
Integer = Annotated[int, INTEGER]
Limit = Annotated[int | None, INTEGER, Parameter(name=["--limit", "-n"], validator=Number(gte=0))]


@Parameter(name="*", group=Group("Global options", sort_key=0))
@attrs.frozen(kw_only=True)
class GlobalOptions:
    """The options of every command."""

    sandbox: bool = False
    "Run against an embedded sandbox with demo data: no account, no network."
    base_url: str | None = None
    "Where the API is; also AISHOOT_BASE_URL."
    proxy: str | None = attrs.field(default=None, repr=False)  # it may hold a password
    "A proxy's http:// or https:// URL, or none; without, HTTPS_PROXY, ALL_PROXY and NO_PROXY are heeded."
    organization: str | None = None
    "The organization's id; also AUTORETOUCH_ORGANIZATION_ID."
    max_response: Annotated[int | None, Parameter(converter=parse_size, metavar="SIZE")] = None
    "The largest answer that is read, such as 256M; 64M if nothing is said."
    json: bool = False
    "Print one JSON object a line on stdout."
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False
    "Say only what went wrong."
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"])] = False
    "Say more on stderr."
    no_input: bool = False
    "Never ask anything."
    log_format: Literal["text", "json"] = "text"
    "Messages on stderr: text, or json for machines."
