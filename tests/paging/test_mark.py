"""What tells one page from another."""

from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.paging._mark import mark

Row = tuple[str | None, int]
pages = st.lists(st.tuples(st.none() | st.sampled_from(["", "a", "b", "c"]), st.integers(0, 1)), max_size=4)


def of(page: list[Row]) -> Hashable:
    return mark([key for key, _ in page], [repr(row).encode() for row in page])


def by_definition(page: list[Row]) -> Hashable:
    """Give the ids in any order; all of the rows, where one has none."""
    ids = [key for key, _ in page]
    return tuple(page) if None in ids else frozenset(ids)


@given(pages, pages)
def test_pages_are_the_same_that_have_the_same_ids_or_the_same_rows(one: list[Row], other: list[Row]) -> None:
    is_same = by_definition(one) == by_definition(other)
    assert (of(one) == of(other)) is is_same
    assert (of(one) != of(other)) is not is_same
    if is_same:
        assert hash(of(one)) == hash(of(other))


@given(st.permutations(["a", "b", "c", ""]))
def test_a_page_is_the_same_in_any_order_and_with_a_row_twice(ids: list[str]) -> None:
    rows = [b""] * len(ids)
    assert mark(ids, rows) == mark(sorted(ids), rows) == mark([*ids, ids[0]], [*rows, b""])
