"""Where no home folder is known, a login cannot lie in its usual place; everything else works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aishoot_async import AIShootSession, ConfigurationError, LoginRequiredError, auth
from aishoot_async.auth._disk import credentials_path
from aishoot_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


class TestWithoutAHomeFolder:
    """A container's user without an entry in the password file, for one."""

    @pytest.fixture(autouse=True, params=["~", "~nobody-here"])
    def _homeless(self, request, monkeypatch):
        # What the standard library returns for a user that nobody knows.
        monkeypatch.setenv("HOME", request.param)
        for name in ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN", "AUTORETOUCH_CREDENTIALS_PATH"):
            monkeypatch.delenv(name, raising=False)

    def test_the_usual_path_is_a_login_that_is_not_there(self):
        with pytest.raises(LoginRequiredError) as caught:
            credentials_path()
        for name in (
            "AISHOOT_TOKEN",
            "AUTORETOUCH_REFRESH_TOKEN",
            "HOME",
            "AUTORETOUCH_CREDENTIALS_PATH",
            "aishoot login",
        ):
            assert name in str(caught.value)

    @pytest.mark.parametrize("path", ["~/credentials.json", Path("~/c"), "~nobody-here/c"])
    def test_a_path_below_it_is_no_path(self, path):
        with pytest.raises(ConfigurationError, match=r"no home folder is known for the credential file .*whole path"):
            credentials_path(path)

    def test_a_path_that_needs_no_home_is_one(self, monkeypatch):
        assert credentials_path("c.json") == Path("c.json")
        monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", "/somewhere/c.json")
        assert credentials_path() == Path("/somewhere/c.json")

    async def test_a_session_says_so_at_its_first_call_and_a_token_needs_no_home(self, monkeypatch):
        async with Sandbox() as sandbox:
            async with AIShootSession(base_url=sandbox.url, auth_url=sandbox.url) as session:
                with pytest.raises(LoginRequiredError, match="AISHOOT_TOKEN"):
                    await session.skus.list()
            monkeypatch.setenv("AISHOOT_TOKEN", sandbox.token)
            async with AIShootSession(base_url=sandbox.url, auth_url=sandbox.url) as session:
                assert await session.skus.list()

    async def test_nor_do_the_functions_of_a_login_crash(self):
        for work in (auth.status(), auth.logout(), auth.login(print)):
            with pytest.raises(LoginRequiredError, match="AISHOOT_TOKEN"):
                await work


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user that nobody knows")
def test_a_user_that_nobody_knows_is_told_to_set_a_token():
    code = (
        "import os; from aishoot_async.auth._disk import credentials_path; os.setuid(54321)\n"
        "try: credentials_path()\nexcept Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("LoginRequiredError")
    assert "AISHOOT_TOKEN" in done.stdout
