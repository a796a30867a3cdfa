"""Bodies under a good status that cannot be read, or only with care.

promise 21: HTML, JSON of the wrong shape, NaN, ``\\u0000``, deep nesting, duplicate keys, invalid UTF-8, a byte order
mark: for every operation, `UnexpectedResponseError` or the right value; no other crash, nothing lost in silence.
"""

import asyncio
import json
from collections.abc import Callable

import attrs
import pytest

from aishoot_async import (
    AIShootSession,
    AmbiguousWriteError,
    BriefResult,
    NotFoundError,
    Page,
    RequestValidationError,
    Sku,
    SkuCreate,
    SkuUpdate,
    UnexpectedResponseError,
)
from helpers.raw_server import Handler, RawConnection, RawRequest, RawServer, always
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
GOOD = b'{"id":"x","name":"n","frontImage":"f"}'


async def read(walk) -> list[object]:
    return [item async for item in walk]


@attrs.frozen
class Operation:
    """How an operation is called, and the body that its item stands in."""

    call: Callable[[AIShootSession], object]
    around: tuple[bytes, bytes] = (b"", b"")


PAGE = (b'{"entries":[', b'],"total":1}')
OPERATIONS = {
    "list": Operation(lambda session: session.skus.list().collect(), PAGE),
    "list, page by page": Operation(lambda session: read(session.skus.list().pages()), PAGE),
    "list, in Spring's form": Operation(
        lambda session: session.skus.list(start=0).collect(), (b'{"content":[', b'],"totalElements":1,"last":true}')
    ),
    "list_global": Operation(lambda session: session.skus.list_global(), PAGE),
    "list_global, a bare array": Operation(lambda session: session.skus.list_global(), (b"[", b"]")),
    "results": Operation(lambda session: session.briefs.results(1).collect(), PAGE),
    "get": Operation(lambda session: session.skus.get("x"), PAGE),
    "edit": Operation(lambda session: session.skus.edit("x", name="n", front_image="f"), PAGE),
    "create": Operation(lambda session: session.skus.create(SkuCreate(name="n", front_image="f"))),
    "create, wrapped": Operation(
        lambda session: session.skus.create(SkuCreate(name="n", front_image="f")), (b'{"sku":', b"}")
    ),
    "update": Operation(lambda session: session.skus.update("x", SkuUpdate(name="n", front_image="f"))),
    "delete": Operation(lambda session: session.skus.delete("x")),
}


def answering(name: str, text: bytes) -> Handler:
    """Make a handler that answers an operation with this body; of an edit, only the reading matters here."""
    before, behind = OPERATIONS[name].around

    async def handle(request: RawRequest, connection: RawConnection) -> None:
        await connection.answer(b"" if name == "edit" and request.method == "PUT" else before + text + behind)

    return handle


def listed(outcome: object) -> list[object]:
    found = outcome if isinstance(outcome, list | tuple) else [outcome]
    return [item for part in found for item in (part.items if isinstance(part, Page) else [part])]


async def outcome_of(session: AIShootSession, name: str) -> object:
    """Give what a call gives, or the error that says that it cannot be read; any other error is raised."""
    try:
        return await OPERATIONS[name].call(session)
    except UnexpectedResponseError as error:
        assert len(error.attempts) == 1
        return error
    except AmbiguousWriteError as error:
        assert name.startswith("create")
        assert isinstance(error.cause, UnexpectedResponseError)
        return error.cause
    except NotFoundError as error:
        assert name in {"get", "edit"}
        assert error.synthetic
        return error


