"""Pure: the ``multipart/form-data`` body of an upload (RFC 7578), all but the picture's own bytes."""

import re
from typing import Final
from urllib.parse import quote

from ..transport import FileBody
from ._content import Content

# What ends a quoted value, a header or a part, or steers a terminal; a browser writes line breaks and quotes so, too.
_UNQUOTED: Final = re.compile(r'[\x00-\x1f"\\\x7f-\x9f]')
# Tomcat, which Spring runs on, refuses a part whose headers take more than 512 bytes.
_NAME_BYTES_AT_MOST: Final = 255


def file_stream(content: Content, name: str) -> FileBody:
    """Describe the body: ``filesize``, then ``file``."""
    # No file can be made to hold its own hash. (A boundary has 70 characters at most.)
    boundary = f"picture{content.identifier[:63]}"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="filesize"\r\n\r\n{content.size}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted(name)}"\r\n'
        f"Content-Type: {content.header.media_type}\r\n\r\n"
    )
    return FileBody(
        what=content.what,
        head=head.encode(),
        tail=f"\r\n--{boundary}--\r\n".encode(),
        size=content.size,
        digest=content.identifier,
        opening=content.opening,
        content_type=f"multipart/form-data; boundary={boundary}",
    )


def quoted(name: str) -> str:
    """Write a file's name so that no character of it can end the header; a long one keeps its end, with the suffix."""
    # A lone surrogate stands for a byte of a file's name that is no UTF-8.
    text = name.encode("utf-8", "replace").decode()
    parts = [_UNQUOTED.sub(lambda found: quote(found[0], safe=""), letter) for letter in text]
    size = sum(len(part.encode()) for part in parts)
    first = 0
    while size > _NAME_BYTES_AT_MOST:
        size -= len(parts[first].encode())
        first += 1
    return "".join(parts[first:])
