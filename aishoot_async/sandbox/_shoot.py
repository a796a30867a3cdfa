"""The six operations of AI Shoot: call in, answer out."""

import re
from typing import Final
from urllib.parse import quote

from attrs import evolve

from aishoot_async.sandbox._listing import Listing, Window, asked_window, settled_window, told_last, told_total, wrap
from aishoot_async.sandbox._result_table import ResultTable
from aishoot_async.sandbox._settings import Envelope, SandboxSettings
from aishoot_async.sandbox._skus import SkuTable, complete_fields, read_object
from aishoot_async.sandbox._wire import Answer, Call, PlatformError, compact

_BRIEF_ID: Final = re.compile(r"-?[0-9]{1,18}")


class ShootEndpoints:
    """What AI Shoot does with a call."""

    def __init__(self, skus: SkuTable, results: ResultTable, settings: SandboxSettings) -> None:
        """Work on the sandbox's rows."""
        self._skus = skus
        self._results = results
        self._settings = settings

    def _listing(self, call: Call, envelope: Envelope, listing: Listing) -> Answer:
        if call.empty_page:
            listing = evolve(listing, rows=())
        return Answer.json(wrap(envelope, listing))

    def _page(self, call: Call, name: str, window: Window, total: int, rows: list[str]) -> Answer:
        settings = self._settings
        listing = Listing(
            name=name,
            rows=rows,
            index=window.index,
            size=window.size,
            total=told_total(total, len(rows), settings),
            last=told_last(window, total, settings),
        )
        return self._listing(call, settings.envelope, listing)

    def list_skus(self, call: Call) -> Answer:
        """`GET /ai-shoot/skus`: filtered, then paged, in order of creation."""
        asked = asked_window(call.query, self._settings)
        total = self._skus.count(call.query)
        window = settled_window(asked, total, self._settings)
        rows = [] if window.void else self._skus.page(call.query, window.offset, window.size)
        return self._page(call, "skus", window, total, rows)

    def list_global_skus(self, call: Call) -> Answer:
        """`GET /ai-shoot/skus/global`: all of them at once."""
        rows = self._skus.global_page()
        size = max(1, len(rows))
        listing = Listing(name="skus", rows=rows, index=0, size=size, total=len(rows), last=True)
        return self._listing(call, self._settings.global_envelope, listing)

    def create_sku(self, call: Call) -> Answer:
        """`POST /ai-shoot/skus`: 201, and the SKU, its id, or its address."""
        fields = complete_fields(read_object(call))
        sku_id, document = self._skus.add(fields, lag=self._settings.listing_lag)
        match self._settings.create_body:
            case "sku":
                return Answer.json(document, 201)
            case "id":
                return Answer.json(compact(self._skus.wire_id(sku_id)), 201)
            case "location":
                location = f"{call.base_url}/ai-shoot/skus/{quote(sku_id, safe='')}"
                return Answer(201, b"", None, {"Location": location})

    def update_sku(self, call: Call) -> Answer:
        """`PUT /ai-shoot/skus/{skuId}`: a full replacement."""
        fields = complete_fields(read_object(call))
        text = self._skus.replace(call.subject, fields, lag=self._settings.listing_lag)
        if text is None:
            raise PlatformError(404, f"SKU {call.subject} not found")
        return Answer.json(text) if self._settings.put_body else Answer(200, b"", None)

    def delete_sku(self, call: Call) -> Answer:
        """`DELETE /ai-shoot/skus/{skuId}`: 204, and 404 the second time."""
        if not self._skus.delete(call.subject):
            raise PlatformError(404, f"SKU {call.subject} not found")
        return Answer(204, b"", None)

    def brief_results(self, call: Call) -> Answer:
        """`GET /ai-shoot/briefs/{briefId}/results`: paged, in a fixed order."""
        if not _BRIEF_ID.fullmatch(call.subject):
            raise PlatformError(400, f"Failed to convert 'briefId' with value: '{call.subject}'")
        brief = int(call.subject)
        asked = asked_window(call.query, self._settings)
        try:
            total = self._results.total(brief)
        except KeyError:
            raise PlatformError(404, f"Brief {brief} not found") from None
        window = settled_window(asked, total, self._settings)
        rows = [] if window.void else self._results.page(brief, window.offset, window.size)
        return self._page(call, "results", window, total, rows)
