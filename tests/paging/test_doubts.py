"""What one answer says is not believed for ever: of where lists begin, how long pages are, and what a total counts."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aishoot_async import (
    AIShootError,
    APIStatusError,
    BadRequestError,
    Cursor,
    NotFoundError,
    PagingError,
    RefreshToken,
    RetryPolicy,
    SkuCreate,
)
from aishoot_async.export import export_results
from aishoot_async.sync import CatalogItem, plan_sync
from paging.hostile import Answer, HostileServer, Rows, body, failure, ids, names, rows, warnings

pytestmark = pytest.mark.anyio

FULL = 4
QUICK = RetryPolicy(attempts=2, backoff=0.001, backoff_max=0.001)


def empty(**more: Any) -> Answer:
    return 200, body({"entries": [], **more})


class Accident:
    """Answers honestly, but for the first few requests of one page."""

    def __init__(self, honest: Callable[[int, int], Answer], page: int, odd: Answer, times: int = 1) -> None:
        self.honest, self.page, self.odd, self.left = honest, page, odd, times

    def __call__(self, page: int, size: int) -> Answer:
        if page == self.page and self.left:
            self.left -= 1
            return self.odd
        return self.honest(page, size)


ODD_PAGE_0 = [
    pytest.param(empty(), 1, id="no rows"),
    pytest.param(empty(total=0), 1, id="no rows, total 0"),
    pytest.param((200, b"[]"), 1, id="an empty array"),
    *(pytest.param(failure(status), 1, id=str(status)) for status in (400, 404, 405, 416, 422)),
    # As often as a call tries, so that the call fails.
    pytest.param(failure(500), 2, id="500"),
]


@pytest.mark.parametrize(("odd", "times"), ODD_PAGE_0)
@pytest.mark.parametrize("count", [3, 4, 11, 12])
async def test_one_odd_answer_for_page_0_loses_no_first_page(
    server: HostileServer, odd: Answer, times: int, count: int
):
    server.answer = Accident(Rows(rows(*range(1, count + 1)), base=0, total="missing"), 0, odd, times)
    async with server.session(retry=QUICK) as session:
        for strict in (False, False, True):
            pager = session.briefs.results(1, page_size=FULL, strict=strict)
            assert ids(await pager.collect()) == names(count)
            assert pager.report.complete
            assert pager.report.page_base == 0


@pytest.mark.parametrize("status", [401, 403, 408, 429, 502, 503, 504])
async def test_an_error_for_page_0_that_says_nothing_of_it_is_raised_and_nothing_is_learnt(
    server: HostileServer, status: int
):
    server.answer = Accident(Rows(rows(*range(1, 12)), base=0, total="missing"), 0, failure(status), 1)
    async with server.session() as session:
        with pytest.raises(APIStatusError) as caught:
            await session.briefs.results(1, page_size=FULL).collect()
        assert caught.value.status == status
        pager = session.briefs.results(2, page_size=FULL)
        assert ids(await pager.collect()) == names(11)
        assert pager.report.complete


async def test_a_page_0_that_always_answers_500_leaves_a_walk_without_a_total_in_doubt(server: HostileServer, caplog):
    # Counted from 1, page 0 is refused that way; counted from 0, one of its rows may be what the service fails at.
    server.answer = Rows(rows(*range(1, 12)), below=500, total="missing")
    async with server.session() as session:
        for told in (1, 2):
            pager = session.briefs.results(1, page_size=FULL)
            assert ids(await pager.collect()) == names(11)
            assert not pager.report.complete
            assert len(warnings(caplog)) == told
        with pytest.raises(PagingError, match="page 0 answers 500"):
            await session.briefs.results(1, page_size=FULL, on_drift="raise").collect()


async def test_a_total_shows_that_no_page_is_missing_before_one_whose_predecessor_answers_500(server: HostileServer):
    server.answer = Rows(rows(*range(1, 12)), below=500)
    async with server.session() as session:
        for _ in range(2):
            pager = session.briefs.results(1, page_size=FULL)
            assert ids(await pager.collect()) == names(11)
            assert pager.report.complete
        assert server.pages.count(0) == 2  # nothing is left to be asked in the second walk


async def test_a_total_shows_that_a_page_0_that_cannot_be_read_is_missing(server: HostileServer):
    server.answer = Accident(Rows(rows(*range(1, 12)), base=0), 0, failure(500), 10**6)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=FULL)
        got = ids(await pager.collect())
        assert (got, pager.report.complete) == (names(11, first=5), False)


class AuthServer:
    """A listing beside an auth server that has bad minutes, and whose first token ends when page 0 is asked for."""

    def __init__(self, honest: Rows, status: int) -> None:
        self.honest, self.status, self.ended = honest, status, False

    def __call__(self, page: int, size: int) -> Answer:
        self.ended = self.ended or page == 0
        return failure(401) if self.ended and self.status != 200 else self.honest(page, size)

    def token(self) -> Answer:
        if self.ended and self.status != 200:
            return failure(self.status)
        return 200, body({"access_token": f"access-{self.status}", "expires_in": 9999})


@pytest.mark.parametrize("total", ["missing", "honest"])
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_error_of_the_auth_server_says_nothing_of_page_0(server: HostileServer, total: str, status: int):
    server.answer = service = AuthServer(Rows(rows(*range(1, 12)), base=0, total=total), status)
    server.token = service.token
    async with server.session(auth=RefreshToken("refresh-0"), retry=QUICK) as session:
        with pytest.raises(APIStatusError) as caught:
            await session.briefs.results(1, page_size=FULL).collect()
        assert (caught.value.status, caught.value.path) == (status, "/oauth/token")
        service.status = 200
        pager = session.briefs.results(2, page_size=FULL)
        assert ids(await pager.collect()) == names(11)
        assert pager.report.complete


class ElsewhereSource:
    """A token source that asks another service, and hands its error on."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    async def token(self, rejected: str | None = None) -> str:
        self.calls += 1
        if self.calls == 2:
            raise self.error
        return "token"


