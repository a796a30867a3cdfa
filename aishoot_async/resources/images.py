"""Images: https://api.autoretouch.com, "Upload": where the identifier of a SKU's picture comes from."""

import asyncio
import os
import re
from collections.abc import AsyncIterable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ..calls import ApiClient, CallOptions, closed_error
from ..concurrency import SingleFlight
from ..errors import (
    APIStatusError,
    ConfigurationError,
    NotFoundError,
    RequestValidationError,
    TransportError,
    UnexpectedResponseError,
)
from ..transport import Response
from ..validation import check_opaque_id, check_text, is_opaque_id
from ._upload_answers import ACCEPT_LOOK, ACCEPT_UPLOAD, cannot_tell, check_presence, given_identifier

if TYPE_CHECKING:
    from ._content import Content

Image = str | os.PathLike[str] | bytes | bytearray | memoryview | AsyncIterable[bytes]
PATH: Final = "/upload"
# Files that are read at once: more would only disturb each other.
_READ_AT_ONCE: Final = 8
_HASH: Final = "[0-9a-f]{64}"


class ImageResource:
    """``session.images``."""

    def __init__(self, caller: ApiClient, organization: str | None) -> None:
        """Belong to a session."""
        self._caller = caller
        self._organization = organization
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)
        self._uploads: SingleFlight[str, str] = SingleFlight(closed_error, cancel_abandoned=True)

    @property
    def organization(self) -> str:
        """The organization that the images belong to.

        Raises:
            ConfigurationError: none is named, or by what no id can be.
        """
        if self._organization is None:
            msg = (
                "images belong to an organization: name it with organization= (on the command line: --organization), "
                "or in AUTORETOUCH_ORGANIZATION_ID"
            )
            raise ConfigurationError(msg)
        if not is_opaque_id(self._organization):
            msg = f"organization (or AUTORETOUCH_ORGANIZATION_ID) cannot be an id: {self._organization!r}"
            raise ConfigurationError(msg)
        return self._organization

    async def exists(self, identifier: str, *, patience: float = 0.0) -> bool:
        """Tell whether the organization has an image: ``HEAD /upload``.

        Args:
            identifier: what `upload` gave, and what stands in a SKU's ``front_image``.
            patience: seconds for which an outage is ridden out.

        Raises:
            AIShootError: as every call does.
            ConfigurationError: no organization is named.
            RequestValidationError: no image can have that identifier.
        """
        check_opaque_id("identifier", identifier)
        return await self._ask(identifier, CallOptions(patience=patience, accept=ACCEPT_LOOK))

    async def upload(
        self, image: Image, *, name: str | None = None, identifier: str | None = None, patience: float = 0.0
    ) -> str:
        """Upload an image, unless it is there: ``HEAD /upload``, then ``POST /upload``.

        An image is named by its bytes, so that to upload it twice changes nothing: an upload whose answer is lost is
        looked up, and sent again if it is not there. The same bytes are sent once, however many tasks upload them.
        A large image on a slow line is not late as long as it moves: the time in which the service takes its bytes
        does not count for ``Timeouts.call``.

        Args:
            image: a path, the bytes, or an async iterable of bytes (kept in a temporary file meanwhile). JPEG, PNG,
                TIFF or WebP, of at most 10,000 x 10,000 pixels.
            name: a file name for the service; ``None`` for the path's.
            identifier: what the identifier is, where the caller knows it: then nothing is hashed, and nothing is read
                of an image that is there. Other bytes than those are not uploaded.
            patience: seconds for which an outage is ridden out.

        Returns:
            The identifier, as the service spells it: most often the SHA-256 of the bytes, in hex.

        Raises:
            AIShootError: as every call does; never an `AmbiguousWriteError`, as an upload can be repeated.
            ConfigurationError: no organization is named.
            RequestValidationError: it cannot be read, is no image that the service takes, or was changed meanwhile.
            UnexpectedResponseError: also when the service's answer holds no identifier.
        """
        from ._content import read_content  # noqa: PLC0415  # most sessions upload nothing

        organization = self.organization
        _check_name(name)
        _check_hash(identifier)
        self._caller.lifecycle.check()
        content = await read_content(image, identifier, self._reading)
        if name is None and isinstance(image, str | os.PathLike):
            name = os.path.basename(os.fsdecode(image))  # noqa: PTH119  # a Path would refuse none, and cost more
        name = name or f"image{content.header.suffix}"
        return await self._share(content, lambda: self._send(organization, content, name, patience))

    async def _share(self, content: "Content", send: Callable[[], Coroutine[Any, Any, str]]) -> str:
        """Send it, or wait for another task that sends the same; close it; return what the service calls it."""
        is_begun = False

        def begin() -> "asyncio.Task[str]":
            nonlocal is_begun
            # A task of the session: it outlasts a cancelled caller while others wait for it.
            task = self._caller.lifecycle.spawn(send())
            is_begun = True
            task.add_done_callback(lambda _: content.close())
            return task

        try:
            while True:
                try:
                    return await self._uploads.run(content.identifier, begin)
                except RequestValidationError:
                    # Another's file may have gone or changed; this one has not.
                    if is_begun:
                        raise
        finally:
            if not is_begun:
                content.close()

    async def _send(self, organization: str, content: "Content", name: str, patience: float) -> str:
        from ._multipart import file_stream  # noqa: PLC0415  # as above

        identifier = content.identifier
        try:
            if await self._ask(identifier, CallOptions(patience=patience, accept=ACCEPT_LOOK)):
                return identifier
        except APIStatusError as error:
            if not cannot_tell(error):
                raise
        return await self._caller.request(
            "POST",
            PATH,
            given_identifier,
            query=f"organization={quote(organization, safe='')}",
            body=file_stream(content, name),
            options=CallOptions(patience=patience, verify_applied=lambda: self._look(identifier), accept=ACCEPT_UPLOAD),
        )

    async def _ask(self, identifier: str, options: CallOptions) -> bool:
        query = f"contentHash={quote(identifier, safe='')}&organization={quote(self.organization, safe='')}"
        try:
            await self._caller.request("HEAD", PATH, check_presence, query=query, options=options)
        except NotFoundError:
            return False
        return True

    async def _look(self, identifier: str) -> Response | None:
        """Tell what the service did with an upload that it may or may not have had."""
        try:
            if not await self._ask(identifier, CallOptions(attempts=1, accept=ACCEPT_LOOK)):
                return None
        except (TransportError, APIStatusError, UnexpectedResponseError):
            return None
        return Response(status=200, reason="", headers={}, body=identifier.encode())


def _check_name(name: object) -> None:
    if name is not None and not check_text("name", name):
        msg = "name must not be empty"
        raise RequestValidationError(msg, field="name")


def _check_hash(identifier: object) -> None:
    if identifier is not None and not (isinstance(identifier, str) and re.fullmatch(_HASH, identifier)):
        msg = f"identifier must be a SHA-256 in lower-case hex, not {identifier!r}"
        raise RequestValidationError(msg, field="identifier")
