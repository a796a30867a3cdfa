"""The rules of the end, a page at a time, without a server."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import APIStatusError, NotFoundError, PagingError, PagingLoopError, UnexpectedResponseError
from aishoot_async.paging._ending import Ending, Verdict
from aishoot_async.paging._listing import Sheet

GIVE, GIVE_LAST, SKIP, END = Verdict.GIVE, Verdict.GIVE_LAST, Verdict.SKIP, Verdict.END
AGAIN, PEEK, CHECK = Verdict.AGAIN, Verdict.PEEK, Verdict.CHECK


def sheet(asked: int, names: str, total: int | None = None, *, last: bool | None = None, number: int | None = None):
    """Make a page of rows named by single letters; a dot is a row without an id."""
    return Sheet(
        asked=asked,
        items=list(names),
        raws=[name.encode() for name in names],
        ids=[None if name == "." else name for name in names],
        total=total,
        last=last,
        number=number,
    )


def unnamed(asked: int, names: str, total: int | None = None) -> Sheet[Any]:
    """Make a page of rows that have no ids."""
    raws = [name.encode() for name in names]
    return Sheet(asked=asked, items=raws, raws=raws, ids=[None] * len(raws), total=total, last=None, number=None)


def refusal(status: int) -> APIStatusError:
    return (NotFoundError if status == 404 else APIStatusError)(status, method="GET", path="/")


def ending(*, first: int = 1, asked: int = 3, longest: int = 3, before: Sequence[int] = (0,)) -> Ending:
    return Ending(first=first, asked=asked, longest=longest, before=before, has_totals=True)


@pytest.mark.parametrize(
    ("pages", "verdicts"),
    [
        pytest.param([("ab", 2)], [GIVE_LAST], id="a total, and a page shorter than the longest"),
        pytest.param([("abc", 3), ("", 3)], [GIVE, END], id="a total, and an empty page beyond"),
        pytest.param([("abc", 3), ("abc", 3)], [GIVE, END], id="a total, and the last page repeated"),
        pytest.param([("abc", 6), ("def", 6), ("def", 6)], [GIVE, GIVE, END], id="the same, of two"),
        pytest.param([("ab", 3), ("cd", 3)], [GIVE, GIVE], id="a short page before the total"),
        pytest.param([("abc", 3), ("def", 3)], [GIVE, GIVE], id="each page's own count"),
        pytest.param([("abc", 3), ("def", 3), ("", 0)], [GIVE, GIVE, PEEK], id="own counts end as no total does"),
        pytest.param([("abc", 3), ("", 0)], [GIVE, PEEK], id="own count of one page"),
        pytest.param([("abc", 3), ("", None)], [GIVE, PEEK], id="the same, and none of an empty page"),
        pytest.param([("abc", 5), ("", 5)], [GIVE, AGAIN], id="an empty page before the total"),
        pytest.param([("abc", None), ("", None)], [GIVE, PEEK], id="an empty page without a total"),
        pytest.param([("", None)], [PEEK], id="an empty first page without a total"),
        pytest.param([("", 0)], [END], id="an empty list"),
        pytest.param([("...", 6), ("...", 6), ("", 6)], [GIVE, GIVE, END], id="identical rows without ids"),
    ],
)
def test_verdicts(pages: list[tuple[str, int | None]], verdicts: list[Verdict]):
    judge = ending()
    assert [judge.see(sheet(number, *page)) for number, page in enumerate(pages, 1)] == verdicts


def test_last_is_a_witness_only_of_a_total_that_is_more_than_a_pages_own_count():
    judge = ending()
    assert judge.see(sheet(1, "abc", 3, last=True)) is GIVE
    judge = ending()
    assert judge.see(sheet(1, "abc", 6, last=False)) is GIVE
    assert judge.see(sheet(2, "def", 6, last=True)) is GIVE_LAST
    assert ending().see(sheet(1, "abc", None, last=True)) is GIVE
    assert ending().see(sheet(1, "abc", 6, last=True)) is GIVE


def test_an_empty_page_without_a_total_is_judged_by_the_one_after_it():
    judge = ending()
    judge.see(sheet(1, "abc"))
    assert judge.see(sheet(2, "")) is PEEK
    assert judge.beyond(sheet(3, "")) is END
    assert judge.beyond(refusal(404)) is END
    assert judge.beyond(sheet(3, "def")) is AGAIN
    with pytest.raises(APIStatusError):
        judge.beyond(refusal(400))
    assert judge.see(sheet(2, ""), again=True) is SKIP
    assert judge.see(sheet(3, "def")) is GIVE
    assert judge.see(sheet(4, "")) is PEEK
    assert judge.beyond(sheet(5, "")) is AGAIN
    with pytest.raises(PagingError, match="page 2 is empty"):
        judge.see(sheet(4, ""), again=True)


@pytest.mark.parametrize("after", [sheet(4, ""), refusal(404)])
def test_behind_the_second_page_an_end_without_a_total_is_looked_at_twice(after: Sheet[Any] | APIStatusError):
    judge = ending()
    judge.see(sheet(1, "abc"))
    judge.see(sheet(2, "def"))
    assert judge.see(sheet(3, "")) is PEEK
    assert judge.beyond(after) is AGAIN
    assert judge.see(sheet(3, "ghi"), again=True) is GIVE
    assert judge.see(sheet(4, "")) is PEEK
    assert judge.beyond(sheet(5, "")) is AGAIN
    assert judge.see(sheet(4, ""), again=True) is END
    assert judge.refused(4, refusal(404)) is CHECK
    assert judge.refused(4, refusal(404), unchanged=True) is AGAIN
    assert judge.refused(4, refusal(404), unchanged=True, again=True) is END


@pytest.mark.parametrize(
    ("pages", "verdicts", "says"),
    [
        pytest.param(["ab", "cde"], [GIVE] * 2, "page 2 is longer", id="it grows"),
        pytest.param(["ab", "cd", "efg"], [GIVE] * 3, "page 3 is longer", id="it grows later"),
        pytest.param(["abc", "de", "f"], [GIVE] * 3, None, id="it shrinks, and ids would tell rows that come twice"),
        pytest.param(["abc", "def", "g"], [GIVE] * 3, None, id="only the last is shorter"),
    ],
)
def test_a_page_size_that_changes_under_a_walk_without_a_total_is_an_inconsistency(
    pages: list[str], verdicts: list[Verdict], says: str | None
):
    judge = ending(longest=0)
    assert [judge.see(sheet(number, names)) for number, names in enumerate(pages, 1)] == verdicts
    assert (judge.inconsistency or "").startswith(says or "")
    assert (judge.inconsistency is None) == (says is None)


def test_a_page_size_that_shrinks_under_a_walk_of_rows_without_ids_is_an_inconsistency():
    judge = ending(longest=0)
    for number, names in enumerate(["abc", "de", "f"], 1):
        assert judge.see(unnamed(number, names)) is GIVE
    assert (judge.inconsistency or "").startswith("page 2 is shorter")


def test_a_total_that_pages_of_several_lengths_add_up_to_is_believed_once_nothing_is_behind_it():
    judge = ending()
    assert judge.see(unnamed(1, "abc", 7)) is GIVE
    assert judge.see(unnamed(2, "de", 7)) is GIVE
    assert judge.see(unnamed(3, "fg", 7)) is GIVE
    assert judge.see(sheet(4, "", 7)) is END
    assert judge.inconsistency is None


def test_rows_behind_a_total_that_pages_of_several_lengths_add_up_to_disprove_it():
    judge = ending()
    for number, names in enumerate(["abc", "cd", "ef", "gh"], 1):
        assert judge.see(unnamed(number, names, 7)) is GIVE
    assert judge.total_is_wrong
    assert judge.inconsistency is not None


@pytest.mark.parametrize(
    ("has_totals", "verdict"), [pytest.param(False, GIVE, id="not known"), pytest.param(True, GIVE_LAST, id="known")]
)
def test_a_page_shorter_than_another_lists_is_a_witness_only_where_totals_are_known_to_count_all_rows(
    verdict: Verdict, *, has_totals: bool
):
    judge = Ending(first=1, asked=3, longest=3, before=[0], has_totals=has_totals)
    assert judge.see(sheet(1, "ab", 2)) is verdict


def test_a_total_that_appears_late_makes_up_for_a_page_that_stayed_empty():
    judge = ending()
    judge.see(sheet(1, "abc"))
    judge.see(sheet(2, ""))
    judge.see(sheet(2, ""), again=True)
    assert judge.see(sheet(3, "de", 5)) is GIVE_LAST


def test_a_total_does_not_make_up_for_it_while_the_base_is_unknown():
    judge = ending(first=1, before=[0, 1])
    judge.see(sheet(1, "abc", 12))
    judge.see(sheet(2, "", 12))
    assert judge.see(sheet(2, "", 12), again=True) is SKIP
    assert judge.see(sheet(3, "def", 12)) is GIVE
    assert judge.see(sheet(4, "ghi", 12, last=True)) is GIVE
    assert judge.see(sheet(5, "", 12)) is AGAIN
    with pytest.raises(PagingError):
        judge.see(sheet(5, "", 12), again=True)


@pytest.mark.parametrize("status", [400, 404, 416, 422])
def test_a_refusal_beyond_a_total_is_the_end(status: int):
    judge = ending()
    judge.see(sheet(1, "abc", 3))
    assert judge.refused(2, refusal(status)) is END


@pytest.mark.parametrize(("status", "total"), [(503, None), (500, 9), (403, 3), (400, 9), (429, None), (416, 9)])
def test_other_refusals_are_errors(status: int, total: int | None):
    judge = ending()
    judge.see(sheet(1, "abc", total))
    with pytest.raises(APIStatusError):
        judge.refused(2, refusal(status))


@pytest.mark.parametrize(("status", "total"), [(400, None), (422, None), (500, None), (416, None), (500, 3)])
def test_a_refusal_that_is_not_usual_beyond_the_end_is_an_error(status: int, total: int | None):
    judge = ending()
    judge.see(sheet(1, "abc", total))
    assert judge.refused(2, refusal(status)) is CHECK
    with pytest.raises(APIStatusError):
        judge.refused(2, refusal(status), unchanged=False)


def test_a_404_is_the_end_only_when_the_page_before_it_is_unchanged():
    judge = ending()
    with pytest.raises(NotFoundError):
        judge.refused(1, refusal(404))
    judge.see(sheet(1, "abc"))
    assert judge.refused(2, refusal(404)) is CHECK
    assert judge.refused(2, refusal(404), unchanged=True) is END
    with pytest.raises(NotFoundError):
        judge.refused(2, refusal(404), unchanged=False)


def test_a_404_before_the_total_is_a_hole():
    judge = ending()
    judge.see(sheet(1, "abc", 8))
    assert judge.refused(2, refusal(404)) is CHECK
    assert judge.refused(2, refusal(404), unchanged=True) is AGAIN
    assert judge.refused(2, refusal(404), unchanged=True, again=True) is SKIP
    with pytest.raises(PagingError, match="8 items, and page 3 is empty after 3"):
        judge.refused(3, refusal(404), unchanged=True, again=True)


def test_a_total_that_only_one_base_explains_needs_one_more_look():
    judge = ending(first=2, before=[1, 2])
    assert judge.see(sheet(2, "abc", 9)) is GIVE
    assert judge.see(sheet(3, "", 9)) is AGAIN
    assert judge.see(sheet(3, "", 9), again=True) is END
    assert judge.refused(3, refusal(404)) is CHECK
    assert judge.refused(3, refusal(404), unchanged=True) is AGAIN
    assert judge.refused(3, refusal(404), unchanged=True, again=True) is END
    with pytest.raises(NotFoundError):
        judge.refused(3, refusal(404), unchanged=False)
    assert judge.refused(3, refusal(400)) is CHECK


def test_the_total_of_an_empty_page_past_the_end_says_nothing():
    # A count over the page's rows, in SQL, is 0 over none.
    judge = ending()
    judge.see(sheet(1, "abc", 6))
    judge.see(sheet(2, "def", 6))
    assert judge.see(sheet(3, "", 0)) is END
    assert (judge.total, judge.total_changed) == (6, False)


@pytest.mark.parametrize(("total", "names"), [(None, "abc"), (9, "abc"), (None, "..."), (4, "...")])
def test_the_same_page_twice_is_a_loop(total: int | None, names: str):
    judge = ending()
    judge.see(sheet(1, names, total))
    with pytest.raises(PagingLoopError):
        judge.see(sheet(2, names, total))


def test_the_total_is_seen_to_change():
    judge = ending()
    judge.see(sheet(1, "abc", 9))
    assert not judge.total_changed
    judge.see(sheet(2, "def", 8))
    assert judge.total_changed
    assert judge.total == 8


def test_the_pages_ahead_follow_from_the_total_and_the_size_as_the_service_gives_it():
    judge = ending(asked=100)
    assert judge.pages_ahead() is None
    judge.see(sheet(1, "abc", 10))
    assert (judge.page_size, judge.pages_ahead()) == (3, 3)
    judge.see(sheet(2, "def", 10))
    assert judge.pages_ahead() == 2
    judge.see(sheet(3, "g", 5))
    assert judge.pages_ahead() is None


@pytest.mark.parametrize("numbers", [(0, 1, 2), (1, 2, 3), (5, 5, 5), (None, 2, None)])
def test_a_service_may_number_its_pages_as_it_likes(numbers: tuple[int | None, ...]):
    judge = ending()
    for asked, number in enumerate(numbers, 1):
        assert judge.see(sheet(asked, "abcdefghi"[3 * asked - 3 : 3 * asked], number=number)) is GIVE


def test_but_not_give_another_page_than_was_asked_for():
    judge = ending()
    judge.see(sheet(1, "abc", number=0))
    with pytest.raises(UnexpectedResponseError, match="page 2 was asked for"):
        judge.see(sheet(2, "def", number=2))


@given(st.lists(st.tuples(st.text("abc.", max_size=3), st.none() | st.integers(0, 12), st.none() | st.booleans())))
def test_looking_at_an_empty_page_again_and_again_changes_nothing(pages: list[tuple[Any, ...]]):
    # A consumer that is cancelled while an empty page is asked for again lets the first be judged twice.
    once, twice = ending(before=[0, 1]), ending(before=[0, 1])
    for number, (names, total, last) in enumerate(pages, 1):
        page = sheet(number, names, total, last=last)
        found: list[object] = []
        for judge, times in ((once, 1), (twice, 1 if names else 3)):
            outcome: object = None
            for _ in range(times):
                try:
                    outcome = judge.see(page)
                except PagingError as error:
                    outcome = str(error)
            found.append(outcome)
        assert found[0] == found[1]
        if not isinstance(found[0], Verdict) or found[0] in {END, GIVE_LAST}:
            break


def test_rows_before_the_first_page_are_counted_by_the_size_that_the_server_gives():
    judge = ending(first=5, asked=100, longest=0, before=[4])
    assert judge.see(sheet(5, "a" * 20 + "b" * 30, total=1000)) is GIVE
    assert (judge.page_size, judge.pages_ahead()) == (50, 15 + 1)
