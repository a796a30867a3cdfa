"""Pure: what the answers to ``HEAD /upload`` and ``POST /upload`` say."""

import re
from typing import Any, Final, cast

from .. import jsontext
from ..errors import APIStatusError, UnexpectedResponseError
from ..transport import Response

# The answer is plain text, and a server that heeds what is asked for says 406 to whoever asks for JSON alone.
ACCEPT_UPLOAD: Final = "text/plain, application/json;q=0.9, */*;q=0.8"
ACCEPT_LOOK: Final = "*/*"
_MEMBERS: Final = ("contentHash", "content_hash", "hash", "identifier", "imageId", "id")
# In text without a name to it: a hash in hex or Base64, or an id of another form, but no word such as "OK".
_IDENTIFIER: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9+/_=.:~-]{8,512}")
_NAMED: Final = re.compile(r"[\x21-\x7e]{1,512}")
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_NOT_IMPLEMENTED: Final = 501


def cannot_tell(error: APIStatusError) -> bool:
    """Tell whether a look at a picture was refused as such: whether it can be uploaded is another question."""
    if error.status == _NOT_IMPLEMENTED:
        return True
    return 400 <= error.status < 500 and error.status not in {_UNAUTHORIZED, _TOO_MANY}  # noqa: PLR2004


def check_presence(response: Response) -> None:
    """Read a 2xx to a HEAD: it has no body to tell by, but a login page has a type.

    Raises:
        UnexpectedResponseError: it is a web page.
    """
    # Some servers call even nothing HTML.
    is_html = "html" in response.headers.get("Content-Type", "").lower()
    if is_html and response.headers.get("Content-Length") != "0":
        msg = "the answer is a web page: is there a proxy or a login page in between?"
        raise UnexpectedResponseError(msg)


def given_identifier(response: Response) -> str:
    """Read the answer to an upload: the identifier, as the service spells it.

    It is documented as plain text; a JSON string, a quoted text and an object that names it are read too. It need not
    be the SHA-256 of what was sent, in hex: it may be in Base64, or that of an image which the service has scaled.

    Raises:
        UnexpectedResponseError: it holds none.
    """
    body = response.body.removeprefix(b"\xef\xbb\xbf").strip()
    said, pattern = body.decode("latin-1"), _IDENTIFIER
    if body[:1] == b"{":
        said, pattern = _named(body), _NAMED
    elif len(body) > 1 and body[:1] == body[-1:] and body[:1] in {b'"', b"'"}:
        said = said[1:-1].strip().replace("\\/", "/")
    if pattern.fullmatch(said) is None:
        msg = "the answer to an upload must be the identifier of the picture, such as its SHA-256"
        raise UnexpectedResponseError(msg, body=response.body)
    return said


def _named(body: bytes) -> str:
    try:
        members = cast("dict[str, Any]", jsontext.value(body))
    except UnexpectedResponseError:
        return ""
    found = next((members[name] for name in _MEMBERS if members.get(name) is not None), "")
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
