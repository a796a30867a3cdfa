"""Tables for people, lines for pipes, JSON for programs: the same rows in all of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.cli._output import GAP, fit_columns
from aishoot_async.sandbox import ThreadedSandbox

NAMES = [":heart: [bold]x[/]", "a\tb\nc", "\x1b[31mred", "日本語", "x" * 300]


@pytest.fixture(scope="module")
def server():
    with ThreadedSandbox(skus=0, briefs={1: 0, 2: 3}) as sandbox:
        for at, name in enumerate(NAMES):
            sandbox.insert_sku(sku_id=f"sku-with-a-long-id-{at:06}", name=name)
        yield sandbox


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_a_terminal_shows_every_row_on_a_line_with_its_whole_id(aishoot, server, columns):
    seen = aishoot.in_a_terminal("skus", "list", columns=columns, env={"NO_COLOR": "1", "TERM": "dumb"})
    heading, *lines = seen.text.splitlines()
    assert heading.split()[0] == "id"
    assert [line.split()[0] for line in lines[: len(NAMES)]] == [sku["id"] for sku in server.skus()]
    assert max(map(len, lines)) <= columns
    assert ("in a wider window" in seen.text) is (columns < 300)


def test_names_are_shown_as_they_are_and_steer_nothing(aishoot):
    text = aishoot.in_a_terminal("skus", "list", columns=600, env={"TERM": "dumb"}).text
    for shown in (":heart: [bold]x[/]", "a b c", "\\x1b[31mred", "日本語", "x" * 300):
        assert shown in text
    assert "\x1b" not in text


def test_the_rows_of_all_three_forms_are_the_same(aishoot, server):
    as_json = [json.loads(line) for line in aishoot("--json", "skus", "list").stdout.splitlines()]
    assert as_json == server.skus()
    _, *lines = aishoot("skus", "list").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [sku["id"] for sku in as_json]
    assert all(line.count("\t") == 7 for line in lines)


def test_a_brief_without_results_is_no_rows(aishoot):
    assert aishoot("results", "list", "1").stdout == ""
    seen = aishoot.in_a_terminal("results", "list", "1")
    assert (seen.code, seen.text) == (0, "")


@given(st.lists(st.integers(min_value=1, max_value=200), min_size=1, max_size=8), st.integers(20, 300))
def test_columns_fit_the_room_and_the_first_is_never_cut(wanted, room):
    widths = fit_columns(wanted, room)
    assert widths[0] == min(wanted[0], room)
    assert sum(widths) + GAP * (len(widths) - 1) <= room
    assert all(width <= most for width, most in zip(widths, wanted, strict=False))
    # Nothing is cut or left out while there is room.
    if sum(wanted) + GAP * (len(wanted) - 1) <= room:
        assert widths == wanted
