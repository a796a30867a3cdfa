"""Pages of results are read for the members that their readers ask for; nobody can tell but by the time it takes."""

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aishoot_async import BriefResult
from aishoot_async.codec import brief_result, items, splitter
from aishoot_async.models import Asked

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=3)
names = st.sampled_from(["id", "a", "b", "deep", 'q"', "é", "\\", ""]) | texts
values = st.none() | st.integers() | texts | st.lists(st.integers(), max_size=2) | st.dictionaries(names, st.integers())
pages = st.lists(st.lists(st.dictionaries(names, values, max_size=5), max_size=4), max_size=5)
LOOKS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "get": lambda row, name: row.get(name, "none"),
    "item": lambda row, name: row[name] if name in {*row} else "none",
    "in": lambda row, name: name in row,
    "all": lambda row, _: dict(row),
    "keys": lambda row, _: list(row),
    "length": lambda row, _: len(row),
    "copy": lambda row, _: dict(copy.copy(row)),
    "pickle": lambda row, _: dict(pickle.loads(pickle.dumps(row))),
}
looks = st.lists(st.tuples(st.sampled_from([*LOOKS]), names), max_size=6)


class Reader:
    """Reads one page after the other, as a session does of one endpoint."""

    def __init__(self) -> None:
        self.asked = Asked()
        self.split = splitter(brief_result, self.asked)

    def page(self, *rows: Any, ascii_only: bool = True) -> list[BriefResult]:
        text = json.dumps(rows, ensure_ascii=ascii_only).encode()
        return list(items(self.split(text, ""), brief_result, ""))


@given(pages, looks, st.booleans())
@example([[{"a": 1}], [{"a": 2, "deep": {}}, {"b": 1}]], [("get", "a"), ("get", "deep"), ("all", "")], True)  # noqa: FBT003
def test_a_result_is_the_same_whatever_has_been_asked_for(pages, looks, ascii_only: bool) -> None:  # noqa: FBT001
    reader = Reader()
    for number, rows in enumerate(pages):
        found = reader.page(*rows, ascii_only=ascii_only)
        assert len(found) == len(rows)
        for at, (result, row) in enumerate(zip(found, rows, strict=True)):
            # Not every row is asked the same.
            for look, name in looks[(number + at) % 3 :]:
                assert LOOKS[look](result, name) == LOOKS[look](row, name)
            assert json.loads(result.raw) == row == result.extra
            assert result.id == (str(row["id"]) if isinstance(row.get("id"), str | int) else None)


def test_what_was_asked_of_one_is_read_of_the_next_pages() -> None:
    reader = Reader()
    rows = [{"id": f"{number}", "a": number, "b": [number], "c": {}} for number in range(3)]
    for result in reader.page(*rows):
        assert result["a"] == int(result.id or "")
    assert reader.asked.names == {"a"}
    second = reader.page(*rows)
    assert [result._members for result in second] == [{"id": row["id"], "a": row["a"]} for row in rows]
    assert [result["b"] for result in second] == [[0], [1], [2]]
    assert reader.asked.names == {"a", "b"}
    assert [result._members for result in reader.page(*rows)] == [
        {"id": row["id"], "a": row["a"], "b": row["b"]} for row in rows
    ]


def test_all_that_is_asked_of_one_is_read_of_the_next_page() -> None:
    reader = Reader()
    rows = [{"id": f"{number}", "a": number, "b": [number], "c": {}, "d": 1} for number in range(3)]
    for asked in ({"a", "b"}, {"a", "b", "c", "d"}):
        for result in reader.page(*rows):
            for name in sorted(asked):
                assert result[name] is result[name]
        assert reader.asked.names == asked


@pytest.mark.parametrize("look", [len, bool, repr, dict, lambda row: row == {}])
def test_for_what_needs_all_members_they_are_read_with_the_page(look: Callable[[Mapping[str, Any]], Any]) -> None:
    reader = Reader()
    row = {"id": "1", "a": 1, "b": 2}
    assert reader.page(row)[0]["a"] == 1
    look(reader.page(row)[0])
    assert [result._members for result in reader.page(row)] == [row]


def test_a_member_that_a_result_does_not_have_is_not_looked_for_again() -> None:
    reader = Reader()
    for _ in range(2):
        found = reader.page({"id": "1", "a": 1}, {"id": "2"})
        assert [result.get("a") for result in found] == [1, None]
        assert [result.get("a") for result in found] == [1, None]
    assert [result._members for result in found] == [{"id": "1", "a": 1}, {"id": "2"}]
    assert None not in [result._reading for result in found]
    with pytest.raises(KeyError, match="a") as caught:
        found[1]["a"]
    assert caught.value.__context__ is None


def test_who_wants_all_members_has_them_read_at_once() -> None:
    reader = Reader()
    row = {"id": "1", "a": 1, "b": 2}
    assert [dict(result) for result in reader.page(row)] == [row]
    assert [result._members for result in reader.page(row)] == [row]


def test_there_are_few_names() -> None:
    reader = Reader()
    row = {f"n{number}": number for number in range(40)}
    for number in range(40):
        assert reader.page(row)[0].get(f"n{number}") == number
    assert reader.asked.names is None
    assert reader.page(row)[0]._members == row


@attrs.frozen(kw_only=True)
class Noted(BriefResult):
    note: str


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))])
def test_a_copy_is_of_the_same_class(copied: Callable[[Noted], Noted]) -> None:
    found = copied(Noted(id="1", raw=b'{"a":1}', note="mine"))
    assert (type(found), found.id, found.raw, found.note, dict(found)) == (Noted, "1", b'{"a":1}', "mine", {"a": 1})


def test_what_was_handed_out_stays_the_same_object() -> None:
    reader = Reader()
    row = {"id": "1", "a": [1], "b": 2}
    assert reader.page(row)[0]["a"] == [1]
    result = reader.page(row)[0]
    a = result["a"]
    assert result["b"] == 2
    assert result["a"] is a


@pytest.mark.parametrize("name", ["\ud800", 5, None, (), "x\udfffy", "größe"])
def test_names_that_no_listing_is_read_for(name: Any) -> None:
    reader = Reader()
    for _ in range(2):
        with pytest.raises(KeyError):
            reader.page({"id": "1", "": 2})[0][name]
    assert not reader.asked.names


def test_a_number_out_of_range_in_a_member_that_nobody_asked_for() -> None:
    reader = Reader()
    text = b'[{"id":"1","a":1,"n":1e400}]'
    for _ in range(2):
        [result] = items(reader.split(text, ""), brief_result, "")
        assert result["a"] == 1
    assert str(result["n"]) == "1E+400"
