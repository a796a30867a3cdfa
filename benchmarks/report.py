"""What a scene gives: tables for people, runs for machines, figures for the goals."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from benchmarks.runs import Spread


def counted(rounds: int) -> str:
    """Say how many rounds there were."""
    return "one round" if rounds == 1 else f"{rounds} rotated rounds"


@attrs.frozen
class Table:
    """A table: the words above it, its head, its rows."""

    about: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return "\n".join([self.about, "", *(f"| {' | '.join(line)} |" for line in lines)])


@attrs.frozen
class Report:
    """What a scene came to.

    Attributes:
        title: its heading.
        tables: for people.
        runs: all runs, for machines.
        figures: what the goals and the plot go by, by name.
    """

    title: str
    tables: Sequence[Table]
    runs: Mapping[str, Any]
    figures: Mapping[str, Spread] = attrs.Factory(dict)

    def markdown(self) -> str:
        return "\n\n".join([f"## {self.title}", *(table.markdown() for table in self.tables)])
