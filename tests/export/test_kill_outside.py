"""Promise 1 to the letter: ``kill -9`` from outside at random moments, the same command again, and no byte is other."""

import gzip
import json
import random
import shutil
import time
from functools import partial

import pytest

from aishoot_async.sandbox import Fault, InsertRows
from helpers.parts import bytes_of, contents, needs, options_for, rows_of

FORMATS = ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "csv"]
KINDS = ["folder", "file"]
BRIEFS = [1, 2, 3]


class Killer:
    """Runs an export to its end, however often it is killed on the way."""

    def __init__(self, exports, server, name, seed, **options):
        self._exports, self._server = exports, server
        self._options = {**options_for(name), **options}
        self._chance = random.Random(seed)
        self.kills = self.resumed = 0

    def undisturbed(self, briefs, destination, **options):
        """Run once to have everything warm, and once for the time that it takes."""
        self._exports.run(self._server, briefs, destination.with_name(f"warm-{destination.name}"), **self._options)
        begun = time.monotonic()
        report = self._exports.run(self._server, briefs, destination, **self._options, **options)
        assert report["complete"], report
        self._usual = time.monotonic() - begun
        return report

    def to_its_end(self, briefs, destination, most, between=None, **options):
        """Begin, kill, and begin again, as many times at the most; then let it end."""
        for _ in range(most):
            self._exports.start(self._server, briefs, destination, **self._options, **options)
            said = self._exports.kill(self._chance.uniform(0, 0.9 * self._usual))
            if said != {"killed": True}:
                break
            self.kills += 1
            if between is not None:
                between()
        else:
            said = self._exports.run(self._server, briefs, destination, **self._options, **options)
        self.resumed += any(outcome["how"] != "fetched" for outcome in said.get("outcomes", ()))
        return said


def killed(exports, server, tmp_path, name, kind, kills):
    """Kill so many times in all, a few of them for each destination."""
    needs(name)
    ending, briefs = ("", BRIEFS) if kind == "folder" else (f".{name}", [1])
    killer = Killer(exports, server, name, f"{name} {kind}")
    whole = tmp_path / f"whole{ending}"
    killer.undisturbed(briefs, whole)
    number = 0
    while killer.kills < kills:
        number += 1
        destination = tmp_path / f"{number}{ending}"
        last = killer.to_its_end(briefs, destination, min(6, kills - killer.kills))
        assert last.get("complete"), last
        assert bytes_of(destination) == bytes_of(whole)
        assert kind == "file" or (destination / "_SUCCESS").exists()
        if kind == "folder":
            shutil.rmtree(destination)
    return killer


@pytest.mark.parametrize("name", FORMATS)
def test_killed_at_some_moments(exports, small_pages, tmp_path, name):
    killed(exports, small_pages, tmp_path, name, "folder", 6)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FORMATS)
def test_killed_at_two_hundred_moments(exports, small_pages, tmp_path, name, kind):
    assert killed(exports, small_pages, tmp_path, name, kind, 200).resumed


def assert_one_of(folder, before, after):
    now = contents(folder)
    for part in now:
        assert now[part] in {before.get(part), after.get(part)}, part
    assert now in (before, after) or not (folder / "_SUCCESS").exists()


def refreshes(exports, server, tmp_path, name, kills):
    """The night after, killed: what stood there stands, whole, until what has changed takes its place."""
    needs(name)
    killer = Killer(exports, server, name, f"refresh {name}")
    folder, chance = tmp_path / "r", random.Random(name)
    killer.undisturbed(BRIEFS, folder)
    while killer.kills < kills:
        server.delete_results(1, chance.randrange(160))
        server.insert_results(1, chance.randrange(160))
        server.insert_results(2, 5)
        whole = tmp_path / "whole"
        assert exports.run(server, BRIEFS, whole, **options_for(name))["complete"]
        one_of = partial(assert_one_of, folder, contents(folder), contents(whole))
        last = killer.to_its_end(BRIEFS, folder, min(6, kills - killer.kills), one_of, refresh=True)
        assert last.get("complete"), last
        assert contents(folder) == contents(whole)
        server.delete_results(2, 5)
        shutil.rmtree(whole)


def test_a_refresh_killed_at_some_moments(exports, small_pages, tmp_path):
    refreshes(exports, small_pages, tmp_path, "jsonl.gz", 6)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", FORMATS)
def test_a_refresh_killed_at_fifty_moments(exports, small_pages, tmp_path, name):
    refreshes(exports, small_pages, tmp_path, name, 50)


def changes(exports, server, tmp_path, name, kills):
    """Data that changes between the runs: no torn row at any time, and in the end all that there was at one time.

    It grows, or it shrinks: nobody can see rows that go while as many come, behind his back and between two runs.
    """
    killer = Killer(exports, server, name, f"changes {name}")
    chance = random.Random(name)
    killer.undisturbed(BRIEFS, tmp_path / "whole")
    number = 0

    def change():
        if number % 2:
            server.insert_results(1, chance.randrange(160), chance.randint(1, 3))
        else:
            server.delete_results(1, chance.randrange(140), chance.randint(1, 3))
        had.append(server.results(1))
        if (folder / "brief_id=1").exists():
            assert all(any(row in rows for rows in had) for row in rows_of(folder, 1))

    while killer.kills < kills:
        number += 1
        folder, had = tmp_path / str(number), [server.results(1)]
        last = killer.to_its_end(BRIEFS, folder, min(6, kills - killer.kills), change)
        assert last.get("complete"), last
        assert rows_of(folder, 1) in had
        shutil.rmtree(folder)


def test_data_that_changes_between_some_kills(exports, small_pages, tmp_path):
    changes(exports, small_pages, tmp_path, "jsonl.gz", 6)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz"])
def test_data_that_changes_between_two_hundred_kills(exports, small_pages, tmp_path, name):
    changes(exports, small_pages, tmp_path, name, 200)


def test_data_that_never_stands_still_is_reported_as_unstable(exports, small_pages, tmp_path):
    killer = Killer(exports, small_pages, "jsonl.gz", "unstable")
    killer.undisturbed(BRIEFS, tmp_path / "whole")
    small_pages.add_fault(Fault(InsertRows(brief=1, position=0), operation="brief_results", page=3, brief=1))
    last = killer.to_its_end(BRIEFS, tmp_path / "r", 4)
    assert [outcome["state"] for outcome in last["outcomes"]] == ["unstable", "complete", "complete"]
    assert not (tmp_path / "r" / "_SUCCESS").exists()
    text = gzip.decompress(b"".join(part for name, part in contents(tmp_path / "r").items() if "brief_id=1" in name))
    assert all(json.loads(line) in small_pages.results(1) for line in text.splitlines())
