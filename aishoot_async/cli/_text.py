"""Pure: text as people read it, without control characters, passwords, tokens and words of Python."""

import os
import re
from typing import Final

from aishoot_async.secret import SHORTEST_TOKEN

# Behind a user a password may hold a slash, but for that of a port and a path. Bounded: it is searched for everywhere.
_USER_INFO: Final = re.compile(r"://(?:[^\s/@:]{1,300}:(?!\d{1,5}/)\S{0,300}|[^\s/]{1,300})@")
_JOINERS: Final = "\u200c\u200d"
"""What joins letters of Persian and Indic words, and the parts of an emoji, or keeps them apart: they steer nothing."""
_SINGULAR: Final = {"are": "is", "were": "was", "have": "has"}
_TOKEN_VARIABLES: Final = ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN")
# A token from elsewhere: as a header shows it, or in the form of a JSON Web Token, which has three parts.
_IN_HEADER: Final = re.compile(r"(?<=Bearer )[\w.~+/=-]+")
_DOTTED: Final = re.compile(r"[\w.-]++")
_WEB_TOKEN: Final = re.compile(r"\beyJ")
_WEB_TOKEN_PARTS: Final = 3
_MASK: Final = "[token]"

FLAGS: Final = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "base_url",
        "bom",
        "columns",
        "decide",
        "force",
        "max_delete",
        "organization",
        "patience",
        "prefer",
        "proxy",
        "prune",
        "refresh",
        "restart",
        "settle",
        "shard",
        "state",
        "strict",
    )
} | {"project_filter": "--project", "sku_id_filter": "--id-filter"}
"""Arguments of Python that are options of the command line, too."""

_NAMES: Final = "|".join(FLAGS)
# Where a name is that of an argument: with its value, in front of what is said of it, or as what is to be used.
_AS_ARGUMENT: Final = re.compile(
    rf"(\b)({_NAMES})=(?:True\b|\.\.\.)"
    rf"|(^|, )({_NAMES})(?= (?:must|is for|are for|is http|is no absolute|keeps|names|says|\(or))"
    r"|\b(use |with |without |needs )(force|max_delete|prune|columns)\b"
)
# What the command line says otherwise, or has no option for.
_PHRASES: Final = (
    (re.compile(r", or insecure_http=True\b"), ""),
    (re.compile(r" \((?:Timeouts|Limits|RetryPolicy)\.\w+\)"), ""),
    (re.compile(r"\bLimits\(response_bytes=[^)]*\)"), "--max-response"),
    (re.compile(r"\bLimits\.response_bytes \((\d+ bytes)\)"), r"\1"),
    (re.compile(r" with organization= \(on the command line: (--organization)\)"), r" with \1"),
    (re.compile(r"^auth_url(?= )"), "AISHOOT_AUTH_URL"),
    (re.compile(r" \(auth_url\)"), ""),
    (re.compile(r"(?<=not )\((\d+), (\d+)\)$"), r"\1/\2"),
    (re.compile(r"(?<=must be )\(number from 1, count\)"), "I/N, with I from 1 to N"),
)


def counted(number: int, things: str) -> str:
    """Return "2 SKUs are left" for two, and "1 SKU is left" for one; the noun comes first."""
    if number != 1:
        return f"{number:,} {things}"
    noun, *rest = things.split(" ")
    return " ".join(["1", noun.removesuffix("s"), *(_SINGULAR.get(word, word) for word in rest)])


def printable(text: str) -> str:
    """Make foreign text one harmless line: a line break could forge a message, a control could steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in _JOINERS
        else " "
        if char.isspace()
        else char.encode("unicode_escape").decode()
        for char in text
    )


def without_passwords(text: str) -> str:
    """Hide what stands before the host of a URL: a proxy's may have been typed, or set, with its password."""
    return _USER_INFO.sub("://***@", text) if "@" in text else text


def without_tokens(text: str) -> str:
    """Hide the tokens of the environment, and whatever reads like a token."""
    for name in _TOKEN_VARIABLES:
        token = os.environ.get(name, "")
        if len(token) >= SHORTEST_TOKEN:
            text = text.replace(token, _MASK)
    return _DOTTED.sub(_without_web_token, _IN_HEADER.sub(_MASK, text))


def _without_web_token(found: re.Match[str]) -> str:
    word = found[0]
    begins = _WEB_TOKEN.search(word)
    # Recognised by the dots of the whole word: to try each place where a token may begin takes too long in a long word.
    if begins is None or word.count(".", begins.start()) < _WEB_TOKEN_PARTS - 1:
        return word
    return word[: begins.start()] + _MASK


def in_flags(message: str) -> str:
    """Say a message of the library in the words of the command line: ``restart=True`` is typed ``--restart``."""
    for pattern, instead in _PHRASES:
        message = pattern.sub(instead, message)
    return _AS_ARGUMENT.sub(_flag, message)


def _flag(found: re.Match[str]) -> str:
    before, name = (group for group in found.groups() if group is not None)
    return f"{before}{FLAGS[name]}"
