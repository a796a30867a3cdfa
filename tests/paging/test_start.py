"""Where a list begins, without a server."""

from collections.abc import Mapping
from typing import Any

import pytest

from aishoot_async import APIStatusError, NotFoundError, ServerError
from aishoot_async.paging._listing import EndpointMemory, Sheet
from aishoot_async.paging._start import find_start, pages_implied, probe
from paging.test_ending import refusal, sheet

pytestmark = pytest.mark.anyio
Pages = Mapping[int, Sheet[Any] | int]


async def start(pages: Pages, memory: EndpointMemory) -> tuple[int, list[int | None], list[int]]:
    """Give the first page's number, what was read from there on (``None`` for a refusal), and what was asked for."""
    asked: list[int] = []

    async def fetch(number: int) -> Sheet[Any]:
        asked.append(number)
        found = pages[number]
        if isinstance(found, int):
            raise (ServerError(found, method="GET", path="/") if found >= 500 else refusal(found))
        return found

    start = await find_start(fetch, memory)
    if not start.is_known:
        start = await probe(fetch, memory, start.read)
    return start.page, [outcome.asked if isinstance(outcome, Sheet) else None for outcome in start.read], asked


@pytest.mark.parametrize(
    ("pages", "first", "read", "asked", "remembered"),
    [
        pytest.param({1: sheet(1, "abc", 9, number=0)}, 1, [1], [1], 1, id="page 1 is number 0 of more"),
        pytest.param(
            {1: sheet(1, "abc", last=False, number=0), 0: sheet(0, "xyz", last=False, number=0)},
            0,
            [0, 1],
            [1, 0],
            0,
            id="every page is number 0, and more follow",
        ),
        pytest.param(
            {1: sheet(1, "abc", 3), 2: sheet(2, "", 3)}, 1, [1, 2], [1, 2], 1, id="one page, and an honest total"
        ),
        pytest.param(
            {1: sheet(1, "abc", 3), 2: sheet(2, "", 0), 0: sheet(0, "xyz", 3)},
            0,
            [0, 1, 2],
            [1, 2, 0],
            0,
            id="own counts, two pages from 0",
        ),
        pytest.param(
            {1: sheet(1, "abc", 3), 2: 404, 0: sheet(0, "xyz", 3)},
            0,
            [0, 1, None],
            [1, 2, 0],
            0,
            id="own counts, two pages from 0, 404 past the end",
        ),
        pytest.param(
            {1: sheet(1, "abc", 3), 2: sheet(2, "abc", 3), 0: sheet(0, "xyz", 3)},
            0,
            [0, 1, 2],
            [1, 2, 0],
            0,
            id="own counts, two pages from 0, the last repeated",
        ),
        pytest.param(
            {1: sheet(1, "abc", 3, number=0, last=True), 2: sheet(2, "def", 3, number=0, last=True), 0: 500},
            1,
            [1, 2],
            [1, 2, 0, 0],
            None,
            id="Spring's page of a bare list",
        ),
        pytest.param(
            {1: sheet(1, "abc", number=0, last=True), 0: sheet(0, "xyz", number=0, last=True)},
            0,
            [0, 1],
            [1, 0],
            0,
            id="the same, without totals, from 0",
        ),
        pytest.param({1: sheet(1, "abc"), 0: 400}, 1, [1], [1, 0, 0], 1, id="page 0 is refused"),
        pytest.param({1: sheet(1, "abc"), 0: sheet(0, "")}, 1, [1], [1, 0, 0], 1, id="page 0 is empty"),
        pytest.param({1: sheet(1, "abc"), 0: sheet(0, "xyz")}, 0, [0, 1], [1, 0], 0, id="page 0 is another"),
        pytest.param(
            {1: sheet(1, "abc"), 0: sheet(0, "abc"), 2: sheet(2, "")}, 1, [1, 2], [1, 0, 2], 1, id="page 0 is page 1"
        ),
        pytest.param(
            {1: sheet(1, "bcd"), 0: sheet(0, "abc"), 2: 404}, 1, [1, None], [1, 0, 2], 1, id="but for a row deleted"
        ),
        pytest.param(
            {1: sheet(1, "abc"), 0: sheet(0, "abc"), 2: sheet(2, "abc")},
            1,
            [1, 2],
            [1, 0, 2],
            None,
            id="all pages are the same",
        ),
        pytest.param(
            {1: sheet(1, "abc"), 0: sheet(0, "abc"), 2: 500}, 1, [1, None], [1, 0, 2], None, id="page 2 does not tell"
        ),
        pytest.param({1: sheet(1, ""), 0: sheet(0, "abc")}, 0, [0, 1], [1, 0, 1], 0, id="one page from 0"),
        pytest.param({1: sheet(1, "", 3), 0: sheet(0, "abc", 3)}, 0, [0, 1], [1, 0], 0, id="the same, with a total"),
        pytest.param({1: 400, 0: sheet(0, "abc")}, 0, [0, None], [1, 0, 1], 0, id="one page from 0, 400 past it"),
        pytest.param({1: 404, 0: sheet(0, "abc")}, 0, [0, None], [1, 0, 1], 0, id="one page from 0, 404 past it"),
        pytest.param({1: 404, 0: sheet(0, "")}, 0, [0, None], [1, 0, 0, 1], None, id="an empty list, 404 past it"),
        pytest.param({1: sheet(1, ""), 0: sheet(0, "")}, 1, [1], [1, 0, 0, 1], None, id="an empty list"),
    ],
)
async def test_the_first_page(pages: Pages, first: int, read: list[int | None], asked: list[int], remembered: Any):
    memory = EndpointMemory()
    assert await start(pages, memory) == (first, read, asked)
    assert memory.base == remembered


