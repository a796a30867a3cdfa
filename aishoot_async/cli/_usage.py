"""A command line that cannot be understood: what is wrong with it, what may have been meant, and where to look."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from cyclopts import (
    Argument,
    CoercionError,
    CycloptsError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from ._failures import USAGE
from ._talk import Talk

_EVERYWHERE: Final = ("--help", "-h", "--version")


def complain(error: CycloptsError, global_options: Iterable[Argument], arguments: Sequence[str]) -> int:
    """Say what is wrong; give the exit code."""
    where = " ".join(("aishoot", *(error.command_chain or ())))
    known = [*_names(global_options), *_EVERYWHERE]
    Talk.named_in(arguments).error(_sentence(error, known), advice=f"See {where} --help.")
    return USAGE


def _sentence(error: CycloptsError, everywhere: list[str]) -> str:
    unused = (error.unused_tokens or [""])[0]
    if isinstance(error, UnknownOptionError):
        return _unknown_option(
            error.token.keyword or error.token.value, [*_names(error.argument_collection), *everywhere]
        )
    if isinstance(error, UnknownCommandError) and unused.startswith("-"):
        # What stands before a command is taken for one by cyclopts, which then looks among the commands alone.
        return _unknown_option(unused, everywhere)
    if isinstance(error, UnusedCliTokensError):
        return f'Unexpected argument: "{unused}".'
    if isinstance(error, CoercionError) and error.msg is not None and error.argument is not None:
        # Of what a converter of our own refuses, cyclopts does not always name the option.
        name = error.argument.name
        return f"Invalid value for {name if name.startswith('--') else name.upper()}: {error.msg}."
    return str(error)


def _names(options: Iterable[Argument]) -> list[str]:
    return [name for option in options if option.parse for name in option.names if name.strip("-")]


def _unknown_option(given: str, known: list[str]) -> str:
    name = given.split("=", 1)[0]
    if name in known:
        return f"{name} stands behind --, where nothing is taken for an option."
    meant = difflib.get_close_matches(name, known, n=1)
    return f"Unknown option: {name}.{f' Did you mean {meant[0]}?' if meant else ''}"
