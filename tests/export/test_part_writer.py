"""The order of things: bytes to the disk, then the journal that says so; and nothing after a write that has failed."""

import hashlib

import pytest

from aishoot_async import ExportError, Page
from aishoot_async.export._part_writer import PartLayout, PartWriter
from aishoot_async.export.formats import FORMATS
from aishoot_async.jobs import Checkpoint, Journal, SizeLimit, State, Unit
from aishoot_async.storage.append_file import AppendFile

NAME = "brief_id=1"


@pytest.fixture
def journal(tmp_path):
    made = Journal.create(tmp_path / "journal.sqlite")
    yield made
    made.close()


def page(number):
    rows = (b'{"id":"%d"}' % number,) * 3
    return Page(number=number, items=rows, raw=rows, total=30)


def stage_of(tmp_path, journal, name="jsonl"):
    chosen, part = FORMATS[name](), SizeLimit(4, 1 << 30)
    layout = PartLayout(format=chosen, block=chosen.block, part=part, checkpoint_interval=0.0)
    return PartWriter(tmp_path / "staging", journal, journal.unit(NAME), layout)


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz"])
def test_the_journal_never_speaks_of_bytes_that_are_not_on_the_disk(tmp_path, journal, monkeypatch, name):
    synced, save, sync = {}, Journal.save, AppendFile.sync

    def watched_sync(file):
        sync(file)
        synced[file.path.name] = file.size

    def watched_save(self, *units, **facts):
        for unit in units:
            for part in unit.reading.parts:
                assert part.size <= synced.get(f"part-{part.number:05}.staged", 0)
        save(self, *units, **facts)

    monkeypatch.setattr(AppendFile, "sync", watched_sync)
    monkeypatch.setattr(Journal, "save", watched_save)
    stage = stage_of(tmp_path, journal, name)
    stage.begin(now="", sweeps=1)
    for number in range(1, 11):
        stage.append([page(number)], Checkpoint(cursor=f"{number}:0:3"))
    parts = stage.end(Checkpoint(), now="", complete=True)
    assert [part.rows for part in parts.staged] == [12, 12, 6]
    assert [part.rows for part in journal.unit(NAME).reading.parts] == [12, 12, 6]
    assert journal.unit(NAME).state is State.READING


def test_nothing_is_written_after_a_write_that_has_failed(tmp_path, journal, monkeypatch):
    stage = stage_of(tmp_path, journal)
    stage.begin(now="", sweeps=1)
    stage.append([page(1)], Checkpoint(cursor="1:0:3"))
    write = AppendFile.write

    def torn(file, data):
        write(file, data[:-1])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(AppendFile, "write", torn)
        with pytest.raises(OSError, match="No space"):
            stage.append([page(2)], Checkpoint(cursor="2:0:3"))
    with pytest.raises(ExportError, match="earlier write"):
        stage.append([page(3)], Checkpoint(cursor="3:0:3"))
    stage.checkpoint()
    stage.close()
    again = stage_of(tmp_path, journal)
    assert again.resume()
    again.end(Checkpoint(), now="", complete=True)
    text = (tmp_path / "staging" / "part-00000.staged").read_bytes()
    assert text.splitlines() == [b'{"id":"1"}'] * 3
    assert again.parts.staged[0].sha256 == hashlib.sha256(text).hexdigest()


def test_what_the_disk_has_lost_is_noticed(tmp_path, journal):
    stage = stage_of(tmp_path, journal)
    stage.begin(now="", sweeps=1)
    for number in range(1, 7):
        stage.append([page(number)], Checkpoint(cursor=f"{number}:0:3"))
    stage.close()
    whole, open_part = (tmp_path / "staging" / f"part-0000{number}.staged" for number in (0, 1))
    kept = open_part.read_bytes()
    open_part.write_bytes(kept[:-1])
    assert not stage_of(tmp_path, journal).resume()
    open_part.unlink()
    assert not stage_of(tmp_path, journal).resume()
    open_part.write_bytes(kept)
    whole.write_bytes(b"")
    assert not stage_of(tmp_path, journal).resume()


def test_a_row_of_the_journal_reads_back(tmp_path, journal):
    stage = stage_of(tmp_path, journal)
    stage.begin(now="then", sweeps=2)
    for number in range(1, 7):
        stage.append([page(number)], Checkpoint(cursor=f"{number}:0:3", mark="m", first_total=30, last_total=None))
    stage.close()
    assert journal.unit(NAME).reading == stage.parts
    assert journal.units() == {NAME: journal.unit(NAME)}


def test_a_state_that_cannot_follow_is_a_bug():
    with pytest.raises(KeyError):
        Unit(name=NAME).transition("publish")
