"""Pure: is this the end of the list? A page at a time, in order; no I/O, no clock.

A server may put its page's own count into ``total``, count wrongly, cap sizes in silence, repeat its last page, or
answer 404 past the end. So nothing ends a list alone:

    a total that is reached   and a page shorter than the longest seen, or ``last``, or an empty page, a repeated page,
                              or a refusal (400, 404, 416, 422) beyond. ``last`` is no such witness while each total
                              was its page's own count: Spring's ``new PageImpl(rows)`` always says that and ``last``;
                              nor is an empty page then, unless it gives that total, too; nor a page shorter than
                              another list's, unless totals are known to count all rows, or behind a cursor.
                              ``last: false`` is a veto
    no total (or one that     two empty pages running; or an empty page, then 404 or 416; or one of these, when the page
    more rows have disproved) before it can still be read unchanged. The empty or missing page is asked for again, as
                              one answer may be an accident; but not behind page 1, to save requests. An empty page with
                              rows behind it is asked for again; if it stays empty, nobody can know, and that is a
                              `PagingError` at the end
    a page refused by 400,    without a total, and by 500 in any case: the end only where a page far behind any end is
    422 or 500                refused like that, too, and the page before can still be read unchanged. Behind a full
                              page, and no total that counts the whole list, the walk is in `doubt`: the service may
                              as well have a limit, or fail
    an empty page before the  not the end: asked for again, then gone past, up to the last page that the total
    total                     implies; then nobody can know, and that is a `PagingError`
    pages of several lengths  the size may have changed under the walk. A total that is reached must be shown by an
                              empty or refused page beyond; without one, that is an `inconsistency` where a page was
                              longer than all before it, or shorter than one before it and rows have no ids (rows that
                              come twice are told by their ids)
    the same page twice       a loop, if its rows have ids (whatever else of them has changed), or without a total that
                              allows for it

How many rows stand before the first page is not known for sure while the page base is not: a total that only one of the
possible counts reaches is believed after one more look at the empty page, or at the page before a 404.
"""

from collections.abc import Hashable, Sequence
from enum import Enum, auto
from typing import Any, Final

from ..errors import APIStatusError, PagingError, PagingLoopError, UnexpectedResponseError
from ._listing import REFUSED_BEYOND, Sheet

_MISSING: Final = frozenset({404, 416})
"""These say that there is no such page; others in its place may have other reasons."""
_SERVER_ERROR: Final = 500
_EMPTY_PAGES_AT_MOST: Final = 256


class Verdict(Enum):
    """What to do with a page."""

    GIVE = auto()  # hand it out, and go on
    GIVE_LAST = auto()  # hand it out; it is the last
    SKIP = auto()  # nothing on it; go on
    END = auto()  # nothing on it; the list ended before
    AGAIN = auto()  # ask for it once more, and judge what comes
    PEEK = auto()  # it is empty: look at the page after it, and judge by that
    CHECK = auto()  # ask for the page before once more: is it unchanged? And see whether refusals are usual beyond


def is_unclear(error: APIStatusError) -> bool:
    """Tell whether a refusal may be about a page beyond the end, or about something else."""
    return error.status not in _MISSING and (error.status in REFUSED_BEYOND or error.status == _SERVER_ERROR)


