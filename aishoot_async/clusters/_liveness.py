"""Which workers have stalled: those of which the scheduler hears no more.

The scheduler itself gives them up too (``distributed.scheduler.worker-ttl``), but after minutes, and only when it keeps
its default.
"""

from collections.abc import Mapping
from typing import Any


class Liveness:
    """When each worker was heard of last. The times are the scheduler's: only that they change says something."""

    def __init__(self, stall: float) -> None:
        """Know of no worker; ``stall`` is how many seconds a worker may be silent."""
        self._stall = stall
        self._seen: dict[str, tuple[float, float]] = {}

    def update(self, workers: Mapping[str, Mapping[str, Any]], now: float) -> None:
        """Record what the scheduler says of its workers."""
        before, self._seen = self._seen, {}
        for worker, said in workers.items():
            last, since = before.get(worker, (None, now))
            self._seen[worker] = (said["last_seen"], since if said["last_seen"] == last else now)

    def stalled(self, now: float) -> set[str]:
        """Return those that have stalled."""
        return {worker for worker, (_, since) in self._seen.items() if now - since > self._stall}

    def healthy(self, now: float) -> list[str]:
        """Return the others."""
        return sorted(set(self._seen) - self.stalled(now))
