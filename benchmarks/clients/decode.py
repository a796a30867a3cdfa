"""Decoders of the frozen page, without a network: every item is read, its id and three fields are touched."""

from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
import msgspec
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.json import make_converter

from aishoot_async import codec
from aishoot_async.models import BRIEF_RESULT, SKU
from aishoot_async.paging import EndpointMemory, Listing
from benchmarks.clients.rows import read, read_skus
from benchmarks.clients.task import Task, main
from benchmarks.page import ITEMS, RESULTS, SKUS


@attrs.frozen(kw_only=True)
class Result:
    id: str
    name: str
    status: str
    image_url: str
    sku_id: str | None = None
    pose: str | None = None
    width: int | None = None
    height: int | None = None
    is_favorite: bool | None = None


@attrs.frozen(kw_only=True)
class Sku:
    id: str
    name: str | None = None
    front_image: str | None = None
    back_image: str | None = None
    gender: str | None = None
    is_in_wardrobe: bool | None = None
    project_ids: tuple[int, ...] | None = None
    sku_category_name: str | None = None


class Slices(msgspec.Struct):
    entries: list[msgspec.Raw]


class ResultStruct(msgspec.Struct, rename="camel"):
    id: str
    name: str
    status: str
    image_url: str
    sku_id: str | None = None
    pose: str | None = None
    width: int | None = None
    height: int | None = None
    is_favorite: bool | None = None


class ResultStructs(msgspec.Struct):
    entries: list[ResultStruct]


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def cattrs_of(kind: type[Any], *, detailed: bool) -> Callable[[Task, bytes], int]:
    converter = make_converter(detailed_validation=detailed)
    renamed: dict[str, Any] = {field.name: override(rename=_camel(field.name)) for field in attrs.fields(kind)}
    converter.register_structure_hook(kind, make_dict_structure_fn(kind, converter, **renamed))
    touch = touch_results if kind is Result else touch_skus

    def decode(task: Task, body: bytes) -> int:
        items = converter.structure(msgspec.json.decode(body)["entries"], list[kind])  # type: ignore[valid-type]
        return touch(task, items)

    return decode


def touch_results(_task: Task, items: Any) -> int:
    for each in items:
        _ = (each.id, each.name, each.status, each.image_url)
    return len(items)


def touch_skus(_task: Task, items: Any) -> int:
    for each in items:
        _ = (each.id, each.name, each.front_image, each.is_in_wardrobe)
    return len(items)


def touch_records(_task: Task, items: Any) -> int:
    for each in items:
        _ = (each.id, each["name"], each["status"], each["imageUrl"])
    return len(items)


def opened(body: bytes, decode: Callable[[bytes], Any]) -> Any:
    """Read a page as a walk does, with its ids."""
    return listing(decode).open(body, 1).items


@cache
def listing(decode: Callable[[bytes], Any]) -> Listing[Any]:
    nobody: Any = None
    return Listing(
        caller=nobody,
        path="/",
        query={},
        decode=decode,
        spec=SKU if decode is codec.sku else BRIEF_RESULT,
        envelope=None,
        memory=EndpointMemory(),
    )


slices = msgspec.json.Decoder(Slices)
structs = msgspec.json.Decoder(ResultStructs)
four_fields = codec.result_decoder(("name", "status", "imageUrl"))
DECODERS: dict[str, tuple[bool, Callable[[Task, bytes], int]]] = {
    "slices": (False, lambda _, body: len(slices.decode(body).entries)),
    "structs": (False, lambda task, body: touch_results(task, structs.decode(body).entries)),
    "dicts": (False, lambda task, body: read(task, msgspec.json.decode(body)["entries"])),
    "cattrs": (False, cattrs_of(Result, detailed=True)),
    "cattrs plain": (False, cattrs_of(Result, detailed=False)),
    "ours raw": (False, lambda _, body: len(opened(body, codec.decoder(bytes)))),
    "ours untouched": (False, lambda _, body: len(opened(body, codec.brief_result))),
    "ours": (False, lambda task, body: touch_records(task, opened(body, codec.brief_result))),
    "ours fields": (False, lambda task, body: touch_records(task, opened(body, four_fields))),
    "SKUs: dicts": (True, lambda task, body: read_skus(task, msgspec.json.decode(body)["entries"])),
    "SKUs: cattrs": (True, cattrs_of(Sku, detailed=True)),
    "SKUs: ours": (True, lambda task, body: touch_skus(task, opened(body, codec.sku))),
}


def work(task: Task) -> int:
    are_skus, decode = DECODERS[task.options["decoder"]]
    body = b'{"entries":[%b],"total":100}' % (SKUS if are_skus else RESULTS).rows(0, ITEMS)
    return sum(decode(task, body) for _ in range(task.pages))


if __name__ == "__main__":
    main(work)
