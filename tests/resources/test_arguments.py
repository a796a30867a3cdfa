"""The ways in and out of a session: rates, pools, proxies, and options that cannot work."""

import asyncio
import ssl

import anyio
import pytest

from aishoot_async import (
    AIShootSession,
    CallTimeoutError,
    ConfigurationError,
    ConnectError,
    EnvelopePaths,
    Limits,
    PagingError,
    RequestValidationError,
    RetryPolicy,
    Timeouts,
    TransportError,
    UnexpectedResponseError,
)
from helpers.raw_server import RawServer, always
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
EMPTY = b'{"entries":[],"total":0}'
ONCE = RetryPolicy(attempts=1)


async def test_a_rate_spaces_the_starts():
    starts = []

    async def note(_request, connection):
        starts.append(asyncio.get_running_loop().time())
        await connection.answer(EMPTY)

    async with RawServer(note) as server, session_for(server, limits=Limits(rate=50)) as session:
        await asyncio.gather(*(session.skus.list_global() for _ in range(6)))
    # Six starts at 50 a second span five intervals; a busy machine can only make it longer.
    assert starts[-1] - starts[0] > 4 / 50


async def test_waiting_for_the_rate_counts_as_waiting_for_admission():
    settings = {"limits": Limits(rate=0.01), "timeouts": Timeouts(pool=0.05)}
    async with RawServer(always(EMPTY)) as server, session_for(server, **settings) as session:
        await session.skus.list_global()
        for _ in range(2):
            with pytest.raises(CallTimeoutError) as caught:
                await session.skus.list_global()
            assert not caught.value.maybe_sent
        assert len(server.requests) == 1


async def test_a_call_that_gives_up_waiting_leaves_its_place():
    gate = asyncio.Event()

    async def held(_request, connection):
        await gate.wait()
        await connection.answer(EMPTY)

    async with RawServer(held) as server, session_for(server, limits=Limits(connections=1)) as session:
        first = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        for _ in range(5):
            with anyio.move_on_after(0.01):
                await session.skus.list_global()
        gate.set()
        await first
        with anyio.fail_after(5):
            assert await session.skus.list_global() == []
        assert len(server.requests) == 2


async def test_a_proxy_gets_the_whole_url_and_its_refusal_is_no_answer(monkeypatch):
    async with RawServer(always(EMPTY)) as proxy:
        async with AIShootSession(TOKEN, base_url="http://localhost:1", proxy=proxy.url) as session:
            await session.skus.list_global()
        assert proxy.requests[-1].target == "http://localhost:1/ai-shoot/skus/global"
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("no_proxy", "elsewhere.example")
        async with AIShootSession(TOKEN, base_url="http://127.0.0.1:1", proxy="environment") as session:
            await session.skus.list_global()
            await session.skus.list_global()
        assert len(proxy.requests) == 3
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for setting in ("environment", None):
            async with AIShootSession(TOKEN, base_url="http://127.0.0.1:1", proxy=setting, retry=ONCE) as session:
                with pytest.raises(ConnectError):
                    await session.skus.list_global()
        assert len(proxy.requests) == 3


async def test_a_proxy_that_refuses_a_tunnel_is_a_connect_error():
    async with RawServer(always(b"no", 403)) as proxy:
        settings = {"base_url": "https://api.example", "proxy": proxy.url, "retry": ONCE}
        async with AIShootSession(TOKEN, **settings) as session:
            with pytest.raises(ConnectError, match="403"):
                await session.skus.list_global()
        assert TOKEN not in str([request.headers for request in proxy.requests])


async def test_a_server_that_speaks_no_tls_is_a_connect_error():
    async with RawServer(always(EMPTY)) as server:
        url = server.url.replace("http://", "https://")
        settings = {"ssl": ssl.create_default_context(), "timeouts": Timeouts(connect=0.3)}
        async with AIShootSession(TOKEN, base_url=url, retry=ONCE, **settings) as session:
            with pytest.raises(TransportError):
                await session.skus.list_global()
        assert server.requests == []


async def test_a_name_that_cannot_be_resolved_is_a_connect_error():
    async with AIShootSession(TOKEN, base_url="http://nowhere.localhost.:1", retry=ONCE, insecure_http=True) as session:
        with pytest.raises(ConnectError):
            await session.skus.list_global()


@pytest.mark.parametrize(
    "options",
    [
        {"page_size": 0},
        {"page_size": True},
        {"page_size": "7"},
        {"prefetch": 0},
        {"prefetch": 1.5},
        {"on_drift": "shrug"},
        {"start": -1},
        {"start": "1:0:100"},
        {"envelope": "data.rows"},
        {"into": 3},
        {"into": complex},
        {"colour": "red"},
    ],
)
async def test_an_option_that_cannot_work_is_refused_before_any_call(options):
    session = AIShootSession(TOKEN)
    with pytest.raises(ConfigurationError):
        session.skus.list(**options)
    with pytest.raises(ConfigurationError):
        session.briefs.results(1, **options)
    await session.aclose()


@pytest.mark.parametrize("wrong", ["1", True, 1.0, None, b"1"])
def test_a_brief_id_is_an_integer(wrong):
    with pytest.raises(RequestValidationError) as caught:
        AIShootSession(TOKEN).briefs.results(wrong)
    assert caught.value.field == "brief_id"


@pytest.mark.parametrize("field", ["project_filter", "sku_id_filter"])
@pytest.mark.parametrize("wrong", [7, b"a", "\ud800"])
def test_a_filter_is_a_string(field, wrong):
    with pytest.raises(RequestValidationError) as caught:
        AIShootSession(TOKEN).skus.list(**{field: wrong})
    assert caught.value.field == field


@pytest.mark.parametrize("path", ["", ".", "a..b", 7])
def test_a_path_into_an_envelope_is_dotted(path):
    with pytest.raises(ConfigurationError):
        EnvelopePaths(path)


@pytest.mark.parametrize(
    ("paths", "body"),
    [
        (EnvelopePaths("data.rows"), b'{"data": {"lines": []}}'),
        (EnvelopePaths("data.rows"), b'{"data": []}'),
        (EnvelopePaths("data"), b'{"data": {}}'),
        (EnvelopePaths("data", total="count"), b'{"data": []}'),
        (EnvelopePaths("data", total="count"), b'{"data": [], "count": "many"}'),
    ],
)
async def test_an_envelope_that_is_not_as_named_says_what_is_there(paths, body):
    async with RawServer(always(body)) as server, session_for(server) as session:
        with pytest.raises(UnexpectedResponseError):
            await session.skus.list(envelope=paths).collect()


async def test_a_global_list_that_is_not_whole_is_an_error():
    async with RawServer(always(b'{"entries":[{"id":1}],"total":2}')) as server, session_for(server) as session:
        with pytest.raises(PagingError):
            await session.skus.list_global()


@pytest.mark.parametrize("limit", [-1, True, 1.5, "3"])
async def test_a_limit_is_a_whole_number(limit):
    session = AIShootSession(TOKEN)
    with pytest.raises(ConfigurationError):
        await session.skus.list().collect(limit)
    assert await session.skus.list().collect(0) == []
    await session.aclose()
