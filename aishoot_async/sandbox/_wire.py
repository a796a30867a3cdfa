"""One call as it came, one answer as it will go, and the two forms in which the platform says no."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from attrs import field, frozen

JSON_TYPE: Final = "application/json"
_KEPT_NUMBER: Final = re.compile('"\ue000([-+.0-9eE]+)\ue000"')
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact(document: object) -> str:
    """Render JSON without spaces, and without escaping what UTF-8 can carry."""
    return _encode(document)


@frozen(kw_only=True)
class Call:
    """A request that was read to its end and recognised.

    `path` is the raw path as it came over the wire, without the query; `subject` is the id it names, percent-decoded
    exactly once; `token` is the bearer token; `base_url` is the origin the client used; `empty_page` is set by the
    fault of that name.
    """

    index: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    operation: str
    subject: str = ""
    token: str | None = field(default=None, repr=False)
    base_url: str = ""
    empty_page: bool = False

    @property
    def content_type(self) -> str:
        """The media type of the body, in lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


@frozen
class Answer:
    """A response before it is delivered; `content_type` None means that there is no body to speak of."""

    status: int
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    headers: Mapping[str, str] = field(factory=dict[str, str])

    @classmethod
    def json(cls, text: str, status: int = 200) -> "Answer":
        """Return an answer that holds rendered JSON."""
        return cls(status, text.encode())


class PlatformError(Exception):
    """Becomes the platform's (Spring Boot's) error body under an HTTP status."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """`message` is what a user of the API would read."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def answer(self, path: str, now: float) -> Answer:
        """Render `{"timestamp", "status", "error", "message", "path"}`; `now` is Unix time."""
        moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        document = {
            "timestamp": moment,
            "status": self.status,
            "error": reason(self.status),
            "message": self.message,
            "path": path,
        }
        return Answer(self.status, compact(document).encode(), headers=self.headers)


class LoginError(Exception):
    """Becomes an OAuth error body (RFC 6749, section 5.2)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        """`error` is the machine's word, `description` the human's."""
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description

    def answer(self) -> Answer:
        """Render `{"error", "error_description"}`."""
        return Answer(self.status, compact({"error": self.error, "error_description": self.description}).encode())


def reason(status: int) -> str:
    """Return the standard phrase of a status; of one that has none, a generic word."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def prettify(text: str) -> str:
    """Indent rendered JSON, keeping the digits of every number as they stand."""
    document: Any = json.loads(text, parse_float=lambda digits: f"\ue000{digits}\ue000")
    return _KEPT_NUMBER.sub(r"\1", json.dumps(document, ensure_ascii=False, indent=2))
