"""Pure: the rules for keys: how a key is cleaned, which keys look the same, and which may be one key saved anew."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

# Unicode's Default_Ignorable_Code_Point: characters that show nothing. The standard library has no table of them.
_IGNORABLE_RANGES: Final = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
_INVISIBLE: Final[Mapping[int, str]] = {
    code: "" for first, last in _IGNORABLE_RANGES for code in range(first, last + 1)
}
# A hyphen and a non-breaking hyphen have one glyph; the blank Braille pattern has that of a blank.
_SAME_GLYPH: Final[Mapping[int, str]] = {0x2010: "-", 0x2011: "-", 0x2800: " "}
_LOOK: Final = {**_INVISIBLE, **_SAME_GLYPH}
_NO_LETTER: Final = re.compile(r"[\W_]+")
_NUMBER: Final = re.compile(r"(\d++)(?:\.(\d*+))?+")


def without_invisible(text: str) -> str:
    """Return a text without the characters that show nothing."""
    return text if text.isascii() else text.translate(_INVISIBLE)


def clean_key(key: str) -> str:
    """Return a key without white space and characters that show nothing at its ends."""
    if key.isascii():
        return key.strip()
    first, last = 0, len(key)
    while first < last and _is_blank(key[first]):
        first += 1
    while last > first and _is_blank(key[last - 1]):
        last -= 1
    return key[first:last]


def _is_blank(character: str) -> bool:
    return character.isspace() or ord(character) in _INVISIBLE


def key_identity(key: str) -> str:
    """Return what two keys have in common exactly when they look the same.

    Composed and decomposed letters are one, characters that show nothing are left out, and any white space is one
    blank. Case is kept: there are shops whose keys differ by nothing else.
    """
    visible = key if key.isascii() else unicodedata.normalize("NFC", key.translate(_LOOK))
    return " ".join(visible.split())


def drifted_key(key: str) -> str:
    """Return what a key has in common with itself once a spreadsheet has saved it, which takes zeros, for one.

    Two keys that have it in common may be two keys all the same: this is a reason to ask, and never one to act.
    """
    text = unicodedata.normalize("NFKC", key_identity(key)).casefold()
    number = _NUMBER.fullmatch(text)
    if number is not None:
        whole, fraction = number[1].lstrip("0"), (number[2] or "").rstrip("0")
        # Of nothing but zeros, one is left.
        return f"{whole or number[1][-1]}.{fraction}" if fraction else whole or number[1][-1]
    folded = _NO_LETTER.sub("-", text)
    return text if folded == "-" else folded.lstrip("0")


def twin_problem(key: str, other: str, where: str) -> str:
    """Return why a key cannot stand beside another one.

    Args:
        key: the key.
        other: the key that is there already.
        where: where that is, such as ``" in line 2"``; empty where there is no file.
    """
    if key == other:
        return f"key {key!r} is there twice{f', first{where}' if where else ''}"
    return (
        f"key {key!a} looks the same as {other!a}{where}: they are one key, or somebody takes one for the other. "
        f"Spell them alike, or apart"
    )


def respelled(keys: Iterable[str], known: Iterable[str]) -> Mapping[str, str]:
    """Find the known keys that a catalog spells otherwise, though they look the same.

    Args:
        keys: the catalog's.
        known: those of earlier runs.

    Returns:
        The catalog's spelling by the known one. Where several known keys look the same, there is none: which of them
        it is cannot be known.
    """
    spelled = {key_identity(key): key for key in keys}
    exact = set(spelled.values())
    found: dict[str, list[str]] = {}
    for key in known:
        identity = key_identity(key)
        if identity in spelled:
            found.setdefault(identity, []).append(key)
    return {olds[0]: spelled[identity] for identity, olds in found.items() if len(olds) == 1 and olds[0] not in exact}
