"""No password of a URL that is refused as a destination is shown."""

import pytest

from aishoot_async import RequestValidationError
from aishoot_async.storage.destinations import parse_destination


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter2@host/folder",
        "https://host/folder?sig=hunter2",
        "s3:/me:hunter2@bucket/r",
        "s3:me:hunter2@bucket",
        "s3://me:hunter2@bucket/r",
        "s3://me:hunter2@bucket\0",
        "gs://me:hunter2@bucket/\ud800",
        "az://me:hunter2@account/r",
        "postgresql://me:hun/ter2:hunter2@host/db ",
        "ftp://hunter2@host/\n",
        "me:hunter2@host://r",
    ],
)
def test_a_refused_destination_shows_no_password(text: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        parse_destination(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["https://host/a@b", "ftp://host/r", "nfs://host/r"])
def test_a_refused_destination_is_named(text: str) -> None:
    with pytest.raises(RequestValidationError, match=text.partition("@")[2] or text):
        parse_destination(text)
