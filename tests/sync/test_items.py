"""What an item of a catalog can be, and what is told of an outcome."""

import pickle

import pytest

from aishoot_async import CatalogError, SkuCreate
from aishoot_async.sync import CatalogItem, OutcomeKind, SyncOutcome, SyncReport
from sync.running import item

SKU = SkuCreate(name="A", front_image="f")


@pytest.mark.parametrize("key", ["", "  ", None, 3, b"k", "a\0b", "a\ud800"])
def test_a_key_is_text(key):
    with pytest.raises(CatalogError) as caught:
        CatalogItem(key, SKU)
    assert caught.value.field == "key"


@pytest.mark.parametrize("sku", [None, {"name": "A"}, "A"])
def test_a_sku_is_what_can_be_created(sku):
    with pytest.raises(CatalogError, match="SkuCreate") as caught:
        CatalogItem("a", sku)
    assert caught.value.field == "sku"


def test_an_item_knows_its_line():
    assert CatalogItem("a", SKU, line=7).line == 7
    assert item("a").line is None


def test_an_error_of_many_problems_names_them_and_pickles():
    problems = [CatalogError(f"problem {number}", line=number, field="name", key="k") for number in range(150)]
    error = CatalogError.of(problems)
    assert len(error.problems) == 150
    assert "problem 19\n" in str(error)
    assert str(error).endswith("and 130 more")
    again = pickle.loads(pickle.dumps(error))
    assert [problem.line for problem in again.problems] == list(range(150))
    one = CatalogError.of(problems[:1])
    assert one is problems[0]
    assert pickle.loads(pickle.dumps(one)).problems[0].key == "k"


def test_an_outcome_is_a_line_of_json():
    outcome = SyncOutcome(key="a", outcome=OutcomeKind.CREATED, sku_id="s", line=3)
    assert outcome.to_plain() == {
        "key": "a",
        "outcome": "created",
        "sku_id": "s",
        "error": None,
        "line": 3,
        "found_by_looking": False,
    }
    report = SyncReport(outcomes=(outcome, SyncOutcome(key="b", outcome=OutcomeKind.UNKNOWN)))
    assert report.counts == {"created": 1, "unknown": 1}
    assert report.counts["failed"] == 0
    assert [found.key for found in report.unsettled] == ["b"]
    assert not report.complete
