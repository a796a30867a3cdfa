"""The keyword arguments of `Sandbox(...)`, for type checkers. Meanings, units and defaults stand in `_settings`."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypedDict

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
    put_body: bool
    render_images: RenderImages
    omit_fields: Iterable[str]
    faults: Iterable[Fault]
    keep_requests: int