@pytest.mark.parametrize("status", [400, 404, 422, 500])
async def test_an_error_of_a_token_source_says_nothing_of_a_page(server: HostileServer, status: int):
    error = APIStatusError(status, method="GET", path="/secrets/token")
    server.answer = Rows(rows(*range(1, 12)), base=0, total="missing")
    async with server.session(auth=ElsewhereSource(error)) as session:
        with pytest.raises(APIStatusError) as caught:
            await session.briefs.results(1, page_size=FULL, prefetch=1).collect()
        assert caught.value.path == "/secrets/token"
        assert ids(await session.briefs.results(1, page_size=FULL).collect()) == names(11)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((1, 0), id="from 1 to 0"),
        pytest.param((0, 1), id="from 0 to 1"),
    ],
)
@pytest.mark.parametrize("below", ["empty", 404, 400])
@pytest.mark.parametrize("count", [3, 11])
async def test_a_first_page_that_is_contradicted_is_looked_for_again(
    server: HostileServer, change: tuple[int, int], below: str | int, count: int
):
    shown = Rows(rows(*range(1, count + 1)), base=change[0], below=below, past_end=404)
    server.answer = shown
    async with server.session() as session:
        assert ids(await session.briefs.results(1, page_size=FULL).collect()) == names(count)
        shown.base = change[1]
        # Where it is not seen before rows are given, the first list ends with an error; the next is whole.
        got = []
        for _ in range(2):
            pager = session.briefs.results(1, page_size=FULL)
            try:
                got = ids(await pager.collect())
            except AIShootError:
                continue
            assert got == names(count) or not pager.report.complete
        assert got == names(count)


