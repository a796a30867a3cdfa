"""The page and the item that everything is measured on. Frozen: figures on other pages are other figures.

100 items a page, about 520 bytes each, a nested object and a key that no documentation names among them.
"""

import json
from collections.abc import Callable
from typing import Final

ITEMS: Final = 100
_MARK: Final = "@@@@@@@@@@"


def item(identifier: str) -> dict[str, object]:
    """Make an item; only its id differs from others."""
    return {
        "id": identifier,
        "skuId": "sku-4711-a93f",
        "name": "Linen dress, long, with a belt of the same cloth",
        "status": "FINISHED",
        "imageUrl": "https://images.autoretouch.example/results/2026/11/25/4711-a93f-front-standing-01.jpg",
        "pose": "front-standing",
        "createdAt": "2026-11-25T09:30:00.123456Z",
        "reviewedAt": None,
        "width": 2400,
        "height": 3600,
        "isFavorite": False,
        "model": {"name": "Ada", "heightCm": 178, "hair": "brown"},
        "retouch": {"seed": 8402347100234, "strength": 0.85, "steps": ["background", "shadow", "crop"]},
        "internalTrace": "b7d2c1e0-4a52-4c3e-9f10-2f6c1d0b9e77",
    }


def sku(identifier: str) -> dict[str, object]:
    """Make a SKU with every documented field, padded by what is not documented to the size of the other item."""
    return {
        "id": identifier,
        "name": "Linen dress, long, with a belt of the same cloth",
        "frontImage": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "backImage": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        "gender": "female",
        "isInWardrobe": True,
        "projectIds": [17, 4711],
        "skuCategoryName": "outfit",
        "createdAt": "2026-11-25T09:30:00.123456Z",
        "model": {"name": "Ada", "heightCm": 178, "hair": "brown"},
        "internalTrace": "b7d2c1e0-4a52-4c3e-9f10-2f6c1d0b9e77",
    }


class Rendered:
    """Items as they stand inside a list, of any ids, rendered from pieces."""

    def __init__(self, make: Callable[[str], dict[str, object]]) -> None:
        self._make = make
        whole = json.dumps([make(_MARK)] * ITEMS, separators=(",", ":"))[1:-1]
        self._pieces = [piece.encode() for piece in whole.split(_MARK)]

    def rows(self, first: int, count: int) -> bytes:
        """Render so many items of ids from ``first`` on."""
        if count < ITEMS:
            made = [self._make(f"{number:010}") for number in range(first, first + count)]
            return json.dumps(made, separators=(",", ":"))[1:-1].encode()
        parts: list[bytes] = []
        for number, piece in enumerate(self._pieces[:-1], first):
            parts += (piece, b"%010d" % number)
        return b"".join([*parts, self._pieces[-1]])


RESULTS: Final = Rendered(item)
SKUS: Final = Rendered(sku)
