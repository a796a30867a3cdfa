"""Every form that a listing may come in: all rows in order, or an error where nobody can know."""

import itertools

import pytest

from aishoot_async import EnvelopePaths, PagingError, PagingLoopError
from paging.hostile import HostileServer, Rows, body, ids, names, rows

pytestmark = pytest.mark.anyio

COUNTS = (0, 1, 3, 4, 5, 8, 11, 15)
TOTALS = ("honest", "missing", "own", -2, 2)


async def walked(server: HostileServer, **options) -> tuple[list[str], PagingError | None]:
    got: list[str] = []
    async with server.session() as session:
        try:
            async for row in session.briefs.results(1, **options):
                got.append(row["id"])  # kept when an error comes
        except PagingError as error:
            return got, error
    return got, None


@pytest.mark.parametrize("envelope", ["array", "entries", "spring", "spring-page", "hal", "list"])
@pytest.mark.parametrize("base", [0, 1])
async def test_every_envelope_gives_every_row_in_order(server: HostileServer, envelope: str, base: int):
    totals = ("missing",) if envelope == "array" else TOTALS
    lasts = (False, True) if envelope in {"entries", "spring"} else (False,)
    for total, last, count, capped in itertools.product(totals, lasts, COUNTS, (False, True)):
        server.answer = Rows(
            rows(*range(1, count + 1)),
            envelope=envelope,
            base=base,
            total=total,
            last=last,
            cap=4 if capped else None,
        )
        got, error = await walked(server, page_size=None if capped else 4)
        case = f"{total=} {last=} {count=} {capped=}"
        assert got == names(count), case
        # A total that is larger than the list is no different from a list that has lost rows.
        assert (error is not None) == (total == 2), case


@pytest.mark.parametrize("past_end", [404, "repeat"])
@pytest.mark.parametrize(("base", "below"), [(0, "nothing"), (1, "empty"), (1, "first"), (1, 400), (1, 500)])
async def test_what_comes_past_the_end_is_not_taken_for_rows(
    server: HostileServer, past_end: str | int, base: int, below: str | int
):
    for total, count in itertools.product(TOTALS, COUNTS):
        data = rows(*range(1, count + 1))
        server.answer = Rows(data, base=base, total=total, past_end=past_end, below=below)
        got, error = await walked(server, page_size=4)
        case = f"{total=} {count=}"
        assert got == names(count), case
        counted = total == "honest" or (total == "own" and count <= 4)
        # Without a total to say so, a repeated last page is no different from a service that is stuck.
        stuck = past_end == "repeat" and count > 0 and not counted
        assert (error is not None) == (stuck or total == 2), case
        assert isinstance(error, PagingLoopError) or not stuck, case


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("past_end", ["empty", 404])
async def test_springs_page_of_a_bare_list_is_believed_in_nothing(
    server: HostileServer, base: int, past_end: str | int
):
    # ``new PageImpl(rows)``: always number 0 of 1, the last, its total its own count.
    for count in COUNTS:
        shown = Rows(rows(*range(1, count + 1)), base=base, total="own", past_end=past_end, envelope="array")

        def answer(page: int, size: int, shown: Rows = shown):
            status, text = shown(page, size)
            if status != 200:
                return status, text
            own = text.count(b'"id"')
            about = b'"totalElements": %d, "totalPages": 1, "last": true, "number": 0' % own
            return 200, b'{"content": ' + text + b", " + about + b"}"

        server.answer = answer
        assert await walked(server, page_size=4) == (names(count), None), count


async def test_a_service_that_repeats_its_only_page_does_not_spoil_its_longer_lists(server: HostileServer):
    # Pages 0 and 1 of the first list are the same, as they are with a service that counts from 1.
    async with server.session() as session:
        server.answer = Rows(rows(1, 2, 3), base=0, past_end="repeat")
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(3)
        server.answer = Rows(rows(*range(1, 7)), base=0, past_end="repeat")
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(6)


async def test_identical_rows_without_ids_under_an_honest_total_are_data(server: HostileServer):
    server.answer = Rows([{"same": 1}] * 12)
    async with server.session() as session:
        assert len(await session.briefs.results(1, page_size=4).collect()) == 12


async def test_rows_past_a_cap_that_answers_with_uneven_pages(server: HostileServer):
    # Rows that are filtered out after the page was cut make short pages in the middle: no sign of an end.
    pages = {1: rows(1, 2, 3, 4), 2: rows(5, 6), 3: rows(7, 8, 9, 10), 4: rows(11)}

    def answer(page: int, _size: int):
        return Rows(pages.get(page, []), total="missing")(1, 100)

    server.answer = answer
    assert await walked(server, page_size=4) == (names(11), None)


@pytest.mark.parametrize("total", ["data.count", None])
@pytest.mark.parametrize("last", ["done", None])
async def test_a_form_of_its_own_is_read_by_its_paths(server: HostileServer, total: str | None, last: str | None):
    def answer(page: int, size: int):
        shown = rows(*range(1, 12))[(page - 1) * size : page * size]
        return 200, body({"a": [], "b": [], "data": {"rows": shown, "count": 11}, "done": page >= 3})

    server.answer = answer
    paths = EnvelopePaths("data.rows", total=total, last=last)
    assert await walked(server, page_size=4, envelope=paths) == (names(11), None)
