"""``aishoot images``."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from anyio import to_thread
from cyclopts import App

from aishoot_async import (
    AIShootError,
    AIShootSession,
    AuthenticationError,
    AuthError,
    ConfigurationError,
    RequestValidationError,
)
from aishoot_async.concurrency import for_each
from aishoot_async.picture import read_header, sku_problem

from ._console import Update
from ._context import Context, ContextArg
from ._errors import DONE, FAILED, PARTLY, report
from ._output import print_done
from ._text import printable

images = App(name="images")
_CONCURRENCY: Final = 8
# Errors that would fail every other upload, too.
_FATAL: Final = (AuthError, AuthenticationError, ConfigurationError)


@images.command
async def upload(*files: str, context: ContextArg) -> int:
    """Upload images, and print the identifier and the name of each, in the order in which they are named.

    An image that is there already is not sent again. The identifier is what a SKU's front and back image are.

    Example: aishoot images upload front.jpg back.jpg

    Parameters
    ----------
    files
        JPEG, PNG, TIFF or WebP files.
    """
    if not files:
        raise RequestValidationError("name at least one file", field="files")
    async with context.session() as session:
        _ = session.images.organization  # asked for before anything is read
        with context.console.progress("images") as update:
            uploads = _Uploads(files, session, context, update)
            try:
                await uploads.run()
            except asyncio.CancelledError:
                context.console.note("what was uploaded is not sent again: the same command goes on with the rest")
                raise
    return uploads.code


class _Uploads:
    """Uploads, several at a time; each is printed as soon as all before it are."""

    def __init__(self, files: Sequence[str], session: AIShootSession, context: Context, update: Update) -> None:
        self._files = files
        self._session = session
        self._context = context
        self._console = context.console
        self._update = update
        self._identifiers: dict[int, str | None] = {}
        self._printed = 0
        self._has_lost_output = False  # stdout takes no more
        self._fatal: AIShootError | None = None

    async def run(self) -> None:
        try:
            await for_each(range(len(self._files)), self._upload, workers=_CONCURRENCY)
        except _FATAL as error:
            self._fatal = error
        finally:
            self._print(in_order=False)

    @property
    def code(self) -> int:
        """The exit code; says what has ended all of it, if anything has."""
        done = sum(identifier is not None for identifier in self._identifiers.values())
        code = FAILED
        if self._fatal is not None:
            code = report(self._fatal, self._console)
        elif done == len(self._files):
            return FAILED if self._has_lost_output else DONE
        return PARTLY if done else code

    async def _upload(self, number: int) -> None:
        file, identifier = self._files[number], None
        try:
            identifier = await self._session.images.upload(file)
        except _FATAL:
            raise
        except AIShootError as error:
            names_file = isinstance(error, RequestValidationError)
            self._console.error(str(error) if names_file else f"{file} was not uploaded: {error}", file=file)
        else:
            if problem := await to_thread.run_sync(_sku_problem, Path(file)):
                self._console.warn(f"{file} {problem}", file=file)
        self._identifiers[number] = identifier
        self._update(len(self._identifiers), len(self._files))
        self._print()

    def _print(self, *, in_order: bool = True) -> None:
        """Print what is done; in order, no further than to the first upload that is still on its way."""
        for number in range(self._printed, len(self._files)):
            if number in self._identifiers:
                self._printed = number + 1  # before it is printed: a print that a signal interrupts is not repeated
                if (identifier := self._identifiers[number]) is not None:
                    self._print_one(identifier, self._files[number])
            elif in_order:
                return

    def _print_one(self, identifier: str, file: str) -> None:
        done = f"uploaded {file} as {identifier}"
        text = f"{identifier}\t{printable(file)}"
        if self._context.json:
            text = json.dumps({"identifier": identifier, "file": file})
        if self._has_lost_output:
            self._console.warn(done, identifier=identifier, file=file)
        else:
            self._has_lost_output = True  # also where a signal interrupts the print
            code = print_done(lambda: sys.stdout.write(f"{text}\n"), done, "that", self._console)
            self._has_lost_output = code != DONE


def _sku_problem(path: Path) -> str | None:
    """Return why AI Shoot cannot use an image that the service has taken."""
    try:
        with path.open("rb") as file:

            def read_at(at: int, size: int) -> bytes:
                file.seek(at)
                return file.read(size)

            header = read_header(read_at)
            return None if header is None else sku_problem(path.stat().st_size, header)
    except OSError:
        return None  # it is gone, and was uploaded before
