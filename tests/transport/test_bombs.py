"""What blows up when it is decompressed, or never ends.

promise 13: a gzip bomb of 300 MB under a cap of 8 MB is a `ResponseTooLargeError`, and the process grows by less than
16 MB.
"""

import asyncio
import gzip
import json
import sys
import textwrap

import pytest

from helpers.bombs import MB, bomb, many_members, tiny_members
from helpers.raw_server import RawServer, always, endless, in_turn

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
ZIPPED = {"Content-Encoding": "gzip"}
HEAD = b"HTTP/1.1 200 Said\r\n"
TOO_LARGE = {
    "one stream": always(bomb(300), headers=ZIPPED),
    "many streams": always(many_members(300), headers=ZIPPED),
    "tiny streams": always(tiny_members(4000) + bomb(300), headers=ZIPPED),
    "an error's body": always(bomb(300), 500, ZIPPED),
    "a body without end": endless(HEAD + b"\r\n[", b" " * 65536),
    "chunks without end": endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n%b\r\n" % (b" " * 1024) * 64),
}
NESTED = always(gzip.compress(bomb(300)), headers=ZIPPED)
# A process of its own: in this one other tests have already used the memory.
CLIENT = """
    import asyncio, json, resource, sys
    from aishoot_async import AIShootError, AIShootSession, Limits, RetryPolicy

    def grown():
        # kilobytes on Linux, bytes on macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    async def main(url):
        limits, retry = Limits(response_bytes=8 * 1024 * 1024), RetryPolicy(attempts=1)
        async with AIShootSession("token", base_url=url, limits=limits, retry=retry) as session:
            await session.skus.list_global()
            before = grown()
            for _ in range(int(sys.argv[2])):
                try:
                    await session.skus.list_global()
                    end = "read"
                except AIShootError as error:
                    end = type(error).__name__
                print(json.dumps([end, grown() - before]), flush=True)

    asyncio.run(main(sys.argv[1]))
"""


async def client(server: RawServer, requests: int) -> list[tuple[str, int]]:
    """Let another process make one usual request, and so many more; give how each ended, and how far it had grown."""
    program = [sys.executable, "-W", "error", "-c", textwrap.dedent(CLIENT), server.url, str(requests)]
    child = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    assert child.returncode == 0
    return [tuple(json.loads(line)) for line in said.splitlines()]


async def test_bombs() -> None:
    async with RawServer(in_turn(always(b"[]"), *TOO_LARGE.values(), NESTED)) as server:
        ends = await client(server, len(TOO_LARGE) + 1)
    # What a bomb within a bomb is made of is never unpacked.
    assert [end for end, _ in ends] == ["ResponseTooLargeError"] * len(TOO_LARGE) + ["UnexpectedResponseError"]
    for name, (_, grown) in zip([*TOO_LARGE, "nested"], ends, strict=True):
        assert grown < 16 * MB, name
