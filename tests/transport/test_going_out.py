"""What goes out, and which way: headers, bodies, proxies; no cookies, no netrc."""

import pathlib

import pytest

from aishoot_async import ConfigurationError, ConnectError, SkuCreate, Timeouts
from helpers.leaks import NothingLeft
from helpers.raw_server import RawServer, always, drop, endless, hang, saying
from helpers.sessions import TOKEN, session_for

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
NEW = SkuCreate(name="n", front_image="f")


async def test_the_headers_of_a_request(keeps_connections: bool) -> None:  # noqa: FBT001
    async with RawServer(always(b'{"id":1}')) as server, session_for(server) as session:
        await session.skus.create(NEW)
        server.handler = always(b"[]")
        await session.skus.list_global()
        post, get = server.requests
        assert post.line == "POST /ai-shoot/skus HTTP/1.1"
        assert post.body == b'{"name":"n","frontImage":"f"}'
        assert post.headers["content-type"] == get.headers["accept"] == "application/json"
        assert post.headers["authorization"] == f"Bearer {TOKEN}"
        assert post.headers["user-agent"].startswith("aishoot-async/")
        assert "content-type" not in get.headers
        assert "cookie" not in get.headers
        assert server.connections == (1 if keeps_connections else 2)


async def test_a_large_body_goes_out_whole() -> None:
    name = "n" * 3_000_000
    async with RawServer(always(b'{"id":1}')) as server, session_for(server) as session:
        await session.skus.create(SkuCreate(name=name, front_image="f"))
        assert len(server.requests[0].body) > 3_000_000
        assert server.requests[0].headers["content-length"] == str(len(server.requests[0].body))
        assert server.requests[0].headers["content-type"] == "application/json"


async def test_cookies_are_not_kept() -> None:
    setting = always(b"[]", headers={"Set-Cookie": "tracked=yes; Path=/"})
    async with RawServer(setting) as server, session_for(server) as session:
        await session.skus.list_global()
        await session.skus.list_global()
        assert ["cookie" in request.headers for request in server.requests] == [False, False]


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch):
    """Set the proxy variables of the environment, and no other."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD")
    for name in (*names, *(name.upper() for name in names)):
        monkeypatch.delenv(name, raising=False)

    def use(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return use


async def test_the_environments_proxy_and_netrc_are_not_used_unless_asked_for(
    proxied, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with RawServer(always(b"[]")) as proxy, RawServer(always(b"[]")) as server:
        proxied(http_proxy=proxy.url, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url)
        async with session_for(server) as session:
            await session.skus.list_global()
        assert proxy.requests == []
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        async with session_for(server, proxy="environment") as session:
            await session.skus.list_global()
            await session.skus.list_global()
        assert len(server.requests) == 1
        assert [request.target for request in proxy.requests] == [f"{server.url}/ai-shoot/skus/global"] * 2
        assert proxy.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert "proxy-authorization" not in proxy.requests[0].headers


async def test_no_proxy_is_heeded(proxied) -> None:
    async with RawServer(always(b"[]")) as proxy, RawServer(always(b"[]")) as server:
        for name in ("127.0.0.1", f"127.0.0.1:{server.port}", "*"):
            proxied(http_proxy=proxy.url, no_proxy=name)
            async with session_for(server, proxy="environment") as session:
                await session.skus.list_global()
        proxied(no_proxy="127.0.0.1:1")
        async with session_for(server, proxy="environment") as session:
            await session.skus.list_global()
        assert len(server.requests) == 3
        assert len(proxy.requests) == 1


async def test_the_environment_without_a_proxy_or_with_a_strange_one(proxied) -> None:
    async with RawServer(always(b"[]")) as server, RawServer(always(b"[]")) as proxy:
        async with session_for(server, proxy="environment") as session:
            await session.skus.list_global()
        proxied(http_proxy=f"127.0.0.1:{proxy.port}")
        async with session_for(server, proxy="environment") as session:
            await session.skus.list_global()
        assert len(proxy.requests) == 1
        proxied(http_proxy="socks5://hunter2@127.0.0.1:1")
        async with session_for(server, proxy="environment") as session:
            with pytest.raises(ConfigurationError) as caught:
                await session.skus.list_global()
            assert "hunter2" not in str(caught.value)


async def test_a_named_proxy_with_a_password() -> None:
    async with RawServer(always(b"[]")) as proxy, RawServer(always(b"[]")) as server:
        url = proxy.url.replace("//", "//user:hunter2@")
        async with session_for(server, proxy=url) as session:
            await session.skus.list_global()
        assert "proxy-authorization" in proxy.requests[0].headers
        assert proxy.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


TUNNEL = b"HTTP/1.1 200 Connected\r\n\r\n"
NO_TUNNEL = {
    "refused": (always(b"no", 407), "407"),
    "moved": (always(b"", 302, {"Location": "https://elsewhere.invalid"}), "302"),
    "dropped": (drop, "proxy"),
    "reset": (saying(b"", reset=True), "reset"),
    "garbage": (saying(b"garbage\r\n\r\n"), "proxy"),
    "half a head": (saying(TUNNEL[:9]), "proxy"),
    "headers without end": (endless(TUNNEL[:-2], b"X: y\r\n" * 999), "proxy"),
    "interim answers without end": (endless(b"", b"HTTP/1.1 103 Hm\r\n\r\n" * 999), "within"),
    "silence": (hang, "within"),
    "a tunnel to nowhere": (saying(TUNNEL), "cannot connect"),
    "a tunnel to what speaks no TLS": (saying(TUNNEL + b"garbage"), "cannot connect|TLS"),
}


@pytest.mark.parametrize("way", NO_TUNNEL)
async def test_a_proxy_that_gives_no_tunnel_has_not_sent_anything(way: str) -> None:
    handler, says = NO_TUNNEL[way]
    async with NothingLeft(), RawServer(handler) as proxy:
        url = proxy.url.replace("//", "//user:hunter2@")
        timeouts = Timeouts(connect=0.05 if says == "within" else 5.0)
        settings = {"base_url": "https://example.invalid", "proxy": url, "timeouts": timeouts}
        async with session_for(proxy, **settings) as session:
            with pytest.raises(ConnectError, match=says) as caught:
                await session.skus.create(NEW)
        assert len(proxy.requests) == 3 or says == "within"
        assert {request.method for request in proxy.requests} <= {"CONNECT"}
        assert all("authorization" not in request.headers for request in proxy.requests)
        assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 3
        assert "hunter2" not in repr(vars(caught.value))
