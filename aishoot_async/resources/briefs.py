"""Briefs: https://api.autoretouch.com, "AI Shoot", "Brief results"."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, Unpack, overload

from .. import codec
from ..calls import ApiClient
from ..models import BriefResult, PagingOptions
from ..paging import EndpointMemory, Pager
from ..validation import check_brief_id
from ._listings import pager

U = TypeVar("U")
PATH: Final = "/ai-shoot/briefs"
RESULTS: Final = f"{PATH}/{{briefId}}/results"


class BriefResource:
    """``session.briefs``."""

    def __init__(self, caller: ApiClient) -> None:
        """Belong to a session."""
        self._caller = caller
        self._memory = EndpointMemory()

    @overload
    def results(
        self, brief_id: int, *, page_size: int | None = None, into: None = None, **paging: Unpack[PagingOptions]
    ) -> Pager[BriefResult]: ...
    @overload
    def results(
        self,
        brief_id: int,
        *,
        page_size: int | None = None,
        into: type[U] | Callable[[bytes], U],
        **paging: Unpack[PagingOptions],
    ) -> Pager[U]: ...
    def results(
        self,
        brief_id: int,
        *,
        page_size: int | None = None,
        into: type[Any] | Callable[[bytes], Any] | None = None,
        **paging: Unpack[PagingOptions],
    ) -> Pager[Any]:
        """List all results of a brief, page by page: ``GET /ai-shoot/briefs/{briefId}/results``.

        Args:
            brief_id: the brief.
            page_size: results a page; ``None`` asks for 100, and for 20 where the API refuses that.
            into: gives each result as another type, structured by cattrs, or through a callable that takes its JSON.
            paging: see `PagingOptions`.

        Raises:
            ConfigurationError: an option cannot work.
            RequestValidationError: ``brief_id`` is no integer.
        """
        check_brief_id(brief_id)
        decode = codec.brief_result if into is None else codec.decoder(into)
        path = f"{PATH}/{brief_id}/results"
        return pager(
            self._caller,
            self._memory,
            path,
            template=RESULTS,
            query={},
            decode=decode,
            identify=codec.row_id,
            has_documented_ids=False,
            page_size=page_size,
            paging=paging,
        )
