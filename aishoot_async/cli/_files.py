"""The files of a command: what it reads, and what it writes.

It never writes a file that it also reads, or writes otherwise. Whether two names are one file is asked of the disk:
links, hard links, ``..``, and disks that ignore case. Reports are written whole or not at all.
"""

import errno
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn, cast

from aishoot_async import AIShootError, CredentialFile, RequestValidationError
from aishoot_async.storage import atomic_write, file_identity, leads_to, names_below

from ._streams import read_all

STDIN: Final = "-"
_INTEGER: Final = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_STREAMS: Final = {0: "stdin", 1: "stdout", 2: "stderr"}
# Where a folder takes no new file, or a file was mounted by itself, or its name has room for no other beside it.
_IN_PLACE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS, errno.EXDEV, errno.ENAMETOOLONG, errno.EINVAL}
)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file, or from stdin for ``-``; a byte order mark and UTF-16 are read too.

    Raises:
        RequestValidationError: it cannot be read, is no JSON object, or names a member more than once.
    """
    text = _read(path)
    try:
        found: Any = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_members)
    except (ValueError, RecursionError) as error:
        raise _bad_body(f"{_display_name(path)} holds no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _bad_body(f"{_display_name(path)} must hold a JSON object")
    return cast("dict[str, Any]", found)


def read_ids(given: Sequence[str], *, stdin: bool) -> list[str]:
    """Return the ids that are named, and then those that stdin holds, one a line; each once.

    Raises:
        RequestValidationError: there is none, or stdin cannot be read.
    """
    named = list(given)
    if stdin:
        # Bytes that are no UTF-8 become what no id may hold, and are refused as such.
        text = _read(Path(STDIN)).decode("utf-8-sig", "surrogateescape")
        named += [line for line in (line.removesuffix("\r") for line in text.split("\n")) if line]
    if not named:
        raise RequestValidationError("name at least one id", field="ids")
    return list(dict.fromkeys(named))


def read_numbers(path: Path) -> list[int]:
    """Read whole numbers, one a line, from a file, or from stdin for ``-``; blank lines are passed over.

    Raises:
        RequestValidationError: it cannot be read, or a line is no number.
    """
    numbers: list[int] = []
    for at, line in enumerate(_read(path).decode("utf-8-sig", "surrogateescape").splitlines(), 1):
        text = line.strip()
        if text and not _INTEGER.fullmatch(text):
            raise RequestValidationError(
                f"{_display_name(path)}, line {at}: {text!r} is no whole number", field="briefs_from"
            )
        numbers += [int(text)] if text else []
    return numbers


def _read(path: Path) -> bytes:
    try:
        return read_all() if str(path) == STDIN else path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _bad_body(f"cannot read {_display_name(path)}: {reason(error)}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise ValueError(f"it names {name} {times} times")
    return dict(pairs)


def _bad_body(problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field="body")


def _display_name(path: Path) -> str:
    return "stdin" if str(path) == STDIN else str(path)


def check_outputs(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None], to: str | None = None) -> None:
    """See, before anything is done, that each output has a folder and is no input, other output or part of an export.

    Args:
        outputs: the files that are written, by their options.
        inputs: those that are read; stdin, stdout and stderr, and the login's file, are looked at in any case.
        to: the destination of an export, whose own option is ``--to``.

    Raises:
        RequestValidationError: two are one file, and it names both options; or a folder is missing, and it names that.
    """
    written = {name: path for name, path in outputs.items() if path is not None and not is_stream(path)}
    read = {name: path for name, path in inputs.items() if path is not None and str(path) != "-"}
    known = read | written
    for name, other in combinations([*reversed(written), *read], 2):
        path, beside = known[name], known[other]
        if name in written and (one := _overlap(path, beside)):
            raise _refusal(name, f"{name} and {other} are {one}, {path}, and would overwrite each other")
    for name, path in written.items():
        _check_not_in_use(name, path)
    folders = {name: leads_to(path).parent for name, path in written.items()}
    if to is not None:
        from aishoot_async.export import claims, needed_folder  # noqa: PLC0415  # slow to import, of exports alone

        if "://" not in to:
            _check_not_in_use("--to", Path(to))
        for name, path in known.items():
            if (problem := claims(to, path)) is not None:
                raise _refusal(name, f"{name} and --to would overwrite each other: {path} {problem}")
        if (folder := needed_folder(to)) is not None:
            folders["--to"] = folder
    for name, folder in folders.items():
        _check_folder(name, folder)


def check_images(outputs: Mapping[str, Path | None], images: Iterable[str]) -> None:
    """See that no output is an image that is to be uploaded.

    Raises:
        RequestValidationError: one is.
    """
    there = {found: name for name, path in outputs.items() if path is not None and (found := file_identity(path))}
    for image in images if there else ():
        found = file_identity(image)
        if found is not None and (name := there.get(found)) is not None:
            raise _refusal(name, f"{name} and an image of the catalog are one file, {image}")


def is_stream(path: Path) -> bool:
    """Whether it is a pipe, a terminal or the like: what is written there stays written."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False
    # /dev/stdout and /proc/self/fd/1 are what they lead to, and are written to by that name alone.
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or path.absolute().parts[1:2] in {("dev",), ("proc",)}


def reason(error: Exception) -> str:
    """Return what went wrong with a file, without its name where the system gives a reason."""
    return str(getattr(error, "strerror", None) or error)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a report, as `write_whole` does."""
    write_whole(path, json.dumps(content, indent=1) + "\n")


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
    target = Path(os.path.realpath(path))
    try:
        with atomic_write(target) as file:
            _keep_mode(target, file)
            file.write(content)
    except OSError as error:
        if error.errno not in _IN_PLACE:
            raise
        target.write_bytes(content)


def _keep_mode(path: Path, file: BinaryIO) -> None:
    if path.is_file():
        os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))


def _check_folder(name: str, folder: Path) -> None:
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError:
        raise _refusal(name, f"{name}: the folder {folder} is not there: make it first, or name another") from None
    except NotADirectoryError:
        is_folder = False
    except (OSError, ValueError):  # where nobody may look, or nothing can be called so: said where it is opened
        return
    if not is_folder:
        raise _refusal(name, f"{name}: {folder} is no folder: name another")


def _check_not_in_use(name: str, path: Path) -> None:
    """See that an output is neither what the shell has redirected, nor where the login is kept."""
    try:
        login = CredentialFile().path
    except AIShootError:
        login = None
    if login is not None and any(_overlap(path, kept) for kept in (login, login.with_name(f"{login.name}.lock"))):
        raise _refusal(name, f"{name} and the login's file are one file, {path}: you would be logged out")
    for descriptor, stream in _STREAMS.items():
        try:
            found = os.fstat(descriptor)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and file_identity(path) == (found.st_dev, found.st_ino):
            raise _refusal(name, f"{name} and {stream} are one file, {path}, and would overwrite each other")


def _overlap(one: Path, other: Path) -> str:
    """Say how two paths meet, where they do: in one file, or one would be a folder of the other."""
    for above, below in ((one, other), (other, one)):
        inside = names_below(below, above)
        if inside is not None and not (inside and os.path.isdir(above)):  # noqa: PTH112  # it refuses no name
            return "a file and a folder in it" if inside else "one file"
    return ""


def _refusal(name: str, problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field=name.removeprefix("--").replace("-", "_"))
