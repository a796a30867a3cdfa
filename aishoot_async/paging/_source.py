"""Where a walk has its pages from, and how that ends: once, with an error or without."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from ..errors import Cursor
from ..models import PagingReport
from ._listing import NoPageError, Sheet

T = TypeVar("T")


class Source(ABC, Generic[T]):
    """Gives the pages of a listing one by one, until its end or an error; then nothing more."""

    def __init__(self, size: int) -> None:
        """Keep the page size that is asked for first; request nothing."""
        self.size = size
        self.finished = False
        self.report = PagingReport()
        self._failure: Exception | None = None

    async def next(self) -> Sheet[T] | None:
        """Give the next page that has something on it; ``None`` at the end.

        A caller that is cancelled here loses nothing: the next call gives the same page.

        Raises:
            AIShootError: the walk cannot go on; it has ended.
        """
        if not self.finished:
            try:
                sheet = await self._next()
            except NoPageError as error:
                self._end(failure=error.error)
            except (StopIteration, StopAsyncIteration) as error:
                # Out of the caller's own code; raised as it is, it would look like the end of the list.
                failed = RuntimeError(f"{type(error).__name__} was raised while a page was read")
                failed.__cause__ = error
                self._end(failure=failed)
            except Exception as error:  # noqa: BLE001  # raised below
                self._end(failure=error)
            else:
                if sheet is not None and not self.finished:
                    return sheet
                self._end()
        await self.aclose()
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its traceback holds this frame
        return None

    def _end(self, failure: Exception | None = None) -> None:
        # Noted before anything is waited for: a caller that is cancelled there finds the same end in its next call.
        if not self.finished:  # else `aclose` was called by another task, which knows that there is more
            self.finished = True
            self._failure = failure
            self.report.complete = failure is None and self._is_sound()

    @property
    def hole(self) -> Cursor | None:
        """Where rows may have been passed by, if anywhere."""
        return None

    async def aclose(self) -> None:
        """End the walk: cancel what is on its way, and wait until it has ended."""
        self.finished = True
        await self._stop()

    @abstractmethod
    def abandon(self) -> None:
        """End the walk from wherever the garbage collector runs."""

    @abstractmethod
    async def _next(self) -> Sheet[T] | None: ...

    @abstractmethod
    async def _stop(self) -> None: ...

    @abstractmethod
    def _is_sound(self) -> bool:
        """Tell, at the end, whether nothing speaks against all rows having been given."""
