"""A token that does not show itself, and the scrubbing of text that a server made of it."""

import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn
from urllib.parse import quote

import attrs

from ..errors import AIShootError, ConfigurationError

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_MASK: Final = "[token]"


class Secret:
    """A token. Its text is had by `reveal` alone: not by ``repr``, a traceback's locals, or a pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: object) -> None:
        """Check that it can stand in a header.

        Raises:
            ConfigurationError: it is empty, no string, or holds white space, a control or a non-ASCII character.
        """
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            msg = "a token must be a non-empty string of printable ASCII, without spaces or line breaks"
            raise ConfigurationError(msg)
        self._text = text

    def reveal(self) -> str:
        """Give the token's text; only for a header or a form that is being sent."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """Compare the texts."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Hash the text."""
        return hash(self._text)

    def __repr__(self) -> str:
        """Hide the text."""
        return _MASK

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would show the token."""
        msg = "a token cannot be pickled"
        raise TypeError(msg)


def _spellings(secret: Secret) -> set[str]:
    text = secret.reveal()
    return {text, quote(text, safe=""), text.replace("/", "\\/")}


def scrub_text(text: str, secrets: Iterable[Secret]) -> str:
    """Replace each token in a text."""
    for secret in secrets:
        for spelling in _spellings(secret):
            text = text.replace(spelling, _MASK)
    return text


def scrub_bytes(data: bytes, secrets: Iterable[Secret]) -> bytes:
    """Replace each token in bytes."""
    for secret in secrets:
        for spelling in _spellings(secret):
            data = data.replace(spelling.encode(), _MASK.encode())
    return data


def scrub_error(error: AIShootError, secrets: Iterable[Secret]) -> None:
    """Replace each token in everything that an error holds: a server may echo one anywhere in its answer."""
    error.args = _scrub(error.args, tuple(secrets))
    for name, value in vars(error).items():
        setattr(error, name, _scrub(value, tuple(secrets)))


def _scrub(value: Any, secrets: tuple[Secret, ...]) -> Any:
    if isinstance(value, str):
        return scrub_text(value, secrets)
    if isinstance(value, bytes):
        return scrub_bytes(value, secrets)
    if isinstance(value, tuple):
        return tuple(_scrub(part, secrets) for part in value)
    if attrs.has(type(value)):
        return attrs.evolve(
            value, **{f.name: _scrub(getattr(value, f.name), secrets) for f in attrs.fields(type(value))}
        )
    return value