@pytest.mark.parametrize("odd", [failure(400), empty(), failure(500)])
async def test_an_export_after_an_odd_answer_loses_no_first_page(server: HostileServer, odd: Answer, tmp_path):
    server.answer = Accident(Rows(rows(*range(1, 12)), base=0, total="missing"), 0, odd)
    async with server.session(retry=QUICK) as session:
        report = await export_results(session, range(1, 6), tmp_path / "out")
    assert (report.items, report.complete) == (55, True)


@pytest.mark.parametrize("odd", [failure(404), empty(), failure(422)])
async def test_a_sync_plans_no_duplicate_after_an_odd_answer(server: HostileServer, odd: Answer, tmp_path):
    data = [{"id": f"s{n}", "name": f"name {n}", "frontImage": f"f{n}"} for n in range(150)]
    server.answer = Accident(Rows(data, base=0, total="missing"), 0, odd, times=1)
    catalog = [CatalogItem(f"k{n}", SkuCreate(name=f"name {n}", front_image=f"f{n}")) for n in range(150)]
    async with server.session(retry=QUICK) as session:
        plan = await plan_sync(session, catalog, state=tmp_path / "state")
    assert {action.value: count for action, count in plan.counts.items() if count} == {"adopt": 150}


async def test_a_sync_believes_nothing_that_another_walk_has_seen(server: HostileServer, tmp_path):
    data = [{"id": f"s{n}", "name": f"name {n}", "frontImage": f"f{n}"} for n in range(150)]
    honest = Rows(data, base=0, total="missing")
    server.answer = Accident(honest, 0, failure(404), times=2)  # both looks of an ordinary walk
    catalog = [CatalogItem(f"k{n}", SkuCreate(name=f"name {n}", front_image=f"f{n}")) for n in range(150)]
    async with server.session(retry=QUICK) as session:
        assert len(await session.skus.list().collect()) == 50
        plan = await plan_sync(session, catalog, state=tmp_path / "state")
    assert {action.value: count for action, count in plan.counts.items() if count} == {"adopt": 150}


async def test_a_smaller_page_is_asked_for_at_once_only_after_two_refusals(server: HostileServer):
    server.answer = Accident(Rows(rows(*range(1, 101))), 1, failure(400))
    async with server.session() as session:
        assert ids(await session.briefs.results(1).collect()) == names(100)
        server.forget()
        assert ids(await session.briefs.results(2).collect()) == names(100)
        assert {size for _, size in server.asked} == {100}


OWN_COUNTS = [
    pytest.param({"cap": 3}, id="shorter pages"),
    pytest.param({"cap": 2}, id="much shorter pages"),
    pytest.param({"cap": 1}, id="pages of one row"),
    pytest.param({"hides": 4}, id="a row of each page is hidden"),
    pytest.param({"hides": 2}, id="half of each page is hidden"),
]


@pytest.mark.parametrize("habits", OWN_COUNTS)
@pytest.mark.parametrize("envelope", ["entries", "spring", "list"])
async def test_a_total_that_is_a_pages_own_count_ends_no_list_at_its_first_page(
    server: HostileServer, habits: dict[str, int], envelope: str
):
    def answer(page: int, size: int) -> Answer:
        if "/briefs/1/" in server.path:
            return Rows(rows(*range(1, 12)), total="own", envelope=envelope)(page, size)
        size, hides = min(size, habits.get("cap", size)), habits.get("hides", 0)
        start = (page - 1) * size
        cut = rows(*range(start + 1, min(start + size, 11) + 1)) if page > 0 else []
        here = [row for row in cut if not hides or row["n"] % hides]
        return 200, body(Rows([], total=len(here), envelope=envelope)._wrapped(here, page - 1, size, is_last=False))

    server.answer = answer
    want = [name for name in names(11) if "hides" not in habits or int(name[1:]) % habits["hides"]]
    async with server.session() as session:
        for brief in (1, 2, 1, 2):
            pager = session.briefs.results(brief, page_size=FULL)
            assert ids(await pager.collect()) == (names(11) if brief == 1 else want)


PROVING = [401, 403, 408, 429, 500, 502, 503, 504]


