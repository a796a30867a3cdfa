"""SKUs: https://api.autoretouch.com, "AI Shoot": list, list global, create, update and delete."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, Unpack, overload

from .. import codec
from ..calls import ApiClient, CallOptions
from ..errors import NotFoundError, PagingError
from ..models import PagingOptions, Sku, SkuChanges, SkuCreate, SkuUpdate, check_changes
from ..paging import EndpointMemory, Pager, open_whole
from ..validation import check_body, check_seconds, check_text, path_segment
from . import _answers
from ._listings import pager

U = TypeVar("U")
PATH: Final = "/ai-shoot/skus"
ONE: Final = f"{PATH}/{{skuId}}"


class SkuResource:
    """``session.skus``."""

    def __init__(self, caller: ApiClient) -> None:
        """Belong to a session."""
        self._caller = caller
        self._memory = EndpointMemory()

    @overload
    def list(
        self,
        *,
        page_size: int | None = None,
        project_filter: str | None = None,
        sku_id_filter: str | None = None,
        into: None = None,
        **paging: Unpack[PagingOptions],
    ) -> Pager[Sku]: ...
    @overload
    def list(
        self,
        *,
        page_size: int | None = None,
        project_filter: str | None = None,
        sku_id_filter: str | None = None,
        into: type[U] | Callable[[bytes], U],
        **paging: Unpack[PagingOptions],
    ) -> Pager[U]: ...
    def list(
        self,
        *,
        page_size: int | None = None,
        project_filter: str | None = None,
        sku_id_filter: str | None = None,
        into: type[Any] | Callable[[bytes], Any] | None = None,
        **paging: Unpack[PagingOptions],
    ) -> Pager[Any]:
        """List the organization's SKUs, page by page: ``GET /ai-shoot/skus``.

        Args:
            page_size: SKUs a page; ``None`` asks for 100, and for 20 where the API refuses that.
            project_filter: sent as it is; whether the service matches exactly is not documented.
            sku_id_filter: likewise.
            into: gives each SKU as another type, structured by cattrs, or through a callable that takes its JSON.
            paging: see `PagingOptions`.

        Raises:
            ConfigurationError: an option cannot work.
            RequestValidationError: a filter is no string.
        """
        query = {
            **_filter("project_filter", "projectFilter", project_filter),
            **_filter("sku_id_filter", "skuIdFilter", sku_id_filter),
        }
        return pager(
            self._caller,
            self._memory,
            PATH,
            model=Sku,
            query=query,
            decode=None if into is None else codec.decoder(into),
            page_size=page_size,
            paging=paging,
        )

    async def list_global(self) -> Sequence[Sku]:
        """List the organization's globally available SKUs: ``GET /ai-shoot/skus/global``, which has no pages.

        Raises:
            AIShootError: as every call does.
            UnexpectedResponseError: also when the answer names a larger total than it holds.
        """
        return await self._caller.request("GET", f"{PATH}/global", lambda response: open_whole(response, codec.sku))

    async def get(self, sku_id: str, *, patience: float = 0.0) -> Sku:
        """Read one SKU. The API has no such operation: it lists with ``skuIdFilter``, and matches the id exactly.

        Args:
            sku_id: the SKU.
            patience: seconds for which an outage is ridden out, as for listings (`PagingOptions`).

        Raises:
            AIShootError: as every call does.
            ConfigurationError: ``patience`` cannot work.
            NotFoundError: there is none of that id (``synthetic=True``).
            RequestValidationError: the id cannot be one.
        """
        path = f"{PATH}/{path_segment('sku_id', sku_id)}"
        # The first page alone tells, most often: neither the page base nor the end of the list matters then.
        first = 1 if self._memory.base is None else self._memory.base
        with contextlib.suppress(NotFoundError, PagingError):  # what page 1 can come to where pages count from 0
            for found in (await self.list(sku_id_filter=sku_id, start=first, patience=patience)).items:
                if found.id == sku_id:
                    return found
        async with self.list(sku_id_filter=sku_id, prefetch=1, patience=patience).walk() as walk:
            async for found in walk:
                if found.id == sku_id:
                    return found
        raise NotFoundError(404, method="GET", path=path, message=f"no SKU has the id {sku_id!r}", synthetic=True)

    async def create(self, sku: SkuCreate, *, patience: float = 0.0) -> Sku:
        """Create a SKU: ``POST /ai-shoot/skus``. It is never sent twice, unless the first cannot have arrived.

        Args:
            sku: what to create.
            patience: seconds for which an outage is ridden out, as far as it is known that nothing was sent.

        Returns:
            The SKU as the service gave it; what it left out is filled in from the request.

        Raises:
            AIShootError: as every call does.
            AmbiguousWriteError: the SKU may or may not have been created.
            ConfigurationError: ``patience`` cannot work.
            RequestValidationError: this is no `SkuCreate`.
        """
        check_body(sku, SkuCreate)
        return await self._caller.request(
            "POST",
            PATH,
            lambda response: _answers.created(response, sku),
            body=codec.encode_body(sku),
            options=_patient(patience),
        )

    async def update(self, sku_id: str, sku: SkuUpdate, *, patience: float = 0.0) -> Sku:
        """Replace a SKU: ``PUT /ai-shoot/skus/{skuId}``. What ``sku`` leaves out is reset; see `edit` for less.

        Args:
            sku_id: the SKU.
            sku: all that it is to be.
            patience: seconds for which an outage is ridden out.

        Returns:
            The SKU as the service gave it; where it answers without a body, as requested, with ``raw == b""``.

        Raises:
            AIShootError: as every call does.
            ConfigurationError: ``patience`` cannot work.
            NotFoundError: there is none of that id.
            RequestValidationError: the id cannot be one, or this is no `SkuUpdate`.
        """
        path = f"{PATH}/{path_segment('sku_id', sku_id)}"
        check_body(sku, SkuUpdate)
        return await self._caller.request(
            "PUT",
            path,
            lambda response: _answers.updated(response, sku_id, sku),
            template=ONE,
            body=codec.encode_body(sku),
            options=_patient(patience),
        )

    async def edit(self, sku_id: str, *, patience: float = 0.0, **changes: Unpack[SkuChanges]) -> Sku:
        """Change the named fields of a SKU and no other: read it, and replace the whole.

        Whoever writes between the two is overwritten: the API has no ETag. A field that the service does not list
        cannot be carried over.

        Args:
            sku_id: the SKU.
            patience: seconds for which an outage is ridden out.
            changes: what is to be otherwise.

        Raises:
            AIShootError: as every call does.
            ConfigurationError: ``patience`` cannot work.
            NotFoundError: there is none of that id.
            RequestValidationError: a change cannot be right, or a field cannot be carried over (`SkuUpdate.from_sku`).
        """
        check_changes(changes)
        found = await self.get(sku_id, patience=patience)
        update = SkuUpdate.from_sku(found, **changes)
        return await self.update(sku_id, update, patience=patience) if changes else found

    async def delete(self, sku_id: str, *, patience: float = 0.0) -> None:
        """Delete a SKU: ``DELETE /ai-shoot/skus/{skuId}``.

        Args:
            sku_id: the SKU.
            patience: seconds for which an outage is ridden out.

        Raises:
            AIShootError: as every call does.
            ConfigurationError: ``patience`` cannot work.
            NotFoundError: there is none of that id.
            RequestValidationError: the id cannot be one.
        """
        path = f"{PATH}/{path_segment('sku_id', sku_id)}"
        await self._caller.request("DELETE", path, _answers.deleted, template=ONE, options=_patient(patience))


def _patient(patience: object) -> CallOptions:
    return CallOptions(patience=check_seconds("patience", patience))


def _filter(field: str, wire: str, value: object) -> dict[str, str]:
    return {} if value is None else {wire: check_text(field, value)}
