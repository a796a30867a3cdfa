"""What the tests of exports share."""

import pytest

from aishoot_async.sandbox import ThreadedSandbox
from helpers.exporting import exporter


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
