"""What a service signs anew in each answer is taken out of a JSON text, and nothing else."""

import json
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aishoot_async.volatile import rows_without_volatile, without_volatile

names = st.text(st.characters(codec="ascii", exclude_characters='?#"\\', min_codepoint=33), max_size=12)
places = st.builds(
    "".join, st.tuples(st.sampled_from(["https://cdn.example/", "HTTP://h:8080/", "s3://b/", "//cdn/", "/"]), names)
)
queries = st.text(st.characters(min_codepoint=33, exclude_categories=["C", "Z"]), max_size=20)
signatures = st.builds("".join, st.tuples(st.sampled_from("?#"), queries))
plain = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="?#"), max_size=8)


def rows(urls):
    return st.recursive(
        urls | plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    )


def written(plain_value, *, ascii_only, slashes):
    text = json.dumps(plain_value, ensure_ascii=ascii_only)
    return (text.replace("/", "\\/") if slashes else text).encode()


def signed(value, draw):
    """Sign each URL in a row; the rest stays."""
    if isinstance(value, dict):
        return {key: signed(inner, draw) for key, inner in value.items()}
    if isinstance(value, list):
        return [signed(inner, draw) for inner in value]
    is_url = isinstance(value, str) and (value.startswith("/") or "://" in value)
    return value + draw(signatures) if is_url else value


@given(rows(places), st.data(), st.booleans(), st.booleans())
def test_rows_that_differ_only_in_the_queries_of_urls_are_the_same(row, data, ascii_only, slashes):
    one, other = (written(signed(row, data.draw), ascii_only=ascii_only, slashes=slashes) for _ in range(2))
    assert without_volatile(one) == without_volatile(other) == written(row, ascii_only=ascii_only, slashes=slashes)


@given(rows(places), rows(places), st.data())
def test_rows_that_differ_in_anything_else_are_not(row, other, data):
    assume(row != other or json.dumps(row) != json.dumps(other))
    one, two = (written(signed(value, data.draw), ascii_only=True, slashes=False) for value in (row, other))
    assert without_volatile(one) != without_volatile(two)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (r'"https://cdn/1.png?X-Sig=1"', r'"https://cdn/1.png"'),
        (r'{"a":"https:\/\/cdn\/1.png\u003fsig=1\u0026e=2"}', r'{"a":"https:\/\/cdn\/1.png"}'),
        (r'{"a" : "https:\u002f\u002Fcdn/1.png\u0023sig" , "b":1}', r'{"a" : "https:\u002f\u002Fcdn/1.png" , "b":1}'),
        (r'["//cdn/1.png?a","/img/1.png?b#c","gs://b/k?d"]', r'["//cdn/1.png","/img/1.png","gs://b/k"]'),
        (r'{"a":"/x?say=\"no\"","b":"/y?\\"}', r'{"a":"/x","b":"/y"}'),
        (r'{"größe":"https://cdn/größe.png?sig=ä"}', r'{"größe":"https://cdn/größe.png"}'),
    ],
)
def test_signatures_in_every_spelling_are_taken_out(text, left):
    assert without_volatile(text.encode()) == left.encode()


@pytest.mark.parametrize(
    "text",
    [
        r'"what is this?"',
        r'"color #3"',
        r'"is /this here? yes"',
        r'{"https://key?a":1}',
        r'{"/key?a" : 1}',
        r'"see \"https://cdn/1.png?a\" there"',
        r'"or / what? no"',
        r'"mailto:me?subject=1"',
        r'"1.png?sig=a"',
        r'"a\\"',
        r"[1,null,true]",
        "",
    ],
)
def test_what_is_no_url_stays_as_it_is(text):
    assert without_volatile(text.encode()) == text.encode()


def test_a_text_of_many_quotes_takes_no_time_to_speak_of():
    """No spelling of a string makes the search start again and again at the same place."""
    for piece in (b'"https:', b'"/', b'"/a\\"', b'"https://a?\\"', b'"aaaa+'):
        assert without_volatile(piece * 100_000)


@given(st.lists(rows(places).map(json.dumps), max_size=4), st.data())
def test_no_two_rows_of_a_page_become_the_same(page, data):
    texts = [json.dumps(signed(json.loads(row), data.draw)).encode() for row in page]
    left = rows_without_volatile(texts)
    assert len(left) == len(texts)
    pairs = combinations(zip(left, texts, strict=True), 2)
    assert all((one == other) is (text == another) for (one, text), (other, another) in pairs)


def test_a_query_that_tells_rows_apart_is_no_signature():
    assert rows_without_volatile([b'["/image?id=1"]', b'["/image?id=2"]']) == [b'["/image?id=1"]', b'["/image?id=2"]']
    assert rows_without_volatile([b'[1,"/image?id=1"]', b'[2,"/image?id=2"]']) == [b'[1,"/image"]', b'[2,"/image"]']
    assert rows_without_volatile([b'"/a?s"', b'"/a?s"']) == [b'"/a"', b'"/a"']
