"""What goes out, and what does not: redirects, cookies, proxies, netrc."""

import asyncio
import pathlib
import socket
import ssl

import pytest

from aishoot_async import APIStatusError, ConfigurationError, ConnectError, RetryPolicy, SkuCreate, Timeouts
from helpers.raw_server import RawServer, always
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
NEW = SkuCreate(name="n", front_image="f")


async def test_the_headers_of_a_request() -> None:
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
        assert server.connections == 1


async def test_a_large_body_goes_out_whole() -> None:
    name = "n" * 3_000_000
    async with RawServer(always(b'{"id":1}')) as server, session_for(server) as session:
        await session.skus.create(SkuCreate(name=name, front_image="f"))
        assert len(server.requests[0].body) > 3_000_000
        assert server.requests[0].headers["content-length"] == str(len(server.requests[0].body))
        assert server.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_redirect_is_never_followed(status: int, method: str) -> None:
    async with RawServer(always(b"[]")) as elsewhere, RawServer(always()) as server:
        for target in (f"{elsewhere.url}/stolen", "/ai-shoot/skus/global", "//127.0.0.1/x", "https://example.invalid/"):
            server.requests.clear()
            server.handler = always(b"", status, {"Location": target})
            async with session_for(server) as session:
                call = {
                    "GET": session.skus.list_global,
                    "POST": lambda: session.skus.create(NEW),
                    "DELETE": lambda: session.skus.delete("x"),
                }[method]
                with pytest.raises(APIStatusError) as caught:
                    await call()
            assert caught.value.status == status
            assert len(server.requests) == 1
        assert elsewhere.connections == 0


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


async def test_a_proxy_that_refuses_has_not_sent_anything() -> None:
    refusing = always(b"no", 407)
    async with RawServer(refusing) as proxy:
        url = proxy.url.replace("//", "//user:hunter2@")
        async with session_for(proxy, base_url="https://example.invalid", proxy=url) as session:
            with pytest.raises(ConnectError, match="407") as caught:
                await session.skus.create(NEW)
        assert len(proxy.requests) == 3
        assert {request.method for request in proxy.requests} == {"CONNECT"}
        assert all("authorization" not in request.headers for request in proxy.requests)
        assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 3
        assert "hunter2" not in repr(caught.value)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def test_a_refused_connection_is_unsent_and_a_create_goes_again() -> None:
    async with RawServer(always(b'{"id":7}')) as server:
        address = f"http://127.0.0.1:{free_port()}"
        async with session_for(server, base_url=address) as session:
            with pytest.raises(ConnectError, match="cannot connect") as caught:
                await session.skus.create(NEW)
            assert caught.value.maybe_sent is False
            assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 3
            with pytest.raises(ConnectError):
                await session.skus.list_global()


async def test_a_create_goes_through_once_the_server_is_back() -> None:
    port = free_port()

    class Starter:
        def __init__(self) -> None:
            self.server = None
            self.listening = asyncio.Event()

        def before_attempt(self, event) -> None: ...
        def after_attempt(self, event) -> None: ...

        def retrying(self, _event) -> None:
            if self.server is None:
                # Bound and listening before the next attempt; accepted by the loop's own server below.
                self.server = socket.create_server(("127.0.0.1", port))
                self.listening.set()

    starter = Starter()
    async with RawServer(always(b'{"id":7}')) as server:
        async with session_for(server, base_url=f"http://127.0.0.1:{port}", hooks=[starter]) as session:
            task = asyncio.create_task(session.skus.create(NEW))
            await starter.listening.wait()
            listening = await asyncio.start_server(server._serve, sock=starter.server)
            assert (await task).id == "7"
            listening.close()
        assert len(server.requests) == 1


async def test_a_name_that_does_not_resolve() -> None:
    async with RawServer(always()) as server:
        once = RetryPolicy(attempts=2, backoff=0.001)
        async with session_for(server, base_url="https://nowhere.invalid", retry=once) as session:
            with pytest.raises(ConnectError) as caught:
                await session.skus.create(NEW)
            assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 2


async def test_a_connection_that_does_not_come_about_in_time() -> None:
    with socket.socket() as deaf:
        # A full backlog: the kernel answers no further SYN.
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003
            filler.connect_ex(deaf.getsockname())
        async with RawServer(always()) as server:
            address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            async with session_for(server, base_url=address, timeouts=Timeouts(connect=0.05)) as session:
                with pytest.raises(ConnectError, match=r"within 0\.05 s") as caught:
                    await session.skus.create(NEW)
                assert len(caught.value.attempts) == 3
        for filler in fillers:
            filler.close()


async def test_tls_with_what_speaks_none() -> None:
    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Speak up\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    address = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
    async with (
        plain,
        RawServer(always()) as server,
        session_for(server, base_url=address, ssl=ssl.create_default_context()) as session,
    ):
        with pytest.raises(ConnectError, match="TLS") as caught:
            await session.skus.create(NEW)
        assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 3
