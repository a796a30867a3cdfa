"""From the staging folder to the destination: what has changed, and no more. Blocking; done again after a crash."""

from pathlib import Path

from ..errors import ExportError
from ._journal import Journal
from ._life import Content, Unit
from ._places import Place, empty_folder


def publish(place: Place, folder: Path, journal: Journal, unit: Unit) -> tuple[Unit, int]:
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
        staged = folder / f"part-{part.number:05}.staged"
        name = place.part_name(unit.name, part.number)
        if before.get(part.number) == part.sha256 and place.holds(name, part):
            staged.unlink(missing_ok=True)
        elif staged.exists():
            place.publish(staged, name)
            moved += 1
        elif not place.holds(name, part):
            raise ExportError(f"{staged} is gone, and {name} is not what it was; begin anew with restart=True")
    kept = {place.part_name(unit.name, part.number) for part in content.staged}
    for name in place.names(unit.name):
        if name not in kept:
            place.remove(name)
    done = unit.after("publish", reading=None, published=content)
    journal.save(done)
    if folder.is_dir():
        empty_folder(folder)
        folder.rmdir()
    return done, moved
