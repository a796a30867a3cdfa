"""A listing that grows as fast as it is read: an error with a way on, and never an endless walk."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import UnstableListingError
from aishoot_async.paging import _growth
from aishoot_async.paging._growth import MAX_ROWS_WITHOUT_TOTAL, MAX_WINDOWS, WINDOW_ROWS, GrowthDetector
from paging.hostile import HostileServer, body, failure, rows, until_error

pytestmark = pytest.mark.anyio
SIZE = 10
BOUND = 200


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(_growth, "WINDOW_ROWS", BOUND // MAX_WINDOWS)
    monkeypatch.setattr(_growth, "MAX_ROWS_WITHOUT_TOTAL", 2 * BOUND)


def serve(server: HostileServer, total: Callable[[int], int | None], last: int | None = None) -> None:
    """Serve full pages, for ever or up to a last one; ``total`` is what page n says."""

    def answer(page: int, _size: int):
        if page == 0:
            return failure(404)
        numbers = range((page - 1) * SIZE, page * SIZE) if last is None or page <= last else ()
        return 200, body({"entries": rows(*numbers), "total": total(page)})

    server.answer = answer


ENDLESS = {
    "a page ahead": lambda page: (page + 1) * SIZE,
    "a row ahead": lambda page: page * SIZE + 1,
    "further and further ahead": lambda page: 3 * page * SIZE,
    "in leaps": lambda page: 1000 * (1 + page // 7) + page * SIZE,
    "as it doubles": lambda page: 2 ** min(60, page + 4),
    "without a total": lambda page: None,
    "with each page's own count": lambda page: SIZE,
    "with a total that was passed": lambda page: 35,
}


@pytest.mark.parametrize("strict", [False, True], ids=["plain", "strict"])
@pytest.mark.parametrize("kind", ENDLESS)
async def test_an_endless_listing_ends_with_an_error(server, kind, strict):
    serve(server, ENDLESS[kind])
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=SIZE, on_drift="ignore", strict=strict)
        got, error = await until_error(pager)
        assert isinstance(error, UnstableListingError), error
        assert got == [] if strict else [f"r{number}" for number in range(len(got))]
        assert len(server.asked) < 3 * 2 * BOUND / SIZE
        if not strict:
            assert BOUND <= len(got) <= 2 * BOUND
            # It is no end for whoever wants more.
            more = session.briefs.results(1, start=error.cursor, on_drift="ignore").walk()
            assert (await anext(more))["id"] == f"r{len(got)}"
            await more.aclose()


HONEST = {
    "that stands still": (lambda page: 100 * SIZE, 100),
    "that grows half as fast": (lambda page: 50 * SIZE + page * SIZE // 2, 100),
    "that grows as fast for a while": (lambda page: (min(page, 10) + 90) * SIZE, 100),
    "that grows by a leap": (lambda page: (100 if page > 20 else 30) * SIZE, 100),
    "that grows by several": (lambda page: min(100, 30 * (1 + page // 20)) * SIZE, 100),
    "that is counted wrongly at first": (lambda page: 100 * SIZE if page > 1 else SIZE, 100),
    "that shrinks": (lambda page: (200 - page) * SIZE, 100),
}


@pytest.mark.parametrize("kind", HONEST)
async def test_a_long_listing_is_read_to_its_end(server: HostileServer, kind: str):
    serve(server, *HONEST[kind])
    async with server.session() as session:
        assert len(await session.briefs.results(1, page_size=SIZE, on_drift="ignore").collect()) == 100 * SIZE


async def test_a_listing_without_a_total_is_read_up_to_its_bound(server: HostileServer):
    serve(server, lambda page: None, last=2 * BOUND // SIZE)
    async with server.session() as session:
        assert len(await session.briefs.results(1, page_size=SIZE).collect()) == 2 * BOUND


@given(growth=st.lists(st.integers(0, 30)), size=st.integers(1, 20))
def test_whoever_comes_nearer_to_the_end_is_never_stopped(growth, size):
    detector = GrowthDetector()
    left = 31 * len(growth)
    for grown in growth:
        left -= max(1, size - grown)
        assert detector.on_page(size, left) is None


@given(size=st.integers(1, 50), grown=st.integers(0, 1000))
def test_whoever_comes_no_nearer_is_stopped_in_time(size, grown):
    detector = GrowthDetector()
    detector.on_page(size, 1000)
    for page in range(1, 2 * BOUND // size + MAX_WINDOWS):
        problem = detector.on_page(size, 1000 + grown * page)
        if problem is not None:
            break
    assert problem is not None
    assert "as fast as it is read" in problem


def test_the_real_bounds_leave_room_for_any_honest_listing(monkeypatch):
    monkeypatch.undo()
    assert WINDOW_ROWS * MAX_WINDOWS == 100_000
    assert MAX_ROWS_WITHOUT_TOTAL == 10_000_000
