"""Where a token comes from."""

import pickle

import pytest

from aishoot_async import ConfigurationError, CredentialFile, RefreshToken, StaticToken, TokenSource
from aishoot_async.auth import token_source
from helpers.sessions import session_for
from helpers.shown import leaked

pytestmark = pytest.mark.anyio


async def test_a_static_token_is_always_the_same() -> None:
    source = StaticToken("hush-hush")
    assert await source.token() == await source.token("hush-hush") == "hush-hush"
    assert "hush" not in repr(source)
    assert isinstance(source, TokenSource)


async def test_a_string_and_a_source() -> None:
    assert await token_source("abc").token() == "abc"
    for own in (StaticToken("x"), RefreshToken("x"), CredentialFile("x")):
        assert token_source(own) is own
        assert isinstance(own, TokenSource)


def test_what_pickles_and_what_does_not() -> None:
    file = CredentialFile("some/where.json")
    again = pickle.loads(pickle.dumps(file))
    assert (type(again), again.path) == (CredentialFile, file.path)
    for source in (StaticToken("hush-hush"), RefreshToken("hush-hush"), token_source("hush-hush")):
        with pytest.raises(TypeError, match=r"cannot (be )?pickle"):
            pickle.dumps(source)


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_what_a_session_is_made_of_shows_no_token(sandbox, file, kind) -> None:
    source = CredentialFile(file) if kind == "file" else RefreshToken(sandbox.refresh_token)
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        sandbox.expire_tokens()
        await session.skus.list_global()
        secrets = [sandbox.token, sandbox.refresh_token, await source.token()]
        keeper, attached = source._keeper, session.skus._caller._tokens
        for part in (source, keeper, keeper._held, attached, attached._means, attached._means.server, session):
            assert leaked(repr(part) + str(part) + repr(getattr(part, "__dict__", "")), *secrets) == []
        if kind == "file":
            assert leaked(pickle.dumps(source).decode("latin-1"), *secrets) == []
            assert pickle.loads(pickle.dumps(source)).path == file
        else:
            with pytest.raises(TypeError):
                pickle.dumps(source)


@pytest.mark.parametrize("auth", [7, b"abc", object(), StaticToken, ["abc"], True])
async def test_anything_else_is_refused(auth: object) -> None:
    with pytest.raises(ConfigurationError, match="auth must be"):
        token_source(auth)
