"""A plan on the disk: whatever it holds is read back as it was."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import SyncError
from aishoot_async.sync import PlannedPicture, SyncAction, SyncEntry, SyncPlan
from aishoot_async.sync._limits import check_deletions, parse_max_delete

TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
VALUES = st.none() | st.booleans() | st.integers() | TEXT | st.lists(st.integers(), max_size=3)
FIELDS = st.dictionaries(TEXT, VALUES, max_size=3)
PICTURES = st.builds(PlannedPicture, path=TEXT, size=st.integers(0), mtime_ns=st.integers(), identifier=TEXT)
ENTRIES = st.builds(
    SyncEntry,
    key=TEXT,
    action=st.sampled_from(SyncAction),
    sku_id=st.none() | TEXT,
    changes=st.dictionaries(TEXT, st.tuples(VALUES, VALUES), max_size=3),
    reason=st.text(st.characters(codec="utf-8")),
    line=st.none() | st.integers(1),
    wanted=FIELDS,
    seen=FIELDS,
    left=st.lists(TEXT, max_size=2),
    settled=st.lists(TEXT, max_size=2),
    pictures=st.dictionaries(TEXT, PICTURES, max_size=2),
)
PLANS = st.builds(
    SyncPlan,
    entries=st.lists(ENTRIES, max_size=4).map(tuple),
    left_alone=st.lists(TEXT, max_size=3).map(tuple),
    service=TEXT,
    organization=st.none() | TEXT,
    state=st.just(Path("/somewhere/catalog.state")),
    state_id=TEXT,
    revision=st.integers(0),
    listing=st.integers(0),
    made_at=TEXT,
    options=FIELDS,
)


@given(plan=PLANS)
def test_is_read_back_as_it_was(plan):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        plan.save(path)
        assert SyncPlan.load(path) == plan
        plan.save(str(path))
        assert SyncPlan.load(str(path)) == plan
        assert [found.name for found in Path(folder).iterdir()] == ["plan.json"]


def test_that_cannot_be_written_says_so(tmp_path):
    plan = SyncPlan(
        entries=(), service="s", state=tmp_path / "s", state_id="i", revision=0, listing=0, made_at="2026-01-01"
    )
    with pytest.raises(SyncError, match="the plan cannot be written"):
        plan.save(tmp_path / "missing" / "plan.json")


@given(owned=st.integers(0, 1000), count=st.integers(0, 1000), share=st.integers(0, 100))
def test_a_share_is_never_exceeded(owned, count, share):
    try:
        check_deletions(count, owned, parse_max_delete(f"{share}%"))
    except SyncError:
        assert count > owned * share / 100 - 1
    else:
        assert count <= owned * share / 100


@pytest.mark.parametrize(("owned", "most"), [(0, 1), (1, 1), (19, 1), (20, 2), (1000, 100)])
def test_a_tenth_but_at_least_one(owned, most):
    check_deletions(most, owned, None)
    with pytest.raises(SyncError):
        check_deletions(most + 1, owned, None)
