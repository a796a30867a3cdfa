"""What a report says, field by field, however a walk ends."""

from collections.abc import Callable
from typing import Any

import pytest

from aishoot_async import Cursor, Pager, PagingError, PagingReport
from paging.hostile import Answer, HostileServer, Rows, changing, failure, rows

pytestmark = pytest.mark.anyio

Act = Callable[[Pager[Any]], Any]


async def finish(pager: Pager[Any]) -> None:
    await pager.collect()


async def take_5(pager: Pager[Any]) -> None:
    await pager.collect(5)


async def take_all_and_no_more(pager: Pager[Any]) -> None:
    await pager.collect(11)


async def take_a_page(pager: Pager[Any]) -> None:
    await pager


async def take_two_pages(pager: Pager[Any]) -> None:
    async with pager.pages() as pages:
        await anext(pages)
        await anext(pages)


async def nothing(pager: Pager[Any]) -> None:
    await pager.walk().aclose()


async def fail(pager: Pager[Any]) -> None:
    with pytest.raises(Exception, match=r"403|items|changed|walked|before"):
        await pager.collect()


def listing(**habits: Any) -> Rows:
    return Rows(rows(*range(1, 12)), **habits)


def broken(page: int, answer: Answer) -> Rows:
    shown = listing()
    shown.overrides[page] = answer
    return shown


def one_in_at_the_front(at: int, **habits: Any) -> Callable[[int, int], Answer]:
    def change(number: int, shown: Rows) -> None:
        if number == at:
            shown.data = [*rows(100), *shown.data]

    return changing(listing(**habits), change)


WHOLE = PagingReport(pages=3, items=11, expected_total=11, page_base=1, page_size=4, complete=True)


def report(**changed: Any) -> PagingReport:
    """Say what differs from the report of a whole walk."""
    fields = {name: getattr(WHOLE, name) for name in PagingReport.__slots__ if not name.startswith("_")}
    return PagingReport(**{**fields, **changed})


@pytest.mark.parametrize(
    ("answer", "options", "act", "wanted"),
    [
        pytest.param(listing(), {}, finish, WHOLE, id="finished"),
        pytest.param(listing(base=0), {}, finish, report(page_base=0), id="counted from 0"),
        pytest.param(listing(cap=3), {}, finish, report(pages=4, page_size=3), id="capped"),
        pytest.param(listing(total="missing"), {}, finish, report(expected_total=None), id="no total"),
        pytest.param(listing(total="own"), {}, finish, report(expected_total=3), id="each page's own count"),
        pytest.param(listing(total=-3), {}, finish, report(expected_total=8), id="a total that rows disprove"),
        pytest.param(listing(past_end=404), {}, finish, WHOLE, id="404 past the end"),
        pytest.param(Rows([]), {}, finish, report(pages=0, items=0, expected_total=0), id="empty"),
        pytest.param(listing(), {}, nothing, PagingReport(), id="closed before anything was asked for"),
        pytest.param(listing(), {}, take_5, report(pages=2, items=5, complete=False), id="broken off"),
        pytest.param(listing(), {}, take_all_and_no_more, report(complete=False), id="left on the last item"),
        pytest.param(listing(), {}, take_a_page, report(pages=1, items=4, complete=False), id="awaited"),
        pytest.param(listing(), {}, take_two_pages, report(pages=2, items=8, complete=False), id="two pages"),
        pytest.param(
            broken(3, failure(403)), {}, fail, report(pages=2, items=8, complete=False), id="ended by an error"
        ),
        pytest.param(broken(1, failure(403)), {}, fail, PagingReport(), id="ended by an error before anything came"),
        pytest.param(
            broken(2, (200, b'{"entries": [], "total": 11}')),
            {},
            fail,
            report(pages=2, items=7, complete=False),
            id="a hole",
        ),
        pytest.param(listing(total=2), {}, fail, report(expected_total=13, complete=False), id="a total too high"),
        pytest.param(
            lambda page, size: listing(total="missing")(1, size),
            {},
            fail,
            report(pages=1, items=4, expected_total=None, complete=False),
            id="the same page for ever",
        ),
        pytest.param(
            one_in_at_the_front(3),
            {},
            finish,
            report(items=12, duplicates=1, expected_total=12, total_changed=True, complete=False),
            id="a row came in",
        ),
        pytest.param(
            one_in_at_the_front(3, total="missing"),
            {},
            finish,
            report(items=12, duplicates=1, expected_total=None, complete=False),
            id="a row came in, and there is no total",
        ),
        pytest.param(
            one_in_at_the_front(3),
            {"on_drift": "raise"},
            fail,
            report(pages=1, items=4, expected_total=12, total_changed=True, complete=False),
            id="a row came in, and that is an error",
        ),
        pytest.param(
            listing(),
            {"start": Cursor(2, 1, 4)},
            finish,
            report(pages=2, items=6, page_base=None),
            id="from a cursor, the base unknown",
        ),
        pytest.param(
            listing(),
            {"start": Cursor(3, 3, 4)},
            finish,
            report(pages=1, items=0, page_base=None),
            id="from the last item on",
        ),
        pytest.param(
            listing(total="missing"),
            {"start": Cursor(3, 4, 4), "on_drift": "ignore"},
            finish,
            report(pages=1, items=0, expected_total=None, page_base=None, complete=False),
            id="from behind a page that has become shorter",
        ),
        pytest.param(listing(), {"strict": True}, finish, report(passes=2), id="strict"),
        pytest.param(
            listing(),
            {"strict": True},
            take_5,
            report(pages=2, items=5, passes=2, complete=False),
            id="strict, broken off",
        ),
        pytest.param(
            one_in_at_the_front(3),
            {"strict": True},
            finish,
            report(items=12, expected_total=12, passes=3),
            id="strict, a change",
        ),
        pytest.param(
            broken(3, failure(403)),
            {"strict": True},
            fail,
            report(pages=0, items=0, complete=False),
            id="strict, ended by an error",
        ),
        pytest.param(
            Rows(rows(*range(1, 11), 1)),
            {"strict": True},
            fail,
            report(pages=0, items=0, duplicates=1, passes=5, complete=False),
            id="strict, and never clean",
        ),
    ],
)
async def test_what_is_reported(
    server: HostileServer, answer: Any, options: dict[str, Any], act: Act, wanted: PagingReport
):
    server.answer = answer
    async with server.session() as session:
        size = {} if isinstance(options.get("start"), Cursor) or getattr(answer, "cap", None) else {"page_size": 4}
        pager = session.briefs.results(1, prefetch=1, **size, **options)
        try:
            await act(pager)
        except PagingError as error:
            pytest.fail(str(error))
        assert pager.report == wanted
