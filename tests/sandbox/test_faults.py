"""The fault plan: where, what, and in which order."""

import asyncio
import time
import zlib

import aiohttp
import pytest

from aishoot_async.sandbox import (
    CutBody,
    Delay,
    DeleteRows,
    DropAfter,
    DropBefore,
    EmptyPage,
    ExpireToken,
    Fault,
    Html,
    InsertRows,
    RawBody,
    Sandbox,
    SlowDrip,
    Status,
)

pytestmark = pytest.mark.anyio

SKUS = "/ai-shoot/skus"
RESULTS = "/ai-shoot/briefs/1/results"
NEW = {"name": "n", "frontImage": "f"}


async def statuses(api, count, path=SKUS):
    return [(await api.get(path)).status for _ in range(count)]


async def test_where_a_fault_happens(connect):
    for where, expected in (
        ({}, "xxxxxx"),
        ({"times": 2}, "xx...."),
        ({"at": 3}, "..x..."),
        ({"at": 3, "times": 2}, "..xx.."),
        ({"every": 2}, ".x.x.x"),
        ({"every": 2, "times": 2}, ".x.x.."),
        ({"operation": "list_skus"}, "xxxxxx"),
        ({"operation": "create_sku"}, "......"),
        ({"page": 1}, "xxxxxx"),
        ({"page": 2}, "......"),
        ({"brief": 1}, "......"),
    ):
        async with connect(faults=[Fault(Status(503), **where)]) as api:
            seen = "".join("x" if status == 503 else "." for status in await statuses(api, 6))
            assert seen == expected, where


async def test_a_fault_on_one_page_of_one_brief(connect):
    async with connect(briefs={1: 50, 2: 50}, faults=[Fault(Status(500), brief=1, page=2)]) as api:
        for brief in (1, 2):
            for page in (1, 2):
                reply = await api.get(f"/ai-shoot/briefs/{brief}/results?page={page}")
                assert reply.status == (500 if (brief, page) == (1, 2) else 200)


async def test_faults_can_be_added_and_cleared(connect):
    async with connect() as api:
        api.sandbox.add_fault(Fault(Status(503)))
        assert await statuses(api, 1) == [503]
        api.sandbox.clear_faults()
        assert await statuses(api, 1) == [200]


@pytest.mark.parametrize(
    "wrong",
    [{"operation": "x"}, {"at": 0}, {"every": 0}, {"times": 0}, {"at": 1, "every": 1}],
)
def test_faults_that_could_never_fire_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|exclude"):
        Fault(Status(503), **wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fault("nonsense"),
        lambda: InsertRows(position=-1),
        lambda: DeleteRows(count=0),
        lambda: CutBody(-1),
        lambda: SlowDrip(0),
        lambda: Delay(-1),
    ],
)
def test_actions_that_cannot_be_are_refused(make):
    with pytest.raises(ValueError, match="must be"):
        make()


async def test_status_with_retry_after(connect):
    for value, header in ((3, "3"), (0.5, "0.5"), ("Wed, 21 Oct 2015 07:28:00 GMT",) * 2, ("NaN", "NaN")):
        async with connect(faults=[Fault(Status(429, retry_after=value))]) as api:
            reply = await api.get(SKUS)
            assert (reply.status, reply.headers["Retry-After"]) == (429, header)
            assert reply.json()["error"] == "Too Many Requests"


