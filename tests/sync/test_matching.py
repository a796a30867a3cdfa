"""Which SKU came of which create: by property. Whatever is paired fits, and nothing is paired twice."""

from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.sync._matching import CandidateIndex, FieldVisibility, Match, match_creates

CLEAR = FieldVisibility()
WANTED = st.fixed_dictionaries(
    {"name": st.sampled_from(["A", "B"]), "front_image": st.sampled_from(["f", "g"])},
    optional={"gender": st.sampled_from([None, "male", "female"])},
)
ROWS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["A", "B", "a "]),
        "front_image": st.sampled_from(["f", "g", "x/f.jpg"]),
        "gender": st.sampled_from([None, "male", "FEMALE"]),
    }
)


def numbered(values):
    return dict(enumerate(values))


def found(creates, rows, visibility=CLEAR, since=lambda _number, _sku_id: True, own_image=()):
    return match_creates(creates, CandidateIndex(rows, visibility), since, own_image)


@given(creates=st.lists(WANTED, max_size=6).map(numbered), rows=st.lists(ROWS, max_size=6))
def test_each_create_has_one_end_and_each_sku_one_taker(creates, rows):
    shelf = {f"s{number}": row for number, row in enumerate(rows)}
    done = found(creates, shelf)
    assert sorted([*done.found, *done.unresolved, *done.absent]) == sorted(creates)
    assert len(set(done.found.values())) == len(done.found)
    for number, sku_id in done.found.items():
        assert CLEAR.match(creates[number], shelf[sku_id]) is Match.FULL
    for number in done.absent:
        free = shelf.keys() - set(done.found.values())
        assert all(CLEAR.match(creates[number], shelf[sku_id]) is Match.NONE for sku_id in free)


@given(wanted=st.lists(WANTED, max_size=6), happened=st.data())
def test_of_creates_that_can_be_told_apart_each_is_found_or_absent(wanted, happened):
    """Nobody else makes SKUs here, and what is made is shown as it was sent."""
    unique = [one for number, one in enumerate(wanted) if one["name"] not in {two["name"] for two in wanted[:number]}]
    creates = numbered(unique)
    made = happened.draw(st.sets(st.sampled_from(sorted(creates)))) if creates else set()
    done = found(creates, {f"s{number}": {"gender": None, **creates[number]} for number in made})
    assert done.found == {number: f"s{number}" for number in made}
    assert sorted(done.absent) == sorted(creates.keys() - made)


@given(count=st.integers(1, 6), made=st.integers(0, 8))
def test_the_very_same_are_paired_in_any_order_as_long_as_there_are_not_too_many(count, made):
    one = {"name": "A", "front_image": "f"}
    done = found(dict.fromkeys(range(count), one), {f"s{number}": one for number in range(made)})
    if made <= count:
        assert len(done.found) == made
        assert len(done.absent) == count - made
    else:
        assert len(done.unresolved) == count


def test_only_what_no_listing_had_before_may_have_come_of_it():
    one = {"name": "A", "front_image": "f"}
    done = found({1: one, 2: {**one, "gender": "male"}}, {"old": one, "new": one}, since=lambda _n, sku: sku == "new")
    assert done.found == {1: "new"}
    assert list(done.absent) == [2]  # the one that it may have been is another's


def test_two_that_may_each_have_made_it_are_held():
    done = found(
        {1: {"name": "A", "front_image": "f"}, 2: {"name": "A", "front_image": "f", "gender": "male"}},
        {"s": {"name": "A", "front_image": "f", "gender": "male"}},
    )
    assert sorted(done.unresolved) == [1, 2]


def test_an_image_that_nobody_else_has_tells_whose_a_renamed_one_may_be():
    creates, rows = {1: {"name": "A", "front_image": "f"}}, {"s": {"name": "Cut off by the ser", "front_image": "f"}}
    assert list(found(creates, rows).absent) == [1]
    assert list(found(creates, rows, own_image=[1]).unresolved) == [1]


class TestLegibility:
    def test_is_learned_from_what_was_sent_and_is_shown(self):
        sent = {"name": "A", "front_image": "f", "gender": "male", "project_ids": [1], "back_image": None}
        row = {"name": "a", "front_image": "asset-7", "gender": "MALE", "project_ids": None, "back_image": None}
        learned = FieldVisibility.learn([(sent, row)], [row])
        assert learned.hidden >= {"front_image", "project_ids"}
        assert not learned.hidden & {"name", "gender", "back_image"}

    def test_one_that_shows_it_is_enough(self):
        sent = {"name": "A", "front_image": "f"}
        pairs = [(sent, {"name": "A", "front_image": "theirs"}), (sent, {"name": "A", "front_image": "f.jpg"})]
        assert "front_image" not in FieldVisibility.learn(pairs, []).hidden

    def test_without_any_only_what_no_sku_has_is_hidden(self):
        learned = FieldVisibility.learn([], [{"name": "A"}, {"name": "B", "gender": None}])
        assert not learned.hidden & {"name", "gender"}
        assert "project_ids" in learned.hidden

    def test_what_shows_neither_name_nor_image_fits_nothing(self):
        blind = FieldVisibility(frozenset({"name", "front_image"}))
        assert blind.match({"name": "A", "front_image": "f"}, {"gender": "male"}) is not Match.FULL