@pytest.mark.parametrize("status", [*PROVING, 404, 400])
async def test_no_error_of_the_page_before_a_cursor_is_taken_for_proof(server: HostileServer, status: int):
    # The cursor counts 4 a page, the service gives 6: page 2 has the 4 rows 7 to 10, and rows 5 and 6 would be lost.
    server.answer = Rows(rows(*range(1, 11)), fixed=6, total="missing", overrides={1: failure(status)})
    async with server.session() as session:
        pager = session.briefs.results(1, start=Cursor(2, 0, 4))
        with pytest.raises(APIStatusError) as caught:
            await pager.collect()
        assert caught.value.status == status
        assert not pager.report.complete


@pytest.mark.parametrize("status", [*PROVING, 404, 400])
async def test_no_error_of_the_page_before_a_short_one_is_taken_for_proof(server: HostileServer, status: int):
    # Page 3 by sixes has the rows 13 to 15; by fours, as the cursor counts, it begins with row 9.
    server.answer = Rows(rows(*range(1, 16)), fixed=6, total="missing", overrides={2: failure(status)})
    async with server.session() as session:
        with pytest.raises(APIStatusError) as caught:
            await session.briefs.results(1, start=Cursor(3, 0, 4)).collect()
        assert caught.value.status == status


@pytest.mark.parametrize(("odd", "times"), ODD_PAGE_0)
async def test_no_odd_answer_for_page_0_proves_a_cursor_on_page_1(server: HostileServer, odd: Answer, times: int):
    server.answer = Accident(Rows(rows(*range(1, 11)), base=0, fixed=6, total="missing"), 0, odd, times)
    async with server.session(retry=QUICK) as session:
        pager = session.briefs.results(1, start=Cursor(1, 0, 4))
        with pytest.raises(PagingError, match="page 0 has 6"):
            await pager.collect()


@pytest.mark.parametrize("status", PROVING)
async def test_no_error_of_the_page_after_a_cursors_ends_the_list(server: HostileServer, status: int):
    server.answer = Rows(rows(*range(1, 16)), overrides={3: failure(status)}, total=7)
    async with server.session() as session:
        await session.briefs.results(2, page_size=2).collect(1)
        with pytest.raises(APIStatusError) as caught:
            await session.briefs.results(1, start=Cursor(2, 1, 4)).collect()
        assert caught.value.status == status


def sized(data: list[Any], sizes: Callable[[int], int], *, total: bool) -> Callable[[int, int], Answer]:
    """Answer as a service does whose page size is another from some page on."""

    def answer(page: int, size: int) -> Answer:
        if page < 1:
            return failure(400)
        size = sizes(page)
        here = data[(page - 1) * size : page * size]
        return 200, body({"entries": here, **({"total": len(data)} if total else {})})

    return answer


NAMELESS = [{"n": number, "url": f"u{number}"} for number in range(1, 101)]
NAMED = rows(*range(1, 101))


@pytest.mark.parametrize("data", [pytest.param(NAMED, id="ids"), pytest.param(NAMELESS, id="no ids")])
@pytest.mark.parametrize(("before", "after"), [(4, 8), (4, 5), (2, 8), (8, 4), (8, 2), (5, 4)])
@pytest.mark.parametrize("changed_at", [2, 3, 6])
@pytest.mark.parametrize("total", [True, False])
async def test_a_page_size_that_changes_under_a_walk_is_never_silent(
    server: HostileServer, data: list[Any], before: int, after: int, changed_at: int, *, total: bool
):
    server.answer = sized(data, lambda page: before if page < changed_at else after, total=total)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=8, on_drift="ignore")
        try:
            got = [row["n"] async for row in pager]
        except PagingError:
            return
        assert not pager.report.complete
        assert got != list(range(1, 101))


@pytest.mark.parametrize("total", [True, False])
async def test_pages_of_one_size_are_no_change(server: HostileServer, *, total: bool):
    server.answer = sized(NAMELESS, lambda page: 7, total=total)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=8)
        assert [row["n"] async for row in pager] == list(range(1, 101))
        assert pager.report.complete


