"""Messages of the library, in words of the command line: what Python calls ``restart=True`` is typed ``--restart``."""

import re
from typing import Final

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
"""Options that are arguments in Python, and options of the command line."""

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


def in_flags(message: str) -> str:
    """Say it with the options of the command line."""
    for pattern, instead in _PHRASES:
        message = pattern.sub(instead, message)
    return _AS_ARGUMENT.sub(_flag, message)


def _flag(found: re.Match[str]) -> str:
    before, name = (group for group in found.groups() if group is not None)
    return f"{before}{FLAGS[name]}"
