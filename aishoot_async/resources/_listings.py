"""What all listings share: their options made into a `Pager`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from .. import codec
from ..calls import ApiClient
from ..errors import ConfigurationError
from ..models import MODELS, EnvelopePaths, PagingOptions
from ..paging import EndpointMemory, Listing, Pager, Plan

T = TypeVar("T")


def pager(
    caller: ApiClient,
    memory: EndpointMemory,
    path: str,
    *,
    model: type[Any],
    page_size: int | None,
    paging: PagingOptions,
    query: Mapping[str, str] | None = None,
    decode: Callable[[bytes], T] | None = None,
    template: str | None = None,
) -> Pager[T]:
    """Describe a listing.

    Args:
        caller: makes the calls.
        memory: what the session remembers of the endpoint.
        path: the path, percent-encoded.
        model: of its items, a key of `models.MODELS`.
        page_size: items a page; ``None`` asks for 100, and for 20 where the API refuses that.
        paging: see `PagingOptions`.
        query: what is asked besides the page.
        decode: makes an item of its JSON; ``None`` for one of the model.
        template: the path with its ids named; see `ApiClient.request`.

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
        spec=MODELS[model],
        query=query or {},
        decode=cast("Callable[[bytes], T]", codec.model_decoder(model)) if decode is None else decode,
        envelope=envelope,
        memory=memory,
    )
    return Pager(listing, plan)
