"""Tokens: the driver alone renews, workers hold what they are granted, and nobody else sees any of it."""

import asyncio
import contextlib
import pickle

import pytest

from aishoot_async import AuthenticationError, AuthError, LoginRejectedError
from aishoot_async.auth import CredentialFile, RefreshToken
from aishoot_async.clusters._token_message import TokenMessage
from aishoot_async.clusters.dask import export_results
from aishoot_async.sandbox import Fault, Status
from aishoot_async.secret import Secret
from helpers.cluster import BRIEFS, ROWS, seen_on_the_scheduler, session_at

pytestmark = pytest.mark.anyio


async def watched(client, seen):
    """Look at all that the scheduler holds, again and again."""
    while True:
        seen.append(await client.run_on_scheduler(seen_on_the_scheduler))
        await asyncio.sleep(0.05)


async def test_tokens_that_expire_are_renewed_once_and_shown_to_nobody(cluster, client, server, tmp_path):
    seen = []
    watching = asyncio.create_task(watched(client, seen))
    refresh = server.refresh_token
    async with session_at(server, RefreshToken(refresh)) as session:
        exporting = asyncio.create_task(export_results(cluster.address, BRIEFS, tmp_path / "r", session=session))
        for calls in (80, 240):
            await asyncio.to_thread(server.wait_for_calls, calls, "brief_results", timeout=20)
            server.expire_tokens()
        report = await exporting
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    assert (report.complete, report.items) == (True, ROWS)
    assert server.calls["refresh"] == 3  # the first, and one for each expiry
    tokens = {request.token for request in server.requests if request.token} | {refresh}
    assert len(tokens) >= 4
    assert any("aishoot-" in text and "BriefTask" in text for text in seen)
    for text in (*seen, str(await client.get_worker_logs()), str(await client.get_scheduler_logs())):
        assert not [token for token in tokens if token in text]
    logged = cluster.log.read_text()
    assert "aishoot-grant" in logged  # at level DEBUG, Dask shows every message
    assert not [token for token in tokens if token in logged]


@pytest.mark.slow
async def test_a_credential_file_is_the_drivers_alone(cluster, server, tmp_path):
    import json  # noqa: PLC0415

    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"access_token": server.token, "refresh_token": server.refresh_token, "expires_at": 0}))
    async with session_at(server, CredentialFile(path)) as session:
        report = await export_results(cluster.address, range(1, 9), tmp_path / "r", session=session)
    assert report.complete
    assert server.calls["refresh"] == 1


@pytest.mark.parametrize("kind", ["static", "refresh"])
async def test_a_login_that_is_refused_stops_everything(cluster, server, tmp_path, kind):
    if kind == "static":
        tokens, error = server.token, AuthenticationError
        server.expire_tokens()
    else:
        tokens, error = RefreshToken("a-refresh-token-of-nobody"), LoginRejectedError
    async with session_at(server, tokens) as session:
        with pytest.raises(error) as caught:
            await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session)
    assert "a-refresh-token-of-nobody" not in repr(caught.value)
    assert server.token not in repr(caught.value)
    assert server.calls["brief_results"] <= 32


@pytest.mark.slow
async def test_a_source_that_fails_in_its_own_way_stops_everything(cluster, server, tmp_path):
    class Broken:
        async def token(self, rejected=None):
            raise ValueError("the-token-itself")

    async with session_at(server, Broken()) as session:
        with pytest.raises(AuthError, match="ValueError") as caught:
            await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session)
    assert "the-token-itself" not in str(caught.value)


def test_a_token_message_shows_nothing_and_cannot_be_pickled():
    message = TokenMessage(
        run="r", token=Secret("the-token"), proxy="http://user:password@proxy:1", store_options={"k": "key"}
    )
    assert "the-token" not in repr(message)
    assert "password" not in repr(message)
    with pytest.raises(TypeError):
        pickle.dumps(message)


@pytest.mark.slow
async def test_a_message_of_the_service_that_holds_the_token_is_scrubbed(cluster, server, session, tmp_path):
    body = f'{{"message": "bad token {server.token}"}}'.encode()
    server.add_fault(Fault(Status(422, body=body), operation="brief_results", brief=1))
    report = await export_results(cluster.address, [1, 2], tmp_path / "r", session=session)
    assert "bad token" in report.failed[0].error
    assert server.token not in report.failed[0].error