async def test_status_bodies(connect):
    async with connect(
        faults=[Fault(Status(502, html=True), at=1), Fault(Status(500, body=b"{"), at=2), Fault(Status(599), at=3)]
    ) as api:
        first, second, third = [await api.get(SKUS) for _ in range(3)]
        assert (first.status, first.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
        assert first.body.startswith(b"<!DOCTYPE html>")
        assert (second.status, second.body) == (500, b"{")
        assert (third.status, third.json()["error"]) == (599, "Error")


async def test_a_failure_comes_before_the_effect_or_after_it(connect):
    for action in (Status(504), Html(), Html(502), RawBody(b"x"), DropBefore(), DropBefore(reset=True)):
        async with connect(faults=[Fault(action)]) as api:
            await swallowed(api.post(SKUS, json=NEW))
            assert len(api.sandbox.skus()) == 12
    for action in (
        Status(504, after_effect=True),
        Html(after_effect=True),
        RawBody(b"x", status=201, after_effect=True),
        DropAfter(),
        DropAfter(reset=True),
        Delay(0, after_effect=True),
        CutBody(3),
    ):
        async with connect(faults=[Fault(action)]) as api:
            await swallowed(api.post(SKUS, json=NEW))
            assert len(api.sandbox.skus()) == 13
            assert api.sandbox.calls["create_sku"] == 1


async def swallowed(call):
    try:
        await call
    except aiohttp.ClientError as error:
        return error
    return None


async def test_html_and_raw_bodies(connect):
    async with connect(faults=[Fault(Html(), at=1), Fault(RawBody(b'{"a":1}', "text/x"), at=2)]) as api:
        first, second = await api.get(SKUS), await api.get(SKUS)
        assert (first.status, first.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert (second.status, second.body, second.headers["Content-Type"]) == (200, b'{"a":1}', "text/x")


@pytest.mark.parametrize("action", [DropBefore(), DropAfter(), DropBefore(reset=True), DropAfter(reset=True)])
async def test_a_drop_closes_the_socket_without_a_byte(action):
    async with Sandbox(faults=[Fault(action)]) as sandbox:
        host, port = sandbox.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /ai-shoot/skus HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        if action.reset:
            with pytest.raises(ConnectionResetError):
                await reader.read()
        else:
            assert await reader.read() == b""
        writer.close()
        (request,) = sandbox.requests
        assert request.status is None
        assert request.body == b"{}"


async def raw_exchange(sandbox, accept="identity"):
    host, port = sandbox.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"GET {RESULTS}?pageSize=50 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sandbox.token}\r\n"
    writer.write(f"{head}Accept-Encoding: {accept}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    headers, _, body = answer.partition(b"\r\n\r\n")
    return headers.decode(), body


@pytest.mark.parametrize("after", [0, 1, 700, 10**6])
async def test_a_cut_body_ends_early_and_says_more(connect, after):
    async with connect() as api:
        whole = (await api.get(f"{RESULTS}?pageSize=50")).body
        api.sandbox.add_fault(Fault(CutBody(after)))
        headers, body = await raw_exchange(api.sandbox)
        assert body == whole[:after]
        assert f"Content-Length: {len(whole)}" in headers


async def test_a_cut_chunked_body_never_gets_its_last_chunk(connect):
    async with connect(faults=[Fault(CutBody(700, chunked=True))]) as api:
        headers, body = await raw_exchange(api.sandbox)
        assert "Transfer-Encoding: chunked" in headers
        size, _, rest = body.partition(b"\r\n")
        assert (int(size, 16), len(rest)) == (700, 702)


async def test_a_cut_gzip_body(connect):
    async with connect(gzip=True, faults=[Fault(CutBody(300))]) as api:
        headers, body = await raw_exchange(api.sandbox, "gzip")
        assert "Content-Encoding: gzip" in headers
        assert len(body) == 300
        decoder = zlib.decompressobj(wbits=31)
        assert decoder.decompress(body).startswith(b'{"entries"')
        assert not decoder.eof


async def test_a_cut_body_is_an_error_to_a_client(connect):
    for chunked in (False, True):
        async with connect(faults=[Fault(CutBody(10, chunked=chunked))]) as api:
            assert isinstance(await swallowed(api.post(SKUS, json=NEW)), aiohttp.ClientPayloadError)


async def test_a_slow_drip_arrives_slowly_and_whole(connect):
    async with connect(faults=[Fault(SlowDrip(20_000), at=2)]) as api:
        whole = (await api.get(RESULTS)).body
        assert len(whole) < 20_000
        start = time.perf_counter()
        assert (await api.get(RESULTS)).body == whole
        assert time.perf_counter() - start > 0.8 * len(whole) / 20_000


async def test_a_client_that_leaves_a_drip_does_no_harm(connect):
    async with connect(faults=[Fault(SlowDrip(50_000), at=1)]) as api:
        url = f"{api.sandbox.url}{RESULTS}?pageSize=100"
        async with api.http.get(url, headers={"Authorization": f"Bearer {api.sandbox.token}"}) as response:
            response.close()
        while api.sandbox.requests[0].status is None:  # noqa: ASYNC110 - the end of a call is no event of the sandbox
            await asyncio.sleep(0.01)
        assert (await api.get(SKUS)).status == 200


async def test_a_delay(connect):
    async with connect(faults=[Fault(Delay(0.05)), Fault(Status(418), at=1)]) as api:
        start = time.perf_counter()
        assert (await api.get(SKUS)).status == 418
        assert time.perf_counter() - start >= 0.05


async def test_a_delay_after_the_effect_shows_the_effect_first(connect):
    async with connect(faults=[Fault(Delay(30, after_effect=True))]) as api:
        call = asyncio.ensure_future(api.post(SKUS, json=NEW))
        await api.sandbox.wait_for_calls(1, "create_sku")
        await asyncio.sleep(0)
        assert len(api.sandbox.skus()) == 13
        assert not call.done()
        call.cancel()
        await asyncio.wait([call])


async def test_tokens_that_expire_at_a_call(connect):
    async with connect(faults=[Fault(ExpireToken(), operation="create_sku", at=2)]) as api:
        replies = [await api.post(SKUS, json=NEW) for _ in range(2)]
        assert [reply.status for reply in replies] == [201, 401]
        assert len(api.sandbox.skus()) == 13
        assert (await api.post(SKUS, json=NEW, token=api.sandbox.issue_token())).status == 201


async def test_rows_that_come_and_go_during_a_walk(connect):
    faults = [
        Fault(InsertRows(brief=1, position=0, count=2), operation="brief_results", at=2),
        Fault(DeleteRows(brief=1, position=0, count=3), operation="brief_results", at=3),
        Fault(InsertRows(position=1), operation="list_skus", at=2),
        Fault(DeleteRows(position=0, count=5), operation="list_skus", at=3),
    ]
    async with connect(briefs={1: 10}, faults=faults) as api:
        totals = [(await api.get(f"{RESULTS}?page={page}&pageSize=4")).json()["total"] for page in (1, 2, 3)]
        assert totals == [10, 12, 9]
        first, second, third = [(await api.get(f"{SKUS}?pageSize=100")).json() for _ in range(3)]
        assert [first["total"], second["total"], third["total"]] == [12, 13, 8]
        assert [second["entries"][0], *second["entries"][2:]] == first["entries"]
        assert third["entries"] == second["entries"][5:]


@pytest.mark.parametrize("envelope", ["entries", "hal"])
async def test_an_empty_page_keeps_its_envelope(connect, envelope):
    async with connect(
        envelope=envelope, faults=[Fault(EmptyPage(), page=2), Fault(EmptyPage(), operation="list_global_skus")]
    ) as api:
        document = (await api.get(f"{RESULTS}?page=2&pageSize=3")).json()
        if envelope == "entries":
            assert document == {"entries": [], "total": 250}
        else:
            assert document == {"page": {"size": 3, "number": 1, "totalElements": 250, "totalPages": 84}}
        assert (await api.get(f"{SKUS}/global")).json() == []


async def test_the_first_of_two_answers_wins(connect):
    faults = [Fault(Status(500)), Fault(Status(502)), Fault(CutBody(0)), Fault(SlowDrip(1))]
    async with connect(faults=faults) as api:
        headers, body = await raw_exchange(api.sandbox)
        assert " 500 " in headers.splitlines()[0]
        assert body == b""


async def test_unknown_routes_meet_faults_too(connect):
    async with connect(faults=[Fault(EmptyPage(), at=1), Fault(Status(503), at=2)]) as api:
        assert await statuses(api, 2, "/nowhere") == [404, 503]
