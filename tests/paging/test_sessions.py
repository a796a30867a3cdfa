"""One session, many briefs, and what it learns from one for the next: complete means every row, whatever came before.

A service keeps its habits for all briefs; briefs differ in their length, in their longest page, and in the rows that
are left out of a page after it was cut. Here and there, a request gets another answer than it should, once.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from aishoot_async import AIShootError, AIShootSession, Cursor, RetryPolicy
from paging.hostile import Answer, HostileServer, Rows, body, failure, names, rows
from paging.running import Running, running

PAGE_SIZE = 4
QUICK = RetryPolicy(attempts=1, backoff=0.0001, backoff_max=0.001)
EMPTY = "empty"
ACCIDENTS = [EMPTY, 400, 401, 403, 404, 408, 416, 422, 429, 500, 502, 503]
ABSENT = {EMPTY, 400, 404, 416, 422}
"""Answers that look like a page that is not there."""


@attrs.frozen
class Brief:
    """One list: how many rows, the longest page, and which rows are left out of their page (each so-manieth)."""

    count: int
    cap: int
    hides: int


@attrs.frozen
class Visit:
    """What is done with a brief: walked to its end, strictly, or left after some rows and gone on with."""

    brief: int
    how: str
    leaves_after: int
    prefetch: int


@attrs.frozen
class Case:
    base: int
    total: str
    below: str | int
    past_end: str | int
    envelope: str
    spelling: str
    briefs: list[Brief]
    visits: list[Visit]
    accidents: Mapping[int, str | int]


class Service:
    """Answers for all briefs; request number n gets the accident that is meant for it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.numbers = itertools.count()
        self.looked_absent: set[tuple[int, int]] = set()

    def visible(self, brief: int) -> list[dict[str, Any]]:
        shown = self.case.briefs[brief]
        return [row for row in rows(*range(1, shown.count + 1)) if not shown.hides or row["n"] % shown.hides]

    def answer(self, brief: int, page: int, size: int) -> Answer:
        accident = self.case.accidents.get(next(self.numbers))
        if accident is not None and not (accident in ABSENT and self.would_deceive(brief, page)):
            if accident in ABSENT:
                self.looked_absent.add((brief, page))
            return (200, body({"entries": []})) if accident == EMPTY else failure(int(accident))
        return self.page(brief, page, size)

    def would_deceive(self, brief: int, page: int) -> bool:
        """Tell whether nobody can know: the same page is missing twice, or page 2 of a list that has no total."""
        second = self.case.total != "honest" and page - self.case.base == 1
        return second or (brief, page) in self.looked_absent

    def page(self, brief: int, page: int, size: int) -> Answer:
        shown, case = self.case.briefs[brief], self.case
        size = min(size, shown.cap)
        index = page - case.base
        if index < 0:
            if isinstance(case.below, int):
                return failure(case.below)
            index = 0 if case.below == "first" else 10**6
        everything = rows(*range(1, shown.count + 1))
        cut = everything[index * size : index * size + size]
        if not cut and index > 0 and isinstance(case.past_end, int):
            return failure(case.past_end)
        here = [row for row in cut if not shown.hides or row["n"] % shown.hides]
        total = {"honest": len(self.visible(brief)), "own": len(here), "missing": None}[case.total]
        habits = Rows([], envelope=case.envelope, total=0 if total is None else total)
        if total is None:
            habits.total = "missing"
        page_body = habits._wrapped(here, index, size, is_last=not everything[(index + 1) * size :])
        return (200, body(page_body)) if here else self.spelt(page_body)

    def spelt(self, page_body: Any) -> Answer:
        """Write an empty page as the service does."""
        match self.case.spelling:
            case "204":
                return 204, b""
            case "null":
                return 200, body({key: value or None if value == [] else value for key, value in page_body.items()})
            case "left out":
                left = {key: value for key, value in page_body.items() if value != []}
                return 200, body(left if {"total", "totalElements", "number", "page"} & left.keys() else page_body)
            case _:
                return 200, body(page_body)


class SessionServer(HostileServer):
    """Serves the briefs of one service."""

    def serve(self, service: Service) -> None:
        self.forget()
        self.answer = lambda page, size: service.answer(int(self.path.split("/")[3]), page, size)


