"""An answer to a refresh that is not wholly understood: what can be read of it is kept first, complaints come after."""

import asyncio
import json
import logging
import tempfile
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aishoot_async import AIShootError, CredentialFile, RefreshToken, UnexpectedResponseError
from aishoot_async.auth import login
from helpers.official import official_read, official_write
from helpers.raw_server import RawServer
from helpers.sessions import session_for
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio
ACCESS, OLD, NEW = "at-new.0123456789abcdef", "rt-old.0123456789abcdef", "rt-new.0123456789abcdef"
GOOD = {
    "access_token": ACCESS,
    "refresh_token": NEW,
    "scope": "offline_access",
    "expires_in": 86_400,
    "token_type": "Bearer",
}
ABSENT = "(absent)"
UNDERSTOOD = {
    "token_type": [None, "", " ", ABSENT, "bearer", "BEARER", "Bearer ", "\tbearer\n", "JWT", "access_token", "N_A"]
    + [7, True, [], ["Bearer"], {"type": "Bearer"}, "urn:ietf:params:oauth:token-type:access_token"],
    "access_token": [f"{ACCESS} ", f"{ACCESS}\n", f"{ACCESS}\r\n", f" {ACCESS}\t", f"\u00a0{ACCESS}\u2028"],
    "refresh_token": [f"{NEW} ", f"{NEW}\n", f" {NEW}\r\n"],
    "expires_in": ["86400", 0, -1, 1.5, None, ABSENT, 1e308, 2**63, 86_400_000, 1_767_225_600_000, "soon", [], "1e999"]
    + ["-5", True, {}, "86400s", 10**400],
    "scope": [["offline_access"], None, ABSENT, 7, {"offline_access": True}, ""],
    "id_token": ["x.y.z", None, {"nested": [1, {"deep": "x"}]}],
    "error": [None, "", {"code": 0}, "invalid_grant"],
    "data": [{"access_token": "another", "refresh_token": "another"}],
}
NOT_ROTATED = [None, "", " ", "\n", ABSENT, "\t \r\n"]
UNREADABLE = [7, True, [], ["x"], {"token": "x"}, "two words", "two\nlines", "ümlaut", "nul\0byte", 1.5]
NO_ACCESS = {
    "access_token": [None, "", " ", ABSENT, 7, ["x"], {}, "two words", "two\nlines", "ümlaut", "Bearer x"],
    "token_type": ["mac", "DPoP", " dpop ", "pop"],
}


def cases(table):
    return [
        pytest.param({name: value}, id=f"{name} {ascii(value)[:30]}")
        for name, values in table.items()
        for value in values
    ]


def body(change) -> bytes:
    return json.dumps({name: value for name, value in (GOOD | change).items() if value != ABSENT}).encode()


class AuthServer(RawServer):
    """Rotates, and answers each refresh with what it was given; the API takes the new access token alone."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(self._handle)
        self._answers = list(answers)
        self.sent: list[str] = []

    async def _handle(self, request, connection) -> None:
        if request.target == "/oauth/token":
            self.sent += parse_qs(request.body.decode())["refresh_token"]
            await connection.answer(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
        else:
            await connection.answer(b"[]", 200 if request.headers["authorization"] == f"Bearer {ACCESS}" else 401)


class Login:
    """A login of either kind, and where its refresh token is kept."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.path = folder / "c.json"
        self.told: list[str] = []
        if kind == "file":
            official_write(self.path, "", OLD)
            self.path.chmod(0o600)
            self.source = CredentialFile(self.path)
        else:
            self.source = RefreshToken(OLD, on_rotate=self.told.append)

    @property
    def kept(self) -> str:
        if isinstance(self.source, CredentialFile):
            return official_read(self.path).refresh_token
        return self.told[-1] if self.told else OLD


@pytest.fixture(params=["file", "memory"])
def kept_login(request, tmp_path) -> Login:
    return Login(request.param, tmp_path)


@pytest.mark.parametrize("change", cases(UNDERSTOOD))
async def test_what_can_be_read_is_enough(kept_login, change) -> None:
    async with AuthServer(body(change)) as server, session_for(server, kept_login.source) as session:
        for _ in range(3):
            await session.skus.list_global()
        assert (server.sent, kept_login.kept) == ([OLD], NEW)


@pytest.mark.parametrize("value", NOT_ROTATED)
async def test_no_refresh_token_means_that_the_one_so_far_stays(kept_login, caplog, value) -> None:
    answers = body({"refresh_token": value}), body({})
    async with AuthServer(*answers) as server, session_for(server, kept_login.source) as session:
        await session.skus.list_global()
        assert (server.sent, kept_login.kept) == ([OLD], OLD)
        await kept_login.source.token(ACCESS)
        assert server.sent == [OLD, OLD]
    assert caplog.text == ""


