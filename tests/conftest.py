"""What every test stands on."""

import os

import pytest
from hypothesis import HealthCheck, settings

from helpers.s3 import bucket_name, other_client, s3_server

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


NO_CREDENTIALS = f"{os.devnull}/autoretouch-credentials.json"  # nothing can ever be there


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone: aiohttp runs on nothing else."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith(("AISHOOT", "AUTORETOUCH"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", NO_CREDENTIALS)


@pytest.fixture(scope="session")
def s3():
    """Serve object stores, once for all."""
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(s3, request):
    """Make a bucket of the test's own."""
    name = bucket_name(request.node.nodeid)
    other_client(s3).create_bucket(Bucket=name)
    return name
