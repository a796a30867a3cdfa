"""Demo content: garments, and pictures' descriptions that look like what a shoot leaves behind.

Everything is a function of the seed and of a row's own serial number, never of the clock, the port or chance: two
sandboxes with one seed give the same bytes.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from aishoot_async.sandbox._wire import compact

_EPOCH: Final = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
_DEMO_SKUS_IN_RESULTS: Final = 12
_FABRICS: Final = ("Linen", "Merino", "Denim", "Corduroy", "Jersey", "Popeline", "Tüll", "Loden")
_COLOURS: Final = ("Écru", "Midnight", "Rosé", "Moss", "Gräulich", "Cobalt", "Żółty", "墨色")
_GARMENTS: Final = (
    ("Shirt", "top"),
    ("Trousers", "bottom"),
    ("Jumpsuit", "outfit"),
    ("Knee Socks", "socks"),
    ("Sneaker", "shoes"),
    ("Bucket Hat", "hats"),
)
_POSES: Final = ("standing", "walking", "sitting", "leaning", "turning")
_VIEWS: Final = ("front", "back", "three-quarter", "detail")
_STATUSES: Final = ("COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "APPROVED", "IN_REVIEW", "FAILED")
_MODELS: Final = ("Zoë", "Amélie", "Søren", "Noor", "Jürgen", "Mei 美")
_BACKDROPS: Final = ("#f4f1ec", "#ffffff", "#dfe6ea", "#20242b")
_TAGS: Final = ("studio", "daylight", "hero", "crop", "retouched", "campaign")


def _digest(*parts: object) -> bytes:
    return sha256("\x1f".join(map(str, parts)).encode()).digest()


def moment(minutes: int, milliseconds: int = 0) -> str:
    """Return an ISO 8601 date, so many minutes after the demo world began."""
    then = _EPOCH + timedelta(minutes=minutes, milliseconds=milliseconds)
    return then.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def sku_id(seed: int, serial: int) -> str:
    """Return the id of the SKU that was the `serial`-th to be made, such as `sku-0001-7f3a`."""
    return f"sku-{serial:04d}-{_digest(seed, 'sku', serial).hex()[:4]}"


def sku_fields(seed: int, serial: int) -> dict[str, Any]:
    """Return the body fields of a demo SKU."""
    bits = _digest(seed, "garment", serial)
    garment, category = _GARMENTS[(serial - 1) % len(_GARMENTS)]
    fabric, colour = _FABRICS[bits[0] % len(_FABRICS)], _COLOURS[bits[1] % len(_COLOURS)]
    return {
        "name": f"{fabric} {garment} – {colour}",  # noqa: RUF001 - beyond ASCII on purpose
        "frontImage": _digest(seed, "front", serial).hex(),
        "backImage": None if bits[2] % 4 == 0 else _digest(seed, "back", serial).hex(),
        "gender": (None, "male", "female", "female")[bits[3] % 4],
        "isInWardrobe": bits[4] % 3 == 0,
        "projectIds": sorted({1 + bits[5] % 5, 1 + bits[6] % 9})[: bits[7] % 3],
        "skuCategoryName": category,
    }


@lru_cache(maxsize=256)
def _shown_sku(seed: int, serial: int) -> tuple[str, str]:
    return sku_id(seed, serial), sku_fields(seed, serial)["name"]


def result_text(seed: int, brief: int, serial: int, *, integer_ids: bool) -> str:
    """Return the compact JSON of a brief's `serial`-th result ever made (about 600 bytes).

    It has what makes readers stumble: nulls, a number beyond 2**53, a decimal with a closing zero, names beyond ASCII.
    """
    bits = _digest(seed, "result", brief, serial)
    token = bits.hex()
    sku_serial = 1 + bits[0] % _DEMO_SKUS_IN_RESULTS
    shown_id, shown_name = _shown_sku(seed, sku_serial)
    minutes = serial * 7 + bits[1]
    failed = (status := _STATUSES[bits[2] % len(_STATUSES)]) == "FAILED"
    document = {
        "id": brief * 1_000_000_000 + serial if integer_ids else f"result-{brief}-{serial:06d}-{token[:6]}",
        "briefId": brief,
        "skuId": sku_serial if integer_ids else shown_id,
        "skuName": shown_name,
        "imageUrl": f"/images/{token}.png",
        "pose": _POSES[bits[3] % len(_POSES)],
        "view": _VIEWS[bits[4] % len(_VIEWS)],
        "status": status,
        "createdAt": moment(minutes, bits[5]),
        "updatedAt": moment(minutes + bits[6], bits[7]),
        "model": {
            "name": _MODELS[bits[8] % len(_MODELS)],
            "heightCm": 165 + bits[9] % 30,
            "hair": None if bits[10] % 3 else "short",
        },
        "settings": {
            "background": _BACKDROPS[bits[11] % len(_BACKDROPS)],
            "size": {"width": 1536, "height": 2048},
            "seed": 10**22 + int.from_bytes(bits[12:21], "big"),
        },
        "tags": [_TAGS[bits[21] % 6], _TAGS[bits[22] % 6]][: bits[23] % 3],
        "rating": None if bits[24] % 2 else 1 + bits[25] % 5,
        "comment": "Ärmel angeschnitten" if failed else None,
    }
    # Written by hand: a float would lose the closing zero that shows whether a reader keeps digits.
    return f'{compact(document)[:-1]},"cost":{bits[26] % 3}.{bits[27] % 10}0}}'
