"""The pytest fixture `aishoot_sandbox`: a sandbox for tests of code that uses AI Shoot, synchronous or not.

Nothing but pytest is imported before a test asks for the fixture.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aishoot_async.sandbox import ThreadedSandbox


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that carries settings."""
    config.addinivalue_line(
        "markers", "aishoot_sandbox(**settings): keyword arguments of Sandbox for the fixture aishoot_sandbox"
    )


@pytest.fixture
def aishoot_sandbox(request: pytest.FixtureRequest) -> "Iterator[ThreadedSandbox]":
    """Return a fresh, running sandbox in a thread; settings come from `@pytest.mark.aishoot_sandbox(skus=3)`.

    Of several markers (class, module) the nearest to the test wins, setting by setting.
    """
    from aishoot_async.sandbox import ThreadedSandbox  # noqa: PLC0415 - a plugin must not slow down every test run

    settings = {
        name: value
        for marker in reversed(list(request.node.iter_markers("aishoot_sandbox")))
        for name, value in marker.kwargs.items()
    }
    with ThreadedSandbox(**settings) as sandbox:
        yield sandbox