NO_JSON = {
    "HTML": b"<!doctype html><html><body>Please sign in</body></html>",
    "text": b"upstream connect error or disconnect/reset before headers",
    "NaN": b'{"id":"x","n":NaN}',
    "Infinity": b'{"id":"x","n":[-Infinity]}',
    "a comma too many": b'{"id":"x",}',
    "single quotes": b"{'id':'x'}",
    "a comment": b'{"id":"x"/**/}',
    "a key without quotes": b'{id:"x"}',
    "a number with a leading zero": b'{"id":"x","n":01}',
    "hexadecimal": b'{"id":"x","n":0x1}',
    "a bare control character": b'{"id":"x","n":"a\nb"}',
    "an end that is missing": b'{"id":"x"',
    "an end too many": b'{"id":"x"}}',
    "garbage behind": b'{"id":"x"} x',
    "a NUL behind": b'{"id":"x"}\0',
    "an unknown escape": b'{"id":"x","n":"\\x41"}',
    "half a surrogate": b'{"id":"x","n":"\\ud800"}',
    "half a surrogate in a name": b'{"id":"x","name":"\\udc00 "}',
    "no UTF-8 in an id": b'{"id":"x\xff"}',
    "no UTF-8 in a name": b'{"id":"x","name":"\xe9"}',
    "no UTF-8 in a key": b'{"id":"x","\xe9":1}',
    "no UTF-8 in what nobody reads": b'{"id":"x","n":{"m":["\xc3\x28"]}}',
    "an overlong UTF-8": b'{"id":"x","n":"\xc0\x80"}',
    "a surrogate in UTF-8": b'{"id":"x","n":"\xed\xa0\x80"}',
    "Latin-1": '{"id":"x","name":"Müller"}'.encode("latin-1"),
}
WRONG_SHAPE = {
    "no id": b'{"name":"n"}',
    "null as id": b'{"id":null,"name":"n"}',
    "nothing as id": b'{"id":"","name":"n"}',
    "true as id": b'{"id":true,"name":"n"}',
    "a fraction as id": b'{"id":1.5,"name":"n"}',
    "a list as id": b'{"id":["x"],"name":"n"}',
    "a list": b'["x"]',
    "a list of objects": b'[{"id":"x"}]',
    "true": b"true",
    "a fraction": b"1.5",
}
READABLE = {
    "a NUL": b'{"id":"x","name":"a\\u0000b","n":"\\u0000"}',
    "escapes": b'{"\\u0069d":"\\u0078","name":"\\ud83d\\ude00\\/"}',
    "white space": b' \r\n\t{ "id" : "x" ,\n "name":"n" } \n',
    "an unknown enumeration": b'{"id":"x","gender":"divers","skuCategoryName":""}',
    "wrong types": b'{"id":"x","name":3,"gender":["male"],"isInWardrobe":"yes","projectIds":{"a":1},"frontImage":null}',
    "a name twice": b'{"id":"x","name":"a","frontImage":"f","name":"b"}',
    "an unknown member twice": b'{"id":"x","n":1,"n":2}',
    "a large integer": b'{"id":"x","n":12345678901234567890123,"projectIds":[12345678901234567890123]}',
    "a number beyond floats": b'{"id":"x","n":1e400,"m":-1e-400}',
    "empty keys": b'{"id":"x","":1," ":2}',
    "many members": b'{"id":"x",%b"z":0}' % b"".join(b'"k%d":%d,' % (n, n) for n in range(3000)),
    "a long string": b'{"id":"x","name":"%b"}' % (b"n" * 300_000),
    "500 deep": b'{"id":"x","n":' + b"[" * 500 + b"]" * 500 + b"}",
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("item", [*NO_JSON, *WRONG_SHAPE])
async def test_what_cannot_be_read(name: str, item: str) -> None:
    text = NO_JSON.get(item) or WRONG_SHAPE[item]
    async with RawServer(answering(name, text)) as server, session_for(server) as session:
        outcome = await outcome_of(session, name)
        assert len(server.requests) == 1 or name == "results"
    if name == "delete" and item != "HTML":
        assert outcome is None  # whatever a 200 to a DELETE holds, it says that it was done
        return
    if name == "results" and item in WRONG_SHAPE and text.startswith(b"{"):
        (result,) = outcome  # the fields of a result are not documented
        assert dict(result) == json.loads(text)
        return
    if name == "update" and item == "no id":
        assert outcome.id == "x"  # it is known from the request
        return
    assert isinstance(outcome, UnexpectedResponseError)
    assert outcome.body
    assert outcome.__cause__ is outcome.__context__ is None


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("item", READABLE)
async def test_what_can_be_read_loses_nothing(name: str, item: str) -> None:
    async with RawServer(answering(name, READABLE[item])) as server, session_for(server) as session:
        if (name, item) == ("edit", "wrong types"):
            with pytest.raises(RequestValidationError, match="cannot be carried over"):
                await outcome_of(session, name)
            return
        outcome = await outcome_of(session, name)
    if name == "edit":
        assert outcome.id == "x"
        return
    if name == "delete":
        assert outcome is None
        return
    twice = item.endswith("twice")
    if isinstance(outcome, UnexpectedResponseError):
        assert twice
        assert set(outcome.keys) & {"n", "name"}
        return
    (found,) = listed(outcome)
    assert found.id == "x"
    assert found.raw == READABLE[item].strip()
    everything = dict(found) if isinstance(found, BriefResult) else found.extra
    wire = json.loads(READABLE[item])
    # 1e400 is no float: JSON's own reader makes an infinity of it.
    assert {key: value for key, value in everything.items() if key != "n"} == {
        key: value for key, value in wire.items() if key in everything and key != "n"
    }
    if isinstance(found, Sku) and isinstance(wire.get("name"), str):
        assert found.name == wire["name"]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("text", [b"", b"null", b"{}", b"[]", b" \n", b"42", b'"x"', b'""', b"0", b'{"a":[],"b":[]}'])
async def test_a_whole_body_of_another_form(name: str, text: bytes) -> None:
    async with RawServer(always(text)) as server, session_for(server) as session:
        outcome = await outcome_of(session, name)
    match name.split(",", maxsplit=1)[0], text.strip():
        case "delete", _:
            assert outcome is None
        case "update", b"" | b"null" | b"{}":
            assert outcome.id == "x"
            assert outcome.raw == b""
        case "create", b"42" | b"0" | b'"x"':
            assert outcome.id == str(json.loads(text))
        case "list" | "list_global" | "results", b"[]" | b"" | b"null":
            assert outcome == []
        case "get" | "edit", b"[]" | b"" | b"null":
            assert isinstance(outcome, NotFoundError)
        case _:
            assert isinstance(outcome, UnexpectedResponseError)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
async def test_a_byte_order_mark(name: str, encoding: str) -> None:
    before, behind = OPERATIONS[name].around
    text = (before + GOOD + behind).decode().encode(encoding)
    async with RawServer(always(text)) as server, session_for(server) as session:
        outcome = await outcome_of(session, name)
    assert outcome is None if name == "delete" else isinstance(outcome, UnexpectedResponseError)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("depth", [5_000, 200_000])
async def test_deep_nesting_is_read_or_refused_as_the_interpreter_allows(name: str, depth: int) -> None:
    text = b'{"id":"x","name":"n","n":' + b"[" * depth + b"]" * depth + b"}"
    async with RawServer(answering(name, text)) as server, session_for(server) as session:
        outcome = await outcome_of(session, name)
    if name == "delete":
        assert outcome is None
    elif isinstance(outcome, UnexpectedResponseError):
        assert "nested" in outcome.reason
    elif name != "edit":
        (found,) = listed(outcome)
        assert found.raw == text


@pytest.mark.parametrize("twice", [b'"entries":[{"id":"x"}]', b'"entries":[]', b'"total":5'])
async def test_a_member_of_the_envelope_twice(twice: bytes) -> None:
    """The one that the reader drops could hold the items."""
    body = b'{%b,"entries":[{"id":"x"}],"total":1}' % twice
    async with RawServer(always(body)) as server, session_for(server) as session:
        for name in ("list", "list_global", "results", "get", "edit"):
            outcome = await outcome_of(session, name)
            assert isinstance(outcome, UnexpectedResponseError)
            assert outcome.keys in {("entries",), ("total",)}


async def test_the_place_in_the_body_is_named() -> None:
    body = b'{"entries":[{"id":1},{"id":2},{"id":3},{"name":"x"}]}'
    async with RawServer(always(body)) as server, session_for(server) as session:
        with pytest.raises(UnexpectedResponseError) as caught:
            await session.skus.list_global()
    assert caught.value.where == "entries[3].id"
    assert caught.value.keys == ("name",)


async def test_many_broken_bodies_at_once_are_each_their_own_error() -> None:
    texts = iter(list(NO_JSON.values()) * 4)

    async def handle(_, connection) -> None:
        await connection.answer(next(texts))

    async with RawServer(handle) as server, session_for(server) as session:
        calls = [session.skus.list_global() for _ in range(4 * len(NO_JSON))]
        ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ends} == {UnexpectedResponseError}
    assert {end.body for end in ends} == set(NO_JSON.values())