class Ending:
    """Judges the pages of one walk."""

    def __init__(
        self,
        *,
        first: int,
        asked: int,
        longest: int,
        before: Sequence[int],
        size: int | None = None,
        has_totals: bool = False,
    ) -> None:
        """Begin.

        Args:
            first: the wire number of the first page that will be judged.
            asked: the page size that is asked for.
            size: the page size that the server gives, where that is known to be another.
            longest: the longest page that the endpoint has given at that size.
            before: how many pages may stand before that page; several, while the page base is unknown.
            has_totals: whether the endpoint's totals are known to count the whole list.
        """
        self.total_changed = False
        self.total: int | None = None
        self.hides_rows = False
        """Whether the service leaves rows out of a page after it has cut it, so that no page's length is its size."""
        self.doubt: str | None = None
        """Why there may be more rows than the last page shows."""
        self._first = first
        self._asked = asked
        self._longest = longest
        self._has_totals = has_totals
        self._pages_before = tuple(sorted(set(before)))
        self._rows = 0
        self._own_count = True
        self._disproved = False
        self._empty_pages = 0
        self._size = size
        self._longest_here = size or 0
        self._grew_at: int | None = None
        self._shrank_at: int | None = None
        self._has_ids = True
        self._is_empty_behind = False
        self._latest = 0
        self._previous: Hashable = None
        self._echo: tuple[int, int] | None = None
        self._seen_pages = 0
        self._answered = False
        self._says_last = False
        self._landmark: Hashable = None
        self._hole: int | None = None
        self._so_far: Sequence[int] = ()
        """The listing's rows up to here, by each count of pages that may stand before; the least first."""
        self._add_up()

    @property
    def page_size(self) -> int:
        """Items a page as the server cuts them: as long as a page that was not the last, else as asked for."""
        return self._asked if self.hides_rows else self._size or self._asked

    @property
    def latest_length(self) -> int:
        """Items of the latest page that had any; 0 before the first."""
        return self._latest

    @property
    def hole(self) -> int | None:
        """The first page that stayed empty while rows may be missing: whoever walks on behind it may lose some."""
        return None if self._is_whole() else self._hole

    @property
    def total_is_shown(self) -> bool:
        """Whether the total counts the whole list and is reached, if the first page judged is the list's first."""
        return self._trusted() == self._so_far[0] and (self._has_totals or not self._own_count)

    @property
    def total_is_wrong(self) -> bool:
        """Whether more rows came than the total counts, or it counts the rows of each page alone."""
        return self._disproved

    @property
    def inconsistency(self) -> str | None:
        """What speaks against the page size having been the same throughout."""
        if self.total_is_shown:
            return None
        if self._grew_at is not None:
            return f"page {self._grew_at} is longer than those before it, so the page size may have changed"
        if self._shrank_at is not None and not self._has_ids:
            return f"page {self._shrank_at} is shorter than one before it, so the page size may have changed"
        return None

    def see(self, sheet: Sheet[Any], *, again: bool = False) -> Verdict:
        """Judge the next page; ``again`` says that it is a second answer for the same number.

        Raises:
            PagingError: nobody can know whether the list is whole.
            UnexpectedResponseError: the answer belongs to another page.
        """
        mark = sheet.fingerprint
        is_repeated = bool(sheet.raws) and mark == self._previous
        if not is_repeated:  # a server that repeats its last page may well say so
            self._check_echo(sheet)
        self._answered = True
        self._says_last = sheet.last is not None
        reached = self._reached()
        if sheet.raws or not reached:
            # Past the end, a total may be the page's own count, or one over no rows.
            self._note_total(sheet)
        elif self._own_count:
            # Other than 0, it is no page's own count; else it is no witness, and this page may only look empty.
            self._own_count = sheet.total != self.total or not sheet.total
            self._disproved = sheet.total != self.total
        if not sheet.raws:
            return self._empty(sheet.asked, ended=self._reached(), again=again)
        if is_repeated or self._came_before(mark):
            if reached:
                return self._end()
            self._refuse_loop(sheet)
        self._count(sheet, mark)
        return Verdict.GIVE_LAST if self._is_whole() and self._looks_last(sheet) else Verdict.GIVE

    def _looks_last(self, sheet: Sheet[Any]) -> bool:
        if sheet.last is False or self._grew_at is not None or self._shrank_at is not None:
            return False
        if sheet.last and not self._own_count:
            return True
        if self._rows != self.total:
            # The rows before a cursor are reckoned, not counted: pages may have been shorter there.
            return False
        counts_all = self._has_totals or not self._own_count
        return len(sheet.raws) < (self._longest if counts_all else self._longest_here)

    def refused(
        self, number: int, error: APIStatusError, *, unchanged: bool | None = None, again: bool = False
    ) -> Verdict:
        """Judge a refusal in place of a page.

        Args:
            number: the page's.
            error: the refusal.
            unchanged: what a `Verdict.CHECK` has found.
            again: whether this is a second answer for the same number.

        Raises:
            APIStatusError: it is no sign of the end.
            PagingError: it stands before the total.
        """
        missing, unclear, total = error.status == 404, is_unclear(error), self._trusted()  # noqa: PLR2004
        reached = self._answered and self._reached()
        if reached and error.status in REFUSED_BEYOND and self._is_sure:
            return self._end()
        may_be_the_end = reached or missing or total is None
        if not self._answered or not may_be_the_end or unchanged is False or not (unclear or error.status in _MISSING):
            raise error
        if unchanged is None:
            return Verdict.CHECK
        # It may be an accident, also where a page's own count looks like a total, or where rows are reckoned.
        has_doubts = (unclear and not self.total_is_shown) or (reached and not self._is_sure)
        if not again and (has_doubts or (not reached and (self._has_request_left or total is not None))):
            return Verdict.AGAIN
        if total is not None and not reached:
            return self._empty(number, ended=False, again=True)
        if unclear and not self.total_is_shown and self._latest >= self.page_size:
            self.doubt = f"page {number} answers {error.status}, so it cannot be known whether the list ends before it"
        return self._end()

    def beyond(self, after: Sheet[Any] | APIStatusError, *, is_usual: bool = False) -> Verdict:
        """Judge an empty page by the one after it, as `Verdict.PEEK` has asked for.

        Args:
            after: the page after it, or its refusal.
            is_usual: whether the service refuses every page beyond the end like that.

        Raises:
            APIStatusError: the page after it is refused, and that is no sign of the end.
            PagingError: a page further up was empty, too.
        """
        if isinstance(after, APIStatusError):
            if after.status not in _MISSING and not is_usual:
                raise after
        elif after.raws:
            return Verdict.AGAIN
        if self._has_request_left or is_usual:
            self._is_empty_behind = True
            return Verdict.AGAIN
        return self._end()

    @property
    def rows_left(self) -> int | None:
        """How many rows the total implies beyond those seen; ``None`` without one to trust."""
        total = self._trusted()
        return None if total is None else total - self._so_far[0]

    def pages_ahead(self) -> int | None:
        """Give how many pages the total implies beyond those seen; ``None`` without one to trust."""
        left = self.rows_left
        if left is None:
            return None
        # A last page that is as long as any, and does not say that it is the last, is shown to be by the one behind it.
        is_shown = not self._says_last and self._longest <= self.page_size and left % self.page_size == 0
        return max(0, -(-left // self.page_size)) + is_shown

    @property
    def _has_request_left(self) -> bool:
        """Whether there may be one request more: a list of one page is to cost no more than three."""
        return self._seen_pages != 1 or self._pages_before[0] > 0

    @property
    def _is_sure(self) -> bool:
        """Whether it is known how many rows stand before the first page: none. Behind a cursor they are reckoned."""
        return self._pages_before == (0,)

    def _add_up(self) -> None:
        self._so_far = [pages * self.page_size + self._rows for pages in self._pages_before]

    def _trusted(self) -> int | None:
        return None if self._disproved else self.total

    def _reached(self) -> bool:
        total = self._trusted()
        return total is not None and total in self._so_far

    def _note_total(self, sheet: Sheet[Any]) -> None:
        if sheet.total is None or (self._disproved and not sheet.raws):
            return
        # A server that puts each page's own count there changes nothing by another count.
        own_count = self._own_count and sheet.total == len(sheet.raws)
        if self.total is not None and sheet.total != self.total and not own_count:
            self.total_changed = True
        self._own_count = own_count
        self.total = sheet.total
        self._disprove()

    def _disprove(self) -> None:
        if self.total is not None and self._so_far[0] > self.total:
            self._disproved = True

    def _count(self, sheet: Sheet[Any], mark: Hashable) -> None:
        length = len(sheet.raws)
        if self._seen_pages and self._latest:
            # A page follows the latest one, so that was not the last, and as long as pages are.
            self._size = max(self._size or 0, self._latest)
            if self._latest < self._longest_here:
                self._shrank_at = sheet.asked - 1
        if 0 < self._longest_here < length:
            self._grew_at = sheet.asked
        self._longest_here = max(self._longest_here, length)
        self._has_ids = self._has_ids and None not in sheet.ids
        self._is_empty_behind = False
        self._seen_pages += 1
        self._rows += length
        self._latest = length
        self._longest = max(self._longest, length)
        self._previous = mark
        self._empty_pages = 0
        self._add_up()
        total = self._trusted()
        if total is not None and self._so_far[-1] < total and length > (self._size or 0):
            self._size = length
            self._add_up()
        self._disprove()

    def _empty(self, number: int, *, ended: bool, again: bool) -> Verdict:
        if ended:
            return self._end() if self._is_sure or again else Verdict.AGAIN
        total = self._trusted()
        if not again:
            return Verdict.PEEK if total is None else Verdict.AGAIN
        if total is None and self._is_empty_behind:
            return self._end()
        self._hole = number if self._hole is None else self._hole
        if total is None:
            return Verdict.SKIP
        self._empty_pages += 1
        before = self._so_far[0] - self._rows
        last_implied = self._first - 1 - (before - total) // self.page_size
        if number < last_implied and self._empty_pages < _EMPTY_PAGES_AT_MOST:
            return Verdict.SKIP
        msg = (
            f"the service says that there are {total} items, and page {number} is empty after "
            f"{before + self._rows}: it cannot be known whether some are missing"
        )
        raise PagingError(msg)

    def _is_whole(self) -> bool:
        """Whether the total is reached; only a sure count makes up for a page that stayed empty."""
        return self._reached() and (self._hole is None or self._is_sure)

    def _end(self) -> Verdict:
        if self._hole is None or self._is_whole():
            return Verdict.END
        msg = f"page {self._hole} is empty, and pages after it are not: it cannot be known whether items are missing"
        raise PagingError(msg)

    def _refuse_loop(self, sheet: Sheet[Any]) -> None:
        total = self._trusted()
        allowed = total is not None and self._so_far[0] + len(sheet.raws) <= total
        if not allowed or sheet.are_ids_shared or any(key is not None for key in sheet.ids):
            msg = f"page {sheet.asked} has come before: the service gives the same rows again and again"
            raise PagingLoopError(msg)

    def _came_before(self, mark: Hashable) -> bool:
        """Meet any cycle of pages in constant memory (Brent): compare with a page whose distance keeps doubling."""
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
