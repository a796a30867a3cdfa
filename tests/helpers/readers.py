"""Everything that reads what a server or a file says, and texts that are made to take long; run in a child process."""

import contextlib
import csv
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from multidict import CIMultiDict

from aishoot_async import AIShootError, Cursor, SkuCreate, UnexpectedResponseError, codec
from aishoot_async.auth import Secret, scrub_bytes, scrub_error, scrub_text
from aishoot_async.auth._document import UnreadableError, read_credentials
from aishoot_async.auth._wire import read_tokens
from aishoot_async.calls._hooks import redacted_headers
from aishoot_async.calls._responses import request_id, retry_after, status_error
from aishoot_async.cli._text import without_tokens
from aishoot_async.export.formats._csv import _cell
from aishoot_async.hooks._opentelemetry import redacted
from aishoot_async.jobs._success_files import _is_manifest
from aishoot_async.jobs._workspace import _suffix_of
from aishoot_async.jsontext import members, value
from aishoot_async.paging._envelope import open_envelope, open_response
from aishoot_async.picture import header_of
from aishoot_async.resources._answers import created, deleted
from aishoot_async.storage.destinations._object_store import _said
from aishoot_async.sync import _plan_file, read_catalog
from aishoot_async.sync._fields import matches_desired
from aishoot_async.sync._keys import clean_key, drifted_key, key_identity
from aishoot_async.sync._similarity import name_forms
from aishoot_async.sync._structure import cell_problem, row_problem
from aishoot_async.transport import Response
from aishoot_async.volatile import without_volatile

LENGTH = 96 * 1024
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRETS = [Secret("t0ken-" + "0123456789abcdef/+" * 4)]
FRAGMENTS = (
    *("\\", "\\u00", "\\x", "\\\\/", '\\"', "%", "%5c", "%25", "&", "&#", "&#9", "&amp;", "&#x", "&lt"),
    *('"', '"/', '"a:', '/"', '"?', '"/?', '":', "?", "#", " ", "\n", "\r", "\t", ",", ";", "'", "=", '="', "=a(", ")"),
    *("<", "<Code>", "</Code> ", "<Code></Code> ", "{", "[", '{"a":', "[[],", "0", "9", "1.", "0.0", "e9", "-", "x"),
    *("eyJ-", "eyJa.", "eyJ.", "Bearer ", "&sig=", "?Signature", "t0ken-", "t0ken-0123456789", "0123456789abcdef/+"),
    *("#a", "#a/", "###", "_", "\u200b", "\u0300", "é", "\ufeff", "\ud7ff", "\xff", "\xff\xd8\xff", "\xff\xe0\0\2"),
)
STARTS = ("", '"', '"/', '{"a": "', "&#", "=", "#a", "1.", "\xff\xd8", "eyJ", "<Code>")
ENDS = ("", "!", '"', '"}', ";", "x", "\\")


