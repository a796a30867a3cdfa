"""A bar on a terminal: how far something is."""

import contextlib
from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.text import Text

if TYPE_CHECKING:
    from ._talk import Update

_BAR_FROM: Final = 100  # columns; in a narrower terminal the numbers need the room
_RATE_FROM: Final = 60
_BAR_WIDTH: Final = 30
_BESIDE: Final = 3  # columns of the spinner, and of the gap beside each column


class _Line(ProgressColumn):
    """The numbers, then what they are of; what finds no room is cut off at the end, where it is missed least."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def render(self, task: Task) -> Text:
        """Give as much as finds room beside the spinner and the bar."""
        total = "?" if task.total is None else f"{task.total:,.0f}"
        parts = [f"{task.completed:,.0f}/{total}"]
        width = self._console.width
        if task.speed is not None and width >= _RATE_FROM:
            parts.append(f"{task.speed:,.0f}/s")
        if task.time_remaining is not None:
            parts.append(f"{timedelta(seconds=round(task.time_remaining))} left")
        details = f", {task.fields['details']}" if task.fields["details"] else ""
        line = Text(f"{' '.join(parts)} {task.description}{details}")
        line.truncate(width - _BESIDE - (_BAR_WIDTH + 1 if width >= _BAR_FROM else 0), overflow="ellipsis")
        return line


@contextlib.contextmanager
def bar(what: str, console: Console) -> "Generator[Update]":
    """Show a bar for as long as it lasts; what is given moves it."""
    moving = (BarColumn(_BAR_WIDTH),) if console.width >= _BAR_FROM else ()
    with Progress(SpinnerColumn(), *moving, _Line(console), console=console, transient=True) as progress:
        task = progress.add_task(what, total=None, details="")
        yield lambda done, total, details="", /: progress.update(task, completed=done, total=total, details=details)
