"""The three-way table, and when two values are the same: by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.sync._fields import ABSENT, FIELDS, matches_desired, project_numbers, same_remote
from aishoot_async.sync._planner import Baseline, Verdict, judge_field

V = Verdict
HASH = "0f" * 32


# R == B, W == L, what becomes of it: without a preference, with the catalog's, with the remote's.
TABLE = [
    (True, True, [V.UNCHANGED, V.UNCHANGED, V.UNCHANGED]),
    (True, False, [V.UPDATE, V.UPDATE, V.UPDATE]),
    (False, True, [V.UPDATE, V.UPDATE, V.KEEP_REMOTE]),
    (False, False, [V.CONFLICT, V.UPDATE, V.ACCEPT_REMOTE]),
]


@pytest.mark.parametrize(("as_before", "wanted_as_before", "verdicts"), TABLE)
@given(data=st.data())
def test_the_table(data, as_before, wanted_as_before, verdicts):
    names = st.text(min_size=1)
    wanted, now = data.draw(st.lists(names, min_size=2, max_size=2, unique=True))
    before = now if as_before else data.draw(names.filter(lambda name: name != now))
    last = wanted if wanted_as_before else data.draw(names.filter(lambda name: name != wanted))
    baseline = Baseline(applied={"name": last}, row={"name": before})
    for prefer, verdict in zip((None, "catalog", "remote"), verdicts, strict=True):
        assert judge_field("name", wanted, baseline, {"name": now}, prefer) is verdict


@given(wanted=st.text(min_size=1), last=st.text(), before=st.text())
def test_what_is_shown_as_wanted_is_unchanged_whatever_it_was(wanted, last, before):
    baseline = Baseline(applied={"name": last}, row={"name": before}, uncertain=["name"])
    assert judge_field("name", wanted, baseline, {"name": wanted}, None) is V.UNCHANGED


@pytest.mark.parametrize("prefer", [None, "catalog", "remote"])
@pytest.mark.parametrize("hidden", [{}, {"project_ids": None}], ids=["absent", "null"])
def test_a_field_that_is_never_shown_goes_by_the_catalog_alone(hidden, prefer):
    baseline = Baseline(applied={"project_ids": [1, 2]}, row=hidden)
    assert judge_field("project_ids", [2, 1], baseline, hidden, prefer) is V.UNCHANGED
    assert judge_field("project_ids", [2], baseline, hidden, prefer) is V.UPDATE
    assert judge_field("project_ids", [], baseline, hidden, prefer) is V.UPDATE


def test_a_field_that_is_stated_for_the_first_time():
    baseline = Baseline(applied={}, row={"gender": None})
    assert judge_field("gender", "male", baseline, {"gender": None}, None) is V.UPDATE
    assert judge_field("gender", "male", baseline, {"gender": "MALE"}, None) is V.UNCHANGED
    assert judge_field("gender", "male", baseline, {"gender": "female"}, None) is V.CONFLICT


def test_what_was_not_read_back_is_taken_as_found():
    baseline = Baseline(applied={"name": "A"}, row=None)
    assert judge_field("name", "A", baseline, {"name": "a"}, None) is V.UNCHANGED
    assert judge_field("name", "B", baseline, {"name": "a"}, None) is V.UPDATE


def test_what_was_not_read_back_has_changed_if_the_service_shows_it_as_it_is_sent():
    baseline = Baseline(applied={"name": "A"}, row=None, verified=["name"])
    assert judge_field("name", "A", baseline, {"name": "a"}, None) is V.UPDATE
    assert judge_field("name", "A", baseline, {"name": "a"}, "remote") is V.KEEP_REMOTE
    assert judge_field("name", "A", baseline, {"name": "A "}, None) is V.UNCHANGED
    assert judge_field("name", "B", baseline, {"name": "a"}, None) is V.UPDATE


def test_an_update_in_doubt_is_no_conflict():
    baseline = Baseline(applied={"name": "A"}, row={"name": "A"}, uncertain=["name"])
    for prefer in (None, "catalog", "remote"):
        assert judge_field("name", "C", baseline, {"name": "B"}, prefer) is V.UPDATE


@pytest.mark.parametrize(
    ("field", "wanted", "shown"),
    [
        ("front_image", "front-1", "front-1"),
        ("front_image", "front-1", "front-1.jpg"),
        ("front_image", "front-1", "https://x.example/a/front-1?w=2"),
        ("front_image", "front-1", {"id": 3, "file": "front-1.jpg"}),
        ("front_image", "a b", "https://x.example/a%20b.png"),
        ("back_image", HASH, f"img_{HASH.upper()}_1500.webp"),
        ("back_image", None, None),
        ("gender", "female", "FEMALE"),
        ("sku_category_name", "top", "Top"),
        ("is_in_wardrobe", True, "true"),
        ("project_ids", [1, 2], [2, 1, 1]),
        ("project_ids", [1, 2], ["1", "2"]),
        ("project_ids", [1, 2], [{"id": 2}, {"projectId": 1}]),
        ("project_ids", [], []),
    ],
)
def test_renderings(field, wanted, shown):
    assert matches_desired(field, wanted, shown)


@pytest.mark.parametrize(
    ("field", "wanted", "shown"),
    [
        ("front_image", "front-1", "front-12.jpg"),
        ("front_image", "front-1", "front-1-2.jpg"),
        ("front_image", "front-1", "my_front-1.jpg"),
        ("front_image", "front-1", ABSENT),
        ("front_image", HASH, HASH + "0"),
        ("back_image", None, ABSENT),
        ("back_image", None, ""),
        ("back_image", "b", None),
        ("back_image", "b", 7),
        ("name", "Shirt", "shirt"),
        ("name", "Shirt", "Shirt "),
        ("gender", "male", "female"),
        ("gender", "male", "unknown"),
        ("is_in_wardrobe", False, None),
        ("project_ids", [1], None),
        ("project_ids", [], None),
        ("project_ids", [1], [1, {"name": "P"}]),
        ("project_ids", [1], "1"),
    ],
)
def test_what_is_no_rendering(field, wanted, shown):
    assert not matches_desired(field, wanted, shown)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(field=st.sampled_from(FIELDS), one=ANY, other=ANY)
def test_whatever_is_shown_can_be_compared(field, one, other):
    assert same_remote(field, one, one)
    assert same_remote(field, one, other) == same_remote(field, other, one)
    assert isinstance(matches_desired(field, "x", one), bool)
    assert isinstance(matches_desired(field, None, one), bool)
    project_numbers(one)


@given(st.lists(st.integers(1, 9)), st.randoms())
def test_the_order_of_projects_means_nothing(numbers, chance):
    shuffled = list(numbers)
    chance.shuffle(shuffled)
    assert same_remote("project_ids", numbers, shuffled)
    assert matches_desired("project_ids", numbers, shuffled)