@pytest.mark.parametrize("base", [0, 1])
async def test_what_is_remembered_is_not_asked_again(base: int):
    assert await start({base: sheet(base, "abc")}, EndpointMemory(base=base)) == (base, [base], [base])


@pytest.mark.parametrize(
    ("pages", "status"),
    [
        ({1: 404, 0: 404}, 404),
        ({1: 400, 0: 404}, 400),
        ({1: 500}, 500),
        ({1: sheet(1, "a"), 0: 503}, 503),
        ({1: sheet(1, "a"), 0: 403}, 403),
    ],
)
async def test_an_error_that_tells_nothing_of_the_base_is_raised(pages: Pages, status: int):
    memory = EndpointMemory()
    with pytest.raises(APIStatusError) as caught:
        await start(pages, memory)
    assert caught.value.status == status
    assert isinstance(caught.value, NotFoundError) == (status == 404)
    assert memory.base is None


@pytest.mark.parametrize(
    ("one", "pages"),
    [
        pytest.param(sheet(1, "abc", 3), 0, id="all is on it"),
        pytest.param(sheet(1, "abc", 2), 0, id="a total that is wrong"),
        pytest.param(sheet(1, "abc", 4), 1, id="one row more"),
        pytest.param(sheet(1, "abc", 6), 1, id="a page more"),
        pytest.param(sheet(1, "abc", 7), 2, id="a page and one row more"),
        pytest.param(sheet(1, "abcd", 9), 2, id="pages are longer than was asked for"),
        pytest.param(sheet(1, "ab", 5), 0, id="shorter pages, or the last"),
        pytest.param(sheet(1, "ab"), 1, id="no total"),
        pytest.param(sheet(1, "", 9), 0, id="it is empty"),
        pytest.param(sheet(1, ""), 0, id="it is empty, and no total"),
        pytest.param(refusal(404), 0, id="it is refused"),
    ],
)
def test_the_pages_that_page_1_implies(one: Sheet[Any] | APIStatusError, pages: int):
    assert pages_implied(one, asked=3) == pages


def test_a_memory_keeps_the_longest_page():
    memory = EndpointMemory()
    for length in (2, 5, 3):
        memory.saw(100, length)
    assert memory.longest == {100: 5}