def hostile_texts(chance: random.Random, length: int = LENGTH) -> list[str]:
    """Repeat each fragment, alone and mixed with others, between each kind of start and end."""
    repeated = [fragment * length for fragment in FRAGMENTS]
    for _ in FRAGMENTS:
        one, other = chance.sample(FRAGMENTS, 2)
        times = chance.choice([1, 2, 100, length // 8])
        repeated.append((one * times + other) * (length // times))
    texts = []
    for body in repeated:
        for start, end in (("", "!"), (chance.choice(STARTS), chance.choice(ENDS))):
            texts.append(start + body[: length - len(start) - len(end)] + end)
    return list(dict.fromkeys(texts))


def hostile_json(chance: random.Random, length: int = LENGTH) -> list[str]:
    """Build JSON that is right, and long in one way: many members, deep, of few names, of many digits, of odd texts."""
    many = length // 8
    numbers, names = range(many // 2), [f"k{number}" for number in range(many // 2)]
    values: list[object] = [
        list(numbers),
        [{}] * many,
        [{"id": number} for number in numbers],
        [{"id": 0, "a": number} for number in numbers],
        dict.fromkeys(names, 1),
        {name: [] for name in names},
        {"error": dict.fromkeys(names, "text")},
        {"errors": [{"message": "text", "detail": name} for name in names[: many // 4]]},
        {"entries": [], **{name: {"total": 1} for name in names[: many // 4]}},
        {"data": [[[{"data": []}]]] * (many // 4)},
        {"total": many, "items": [{"id": "x"}] * (many // 2)},
        [dict.fromkeys(names[: many // 4])],
    ]
    texts = [json.dumps(value, separators=(",", ":")) for value in values]
    texts += ["[" * many + "]" * many, '{"a":' * 700 + "1" + "}" * 700, f"[{'1' * length}]", f"[0.{'1' * length}]"]
    texts += [f"[1e{'9' * length}]", "{" + ",".join(['"a":1'] * many) + "}"]
    for fragment in chance.sample(FRAGMENTS, 8):
        hostile = json.dumps(fragment * (length // len(fragment)))
        texts += [hostile, f'{{"message": {hostile}}}', f'[{{"id": {hostile}, "imageUrl": {hostile}}}]']
        texts += [
            f'{{"detail": {hostile}, "title": {hostile}, "type": "about:blank"}}',
            f'{{"access_token": {hostile}}}',
        ]
    return texts


def answer(text: str, status: int = 200) -> Response:
    return Response(status=status, reason=text, headers=CIMultiDict({"Location": text}), body=text.encode())


def failed(text: str) -> None:
    error = status_error(answer(text, 500), method="GET", path="/", now=NOW, secrets=SECRETS)
    assert len(error.body) <= 64 * 1024


def many_keys(text: str) -> None:
    error = UnexpectedResponseError(text, keys=[text[at : at + 4] for at in range(0, len(text), 4)])
    scrub_error(error, SECRETS)
    assert len(error.keys) <= 100


def headers(text: str) -> None:
    given = CIMultiDict({"X-Request-Id": text, "Retry-After": text})
    request_id(given, SECRETS)
    retry_after(given, NOW)
    redacted_headers(given, SECRETS)


def keys(text: str) -> None:
    key_identity(text)
    drifted_key(text)
    clean_key(text)


def cells(text: str) -> None:
    row_problem({"key": text, "name": text})
    for field in ("key", "name", "front_image"):
        cell_problem(field, text)


def catalog(suffix: str) -> Callable[[str], None]:
    def read(text: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"catalog{suffix}")
            file.write_bytes(b"key,name,frontImage\n" * (suffix == ".csv") + text.encode())
            read_catalog(file)

    return read


def rows(text: str) -> None:
    """Read a page that is all of one list, and what makes the items of it."""
    raws = open_envelope(text.encode()).items
    codec.telling_ids(codec.ids(raws, raws, codec.row_id), raws)
    for decode in (codec.sku, codec.brief_result):
        with refusals():
            codec.items(raws, decode, "")
    for raw in raws[:10]:
        codec.sku_row_id(raw)
        _cell(raw, ["a", "b"])


def page(text: str) -> None:
    given = CIMultiDict({"X-Total-Count": text, "Content-Length": "0"})
    open_response(Response(status=200, reason="", headers=given, body=b"[]"))
    open_envelope(text.encode())


def plan(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "plan.json")
        for content in (text, f'{{"format": {json.dumps(_plan_file._FORMAT)}, "version": 1, "entries": {text}}}'):
            file.write_text(content, encoding="utf-8", errors="replace")
            with refusals():
                _plan_file.read_plan(file)


def cursor(text: str) -> None:
    Cursor.parse(text)


def left_by_a_job(text: str) -> None:
    _is_manifest(text.encode())
    _suffix_of(text)


def catalog_of_many_rows(text: str) -> None:
    """Read a catalog that is right but for its cells, each of which is a part of the text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "catalog.csv")
        with file.open("w", encoding="utf-8", errors="replace", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["key", "name", "frontImage"])
            rows.writerows([text[at : at + 9], text[at : at + 5], "f"] for at in range(0, 32 * 1024, 9))
        read_catalog(file)


def images(text: str) -> None:
    matches_desired("front_image", "a" * 64, text)
    matches_desired("front_image", "some-identifier", text)
    name_forms(text)


READERS: dict[str, Callable[[str], object]] = {
    "an error body": failed,
    "a text without tokens": lambda text: scrub_text(text, SECRETS),
    "bytes without tokens": lambda text: scrub_bytes(text.encode(), SECRETS),
    "an answer of many keys": many_keys,
    "headers": headers,
    "what is volatile": lambda text: without_volatile(text.encode()),
    "a JSON value": lambda text: value(text.encode()),
    "a JSON object": lambda text: members(text.encode()),
    "an envelope": page,
    "the rows of a page": rows,
    "a cursor": cursor,
    "a plan": plan,
    "a manifest and a job": left_by_a_job,
    "the answer to a create": lambda text: created(answer(text), SkuCreate(name="n", front_image="f")),
    "the answer to a delete": lambda text: deleted(answer(text)),
    "tokens": lambda text: read_tokens(answer(text)),
    "a credential file": lambda text: read_credentials(text.encode()),
    "a picture": lambda text: header_of(text.encode("latin-1", "replace")),
    "keys": keys,
    "cells": cells,
    "images": images,
    "CSV": catalog(".csv"),
    "CSV of many rows": catalog_of_many_rows,
    "JSON Lines": catalog(".jsonl"),
    "what a store says": lambda text: _said(OSError(text)),
    "a traceback": without_tokens,
    "a URL": redacted,
}


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    with contextlib.suppress(AIShootError, UnreadableError):
        yield


def main(arguments: list[str]) -> None:
    if arguments == ["--large"]:
        for fragment in ("\\", "&#0", "%5c", "t0ken-0123456789", '{"a":'):
            failed(fragment * (64 * 1024 * 1024 // len(fragment)))
        return
    chance = random.Random(arguments[0])
    for text in hostile_texts(chance) + hostile_json(chance):
        with refusals():
            READERS[arguments[0]](text)


if __name__ == "__main__":
    main(sys.argv[1:])
