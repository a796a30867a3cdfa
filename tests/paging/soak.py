"""How the memory of a walk grows, in a process of its own: ``python -m paging.soak ITEMS [strict]``."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from paging.hostile import Answer, HostileServer, failure

PAGE = 100


def memory() -> float:
    """Give this process's resident memory, in MB."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1e3


class Service:
    """Makes its pages up, keeps nothing, and looks at the memory now and then."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.samples: list[float] = []
        self.served = 0
        self.every = max(1, items // PAGE // 100)
        """A hundredth of the pages."""

    def __call__(self, page: int, _size: int) -> Answer:
        if page == 0:
            return failure(404)
        self.served += 1
        if self.served % self.every == 0:
            self.samples.append(memory())
        first = (page - 1) * PAGE
        here = range(first, min(first + PAGE, self.items))
        text = b",".join(b'{"id": "result-%d", "status": "DONE", "imageUrl": "%s"}' % (n, b"x" * 200) for n in here)
        return 200, b'{"entries": [%s], "total": %d}' % (text, self.items)


async def main(items: int, *, strict: bool) -> None:
    service = Service(items)
    async with HostileServer(service) as server, server.session() as session:
        count = 0
        pager = session.briefs.results(1, strict=strict)
        async for _ in pager:
            count += 1
            if count % 10_000 == 0:
                server.forget()
                service.samples.append(memory())
        # After the first hundredth.
        grown = max(service.samples) - service.samples[0]
        sys.stdout.write(json.dumps({"items": count, "complete": pager.report.complete, "grown": grown}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), strict="strict" in sys.argv))
