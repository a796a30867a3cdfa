"""A SKU keeps what the service said, also what nobody has documented."""

import copy
import pickle

import attrs
import pytest

from aishoot_async import Gender, RequestValidationError, Sku, SkuCategory, SkuUpdate
from aishoot_async.codec import encode_body, sku
from aishoot_async.models import check_changes

FULL = (
    b'{"id":"a","name":"n","frontImage":"f","backImage":"b","gender":"male","isInWardrobe":true,"projectIds":[1,2],'
    b'"skuCategoryName":"hats","price":1.50,"serial":12345678901234567890123}'
)


def test_a_full_sku() -> None:
    found = sku(FULL)
    assert found == Sku(
        id="a",
        name="n",
        front_image="f",
        back_image="b",
        gender=Gender.MALE,
        is_in_wardrobe=True,
        project_ids=(1, 2),
        sku_category_name=SkuCategory.HATS,
    )
    assert found.raw == FULL
    assert found.extra == {"price": 1.5, "serial": 12345678901234567890123}


def test_nothing_is_carried_over_wrongly() -> None:
    assert encode_body(SkuUpdate.from_sku(sku(FULL))) == (
        b'{"name":"n","frontImage":"f","backImage":"b","gender":"male","isInWardrobe":true,"projectIds":[1,2],'
        b'"skuCategoryName":"hats"}'
    )
    bare = sku(b'{"id":1,"name":"n","frontImage":"f","gender":null,"backImage":null}')
    assert encode_body(SkuUpdate.from_sku(bare)) == b'{"name":"n","frontImage":"f"}'


def test_unknown_values_are_carried_over() -> None:
    found = sku(b'{"id":1,"name":"n","frontImage":"f","gender":"divers","skuCategoryName":"cape"}')
    assert (found.gender, found.sku_category_name) == ("divers", "cape")
    assert b'"gender":"divers","skuCategoryName":"cape"' in encode_body(SkuUpdate.from_sku(found))
    again = pickle.loads(pickle.dumps(found))
    assert encode_body(SkuUpdate.from_sku(again)) == encode_body(SkuUpdate.from_sku(found))


def test_changes_win_and_none_and_a_bad_change_differ() -> None:
    update = SkuUpdate.from_sku(sku(FULL), name="m", back_image=None, project_ids=[])
    assert encode_body(update) == (
        b'{"name":"m","frontImage":"f","backImage":null,"gender":"male","isInWardrobe":true,"projectIds":[],'
        b'"skuCategoryName":"hats"}'
    )
    for changes, field in (({"name": " "}, "name"), ({"project_ids": None}, "project_ids"), ({"id": "x"}, "id")):
        with pytest.raises(RequestValidationError) as caught:
            SkuUpdate.from_sku(sku(FULL), **changes)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        (b'"gender":["male"]', "gender"),
        (b'"isInWardrobe":"yes"', "is_in_wardrobe"),
        (b'"isInWardrobe":1', None),
        (b'"projectIds":["1"]', "project_ids"),
        (b'"projectIds":[1,true]', "project_ids"),
        (b'"projectIds":[0]', None),
        (b'"projectIds":{"1":2}', None),
        (b'"backImage":{"id":"b"}', "back_image"),
        (b'"backImage":""', "back_image"),
        (b'"skuCategoryName":7', "sku_category_name"),
        (b'"name":7', "name"),
        (b'"frontImage":null', "front_image"),
        (b'"name":null', "name"),
        (b'"name":" "', "name"),
    ],
)
def test_what_cannot_be_sent_back_is_never_erased_in_silence(wire: bytes, field: str | None) -> None:
    base = {b"name": b'"name":"n"', b"frontImage": b'"frontImage":"f"'}
    base.pop(wire.split(b'"')[1], None)
    found = sku(b'{"id":1,' + b",".join([*base.values(), wire]) + b"}")
    with pytest.raises(RequestValidationError) as caught:
        SkuUpdate.from_sku(found)
    assert field is None or caught.value.field == field
    named = {"gender": "male", "is_in_wardrobe": True, "project_ids": [1], "back_image": None, "name": "m"}
    named |= {"sku_category_name": "top", "front_image": "g"}
    good = {caught.value.field: named[caught.value.field or ""]}
    SkuUpdate.from_sku(found, **good)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted", "extra"),
    [
        (b'{"id":"a"}', "a", {}),
        (b'{"id":-7}', "-7", {}),
        (b'{"id":12345678901234567890123}', "12345678901234567890123", {}),
        (b'{"skuId":"s"}', "s", {}),
        (b'{"id":null,"skuId":7}', "7", {"id": None}),
        (b'{"id":"a","skuId":"s"}', "a", {"skuId": "s"}),
        (b'{"id":1.5,"skuId":"s"}', "s", {"id": 1.5}),
        (b'{"id":true,"skuId":"s"}', "s", {"id": True}),
    ],
)
def test_the_id_and_what_is_left_of_it(text: bytes, wanted: str, extra: dict[str, object]) -> None:
    found = sku(text)
    assert found.id == wanted
    assert found.extra == extra


def test_extra_holds_what_is_unknown_or_of_another_type() -> None:
    found = sku(b'{"id":1,"gender":{"x":1},"name":null,"audit":{"by":"z"},"n":12345678901234567890123,"e":1e400}')
    assert found.gender is None
    assert set(found.extra) == {"gender", "audit", "n", "e"}
    assert found.extra["n"] == 12345678901234567890123
    assert str(found.extra["e"]) == "1E+400"
    assert Sku(id="x", name="n").extra == {}
    found.extra["audit"]["by"] = "changed"
    assert found.extra["audit"] == {"by": "z"}


def test_equality_and_repr_leave_raw_out() -> None:
    one, two = sku(b'{"id":1,"a":1}'), sku(b'{ "id": "1" }')
    assert one == two
    assert hash(one) == hash(two)
    assert "raw" not in repr(one)


def test_a_sku_is_immutable_and_survives_pickling() -> None:
    found = sku(FULL)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        found.name = "m"  # type: ignore[misc]
    for again in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert again == found
        assert (again.raw, again.extra, type(again.gender)) == (FULL, found.extra, Gender)


@pytest.mark.parametrize(
    ("changes", "field"), [({"nam": "x"}, "nam"), ({"name": ""}, "name"), ({"gender": "x"}, "gender")]
)
def test_changes_are_checked_before_anything_is_read(changes, field: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        check_changes(changes)
    assert caught.value.field == field
