"""Create, update and delete: documented defaults, validation, ids of every kind."""

from urllib.parse import quote

import pytest

pytestmark = pytest.mark.anyio

SKUS = "/ai-shoot/skus"
WHOLE = {
    "name": "Ärmel",
    "frontImage": "f",
    "backImage": "b",
    "gender": "female",
    "isInWardrobe": True,
    "projectIds": [3, 1, 2**63 - 1],
    "skuCategoryName": "hats",
}
DEFAULTS = {"backImage": None, "gender": None, "isInWardrobe": False, "projectIds": [], "skuCategoryName": None}


async def test_create_gives_the_sku(connect):
    async with connect() as api:
        reply = await api.post(SKUS, json=WHOLE)
        assert reply.status == 201
        assert WHOLE.items() <= reply.json().items()
        assert reply.json()["id"].startswith("sku-0013-")
        assert api.sandbox.skus()[-1] == reply.json()
        again = await api.post(SKUS, json={"name": "n", "frontImage": "f", "unknown": 1, "gender": None})
        assert DEFAULTS.items() <= again.json().items()
        assert "unknown" not in again.json()
        assert [sku["id"] for sku in api.sandbox.skus()[-2:]] == [reply.json()["id"], again.json()["id"]]


async def test_update_is_a_full_replacement(connect):
    async with connect() as api:
        made = (await api.post(SKUS, json=WHOLE)).json()
        reply = await api.call("PUT", f"{SKUS}/{made['id']}", json={"name": "n", "frontImage": "g"})
        assert reply.status == 200
        assert reply.json()["id"] == made["id"]
        assert {"name": "n", "frontImage": "g", **DEFAULTS}.items() <= reply.json().items()
        assert reply.json()["audit"]["revision"] == 2
        assert reply.json()["createdAt"] == made["createdAt"] < reply.json()["updatedAt"]
        assert api.sandbox.skus()[-1] == reply.json()


async def test_update_may_answer_without_a_body(connect):
    async with connect(put_body=False) as api:
        sku = api.sandbox.skus()[0]["id"]
        reply = await api.call("PUT", f"{SKUS}/{sku}", json={"name": "n", "frontImage": "g"})
        assert (reply.status, reply.body) == (200, b"")
        assert api.sandbox.skus()[0]["name"] == "n"


async def test_delete_and_the_unknown(connect):
    async with connect() as api:
        sku = api.sandbox.skus()[4]["id"]
        assert (await api.call("DELETE", f"{SKUS}/{sku}")).status == 204
        assert (await api.call("DELETE", f"{SKUS}/{sku}")).status == 404
        assert (await api.call("PUT", f"{SKUS}/{sku}", json=WHOLE)).status == 404
        assert sku not in {left["id"] for left in api.sandbox.skus()}
        serial = (await api.post(SKUS, json=WHOLE)).json()["id"]
        assert serial.startswith("sku-0013-"), "a number is never given twice"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": " \t"},
        {"name": 7},
        {"frontImage": ""},
        {"frontImage": ["f"]},
        {"backImage": 1},
        {"gender": "other"},
        {"gender": 1},
        {"isInWardrobe": 1},
        {"isInWardrobe": "true"},
        {"projectIds": 1},
        {"projectIds": [True]},
        {"projectIds": ["1"]},
        {"projectIds": [1.5]},
        {"projectIds": [0]},
        {"projectIds": [-1]},
        {"projectIds": [2**63]},
        {"skuCategoryName": "TOP"},
    ],
)
async def test_what_the_documentation_forbids_is_refused(connect, wrong):
    async with connect(skus=1) as api:
        for method, path in (("POST", SKUS), ("PUT", f"{SKUS}/{api.sandbox.skus()[0]['id']}")):
            before = api.sandbox.skus()
            reply = await api.call(method, path, json={**WHOLE, **wrong})
            assert reply.status == 400
            assert reply.json()["error"] == "Bad Request"
            assert next(iter(wrong)) in reply.json()["message"]
            assert api.sandbox.skus() == before


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"name":NaN}', "application/json", 400),
        (b'{"name":"\xff"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (rb'{"name":"\ud800","frontImage":"f"}', "application/json", 400),
        (b'{"name":"n","frontImage":"f"}', "text/plain", 415),
        (b'{"name":"n","frontImage":"f"}', "application/json; charset=utf-8", 201),
    ],
)
async def test_bodies_that_are_not_what_they_should_be(connect, body, kind, status):
    async with connect() as api:
        reply = await api.post(SKUS, data=body, headers={"Content-Type": kind})
        assert reply.status == status


IDS = ["a/b", "a%2Fb", "..", ".", "a;b=c", "a?b#c", "ü 墨", "global", "%2e%2e", "a+b", "x\ty", "'\"--", "💡"]


@pytest.mark.parametrize("sku_id", IDS)
async def test_ids_are_decoded_once_whatever_they_hold(connect, sku_id):
    escaped = "".join(f"%{byte:02X}" for byte in sku_id.encode())
    async with connect(skus=2) as api:
        for path in {quote(sku_id, safe=""), escaped}:
            api.sandbox.insert_sku(sku_id=sku_id)
            if "/" not in path and path not in {".", ".."}:
                reply = await api.call("PUT", f"{SKUS}/{path}", json=WHOLE)
                assert (reply.status, reply.json()["id"]) == (200, sku_id)
                assert (await api.call("DELETE", f"{SKUS}/{path}")).status == 204
                assert api.sandbox.requests[-1].subject == sku_id
                assert api.sandbox.requests[-1].path == f"{SKUS}/{path}"
            else:
                api.sandbox.delete_sku(sku_id)
            assert len(api.sandbox.skus()) == 2


