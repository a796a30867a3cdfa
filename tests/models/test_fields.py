"""Results of a listing with ``fields=``: the members that were named, and ``id``, are decoded alone."""

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import AIShootSession, BriefResult, ConfigurationError
from aishoot_async.codec import brief_result, decode_items, page_decoder, result_decoder
from aishoot_async.sandbox import Sandbox

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=3)
names = st.sampled_from(["id", "a", "b", "deep", 'q"', "é", "\\", ""]) | texts
values = st.none() | st.integers() | texts | st.lists(st.integers(), max_size=2) | st.dictionaries(names, st.integers())
rows = st.lists(st.dictionaries(names, values, max_size=5), max_size=4)
COPIES: dict[str, Callable[[Any], Any]] = {
    "itself": lambda result: result,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "pickle": lambda result: pickle.loads(pickle.dumps(result)),
}
copies = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


def page(decode: Callable[[bytes], BriefResult], text: bytes) -> list[BriefResult]:
    return list(decode_items(page_decoder(decode)(text, ""), decode, ""))


@given(rows, st.frozensets(names, min_size=1, max_size=4) | st.none(), st.sampled_from([*COPIES]), st.booleans())
def test_a_result_holds_the_members_that_were_named(plain, fields, copied, ascii_only: bool) -> None:  # noqa: FBT001
    text = json.dumps(plain, ensure_ascii=ascii_only).encode()
    found = page(brief_result if fields is None else result_decoder(fields), text)
    assert len(found) == len(plain)
    for read, row in zip(found, plain, strict=True):
        result = COPIES[copied](read)
        wanted = {name: value for name, value in row.items() if fields is None or name in {"id", *fields}}
        assert dict(result) == wanted == {**result}
        assert (len(result), bool(result), set(result)) == (len(wanted), bool(wanted), {*wanted})
        assert json.loads(result.raw) == row == result.extra
        assert result.id == (str(row["id"]) if isinstance(row.get("id"), str | int) else None)


def test_a_member_that_was_not_named_raises_key_error() -> None:
    [result] = page(result_decoder(["status"]), b'[{"id":"1","status":"DONE","other":{"a":1}}]')
    assert (result.id, result["id"], result["status"], result.get("other")) == ("1", "1", "DONE", None)
    with pytest.raises(KeyError, match="other") as caught:
        result["other"]
    assert caught.value.__context__ is None
    assert result.extra["other"] == {"a": 1}
    assert b'"other"' in result.raw
    assert repr(result) == "BriefResult(id='1', keys=['id', 'status'])"


@pytest.mark.parametrize("name", ["\ud800", 5, None, (), "x\udfffy", "größe"])
def test_names_that_no_result_has(name: Any) -> None:
    for fields in (["\ud800"], ["größe"], ["a"]):
        [result] = page(result_decoder(fields), b'[{"id":"1","":2}]')
        with pytest.raises(KeyError):
            result[name]


@pytest.mark.parametrize("fields", [["n"], ["a"], None])
def test_a_number_out_of_range(fields: list[str] | None) -> None:
    decode = brief_result if fields is None else result_decoder(fields)
    [result] = page(decode, b'[{"id":"1","a":1,"n":1e400}]')
    assert str(result.get("n")) == ("None" if fields == ["a"] else "1E+400")
    assert str(result.extra["n"]) == "1E+400"


def test_what_was_handed_out_stays_the_same_object() -> None:
    [result] = page(brief_result, b'[{"id":"1","a":[1]}]')
    assert result["a"] is result["a"]
    made = BriefResult(id="1", raw=b'{"a":[1]}')
    assert made["a"] is made["a"]


@attrs.frozen(kw_only=True)
class Noted(BriefResult):
    note: str


@copies
def test_a_copy_is_of_the_same_class(copied: Callable[[Noted], Noted]) -> None:
    found = copied(Noted(id="1", raw=b'{"a":1}', note="mine"))
    assert (type(found), found.id, found.raw, found.note, dict(found)) == (Noted, "1", b'{"a":1}', "mine", {"a": 1})


@pytest.mark.anyio
async def test_fields_of_a_listing() -> None:
    async with (
        Sandbox(seed=1, briefs={1: 250}) as sandbox,
        AIShootSession(sandbox.token, base_url=sandbox.url, auth_url=sandbox.url) as session,
    ):
        every = await session.briefs.results(1).collect()
        some = await session.briefs.results(1, fields=("status", "imageUrl")).collect()
    assert [(one.id, one.raw) for one in some] == [(one.id, one.raw) for one in every]
    assert [dict(one) for one in some] == [
        {k: one[k] for k in ("id", "status", "imageUrl") if k in one} for one in every
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ((), "collection of member names"),
        ("status", "collection of member names"),
        (b"status", "collection of member names"),
        (7, "collection of member names"),
        (("status", 7), "collection of member names"),
        ((["status"],), "collection of member names"),
        ({"status": 1}, "collection of member names"),
        (iter(["status"]), "collection of member names"),
        (("status", "name", "status"), "'status' more than once"),
    ],
)
async def test_fields_that_cannot_be(fields: Any, problem: str) -> None:
    async with AIShootSession("token") as session:
        with pytest.raises(ConfigurationError, match=problem):
            session.briefs.results(1, fields=fields)


@pytest.mark.anyio
@pytest.mark.parametrize("into", [bytes, BriefResult, Mapping, len])
async def test_fields_and_into_do_not_go_together(into: Any) -> None:
    async with AIShootSession("token") as session:
        with pytest.raises(ConfigurationError, match="fields and into"):
            session.briefs.results(1, fields=("status",), into=into)
