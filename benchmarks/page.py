"""The page and the item that everything is measured on. Frozen: figures on other pages are other figures.

100 items a page, about 520 bytes each, a nested object and a key that no documentation names among them.
"""

import json
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


_PIECES: Final = [
    piece.encode() for piece in json.dumps([item(_MARK)] * ITEMS, separators=(",", ":"))[1:-1].split(_MARK)
]


def rows(first: int, count: int) -> bytes:
    """Render so many items of ids from ``first`` on, as they stand inside a list."""
    if count < ITEMS:
        made = [item(f"{number:010}") for number in range(first, first + count)]
        return json.dumps(made, separators=(",", ":"))[1:-1].encode()
    parts: list[bytes] = []
    for number, piece in enumerate(_PIECES[:-1], first):
        parts += (piece, b"%010d" % number)
    return b"".join([*parts, _PIECES[-1]])
