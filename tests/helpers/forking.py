"""Jobs in processes of their own, to be killed at any moment.

A process that has imported everything forks one child for each job: a new interpreter for each would cost a second.
"""

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any


def parent_of(module: str) -> tuple[list[str], dict[str, str]]:
    """Give the command and the environment that run a module of these helpers as the parent of its jobs."""
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join(filter(None, (tests, os.environ.get("PYTHONPATH"))))
    return [sys.executable, "-m", module], {**os.environ, "PYTHONPATH": paths}


def fork_children(child: Callable[[dict[str, Any]], Mapping[str, Any]], preloaded: Iterable[str]) -> None:
    """Fork a child for each line that is read, a job; tell its pid, and then what it says, or that it was killed."""
    for name in preloaded:
        try:
            import_module(name)
        except ImportError:
            continue
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            try:
                said = json.dumps(child(json.loads(line)))
            except BaseException:  # noqa: BLE001
                said = json.dumps({"error": "a bug", "message": traceback.format_exc()})
            os.write(writing, said.encode())
            os._exit(0)
        os.close(writing)
        _tell({"pid": pid})
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read().decode()
        os.waitpid(pid, 0)
        _tell(json.loads(said) if said else {"killed": True})


def _tell(what: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def limit_files(size: int | None) -> None:
    """Let no file grow beyond a size, as if the disk were full."""
    if size is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
