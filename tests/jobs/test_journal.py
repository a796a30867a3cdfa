"""The journal gives each kind of job back what it has kept, and refuses what it cannot read."""

import contextlib
import sqlite3

import attrs
import pytest

from aishoot_async import ExportError, JobError
from aishoot_async.jobs import Journal, Part, PartSet, State, Unit


@attrs.frozen(kw_only=True)
class Images(PartSet):
    failed: tuple[str, ...] = ()
    bytes_fetched: int = 0


UNIT = Unit(
    name="brief_id=1",
    state=State.DONE,
    published=Images(staged=(Part(number=0, size=7, rows=2),), complete=True, failed=("a",), bytes_fetched=9),
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.sqlite"
    with contextlib.closing(Journal.create(path, part_set=Images)) as journal:
        journal.save(UNIT, units="abc")
    return path


def test_a_kind_reads_back_what_it_keeps(path):
    with contextlib.closing(Journal(path, part_set=Images)) as journal:
        assert journal.unit("brief_id=1") == UNIT
        assert journal.units() == {"brief_id=1": UNIT}
        assert (journal.fact("units"), journal.fact("nothing")) == ("abc", None)
        assert journal.unit("brief_id=2") == Unit(name="brief_id=2")


def test_another_kind_reads_what_all_have_in_common(path):
    with contextlib.closing(Journal(path)) as journal:
        published = journal.unit("brief_id=1").published
    assert published == PartSet(staged=UNIT.published.staged, complete=True)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("PRAGMA user_version = 7", r"schema version 7 \(a later release wrote it: upgrade; this release reads 1\)"),
        ("PRAGMA application_id = 7", "something else"),
        ("UPDATE unit SET record = '{}'", "reading"),
        ("UPDATE unit SET record = json_set(record, '$.published.staged[0].size', '7')", "int expected, not str"),
        ("UPDATE unit SET record = json_set(record, '$.state', 'asleep')", "asleep"),
        ("UPDATE unit SET record = '[]'", "list indices"),
        ("UPDATE unit SET record = 'x'", "Expecting value"),
        ("DROP TABLE fact", "no such table: fact"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_error_of_the_job(path, statement, said):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(ExportError, match=f"damaged.*{said}.*restart=True") as caught:
        Journal(path, error=ExportError)
    assert isinstance(caught.value, JobError)
    assert path.read_bytes() == before
