"""No answer makes the client ask elsewhere.

promise 15: a 30x to any origin or scheme: token, body and identifiers never leave the configured origin.
"""

import pytest

from aishoot_async import AIShootSession, AmbiguousWriteError, APIStatusError, SkuCreate, SkuUpdate
from helpers.raw_server import RawServer, always
from helpers.sessions import TOKEN, session_for

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
STATUSES = [300, 301, 302, 303, 304, 305, 307, 308, 399]


def operations(session: AIShootSession):
    return {
        "list": lambda: session.skus.list().collect(),
        "list_global": session.skus.list_global,
        "results": lambda: session.briefs.results(1).collect(),
        "get": lambda: session.skus.get("id-of-sku"),
        "create": lambda: session.skus.create(SkuCreate(name="n", front_image="f")),
        "update": lambda: session.skus.update("id-of-sku", SkuUpdate(name="n", front_image="f")),
        "edit": lambda: session.skus.edit("id-of-sku", name="n"),
        "delete": lambda: session.skus.delete("id-of-sku"),
    }


def targets(elsewhere: str, here: str) -> list[str]:
    authority = elsewhere.removeprefix("http:")
    return [
        f"{elsewhere}/stolen?{TOKEN}",
        f"{authority}/protocol-relative",
        f"HTTP:{authority}/",
        f"https:{authority}/",
        f"http:{authority.replace('//', '//user:password@')}/",
        f"\\\\{authority.removeprefix('//')}/",
        f"{here}.{authority.removeprefix('//')}/",
        f"{here}/ai-shoot/skus/global",
        "/ai-shoot/skus/global",
        "?page=2",
        "",
        "http://[::1",
        "file:///etc/passwd",
        "javascript:0",
    ]


@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_is_never_followed(status: int) -> None:
    async with RawServer(always(b"[]")) as elsewhere, RawServer(always()) as server:
        for target in targets(elsewhere.url, server.url):
            headers = {"Location": target, "Refresh": f"0; url={target}", "URI": target, "Alt-Svc": elsewhere.url}
            body = b"" if status == 304 else b'[{"id":"id-of-sku","name":"n","frontImage":"f"}]'
            server.handler = always(body, status, headers)
            async with session_for(server) as session:
                for name, call in operations(session).items():
                    server.requests.clear()
                    with pytest.raises(APIStatusError) as caught:
                        await call()
                    assert caught.value.status == status
                    assert len(server.requests) == 1, name
                    assert TOKEN not in repr(vars(caught.value))
        assert elsewhere.connections == 0


@pytest.mark.parametrize("status", [200, 201])
async def test_where_a_success_points_to_is_not_asked_either(status: int) -> None:
    async with RawServer(always(b"[]")) as elsewhere:
        headers = {"Location": f"{elsewhere.url}/x", "Content-Location": f"{elsewhere.url}/x", "Refresh": "0; url=/x"}
        async with RawServer(always(b"", status, headers)) as server, session_for(server) as session:
            with pytest.raises(AmbiguousWriteError):
                await session.skus.create(SkuCreate(name="n", front_image="f"))
            assert len(server.requests) == 1
        assert elsewhere.connections == 0
