"""A cursor is text that can be kept."""

import functools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import AIShootSession, ConfigurationError
from aishoot_async.errors import Cursor, RequestValidationError

BIG = 10**18 - 1
cursors = st.builds(Cursor, st.integers(-1, BIG), st.integers(0, BIG), st.integers(1, BIG))


@given(cursors)
def test_a_cursor_comes_back_from_its_text(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor
    assert pickle.loads(pickle.dumps(cursor)) == cursor


@given(st.text())
def test_no_text_is_read_as_another_cursor(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except RequestValidationError:
        return
    assert [int(part) for part in text.split(":")] == [cursor.page, cursor.offset, cursor.page_size]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1:2",
        "1:2:0",
        "-2:0:1",
        "1:-1:1",
        "1:2:3:4",
        " 1:2:3",
        "1:2:3\n",
        "١:2:3",  # noqa: RUF001
        "1:2:+3",
        "a:b:c",
        None,
        7,
        b"1:2:3",
        f"{'9' * 19}:0:1",
    ],
)
def test_bad_texts_are_refused(text: object) -> None:
    with pytest.raises(RequestValidationError):
        Cursor.parse(text)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ((True, 0, 1), "page"),
        ((-2, 0, 1), "page"),
        ((1, -1, 1), "offset"),
        ((1, 1.0, 1), "offset"),
        ((1, 0, 0), "page_size"),
        ((1, 0, "1"), "page_size"),
    ],
)
def test_impossible_cursors_are_refused(values, field: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        Cursor(*values)
    assert caught.value.field == field


HUGE = [10**18, 10**30, 2**64, 10**5000]
NEGATIVE = [-1, -5, -(10**30)]


@pytest.mark.parametrize(
    ("page", "offset", "size"),
    [
        *((1, number, 100) for number in NEGATIVE + HUGE),
        *((1, 0, number) for number in [0, *NEGATIVE[:2], *HUGE]),
        *((number, 0, 100) for number in [-2, *HUGE]),
    ],
    ids=lambda number: f"{number:#x}"[:12],
)
def test_a_cursor_of_impossible_numbers_is_refused(page: int, offset: int, size: int):
    with pytest.raises(ValueError, match="must be a whole number"):
        Cursor(page, offset, size)


@pytest.mark.parametrize(
    "text", ["1:-5:100", "-2:0:100", "1:0:-100", f"1:{10**30}:100", f"{10**30}:0:1", "1:0:0", "1:0:" + "9" * 5000]
)
def test_the_text_of_a_cursor_of_impossible_numbers_is_refused(text: str):
    with pytest.raises(RequestValidationError):
        Cursor.parse(text)


@pytest.mark.parametrize("number", HUGE, ids=lambda number: f"{number:#x}"[:12])
@pytest.mark.parametrize("option", ["start", "page_size"])
@pytest.mark.anyio
async def test_a_start_or_page_size_of_impossible_numbers_is_refused(option: str, number: int):
    async with AIShootSession("token") as session:
        for listing in (session.skus.list, functools.partial(session.briefs.results, 1)):
            with pytest.raises(ConfigurationError, match=rf"{option} must be a whole number"):
                listing(**{option: number})
