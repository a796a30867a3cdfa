"""What the tests of exports share."""

import pytest

from aishoot_async.sandbox import Sandbox, ThreadedSandbox
from helpers.exporting import exporter
from helpers.parts import session_of
from helpers.s3 import store_options
from helpers.s3_stub import S3Stub


@pytest.fixture(scope="session")
def exports():
    """Run exports in processes of their own."""
    with exporter() as running:
        yield running


@pytest.fixture
def small_pages():
    """Serve pages of ten rows: a brief of several parts, one of a part, and one of nothing."""
    with ThreadedSandbox(briefs={1: 165, 2: 33, 3: 0}, max_page_size=10) as sandbox:
        yield sandbox


@pytest.fixture
async def sandbox():
    async with Sandbox(briefs={1: 250, 2: 3}) as running:
        yield running


@pytest.fixture
async def session(sandbox):
    async with session_of(sandbox) as open_session:
        yield open_session


@pytest.fixture
async def stub():
    """Serve a bucket that does as a test says."""
    pytest.importorskip("obstore")
    async with S3Stub() as running:
        yield running


@pytest.fixture
def options(stub, tmp_path):
    """Export into that bucket, and ask for nothing twice."""
    never_again = {"retry_config": {"max_retries": 0}}
    return {"store_options": {**store_options(stub.url), **never_again}, "state": tmp_path / "state"}
