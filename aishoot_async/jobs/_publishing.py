"""From where parts are staged to the destination: what has changed, and no more. Blocking; done again after a crash."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import attrs

from ..errors import JobError
from ..storage.destinations import Destination, ObjectStore, empty_folder, path_exists
from ._layout import Shard, attempt_of, staged_object, staged_part, store_staging
from ._units import Part, PartSet, State, Unit

PartNamer = Callable[[str, int], str]
"""Returns the name of a unit's part at the destination."""


class StagedParts(Protocol):
    """The staged parts of a unit."""

    def has(self, number: int) -> bool:
        """Return whether a part is there."""
        ...

    def move(self, number: int, destination: Destination, name: str) -> None:
        """Move a part to its name at the destination, in place of what had it."""
        ...

    def clear(self) -> None:
        """Remove what is left."""
        ...


@attrs.frozen
class StagedFolder:
    """Parts in a folder of this machine."""

    folder: Path

    def has(self, number: int) -> bool:
        return path_exists(staged_part(self.folder, number))

    def move(self, number: int, destination: Destination, name: str) -> None:
        destination.publish(staged_part(self.folder, number), name)

    def clear(self) -> None:
        if self.folder.is_dir():
            empty_folder(self.folder)
            self.folder.rmdir()


@attrs.frozen
class StagedObjects:
    """Parts that an attempt of another machine has staged in the object store itself."""

    store: ObjectStore
    shard: Shard
    attempt: str

    def has(self, number: int) -> bool:
        return self.store.size(staged_object(self.shard.name, self.attempt, number)) is not None

    def move(self, number: int, destination: Destination, name: str) -> None:  # noqa: ARG002  # it is the store
        self.store.rename(staged_object(self.shard.name, self.attempt, number), name)

    def clear(self) -> None:
        remove_staged_objects(self.store, self.shard, lambda attempt: attempt == self.attempt)


def remove_staged_objects(store: ObjectStore, shard: Shard, is_unwanted: Callable[[str], bool]) -> None:
    """Remove what attempts have staged in a store for a shard."""
    for name in store.list_files(store_staging(shard)):
        attempt = attempt_of(name)
        if attempt is not None and is_unwanted(attempt):
            store.discard(name)


@attrs.frozen(kw_only=True)
class Publication:
    """A unit whose parts are staged, and where they are to appear.

    Attributes:
        unit: its row; ``unit.reading`` is what is staged, ``unit.published`` what stood there before.
        destination: where to.
        staged: its staged parts.
        part_name: returns the name of a part, by the unit's name and the part's number.
        find_parts: lists the names of the unit's parts that are there, whoever has written them.
        error: what is raised.
    """

    unit: Unit
    destination: Destination
    staged: StagedParts
    part_name: PartNamer
    find_parts: Callable[[str], Iterable[str]]
    error: type[JobError]

    def publish_parts(self) -> int:
        """Move the parts that have changed, remove those that are no more; return how many have moved.

        Raises:
            JobError: a staged part is gone.
        """
        unit, destination, staged = self.unit, self.destination, self.staged
        parts = (unit.reading or PartSet()).staged
        before = {part.number: part.sha256 for part in (unit.published or PartSet()).parts}
        names = {part.number: self.part_name(unit.name, part.number) for part in parts}
        moved = 0
        for part in parts:
            name = names[part.number]
            if before.get(part.number) == part.sha256 and destination.contains(name, part.size, part.sha256):
                continue
            if staged.has(part.number):
                staged.move(part.number, destination, name)
                moved += 1
            elif not destination.contains(name, part.size, part.sha256):
                raise self.error(
                    f"part {part.number} of {unit.name} is staged no more, and {name} is not what it was; "
                    f"begin anew with restart=True"
                )
        for name in set(self.find_parts(unit.name)) - set(names.values()):
            destination.remove(name)
        return moved


def look_up_published(
    destination: Destination, part_name: PartNamer, units: Iterable[Unit]
) -> Iterator[tuple[Unit, Part, str, int | None]]:
    """Yield each part that was published, with its name and the size of what stands there, which may be nothing."""
    # What waits to be published is half there.
    parts = [
        (unit, part, part_name(unit.name, part.number))
        for unit in units
        if unit.published is not None and unit.state is not State.PUBLISHING
        for part in unit.published.parts
    ]
    sizes = destination.sizes([name for _, _, name in parts])
    return ((unit, part, name, sizes.get(name)) for unit, part, name in parts)
