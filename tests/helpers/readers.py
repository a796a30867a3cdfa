"""Everything that reads what a server or a file says, and texts that are made to take long; run in a child process."""

import contextlib
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from multidict import CIMultiDict

from aishoot_async import AIShootError, SkuCreate, UnexpectedResponseError
from aishoot_async.auth import Secret, scrub_bytes, scrub_error, scrub_text
from aishoot_async.auth._document import UnreadableError, read_credentials
from aishoot_async.auth._wire import read_tokens
from aishoot_async.calls._answers import request_id, retry_after, status_error
from aishoot_async.calls._hooks import shown_headers
from aishoot_async.cli._text import without_tokens
from aishoot_async.export._stores import _said
from aishoot_async.hooks._opentelemetry import redacted
from aishoot_async.jsontext import members, value
from aishoot_async.paging._envelope import open_envelope
from aishoot_async.picture import header_of
from aishoot_async.resources._answers import created, deleted
from aishoot_async.sync import read_catalog
from aishoot_async.sync._alike import name_forms
from aishoot_async.sync._fields import same
from aishoot_async.sync._keys import clean_key, drifted_key, key_identity
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
    shown_headers(given, SECRETS)


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


def images(text: str) -> None:
    same("front_image", "a" * 64, text)
    same("front_image", "some-identifier", text)
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
    "an envelope": lambda text: open_envelope(text.encode()),
    "the answer to a create": lambda text: created(answer(text), SkuCreate(name="n", front_image="f")),
    "the answer to a delete": lambda text: deleted(answer(text)),
    "tokens": lambda text: read_tokens(answer(text)),
    "a credential file": lambda text: read_credentials(text.encode()),
    "a picture": lambda text: header_of(text.encode("latin-1", "replace")),
    "keys": keys,
    "cells": cells,
    "images": images,
    "CSV": catalog(".csv"),
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
    for text in hostile_texts(random.Random(arguments[0])):
        with refusals():
            READERS[arguments[0]](text)


if __name__ == "__main__":
    main(sys.argv[1:])
