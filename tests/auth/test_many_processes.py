"""Many processes, one credential file, refresh tokens that rotate and forgive nothing."""

import asyncio
import contextlib
import sys
import textwrap
from pathlib import Path

import pytest

from aishoot_async.sandbox import Sandbox
from auth.conftest import STRICT
from helpers.official import official_read, official_write

pytestmark = pytest.mark.anyio
WORKER = textwrap.dedent("""
    import asyncio, sys
    from aishoot_async import AIShootSession, CredentialFile

    async def main(path, url, tasks):
        async with AIShootSession(CredentialFile(path), base_url=url, auth_url=url) as session:
            while await asyncio.to_thread(sys.stdin.readline):
                outcomes = await asyncio.gather(
                    *(session.skus.list_global() for _ in range(tasks)), return_exceptions=True
                )
                failed = [repr(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]
                print(failed[:1], flush=True)

    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
""")


@contextlib.asynccontextmanager
async def worker(path: Path, url: str, tasks: int):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-c", WORKER, str(path), url, str(tasks)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )

    async def work() -> str:
        process.stdin.write(b"go\n")
        return (await process.stdout.readline()).decode().strip()

    try:
        yield work
    finally:
        process.stdin.close()
        assert await process.wait() == 0


async def share(path: Path, *, tasks: int, processes: int, expiries: int) -> None:
    async with Sandbox(**STRICT) as sandbox, contextlib.AsyncExitStack() as stack:
        official_write(path, sandbox.token, sandbox.refresh_token)
        workers = [await stack.enter_async_context(worker(path, sandbox.url, tasks)) for _ in range(processes)]
        for expiry in range(expiries + 1):
            outcomes = await asyncio.gather(*(work() for work in workers))
            assert outcomes == ["[]"] * processes
            assert sandbox.calls["refresh"] == expiry
            sandbox.expire_tokens()
        sent = [request.body for request in sandbox.requests if request.operation == "refresh"]
        assert len(set(sent)) == len(sent)
    official_read(path)
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]


async def test_one_refresh_for_each_expiry(tmp_path: Path) -> None:
    await share(tmp_path / "c.json", tasks=20, processes=3, expiries=3)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_hundred_tasks_in_eight_processes_over_ten_expiries(tmp_path: Path) -> None:
    await share(tmp_path / "c.json", tasks=100, processes=8, expiries=10)
