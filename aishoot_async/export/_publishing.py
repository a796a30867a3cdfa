"""From where parts are staged to the destination: what has changed, and no more. Blocking; done again after a crash."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import attrs

from ..errors import ExportError
from ._files import is_there
from ._journal import Journal
from ._life import Content, Part, State, Unit
from ._places import Place, empty_folder


class Staged(Protocol):
    """The staged parts of a brief."""

    def has(self, number: int) -> bool:
        """Whether a part is there."""
        ...

    def move(self, number: int, place: Place, name: str) -> None:
        """Give a part its name at the destination, in place of what had it."""
        ...

    def clear(self) -> None:
        """Remove what is left, and the place that it lay in."""
        ...


@attrs.frozen
class StagedFolder:
    """Parts in a folder of this machine."""

    folder: Path

    def has(self, number: int) -> bool:
        """See `Staged.has`."""
        return is_there(self._path(number))

    def move(self, number: int, place: Place, name: str) -> None:
        """See `Staged.move`."""
        place.publish(self._path(number), name)

    def clear(self) -> None:
        """See `Staged.clear`."""
        if self.folder.is_dir():
            empty_folder(self.folder)
            self.folder.rmdir()

    def _path(self, number: int) -> Path:
        return staged_part(self.folder, number)


def staged_part(folder: Path, number: int) -> Path:
    """Name a staged part."""
    # No format's own ending: whoever reads the folder by a pattern must not find it.
    return folder / f"part-{number:05}.staged"


def publish(place: Place, staged: Staged, journal: Journal, unit: Unit) -> tuple[Unit, int]:
    """Publish a brief whose parts are all staged.

    Returns:
        Its new row, and how many parts were replaced or are new.

    Raises:
        ExportError: a staged part is gone.
    """
    content = unit.reading
    if content is None:
        raise AssertionError("nothing is staged")
    before = {part.number: part.sha256 for part in (unit.published or Content()).parts}
    moved = 0
    for part in content.staged:
        name = place.part_name(unit.name, part.number)
        if before.get(part.number) == part.sha256 and place.holds(name, part):
            continue
        if staged.has(part.number):
            staged.move(part.number, place, name)
            moved += 1
        elif not place.holds(name, part):
            raise ExportError(
                f"part {part.number} of {unit.name} is staged no more, and {name} is not what it was; "
                f"begin anew with restart=True"
            )
    kept = {place.part_name(unit.name, part.number) for part in content.staged}
    for name in place.names(unit.name):
        if name not in kept:
            place.remove(name)
    done = unit.after("publish", reading=None, published=attrs.evolve(content, attempt=""))
    journal.save(done)
    staged.clear()
    return done, moved


def look_up_published(place: Place, units: Iterable[Unit]) -> Iterator[tuple[Unit, Part, str, int | None]]:
    """Give each part that was published, with its name and the size of what stands there, which may be nothing."""
    # What waits to be published is half there.
    published = [unit for unit in units if unit.published and unit.state is not State.PUBLISHING]
    parts = [
        (unit, part, place.part_name(unit.name, part.number))
        for unit in published
        for part in (unit.published or Content()).parts
    ]
    sizes = place.sizes([name for _, _, name in parts])
    return ((unit, part, name, sizes.get(name)) for unit, part, name in parts)


def see_that_all_is_there(place: Place, units: Iterable[Unit]) -> None:
    """See, at the end, that nobody has taken away what was published.

    Raises:
        ExportError: somebody has.
    """
    for _, part, name, size in look_up_published(place, units):
        if size != part.size:
            what = "taken away" if size is None else "changed"
            raise ExportError(f"{name} in {place.title} was {what} while the export went on; run it again")
