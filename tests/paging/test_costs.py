"""What a walk costs, as decision by decision: which pages are asked for, once the page base is known."""

import pytest

from aishoot_async import PagingError
from paging.hostile import HostileServer, Rows, body, ids, names, rows

pytestmark = pytest.mark.anyio

FULL = 4
ONE, TWO, THREE = rows(1, 2, 3), rows(*range(1, 9)), rows(*range(1, 12))


@pytest.mark.parametrize(
    ("data", "options", "seen", "asked"),
    [
        # One page.
        pytest.param(ONE, {}, 4, [1], id="a total, and a longer page was seen"),
        pytest.param(ONE, {}, 1, [1, 2], id="a total, and no longer page was seen"),
        pytest.param(ONE, {"last": True, "envelope": "spring"}, 1, [1, 2], id="the same, and it says that it is last"),
        pytest.param(ONE, {"past_end": 404}, 1, [1, 2], id="a total, and 404 past the end"),
        pytest.param(ONE, {"past_end": 400}, 1, [1, 2], id="a total, and 400 past the end"),
        pytest.param(ONE, {"past_end": "repeat"}, 1, [1, 2], id="a total, and the last page is repeated"),
        pytest.param(ONE, {"total": "own"}, 4, [1], id="a page's own count, and a longer page was seen"),
        pytest.param(ONE, {"total": "own"}, 1, [1, 2, 3], id="a page's own count, 0 past the end"),
        pytest.param(ONE, {"total": "missing"}, 4, [1, 2, 3], id="no total"),
        pytest.param(ONE, {"total": "missing", "past_end": 404}, 4, [1, 2, 1], id="no total, and 404 past the end"),
        # None.
        pytest.param([], {}, 4, [1], id="nothing, and a total that says so"),
        pytest.param([], {"total": "missing"}, 4, [1, 2, 1], id="nothing, and no total"),
        # Several.
        pytest.param(THREE, {}, 1, [1, 2, 3], id="three pages and a total"),
        pytest.param(TWO, {}, 1, [1, 2, 3], id="a total that is an exact multiple"),
        pytest.param(TWO, {"last": True}, 1, [1, 2], id="an exact multiple, and the last page says so"),
        pytest.param(TWO, {"past_end": "repeat"}, 1, [1, 2, 3], id="an exact multiple, and the last page is repeated"),
        pytest.param(THREE, {"total": "missing"}, 1, [1, 2, 3, 4, 5, 4], id="three pages without a total"),
        pytest.param(TWO, {"total": "missing"}, 1, [1, 2, 3, 4, 3], id="an exact multiple without a total"),
        pytest.param(TWO, {"total": "missing", "past_end": 404}, 1, [1, 2, 3, 2, 3], id="no total, and 404"),
        pytest.param(THREE, {"total": "own"}, 1, [1, 2, 3, 4, 5, 4], id="each page's own count"),
        pytest.param(THREE, {"total": -3}, 1, [1, 2, 3, 4, 5, 4], id="a total that is too low"),
        pytest.param(THREE, {"cap": 2}, 1, [1, 2, 2, 3, 4, 5, 6], id="a cap below what is asked for"),
    ],
)
@pytest.mark.parametrize("base", [1, 0])
async def test_what_is_asked_for(server: HostileServer, data, options, seen: int, asked: list[int], base: int):
    async with server.session() as session:
        server.answer = Rows(rows(*range(1, seen + 1)), base=base)
        await session.briefs.results(1, page_size=FULL).collect()
        server.forget()
        server.answer = Rows(data, base=base, **options)
        pager = session.briefs.results(1, page_size=FULL, prefetch=1)
        assert ids(await pager.collect()) == names(len(data))
        assert pager.report.complete
    assert server.pages == [page - 1 + base for page in asked]


@pytest.mark.parametrize(
    ("total", "stays", "asked"),
    [
        pytest.param("honest", False, [1, 2, 2, 3], id="empty once: asked for again"),
        pytest.param("honest", True, [1, 2, 2, 3, 4, 4], id="empty for good: on to what the total implies"),
        pytest.param("missing", False, [1, 2, 3, 2, 4, 5, 4], id="no total: the page after it tells"),
        pytest.param("missing", True, [1, 2, 3, 2, 4, 5, 4], id="no total, for good: nobody can know"),
    ],
)
async def test_what_an_empty_page_in_the_middle_costs(
    server: HostileServer, total: str, asked: list[int], *, stays: bool
):
    async with server.session() as session:
        server.answer = Rows(rows(1))
        await session.briefs.results(1, page_size=FULL).collect()
        shown = Rows(THREE, total=total)
        emptied: list[int] = []

        def answer(page: int, size: int):
            if page == 2 and (stays or not emptied):
                emptied.append(page)
                return 200, body({"entries": [], **({"total": len(THREE)} if total == "honest" else {})})
            return shown(page, size)

        server.answer = answer
        server.forget()
        pager = session.briefs.results(1, page_size=FULL, prefetch=1)
        if stays:
            with pytest.raises(PagingError):
                await pager.collect()
        else:
            assert ids(await pager.collect()) == names(11)
        assert pager.report.complete is not stays
    assert server.pages == asked


async def test_what_a_total_that_is_too_high_costs(server: HostileServer):
    async with server.session() as session:
        server.answer = Rows(rows(1))
        await session.briefs.results(1, page_size=FULL).collect()
        server.forget()
        server.answer = Rows(TWO, total=7)
        with pytest.raises(PagingError, match="15 items, and page 4 is empty after 8"):
            await session.briefs.results(1, page_size=FULL, prefetch=1).collect()
    # Each page that it implies, twice.
    assert server.pages == [1, 2, 3, 3, 4, 4]


async def test_five_thousand_briefs_of_one_page_cost_five_thousand_requests(server: HostileServer):
    # Ten here: what counts is that no window is filled for a list that ends on its first page.
    async with server.session() as session:
        server.answer = Rows(rows(*range(1, FULL + 1)))
        await session.briefs.results(1, page_size=FULL).collect()
        server.forget()
        server.answer = Rows(ONE)
        for brief in range(10):
            await session.briefs.results(brief, page_size=FULL, prefetch=32).collect()
        assert len(server.asked) == 10
        server.forget()
        server.answer = Rows(ONE, total="missing")
        for brief in range(10):
            await session.briefs.results(brief, page_size=FULL, prefetch=32).collect()
        assert len(server.asked) == 30
