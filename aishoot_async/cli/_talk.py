"""Everything that is said on stderr: messages, progress, logs. stdout is for data."""

import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self

import attrs
from rich.console import Console

from ._flags import in_flags

_PLAIN_EVERY: Final = 5.0  # seconds between two lines of progress that is no bar
# Behind a user a password may hold a slash, but for that of a port and a path. Bounded: it is searched for everywhere.
_USER_INFO: Final = re.compile(r"://(?:[^\s/@:]{1,300}:(?!\d{1,5}/)\S{0,300}|[^\s/]{1,300})@")


JOINERS: Final = "\u200c\u200d"
"""What joins letters of Persian and Indic words, and the parts of an emoji, or keeps them apart: they steer nothing."""


_OF_ONE: Final = {"are": "is", "were": "was", "have": "has"}


def counted(number: int, things: str) -> str:
    """Say how many there are: "2 SKUs are left", and of one "1 SKU is left"; the noun comes first."""
    if number != 1:
        return f"{number:,} {things}"
    noun, *rest = things.split(" ")
    return " ".join(["1", noun.removesuffix("s"), *(_OF_ONE.get(word, word) for word in rest)])


class Update(Protocol):
    """Moves what shows how far something is."""

    def __call__(self, done: int, total: int | None, details: str = "", /) -> None:
        """Show that so much of the total, if that is known, is done."""
        ...


def without_passwords(text: str) -> str:
    """Hide what stands before the host of a URL: a proxy's may have been typed, or set, with its password."""
    return _USER_INFO.sub("://***@", text) if "@" in text else text


def printable(text: str) -> str:
    """Make one line of a text that comes from elsewhere: a line break could forge one, a control steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in JOINERS
        else " "
        if char.isspace()
        else char.encode("unicode_escape").decode()
        for char in text
    )


@attrs.frozen
class Talk:
    """Says what is going on, in the way that was asked for.

    Attributes:
        quiet: say only what went wrong.
        verbose: say more.
        as_json: one JSON object a line.
        command: the command that runs, as it is typed.
    """

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    command: str = "aishoot"
    console: Console = attrs.field(
        factory=lambda: Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True), repr=False
    )

    @classmethod
    def named_in(cls, arguments: Sequence[str]) -> Self:
        """Make one for a command line that could not be read to its end: nothing but the form is looked for."""
        pairs = zip(arguments, [*arguments[1:], ""], strict=True)
        return cls(as_json=("--log-format", "json") in pairs or "--log-format=json" in arguments)

    def note(self, message: str, **facts: Any) -> None:
        """Say something that is good to know."""
        if not self.quiet:
            self._say("info", message, facts)

    def warn(self, message: str, **facts: Any) -> None:
        """Say something that must not be missed."""
        self._say("warning", message, facts)

    def error(self, message: str, advice: str = "", **facts: Any) -> None:
        """Say what went wrong, and what to do about it."""
        self._say("error", message, {"advice": advice, **facts} if self.as_json and advice else facts)
        if advice and not self.as_json:
            self.console.print(printable(advice))

    def trace(self, message: str, traceback: str, **facts: Any) -> None:
        """Say that something of our own went wrong, and where."""
        traceback = without_passwords(traceback)
        if self.as_json:
            self._say("error", message, {**facts, "traceback": traceback})
            return
        self._say("error", message, facts)
        self.console.print(", ".join(f"{name} {value}" for name, value in facts.items()))
        self.console.print(traceback, end="")

    def show(self, *lines: str) -> None:
        """Show lines that somebody has to act on, quiet or not."""
        for line in lines:
            self.console.print(printable(line))

    def ask(self, question: str) -> None:
        """Put a question, and leave the cursor behind it."""
        if self.as_json:
            self._say("question", question, {})
        else:
            self.console.print(f"{printable(question)} [y/N] ", end="")

    def end_line(self) -> None:
        """Go on below what the terminal itself has shown: a question without an answer, or ``^C``."""
        if sys.stderr.isatty() and not self.as_json:
            self.console.print()

    def _say(self, level: str, message: str, facts: dict[str, Any]) -> None:
        message = without_passwords(message)
        if self.as_json:
            entry = {"time": datetime.now(UTC).isoformat(), "level": level, "message": message, **facts}
            # In ASCII: an encoding that lacks a character would write it in a way that is no JSON.
            sys.stderr.write(json.dumps(entry, default=str) + "\n")
            return
        style = {"warning": "yellow", "error": "red"}.get(level)
        prefix = "" if level == "info" else f"{level}: "
        self.console.print(f"{prefix}{printable(message)}", style=style)

    @contextlib.contextmanager
    def progress(self, what: str) -> Generator[Update]:
        """Show how far something is: a bar on a terminal, a line now and then elsewhere."""
        if self.quiet:
            yield lambda _done, _total, _details="", /: None
        elif sys.stderr.isatty() and not self.console.is_dumb_terminal and not self.as_json:
            from ._bar import bar  # noqa: PLC0415  # slow to import

            with bar(what, self.console) as update:
                yield update
        else:
            yield self._lines(what)

    def _lines(self, what: str) -> Update:
        begun = said = time.monotonic()

        def update(done: int, total: int | None, details: str = "", /) -> None:
            nonlocal said
            if time.monotonic() - said >= _PLAIN_EVERY:
                said = time.monotonic()
                rate = done / (said - begun)
                more = f", {details}" if details else ""
                self.note(
                    f"{what}: {done} of {'?' if total is None else total}, {rate:.0f} a second{more}",
                    done=done,
                    total=total,
                )

        return update

    @contextlib.contextmanager
    def logs(self) -> Generator[None]:
        """Pass on what is logged: warnings, and with ``verbose`` everything of the library's own."""
        root, ours, handler = logging.getLogger(), logging.getLogger("aishoot_async"), _Handler(self)
        handler.setLevel(logging.ERROR if self.quiet else logging.NOTSET)
        level = ours.level
        root.addHandler(handler)
        ours.setLevel(logging.DEBUG if self.verbose else logging.WARNING)
        try:
            yield
        finally:
            root.removeHandler(handler)
            ours.setLevel(level)


class _Handler(logging.Handler):
    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self._talk = talk

    def emit(self, record: logging.LogRecord) -> None:
        say = self._talk.warn if record.levelno >= logging.WARNING else self._talk.note
        say(in_flags(record.getMessage()), logger=record.name)
