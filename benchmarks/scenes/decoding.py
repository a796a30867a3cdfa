"""Decoders alone, on the frozen page."""

from benchmarks.report import Report, Table, counted
from benchmarks.runs import Entrant, rotate, say

NAMES = {
    "slices": "msgspec, slices of bytes",
    "structs": "msgspec, Structs",
    "dicts": "msgspec, dicts",
    "pydantic": "pydantic",
    "cattrs": "cattrs to attrs, detailed",
    "cattrs plain": "cattrs to attrs, not detailed",
    "ours raw": "ours, raw",
    "ours untouched": "ours, no field touched",
    "ours": "ours, typed",
    "ours fields": "ours, typed, fields= of those that are read",
    "SKUs: dicts": "SKUs: msgspec, dicts",
    "SKUs: cattrs": "SKUs: cattrs to attrs, detailed",
    "SKUs: ours": "SKUs: ours, typed",
}


def run(items: int = 100_000, rounds: int = 3) -> Report:
    """Decode with everybody."""
    say("decoding")
    entrants = []
    for key in NAMES:
        is_peer = key == "pydantic"
        module, options = ("decode_pydantic", {}) if is_peer else ("decode", {"decoder": key})
        count = items // 5 if "cattrs" in key or is_peer else items
        entrants.append(
            Entrant(name=key, module=module, url="", items=count, is_peer=is_peer, task={"options": options})
        )
    runs = rotate(entrants, rounds)
    rows, figures = [], {}
    for key, name in NAMES.items():
        other = "SKUs: cattrs" if key.startswith("SKUs") else "cattrs"
        by_wall, by_cpu = (runs.ratio(key, other, by) for by in ("seconds", "cpu"))
        rows.append([name, runs.rate(key, 1e-3).show(0), by_wall.show(1), by_cpu.show(1)])
        figures |= {f"decode {key} ÷ cattrs by seconds": by_wall, f"decode {key} ÷ cattrs by cpu": by_cpu}
    about = (
        f"{counted(rounds)}; the id and three fields of every item are read. Ours keeps each item's exact JSON, "
        f"and recognises the envelope; the others are told of it."
    )
    head = ["", "thousand items/s", "÷ cattrs detailed", "by CPU"]
    return Report("Decoding alone", [Table(about, head, rows)], runs.as_json(), figures)
