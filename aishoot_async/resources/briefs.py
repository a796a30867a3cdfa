"""Briefs: https://api.autoretouch.com, "AI Shoot", "Brief results"."""

from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar, Unpack, overload

from .. import codec
from ..calls import ApiClient
from ..errors import ConfigurationError
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
        self,
        brief_id: int,
        *,
        page_size: int | None = None,
        fields: Collection[str] | None = None,
        into: None = None,
        **paging: Unpack[PagingOptions],
    ) -> Pager[BriefResult]: ...
    @overload
    def results(
        self,
        brief_id: int,
        *,
        page_size: int | None = None,
        fields: None = None,
        into: type[U] | Callable[[bytes], U],
        **paging: Unpack[PagingOptions],
    ) -> Pager[U]: ...
    def results(
        self,
        brief_id: int,
        *,
        page_size: int | None = None,
        fields: Collection[str] | None = None,
        into: type[Any] | Callable[[bytes], Any] | None = None,
        **paging: Unpack[PagingOptions],
    ) -> Pager[Any]:
        """List all results of a brief, page by page: ``GET /ai-shoot/briefs/{briefId}/results``.

        Args:
            brief_id: the brief.
            page_size: results a page; ``None`` asks for 100, and for 20 where the API refuses that.
            fields: the members to decode, and ``id``: the others raise `KeyError`, and ``raw`` and ``extra`` still hold
                everything. ``None`` decodes all members, which takes longer.
            into: gives each result as another type, structured by cattrs, or through a callable that takes its JSON.
            paging: see `PagingOptions`.

        Raises:
            ConfigurationError: an option cannot work.
            RequestValidationError: ``brief_id`` is no integer.
        """
        check_brief_id(brief_id)
        decode: Callable[[bytes], Any] | None = None
        if fields is not None:
            if into is not None:
                msg = "fields and into cannot go together: into is given all of an item's JSON; leave one of them out"
                raise ConfigurationError(msg)
            decode = codec.result_decoder(fields)
        elif into is not None:
            decode = codec.decoder(into)
        path = f"{PATH}/{brief_id}/results"
        return pager(
            self._caller,
            self._memory,
            path,
            template=RESULTS,
            model=BriefResult,
            decode=decode,
            page_size=page_size,
            paging=paging,
        )
