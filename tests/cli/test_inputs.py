"""What is read from files and stdin, with everything that can be wrong with it."""

import io
import json
import sys
from pathlib import Path

import pytest

from aishoot_async import RequestValidationError
from aishoot_async.cli._files import read_ids
from aishoot_async.cli._sku_fields import Fields

SKU = {"name": "Rock", "frontImage": "f"}
SAME = {"name": "Rock", "front_image": "f"}


@pytest.fixture
def stdin(monkeypatch):
    def holds(text):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))

    return holds


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_body_is_read_in_every_encoding_of_json(tmp_path, stdin, encoding):
    text = json.dumps({**SKU, "backImage": "裙"}, ensure_ascii=False).encode(encoding)
    (tmp_path / "sku.json").write_bytes(text)
    assert Fields(body=tmp_path / "sku.json").named() == {**SAME, "back_image": "裙"}
    stdin(text)
    assert Fields(body=Path("-")).named() == {**SAME, "back_image": "裙"}


def test_what_an_option_says_goes_before_the_body(stdin):
    stdin(json.dumps(SKU | {"gender": None}).encode())
    assert Fields(body=Path("-"), name="Hose").named() == {"name": "Hose", "front_image": "f", "gender": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "stdin holds no JSON"),
        (b"\xff\xff", "stdin holds no JSON"),
        (b'{"name": NaN}', "NaN is no number"),
        (b'{"name": -Infinity}', "-Infinity is no number"),
        (b'{"name": "a", "name": "b"}', "it names name 2 times"),
        (b'{"frontImage": "a", "front_image": "b"}', "front_image is there twice"),
        (b'{"frontimage": "a"}', "frontimage is no field of a SKU. Did you mean frontImage?"),
        (b'{"price": 3}', "price is no field of a SKU; there are backImage, frontImage, gender"),
        (b'{"id": "x"}', "id is no field of a SKU"),
        (b"[1]", "must hold a JSON object"),
        (b"null", "must hold a JSON object"),
        (b'{"name": ' + b"9" * 5000 + b"}", "stdin holds no JSON"),
        (b'{"name": ' + b"[" * 100_000, "stdin holds no JSON"),
    ],
)
def test_a_body_that_cannot_be_right_is_a_sentence(stdin, text, said):
    stdin(text)
    with pytest.raises(RequestValidationError) as caught:
        Fields(body=Path("-")).named()
    assert said in str(caught.value)
    assert caught.value.field == "body"


@pytest.mark.parametrize("place", ["/", "no-such-file", "a\0b"])
def test_a_file_that_is_not_there_is_a_sentence(place):
    with pytest.raises(RequestValidationError, match="cannot read"):
        Fields(body=Path(place)).named()


@pytest.mark.parametrize(
    ("given", "text", "ids"),
    [
        (["a", "b", "a"], None, ["a", "b"]),
        ([""], None, [""]),
        ([], b"a\nb\r\n\n\r\na", ["a", "b"]),
        (["c", "a"], b"a\n-\n", ["c", "a", "-"]),
        ([], b"\xef\xbb\xbfa\n", ["a"]),
        # A line ends at a line feed and nowhere else: of a hostile id, no other may be made.
        ([], b"a\rb\n a \nx\x00y\nu\xe2\x80\xa8v\n", ["a\rb", " a ", "x\0y", "u\u2028v"]),
        ([], b"\xff\n", ["\udcff"]),
    ],
)
def test_ids_are_taken_as_they_stand(stdin, given, text, ids):
    stdin(text or b"nobody reads this")
    assert read_ids(given, stdin=text is not None) == ids


@pytest.mark.parametrize("text", [None, b"", b"\n\r\n"])
def test_no_id_is_a_sentence(stdin, text):
    stdin(text or b"")
    with pytest.raises(RequestValidationError, match="at least one id"):
        read_ids([], stdin=text is not None)
