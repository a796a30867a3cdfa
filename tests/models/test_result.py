"""A result is a record of unknown fields."""

import copy
import pickle
from collections.abc import Mapping

import attrs
import pytest

from aishoot_async import BriefResult, ConfigurationError, EnvelopePaths
from aishoot_async.codec import brief_result

TEXT = b'{"id":7,"imageUrl":"u","n":12345678901234567890123,"price":1.50,"deep":{"a":[1]}}'


def test_a_result_is_a_mapping() -> None:
    result = brief_result(TEXT)
    assert isinstance(result, Mapping)
    assert result.id == "7"
    assert result["id"] == 7
    assert result["imageUrl"] == "u"
    assert result["n"] == 12345678901234567890123
    assert result.get("status") is None
    assert "imageUrl" in result
    assert list(result) == ["id", "imageUrl", "n", "price", "deep"]
    assert len(result) == 5
    assert dict(result) == result.extra
    assert result == brief_result(TEXT)
    assert result.raw == TEXT
    with pytest.raises(KeyError):
        result["status"]


def test_extra_is_the_callers_own() -> None:
    result = brief_result(TEXT)
    result.extra["deep"]["a"].append(2)
    assert result["deep"] == {"a": [1]}


def test_results_without_much() -> None:
    assert BriefResult().extra == {}
    assert list(BriefResult(id="x")) == []
    assert brief_result(b"{}").id is None
    assert brief_result(b'{"id":null}').id is None
    assert brief_result(b'{"id":[1]}').id is None
    assert brief_result(b'{"id":[1]}')["id"] == [1]


def test_repr_is_short() -> None:
    assert repr(brief_result(TEXT)) == "BriefResult(id='7', keys=['id', 'imageUrl', 'n', 'price', 'deep'])"


@pytest.mark.parametrize("touched", [False, True])
def test_a_result_is_immutable_and_survives_pickling(touched: bool) -> None:  # noqa: FBT001
    result = brief_result(TEXT)
    if touched:
        assert result["id"] == 7
    for again in (copy.copy(result), copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        assert (again.id, again.raw, dict(again)) == (result.id, TEXT, dict(result))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        result.id = "8"  # type: ignore[misc]
    with pytest.raises(TypeError):
        result["id"] = 8  # type: ignore[index]


def test_envelope_paths() -> None:
    assert EnvelopePaths("data.rows") == EnvelopePaths(items="data.rows", total=None, last=None)
    for values in ({"items": ""}, {"items": "a..b"}, {"items": None}, {"items": "a", "total": "."}, {"items": 7}):
        with pytest.raises(ConfigurationError, match="EnvelopePaths"):
            EnvelopePaths(**values)