async def visited(session: AIShootSession, visit: Visit) -> tuple[list[str], bool]:
    """Give the ids that came, and whether the session says that these are all."""
    options: dict[str, Any] = {"prefetch": visit.prefetch, "on_drift": "ignore", "strict": visit.how == "strict"}
    pager = session.briefs.results(visit.brief, page_size=PAGE_SIZE, **options)
    if visit.how != "leave":
        return [row["id"] async for row in pager], pager.report.complete
    got = [row["id"] for row in await pager.collect(visit.leaves_after)] if visit.leaves_after else []
    start = Cursor.parse(str(pager.cursor))
    if pager.report.complete:
        return got, True
    rest = session.briefs.results(visit.brief, start=start, **options)
    got += [row["id"] async for row in rest]
    return got, rest.report.complete


async def judge(server: SessionServer, case: Case) -> None:
    service = Service(case)
    server.serve(service)
    async with server.session(retry=QUICK) as session:
        for visit in case.visits:
            want = [row["id"] for row in service.visible(visit.brief)]
            try:
                got, complete = await visited(session, visit)
            except AIShootError as error:
                event(f"error: {type(error).__name__}")
                continue
            event("complete" if complete else "not complete")
            if complete:
                assert got == want, visit


counts = st.integers(0, 24)
briefs = st.builds(Brief, count=counts, cap=st.sampled_from([PAGE_SIZE, 3, 2, 1]), hides=st.just(0)) | st.builds(
    # No page loses all of its rows: beside an accident on the next one, that would look like the end.
    Brief,
    count=counts,
    cap=st.sampled_from([PAGE_SIZE, 3, 2]),
    hides=st.sampled_from([5, 3]),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    total = draw(st.sampled_from(["honest", "own", "missing"]))
    some = draw(st.lists(briefs, min_size=1, max_size=5))
    visits = st.builds(
        Visit,
        brief=st.integers(0, len(some) - 1),
        how=st.sampled_from(["walk", "walk", "strict", "leave"]),
        leaves_after=st.integers(0, 12),
        prefetch=st.sampled_from([1, 2, 8]),
    )
    return Case(
        base=draw(st.sampled_from([0, 1])),
        total=total,
        below=draw(st.sampled_from(["empty", "first", 400, 404, 422, 500])),
        past_end=draw(st.sampled_from(["empty", 404, 400, 416, 422, 500])),
        spelling=draw(st.sampled_from(["list", "null", "left out", "204"])),
        envelope=draw(st.sampled_from(["entries", "spring", "spring-page", "list"])),
        briefs=some,
        visits=draw(st.lists(visits, min_size=1, max_size=8)),
        accidents=draw(st.dictionaries(st.integers(0, 40), st.sampled_from(ACCIDENTS), max_size=4)),
    )


@pytest.fixture(scope="module")
def held():
    with running(make_server=SessionServer) as running_server:
        yield running_server


@settings(max_examples=150)
@given(case=cases())
def test_complete_means_every_row_whatever_a_session_has_seen_before(held: Running, case: Case):
    held.run(judge(held.server, case))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=10_000)
@given(case=cases())
def test_complete_means_every_row_whatever_a_session_has_seen_before_10_000_times(held: Running, case: Case):
    held.run(judge(held.server, case))


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("below", ["empty", "first", 400, 404, 422])
@pytest.mark.parametrize("total", ["honest", "own", "missing"])
def test_a_session_without_accidents_reads_every_brief_whole(held: Running, base: int, below: str | int, total: str):
    some = [Brief(count, cap, 0) for count in (0, 3, 4, 9, 12) for cap in (4, 3)]
    visits = [Visit(number, how, 2, 8) for how in ("walk", "leave", "strict") for number in range(len(some))]
    case = Case(base, total, below, "empty", "entries", "list", some, visits, {})

    async def all_are_complete() -> None:
        service = Service(case)
        held.server.serve(service)
        async with held.server.session(retry=QUICK) as session:
            for visit in visits:
                got, complete = await visited(session, visit)
                assert (got, complete) == (names(some[visit.brief].count), True), visit

    held.run(all_are_complete())
