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

from ._context import Context
from ._done import print_done
from ._failures import DONE, FAILED, PARTLY, report
from ._options import Given
from ._talk import Update, printable

images = App(name="images")
_AT_ONCE: Final = 8
# These would fail every other upload too.
_FOR_ALL: Final = (AuthError, AuthenticationError, ConfigurationError)


@images.command
async def upload(*files: str, context: Given) -> int:
    """Upload pictures, and print the identifier and the name of each, in the order in which they are named.

    A picture that is there already is not sent again. The identifier is what a SKU's front and back image are.

    Example: aishoot images upload front.jpg back.jpg

    Parameters
    ----------
    files
        JPEG, PNG, TIFF or WebP files.
    """
    if not files:
        msg = "name at least one file"
        raise RequestValidationError(msg, field="files")
    async with context.session() as session:
        _ = session.images.organization  # asked for before anything is read
        with context.talk.progress("pictures") as update:
            run = _Run(files, session, context, update)
            try:
                await run.run()
            except asyncio.CancelledError:
                context.talk.note("what was uploaded is not sent again: the same command goes on with the rest")
                raise
    return run.code


class _Run:
    """Uploads, several at a time; each is printed as soon as all before it are."""

    def __init__(self, files: Sequence[str], session: AIShootSession, context: Context, update: Update) -> None:
        self._files = files
        self._session = session
        self._context = context
        self._update = update
        self._identifiers: dict[int, str | None] = {}
        self._printed = 0
        self._is_unheard = False  # stdout takes no more
        self._fatal: AIShootError | None = None

    async def run(self) -> None:
        try:
            await for_each(range(len(self._files)), self._upload, workers=_AT_ONCE)
        except _FOR_ALL as error:
            self._fatal = error
        finally:
            self._print_rest()

    @property
    def code(self) -> int:
        """The exit code; says what has ended all of it, if anything has."""
        done = sum(identifier is not None for identifier in self._identifiers.values())
        code = FAILED
        if self._fatal is not None:
            code = report(self._fatal, self._context.talk)
        elif done == len(self._files):
            return FAILED if self._is_unheard else DONE
        return PARTLY if done else code

    async def _upload(self, number: int) -> None:
        file, identifier = self._files[number], None
        try:
            identifier = await self._session.images.upload(file)
        except _FOR_ALL:
            raise
        except AIShootError as error:
            own = isinstance(error, RequestValidationError)  # which names the file
            self._context.talk.error(str(error) if own else f"{file} was not uploaded: {error}", file=file)
        else:
            await self._warn(file)
        self._identifiers[number] = identifier
        self._update(len(self._identifiers), len(self._files))
        self._print()

    async def _warn(self, file: str) -> None:
        problem = await to_thread.run_sync(_sku_problem, Path(file))
        if problem is not None:
            self._context.talk.warn(f"{file} {problem}", file=file)

    def _print(self) -> None:
        while self._printed in self._identifiers:
            identifier, file = self._identifiers[self._printed], self._files[self._printed]
            self._printed += 1
            if identifier is not None:
                self._print_one(identifier, file)

    def _print_rest(self) -> None:
        """Print what waits for others that will not come."""
        for number, identifier in sorted(self._identifiers.items()):
            if number >= self._printed and identifier is not None:
                self._print_one(identifier, self._files[number])

    def _print_one(self, identifier: str, file: str) -> None:
        done, talk = f"uploaded {file} as {identifier}", self._context.talk
        text = f"{identifier}\t{printable(file)}"
        if self._context.json:
            text = json.dumps({"identifier": identifier, "file": file})
        if self._is_unheard:
            talk.warn(done, identifier=identifier, file=file)
        else:
            self._is_unheard = True  # also of a print that a signal breaks off
            self._is_unheard = bool(print_done(lambda: sys.stdout.write(f"{text}\n"), done, "that", talk))


def _sku_problem(path: Path) -> str | None:
    """Say why AI Shoot cannot use a picture that the service has taken."""
    try:
        with path.open("rb") as file:

            def read_at(at: int, size: int) -> bytes:
                file.seek(at)
                return file.read(size)

            header = read_header(read_at)
            return None if header is None else sku_problem(path.stat().st_size, header)
    except OSError:
        return None  # it is gone, and was uploaded before
