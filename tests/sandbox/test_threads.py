"""The sandbox in a thread, and the pytest plugin."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import aishoot_async.sandbox as sandbox_package
from aishoot_async import pytest_plugin
from aishoot_async.sandbox import Fault, Sandbox, Status, ThreadedSandbox
from helpers.sessions import session_for

pytest_plugins = ["pytester"]
PLUGIN = "aishoot_async.pytest_plugin"


def fetch(sandbox, path, data=None, token=None):
    headers = {"Authorization": f"Bearer {token or sandbox.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(sandbox.url + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())


def test_every_method_from_another_thread():
    before = threading.active_count()
    with ThreadedSandbox(skus=3, briefs={1: 5}, rotate_refresh_tokens=True, auto_approve_after=None) as sandbox:
        assert sandbox.settings.skus == 3
        assert fetch(sandbox, "/ai-shoot/skus")["entries"] == sandbox.skus()
        assert fetch(sandbox, "/ai-shoot/briefs/1/results")["entries"] == sandbox.results(1)
        made = sandbox.insert_sku(sku_id="x", position=0, is_global=True, name="X")
        assert sandbox.skus()[0] == made
        sandbox.delete_sku("x")
        sandbox.insert_results(1, 0, 2)
        sandbox.delete_results(1, 0)
        assert len(sandbox.results(1)) == 6
        sandbox.add_brief(2, 1)
        assert len(sandbox.results(2)) == 1
        sandbox.delete_brief(2)
        with pytest.raises(KeyError):
            sandbox.results(2)
        form = f"client_id={sandbox.client_id}&scope=offline_access".encode()
        for decide in (sandbox.approve, sandbox.deny):
            request = urllib.request.Request(f"{sandbox.url}/oauth/device/code", data=form)
            with urllib.request.urlopen(request, timeout=10) as response:
                decide(json.loads(response.read())["user_code"])
        assert sandbox.refresh_token.startswith("sandbox-refresh-")
        assert sandbox.calls == {"list_skus": 1, "brief_results": 1, "device_code": 2}
        assert [request.status for request in sandbox.requests] == [200] * 4
        assert sandbox.max_in_flight == 1
        sandbox.wait_for_calls(2, "device_code", timeout=5)
        with pytest.raises(TimeoutError):
            sandbox.wait_for_calls(1, "image", timeout=0.01)
        sandbox.reset_requests()
        assert sandbox.calls == {}
        sandbox.add_fault(Fault(Status(503)))
        with pytest.raises(urllib.error.HTTPError, match="503") as caught:
            fetch(sandbox, "/ai-shoot/skus")
        caught.value.close()
        sandbox.clear_faults()
        sandbox.expire_tokens()
        with pytest.raises(urllib.error.HTTPError, match="401") as caught:
            fetch(sandbox, "/ai-shoot/skus")
        caught.value.close()
        fetch(sandbox, "/ai-shoot/skus", token=sandbox.issue_token())
    assert threading.active_count() == before


@pytest.mark.anyio
class TestInsideACoroutine:
    """There is `Sandbox` for it, but a fixture, or a function that is synchronous, may end up there."""

    async def test_it_starts_serves_and_ends(self):
        before = threading.active_count()
        with ThreadedSandbox(briefs={1: 3}) as sandbox:
            async with session_for(sandbox, sandbox.token) as session:
                assert len(await session.briefs.results(1).collect()) == 3
                sandbox.add_brief(2, 1)
                assert len(await session.briefs.results(2).collect()) == 1
            assert sandbox.calls["brief_results"] >= 2
        assert threading.active_count() == before
        sandbox.close()

    async def test_it_ends_when_its_block_raises(self):
        before = threading.active_count()
        with pytest.raises(ValueError, match="the user's own"), ThreadedSandbox():
            raise ValueError("the user's own")
        assert threading.active_count() == before

    async def test_it_ends_while_a_request_is_under_way(self):
        with ThreadedSandbox(skus=3, latency=60) as sandbox:
            async with session_for(sandbox, sandbox.token) as session:
                listing = asyncio.ensure_future(session.skus.list_global())
                await asyncio.to_thread(sandbox.wait_for_calls, 1)
                listing.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await listing

    async def test_a_start_that_fails_leaves_nothing(self):
        before = threading.active_count()
        with ThreadedSandbox() as first, pytest.raises(OSError, match="in use"):
            ThreadedSandbox(port=int(first.url.rpartition(":")[2])).start()
        assert threading.active_count() == before

    async def test_it_can_be_started_by_hand_and_again(self):
        sandbox = ThreadedSandbox(skus=1)
        for _ in range(2):
            sandbox.start()
            assert len(sandbox.skus()) == 1
            sandbox.close()

    async def test_two_at_once(self):
        with ThreadedSandbox(skus=1) as one, ThreadedSandbox(skus=2) as other:
            assert (len(one.skus()), len(other.skus())) == (1, 2)

    @pytest.mark.aishoot_sandbox(skus=2)
    async def test_the_fixture(self, aishoot_sandbox):
        async with session_for(aishoot_sandbox, aishoot_sandbox.token) as session:
            assert len(await session.skus.list().collect()) == 2

    async def test_waiting_for_the_calls_of_its_own_loop_is_refused(self):
        with ThreadedSandbox(skus=1) as sandbox:
            with pytest.raises(RuntimeError, match="holds up this event loop"):
                sandbox.wait_for_calls(1)
            with pytest.raises(TimeoutError):
                sandbox.wait_for_calls(1, timeout=0.01)

    async def test_the_fixture_may_be_made_and_ended_by_a_running_loop(self, request):
        with contextmanager(pytest_plugin.aishoot_sandbox.__wrapped__)(request) as sandbox:
            assert sandbox.skus() == sandbox.skus()


def test_life_and_death_in_a_thread():
    sandbox = ThreadedSandbox(skus=1)
    with pytest.raises(RuntimeError, match="not running"):
        sandbox.skus()
    sandbox.close()
    sandbox.start()
    with pytest.raises(RuntimeError, match="running already"):
        sandbox.start()
    port = int(sandbox.url.rpartition(":")[2])
    other = ThreadedSandbox(port=port)
    with pytest.raises(OSError, match="in use"):
        other.start()
    other.close()
    sandbox.close()
    sandbox.close()
    with pytest.raises(RuntimeError, match="not running"):
        assert sandbox.url


def test_both_kinds_have_the_same_members():
    def members(kind):
        return {name for name in vars(kind) if not name.startswith("_")} - {"aclose", "close"}

    assert members(Sandbox) <= members(ThreadedSandbox)


@pytest.fixture
def load_plugin(monkeypatch):
    """Name the plugin to pytest, unless an installed entry point does."""
    monkeypatch.setenv("PYTHONPATH", str(Path(sandbox_package.__file__).parents[2]))
    installed = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
    return () if installed else ("-p", PLUGIN)


def test_the_fixture_and_its_marker(pytester, load_plugin):
    pytester.makepyfile(
        """
        import json
        import urllib.request

        import pytest

        def total(sandbox):
            headers = {"Authorization": "Bearer " + sandbox.token}
            request = urllib.request.Request(sandbox.url + "/ai-shoot/skus", headers=headers)
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.loads(response.read())["total"]

        def test_plain(aishoot_sandbox):
            assert total(aishoot_sandbox) == 12

        @pytest.mark.aishoot_sandbox(skus=3, total=1)
        class TestMarked:
            def test_far(self, aishoot_sandbox):
                assert total(aishoot_sandbox) == 4

            @pytest.mark.aishoot_sandbox(skus=5)
            def test_near(self, aishoot_sandbox):
                assert total(aishoot_sandbox) == 6
        """
    )
    result = pytester.runpytest_subprocess(*load_plugin, "-W", "error", "--strict-markers")
    result.assert_outcomes(passed=3)


def test_the_plugin_imports_nothing_until_it_is_used(pytester, load_plugin):
    pytester.makepyfile(
        """
        import sys

        def test_light():
            assert "aishoot_async.pytest_plugin" in sys.modules
            assert not {"aiohttp", "aishoot_async.sandbox"} & sys.modules.keys()
        """
    )
    result = pytester.runpytest_subprocess(*load_plugin)
    result.assert_outcomes(passed=1)
