"""Rows that come twice, counted exactly among the last pages."""

import gc
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.paging._recent import Recent


@given(
    st.integers(1, 4), st.lists(st.lists(st.none() | st.sampled_from("abcdefgh"), max_size=4).map(tuple), max_size=20)
)
def test_it_counts_what_a_list_of_all_the_pages_would(window: int, pages: list[tuple[str | None, ...]]):
    recent = Recent(window)
    stale = 0
    for number, page in enumerate(pages):
        # At least the window, and less than twice as much: what is older goes all together.
        oldest = max(0, number // window - 1) * window
        seen = {key for earlier in pages[oldest:number] for key in earlier}
        twice = 0
        for key in page:
            twice += key is not None and key in seen
            seen.add(key)
        assert recent.note(page) == twice
        stale = stale + 1 if page and twice == len(page) else 0
        assert recent.stale == stale


def test_it_remembers_no_more_than_its_window():
    recent = Recent(16)
    sizes = []
    tracemalloc.start()
    try:
        for page in range(2000):
            ids = [f"row-{page}-{row}" for row in range(50)]
            recent.note(ids)
            if page in {111, 1999}:
                gc.collect(0)
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] < sizes[0] + 50_000
