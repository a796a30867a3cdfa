"""What the tests of syncs share."""

import pytest

from sync.running import Syncing
from sync.service import Service


@pytest.fixture
async def service():
    async with Service() as running:
        yield running


@pytest.fixture
async def sync(service, tmp_path):
    async with service.session() as session:
        yield Syncing(session, tmp_path / "catalog.state")
