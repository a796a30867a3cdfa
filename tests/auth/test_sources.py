"""Where a token comes from."""

import pytest

from aishoot_async import ConfigurationError, StaticToken, TokenSource
from aishoot_async.auth import token_source

pytestmark = pytest.mark.anyio


async def test_a_static_token_is_always_the_same() -> None:
    source = StaticToken("hush-hush")
    assert await source.token() == await source.token("hush-hush") == "hush-hush"
    assert "hush" not in repr(source)
    assert isinstance(source, TokenSource)


async def test_a_string_a_source_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await token_source("abc").token() == "abc"
    own = StaticToken("x")
    assert token_source(own) is own
    monkeypatch.setenv("AISHOOT_TOKEN", "from-outside")
    assert await token_source(None).token() == "from-outside"


@pytest.mark.parametrize("auth", [7, b"abc", object(), StaticToken, ["abc"], True])
async def test_anything_else_is_refused(auth: object) -> None:
    with pytest.raises(ConfigurationError, match="auth must be"):
        token_source(auth)
