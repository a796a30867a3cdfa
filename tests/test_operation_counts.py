"""A guard against getting slower that reads no clock: how much is done for each page of 30 items.

`BUDGETS` is the one table. ``PYTHONPATH=tests python tests/test_operation_counts.py`` prints it as it is measured: when
the code has become better, lower it, or what was won can be lost again unseen.
"""

import asyncio
import json

import pytest

from aishoot_async import AIShootSession, codec
from helpers.listings import unasked
from helpers.meter import CountingLoop, Meter

# For each page. "calls": of our own functions. "pages copied": bytes allocated in large pieces, beside the socket's, by
# those of the page's body. "callbacks": turns that the event loop was asked for.
BUDGETS = {
    "typed stream": {
        "calls": 310,
        "pages copied": 3.9,
        "tasks": 1.1,
        "timers": 3.1,
        "callbacks": 4.7,
        "system calls": 2.2,
    },
    "raw stream": {
        "calls": 185,
        "pages copied": 2.2,
        "tasks": 1.1,
        "timers": 3.1,
        "callbacks": 4.7,
        "system calls": 2.2,
    },
    "typed decode": {"calls": 74, "pages copied": 2.7},
    "fields decoded": {"calls": 74, "pages copied": 1.4},
    "raw decode": {"calls": 12, "pages copied": 1.8},
    "SKUs decoded": {"calls": 45, "pages copied": 1.7},
}
ROOM = 1.2
"""What honest refactoring, chance and other Pythons may add to a budget."""
LEAST_ROOM = 0.5

ITEMS = 30
WARM_UP, PAGES = 40, 80
ROW = {
    "name": "Linen dress, long, with a belt of the same cloth",
    "frontImage": "front-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "status": "FINISHED",
    "imageUrl": "https://images.autoretouch.example/results/2026/11/25/4711-a93f-front-standing-01.jpg",
    "createdAt": "2026-11-25T09:30:00.123456Z",
    "width": 2400,
    "model": {"name": "Ada", "heightCm": 178, "hair": "brown"},
    "retouch": {"seed": 8402347100234, "strength": 0.85, "steps": ["background", "shadow", "crop"]},
    "internalTrace": "b7d2c1e0-4a52-4c3e-9f10-2f6c1d0b9e77",
}


def page(number, total):
    rows = [{"id": f"{number * ITEMS + at:010}", **ROW} for at in range(ITEMS)]
    return json.dumps({"entries": rows, "total": total}, separators=(",", ":")).encode()


BODIES = [page(number, 10_000) for number in range(WARM_UP + PAGES + 20)]
SIZE = len(BODIES[0])
ANSWERS = [b"HTTP/1.1 200 Said\r\nContent-Length: %d\r\n\r\n" % len(body) + body for body in BODIES]


class Server(asyncio.BufferedProtocol):
    """Answers in one piece, which fits into one of the network's; and allocates nothing that counts."""

    def __init__(self):
        self.buffer = bytearray(65536)

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, count):
        begin = self.buffer.index(b"page=") + 5
        self.transport.write(ANSWERS[int(self.buffer[begin : self.buffer.index(b"&", begin)])])
        asyncio.get_running_loop().counts["system calls"] -= 2  # those of this end


async def walked(into):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with AIShootSession("token", base_url=url, auth_url=url) as session:
        async with session.briefs.results(1, start=1, page_size=ITEMS, into=into).walk() as walk:
            await read(walk, WARM_UP, into)
            with Meter(loop.counts):
                await read(walk, PAGES, into)
    server.close()
    return loop.counts


async def read(walk, pages, into):
    for _ in range(pages * ITEMS):
        item = await anext(walk)
        assert into is bytes or (item.id and item["name"] and item["status"] and item["imageUrl"])


def stream(into):
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        return runner.run(walked(into))


def decoded(decode, touch):
    listing = unasked(decode)
    for body in BODIES[:WARM_UP]:
        listing.open(body, 1)
    with Meter() as meter:
        for body in BODIES[:PAGES]:
            for item in listing.open(body, 1).items:
                touch(item)
    return meter.counts


SCENES = {
    "typed stream": lambda: stream(None),
    "raw stream": lambda: stream(bytes),
    "typed decode": lambda: decoded(codec.brief_result, lambda item: item["name"]),
    "fields decoded": lambda: decoded(codec.result_decoder(["name"]), lambda item: item["name"]),
    "raw decode": lambda: decoded(codec.decoder(bytes), len),
    "SKUs decoded": lambda: decoded(codec.sku, lambda item: item.name),
}


def a_page(scene):
    counts = SCENES[scene]()
    return {
        name: counts["bytes"] / PAGES / SIZE if name == "pages copied" else counts[name] / PAGES
        for name in BUDGETS[scene]
    }


@pytest.mark.parametrize("scene", BUDGETS)
def test_no_more_is_done_for_a_page_than_its_budget(scene):
    found = a_page(scene)
    more = {
        name: found[name]
        for name, budget in BUDGETS[scene].items()
        if found[name] > max(ROOM * budget, budget + LEAST_ROOM)
    }
    assert not more, f"{scene}: {more}, of {BUDGETS[scene]}"


if __name__ == "__main__":
    for each in BUDGETS:
        measured = {name: round(count, 1) for name, count in a_page(each).items()}
        print(f'    "{each}": {measured},')  # noqa: T201
