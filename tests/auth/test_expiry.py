"""Ends of tokens that are no times, or are written in milliseconds: from the server, and on disk."""

import contextlib
import json
import math
import os
import time
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aishoot_async import CredentialFile, LoginRequiredError
from aishoot_async.auth import login, status
from aishoot_async.auth._values import seconds
from aishoot_async.auth._wire import read_device
from aishoot_async.transport import Response
from helpers.official import official_read
from helpers.raw_server import RawServer
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
IN_2100, BEFORE_2500, YEAR = 4_102_444_800, 16_725_225_599, 365 * 86_400
ODD = [
    0,
    -1,
    -1e300,
    1e308,
    2**63,
    2**64,
    10**400,
    float("nan"),
    float("inf"),
    float("-inf"),
    True,
    None,
    [],
    {},
    "",
    "x",
]
ODD += ["2027-01-01T00:00:00Z", "1e999", "nan", "-5", 1e15, 9e15, 10**18]


@pytest.mark.parametrize(
    ("value", "read"),
    [(IN_2100, IN_2100), (IN_2100 * 1000, IN_2100), (f"{IN_2100 * 1000}", IN_2100), (BEFORE_2500, BEFORE_2500)]
    + [(BEFORE_2500 + 1, 16_725_225.6), (BEFORE_2500 * 1000, BEFORE_2500), ((BEFORE_2500 + 1) * 1000, None)]
    + [(86_400, 86_400), (86_400_000, 86_400_000), (1e308, None), (2**63, None), (0, 0)],
)
def test_what_would_end_after_2500_is_milliseconds_or_no_time(value, read) -> None:
    assert seconds(value) == read


@given(st.one_of(st.integers(), st.floats(), st.text(), st.integers(0, 10**15).map(str)))
@example("1" * 5000)
def test_whatever_it_is_it_is_a_date_or_none(value) -> None:
    read = seconds(value)
    assert read is None or datetime.fromtimestamp(read, UTC).year < 2500


ON_DISK = [value for value in ODD if not (isinstance(value, float) and not math.isfinite(value))]


def write(path, **times) -> None:
    login = {"access_token": "at-1", "refresh_token": "rt-1", "scope": "s", "token_type": "Bearer"}
    path.write_text(json.dumps(login | times))
    path.chmod(0o600)


@pytest.mark.parametrize("expires_in", [86_400, 86_400_000, *ON_DISK], ids=str)
async def test_status_of_a_file_with_any_times(tmp_path, expires_in) -> None:
    path = tmp_path / "c.json"
    for expires_at in (IN_2100, IN_2100 * 1000, *ON_DISK):
        for written_at in (time.time(), 1, -(2**40), 2**40):
            write(path, expires_in=expires_in, expires_at=expires_at)
            with contextlib.suppress(OSError):  # the file system may know no such time
                os.utime(path, (written_at, written_at))
            found = await status(path)
            assert found.renewable
            assert found.expires_at is None or 1970 <= found.expires_at.year <= 2600


async def test_status_reads_milliseconds_as_such(tmp_path) -> None:
    ends = int(time.time()) + 3600
    write(tmp_path / "c.json", expires_in=86_400, expires_at=ends * 1000)
    assert (await status(tmp_path / "c.json")).expires_at.timestamp() == pytest.approx(ends)


def answering(expires_in) -> RawServer:
    tokens = {"access_token": "at-2", "refresh_token": "rt-2", "expires_in": expires_in}
    device = {"device_code": "d", "user_code": "A", "verification_uri": "https://a.example", "interval": 0.1}

    async def handle(request, connection) -> None:
        if request.target == "/oauth/device/code":
            await connection.answer(json.dumps(device).encode())
        elif request.target == "/oauth/token":
            await connection.answer(json.dumps(tokens).encode())
        else:
            await connection.answer(b"[]", 200 if "at-2" in request.headers["authorization"] else 401)

    return RawServer(handle)


@pytest.mark.parametrize("expires_in", [86_400_000, IN_2100 * 1000, *ODD], ids=str)
async def test_a_refresh_and_a_login_that_bring_any_life(tmp_path, expires_in) -> None:
    path = tmp_path / "c.json"
    for begin in ("renew", "login"):
        write(path)
        async with answering(expires_in) as server:
            source = CredentialFile(path)
            if begin == "login":
                source = await login(lambda _: None, path, auth_url=server.url)
            async with session_for(server, source) as session:
                for _ in range(3):
                    await session.skus.list_global()
            assert [request.target for request in server.requests].count("/oauth/token") == 1
        assert time.time() < official_read(path).expires_at < BEFORE_2500 + 600 * YEAR
        assert (await status(path)).expires_at.year < 2600


@pytest.mark.parametrize("expires_at", [*ON_DISK, 1_000_000_000, 1_000_000_000_000], ids=str)
async def test_a_token_is_renewed_once_at_most_whatever_end_stands_in_the_file(tmp_path, expires_at) -> None:
    write(tmp_path / "c.json", expires_at=expires_at)
    async with answering(86_400) as server:
        async with session_for(server, CredentialFile(tmp_path / "c.json")) as session:
            for _ in range(3):
                await session.skus.list_global()
        assert [request.target for request in server.requests].count("/oauth/token") == 1


@pytest.mark.parametrize("interval", [5000, 900_000, 1e12, "5000", 901])
def test_a_pace_that_leaves_no_time_to_ask_is_not_kept(interval) -> None:
    said = {"device_code": "d", "user_code": "A", "verification_uri": "https://a.example", "interval": interval}
    device = read_device(
        Response(status=200, reason="", headers={}, body=json.dumps(said | {"expires_in": 900}).encode())
    )
    assert device.interval == 5.0


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "0x10", "01"])
async def test_what_is_no_json_on_disk_is_a_damaged_login_and_not_a_crash(tmp_path, literal) -> None:
    path = tmp_path / "c.json"
    path.write_text(f'{{"access_token": "at-1", "refresh_token": "rt-1", "expires_at": {literal}}}')
    try:
        found = await status(path)
    except LoginRequiredError as error:
        assert "damaged" in str(error)
    else:
        assert found.expires_at is None
    async with answering(86_400) as server:
        await login(lambda _: None, path, auth_url=server.url)
    assert (await status(path)).renewable