async def test_rows_hidden_from_some_pages_are_no_change_under_a_total_that_counts_what_is_shown(server: HostileServer):
    shown = [row for row in NAMED if row["n"] % 7]

    def answer(page: int, size: int) -> Answer:
        here = [row for row in NAMED[(page - 1) * 8 : page * 8] if row["n"] % 7] if page > 0 else []
        return 200, body({"entries": here, "total": len(shown)})

    server.answer = answer
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=8)
        assert [row["n"] async for row in pager] == [row["n"] for row in shown]
        assert pager.report.complete


async def test_a_cursor_in_a_list_with_hidden_rows_is_found_again(server: HostileServer):
    # Each page of 4 has lost one row, as if 3 were the most that the service gives.
    def answer(page: int, size: int) -> Answer:
        here = [row for row in NAMED[(page - 1) * size : page * size] if row["n"] % 4] if page > 0 else []
        return 200, body({"entries": here})

    server.answer = answer
    want = [row["n"] for row in NAMED if row["n"] % 4]
    async with server.session() as session:
        for taken in (1, 3, 4, 5, 7, 11):
            pager = session.briefs.results(1, page_size=4, prefetch=1)
            got = [row["n"] for row in await pager.collect(taken)]
            rest = session.briefs.results(1, start=Cursor.parse(str(pager.cursor)))
            assert got + [row["n"] async for row in rest] == want, taken
            assert rest.report.complete


@pytest.mark.parametrize("odd", [empty(), failure(404)])
@pytest.mark.parametrize("page", [3, 4])
async def test_one_odd_answer_behind_the_second_page_ends_no_list(server: HostileServer, odd: Answer, page: int):
    server.answer = Accident(Rows(rows(*range(1, 4 * page)), total="missing"), page, odd)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=FULL)
        assert ids(await pager.collect()) == names(4 * page - 1)
        assert pager.report.complete


@pytest.mark.parametrize("odd", [empty(), failure(400), failure(422), failure(404)])
@pytest.mark.parametrize("habits", [{"cap": 2}, {"cap": 3}, {"hides": 3}], ids=repr)
@pytest.mark.parametrize("number", range(10))
async def test_one_odd_answer_puts_no_cursor_on_other_rows(
    server: HostileServer, odd: Answer, habits: dict[str, int], number: int
):
    def honest(page: int, size: int) -> Answer:
        size, hides = min(size, habits.get("cap", size)), habits.get("hides", 0)
        cut = NAMED[page * size : (page + 1) * size][: max(0, 17 - page * size)]
        here = [row for row in cut if not hides or row["n"] % hides]
        return 200, body({"entries": here, "total": len(want)})

    want = [row["id"] for row in NAMED[:17] if "hides" not in habits or row["n"] % habits["hides"]]
    server.answer = lambda page, size: odd if len(server.asked) == number + 1 else honest(page, size)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=FULL, prefetch=1, on_drift="ignore")
        try:
            got = ids(await pager.collect(5))
            rest = session.briefs.results(1, start=Cursor.parse(str(pager.cursor)), prefetch=1, on_drift="ignore")
            got += ids(await rest.collect())
        except AIShootError:
            return  # loud
        assert got == want or not rest.report.complete


