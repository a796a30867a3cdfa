"""A sandbox whose refresh tokens rotate, and forgive nothing."""

from pathlib import Path

import pytest

from aishoot_async import CredentialFile
from aishoot_async.sandbox import Sandbox
from helpers.official import official_write

STRICT = {"rotate_refresh_tokens": True, "forbid_refresh_token_reuse": True}


@pytest.fixture
async def sandbox():
    async with Sandbox(**STRICT, briefs={1: 250}) as running:
        yield running


@pytest.fixture
def file(sandbox: Sandbox, tmp_path: Path) -> Path:
    """The sandbox's login, as the official client would have written it."""
    path = tmp_path / "credentials.json"
    official_write(path, sandbox.token, sandbox.refresh_token)
    path.chmod(0o600)
    return path


@pytest.fixture
def source(file: Path) -> CredentialFile:
    return CredentialFile(file)
