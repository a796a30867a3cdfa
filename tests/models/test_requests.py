"""What is asked for is checked when it is made, and the field at fault is named."""

import copy
import json
import pickle
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import UNSET, Gender, RequestValidationError, SkuCategory, SkuCreate, SkuUpdate
from aishoot_async.codec import encode_body
from aishoot_async.models import GENDERS, UnknownValue

BAD = {
    "name": ["", " ", "\t\n", "\u3000", None, 7, b"x", True, ["x"], "\ud800"],
    "front_image": ["", " ", None, 7, b"x", "\udfff"],
    "back_image": ["", " ", 7, b"x", False, "\ud800x"],
    "gender": ["", "MALE", "other", 7, True, ["male"], SkuCategory.TOP],
    "is_in_wardrobe": [None, 0, 1, "true", "false", []],
    "project_ids": [
        None,
        "12",
        b"12",
        bytearray(b"1"),
        7,
        {1: 2},
        [0],
        [-1],
        [True],
        [1.0],
        ["1"],
        [None],
        [1, 2.5],
        iter([1]),
        [Decimal(1)],
    ],
    "sku_category_name": ["", "TOP", "hat", 7, False, Gender.MALE],
}


@pytest.mark.parametrize("kind", [SkuCreate, SkuUpdate])
@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BAD.items() for value in values])
def test_what_cannot_be_right_is_refused(kind, field: str, value: object) -> None:
    with pytest.raises(RequestValidationError) as caught:
        kind(**{"name": "n", "front_image": "f", field: value})
    assert caught.value.field == field
    assert field in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_required_fields() -> None:
    with pytest.raises(TypeError):
        SkuCreate(name="n")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        SkuCreate("n", "f")  # type: ignore[misc]


def test_left_out_and_none_differ() -> None:
    assert encode_body(SkuCreate(name="n", front_image="f")) == b'{"name":"n","frontImage":"f"}'
    body = SkuUpdate(name="n", front_image="f", back_image=None, gender=None, sku_category_name=None)
    assert encode_body(body) == (b'{"name":"n","frontImage":"f","backImage":null,"gender":null,"skuCategoryName":null}')


def test_everything_is_sent_as_documented() -> None:
    body = SkuCreate(
        name="Größe",
        front_image="f",
        back_image="b",
        gender="male",
        is_in_wardrobe=False,
        project_ids=[3, 10**25],
        sku_category_name=SkuCategory.HATS,
    )
    assert (
        encode_body(body)
        == (
            '{"name":"Größe","frontImage":"f","backImage":"b","gender":"male","isInWardrobe":false,'
            '"projectIds":[3,10000000000000000000000000],"skuCategoryName":"hats"}'
        ).encode()
    )


def test_an_unknown_value_of_the_service_can_be_sent_back_and_no_other() -> None:
    body = SkuUpdate(name="n", front_image="f", gender=UnknownValue("divers"), sku_category_name=UnknownValue("cape"))
    assert encode_body(body) == b'{"name":"n","frontImage":"f","gender":"divers","skuCategoryName":"cape"}'
    assert GENDERS["male"] is Gender.MALE
    assert GENDERS[None] is None
    size = len(GENDERS)
    assert type(GENDERS["divers"]) is UnknownValue
    assert len(GENDERS) == size  # a hostile service makes it no larger


@pytest.mark.parametrize("given_ids", [(1, 2), [1, 2], {1: 0, 2: 0}.keys(), range(1, 3)])
def test_collections_become_tuples(given_ids) -> None:
    assert SkuCreate(name="n", front_image="f", project_ids=given_ids).project_ids == (1, 2)


def test_requests_are_values() -> None:
    body = SkuCreate(name="n", front_image="f", project_ids=[1])
    for again in (copy.copy(body), copy.deepcopy(body), pickle.loads(pickle.dumps(body))):
        assert again == body
        assert again.gender is UNSET
    assert hash(body) == hash(attrs.evolve(body))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        body.name = "m"  # type: ignore[misc]
    with pytest.raises(RequestValidationError):
        attrs.evolve(body, name=" ")


def test_unset_is_false_and_reads_as_written() -> None:
    assert repr(UNSET) == "UNSET"
    assert not UNSET
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET


@given(st.text(st.characters(exclude_categories=("Cs",))), st.lists(st.integers(), max_size=3))
def test_what_is_accepted_can_be_sent(name: str, projects: list[int]) -> None:
    if name.strip() and min(projects, default=1) > 0:
        body = SkuCreate(name=name, front_image="f", project_ids=projects)
        assert json.loads(encode_body(body)) == {"name": name, "frontImage": "f", "projectIds": projects}
    else:
        with pytest.raises(RequestValidationError):
            SkuCreate(name=name, front_image="f", project_ids=projects)
