"""A token that does not show itself, and the scrubbing of text that a server made of it."""

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote, unquote

import attrs

from .errors import AIShootError, Attempt, ConfigurationError

# Compiled when they are used first, as most of these patterns never are.
_SENDABLE: Final = r"[\x21-\x7e]+"
_PERCENT: Final = "%[0-9A-F]{2}"
# Looked for where a run of backslashes begins, and each run once: it may be as long as the text.
_ESCAPED: Final = r"(?<!\\)\\++(?:u00|x)([0-9A-Fa-f]{2})"
# In a reference of HTML: zeros before a number, and a number that is no character's.
_LEADING_ZEROS: Final = "(?<=&#)([xX]?)0++(?=[0-9A-Fa-f])"
_NO_CHARACTER: Final = "&#[0-9]{8,}+"
_MASK: Final = "[token]"
# Of a token that was cut short, so much must be there to be taken for it.
_SHORTEST: Final = 16
_IN_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_URL_SAFE: Final = str.maketrans("+/", "-_")
_CODES_WITHIN_CODES: Final = 3
SHORTEST_TOKEN: Final = 8
"""Characters of a token that is looked for in texts. A shorter one is a part of ordinary words, and no service gives
one: to take it out would garble every message, and tell by what is missing what it is."""
# Twice of what an error keeps of a body at most. The rest is dropped unread: to look through all of a large body would
# hold up the event loop for seconds.
_LOOKED_AT: Final = 128 * 1024


class Secret:
    """A token. Its text is had by `reveal` alone: not by ``repr``, a traceback's locals, or a pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: object) -> None:
        """Check that it can stand in a header.

        Raises:
            ConfigurationError: it is empty, no string, or holds white space, a control or a non-ASCII character.
        """
        if not isinstance(text, str) or not re.fullmatch(_SENDABLE, text):
            del text  # a traceback may show this frame's variables
            msg = "a token must be a non-empty string of printable ASCII, without spaces or line breaks"
            raise ConfigurationError(msg)
        self._text = text

    def or_other(self, text: object) -> "Secret":
        """Give this very secret for its own text, which is not checked again, and a new one for any other.

        Raises:
            ConfigurationError: as for a new one.
        """
        try:
            return self if text == self._text else Secret(text)
        finally:
            del text  # a traceback may show this frame's variables

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


def _spellings(secret: Secret) -> list[str]:
    """Give the forms in which a server can have written a token: as it is, in a URL, in JSON, in HTML, in a repr."""
    text = secret.reveal()
    escaped = text.replace("\\", "\\\\")
    json = escaped.replace('"', '\\"')
    spellings = {text, escaped, text.translate(_IN_HTML), json, escaped.replace("'", "\\'")}
    # PHP and others write a slash so in JSON.
    spellings |= {text.replace("/", "\\/"), json.replace("/", "\\/")}
    for percent in (quote(text, safe=""), quote(text)):
        spellings |= {percent, re.sub(_PERCENT, lambda found: found[0].lower(), percent)}
    return sorted(spellings, key=len, reverse=True)


def scrub_text(text: str, secrets: Iterable[Secret]) -> str:
    """Replace each token in a text, and the beginning or the end of one: a server may have cut it short.

    Of a text in which it stands in another code, such as base64, nothing is left; of one that is longer than any that
    is shown, the beginning. A token of a few letters stays where it is: nobody could tell it from a word.
    """
    text = text[:_LOOKED_AT]
    for secret in dict.fromkeys(secrets):
        if len(secret.reveal()) < SHORTEST_TOKEN:
            continue
        spellings = _spellings(secret)
        for spelling in spellings:
            text = text.replace(spelling, _MASK)
        text = _beginnings_masked(text, spellings, _MASK)
        backwards = [spelling[::-1] for spelling in spellings]
        text = _beginnings_masked(text[::-1], backwards, _MASK[::-1])[::-1]
        if _is_hidden(text, secret.reveal()):
            return _MASK
    return text


def _beginnings_masked(text: str, spellings: list[str], mask: str) -> str:
    for head in {spelling[:_SHORTEST] for spelling in spellings if len(spelling) > _SHORTEST}:
        tails = [spelling[_SHORTEST:] for spelling in spellings if spelling.startswith(head)]
        first, *pieces = text.split(head)
        kept = [first]
        for piece in pieces:
            kept += [mask, piece[max(_shared(piece, tail) for tail in tails) :]]
        text = "".join(kept)
    return text


def _is_hidden(text: str, token: str) -> bool:
    """Tell whether a token can be read in a text once that is decoded: base64, hex, or each character escaped."""
    if len(token) < _SHORTEST:
        return False
    ends = (token[:_SHORTEST], token[-_SHORTEST:])
    hexadecimal = token.encode().hex()[: 2 * _SHORTEST]
    coded = {hexadecimal, hexadecimal.upper()}
    for shift in range(3):
        # Of base64, what depends on neither the bytes before the token nor those behind it.
        base64 = b64encode(bytes(shift) + token.encode()).decode()[4 : 4 + _SHORTEST]
        coded |= {base64, base64.translate(_URL_SAFE)}
    if any(code in text for code in coded):
        return True
    for _ in range(_CODES_WITHIN_CODES):
        plain = unquote(_out_of_html(re.sub(_ESCAPED, lambda found: chr(int(found[1], 16)), text)))
        plain = plain.replace("\\", "").replace("\0", "")
        if any(end in plain for end in ends):
            return True
        if plain == text:
            return False
        text = plain
    return False


def _out_of_html(text: str) -> str:
    if "&" not in text:
        return text
    import html  # noqa: PLC0415  # it brings a table of 2,000 entities, and few texts hold one

    # Python refuses to read a number of thousands of digits.
    return html.unescape(re.sub(_NO_CHARACTER, "", re.sub(_LEADING_ZEROS, r"\1", text)))


def _shared(one: str, other: str) -> int:
    """Count the characters that two texts begin with in common."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def scrub_bytes(data: bytes, secrets: Iterable[Secret]) -> bytes:
    """Replace each token in bytes, as `scrub_text` does."""
    # Latin-1 maps each byte to one character and back; tokens are ASCII.
    return scrub_text(data[:_LOOKED_AT].decode("latin-1"), secrets).encode("latin-1")


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
        return tuple(_scrub(part, secrets) for part in cast("tuple[Any, ...]", value))
    if isinstance(value, Attempt):
        return attrs.evolve(value, request_id=_scrub(value.request_id, secrets))
    return value
