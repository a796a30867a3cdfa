"""A user's own source of tokens: asked once for a token that many calls were refused with, and checked."""

import asyncio

import pytest

from aishoot_async import (
    AuthenticationError,
    AuthError,
    ConfigurationError,
    SessionClosedError,
    StaticToken,
)
from aishoot_async.auth import attached
from helpers.raw_server import RawServer
from helpers.sessions import session_for
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio
SECRET = "own-0123456789abcdef_SECRET"


class Rotating:
    """Renews at each question about a refused token, as one does that knows nothing of the others who ask."""

    def __init__(self) -> None:
        self.renewals = 0
        self.refused: list[str] = []
        self.asked = asyncio.Event()
        self.allowed = asyncio.Event()
        self.allowed.set()

    @property
    def now(self) -> str:
        return f"tok-{self.renewals}"

    async def token(self, rejected: str | None = None) -> str:
        if rejected is not None:
            self.refused.append(rejected)
            self.asked.set()
            await self.allowed.wait()
            self.renewals += 1
        return self.now


class Api(RawServer):
    """Takes one token at a time; holds its refusals back until ``together`` of them can be given at once."""

    def __init__(self, good: str, together: int = 1) -> None:
        super().__init__(self._handle)
        self.good = good
        self._together = together
        self._waiting = 0
        self._go = asyncio.Event()

    async def _handle(self, request, connection) -> None:
        if request.headers["authorization"] == f"Bearer {self.good}":
            await connection.answer(b"[]")
            return
        self._waiting += 1
        if self._waiting >= self._together:
            self._go.set()
        await self._go.wait()
        await connection.answer(b"{}", 401)


async def test_a_burst_of_refusals_is_one_question() -> None:
    source = Rotating()
    async with Api("tok-1", together=13) as server, session_for(server, source) as session:
        await asyncio.gather(*(session.skus.list_global() for _ in range(13)))
    assert source.refused == ["tok-0"]


async def test_a_refusal_that_comes_late_is_no_new_question() -> None:
    source = Rotating()
    async with Api("tok-1") as server, session_for(server, source) as session:
        await session.skus.list_global()
        tokens = session.skus._caller._tokens
        assert [await tokens.token(text) for text in ("tok-0", None, "tok-0")] == ["tok-1"] * 3
        assert source.refused == ["tok-0"]
        assert await tokens.token("tok-1") == "tok-2"
        assert await tokens.token("tok-0") == "tok-2"
    assert source.refused == ["tok-0", "tok-1"]


async def test_each_token_that_ends_is_one_question_in_many_bursts() -> None:
    source = Rotating()
    async with Api("tok-0") as server, session_for(server, source) as session:
        for number in range(1, 12):
            server.good = f"tok-{number}"
            await asyncio.gather(*(session.skus.list_global() for _ in range(20)))
    assert source.refused == [f"tok-{number}" for number in range(11)]


async def test_one_who_is_cancelled_while_waiting_takes_nobody_along() -> None:
    source = Rotating()
    source.allowed.clear()
    async with Api("tok-1", together=5) as server, session_for(server, source) as session:
        calls = [asyncio.create_task(session.skus.list_global()) for _ in range(5)]
        await source.asked.wait()
        for call in calls[:4]:  # the one whose question it is, too
            call.cancel()
        await asyncio.wait(calls[:4])
        source.allowed.set()
        await calls[4]
        assert [call.cancelled() for call in calls] == [True] * 4 + [False]
    assert source.refused == ["tok-0"]


async def test_what_came_after_all_callers_had_gone_is_not_asked_for_again() -> None:
    source = Rotating()
    source.allowed.clear()
    async with Api("tok-1") as server, session_for(server, source) as session:
        call = asyncio.create_task(session.skus.list_global())
        await source.asked.wait()
        call.cancel()
        await asyncio.wait([call])
        source.allowed.set()
        await session.skus.list_global()
    assert source.refused == ["tok-0"]


@pytest.mark.parametrize("error", [OSError("no vault"), AuthError("no"), RuntimeError(), KeyError("x"), TimeoutError()])
async def test_an_error_is_for_all_who_wait_and_the_next_call_asks_again(error) -> None:
    class Failing(Rotating):
        async def token(self, rejected: str | None = None) -> str:
            token = await super().token(rejected)
            if len(self.refused) == 1:
                raise error
            return token

    source = Failing()
    async with Api("tok-2", together=5) as server, session_for(server, source) as session:
        calls = [asyncio.create_task(session.skus.list_global()) for _ in range(5)]
        await asyncio.wait(calls)
        assert {type(call.exception()) for call in calls} == {type(error)}
        assert source.refused == ["tok-0"]
        source.refused.append("")
        await session.skus.list_global()


