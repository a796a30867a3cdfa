"""Every form of page times every way to misbehave: complete, or an error where nobody can know; never in silence."""

import asyncio

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aishoot_async import APIStatusError, PagingError, PagingLoopError, UnexpectedResponseError
from paging.hostile import Answer, HostileServer, Rows, body, names, rows
from paging.running import Running, running


@attrs.frozen(kw_only=True)
class Service:
    """A service, and how a walk asks for its pages."""

    count: int
    size: int = 4
    sizes: str = "as asked"
    envelope: str = "entries"
    base: int = 1
    total: str | int = "honest"
    last: bool = False
    past_end: str | int = "empty"
    below: str | int = "empty"
    hole: int | None = None
    hole_stays: bool = False
    moving: bool = False
    prefetch: int = 8

    @property
    def page_size(self) -> int | None:
        return self.size if self.sizes == "as asked" else None

    @property
    def pages(self) -> int:
        return -(-self.count // self.size)

    @property
    def has_hole(self) -> bool:
        return self.hole is not None and self.hole < self.pages

    @property
    def counts(self) -> bool:
        return self.total == "honest" and self.envelope != "array"

    def answers(self) -> "Answers":
        sizes = {
            "as asked": {},
            "capped": {"cap": self.size},
            "fixed": {"fixed": self.size},
            "refused": {"refuses_above": 20, "cap": self.size},
        }
        return Answers(
            self,
            Rows(
                rows(*range(1, self.count + 1)),
                envelope=self.envelope,
                base=self.base,
                total="missing" if self.envelope == "array" else self.total,
                last=self.last,
                past_end=self.past_end,
                below=self.below,
                **sizes[self.sizes],
            ),
        )


class Answers:
    """What the service answers: a hole once or for good, rows whose other fields change from request to request."""

    def __init__(self, service: Service, shown: Rows) -> None:
        self.service = service
        self.shown = shown
        self.count = 0
        self.has_been_empty = False

    def __call__(self, page: int, size: int) -> Answer:
        service = self.service
        self.count += 1
        if service.moving:
            self.shown.data = [{**row, "seen": self.count} for row in rows(*range(1, service.count + 1))]
        status, text = self.shown(page, size)
        index = page - service.base
        index = max(index, 0) if service.below == "first" else index
        index = min(index, service.pages - 1) if service.past_end == "repeat" else index
        is_hole = index == service.hole and service.has_hole
        if is_hole and status == 200 and (service.hole_stays or not self.has_been_empty):
            self.has_been_empty = True
            text = body(self.shown._wrapped([], index, service.size, is_last=False))
        return status, text


def misses_rows_unseen(service: Service) -> bool:
    """Tell whether nobody can know that rows are missing."""
    if service.counts:
        return False
    return (
        # The last page, or the first of a service that counts from where nobody expects it, or says 0 of 0.
        (service.has_hole and service.hole in {0, service.pages - 1})
        # Two lies at once: a total that is too low, and an empty page right where it is reached.
        or (service.has_hole and isinstance(service.total, int))
        # The blind spot: pages from 0, and a wrong total that is just the length of page 1.
        or (service.base == 0 and isinstance(service.total, int))
    )


def may_fail(service: Service) -> bool:
    """Tell whether nobody can know that all rows were there."""
    return (
        (service.has_hole and (service.hole_stays or not service.counts or service.base == 0))
        or (isinstance(service.total, int) and service.total > 0)
        or (not service.counts and service.past_end not in {"empty", 404})
    )


async def walked(service: Service, server: HostileServer) -> tuple[list[str], Exception | None, bool]:
    server.forget()
    server.answer = service.answers()
    got: list[str] = []
    async with server.session() as session:
        walk = session.briefs.results(
            1, page_size=service.page_size, prefetch=service.prefetch, on_drift="ignore"
        ).walk()
        try:
            async with asyncio.timeout(30):
                async for row in walk:
                    got.append(row["id"])  # kept when an error comes
        except (PagingError, APIStatusError, UnexpectedResponseError) as error:
            assert error.cursor is not None
            return got, error, walk.report.complete
        return got, None, walk.report.complete


def judge(held: Running, service: Service) -> None:
    got, error, complete = held.run(walked(service, held.server))
    want = names(service.count)
    places = [want.index(row) for row in got]
    assert places == sorted(set(places)), "out of order, or twice"
    assert error is None or may_fail(service), error
    if isinstance(error, UnexpectedResponseError):
        # An empty page is given again, and says its own number: it might answer another request.
        assert (error.where, service.hole_stays, service.past_end) == ("number", True, "repeat")
    else:
        assert isinstance(error, PagingError | None) or service.past_end in {400, 422}, error
    assert not isinstance(error, PagingLoopError) or service.past_end == "repeat", error
    # A page 0 that answers 500 may be one that cannot be read: only a total shows that there is none.
    is_doubted = service.base == 1 and service.below == 500
    # So may a refusal behind a full page be a limit of the service.
    is_doubted = is_doubted or service.past_end in {400, 422}
    assert complete == (error is None) or (is_doubted and not complete)
    assert complete or error or not (service.counts and service.pages > 1), "a total shows it"
    if error is None:
        assert got == want or misses_rows_unseen(service)
    # Rows that never come cost each page that a total implies twice, and pages may be as short as the last that came.
    missing = max(0, service.total) if isinstance(service.total, int) else 0
    missing += service.size if service.has_hole and (service.hole_stays or service.base == 0) else 0
    assert len(held.server.asked) <= service.pages + 2 * (missing + 1) + service.prefetch + 10


sizes = st.sampled_from(["as asked", "capped", "fixed", "refused"])
services = st.builds(
    Service,
    count=st.integers(0, 26),
    size=st.integers(1, 7),
    sizes=sizes,
    envelope=st.sampled_from(["array", "entries", "spring", "spring-page", "hal", "list"]),
    base=st.sampled_from([1, 0]),
    total=st.sampled_from(["honest", "missing", "own", -5, -4, -1, 1, 4, 9]),
    last=st.booleans(),
    past_end=st.sampled_from(["empty", 404, "repeat", 400, 422]),
    below=st.sampled_from(["empty", "first", 400, 404, 500]),
    hole=st.none() | st.integers(0, 5),
    hole_stays=st.booleans(),
    moving=st.booleans(),
    prefetch=st.sampled_from([8, 1, 2]),
)


@pytest.fixture(scope="module")
def held():
    with running() as running_server:
        yield running_server


@settings(max_examples=150)
@given(service=services)
def test_complete_or_an_error_where_nobody_can_know(held: Running, service: Service):
    judge(held, service)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=10_000)
@given(service=services)
def test_complete_or_an_error_where_nobody_can_know_10_000_times(held: Running, service: Service):
    judge(held, service)
