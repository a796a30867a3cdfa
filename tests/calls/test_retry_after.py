"""How long a call waits when the service asks for time.

promise 12: whatever ``Retry-After`` says, no call crashes, waits past its cap, or waits past its deadline.

What is looked at is the wait that the ledger names, which `retrying` hears before it begins: no test waits that long.
How the header is read stands in test_answers.py.
"""

import asyncio
import datetime as dt
from email.utils import format_datetime

import pytest

from aishoot_async import (
    AIShootSession,
    APIStatusError,
    CallEvent,
    RateLimitedError,
    RetryPolicy,
    ServerError,
    SkuCreate,
    Timeouts,
)
from helpers.raw_server import RawServer, always, in_turn
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
CAP = 20.0
PATIENT = RetryPolicy(backoff=0.001, backoff_max=CAP)


def date(seconds: float) -> str:
    """Write the HTTP date that is so many seconds away."""
    return format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), usegmt=True)


class Watch:
    """Hears of the first wait, and lets nobody wait for it to end."""

    def __init__(self) -> None:
        self.wait: float | None = None
        self.told = asyncio.Event()

    def before_attempt(self, event: CallEvent) -> None: ...
    def after_attempt(self, event: CallEvent) -> None: ...

    def retrying(self, event: CallEvent) -> None:
        assert event.attempt is not None
        self.wait = event.attempt.wait
        self.told.set()


async def first_wait(said: str, status: int, *, call: float = 600.0, create: bool = False) -> float | APIStatusError:
    """Give the wait before the second attempt, or the error when there is none."""
    watch = Watch()
    async with RawServer(always(b"", status, {"Retry-After": said})) as server:
        timeouts = Timeouts(call=call)
        async with session_for(server, retry=PATIENT, timeouts=timeouts, hooks=[watch]) as session:
            task = asyncio.create_task(make(session, create=create))
            told = asyncio.create_task(watch.told.wait())
            await asyncio.wait([task, told], return_when=asyncio.FIRST_COMPLETED, timeout=5)
            told.cancel()
            if task.done():
                error = task.exception()
                assert isinstance(error, APIStatusError)
                return error
            task.cancel()
            await asyncio.wait([task])
    assert watch.wait is not None
    return watch.wait


async def make(session: AIShootSession, *, create: bool) -> None:
    if create:
        await session.skus.create(SkuCreate(name="n", front_image="f"))
    else:
        await session.skus.list_global()


KEPT = {
    "0": (0, 0.002),
    "0.25": (0.25, 0.25),
    "7": (7, 7),
    " 7 ": (7, 7),
    "20": (CAP, CAP),
    "21": (CAP, CAP),
    "1e9": (CAP, CAP),
    "9" * 300: (CAP, CAP),
}
NUMBERS = ["", "-1", "-1e9", "NaN", "-nan", "inf", "-inf", "1e999", "9" * 400, "0x10", "7,7", "7 seconds"]
DATES = [
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 99 Zzz 2026 10:00:00 GMT",
    "Thu, 01 Jan 99999 00:00:00 GMT",
    ",,,",
    "soon",
    "\xff",
]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("said", KEPT)
async def test_what_is_asked_for_is_kept_up_to_the_cap(said: str, status: int) -> None:
    least, most = KEPT[said]
    wait = await first_wait(said, status)
    assert isinstance(wait, float)
    assert least <= wait <= most


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("said", NUMBERS + DATES)
async def test_what_cannot_be_read_or_is_over_asks_for_nothing(said: str, status: int) -> None:
    wait = await first_wait(said, status)
    assert isinstance(wait, float)
    assert 0 <= wait < 1


@pytest.mark.parametrize(
    ("seconds", "least", "most"), [(9, 7.9, 9), (15, 13.9, 15), (86_400, CAP, CAP), (1e10, CAP, CAP)]
)
async def test_a_date(seconds: float, least: float, most: float) -> None:
    wait = await first_wait(date(seconds), 503)
    assert isinstance(wait, float)
    assert least <= wait <= most


@pytest.mark.parametrize("said", ["6", "1e9", date(3600)], ids=["seconds", "many", "date"])
@pytest.mark.parametrize("create", [False, True])
async def test_a_wait_that_would_not_end_before_the_deadline_is_not_begun(said: str, create: bool) -> None:  # noqa: FBT001
    error = await first_wait(said, 429, call=5, create=create)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after is not None
    assert error.retry_after > 5
    assert [attempt.wait for attempt in error.attempts] == [0.0]


async def test_the_error_says_what_the_service_asked_for() -> None:
    async with RawServer(always(b"", 503, {"Retry-After": "7"})) as server:
        async with session_for(server, retry=RetryPolicy(attempts=1)) as session:
            with pytest.raises(ServerError) as caught:
                await session.skus.list_global()
    assert caught.value.retry_after == 7.0


async def test_the_wait_is_waited() -> None:
    busy = always(b"", 503, {"Retry-After": "0.1"})
    async with RawServer(in_turn(busy, always(b"[]"))) as server, session_for(server, retry=PATIENT) as session:
        begun = asyncio.get_running_loop().time()
        assert await session.skus.list_global() == []
        assert asyncio.get_running_loop().time() - begun >= 0.1
