"""What the tests of syncs share."""

import pytest

from helpers.sku_service import SkuService
from sync.running import Syncing


@pytest.fixture
async def service():
    async with SkuService() as running:
        yield running


@pytest.fixture
async def sync(service, tmp_path):
    async with service.session() as session:
        yield Syncing(session, tmp_path / "catalog.state")
