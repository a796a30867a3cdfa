"""Promise 1: killed at any step, an export loses nothing, doubles nothing and tears nothing when it goes on."""

import random

import pytest

from helpers.parts import contents, needs, options_for, rows_of

FORMATS = ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "csv"]
BRIEFS = [1, 2, 3]


def kill_and_go_on(exports, server, folder, name, steps, step):
    """Kill before the step, then again as far into the second run; then let it end."""
    options = options_for(name)
    first = exports.run(server, BRIEFS, folder, die_at=step, **options)
    assert first == {"killed": True}
    assert not (folder / "_SUCCESS").exists() or step >= steps - 2
    exports.run(server, BRIEFS, folder, die_at=max(1, step // 2), **options)
    return exports.run(server, BRIEFS, folder, **options)


def matrix(exports, server, tmp_path, name, points):
    whole = tmp_path / "whole"
    undisturbed = exports.run(server, BRIEFS, whole, **options_for(name))
    steps = undisturbed["steps"]
    resumed = 0
    for step in points(steps):
        folder = tmp_path / f"killed-{step}"
        last = kill_and_go_on(exports, server, folder, name, steps, step)
        assert last.get("complete"), (step, last)
        assert contents(folder) == contents(whole), step
        assert (folder / "_SUCCESS").exists()
        resumed += any(outcome["how"] != "fetched" for outcome in last["outcomes"])
    return resumed


@pytest.mark.parametrize("name", FORMATS)
def test_killed_at_some_steps(exports, small_pages, tmp_path, name):
    needs(name)

    def some(steps):
        return random.Random(name).sample(range(2, steps), 5)

    assert matrix(exports, small_pages, tmp_path, name, some) >= 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", FORMATS)
def test_killed_at_every_step(exports, small_pages, tmp_path, name):
    needs(name)
    assert matrix(exports, small_pages, tmp_path, name, lambda steps: range(1, steps)) >= 40


def file_matrix(exports, server, tmp_path, name, points):
    path = tmp_path / f"whole.{name}"
    undisturbed = exports.run(server, [1], path, **options_for(name))
    resumed = 0
    for step in points(undisturbed["steps"]):
        killed = tmp_path / f"{step}.{name}"
        assert exports.run(server, [1], killed, die_at=step, **options_for(name)) == {"killed": True}
        last = exports.run(server, [1], killed, **options_for(name))
        assert last.get("complete"), (step, last)
        assert killed.read_bytes() == path.read_bytes(), step
        resumed += last["outcomes"][0]["how"] != "fetched"
    return resumed


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_killed_at_some_steps(exports, small_pages, tmp_path, name):
    needs(name)

    def some(steps):
        return random.Random(name).sample(range(steps // 2, steps), 2)

    assert file_matrix(exports, small_pages, tmp_path, name, some) >= 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_killed_at_every_step(exports, small_pages, tmp_path, name):
    needs(name)
    assert file_matrix(exports, small_pages, tmp_path, name, lambda steps: range(1, steps)) >= 10


def test_going_on_fetches_nothing_of_what_is_finished(exports, small_pages, tmp_path):
    steps = exports.run(small_pages, [1], tmp_path / "whole", format="jsonl")["steps"]
    small_pages.reset_requests()
    exports.run(small_pages, [1], tmp_path / "killed", format="jsonl", die_at=steps - 12)
    first = small_pages.calls["brief_results"]
    small_pages.reset_requests()
    last = exports.run(small_pages, [1], tmp_path / "killed", format="jsonl", prefetch=1)
    assert last["outcomes"][0]["how"] == "resumed"
    assert small_pages.calls["brief_results"] < first // 2


@pytest.mark.parametrize("change", ["insert", "delete", "edit", "vanish"])
def test_what_changes_between_the_runs_is_read_anew(exports, small_pages, tmp_path, change):
    folder = tmp_path / "r"
    steps = exports.run(small_pages, [1], tmp_path / "whole", format="jsonl")["steps"]
    assert exports.run(small_pages, [1], folder, format="jsonl", die_at=steps // 2) == {"killed": True}
    if change == "insert":
        small_pages.insert_results(1, 0)
    elif change == "delete":
        small_pages.delete_results(1, 0)
    elif change == "edit":
        # The total stays: only the rows of the page that was read last tell.
        small_pages.delete_results(1, 0)
        small_pages.insert_results(1, 500)
    else:
        small_pages.delete_brief(1)
    last = exports.run(small_pages, [1], folder, format="jsonl")
    if change == "vanish":
        assert (last["complete"], last["outcomes"][0]["permanent"]) == (False, True)
        assert not (folder / "_SUCCESS").exists()
        return
    assert last["complete"]
    assert rows_of(folder, 1) == small_pages.results(1)
