"""Between the wire and the models."""

import dataclasses
import datetime as dt
import enum
import json
from functools import partial
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ConfigurationError, Gender, UnexpectedResponseError
from aishoot_async.codec import brief_result, decode_items, decoder, ids, page_decoder, row_id, sku, sku_row_id
from aishoot_async.models import BRIEF_RESULT, SKU
from helpers.refusals import refusal

wire_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
    | st.lists(st.integers() | st.booleans(), max_size=3)
    | st.dictionaries(st.sampled_from("ab"), st.integers())
)
WIRE = ("id", "skuId", "name", "frontImage", "backImage", "gender", "isInWardrobe", "projectIds", "skuCategoryName")


@given(
    st.binary()
    | st.text().map(lambda text: text.encode(errors="surrogatepass"))
    | wire_values.map(lambda plain: json.dumps(plain).encode())
)
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    row_id(data)
    for read in (sku, brief_result, decoder(dict[str, Any]), decoder(Shot), decoder(float), decoder(list[float])):
        error = refusal(read, data)
        assert error is None or error.__context__ is error.__cause__ is None


rows = st.dictionaries(st.sampled_from([*WIRE, "other"]), wire_values) | wire_values


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
# As the API writes them: the id first, and no white space.
led = st.builds(
    lambda key, rest, ascii_only: json.dumps({"id": key, **rest}, separators=(",", ":"), ensure_ascii=ascii_only),
    texts | st.integers(),
    st.dictionaries(st.sampled_from(["name", '"{"id":"', "other"]), wire_values),
    st.booleans(),
).map(str.encode)


@given(
    st.lists(rows.map(lambda plain: json.dumps(plain).encode()) | st.sampled_from([b'{"n":1e400}', b"{"]))
    | st.lists(led | st.sampled_from([b'{"skuId":"1","id":"2"}', b'{"a":"{\\"id\\":\\"","id":"3"}'])),
    st.sampled_from([b",", b" ,\n"]),
)
def test_a_page_is_read_as_its_rows_are(texts: list[bytes], comma: bytes) -> None:
    """What reads a whole page at once and what reads a row give the same, or refuse the same."""
    page = b"[" + comma.join(texts) + b"]"
    for read in (sku, brief_result, decoder(bytes)):
        split = partial(page_decoder(read), where="rows")
        if b"{" in texts:
            assert "rows" in str(refusal(split, page))
            continue
        assert list(split(page)) == texts
        error = refusal(lambda _, read=read, split=split: decode_items(split(page), read, "rows"), page)
        refused = next((at for at, text in enumerate(texts) if refusal(read, text) is not None), None)
        if refused is not None:
            assert isinstance(error, UnexpectedResponseError)
            assert error.where.startswith(f"rows[{refused}]")
            continue
        found, singly = decode_items(split(page), read, "rows"), [read(text) for text in texts]
        assert repr(found) == repr(singly)
        if read is not decoder(bytes):
            assert [one.id for one in found] == [one.id for one in singly]
            assert [(one.raw, one.extra) for one in found] == [(one.raw, one.extra) for one in singly]
    for identify, spec in ((row_id, BRIEF_RESULT), (sku_row_id, SKU)):
        assert [*ids(texts, texts, bytes, spec.id_members)] == [identify(text) for text in texts]


@given(st.dictionaries(st.sampled_from([*WIRE, "other"]), wire_values))
def test_each_field_survives_in_its_place_or_in_extra(plain: dict[str, Any]) -> None:
    try:
        found = sku(json.dumps(plain).encode())
    except UnexpectedResponseError:
        usable = [plain.get(name) for name in ("id", "skuId")]
        assert not all(isinstance(one, int) and not isinstance(one, bool) for one in usable)
        return
    fields = {"name": found.name, "frontImage": found.front_image, "backImage": found.back_image}
    fields |= {"gender": found.gender, "skuCategoryName": found.sku_category_name}
    fields |= {"isInWardrobe": found.is_in_wardrobe}
    fields |= {"projectIds": None if found.project_ids is None else list(found.project_ids)}
    for name, said in plain.items():
        if name in fields and fields[name] is not None:
            assert fields[name] == said
            assert name not in found.extra
        elif name not in {"id", "skuId"} and said is not None:
            assert found.extra[name] == said
    for name in ("id", "skuId"):
        if name in plain and str(plain[name]) != found.id:
            assert found.extra[name] == plain[name]