@pytest.mark.parametrize("value", UNREADABLE)
async def test_a_refresh_token_that_cannot_be_read_is_a_warning_and_the_access_token_is_used(
    kept_login, caplog, value
) -> None:
    async with AuthServer(body({"refresh_token": value})) as server:
        async with session_for(server, kept_login.source) as session:
            await session.skus.list_global()
        assert (server.sent, kept_login.kept) == ([OLD], OLD)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "refresh token that cannot be used" in record.getMessage()


@pytest.mark.parametrize("change", cases(NO_ACCESS))
async def test_a_new_refresh_token_is_kept_although_there_is_no_access_token(kept_login, change) -> None:
    answers = body(change), body({})
    async with AuthServer(*answers) as server, session_for(server, kept_login.source) as session:
        with pytest.raises(UnexpectedResponseError, match="access_token") as caught:
            await session.skus.list_global()
        assert (server.sent, kept_login.kept) == ([OLD], NEW)
        assert leaked(everything(caught.value), ACCESS, OLD, NEW) == []
        await session.skus.list_global()
        assert server.sent == [OLD, NEW]


@pytest.mark.parametrize("refresh_token", [ABSENT, None, "", OLD, 7], ids=ascii)
@pytest.mark.parametrize("change", [{"access_token": None}, {"access_token": "two words"}, {"token_type": "mac"}])
async def test_what_holds_no_new_token_at_all_is_lost_and_asked_for_once_more(
    kept_login, change, refresh_token
) -> None:
    answers = body(change | {"refresh_token": refresh_token}), body({})
    async with AuthServer(*answers) as server, session_for(server, kept_login.source) as session:
        await session.skus.list_global()
        assert (server.sent, kept_login.kept) == ([OLD, OLD], NEW)


@pytest.mark.parametrize("change", cases({"access_token": [None, "two words", ABSENT], "token_type": ["mac"]}))
async def test_a_login_keeps_a_refresh_token_that_comes_without_an_access_token(tmp_path, change) -> None:
    device = {"device_code": "d", "user_code": "A", "verification_uri": "https://a.example", "interval": 0}

    async def handle(request, connection) -> None:
        await connection.answer(json.dumps(device).encode() if "device" in request.target else body(change))

    async with RawServer(handle) as server:
        with pytest.raises(UnexpectedResponseError, match="access_token"):
            await login(lambda _: None, tmp_path / "c.json", auth_url=server.url)
    assert official_read(tmp_path / "c.json").refresh_token == NEW


async def test_an_on_rotate_that_fails_is_given_the_token_again_before_it_is_sent() -> None:
    told: list[str] = []

    async def store(token: str) -> None:
        told.append(token)
        if len(told) < 3:
            raise OSError

    answers = body({"access_token": None}), body({"refresh_token": f"{NEW}2"})
    source = RefreshToken(OLD, on_rotate=store)
    async with AuthServer(*answers) as server, session_for(server, source) as session:
        for _ in range(2):
            with pytest.raises(AIShootError, match="on_rotate failed"):
                await session.skus.list_global()
            assert server.sent == [OLD]
        await session.skus.list_global()
        assert server.sent == [OLD, NEW]
    assert told == [NEW, NEW, NEW, f"{NEW}2"]


garbage = st.integers(0, 10**6).map(lambda number: f"garbage-{number:012}")
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), garbage)
    | garbage.map(lambda text: f"{text} and more"),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(garbage, inner, max_size=3)),
    max_leaves=6,
)
members = st.sampled_from(
    ["access_token", "token_type", "expires_in", "scope", "error", "error_description", "id_token"]
)
blanks = st.text(" \t\r\n", max_size=2)


def texts(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = [*(name for name in value if "garbage" in name), *value.values()]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else []


@given(st.dictionaries(members | garbage, values), blanks, blanks, st.sampled_from(["file", "memory"]))
@settings(max_examples=80, deadline=None)
def test_a_readable_refresh_token_is_kept_whatever_stands_around_it(answer, before, after, kind) -> None:
    async def use() -> None:
        with tempfile.TemporaryDirectory() as folder:
            kept = Login(kind, Path(folder))
            said = json.dumps(answer | {"refresh_token": f"{before}{NEW}{after}"}).encode()
            async with AuthServer(said) as server, session_for(server, kept.source) as session:
                try:
                    await kept.source.token()
                except AIShootError as error:
                    assert leaked(everything(error), OLD, NEW, *texts(answer)) == []
                assert (server.sent, kept.kept) == ([OLD], NEW)
                assert session is not None

    asyncio.run(use())
