"""A service that is none of ours: integer ids, nulls, `_embedded`, terse answers to writes, pretty-printed JSON."""

import itertools

import pytest
from aiohttp import web

from aishoot_async import (
    AmbiguousWriteError,
    Gender,
    RequestValidationError,
    SkuCreate,
    SkuUpdate,
    UnexpectedResponseError,
)
from aishoot_async.export import export_results
from helpers.sku_service import SkuService

pytestmark = pytest.mark.anyio

ROW = '{\n      "id": 7,\n      "price": 12345678901234567890123,\n      "ratio": 1.50,\n      "note": null\n    }'


def hal(rows, page, size, total):
    """Wrap a page as Spring HATEOAS does: an empty list is left out."""
    numbers = {"page": {"size": size, "number": page, "totalElements": total}}
    return {"_embedded": {"skus": rows}, **numbers} if rows else numbers


@pytest.fixture
async def service():
    async with SkuService(envelope=hal, base=0, integer_ids=True, defaults=False) as service:
        service.rows = {
            "1": {"name": "One", "frontImage": "f", "gender": None, "isInWardrobe": None, "projectIds": [3]},
            "2": {"name": "Two", "frontImage": "g", "gender": "divers", "skuCategoryName": "capes"},
        }
        service.numbers = itertools.count(7)
        yield service


@pytest.fixture
async def session(service):
    async with service.session() as session:
        yield session


def answer(service, method, make):
    """Let a method be answered otherwise, once it has had its effect; ``make`` takes the SKU."""

    async def hook(asked, path, _body, after):
        if asked != method or not after:
            return None
        sku_id = path.rpartition("/")[2] if method == "PUT" else "7"
        return make({"id": int(sku_id), **service.rows[sku_id]} if sku_id in service.rows else None)

    service.hook = hook


async def test_lists_count_from_0_and_leave_out_empty_lists(session):
    skus = await session.skus.list(page_size=1).collect()
    assert [(sku.id, sku.name, sku.gender, sku.is_in_wardrobe, sku.project_ids) for sku in skus] == [
        ("1", "One", None, None, (3,)),
        ("2", "Two", "divers", None, None),
    ]
    assert not isinstance(skus[1].gender, Gender)
    assert skus[1].sku_category_name == "capes"
    assert [sku.id for sku in await session.skus.list_global()] == ["1", "2"]


async def test_get_matches_the_id_exactly(session, service):
    service.rows["12"] = {"name": "Twelve", "frontImage": "h"}
    assert (await session.skus.get("2")).name == "Two"


async def test_a_create_that_answers_only_an_id(session, service):
    answer(service, "POST", lambda sku: web.Response(status=201, text=f'{{"id": {sku["id"]}}}'))
    sku = await session.skus.create(SkuCreate(name="New", front_image="f", gender="female", project_ids=[1, 2]))
    assert (sku.id, sku.name, sku.gender, sku.project_ids, sku.raw) == ("7", "New", Gender.FEMALE, (1, 2), b'{"id": 7}')


@pytest.mark.parametrize(
    "make",
    [
        lambda sku: web.json_response(sku, status=201),
        lambda sku: web.json_response({"sku": sku}, status=201),
        lambda sku: web.json_response(sku["id"], status=201),
        lambda sku: web.json_response(str(sku["id"]), status=201),
        lambda _: web.Response(status=201, headers={"Location": "/ai-shoot/skus/7"}),
        lambda _: web.Response(status=201, headers={"Location": "https://elsewhere.example/v1/ai-shoot/skus/7"}),
    ],
)
async def test_every_plausible_answer_to_a_create(session, service, make):
    answer(service, "POST", make)
    sku = await session.skus.create(SkuCreate(name="New", front_image="f"))
    assert (sku.id, sku.name, sku.front_image) == ("7", "New", "f")


@pytest.mark.parametrize("member", ["gender", "\\u0067ender"])
async def test_what_a_create_gives_in_another_form_is_not_filled_in(session, service, member):
    answer(service, "POST", lambda _: web.Response(status=201, text=f'{{"id":7,"{member}":["female"]}}'))
    sku = await session.skus.create(SkuCreate(name="New", front_image="f", gender="female"))
    assert (sku.name, sku.gender, sku.extra) == ("New", None, {"gender": ["female"]})


@pytest.mark.parametrize("text", ["", "<html>welcome</html>", "{}", "[]", "null", '{"id": null}', '{"id": 1.5}'])
async def test_a_create_that_cannot_be_read_may_have_happened(session, service, text):
    answer(service, "POST", lambda _: web.Response(status=201, text=text))
    with pytest.raises(AmbiguousWriteError) as caught:
        await session.skus.create(SkuCreate(name="New", front_image="f"))
    assert isinstance(caught.value.cause, UnexpectedResponseError)


async def test_an_update_without_a_body_is_known_from_the_request(session, service):
    sku = await session.skus.update("1", SkuUpdate(name="Uno", front_image="g"))
    assert (sku.id, sku.name, sku.front_image, sku.raw) == ("1", "Uno", "g", b"")
    assert service.bodies("PUT") == [{"name": "Uno", "frontImage": "g"}]


async def test_an_edit_carries_over_what_nobody_has_documented(session, service):
    await session.skus.edit("2", name="Zwei")
    assert service.bodies("PUT") == [
        {"name": "Zwei", "frontImage": "g", "gender": "divers", "skuCategoryName": "capes"}
    ]


async def test_an_edit_never_erases_what_it_cannot_read(session, service):
    service.rows["1"]["projectIds"] = ["3"]
    with pytest.raises(RequestValidationError) as caught:
        await session.skus.edit("1", name="Uno")
    assert caught.value.field == "project_ids"
    assert service.bodies("PUT") == []


async def test_an_answer_about_another_sku_is_refused(session, service):
    answer(service, "PUT", lambda _: web.json_response({"id": 99, "name": "x"}))
    with pytest.raises(UnexpectedResponseError, match="99"):
        await session.skus.update("1", SkuUpdate(name="Uno", front_image="g"))


async def test_a_delete_with_a_text_for_an_answer(session, service):
    answer(service, "DELETE", lambda _: web.Response(status=200, text="deleted"))
    await session.skus.delete("1")
    assert list(service.rows) == ["2"]


async def test_pretty_results_keep_every_digit(session, service, tmp_path):
    async def hook(_method, path, _body, _after):
        rows = ROW if "page=0" in path else ""
        return web.Response(text='{\n  "results": [\n    ' + rows + "\n  ]\n}", content_type="application/json")

    service.hook = hook
    (result,) = await session.briefs.results(1).collect()
    assert (result.id, result["price"], result["note"]) == ("7", 12345678901234567890123, None)
    assert result.raw == ROW.encode()
    await export_results(session, [1], tmp_path / "r.jsonl")
    assert (tmp_path / "r.jsonl").read_bytes() == (
        b'{"id":7,"price":12345678901234567890123,"ratio":1.50,"note":null}\n'
    )
