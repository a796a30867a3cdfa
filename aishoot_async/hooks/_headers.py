"""Pure: which of an answer's headers a hook shows, and how what a server has written there is shown safely."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

from ..errors import ConfigurationError

DEFAULT_ALLOW_LIST: Final = ("Content-Encoding", "Content-Length", "Content-Type", "Retry-After", "Server", "Via")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_CREDENTIALS: Final = re.compile(r"authorization|(set-)?cookie2?|proxy-.*")


def allow_list(headers: object) -> frozenset[str]:
    """Read a hook's ``headers`` argument: the names, in lower case.

    Raises:
        ConfigurationError: it is no iterable of header names, or names one whose purpose is to carry a credential.
    """
    is_text = isinstance(headers, str)  # which would be taken for many short names
    given: tuple[object, ...] = (
        tuple(cast("Iterable[object]", headers)) if isinstance(headers, Iterable) and not is_text else (None,)
    )
    names: set[str] = set()
    for name in given:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            msg = f"headers must be an iterable of header names, such as {DEFAULT_ALLOW_LIST}, not {headers!r}"
            raise ConfigurationError(msg)
        if _CREDENTIALS.fullmatch(name.lower()):
            msg = f"the header {name} carries credentials, and is never shown"
            raise ConfigurationError(msg)
        names.add(name.lower())
    return frozenset(names)


def allowed(headers: Mapping[str, str], names: frozenset[str]) -> dict[str, list[str]]:
    """Give the values of the headers that are named, as they came, by name in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in headers.items():
        if name.lower() in names:
            found.setdefault(name.lower(), []).append(value)
    return found
