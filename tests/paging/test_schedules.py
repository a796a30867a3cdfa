"""Promise 6: whatever a consumer does, and whenever: an ordered prefix, the error at its place, nothing left behind.

A state machine: Hypothesis draws a listing, a walk over it, and what is done to that walk, on three kinds of loop.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from aishoot_async import AIShootError, Cursor, ServerError, SessionClosedError
from paging.hostile import Rows, failure, names, rows, tasks, until_gone
from paging.running import LOOPS, Running, running

PAGE = 3
windows = st.sampled_from([1, 2, 3, 8, 32])


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


class InFlight:
    """Counts the requests on their way: a server goes on for a while with those that the client has given up."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def before_attempt(self, event: object) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def after_attempt(self, event: object) -> None:
        self.now -= 1

    def retrying(self, event: object) -> None: ...


class Schedules(RuleBasedStateMachine):
    """One walk, and what is done to it."""

    held: ClassVar[Running]

    @initialize(
        count=st.integers(0, 30),
        base=st.sampled_from([1, 0]),
        total=st.sampled_from(["honest", "missing"]),
        past_end=st.sampled_from(["empty", 404]),
        capped=st.booleans(),
        broken=st.none() | st.integers(2, 9),
        window=windows,
        strict=st.integers(0, 3).map(lambda chance: chance == 3),
        known=st.booleans(),
    )
    def begin(self, *, count, base, total, past_end, capped, broken, window, strict, known):
        self.count, self.window = count, window
        self.broken = None if broken is None or broken >= -(-count // PAGE) else base + broken
        self.shown = Rows(
            rows(*range(1, count + 1)), base=base, total=total, past_end=past_end, cap=PAGE if capped else None
        )
        self.options: dict[str, Any] = {"page_size": None if capped else PAGE, "prefetch": window, "strict": strict}
        self.up_to_the_error = count if self.broken is None else PAGE * broken
        self.got: list[str] = []
        self.server = self.held.server
        self.held.run(self.make(known=known))

    async def make(self, *, known: bool, start: Cursor | None = None) -> None:
        """Make a session and a walk."""
        self.server.answer = self.shown
        self.in_flight = InFlight()
        self.session = self.server.session(hooks=[self.in_flight])
        if known:
            await self.session.briefs.results(1, page_size=PAGE).collect(1)
        if self.broken is not None:
            self.shown.overrides[self.broken] = failure(500)
        self.in_flight.most = 0
        self.is_over = self.is_failed = False
        # Of a strict walk, nothing is given before its error.
        is_all_or_nothing = self.broken is not None and self.options["strict"]
        self.before = len(self.got) if is_all_or_nothing else self.up_to_the_error
        self.given_before = len(self.got)
        self.walk: Any = self.session.briefs.results(1, start=start, **self.options).walk()

    async def step(self) -> bool:
        """Take one item; give whether there may be more."""
        try:
            self.got.append((await anext(self.walk))["id"])
        except StopAsyncIteration:
            # After its error, a walk is at its end.
            assert len(self.got) == self.before
            assert self.walk.report.complete == (not self.is_failed)
            return False
        except ServerError as error:
            assert self.broken is not None
            assert len(self.got) == self.before
            assert error.cursor == self.walk.cursor
            self.is_failed = True
        return True

    async def cut_off(self, number: int) -> None:
        """Take one item, but be cancelled after so many turns of the loop."""
        step = asyncio.ensure_future(self.step())
        await turns(number)
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)

    def release(self) -> None:
        self.server.release(*list(self.server.gates))

    is_going = precondition(lambda self: not self.is_over)

    @is_going
    @rule(pages=st.lists(st.integers(0, 12), min_size=1, max_size=12))
    def hold(self, pages: list[int]):
        self.server.hold(*pages)

    @is_going
    @rule(number=st.integers(1, 8))
    def take(self, number: int):
        self.release()

        async def taking() -> None:
            for _ in range(number):
                if not await self.step():
                    break

        self.held.run(taking())

    @is_going
    @rule(number=st.integers(0, 40))
    def be_cancelled(self, number: int):
        self.held.run(self.cut_off(number))

    @is_going
    @rule(after=st.sampled_from([0, 0.0005, 0.002, 0.005]))
    def time_out(self, after: float):
        async def timing() -> None:
            try:
                async with asyncio.timeout(after):
                    await self.step()
            except TimeoutError:
                pass

        self.held.run(timing())

    @is_going
    @rule(number=st.integers(0, 3))
    def be_two_consumers(self, number: int):
        self.release()

        async def second() -> str | None:
            try:
                return (await anext(self.walk))["id"]
            except (StopAsyncIteration, ServerError):
                return None
            except RuntimeError as error:
                return str(error)

        async def both() -> None:
            first = asyncio.ensure_future(second())
            await turns(number)
            outcomes = [await second(), await first]
            refused = [outcome for outcome in outcomes if outcome is not None and "one consumer" in outcome]
            given = [outcome for outcome in outcomes if outcome is not None and outcome not in refused]
            assert len(refused) <= 1
            # Whoever came first, got first.
            self.got += sorted(given, key=lambda name: int(name[1:]))
            self.is_failed = self.is_failed or (self.broken is not None and len(self.got) == self.before)

        self.held.run(both())

    @is_going
    @rule(pause=st.integers(0, 30))
    def pause(self, pause: int):
        self.held.run(turns(pause))

    @is_going
    @rule()
    def leave(self):
        self.note_cursor()
        del self.walk  # as a bare break does

    @is_going
    @rule(number=st.integers(0, 3))
    def close(self, number: int):
        self.note_cursor()

        async def closing() -> None:
            step = asyncio.ensure_future(self.cut_off(number))
            await self.walk.aclose()
            assert tasks() <= set() or self.options["strict"]
            await step
            assert [row async for row in self.walk] == []

        self.held.run(closing())
        self.note_cursor()

    @is_going
    @rule()
    def raise_in_the_body(self):
        self.release()

        async def raising() -> None:
            async with self.walk:
                await self.step()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self.held.run(raising())
        assert not self.held.run(self.tasks_left())
        self.note_cursor()

    @is_going
    @rule(number=st.integers(0, 60))
    def close_the_session(self, number: int):
        async def closing() -> None:
            step = asyncio.ensure_future(self.step())
            await turns(number)
            await self.session.aclose()
            assert not tasks()
            (outcome,) = await asyncio.gather(step, return_exceptions=True)
            assert isinstance(outcome, bool | SessionClosedError), outcome
            if isinstance(outcome, AIShootError):
                assert outcome.cursor == self.walk.cursor

        self.held.run(closing())
        self.note_cursor()

    async def tasks_left(self) -> bool:
        return bool(tasks())

    def note_cursor(self) -> None:
        self.is_over = True
        self.cursor: Cursor = self.walk.cursor
        assert self.walk.report.items == len(self.got) - self.given_before

    @precondition(lambda self: self.is_over)
    @rule(window=windows, strict=st.booleans(), known=st.booleans())
    def go_on_in_another_session(self, *, window: int, strict: bool, known: bool):
        self.tidy_up()
        self.window = window
        self.options = {"prefetch": window, "strict": strict}
        self.held.run(self.make(known=known, start=Cursor.parse(str(self.cursor))))

    @invariant()
    def what_was_given_is_an_ordered_prefix(self):
        if hasattr(self, "got"):
            assert self.got == names(len(self.got))
            assert len(self.got) <= self.before
            assert self.in_flight.most <= self.window

    def teardown(self):
        if not hasattr(self, "got"):
            return
        if not self.is_over:
            self.note_cursor()
        self.tidy_up()
        self.held.run(self.take_the_rest())
        gc.collect(0)
        assert self.held.complaints == []

    def tidy_up(self) -> None:
        """See that nothing of the walk is left behind; its session need not be closed for that."""
        self.walk = None
        self.held.run(until_gone())
        assert self.in_flight.now == 0
        self.release()
        self.held.run(self.session.aclose())
        self.held.run(self.server.idle())
        self.shown.overrides.clear()

    async def take_the_rest(self) -> None:
        async with self.server.session() as session:
            window = 1 if self.window > 2 else 5
            rest = session.briefs.results(1, start=Cursor.parse(str(self.cursor)), prefetch=window)
            assert [row["id"] async for row in rest] == names(self.count, first=len(self.got) + 1)
            assert rest.report.complete


def run(new_loop: Callable[[], asyncio.AbstractEventLoop], examples: int) -> None:
    with running(new_loop) as held:
        machine = type("Schedules", (Schedules,), {"held": held})
        run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=8))


@pytest.mark.parametrize("new_loop", LOOPS)
def test_schedules_give_an_ordered_prefix_and_leave_nothing_behind(new_loop: Any):
    run(new_loop, 30)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("new_loop", LOOPS)
def test_two_thousand_schedules_give_an_ordered_prefix_and_leave_nothing_behind(new_loop: Any):
    run(new_loop, 2000)
