"""What both listings share: their options made into a `Pager`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..calls import ApiClient
from ..errors import ConfigurationError
from ..models import EnvelopePaths, PagingOptions
from ..paging import EndpointMemory, Listing, Pager, Plan

T = TypeVar("T")


def pager(
    caller: ApiClient,
    memory: EndpointMemory,
    path: str,
    *,
    query: Mapping[str, str],
    decode: Callable[[bytes], T],
    identify: Callable[[bytes], str | None],
    page_size: int | None,
    paging: PagingOptions,
    template: str | None = None,
    has_documented_ids: bool = True,
) -> Pager[T]:
    """Describe a listing.

    Raises:
        ConfigurationError: an option is unknown, or cannot work.
    """
    options: dict[str, Any] = {
        "start": None,
        "prefetch": 8,
        "strict": False,
        "on_drift": "warn",
        "envelope": None,
        **paging,
    }
    envelope = options.pop("envelope")
    if envelope is not None and not isinstance(envelope, EnvelopePaths):
        msg = f"envelope must be an EnvelopePaths, not {envelope!r}"
        raise ConfigurationError(msg)
    try:
        plan = Plan(page_size=page_size, **options)
    except TypeError as error:
        unknown = ", ".join(sorted(set(options) - PagingOptions.__annotations__.keys()))
        raise ConfigurationError(f"a listing has no option {unknown}") from error
    listing = Listing(
        caller=caller,
        path=path,
        template=template,
        has_documented_ids=has_documented_ids,
        query=query,
        decode=decode,
        identify=identify,
        envelope=envelope,
        memory=memory,
    )
    return Pager(listing, plan)