@pytest.mark.parametrize(
    "text", [b"{}", b"[]", b"7", b"null", b'{"id":null}', b'{"id":""}', b'{"id":1.5}', b'{"id":true}', b'{"id":[]}']
)
def test_a_sku_needs_an_id(text: bytes) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        sku(text)
    assert caught.value.body == text


def test_the_keys_that_were_seen_are_named() -> None:
    with pytest.raises(UnexpectedResponseError, match="its keys are identifier, name") as caught:
        sku(b'{"identifier":7,"name":"x"}')
    assert caught.value.keys == ("identifier", "name")


@pytest.mark.parametrize("text", [b"[]", b"7", b"null", b'"x"', b"<html>", b'{"id":1', b'{"id":"\xff"}'])
def test_a_result_is_an_object(text: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        brief_result(text)


def test_row_ids() -> None:
    rows = {b'{"id":7}': "7", b'{"id":"x"}': "x", b'{"id":1.5}': None, b"{}": None, b"[]": None, b"{": None}
    assert {text: row_id(text) for text in rows} == rows
    assert row_id(b'{"id":"\xff"}') is None
    assert row_id(b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}") is None


class Mood(enum.Enum):
    GOOD = "good"


@attrs.frozen
class Camera:
    focal_length: float
    serial_no: str


@attrs.frozen
class Shot:
    image_url: str
    shot_camera: Camera | None = None
    taken: dt.datetime | None = None
    mood: Mood | None = None
    tags: list[str] = attrs.field(factory=list)
    is_final: bool = False
    count_: int = 0


@dataclasses.dataclass
class PlainShot:
    image_url: str
    camera: Camera | None = None


class ShotDict(TypedDict):
    imageUrl: str
    width: NotRequired[int]


T = TypeVar("T")


@attrs.frozen
class Boxed(Generic[T]):
    the_value: T


def test_attrs_with_snake_case_and_nesting() -> None:
    text = (
        b'{"imageUrl":"u","shotCamera":{"focalLength":50,"serialNo":12345678901234567890},'
        b'"taken":"2026-01-02T03:04:05","mood":"good","tags":["a"],"isFinal":true,"count":3,"unknown":{}}'
    )
    assert decoder(Shot)(text) == Shot(
        image_url="u",
        shot_camera=Camera(50.0, "12345678901234567890"),
        taken=dt.datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001
        mood=Mood.GOOD,
        tags=["a"],
        is_final=True,
        count_=3,
    )


@pytest.mark.parametrize(
    ("into", "text", "wanted"),
    [
        (PlainShot, b'{"imageUrl":"u"}', PlainShot("u")),
        (dict[str, Any], b'{"a":{"b":[1.5,null]}}', {"a": {"b": [1.5, None]}}),
        (dict, b'{"a":1}', {"a": 1}),
        (Any, b'{"a":1}', {"a": 1}),
        (ShotDict, b'{"imageUrl":"u","width":3}', {"imageUrl": "u", "width": 3}),
        (dict[str, str | int | None], b'{"a":1,"b":"x","c":null}', {"a": 1, "b": "x", "c": None}),
        (Shot | None, b"null", None),
        (Boxed[int], b'{"theValue":7}', Boxed(7)),
        (dict[str, Gender], b'{"g":"male"}', {"g": Gender.MALE}),
        (dict[str, Literal["a", "b"]], b'{"g":"a"}', {"g": "a"}),
        (Annotated[Shot, "x"], b'{"imageUrl":"u"}', Shot("u")),
        (bytes, b'{"a":1.50}', b'{"a":1.50}'),
        (len, b'{"a":1.50}', 10),
        (json.loads, b'{"a":1}', {"a": 1}),
        (dict[str, str], b'{"a":7}', {"a": "7"}),
        (dict[str, float], b'{"a":7}', {"a": 7.0}),
    ],
)
def test_into(into: Any, text: bytes, wanted: object) -> None:
    found = decoder(into)(text)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b'{"imageUrl":"u","isFinal":"false"}', "is_final"),
        (b'{"imageUrl":"u","isFinal":0}', "is_final"),
        (b'{"imageUrl":"u","count":"7"}', "count_"),
        (b'{"imageUrl":"u","count":3.7}', "count_"),
        (b'{"imageUrl":"u","count":3.0}', "count_"),
        (b'{"imageUrl":"u","count":true}', "count_"),
        (b'{"imageUrl":1.5}', "image_url"),
        (b'{"imageUrl":true}', "image_url"),
        (b'{"imageUrl":null}', "image_url"),
        (b'{"imageUrl":{}}', "image_url"),
        (b'{"imageUrl":"u","mood":"bad"}', "mood"),
        (b'{"imageUrl":"u","taken":"yesterday"}', "taken"),
        (b'{"imageUrl":"u","tags":[1.5]}', "tags[0]"),
        (b'{"imageUrl":"u","shotCamera":{"focalLength":"50","serialNo":"s"}}', "shot_camera.focal_length"),
        (b'{"imageUrl":"u","shotCamera":{"focalLength":1e400,"serialNo":"s"}}', "shot_camera.focal_length"),
        (b"{}", "image_url"),
        (b"[]", ""),
        (b"7", ""),
        (b"null", ""),
    ],
)
def test_into_converts_nothing_and_names_the_place(text: bytes, where: str) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        decoder(Shot)(text)
    assert caught.value.where == where
    assert "Shot" in str(caught.value)
    assert caught.value.body == text


