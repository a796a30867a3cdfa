"""A service that is none of ours: integer ids, nulls, `_embedded`, terse answers to writes, pretty-printed JSON."""

import json

import pytest
from aiohttp import web

from aishoot_async import (
    AIShootSession,
    AmbiguousWriteError,
    Gender,
    RequestValidationError,
    SkuCreate,
    SkuUpdate,
    UnexpectedResponseError,
)
from aishoot_async.export import export_results

pytestmark = pytest.mark.anyio

PRETTY = {"indent": 2}
ROW = '{\n      "id": 7,\n      "price": 12345678901234567890123,\n      "ratio": 1.50,\n      "note": null\n    }'


class Service:
    """Keeps SKUs by integer id; how it answers to a create and an update can be set."""

    def __init__(self):
        self.skus = {
            1: {"id": 1, "name": "One", "frontImage": "f", "gender": None, "isInWardrobe": None, "projectIds": [3]},
            2: {"id": 2, "name": "Two", "frontImage": "g", "gender": "divers", "skuCategoryName": "capes"},
        }
        self.puts = []
        self.create_answer = lambda sku: web.json_response({"id": sku["id"]}, status=201)
        self.update_answer = lambda _sku: web.Response(status=200)

    def app(self):
        app = web.Application()
        app.add_routes(
            [
                web.get("/ai-shoot/skus", self.list),
                web.get("/ai-shoot/skus/global", self.list_global),
                web.post("/ai-shoot/skus", self.create),
                web.put("/ai-shoot/skus/{id}", self.update),
                web.delete("/ai-shoot/skus/{id}", self.delete),
                web.get("/ai-shoot/briefs/{id}/results", self.results),
            ]
        )
        return app

    async def list(self, request):
        wanted = request.query.get("skuIdFilter", "")
        number, size = int(request.query["page"]), int(request.query["pageSize"])
        rows = [sku for sku in self.skus.values() if wanted in str(sku["id"])]
        page = {"size": size, "number": number, "totalElements": len(rows)}
        here = rows[number * size : (number + 1) * size]
        body = {"_embedded": {"skus": here}, "page": page} if here else {"page": page}
        return web.Response(text=json.dumps(body, **PRETTY), content_type="application/hal+json")

    async def list_global(self, _request):
        return web.json_response({"skus": list(self.skus.values()), "total": 2})

    async def create(self, request):
        sku = {"id": 7, **await request.json()}
        self.skus[7] = sku
        return self.create_answer(sku)

    async def update(self, request):
        self.puts.append(await request.json())
        self.skus[int(request.match_info["id"])] = {"id": int(request.match_info["id"]), **self.puts[-1]}
        return self.update_answer(self.skus[int(request.match_info["id"])])

    async def delete(self, request):
        del self.skus[int(request.match_info["id"])]
        return web.Response(status=200, text="deleted")

    async def results(self, request):
        rows = ROW if request.query["page"] == "0" else ""
        return web.Response(text='{\n  "results": [\n    ' + rows + "\n  ]\n}", content_type="application/json")


@pytest.fixture
async def service():
    service = Service()
    runner = web.AppRunner(service.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield service
    await runner.cleanup()


@pytest.fixture
async def session(service):
    async with AIShootSession("token", base_url=service.url) as session:
        yield session


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
    service.skus[12] = {"id": 12, "name": "Twelve", "frontImage": "h"}
    assert (await session.skus.get("2")).name == "Two"


async def test_a_create_that_answers_only_an_id(session):
    sku = await session.skus.create(SkuCreate(name="New", front_image="f", gender="female", project_ids=[1, 2]))
    assert (sku.id, sku.name, sku.gender, sku.project_ids, sku.raw) == ("7", "New", Gender.FEMALE, (1, 2), b'{"id": 7}')


@pytest.mark.parametrize(
    "answer",
    [
        lambda sku: web.json_response(sku, status=201),
        lambda sku: web.json_response({"sku": sku}, status=201),
        lambda sku: web.json_response(sku["id"], status=201),
        lambda sku: web.json_response(str(sku["id"]), status=201),
        lambda _: web.Response(status=201, headers={"Location": "/ai-shoot/skus/7"}),
        lambda _: web.Response(status=201, headers={"Location": "https://elsewhere.example/v1/ai-shoot/skus/7"}),
    ],
)
async def test_every_plausible_answer_to_a_create(session, service, answer):
    service.create_answer = answer
    sku = await session.skus.create(SkuCreate(name="New", front_image="f"))
    assert (sku.id, sku.name, sku.front_image) == ("7", "New", "f")


@pytest.mark.parametrize("member", ["gender", "\\u0067ender"])
async def test_what_a_create_gives_in_another_form_is_not_filled_in(session, service, member):
    service.create_answer = lambda _: web.Response(status=201, text=f'{{"id":7,"{member}":["female"]}}')
    sku = await session.skus.create(SkuCreate(name="New", front_image="f", gender="female"))
    assert (sku.name, sku.gender, sku.extra) == ("New", None, {"gender": ["female"]})


@pytest.mark.parametrize("text", ["", "<html>welcome</html>", "{}", "[]", "null", '{"id": null}', '{"id": 1.5}'])
async def test_a_create_that_cannot_be_read_may_have_happened(session, service, text):
    service.create_answer = lambda _: web.Response(status=201, text=text)
    with pytest.raises(AmbiguousWriteError) as caught:
        await session.skus.create(SkuCreate(name="New", front_image="f"))
    assert isinstance(caught.value.cause, UnexpectedResponseError)


async def test_an_update_without_a_body_is_known_from_the_request(session, service):
    sku = await session.skus.update("1", SkuUpdate(name="Uno", front_image="g"))
    assert (sku.id, sku.name, sku.front_image, sku.raw) == ("1", "Uno", "g", b"")
    assert service.puts == [{"name": "Uno", "frontImage": "g"}]


async def test_an_edit_carries_over_what_nobody_has_documented(session, service):
    await session.skus.edit("2", name="Zwei")
    assert service.puts == [{"name": "Zwei", "frontImage": "g", "gender": "divers", "skuCategoryName": "capes"}]


async def test_an_edit_never_erases_what_it_cannot_read(session, service):
    service.skus[1]["projectIds"] = ["3"]
    with pytest.raises(RequestValidationError) as caught:
        await session.skus.edit("1", name="Uno")
    assert caught.value.field == "project_ids"
    assert service.puts == []


async def test_an_answer_about_another_sku_is_refused(session, service):
    service.update_answer = lambda _: web.json_response({"id": 99, "name": "x"})
    with pytest.raises(UnexpectedResponseError, match="99"):
        await session.skus.update("1", SkuUpdate(name="Uno", front_image="g"))


async def test_a_delete_with_a_text_for_an_answer(session, service):
    await session.skus.delete("1")
    assert list(service.skus) == [2]


async def test_pretty_results_keep_every_digit(session, tmp_path):
    (result,) = await session.briefs.results(1).collect()
    assert (result.id, result["price"], result["note"]) == ("7", 12345678901234567890123, None)
    assert result.raw == ROW.encode()
    await export_results(session, [1], tmp_path / "r.jsonl")
    assert (tmp_path / "r.jsonl").read_bytes() == (
        b'{"id":7,"price":12345678901234567890123,"ratio":1.50,"note":null}\n'
    )
