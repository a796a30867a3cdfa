"""The two ways in which requests go out."""

import pytest

FAST, DOCUMENTED = "fast path", "documented path"


@pytest.fixture(params=[FAST, DOCUMENTED])
def http_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Send requests past aiohttp's session, or through what aiohttp documents alone."""
    monkeypatch.setenv("AISHOOT_DOCUMENTED_HTTP", "" if request.param == FAST else "1")
    return request.param


@pytest.fixture
def keeps_connections(http_path: str) -> bool:
    """Tell whether a connection is used for more than one request."""
    return http_path == FAST
