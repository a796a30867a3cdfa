"""What walks lose over a listing that changes while they are under way, and whether they say so.

400 walks over 1,000 rows, 100 a page, from a real server on loopback (100 strict ones, which may pass over the list
five times). Before each answer, a row is taken away with probability P, and one put in with probability P, each at a
random place. A row counts as lost when it was there from the first request to the last, and was not given. Ours with
the usual settings and with ``strict=True``, beside the loops of others, as their documentation describes them: stop
at a short page (Airbyte's page increment, and whatever is written by hand), go by the total in steps of the size that
was asked for (dlt), stop at an empty page (Stainless' clients).

Rows that were lost in silence are counted apart where one total was given all the time: a row went and another came at
once, and nobody can know. The second table is of nothing but such pairs.

    python -m benchmarks.drift
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import attrs
import uvloop

from aishoot_async import AIShootSession, PagingError

ROWS, PAGE = 1_000, 100
WALKS, FEWER_WALKS = 400, 100
CHANCES = (0.02, 0.1, 0.5)


class Listing:
    """The rows of a service, which change before each answer."""

    def __init__(self) -> None:
        self.requests = 0
        self.begin(0, 0.0, paired=False)

    def begin(self, seed: int, chance: float, *, paired: bool) -> None:
        """Begin anew, for one walk."""
        self._random = random.Random(seed)
        self._chance, self._paired = chance, paired
        self._rows = list(range(ROWS))
        self._next = ROWS
        self.lasting = set(self._rows)
        """The rows that have been there all the time."""
        self.totals: set[int] = set()
        """The totals that have been given."""

    def _happens(self) -> bool:
        return self._random.random() < self._chance

    def _change(self) -> None:
        goes = self._happens()
        comes = goes if self._paired else self._happens()
        if goes:
            self.lasting.discard(self._rows.pop(self._random.randrange(len(self._rows))))
        if comes:
            self._rows.insert(self._random.randint(0, len(self._rows)), self._next)
            self._next += 1

    def page(self, number: int, size: int) -> tuple[Sequence[int], int]:
        """Answer a request: the page's rows, and the total."""
        self.requests += 1
        self._change()
        self.totals.add(len(self._rows))
        return self._rows[(number - 1) * size : number * size] if number > 0 else [], len(self._rows)


@attrs.frozen
class Outcome:
    """What a walk came to: the rows given, and whether it said that some may be missing."""

    given: Sequence[int]
    told: bool = False
    failed: bool = False


Loop = Callable[[Listing], Outcome]


def until_a_short_page(listing: Listing) -> Outcome:
    given: list[int] = []
    number = 1
    while True:
        rows, _ = listing.page(number, PAGE)
        given += rows
        if len(rows) < PAGE:
            return Outcome(given)
        number += 1


def by_the_total(listing: Listing) -> Outcome:
    given: list[int] = []
    offset, total = 0, 1
    while offset < total:
        rows, total = listing.page(offset // PAGE + 1, PAGE)
        given += rows
        offset += PAGE
    return Outcome(given)


def until_an_empty_page(listing: Listing) -> Outcome:
    given: list[int] = []
    number = 1
    while rows := listing.page(number, PAGE)[0]:
        given += rows
        number += 1
    return Outcome(given)


async def ours(session: AIShootSession, *, strict: bool) -> Outcome:
    given: list[int] = []
    pager = session.briefs.results(1, page_size=PAGE, strict=strict)
    try:
        async for row in pager:
            given.append(int(row.id))  # noqa: PERF401  # kept when an error comes
    except PagingError:
        return Outcome(given, told=True, failed=True)
    return Outcome(given, told=not pager.report.complete)


@attrs.define
class Tally:
    """What many walks came to."""

    losing: int = 0
    told: int = 0
    silent: int = 0
    unseeable: int = 0
    doubled: int = 0
    failed: int = 0
    requests: int = 0

    def add(self, listing: Listing, outcome: Outcome) -> None:
        # Whoever gives an error in place of a row has lost nothing.
        lost = not outcome.failed and listing.lasting - set(outcome.given)
        self.losing += bool(lost)
        self.told += outcome.told
        self.failed += outcome.failed
        if not outcome.told:
            self.silent += bool(lost) and len(listing.totals) > 1
            self.unseeable += bool(lost) and len(listing.totals) == 1
            self.doubled += len(outcome.given) != len(set(outcome.given))


class Service(asyncio.Protocol):
    """One connection. An HTTP server that does no more would take longer than all the walks."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            target, self.received = self.received[:end].split(b" ", 2)[1].decode(), self.received[end + 4 :]
            query = dict(parse_qsl(urlsplit(target).query))
            rows, total = self.listing.page(int(query["page"]), int(query["pageSize"]))
            body = b'{"entries":[%b],"total":%d}' % (b",".join(b'{"id":%d}' % row for row in rows), total)
            head = b"HTTP/1.1 200 Said\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)  # type: ignore[attr-defined]


@asynccontextmanager
async def serving(listing: Listing) -> AsyncIterator[AIShootSession]:
    """Serve the listing on loopback, and give a session with it."""
    server = await asyncio.get_running_loop().create_server(lambda: Service(listing), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with AIShootSession("token", base_url=url, auth_url=url) as session:
        await session.briefs.results(1, page_size=PAGE).collect()  # where pages begin is known from here on
        yield session
    server.close()


Walk = Callable[[], Awaitable[Outcome]]


async def tally(listing: Listing, walk: Walk, chance: float, walks: int, *, paired: bool) -> Tally:
    found = Tally()
    before = listing.requests
    for seed in range(walks):
        listing.begin(seed, chance, paired=paired)
        found.add(listing, await walk())
    found.requests = listing.requests - before
    return found


def as_walk(loop: Loop, listing: Listing) -> Walk:
    async def walk() -> Outcome:
        return loop(listing)

    return walk


def line(name: str, chance: float, walks: int, found: Tally) -> str:
    counts = (walks, found.losing, found.told, found.silent, found.unseeable, found.doubled, found.failed)
    return f"{name:<22}{chance:>6}" + "".join(f"{count:>11}" for count in counts) + f"{found.requests / walks:>11.1f}"


UPPER = ("", "that lost", "that told", "lost in", "lost under", "doubled in", "gave an", "requests")
LOWER = ("walks", "rows", "change", "silence", "one total", "silence", "error", "a walk")
HEAD = "\n".join(
    f"{'':<22}{column:>6}" + "".join(f"{word:>11}" for word in words) for column, words in (("", UPPER), ("P", LOWER))
)


async def main() -> None:
    """Print both tables."""
    logging.getLogger("aishoot_async").setLevel(logging.ERROR)  # a line a walk
    begun = time.perf_counter()
    listing = Listing()
    async with serving(listing) as session:
        walks: dict[str, Walk] = {
            "aishoot_async": lambda: ours(session, strict=False),
            "aishoot_async, strict": lambda: ours(session, strict=True),
            "until a short page": as_walk(until_a_short_page, listing),
            "by the total": as_walk(by_the_total, listing),
            "until an empty page": as_walk(until_an_empty_page, listing),
        }
        for paired in (False, True):
            what = "a row goes and another comes at once" if paired else "a row goes, a row comes, each with P a page"
            print(f"\n{ROWS} rows, {PAGE} a page: {what}\n{HEAD}")
            for name, walk in walks.items():
                for chance in CHANCES:
                    count = FEWER_WALKS if paired or "strict" in name else WALKS
                    found = await tally(listing, walk, chance, count, paired=paired)
                    print(line(name, chance, count, found), flush=True)
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    uvloop.run(main())
