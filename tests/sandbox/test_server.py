"""The server itself: tokens, unknown routes, recording, rendering, latency, files, life and death."""

import asyncio
import gc
import gzip
import json
import socket
from datetime import datetime

import aiohttp
import pytest
from yarl import URL

from aishoot_async.sandbox import Delay, Fault, Sandbox, SandboxOptions, SandboxSettings

pytestmark = pytest.mark.anyio

SKUS = "/ai-shoot/skus"
NEW = {"name": "n", "frontImage": "f"}


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Bearer", "Basic {token}", "{token}"])
async def test_without_a_good_token_it_is_401_in_the_platforms_form(connect, header):
    async with connect(clock=lambda: 1_700_000_000.5) as api:
        headers = {} if header is None else {"Authorization": header.format(token=api.sandbox.token)}
        reply = await api.post(SKUS, token=None, headers=headers, json=NEW)
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert reply.json() == {
            "timestamp": "2023-11-14T22:13:20.500+00:00",
            "status": 401,
            "error": "Unauthorized",
            "message": "Full authentication is required to access this resource",
            "path": SKUS,
        }
        assert len(api.sandbox.skus()) == 12


async def test_tokens_expire(connect):
    now = [1000.0]
    async with connect(clock=lambda: now[0], token_lifetime=60) as api:
        now[0] += 59.9
        assert (await api.get(SKUS)).status == 200
        now[0] += 0.2
        assert (await api.get(SKUS)).status == 401
        assert (await api.get(SKUS, token=api.sandbox.issue_token())).status == 200
        api.sandbox.expire_tokens()
        assert (await api.get(SKUS, token=api.sandbox.token)).status == 401


async def test_authorization_can_be_left_out(connect):
    async with connect(require_auth=False) as api:
        assert (await api.get(SKUS, token=None)).status == 200


async def test_unknown_routes_and_methods(connect):
    async with connect() as api:
        for path in ("/", "/ai-shoot", f"{SKUS}/a/b", "/AI-SHOOT/skus", "//ai-shoot/skus"):
            reply = await api.get(path, token=None)
            assert (reply.status, reply.json()["path"]) == (404, path)
        reply = await api.call("PATCH", f"{SKUS}/1", json={})
        assert (reply.status, reply.headers["Allow"]) == (405, "PUT, DELETE")
        assert api.sandbox.calls["unknown"] == 6


async def test_requests_are_recorded(connect):
    async with connect(keep_requests=3) as api:
        await api.get(f"{SKUS}?page=1&page=2&x=%C3%A4")
        (first,) = api.sandbox.requests
        assert (first.index, first.method, first.path, first.operation) == (1, "GET", SKUS, "list_skus")
        assert (first.query, first.status, first.token) == ({"page": "1", "x": "ä"}, 200, api.sandbox.token)
        assert api.sandbox.token not in repr(first)
        await api.post(SKUS, json=NEW)
        assert json.loads(api.sandbox.requests[-1].body) == NEW
        for _ in range(3):
            await api.get(SKUS)
        assert [request.index for request in api.sandbox.requests] == [3, 4, 5]
        assert api.sandbox.calls == {"list_skus": 4, "create_sku": 1}
        api.sandbox.reset_requests()
        assert (api.sandbox.requests, api.sandbox.calls["list_skus"], api.sandbox.max_in_flight) == ([], 0, 0)


async def test_what_is_in_flight_is_counted_and_seen(connect):
    async with connect(latency=0.05) as api:
        calls = [asyncio.ensure_future(api.get(SKUS)) for _ in range(8)]
        await api.sandbox.wait_for_calls(8)
        assert {request.status for request in api.sandbox.requests} == {None}
        await asyncio.gather(*calls)
        assert api.sandbox.max_in_flight == 8
        assert {request.status for request in api.sandbox.requests} == {200}


async def test_a_record_that_was_pushed_out_does_not_come_back(connect):
    async with connect(keep_requests=1, latency=0.02) as api:
        await asyncio.gather(*(api.get(SKUS) for _ in range(3)))
        assert len(api.sandbox.requests) == 1


async def test_waiting_for_calls(connect):
    async with connect() as api:
        waits = [asyncio.ensure_future(api.sandbox.wait_for_calls(*what)) for what in ((2, "list_skus"), (9,))]
        await api.get(SKUS)
        await api.post(SKUS, json=NEW)
        assert not waits[0].done()
        waits[1].cancel()
        await asyncio.wait([waits[1]])
        await api.get(SKUS)
        await waits[0]
        await api.sandbox.wait_for_calls(3)


async def test_gzip_only_for_those_who_take_it(connect):
    path = "/ai-shoot/briefs/1/results?pageSize=100"
    async with connect(gzip=True) as api:
        plain = await api.get(path)
        small = await api.get(path, headers={"Accept-Encoding": "br, gzip;q=0.8"})
        again = await api.get(path, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.body) == plain.body
        assert small.body == again.body
        picture = await api.get(f"/images/{'ab' * 32}.png", headers={"Accept-Encoding": "gzip"})
        assert picture.body.startswith(b"\x89PNG")
    async with connect() as api:
        assert "Content-Encoding" not in (await api.get(path, headers={"Accept-Encoding": "gzip"})).headers


async def test_pretty_json_keeps_every_digit(connect):
    path = "/ai-shoot/briefs/1/results?pageSize=5"
    async with connect() as plain, connect(pretty=True) as pretty:
        one, other = (await plain.get(path)).body.decode(), (await pretty.get(path)).body.decode()
        assert len(other.splitlines()) > 50
        assert json.loads(one, parse_float=str) == json.loads(other, parse_float=str)
        assert "\n" in (await pretty.get("/nowhere")).body.decode()