@pytest.mark.parametrize("odd", [empty(), failure(404), (204, b""), (200, b"null")])
@pytest.mark.parametrize("total", ["honest", "own", "missing"])
@pytest.mark.parametrize("past_end", ["empty", 404, 500])
async def test_one_odd_answer_behind_a_cursors_page_ends_no_list(
    server: HostileServer, odd: Answer, total: str, past_end: str | int
):
    server.answer = Accident(Rows(rows(*range(1, 14)), cap=3, total=total, past_end=past_end), 5, odd)
    async with server.session() as session:
        pager = session.briefs.results(1, start=Cursor(4, 1, 3))
        assert ids(await pager.collect()) == names(13, first=11)


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("below", ["empty", "first"])
@pytest.mark.parametrize("odd", [empty(), failure(404), failure(400), failure(422)])
async def test_one_odd_answer_for_page_1_loses_nothing(server: HostileServer, base: int, below: str, odd: Answer):
    server.answer = Accident(Rows(rows(*range(1, 12)), base=base, below=below, total="missing"), 1, odd)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=FULL)
        try:
            assert ids(await pager.collect()) == names(11)
        except (NotFoundError, BadRequestError):
            return  # loud, and nothing is learnt
        assert pager.report.complete


class Generated:
    """A token source that reads a generator, which ends."""

    def __init__(self, ends: type[Exception], count: int) -> None:
        self.ends, self.left = ends, count

    async def token(self, rejected: str | None = None) -> str:
        if not self.left:
            raise self.ends
        self.left -= 1
        return "token"


async def everything(walk: Any) -> list[Any]:
    return [row async for row in walk]


USES = [
    pytest.param(lambda listing: listing.collect(), id="collect"),
    pytest.param(lambda listing: listing.collect(40), id="collect some"),
    pytest.param(everything, id="async for"),
    pytest.param(lambda listing: everything(listing.pages()), id="pages"),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("ends", [StopAsyncIteration, StopIteration])
@pytest.mark.parametrize("options", [{"prefetch": 1}, {"prefetch": 8}, {"strict": True}])
async def test_the_end_of_a_token_sources_own_generator_ends_no_list(
    server: HostileServer, use: Any, ends: type[Exception], options: dict[str, Any]
):
    server.answer = Rows(rows(*range(1, 41)))
    async with server.session(auth=Generated(ends, 5)) as session:
        listing = session.briefs.results(1, page_size=FULL, **options)
        with pytest.raises(RuntimeError, match=ends.__name__):
            await use(listing)
        assert not listing.report.complete


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("ends", [StopAsyncIteration, StopIteration])
@pytest.mark.parametrize("options", [{"prefetch": 1}, {"prefetch": 8}, {"strict": True}])
async def test_the_end_of_a_generator_that_into_reads_ends_no_list(
    server: HostileServer, use: Any, ends: type[Exception], options: dict[str, Any]
):
    def into(raw: bytes) -> bytes:
        if b'"r21"' in raw:
            raise ends
        return raw

    server.answer = Rows(rows(*range(1, 41)))
    async with server.session() as session:
        listing = session.briefs.results(1, page_size=FULL, into=into, **options)
        with pytest.raises(RuntimeError, match=ends.__name__):
            await use(listing)
        assert not listing.report.complete


async def test_the_end_of_a_token_sources_own_generator_is_not_the_first_page(server: HostileServer):
    server.answer = Rows(rows(1))
    async with server.session(auth=Generated(StopAsyncIteration, 0)) as session:
        with pytest.raises(RuntimeError, match="StopAsyncIteration"):
            await session.briefs.results(1)
        with pytest.raises(RuntimeError, match="StopAsyncIteration"):
            await session.skus.get("r1")


async def test_a_walk_that_forgets_where_lists_begin_disturbs_no_other(server: HostileServer):
    shown, holed = Rows(rows(*range(1, 12))), Rows(rows(*range(1, 12)), total=29)

    def answer(page: int, size: int) -> Answer:
        return (holed if "/briefs/2/" in server.path else shown)(page, size)

    server.answer = answer
    async with server.session() as session:
        assert ids(await session.briefs.results(1, page_size=FULL).collect()) == names(11)
        server.hold(1)
        whole = asyncio.ensure_future(session.briefs.results(1, page_size=FULL).collect())
        await server.arrived(1)
        with pytest.raises(PagingError):
            # It counts more rows than there are, and begins behind the page that is held.
            await session.briefs.results(2, start=2, page_size=FULL).collect()
        server.release(1)
        assert ids(await whole) == names(11)
