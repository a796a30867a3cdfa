"""The form that a page comes in, without a server."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ConfigurationError, EnvelopePaths, PagingError, UnexpectedResponseError
from aishoot_async.paging._envelope import open_envelope
from aishoot_async.paging._listing import open_whole
from aishoot_async.transport import Response

ROWS = b'[{"id": 1}, {"id": 2}]'
RAWS = [b'{"id": 1}', b'{"id": 2}']


@pytest.mark.parametrize(
    ("body", "where", "total", "last", "number"),
    [
        (ROWS, "", None, None, None),
        (b'{"entries": %s, "total": 9}' % ROWS, "entries", 9, None, None),
        (b' \n{"total": null, "entries": %s} ' % ROWS, "entries", None, None, None),
        (b'{"content": %s, "totalElements": 9, "last": true, "number": 0}' % ROWS, "content", 9, True, 0),
        (b'{"content": %s, "last": false, "sort": [], "page": 3}' % ROWS, "content", None, False, None),
        (b'{"content": %s, "page": {"totalElements": 9, "number": 3}}' % ROWS, "content", 9, None, 3),
        (b'{"_embedded": {"skus": %s}, "page": {"totalElements": 9}}' % ROWS, "_embedded.skus", 9, None, None),
        (b'{"items": %s, "totalCount": "9"}' % ROWS, "items", 9, None, None),
        (b'{"items": %s, "total": 9.0, "last": "yes", "number": "x"}' % ROWS, "items", 9, None, None),
        (b'{"items": %s, "total": -1, "number": true}' % ROWS, "items", None, None, None),
        (b'{"entries": %s, "content": [1], "more": [2]}' % ROWS, "entries", None, None, None),
        (b'{"entries": {}, "content": %s}' % ROWS, "content", None, None, None),
    ],
)
def test_a_form_that_is_recognised(
    body: bytes, where: str, total: int | None, number: int | None, *, last: bool | None
):
    found = open_envelope(body)
    assert found.items == RAWS
    assert (found.where, found.total, found.last, found.number) == (where, total, last, number)


@pytest.mark.parametrize(
    "body",
    [
        b'{"page": {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}}',
        b'{"_links": {}, "page": {"size": 20, "number": 0}}',
        b'{"_embedded": {}, "page": {"number": 0, "totalElements": null}}',
        b"[]",
        b"null",
        b'{"entries": []}',
    ],
)
def test_an_empty_page(body: bytes):
    assert open_envelope(body).items == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html></html>", "not readable|expected here"),
        (b"", "not nothing"),
        (b"true", "not true"),
        (b"12", "not a number"),
        (b'"text"', "not a string"),
        (b"\xef\xbb\xbf[]", "not a number|not readable"),
        (b"[NaN]", "not readable"),
        (b'["\xff"]', "not UTF-8"),
        (b"[1, 2", "not readable"),
        (b"[1] 2", "not readable"),
        (b'{"entries": [], "entries": []}', "there twice"),
        (b'{"entries": [], "page": {"number": 1, "number": 2}}', "there twice"),
        (b'{"entries": [], "\\u0065ntries": []}', "there twice"),
        (b'{"message": "no"}', "no list.*message"),
        (b'{"page": {"wanted": 3}}', "no list"),
        (b'{"a": [], "b": []}', "2 lists.*a, b"),
        (b'{"_embedded": {"a": [], "b": []}}', "2 lists.*_embedded.a"),
        (b'{"entries": [], "total": "many"}', "a total is expected"),
        (b'{"entries": [], "total": true}', "a total is expected"),
        (b'{"entries": [], "total": 1.5}', "a total is expected"),
        (b'{"entries": [], "total": 1e999}', "a total is expected"),
        (b'{"entries": [], "total": "' + "é".encode() * 40 + b'"}', "a total is expected"),
    ],
)
def test_what_is_no_page_is_refused_with_its_reason(body: bytes, said: str):
    with pytest.raises(UnexpectedResponseError, match=said) as caught:
        open_envelope(body)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("body", [b"%s", b'{"entries": %s}'])
def test_deep_nesting_is_read_or_refused_as_the_interpreter_allows(body: bytes):
    deep = b"[" * 5000 + b"]" * 5000
    try:
        found = open_envelope(body % deep)
    except UnexpectedResponseError as error:
        assert "nested too deeply" in str(error)
    else:
        assert found.items == [deep[1:-1]]


def test_digits_and_nuls_survive():
    row = b'{"id": "\\u0000", "n": 123456789012345678901234567890.10}'
    assert open_envelope(b"[%s]" % row).items == [row]


@pytest.mark.parametrize(
    ("paths", "total", "last"),
    [
        (EnvelopePaths("data.rows"), None, None),
        (EnvelopePaths("data.rows", total="data.n"), 2, None),
        (EnvelopePaths("data.rows", total="data.n", last="end"), 2, True),
        (EnvelopePaths("data.rows", last="data.n"), None, None),
    ],
)
def test_a_form_that_is_named(paths: EnvelopePaths, total: int | None, *, last: bool | None):
    found = open_envelope(b'{"data": {"rows": %s, "n": 2}, "other": [], "end": true}' % ROWS, paths)
    assert (found.items, found.total, found.last, found.where) == (RAWS, total, last, "data.rows")


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (EnvelopePaths("data.nothing"), "no 'nothing' here.*rows"),
        (EnvelopePaths("data.rows.more"), "no 'more' here"),
        (EnvelopePaths("data"), "a list is expected here, not an object"),
        (EnvelopePaths("data.rows", total="data.nothing"), "no 'nothing' here"),
        (EnvelopePaths("data.rows", total="data.rows"), "a total is expected"),
    ],
)
def test_a_form_that_is_named_wrongly(paths: EnvelopePaths, said: str):
    with pytest.raises(UnexpectedResponseError, match=said):
        open_envelope(b'{"data": {"rows": %s}}' % ROWS, paths)


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", 3, None])
def test_a_blank_path_is_refused(path: Any):
    with pytest.raises(ConfigurationError):
        EnvelopePaths(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["entries", "content", "page", "total", "totalElements", "number", "last", "_embedded"])
            | st.text(),
            inner,
        )
    ),
    max_leaves=20,
)


@given(json_values | st.dictionaries(st.sampled_from(["entries", "content", "page", "total", "last"]), json_values))
def test_any_json_is_read_or_refused(value: Any):
    for paths in (None, EnvelopePaths("entries", total="total", last="page.last")):
        try:
            found = open_envelope(json.dumps(value).encode(), paths)
        except UnexpectedResponseError:
            continue
        assert all(json.loads(raw) is not ... for raw in found.items)
        assert found.total is None or found.total >= 0


@given(st.binary() | st.text().map(str.encode) | st.text('[]{}:,"\\ entrisoal0123456789').map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes):
    for paths in (None, EnvelopePaths("a.b")):
        try:
            open_envelope(body, paths)
        except UnexpectedResponseError as error:
            assert error.__cause__ is None


def said(text: bytes) -> Response:
    return Response(status=200, reason="OK", headers={}, body=text)


def test_a_list_without_pages_is_whole_or_an_error():
    assert open_whole(said(ROWS), bytes) == RAWS
    assert open_whole(said(b'{"entries": %s, "total": 2}' % ROWS), bytes) == RAWS
    with pytest.raises(PagingError, match="3 items, and gives 2"):
        open_whole(said(b'{"entries": %s, "total": 3}' % ROWS), bytes)


@given(
    st.lists(
        st.sampled_from([b"1", b'{"id":1}', b"[]", b'"],\\"total\\":7}"', b"{", b'"\\u0000"', b'],"total":9', b"]"])
    ),
    st.sampled_from([b"0", b"7", b"07", b"-1", b"null", b"1.0", b'"9"', b"9" * 18, b"9" * 19, b"", b"7,"]),
    st.sampled_from([b"", b',"total":1', b',"entries":[2]', b',"last":true', b" ", b"}"]),
)
def test_the_usual_form_is_opened_as_the_others_are(items: list[bytes], total: bytes, more: bytes):
    """Written without white space it is opened at one look, which must see no less than the two for all forms."""
    body = b'{"entries":[%s],"total":%s%s}' % (b",".join(items), total, more)
    usual: list[object] = []
    other: list[object] = []
    for text, outcome in ((body, usual), (b" " + body, other)):
        try:
            outcome += [attrs.astuple(open_envelope(text))]
        except UnexpectedResponseError as error:
            outcome += [error.where, error.keys, str(error)[:40]]
    assert usual == other