async def test_answers_carry_a_request_id(connect):
    async with connect() as api:
        assert (await api.get(SKUS)).headers["X-Request-Id"] == "sandbox-1"
        reply = await api.get("/nowhere")
        assert reply.headers["X-Request-Id"] == "sandbox-2"
        assert datetime.fromisoformat(reply.json()["timestamp"])


async def test_a_target_in_absolute_form_is_understood(connect):
    async with connect() as api:
        host, port = api.sandbox.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for path, status in (("/ai-shoot/skus?page=1", b"200"), ("", b"404")):
            writer.write(f"GET http://proxy.invalid{path} HTTP/1.1\r\nHost: x\r\n".encode())
            writer.write(f"Authorization: Bearer {api.sandbox.token}\r\n\r\n".encode())
            assert status in await reader.readline()
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length"):
                    length = int(line.split(b":")[1])
            await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()


async def test_a_file_outlives_its_server(connect, tmp_path):
    file = tmp_path / "sandbox.db"
    async with connect(database=file, skus=2, briefs={1: 4}) as api:
        made = (await api.post(SKUS, json=NEW)).json()
        api.sandbox.delete_sku(api.sandbox.skus()[0]["id"])
        api.sandbox.insert_results(1, 1)
        left, results, token = api.sandbox.skus(), api.sandbox.results(1), api.sandbox.token
    assert made in left
    async with connect(database=str(file), skus=50, briefs={1: 9, 2: 9}) as api:
        assert (api.sandbox.skus(), api.sandbox.results(1)) == (left, results)
        assert token != api.sandbox.token
        assert (await api.get(SKUS, token=token)).status == 200
        assert (await api.post(SKUS, json=NEW)).json()["id"].startswith("sku-0004-")
    with pytest.raises(ValueError, match="was made with the seed 0"):
        await Sandbox(database=file, seed=1).start()


async def test_life_and_death():
    sandbox = Sandbox(skus=1)
    for act in (sandbox.skus, lambda: sandbox.url, lambda: sandbox.token, sandbox.expire_tokens):
        with pytest.raises(RuntimeError, match="not running"):
            act()
    await sandbox.aclose()
    await sandbox.start()
    with pytest.raises(RuntimeError, match="running already"):
        await sandbox.start()
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await Sandbox(port=port).start()
    await sandbox.aclose()
    await sandbox.aclose()
    await sandbox.start()
    assert len(sandbox.skus()) == 1
    await sandbox.aclose()


async def test_closing_does_not_wait_for_slow_calls():
    sandbox = Sandbox(faults=[Fault(Delay(3600))])
    await sandbox.start()
    async with aiohttp.ClientSession() as http:
        call = asyncio.ensure_future(http.post(sandbox.url))
        await sandbox.wait_for_calls(1)
        async with asyncio.timeout(2):
            await sandbox.aclose()
        with pytest.raises(aiohttp.ClientError):
            await call


async def test_ipv6_urls_have_brackets():
    try:
        async with Sandbox(host="::1") as sandbox:
            assert sandbox.url.startswith("http://[::1]:")
    except OSError:
        pytest.skip("no IPv6 here")


@pytest.mark.parametrize(
    "wrong",
    [
        {"envelope": "soap"},
        {"global_envelope": None},
        {"page_base": 2},
        {"page_base": True},
        {"below_base": "x"},
        {"max_page_size": 0},
        {"max_page_size": "5"},
        {"oversize": ""},
        {"total": "wrong"},
        {"total": True},
        {"last": True},
        {"past_end": "x"},
        {"ignore_page": 1},
        {"seed": "0"},
        {"skus": -1},
        {"briefs": {1: -1}},
        {"briefs": {"1": 1}},
        {"latency": -0.1},
        {"latency": float("inf")},
        {"latency": float("nan")},
        {"latency": True},
        {"token_lifetime": "1"},
        {"device_interval": 0.5},
        {"auto_approve_after": 0},
        {"render_images": "svg"},
        {"omit_fields": "x"},
        {"omit_fields": ["id"]},
        {"faults": ["x"]},
        {"keep_requests": 0},
        {"port": -1},
    ],
)
def test_settings_that_cannot_be_are_named(wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must "):
        Sandbox(**wrong)


def test_every_setting_is_an_option_and_the_other_way_round():
    assert {attribute.name for attribute in SandboxSettings.__attrs_attrs__} == set(SandboxOptions.__annotations__)
    with pytest.raises(TypeError, match="nonsense"):
        Sandbox(nonsense=1)


@pytest.mark.parametrize("rounds", range(6))
async def test_a_connection_that_is_just_coming_in_is_closed_too(rounds):
    sandbox = Sandbox()
    await sandbox.start()
    with socket.create_connection(("127.0.0.1", URL(sandbox.url).port)):
        for _ in range(rounds):
            await asyncio.sleep(0)
        await sandbox.aclose()
    gc.collect()  # what is left unclosed warns, and a warning is an error


async def test_whoever_leaves_in_the_middle_of_a_body_is_no_error_of_the_sandbox(caplog):
    async with Sandbox() as sandbox:
        _, writer = await asyncio.open_connection("127.0.0.1", URL(sandbox.url).port)
        writer.write(b"POST /ai-shoot/skus HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with aiohttp.ClientSession() as client, client.get(f"{sandbox.url}{SKUS}") as reply:
            assert reply.status == 401
    assert not [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