@attrs.frozen
class Lenient:
    name: str = "nobody"


@pytest.mark.parametrize("text", [b"[]", b'"name"', b"[[]]", b"1", b'["name"]'])
def test_defaults_stand_for_members_that_are_left_out_and_not_for_another_type(text: bytes) -> None:
    assert decoder(Lenient)(b"{}") == Lenient()
    with pytest.raises(UnexpectedResponseError, match="object expected"):
        decoder(Lenient)(text)


@pytest.mark.parametrize("text", [b"1e400", b'"7"', b"true", b"null", b"1" + b"0" * 400])
def test_into_a_number(text: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        decoder(float)(text)


class Opaque:
    def __init__(self, text: bytes) -> None: ...


class Unresolvable:
    field: "NoSuchType"  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    "into", [Opaque, list[Opaque], 7, "Shot", None, attrs.define(Unresolvable), dict[str, Opaque], Opaque | Shot]
)
def test_what_into_cannot_be(into: Any) -> None:
    with pytest.raises(ConfigurationError, match="into"):
        decoder(into)


def test_a_callers_own_error_stays_its_own() -> None:
    def read(_: bytes) -> int:
        msg = "mine"
        raise LookupError(msg)

    with pytest.raises(LookupError, match="mine"):
        decode_items([b"{}"], decoder(read), "entries")


@pytest.mark.parametrize(
    ("into", "text", "where", "place"),
    [
        (sku, b"{}", "entries", "entries[3].id"),
        (sku, b"[]", "", "[3]"),
        (decoder(list[int]), b'[1,"x"]', "entries", "entries[3][1]"),
        (decoder(Shot), b'{"imageUrl":"u","tags":[null]}', "data.rows", "data.rows[3].tags[0]"),
    ],
)
def test_the_place_of_an_item(into: Any, text: bytes, where: str, place: str) -> None:
    good = {sku: b'{"id":1}'}.get(into, b"[1]" if where == "entries" else b'{"imageUrl":"u"}')
    with pytest.raises(UnexpectedResponseError) as caught:
        decode_items([good, good, good, text, b"never read"], into, where)
    assert caught.value.where == place
    assert str(caught.value).startswith(f"{place}: ")
    assert caught.value.body == text
    assert caught.value.__context__ is None
