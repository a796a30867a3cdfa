"""What is said on stderr: messages, progress, logs. stdout is for data."""

import contextlib
import json
import logging
import sys
import time
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import attrs
from rich.console import Console as RichConsole

from ._text import in_flags, printable, without_passwords

if TYPE_CHECKING:
    from rich.progress import Task

_LINE_INTERVAL: Final = 5.0  # seconds between two lines of progress where there is no bar
_BAR_WIDTH: Final = 30
_MIN_WIDTH_FOR_BAR: Final = 100  # columns; a narrower terminal has room for the numbers alone
_MIN_WIDTH_FOR_RATE: Final = 60


class Update(Protocol):
    """Shows how far something is."""

    def __call__(self, done: int, total: int | None, details: str = "", /) -> None:
        """Show that so much of the total, if that is known, is done."""
        ...


@attrs.frozen
class Console:
    """Says what is going on, in the form that was asked for.

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
    terminal: RichConsole = attrs.field(
        factory=lambda: RichConsole(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True), repr=False
    )

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Self:
        """Make one for a command line that could not be parsed: only the form is looked for."""
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
            self.show(advice)

    def crash(self, message: str, traceback: str, **facts: Any) -> None:
        """Say that something of our own went wrong, and where."""
        traceback = without_passwords(traceback)
        if self.as_json:
            self._say("error", message, {**facts, "traceback": traceback})
            return
        self._say("error", message, facts)
        self.terminal.print(", ".join(f"{name} {value}" for name, value in facts.items()))
        self.terminal.print(traceback, end="")

    def show(self, *lines: str) -> None:
        """Show lines that somebody has to act on, quiet or not."""
        for line in lines:
            self.terminal.print(printable(line))

    def ask(self, question: str) -> None:
        """Put a question, and leave the cursor behind it."""
        if self.as_json:
            self._say("question", question, {})
        else:
            self.terminal.print(f"{printable(question)} [y/N] ", end="")

    def end_line(self) -> None:
        """Go on below what the terminal itself has shown: a question without an answer, or ``^C``."""
        if sys.stderr.isatty() and not self.as_json:
            self.terminal.print()

    def _say(self, level: str, message: str, facts: dict[str, Any]) -> None:
        message = without_passwords(message)
        if self.as_json:
            entry = {"time": datetime.now(UTC).isoformat(), "level": level, "message": message, **facts}
            # In ASCII: an encoding that lacks a character would write it in a way that is no JSON.
            sys.stderr.write(json.dumps(entry, default=str) + "\n")
            return
        style = {"warning": "yellow", "error": "red"}.get(level)
        prefix = "" if level == "info" else f"{level}: "
        self.terminal.print(f"{prefix}{printable(message)}", style=style)

    @contextlib.contextmanager
    def progress(self, what: str) -> Generator[Update]:
        """Show how far something is: a bar on a terminal, a line now and then elsewhere."""
        if self.quiet:
            yield lambda _done, _total, _details="", /: None
        elif sys.stderr.isatty() and not self.terminal.is_dumb_terminal and not self.as_json:
            with bar(what, self.terminal) as update:
                yield update
        else:
            yield self._lines(what)

    def _lines(self, what: str) -> Update:
        begun = said = time.monotonic()

        def update(done: int, total: int | None, details: str = "", /) -> None:
            nonlocal said
            if time.monotonic() - said >= _LINE_INTERVAL:
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
        """Say what is logged: warnings, and with ``verbose`` everything of the library's own."""
        root, ours, handler = logging.getLogger(), logging.getLogger("aishoot_async"), _LogHandler(self)
        handler.setLevel(logging.ERROR if self.quiet else logging.NOTSET)
        level = ours.level
        root.addHandler(handler)
        ours.setLevel(logging.DEBUG if self.verbose else logging.WARNING)
        try:
            yield
        finally:
            root.removeHandler(handler)
            ours.setLevel(level)


class _LogHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        say = self._console.warn if record.levelno >= logging.WARNING else self._console.note
        say(in_flags(record.getMessage()), logger=record.name)


@contextlib.contextmanager
def bar(what: str, terminal: RichConsole) -> Generator[Update]:
    """Show a moving bar, and beside it the numbers; what finds no room is cut off at the end of the line."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn  # noqa: PLC0415  # slow to import
    from rich.table import Column  # noqa: PLC0415

    bars = (BarColumn(_BAR_WIDTH),) if terminal.width >= _MIN_WIDTH_FOR_BAR else ()
    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    text = TextColumn("{task.description}", markup=False, table_column=rest)
    with Progress(SpinnerColumn(), *bars, text, console=terminal, transient=True, expand=True) as progress:
        task = progress.add_task(f"0/? {what}", total=None)

        def update(done: int, total: int | None, details: str = "", /) -> None:
            progress.update(task, completed=done, total=total)
            numbers = _numbers(progress.tasks[0], has_rate=terminal.width >= _MIN_WIDTH_FOR_RATE)
            progress.update(task, description=f"{numbers} {what}{f', {details}' if details else ''}")

        yield update


def _numbers(task: "Task", *, has_rate: bool) -> str:
    parts = [f"{task.completed:,.0f}/{'?' if task.total is None else f'{task.total:,.0f}'}"]
    if has_rate and task.speed is not None:
        parts.append(f"{task.speed:,.0f}/s")
    if task.time_remaining is not None:
        parts.append(f"{timedelta(seconds=round(task.time_remaining))} left")
    return " ".join(parts)
