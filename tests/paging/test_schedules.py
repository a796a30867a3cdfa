"""Promise 6: whatever a consumer does, and whenever: an ordered prefix, the error at its place, nothing left behind."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from aishoot_async import AIShootSession, Cursor, ServerError, SessionClosedError
from paging.hostile import HostileServer, Rows, failure, gone, names, rows

pytestmark = pytest.mark.anyio
PAGE = 3


class Schedule:
    """One walk, and what is done to it."""

    def __init__(self, server: HostileServer, seed: int) -> None:
        self.server = server
        self.chance = random.Random(seed)
        self.count = self.chance.randint(0, 30)
        self.window = self.chance.choice([1, 2, 3, 8, 32])
        self.base = self.chance.choice([0, 1])
        self.broken: int | None = None
        self.got: list[str] = []
        self.acts: dict[str, Callable[[AIShootSession], Awaitable[None]]] = {
            "break": self.breaks,
            "raise": self.raises,
            "cancel": self.is_cancelled,
            "time-out": self.times_out,
            "close": self.closes,
            "error": self.meets_an_error,
        }
        self.act = self.chance.choice(list(self.acts))
        self.at = self.chance.randint(0, self.count + 2)

    def answer(self) -> Rows:
        return Rows(
            rows(*range(1, self.count + 1)),
            base=self.base,
            total=self.chance.choice(["honest", "missing"]),
            past_end=self.chance.choice(["empty", 404]),
        )

    async def run(self) -> None:
        self.server.forget()
        self.server.answer = shown = self.answer()
        if self.act == "error":
            self.broken = self.base + self.chance.randint(2, 12)
            shown.overrides[self.broken] = failure(500)
        async with self.server.session() as session:
            self.pager = session.briefs.results(1, page_size=PAGE, prefetch=self.window)
            await self.acts[self.act](session)
            del self.pager
            await asyncio.sleep(0)
            assert await gone()
        assert self.got == names(len(self.got))
        assert len(self.got) <= self.count
        assert self.server.max_in_flight <= max(self.window, 1)
        await self.server.idle()

    async def breaks(self, _session: AIShootSession) -> None:
        async for row in self.pager:
            self.got.append(row["id"])
            if len(self.got) == self.at:
                break
        assert len(self.got) == min(self.at or self.count, self.count)

    async def raises(self, _session: AIShootSession) -> None:
        try:
            async for row in self.pager:
                self.got.append(row["id"])
                if len(self.got) == self.at:
                    raise ZeroDivisionError  # noqa: TRY301
        except ZeroDivisionError:
            pass
        assert len(self.got) == min(self.at or self.count, self.count)

    async def consume(self) -> None:
        async for row in self.pager:
            self.got.append(row["id"])
            if not self.chance.randrange(4):
                await asyncio.sleep(0)

    async def is_cancelled(self, _session: AIShootSession) -> None:
        consumer = asyncio.create_task(self.consume())
        for _ in range(self.chance.randrange(120)):
            await asyncio.sleep(0)
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
        del consumer

    async def times_out(self, _session: AIShootSession) -> None:
        async with self.pager.walk() as walk:
            while True:
                try:
                    async with asyncio.timeout(self.chance.uniform(0, 0.004)):
                        self.got.append((await anext(walk))["id"])
                except TimeoutError:
                    if not self.chance.randrange(3):
                        await asyncio.sleep(0.002)
                except StopAsyncIteration:
                    break
                if self.server.in_flight == 0:
                    # So that short time-outs cannot starve what a walk must read in its consumer's own task.
                    try:
                        self.got.append((await anext(walk))["id"])
                    except StopAsyncIteration:
                        break
            assert walk.report.complete
        assert len(self.got) == self.count

    async def closes(self, session: AIShootSession) -> None:
        consumer = asyncio.create_task(self.consume())
        for _ in range(self.chance.randrange(120)):
            await asyncio.sleep(0)
        await session.aclose()
        (outcome,) = await asyncio.gather(consumer, return_exceptions=True)
        if outcome is None:
            assert len(self.got) == self.count
        else:
            assert isinstance(outcome, SessionClosedError)
            assert outcome.cursor == self.pager.cursor
        del consumer

    async def meets_an_error(self, _session: AIShootSession) -> None:
        assert self.broken is not None
        before = PAGE * (self.broken - self.base)
        failed: ServerError | None = None
        try:
            await self.consume()
        except ServerError as error:
            failed = error
        assert len(self.got) == min(before, self.count)
        if before < self.count:
            assert failed is not None
            assert failed.cursor == Cursor(self.broken - 1, PAGE, PAGE)


async def run_schedules(server: HostileServer, seeds: range) -> None:
    for seed in seeds:
        schedule = Schedule(server, seed)
        try:
            await schedule.run()
        except BaseException as error:
            error.add_note(f"schedule {seed}: {schedule.act} at {schedule.at}, {schedule.count} rows")
            raise


@pytest.mark.timeout(180)
async def test_two_thousand_schedules_give_an_ordered_prefix_and_leave_nothing_behind(server: HostileServer):
    await run_schedules(server, range(2000))