async def test_one_that_has_no_other_token_says_so_by_giving_the_same() -> None:
    class Same(Rotating):
        now = "tok-0"

    source = Same()
    async with Api("tok-1", together=7) as server, session_for(server, source) as session:
        calls = [asyncio.create_task(session.skus.list_global()) for _ in range(7)]
        await asyncio.wait(calls)
        assert {type(call.exception()) for call in calls} == {AuthenticationError}
        assert source.refused == ["tok-0"]
        server.good = "tok-0"
        await session.skus.list_global()


async def test_a_token_that_is_good_again_may_be_refused_again() -> None:
    """Two accounts in turn: what was learnt of the first refusal is no answer to the next."""

    class InTurn:
        now, refused = "a", 0

        async def token(self, rejected: str | None = None) -> str:
            if rejected == self.now:
                self.now, self.refused = {"a": "b", "b": "a"}[rejected], self.refused + 1
            return self.now

    source = InTurn()
    async with Api("a") as server, session_for(server, source) as session:
        for turn in range(1, 8):
            server.good = "ab"[turn % 2]
            await asyncio.gather(*(session.skus.list_global() for _ in range(4)))
            assert source.refused == turn


async def test_what_the_source_itself_gives_again_is_asked_about_again() -> None:
    """An administrator takes a change back: the token that was refused once is the one that counts."""
    source = Rotating()
    async with Api("tok-1") as server, session_for(server, source) as session:
        await session.skus.list_global()
        source.renewals = 0
        server.good = "tok-0"
        await session.skus.list_global()
        server.good = "tok-1"
        await session.skus.list_global()
    assert source.refused == ["tok-0", "tok-0"]


async def test_two_tokens_that_take_turns_lead_to_no_circle() -> None:
    class InTurn:
        async def token(self, rejected: str | None = None) -> str:
            return {"a": "b", "b": "a"}.get(rejected or "", "a")

    async with Api("a") as server, session_for(server, InTurn()) as session:
        tokens = session.skus._caller._tokens
        assert [await tokens.token(text) for text in "abababba"] == list("bababaab")


async def test_closing_ends_a_question_that_is_never_answered() -> None:
    source = Rotating()
    source.allowed.clear()
    async with Api("tok-1") as server:
        session = session_for(server, source)
        call = asyncio.create_task(session.skus.list_global())
        await source.asked.wait()
        await asyncio.wait_for(session.aclose(), 10)
        with pytest.raises(SessionClosedError):
            await call


async def test_one_that_is_cancelled_from_within_takes_nobody_along() -> None:
    class Cancelled(Rotating):
        async def token(self, rejected: str | None = None) -> str:
            if rejected is not None:
                raise asyncio.CancelledError
            return self.now

    async with Api("tok-1") as server, session_for(server, Cancelled()) as session:
        with pytest.raises(AuthError, match="cut off"):
            await session.skus.list_global()


@pytest.mark.parametrize(
    "given", [None, "", b"bytes", 7, f"{SECRET}\n", f"two {SECRET}", "ümlaut", ["x"], {}, "nul\0"], ids=ascii
)
@pytest.mark.parametrize("when", ["at first", "after a refusal"])
async def test_what_is_no_token_is_an_error_that_names_the_source(given, when) -> None:
    class Own:
        async def token(self, rejected: str | None = None) -> str:
            return given if when == "at first" or rejected else "tok-0"

    async with Api("tok-1") as server, session_for(server, Own()) as session:
        with pytest.raises(ConfigurationError, match=rf"Own.token\(\) gave a {type(given).__name__}") as caught:
            await session.skus.list_global()
    assert leaked(everything(caught.value), SECRET) == []


async def test_a_plain_function_will_do() -> None:
    class Plain:
        def token(self, rejected: str | None = None) -> str:
            return "tok-0" if rejected is None else "tok-1"

    async with Api("tok-1") as server, session_for(server, Plain()) as session:
        await session.skus.list_global()


async def test_a_static_token_needs_none_of_it(sandbox) -> None:
    source = StaticToken("x")
    async with session_for(sandbox, source) as session:
        assert session.skus._caller._tokens is source
        assert attached(source, None) is source


async def test_its_repr_is_the_source_s() -> None:
    async with Api("x") as server, session_for(server, Rotating()) as session:
        assert "Rotating" in repr(session.skus._caller._tokens)