async def test_an_id_that_is_not_utf8(connect):
    async with connect() as api:
        assert (await api.call("DELETE", f"{SKUS}/%FF")).status == 400
        assert (await api.call("DELETE", f"{SKUS}/")).status == 404


async def test_integer_ids(connect):
    async with connect(integer_ids=True, skus=3) as api:
        assert [sku["id"] for sku in api.sandbox.skus()] == [1, 2, 3]
        assert (await api.call("DELETE", f"{SKUS}/2")).status == 204
        assert (await api.post(SKUS, json=WHOLE)).json()["id"] == 4
        assert api.sandbox.results(1)[1]["id"] == 1_000_000_002
        assert isinstance(api.sandbox.results(1)[1]["skuId"], int)
        assert api.sandbox.insert_sku(sku_id="x")["id"] == "x"


async def test_rows_put_in_behind_the_apis_back(connect):
    async with connect(skus=3) as api:
        first, second, third = api.sandbox.skus()
        made = api.sandbox.insert_sku(position=1, sku_id="x", name="X", gender="male")
        assert made["gender"] == "male"
        assert api.sandbox.skus() == [first, made, second, third]
        last = api.sandbox.insert_sku(position=99)
        assert api.sandbox.skus()[-1] == last
        with pytest.raises(ValueError, match="the id 'x' already"):
            api.sandbox.insert_sku(sku_id="x")
        with pytest.raises(ValueError, match="gender"):
            api.sandbox.insert_sku(gender="other")
        api.sandbox.delete_sku("x")
        with pytest.raises(KeyError):
            api.sandbox.delete_sku("x")
        assert api.sandbox.skus() == [first, second, third, last]


@pytest.mark.parametrize(
    ("form", "shown"),
    [("identifier", "f1"), ("file", "f1.jpg"), ("url", "https://images.example/organizations/7/f1?width=1500")],
)
async def test_images_are_rendered(connect, form, shown):
    async with connect(render_images=form, skus=0) as api:
        sku = (await api.post(SKUS, json={"name": "A", "frontImage": "f1"})).json()
        assert (sku["frontImage"], sku["backImage"]) == (shown, None)
        assert api.sandbox.skus() == [sku]


async def test_fields_are_left_out_of_answers_and_not_forgotten(connect):
    async with connect(omit_fields=["projectIds", "gender"], skus=0) as api:
        sku = (await api.post(SKUS, json={"name": "A", "frontImage": "f1", "projectIds": [3]})).json()
        assert not {"projectIds", "gender"} & sku.keys()
        assert len((await api.get(f"{SKUS}?projectFilter=3")).json()["entries"]) == 1


async def test_a_create_may_answer_with_the_id_alone(connect):
    async with connect(create_body="id", integer_ids=True, skus=3) as api:
        reply = await api.post(SKUS, json=WHOLE)
        assert (reply.status, reply.json()) == (201, 4)


async def test_a_create_may_answer_with_the_address_alone(connect):
    async with connect(create_body="location", id_name="skuId") as api:
        reply = await api.post(SKUS, json=WHOLE)
        sku = api.sandbox.skus()[-1]
        assert (reply.status, reply.body) == (201, b"")
        assert reply.headers["Location"] == f"{api.sandbox.url}{SKUS}/{sku['skuId']}"


async def test_listings_show_writes_late(connect):
    now = [1e9]
    async with connect(listing_lag=5, skus=2, clock=lambda: now[0]) as api:

        async def listed():
            rows = (await api.get(f"{SKUS}?pageSize=2&page=2")).json()
            return rows["total"], [row["name"] for row in rows["entries"]]

        made = (await api.post(SKUS, json=WHOLE)).json()
        assert api.sandbox.skus()[-1] == made
        assert await listed() == (2, [])
        now[0] += 5
        assert await listed() == (3, ["Ärmel"])
        await api.call("PUT", f"{SKUS}/{made['id']}", json={**WHOLE, "name": "Hut"})
        assert await listed() == (3, ["Ärmel"])
        now[0] += 5
        assert await listed() == (3, ["Hut"])
        await api.call("PUT", f"{SKUS}/{made['id']}", json=WHOLE)
        await api.call("DELETE", f"{SKUS}/{made['id']}")
        assert await listed() == (2, [])


async def test_fields_change_behind_the_back_of_the_api(connect):
    async with connect(listing_lag=5) as api:
        before = api.sandbox.skus()[0]
        changed = api.sandbox.update_sku(before["id"], name="Hut")
        assert changed["name"] == "Hut"
        assert changed["frontImage"] == before["frontImage"]
        assert (await api.get(SKUS)).json()["entries"][0] == changed
        with pytest.raises(KeyError):
            api.sandbox.update_sku("x", name="Hut")
        with pytest.raises(ValueError, match="name: must not be blank"):
            api.sandbox.update_sku(before["id"], name=" ")
