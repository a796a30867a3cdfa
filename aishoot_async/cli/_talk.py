"""Everything that is said on stderr: messages, progress, logs. stdout is for data."""

import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_PLAIN_EVERY: Final = 5.0  # seconds between two lines of progress that is no bar

Update = Callable[[int, int | None], None]


@attrs.frozen
class Talk:
    """Says what is going on, in the way that was asked for.

    Attributes:
        quiet: say only what went wrong.
        verbose: say more.
        as_json: one JSON object a line.
    """

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    console: Console = attrs.field(factory=lambda: Console(stderr=True, highlight=False, soft_wrap=True), repr=False)

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
            self.console.print(advice, markup=False)

    def ask(self, question: str) -> None:
        """Put a question, and leave the cursor behind it."""
        self.console.print(question, end="", markup=False)

    def _say(self, level: str, message: str, facts: dict[str, Any]) -> None:
        if self.as_json:
            entry = {"time": datetime.now(UTC).isoformat(), "level": level, "message": message, **facts}
            sys.stderr.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")
            return
        style = {"warning": "yellow", "error": "red"}.get(level)
        prefix = "" if level == "info" else f"{level}: "
        self.console.print(f"{prefix}{message}", style=style, markup=False)

    @contextlib.contextmanager
    def progress(self, what: str) -> Generator[Update]:
        """Show how far something is: a bar on a terminal, a line now and then elsewhere."""
        if self.quiet:
            yield lambda _done, _total: None
        elif self.console.is_terminal and not self.as_json:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            with Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True) as bar:
                task = bar.add_task(what, total=None)
                yield lambda done, total: bar.update(task, completed=done, total=total)
        else:
            yield self._lines(what)

    def _lines(self, what: str) -> Update:
        said = time.monotonic()

        def update(done: int, total: int | None) -> None:
            nonlocal said
            if time.monotonic() - said >= _PLAIN_EVERY:
                said = time.monotonic()
                self.note(f"{what}: {done} of {'?' if total is None else total}", done=done, total=total)

        return update

    @contextlib.contextmanager
    def logs(self) -> Generator[None]:
        """Pass on what the library logs: warnings, and with ``verbose`` everything."""
        logger, handler = logging.getLogger("aishoot_async"), _Handler(self)
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if self.verbose else logging.ERROR if self.quiet else logging.WARNING)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)


class _Handler(logging.Handler):
    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self._talk = talk

    def emit(self, record: logging.LogRecord) -> None:
        say = self._talk.warn if record.levelno >= logging.WARNING else self._talk.note
        say(record.getMessage(), logger=record.name)
