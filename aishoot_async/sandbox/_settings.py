"""What a sandbox can be told, checked when it is told.

Three groups, each handed only to the part that needs it: `ListingSettings` to paging, `LoginSettings` to the OAuth
endpoints, `SandboxSettings` (which is both, and the rest) to the server.

The `…Options` are the keyword arguments of `Sandbox(...)`, for type checkers.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypedDict, get_args

from attrs import Attribute, field, frozen

from aishoot_async.sandbox._faults import Fault

Envelope = Literal["entries", "spring", "spring-page", "hal", "array", "nested", "single-list"]
PageBase = Literal[0, 1]
BelowBase = Literal["reject", "clamp", "empty"]
Oversize = Literal["cap", "reject"]
PastEnd = Literal["empty", "not-found", "repeat-last"]
TotalWord = Literal["exact", "missing", "page"]
LastWord = Literal["exact", "missing", "always", "never"]
SKU_FIELDS = ("name", "frontImage", "backImage", "gender", "isInWardrobe", "projectIds", "skuCategoryName")
IdFilter = Literal["substring", "exact"]
CreateBody = Literal["sku", "id", "location"]
RenderImages = Literal["identifier", "file", "url"]
LoginStatuses = Literal["rfc", "auth0"]
ExpiredDeviceError = Literal["expired_token", "invalid_grant"]


class ListingOptions(TypedDict, total=False):
    """How listings are paged and wrapped."""

    envelope: Envelope
    global_envelope: Envelope
    page_base: PageBase
    below_base: BelowBase
    max_page_size: int | None
    oversize: Oversize
    total: TotalWord | int
    last: LastWord
    past_end: PastEnd
    ignore_page: bool
    sku_id_filter: IdFilter


class LoginOptions(TypedDict, total=False):
    """How tokens are given out, how long they live, and what time it is."""

    require_auth: bool
    token_lifetime: float
    rotate_refresh_tokens: bool
    forbid_refresh_token_reuse: bool
    refresh_token_overlap: float
    device_interval: int
    device_expires_in: int
    auto_approve_after: int | None
    login_statuses: LoginStatuses
    expired_device_error: ExpiredDeviceError
    clock: Callable[[], float]


class SandboxOptions(ListingOptions, LoginOptions, total=False):
    """Every setting of a sandbox."""

    seed: int
    skus: int
    briefs: Mapping[int, int] | None
    database: str | os.PathLike[str]
    host: str
    port: int
    latency: float
    pretty: bool
    gzip: bool
    integer_ids: bool
    id_name: str
    create_body: CreateBody
    put_body: bool
    listing_lag: float
    render_images: RenderImages
    omit_fields: Iterable[str]
    faults: Iterable[Fault]
    keep_requests: int


Validator = Callable[[Any, "Attribute[Any]", Any], None]


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _one_of(literal: object) -> Validator:
    words = get_args(literal)

    def check(_instance: object, attribute: "Attribute[Any]", value: object) -> None:
        if value not in words or isinstance(value, bool):
            listed = ", ".join(repr(word) for word in words)
            raise ValueError(f"{attribute.name} must be one of {listed}, not {value!r}")

    return check


def _integer(least: int | None = None, *, optional: bool = False) -> Validator:
    def check(_instance: object, attribute: "Attribute[Any]", value: Any) -> None:
        if optional and value is None:
            return
        if not _is_int(value) or (least is not None and value < least):
            bound = "" if least is None else f" of at least {least}"
            raise ValueError(f"{attribute.name} must be an integer{bound}, not {value!r}")

    return check


def _seconds(_instance: object, attribute: "Attribute[Any]", value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} must be a finite number of seconds, 0 or more, not {value!r}")


def _boolean(_instance: object, attribute: "Attribute[Any]", value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{attribute.name} must be True or False, not {value!r}")  # noqa: TRY004 - one error type


def _brief_sizes(_instance: object, attribute: "Attribute[Any]", value: Mapping[Any, Any]) -> None:
    for brief, count in value.items():
        if not _is_int(brief) or not _is_int(count) or count < 0:
            raise ValueError(
                f"{attribute.name} must map integer brief ids to counts of 0 or more, not {brief!r}: {count!r}"
            )


def _total_word(_instance: object, attribute: "Attribute[Any]", value: object) -> None:
    if not _is_int(value) and value not in get_args(TotalWord):
        raise ValueError(f"{attribute.name} must be 'exact', 'missing', 'page' or an integer offset, not {value!r}")


def _all_faults(_instance: object, attribute: "Attribute[Any]", value: tuple[object, ...]) -> None:
    for fault in value:
        if not isinstance(fault, Fault):
            raise ValueError(f"{attribute.name} must hold Fault objects, not {fault!r}")  # noqa: TRY004 - one error type


def _sku_fields(_instance: object, attribute: "Attribute[Any]", value: tuple[str, ...]) -> None:
    for name in value:
        if name not in SKU_FIELDS:
            raise ValueError(f"{attribute.name} must hold names such as {', '.join(SKU_FIELDS)}, not {name!r}")


def _names(value: Iterable[str]) -> tuple[str, ...]:
    # One name is no list of its letters.
    return (value,) if isinstance(value, str) else tuple(value)


def _briefs_or_demo(value: Mapping[int, int] | None) -> dict[int, int]:
    return {1: 250} if value is None else dict(value)


def _path(value: str | os.PathLike[str]) -> str:
    return os.fspath(value)


def _wall_clock() -> float:
    return time.time()


@frozen(kw_only=True, slots=False)
class ListingSettings:
    """How listings are paged and wrapped. The API documents neither, so every plausible form can be had.

    `envelope`: the wrapping of SKU lists and brief results; `entries` is what the rest of the platform documents,
    `spring`, `spring-page` and `hal` are Spring's page forms (`number` counts from 0 there, whatever the page base;
    `hal` leaves `_embedded` out of an empty page, as Spring does), `array` has no total, `nested` is
    `{"data": {"rows", "count"}}`, `single-list` holds one list under another name and no total.
    `page_base`: number of the first page; `below_base`: what a page below it gets (400, the first page, no rows).
    `max_page_size` with `oversize`: a larger `pageSize` is silently capped, or refused with 400.
    `total`: the truth, left out, the page's own count, or the truth plus an offset (never below 0).
    `last`: the truth, left out, or a constant lie. `past_end`: no rows, 404, or the last page again.
    `ignore_page`: every page is the first one. `sku_id_filter`: whether `skuIdFilter` matches parts or whole ids.
    """

    envelope: Envelope = field(default="entries", validator=_one_of(Envelope))
    global_envelope: Envelope = field(default="array", validator=_one_of(Envelope))
    page_base: PageBase = field(default=1, validator=_one_of(PageBase))
    below_base: BelowBase = field(default="reject", validator=_one_of(BelowBase))
    max_page_size: int | None = field(default=None, validator=_integer(1, optional=True))
    oversize: Oversize = field(default="cap", validator=_one_of(Oversize))
    total: TotalWord | int = field(default="exact", validator=_total_word)
    last: LastWord = field(default="exact", validator=_one_of(LastWord))
    past_end: PastEnd = field(default="empty", validator=_one_of(PastEnd))
    ignore_page: bool = field(default=False, validator=_boolean)
    sku_id_filter: IdFilter = field(default="substring", validator=_one_of(IdFilter))


@frozen(kw_only=True, slots=False)
class LoginSettings:
    """How tokens are given out (OAuth 2.0 device grant, RFC 8628) and how long they live. All times are in seconds.

    `require_auth`: False takes calls without any token. `rotate_refresh_tokens`: a refresh answers with a new refresh
    token and kills the old one; `forbid_refresh_token_reuse`: using a killed one kills its whole family, which is what
    locks people out; `refresh_token_overlap`: for so long after its rotation a killed one is still taken.
    `device_interval`: the least time between two polls, else `slow_down`, which adds 5 (0: poll as you like).
    `auto_approve_after`: the poll that finds the login approved, without anybody calling `approve`.
    `login_statuses`: `rfc` answers OAuth errors with 400 (RFC 6749), `auth0` with 403 and 429 as Auth0 does.
    `expired_device_error`: RFC 8628's word for an expired device code, or the platform's. `clock`: Unix time; a test
    that sets its own needs no sleep.
    """

    require_auth: bool = field(default=True, validator=_boolean)
    token_lifetime: float = field(default=86_400.0, validator=_seconds)
    rotate_refresh_tokens: bool = field(default=False, validator=_boolean)
    forbid_refresh_token_reuse: bool = field(default=False, validator=_boolean)
    refresh_token_overlap: float = field(default=0.0, validator=_seconds)
    device_interval: int = field(default=5, validator=_integer(0))
    device_expires_in: int = field(default=900, validator=_integer(0))
    auto_approve_after: int | None = field(default=None, validator=_integer(1, optional=True))
    login_statuses: LoginStatuses = field(default="rfc", validator=_one_of(LoginStatuses))
    expired_device_error: ExpiredDeviceError = field(default="expired_token", validator=_one_of(ExpiredDeviceError))
    clock: Callable[[], float] = _wall_clock


@frozen(kw_only=True, slots=False)
class SandboxSettings(ListingSettings, LoginSettings):
    """Every setting of a sandbox; made by `Sandbox` from its keyword arguments.

    `seed`: what all content is derived from. `skus`: number of demo SKUs. `briefs`: brief id to number of results.
    `database`: a file, or `:memory:`; a file that already holds a sandbox keeps what it holds (`skus` and `briefs`
    fill new files only). `host`, `port`: where to listen; port 0 takes a free one. `latency`: seconds before each
    answer. `pretty`: indented JSON. `gzip`: compress JSON for clients that accept it. `integer_ids`: ids are JSON
    numbers. `id_name`: the name of a SKU's id on the wire. `create_body`: a create answers with the SKU, with its id
    alone, or with nothing but a `Location`. `put_body`: an update answers with the SKU (else with an empty body).
    `listing_lag`: seconds for which listings do not show a create or an update. `render_images`: answers show images
    as they were sent, as file names, or as URLs. `omit_fields`: the SKU body fields, by their names on the wire, that
    no answer shows. `faults`: the fault plan.
    `keep_requests`: how many of the latest requests stay recorded.

    Raises `ValueError`, with the setting's name, for anything it cannot use.
    """

    seed: int = field(default=0, validator=_integer())
    skus: int = field(default=12, validator=_integer(0))
    briefs: dict[int, int] = field(default=None, converter=_briefs_or_demo, validator=_brief_sizes)
    database: str = field(default=":memory:", converter=_path)
    host: str = "127.0.0.1"
    port: int = field(default=0, validator=_integer(0))
    latency: float = field(default=0.0, validator=_seconds)
    pretty: bool = field(default=False, validator=_boolean)
    gzip: bool = field(default=False, validator=_boolean)
    integer_ids: bool = field(default=False, validator=_boolean)
    id_name: str = "id"
    create_body: CreateBody = field(default="sku", validator=_one_of(CreateBody))
    put_body: bool = field(default=True, validator=_boolean)
    listing_lag: float = field(default=0.0, validator=_seconds)
    render_images: RenderImages = field(default="identifier", validator=_one_of(RenderImages))
    omit_fields: tuple[str, ...] = field(default=(), converter=_names, validator=_sku_fields)
    faults: tuple[Fault, ...] = field(default=(), converter=tuple[Fault, ...], validator=_all_faults)
    keep_requests: int = field(default=2_000, validator=_integer(1))
