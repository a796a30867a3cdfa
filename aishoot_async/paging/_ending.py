"""Pure: is this the end of the list? A page at a time, in order; no I/O, no clock.

A server may put its page's own count into ``total``, count wrongly, cap sizes in silence, repeat its last page, or answer 404
past the end. So nothing ends a list alone:

    a total that is reached   and a page shorter than the longest seen, or ``last``, or an empty page, a repeated page,
                              or a refusal (400, 404, 416, 422) beyond
    no total (or one that     two empty pages running; or an empty page, then 404; or 404, when the page before it can
    more rows have disproved) still be read unchanged
    an empty page before the  not the end: asked for again, then gone past, up to the last page that the total
    total                     implies; then nobody can know, and that is a `PagingError`
    the same page twice       a loop, if its rows have ids, or without a total that allows for it
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any, Final

from ..errors import APIStatusError, PagingError, PagingLoopError, UnexpectedResponseError
from ._listing import Sheet

_REFUSED_BEYOND: Final = frozenset({400, 404, 416, 422})
_EMPTY_PAGES_AT_MOST: Final = 256


class Verdict(Enum):
    """What to do with a page."""

    GIVE = auto()  # hand it out, and go on
    GIVE_LAST = auto()  # hand it out; it is the last
    SKIP = auto()  # nothing on it; go on
    END = auto()  # nothing on it; the list ended before
    AGAIN = auto()  # ask for it once more, and judge what comes
    CHECK = auto()  # ask for the page before once more: is it unchanged?


class Ending:
    """Judges the pages of one walk."""

    def __init__(self, *, first: int, asked: int, longest: int, before: Sequence[int]) -> None:
        """Begin.

        Args:
            first: the wire number of the first page that will be judged.
            asked: the page size that is asked for.
            longest: the longest page that the endpoint has given at that size.
            before: how many rows may stand before that page; several, while the page base is unknown.
        """
        self.total_changed = False
        self.total: int | None = None
        self._first = first
        self._asked = asked
        self._longest = longest
        self._before = tuple(before)
        self._rows = 0
        self._own_count = True
        self._disproved = False
        self._empty_pages = 0
        self._size: int | None = None
        self._latest = 0
        self._previous: Sequence[bytes] = ()
        self._echo: tuple[int, int] | None = None
        self._seen_pages = 0
        self._landmark = 0

    @property
    def page_size(self) -> int:
        """Items a page as the server gives them: as long as a page that was not the last, else as asked for."""
        return self._size or self._asked

    def see(self, sheet: Sheet[Any], *, again: bool = False) -> Verdict:
        """Judge the next page; ``again`` says that it is a second answer for the same number.

        Raises:
            PagingError: nobody can know whether the list is whole.
            UnexpectedResponseError: the answer belongs to another page.
        """
        self._check_echo(sheet)
        reached = self._reached()
        self._note_total(sheet)
        if not sheet.raws:
            return self._empty(sheet.asked, ended=reached or self._reached(), again=again)
        if sheet.raws == self._previous or self._came_before(sheet):
            if reached:
                return Verdict.END
            self._refuse_loop(sheet)
        self._count(sheet)
        if self._reached() and (sheet.last or len(sheet.raws) < self._longest):
            return Verdict.GIVE_LAST
        return Verdict.GIVE

    def refused(self, number: int, error: APIStatusError, *, unchanged: bool | None = None) -> Verdict:
        """Judge a refusal in place of a page; ``unchanged`` is what a `Verdict.CHECK` has found.

        Raises:
            APIStatusError: it is no sign of the end.
            PagingError: it stands before the total.
        """
        if self._seen_pages and self._reached() and error.status in _REFUSED_BEYOND:
            return Verdict.END
        if not self._seen_pages or error.status != 404 or unchanged is False:  # noqa: PLR2004
            raise error
        if self._trusted() is None and self._empty_pages:
            return Verdict.END
        if unchanged is None:
            return Verdict.CHECK
        if self._trusted() is None:
            return Verdict.END
        return self._empty(number, ended=False, again=True)

    def pages_ahead(self) -> int | None:
        """Give how many pages the total implies beyond those seen; ``None`` without one to trust."""
        total = self._trusted()
        if total is None:
            return None
        return max(0, -((self._before[0] + self._rows - total) // self.page_size))

    def _trusted(self) -> int | None:
        return None if self._disproved else self.total

    def _reached(self) -> bool:
        total = self._trusted()
        return total is not None and any(before + self._rows == total for before in self._before)

    def _note_total(self, sheet: Sheet[Any]) -> None:
        if sheet.total is None or self._disproved:
            return
        # A server that puts each page's own count there changes nothing by another count.
        own_count = self._own_count and sheet.total == len(sheet.raws)
        if self.total is not None and sheet.total != self.total and not own_count:
            self.total_changed = True
        self._own_count = own_count
        self.total = sheet.total
        self._disprove()

    def _disprove(self) -> None:
        if self.total is not None and all(before + self._rows > self.total for before in self._before):
            self._disproved = True

    def _count(self, sheet: Sheet[Any]) -> None:
        length = len(sheet.raws)
        if self._seen_pages and self._latest:
            # A page follows the latest one, so that was not the last, and as long as pages are.
            self._size = max(self._size or 0, self._latest)
        self._seen_pages += 1
        self._rows += length
        self._latest = length
        self._longest = max(self._longest, length)
        self._previous = sheet.raws
        self._empty_pages = 0
        self._disprove()
        total = self._trusted()
        if total is not None and all(before + self._rows < total for before in self._before):
            self._size = max(self._size or 0, length)

    def _empty(self, number: int, *, ended: bool, again: bool) -> Verdict:
        if ended:
            return Verdict.END
        total = self._trusted()
        if total is None:
            self._empty_pages += 1
            return Verdict.END if self._empty_pages > 1 else Verdict.SKIP
        if not again:
            return Verdict.AGAIN
        self._empty_pages += 1
        last_implied = self._first - 1 - (self._before[0] - total) // self.page_size
        if number < last_implied and self._empty_pages < _EMPTY_PAGES_AT_MOST:
            return Verdict.SKIP
        msg = (
            f"the service says that there are {total} items, and page {number} is empty after "
            f"{self._before[0] + self._rows}: it cannot be known whether some are missing"
        )
        raise PagingError(msg)

    def _refuse_loop(self, sheet: Sheet[Any]) -> None:
        total = self._trusted()
        allowed = total is not None and self._before[0] + self._rows + len(sheet.raws) <= total
        if not allowed or any(key is not None for key in sheet.ids):
            msg = f"page {sheet.asked} has come before: the service gives the same rows again and again"
            raise PagingLoopError(msg)

    def _came_before(self, sheet: Sheet[Any]) -> bool:
        """Meet any cycle of pages in constant memory (Brent): compare with a page whose distance keeps doubling."""
        mark = hash(tuple(sheet.raws))
        if mark == self._landmark:
            return True
        if self._seen_pages & (self._seen_pages - 1) == 0:
            self._landmark = mark
        return False

    def _check_echo(self, sheet: Sheet[Any]) -> None:
        """See that the answer is to this request; a server may count from anywhere, or always say the same."""
        if sheet.number is None:
            return
        if self._echo is None:
            self._echo = (sheet.asked - sheet.number, sheet.number)
        shift, constant = self._echo
        if sheet.asked - sheet.number != shift and sheet.number != constant:
            msg = f"page {sheet.asked} was asked for, and the answer says that it is page {sheet.number}"
            raise UnexpectedResponseError(msg, where="number")
