"""What a strict walk keeps on disk: exact while it is needed, and gone afterwards, however the walk ends."""

import gc
import threading
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aishoot_async import PagingError
from aishoot_async.paging._listing import Sheet
from aishoot_async.paging._spool import Comparison, Spool

texts = st.text(max_size=5) | st.sampled_from(["a", "b", "\ud800", "c" * 41])


a_row = st.tuples(
    st.none() | texts, st.sampled_from([b"1", b'{"a": [1, 2]}', b'"]"', b"[[]]", b"{}", b'"%s"' % (b"x" * 50)])
)


a_pass = st.lists(st.tuples(st.integers(0, 10**12), st.none() | st.integers(0, 10**30), st.lists(a_row, max_size=4)))


def marks(found: Any) -> Counter[str | bytes]:
    return Counter(raw if key is None else key for _, _, page in found for key, raw in page)


@settings(max_examples=60)
@given(st.lists(a_pass, min_size=1, max_size=4))
def test_a_spool_gives_back_what_it_was_given_and_counts_what_changed(passes: list[Any]):
    spool = Spool()
    try:
        before: Counter[str | bytes] = Counter()
        for found in passes:
            spool.begin()
            sheets = [
                Sheet(
                    asked=asked,
                    items=page,
                    raws=[raw for _, raw in page],
                    ids=[key for key, _ in page],
                    total=total,
                    last=None,
                    number=None,
                    skip=1,
                )
                for asked, total, page in found
            ]
            spool.add(sheets[:1])
            spool.add(sheets[1:])
            now, seen = marks(found), spool.compare()
            assert seen.came == (now - before).total()
            assert seen.gone == (before - now).total()
            assert seen.twice == sum(times - 1 for key, times in now.items() if isinstance(key, str))
            kept = spool.read(0)
            assert spool.read(len(found)) == []
            assert [(page.asked, page.total, page.skip) for page in kept] == [(page[0], page[1], 1) for page in found]
            assert [page.raws for page in kept] == [sheet.raws for sheet in sheets]
            before = now
    finally:
        spool.close()


def test_a_spool_gives_back_about_a_megabyte_at_once():
    spool = Spool()
    spool.begin()
    big = [b'"%s"' % (b"x" * 300_000)]
    spool.add([Sheet(asked=n, items=big, raws=big, ids=[None], total=None, last=None, number=n) for n in range(9)])
    assert [page.asked for page in spool.read(0)] == [0, 1, 2, 3]
    assert [page.asked for page in spool.read(4)] == [4, 5, 6, 7]
    assert [page.asked for page in spool.read(8)] == [8]
    spool.close()


def test_a_spool_that_is_closed_stays_so():
    spool = Spool()
    spool.begin()
    spool.close()
    spool.close()
    for use in (spool.begin, spool.compare, lambda: spool.read(0)):
        with pytest.raises(PagingError, match="closed"):
            use()
    never_opened = Spool()
    never_opened.close()


def test_a_spool_is_closed_between_two_uses_and_not_in_the_middle_of_one():
    raws = [b"%d" % number for number in range(20_000)]
    sheet = Sheet(asked=1, items=raws, raws=raws, ids=[None] * len(raws), total=None, last=None, number=None)
    for _ in range(5):
        spool = Spool()
        spool.begin()
        spool.add([sheet])
        begun = threading.Event()
        outcomes: list[object] = []

        def use(spool: Spool = spool, begun: threading.Event = begun, outcomes: list[object] = outcomes) -> None:
            begun.set()
            outcomes.append(spool.compare())

        # As of a consumer that was cancelled: it is gone, and its thread is still at work.
        thread = threading.Thread(target=use)
        thread.start()
        begun.wait()
        while not spool._lock.locked() and not outcomes:
            time.sleep(0)
        spool.close()
        thread.join()
        assert outcomes == [Comparison(twice=0, came=len(raws), gone=0)]


def test_a_spool_that_nobody_closes_closes_itself():
    spool = Spool()
    spool.begin()
    del spool  # on Python 3.13, a database that nobody has closed is a warning, and so an error here
    gc.collect(0)
