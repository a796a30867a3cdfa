"""Where a walk stands: counted when somebody asks, and not item by item."""

import gc
import weakref

import attrs
import pytest

from aishoot_async.errors import Cursor
from aishoot_async.models import PagingReport
from aishoot_async.paging._walk import Progress


class Item:
    """What the garbage collector can be watched with."""


def progress(**more) -> Progress:
    return Progress(start=None, page=1, asked=3, seen=PagingReport(page_size=3), **more)


def test_a_report_is_a_snapshot_of_all_that_its_source_has_seen() -> None:
    names = [field.name for field in attrs.fields(PagingReport)]
    seen = PagingReport(**{name: number for number, name in enumerate(names, 100)})
    report = Progress(start=None, page=1, asked=3, seen=seen, pages=7, given=5).report
    assert attrs.asdict(report) == attrs.asdict(seen) | {"pages": 7, "items": 5}
    assert report is not seen


@pytest.mark.parametrize("skip", [0, 2, 5])
def test_what_has_been_handed_out_is_what_is_not_left(skip: int) -> None:
    found = progress()
    found.turn_to(4, 0)
    found.hand_out("abc")
    assert [found.left.popleft() for _ in range(3)] == [*"abc"]
    found.turn_to(5, skip)
    assert (found.cursor, found.handed_out) == (Cursor(5, skip, 3), 3)
    found.hand_out("defg")
    for number in range(5):
        assert (found.cursor, found.handed_out) == (Cursor(5, skip + number, 3), 3 + number)
        found.left.popleft() if found.left else None
    found.turn_to(6, 0)
    assert (found.cursor, found.handed_out, found.pages) == (Cursor(6, 0, 3), 7, 3)


def test_a_walk_that_stops_within_a_page_is_where_it_was_and_holds_nothing() -> None:
    found = progress()
    found.turn_to(1, 0)
    items = [Item() for _ in range(3)]
    watched = [weakref.ref(item) for item in items]
    found.hand_out(items)
    found.left.popleft()
    found.stop()
    assert (found.cursor, found.handed_out, [*found.left]) == (Cursor(1, 1, 3), 1, [])
    found.stop()
    assert found.handed_out == 1
    del items
    gc.collect()
    assert [watch() for watch in watched] == [None, None, None]
