"""The files that a command writes: never one that it reads or writes otherwise, and reports whole or not at all.

What is one file is told by the disk, however it is spelled: links, hard links, ``..``, and disks that ignore case.
"""

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import BinaryIO, Final

from aishoot_async import AIShootError, CredentialFile, RequestValidationError
from aishoot_async.storage import atomic_write, file_identity, names_below

_LOGIN: Final = "the login's file"
_STREAMS: Final = {0: "stdin", 1: "stdout", 2: "stderr"}
# Where a folder takes no new file, or a file was mounted by itself, or its name has room for no other beside it.
_IN_PLACE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS, errno.EXDEV, errno.ENAMETOOLONG, errno.EINVAL}
)


def check_outputs(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None], to: str | None = None) -> None:
    """See, before anything is done, that no output is an input, another output, or a part of an export.

    Args:
        outputs: the files that are written, by their options.
        inputs: those that are read; stdin, stdout and stderr, and the login's file, are looked at in any case.
        to: the destination of an export, whose own option is ``--to``.

    Raises:
        RequestValidationError: two are one file; it names both options.
    """
    written = {name: path for name, path in outputs.items() if path is not None and not is_stream(path)}
    read = {name: path for name, path in inputs.items() if path is not None and str(path) != "-"}
    known = read | written
    for name, other in combinations([*reversed(written), *read], 2):
        path, beside = known[name], known[other]
        if name in written and (one := _meeting(path, beside)):
            raise _refusal(name, f"{name} and {other} are {one}, {path}, and would overwrite each other")
    for name, path in written.items():
        _check_surroundings(name, path)
    if to is not None:
        from aishoot_async.export import claims  # noqa: PLC0415  # slow to import, and of exports alone

        if "://" not in to:
            _check_surroundings("--to", Path(to))
        for name, path in known.items():
            if (problem := claims(to, path)) is not None:
                raise _refusal(name, f"{name} and --to would overwrite each other: {path} {problem}")


def check_pictures(outputs: Mapping[str, Path | None], pictures: Iterable[str]) -> None:
    """See that no output is a picture that is to be uploaded.

    Raises:
        RequestValidationError: one is.
    """
    there = {found: name for name, path in outputs.items() if path is not None and (found := file_identity(path))}
    for picture in pictures if there else ():
        found = file_identity(picture)
        if found is not None and (name := there.get(found)) is not None:
            raise _refusal(name, f"{name} and an image of the catalog are one file, {picture}")


def is_stream(path: Path) -> bool:
    """Whether it is a pipe, a terminal or the like: what is written there stays written."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False
    # /dev/stdout and /proc/self/fd/1 are what they lead to, and are written to by that name alone.
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or path.absolute().parts[1:2] in {("dev",), ("proc",)}


def write_whole(path: Path, text: str) -> None:
    """Write a file that is replaced as a whole, or not at all; a stream is written to as it is.

    Raises:
        OSError: it cannot be written.
        ValueError: no file can be called so.
    """
    content = text.encode()
    if is_stream(path):
        path.write_bytes(content)
        return
    place = Path(os.path.realpath(path))
    try:
        with atomic_write(place) as file:
            _keep_mode(place, file)
            file.write(content)
    except OSError as error:
        if error.errno not in _IN_PLACE:
            raise
        place.write_bytes(content)


def _keep_mode(place: Path, file: BinaryIO) -> None:
    if place.is_file():
        os.fchmod(file.fileno(), stat.S_IMODE(place.stat().st_mode))


def _check_surroundings(name: str, path: Path) -> None:
    """See that an output is neither what the shell has redirected, nor where the login is kept."""
    try:
        login = CredentialFile().path
    except AIShootError:
        login = None
    if login is not None and any(_meeting(path, kept) for kept in (login, login.with_name(f"{login.name}.lock"))):
        raise _refusal(name, f"{name} and {_LOGIN} are one file, {path}: you would be logged out")
    for descriptor, stream in _STREAMS.items():
        try:
            found = os.fstat(descriptor)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and file_identity(path) == (found.st_dev, found.st_ino):
            raise _refusal(name, f"{name} and {stream} are one file, {path}, and would overwrite each other")


def _meeting(one: Path, other: Path) -> str:
    """Say how two paths meet, where they do: in one file, or one would be a folder of the other."""
    for above, below in ((one, other), (other, one)):
        inside = names_below(below, above)
        if inside is not None and not (inside and above.is_dir()):
            return "a file and a folder in it" if inside else "one file"
    return ""


def _refusal(name: str, problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field=name.removeprefix("--").replace("-", "_"))
