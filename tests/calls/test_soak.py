"""Everything at once, through a network that fails: right results or typed errors, and nothing left behind.

promise 8, promise 9, promise 10, promise 14 and promise 18 together: whatever a connection does to the bytes, a create
is there once when it was said to be, and once or not at all when nobody can know.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from aishoot_async import (
    AIShootSession,
    AmbiguousWriteError,
    ConnectError,
    Limits,
    RetryPolicy,
    SkuCreate,
    SkuUpdate,
    Timeouts,
    TransportError,
)
from aishoot_async.sandbox import Sandbox
from helpers.fault_proxy import FaultProxy, Path, Way
from helpers.leaks import NothingLeft
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
RESULTS = 57
SETTINGS = {"timeouts": Timeouts(connect=1, read=0.15, call=1), "limits": Limits(connections=6)}


def way(dice: random.Random, most: float) -> Way:
    """Draw what happens to one direction of one connection: it ends in a head, in a body, or some requests later."""
    return Way(
        latency=dice.choice([0, 0, 0, 0.001, 0.005]),
        bandwidth=dice.choice([None, None, None, 200_000, 1_000_000]),
        ends_after=int(most ** dice.random()),
        ending=dice.choice(["cut", "cut", "reset", "reset", "stall"]),
    )


def path(dice: random.Random) -> Path:
    """Draw a connection's fate; few are as they should be."""
    if dice.random() < 0.1:
        return Path()
    return Path(up=way(dice, 20_000), down=way(dice, 100_000), slow_close=dice.choice([0, 0, 0.01]))


class Work:
    """What is done, and how it came out."""

    def __init__(self, session: AIShootSession, sandbox: Sandbox) -> None:
        self.session = session
        self.sandbox = sandbox
        self.results = [row["id"] for row in sandbox.results(1)]
        self.rows = {row["name"]: row["id"] for row in sandbox.skus()}
        self.outcomes: dict[tuple[str, int], BaseException | None] = {}
        self.kinds: Counter[str] = Counter()

    async def do(self, name: str, number: int) -> None:
        work: Callable[[int], Awaitable[None]] = getattr(self, name)
        end: BaseException | None = None
        try:
            await work(number)
        except (TransportError, AmbiguousWriteError) as error:
            end = error
        self.outcomes[name, number] = end
        self.kinds[f"{name}: {'done' if end is None else type(end).__name__}"] += 1

    async def walk(self, number: int) -> None:
        found = await self.session.briefs.results(1, page_size=5, prefetch=1 + number % 8).collect()
        assert [result.id for result in found] == self.results

    async def read(self, number: int) -> None:
        assert (await self.session.skus.get(self.rows[f"read {number % 5}"])).name == f"read {number % 5}"

    async def create(self, number: int) -> None:
        sku = await self.session.skus.create(
            SkuCreate(name=f"create {number}", front_image="f" * (number % 3 * 900 + 1))
        )
        assert sku.name == f"create {number}"

    async def update(self, number: int) -> None:
        changed = SkuUpdate(name=f"updated {number}", front_image="g")
        assert (await self.session.skus.update(self.rows[f"update {number}"], changed)).name == f"updated {number}"

    async def delete(self, number: int) -> None:
        await self.session.skus.delete(self.rows[f"delete {number}"])

    def check(self) -> None:
        """Hold what was said against what is there."""
        there = Counter(row["name"] for row in self.sandbox.skus())
        assert all(count == 1 for count in there.values()), there
        for (name, number), end in self.outcomes.items():
            match name:
                case "create" if end is None:
                    assert f"create {number}" in there
                case "create" if isinstance(end, TransportError):
                    assert not end.maybe_sent
                    assert f"create {number}" not in there
                case "update":
                    assert (f"updated {number}" in there) is not (f"update {number}" in there)
                    assert end is not None or f"updated {number}" in there
                case "delete" if end is None or isinstance(end, ConnectError):
                    assert (f"delete {number}" in there) is (end is not None)
                case _:
                    pass


async def soak(seed: int, rounds: int) -> Counter[str]:
    dice = random.Random(seed)
    async with NothingLeft(), Sandbox(skus=0, briefs={1: RESULTS}) as sandbox:
        for name, count in (("read", 5), ("update", rounds), ("delete", rounds)):
            for number in range(count):
                sandbox.insert_sku(sku_id=f"{name}-{number}", name=f"{name} {number}")
        port = int(sandbox.url.rpartition(":")[2])
        async with FaultProxy(port, lambda: path(dice)) as proxy:
            retry = RetryPolicy(attempts=1 + seed % 4, backoff=0.002, backoff_max=0.01)
            async with session_for(sandbox, sandbox.token, base_url=proxy.url, retry=retry, **SETTINGS) as session:
                work = Work(session, sandbox)
                counts = {"walk": rounds, "read": rounds, "create": 6 * rounds, "update": rounds, "delete": rounds}
                jobs = [(name, number) for name, count in counts.items() for number in range(count)]
                dice.shuffle(jobs)
                tasks = [asyncio.create_task(work.do(*job)) for job in jobs]
                for task in dice.sample(tasks, len(tasks) // 10):
                    asyncio.get_running_loop().call_later(dice.random() / 2, task.cancel)
                for end in await asyncio.gather(*tasks, return_exceptions=True):
                    assert end is None or isinstance(end, asyncio.CancelledError), repr(end)
                proxy.path = Path
                await proxy.drop()
                await asyncio.sleep(0.02)
                # The network is well again, and so is the session.
                for number in range(3):
                    await work.read(number)
        work.check()
    return work.kinds


@pytest.mark.parametrize("seed", range(3))
async def test_everything_through_a_network_that_fails(seed: int) -> None:
    kinds = await soak(seed, rounds=12)
    assert sum(kinds.values()) > 50


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_everything_for_a_long_time() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(100, 140):
        kinds += await soak(seed, rounds=20)
    # Each kind of end has been seen, or the faults are too weak or too strong to say anything.
    for name in ("walk", "read", "create", "update", "delete"):
        assert kinds[f"{name}: done"] > 100, kinds
    assert kinds["create: AmbiguousWriteError"] > 50, kinds
    assert sum(kinds.values()) - sum(count for kind, count in kinds.items() if kind.endswith("done")) > 200, kinds
