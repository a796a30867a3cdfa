"""Widths that are none: whatever COLUMNS or a terminal says, every page comes to its end and can be read."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.cli._streams import MAX_WIDTH, MIN_WIDTH, setup_width

WIDTHS = ["0", "1", "2", "-1", "", " ", "many", "9" * 12, "9" * 5000, "000", "1.5", "²", "٣", "0x50"]
PAGES = [["--help"], ["results", "export", "--help"], ["nonsense"]]


def settled(monkeypatch, **variables):
    """Return COLUMNS and LINES as they are then."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    setup_width()
    return os.environ.get("COLUMNS"), os.environ.get("LINES")


@pytest.mark.parametrize(
    ("said", "width"),
    [
        *((text, "80") for text in WIDTHS if not text.strip("0").isascii() or not text.strip("0").isdigit()),
        *((str(width), str(MIN_WIDTH)) for width in (1, 2, 39)),
        *((str(width), str(width)) for width in (40, 80, 200, 1000)),
        *((text, str(MAX_WIDTH)) for text in ("1001", "9" * 12, "9" * 5000)),
    ],
    ids=lambda text: text[:6],
)
def test_a_width_that_is_said_is_brought_within_bounds(monkeypatch, said, width):
    monkeypatch.setattr("os.get_terminal_size", no_terminal)
    assert settled(monkeypatch, COLUMNS=said)[0] == width


def no_terminal(_descriptor):
    raise OSError


@pytest.mark.parametrize(
    ("columns", "width"), [(0, "80"), (1, "40"), (39, "40"), (40, None), (200, None), (5000, "1000")]
)
def test_a_terminal_s_width_is_left_to_change_where_it_is_usable(monkeypatch, columns, width):
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((columns, 0)))
    # 0 x 0 is what a terminal without a size says; rich would look no further.
    assert settled(monkeypatch)[0] == (width if columns else "80")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_any_text_comes_to_a_width_within_bounds(said):
    with pytest.MonkeyPatch.context() as patch:
        columns, lines = settled(patch, COLUMNS=said, LINES=said)
        assert MIN_WIDTH <= int(columns) <= MAX_WIDTH
        assert lines is None or 0 < int(lines) <= MAX_WIDTH


@pytest.mark.parametrize("width", ["0", "1", "-1", "", "9" * 12, "²"])
def test_every_page_comes_to_its_end_at_any_width(alone, width):
    for page in PAGES:
        done = alone(*page, env={"COLUMNS": width, "LINES": width}, timeout=20)
        assert done.returncode == (0 if "--help" in page else 2), done.stderr
        assert len(done.stdout + done.stderr) < 100_000
        assert "bug in aishoot" not in done.stderr


@pytest.mark.parametrize("columns", [0, 1])
def test_a_terminal_of_hardly_any_size_shows_help_tables_bars_and_errors(aishoot, tmp_path, columns):
    for command in (
        ["--help"],
        ["skus", "list", "--limit", "2"],
        ["results", "export", "1", "--to", str(tmp_path / "r.jsonl"), "--restart"],
        ["skus", "get", "nothing"],
    ):
        seen = aishoot.in_a_terminal(*command, columns=columns, rows=columns)
        assert seen.code == (1 if "get" in command else 0), seen.text
        assert len(seen.text) < 50_000
