"""Services that show SKUs otherwise than they were sent, sign images anew, lag behind, or page in their own way."""

import hashlib
import itertools
import unicodedata

import pytest

from aishoot_async.sandbox import DropAfter, Fault, Sandbox
from helpers.sessions import session_for
from helpers.sku_service import SkuService, lose
from sync.running import Syncing, counts, item

pytestmark = pytest.mark.anyio
HASH = [f"{number:064x}" for number in range(20)]
CATALOG = [
    item(
        str(number),
        f"Bluse {number} e\u0301 \u00a0{chr(0x1F455)} ﬁ",
        HASH[number],
        back_image=HASH[-number - 1],
        gender="female",
        is_in_wardrobe=number % 2 == 0,
        project_ids=[3, 1],
        sku_category_name="top",
    )
    for number in range(8)
]


def without(*fields):
    return lambda row: {field: value for field, value in row.items() if field not in fields}


def with_urls(row):
    return {
        field: f"https://cdn.example/a%20b/{value}_1500.webp?v=2" if field.endswith("Image") and value else value
        for field, value in row.items()
    }


def with_opaque_images(row):
    return {
        field: f"asset-{hash(value)}" if field.endswith("Image") and value else value for field, value in row.items()
    }


def in_capitals(row):
    words = ("gender", "skuCategoryName")
    return {field: value.upper() if field in words and value else value for field, value in row.items()}


def with_project_objects(row):
    return {**row, "projectIds": [{"id": number, "name": "P"} for number in reversed(row["projectIds"] or [])]}


def with_nulls(row):
    return {**row, "gender": None, "projectIds": None, "backImage": None}


def composed(row):
    return {**row, "name": unicodedata.normalize("NFC", row["name"]).strip()}


def with_news(row):
    return {**row, "status": "NEW", "owner": {"id": 1}, "score": 1e300}


SHOWS = [
    without("projectIds"),
    without("projectIds", "isInWardrobe", "backImage"),
    with_urls,
    with_opaque_images,
    in_capitals,
    with_project_objects,
    with_nulls,
    composed,
    with_news,
]
NAMES = ["no projects", "few fields", "urls", "opaque", "capitals", "project objects", "nulls", "composed", "news"]


def of(sandbox):
    return session_for(sandbox, sandbox.token)


async def the_second_run_has_nothing_to_do(service, tmp_path):
    async with service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        assert counts(await sync.run(CATALOG)) == {"created": len(CATALOG)}
        plan = await sync.plan(CATALOG)
        assert counts(plan) == {"unchanged": len(CATALOG)}, plan.entries
        assert len(service.skus) == len(CATALOG)
        assert service.count("PUT") == 0
        return service.count("POST")


@pytest.mark.parametrize("show", SHOWS, ids=NAMES)
async def test_what_is_shown_otherwise_is_no_change(tmp_path, show):
    async with SkuService(show=show) as service:
        await the_second_run_has_nothing_to_do(service, tmp_path)


@pytest.mark.parametrize("show", SHOWS, ids=NAMES)
async def test_what_is_shown_otherwise_does_not_hide_a_lost_create(tmp_path, show):
    async with SkuService(show=show) as service:
        service.hook = lose(2, 5)
        assert await the_second_run_has_nothing_to_do(service, tmp_path) == len(CATALOG)


@pytest.mark.parametrize("show", SHOWS, ids=NAMES)
async def test_a_change_is_one_update_of_that_item_alone(tmp_path, show):
    changed = [
        item("0", "New name", HASH[0], back_image=HASH[12], gender="male", project_ids=[9], sku_category_name="hats"),
        *CATALOG[1:],
    ]
    async with SkuService(show=show) as service, service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        await sync.run(CATALOG)
        assert counts(await sync.run(changed)) == {"updated": 1, "unchanged": len(CATALOG) - 1}
        (row,) = [row for row in service.skus.values() if row["name"] == "New name"]
        assert (row["frontImage"], row["backImage"], row["projectIds"]) == (HASH[0], HASH[12], [9])
        assert (row["gender"], row["skuCategoryName"]) == ("male", "hats")
        assert (await sync.plan(changed)).is_empty
        assert service.count("PUT") == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"page_base": 0},
        {"max_page_size": 3},
        {"max_page_size": 3, "page_base": 0, "total": "missing"},
        {"integer_ids": True},
        {"id_name": "skuId"},
        {"create_body": "location"},
        {"create_body": "id", "integer_ids": True},
        {"listing_lag": 0.2},
        {"listing_lag": 0.2, "create_body": "location"},
    ],
    ids=str,
)
async def test_forms_of_a_service(tmp_path, settings):
    lost = Fault(DropAfter(), operation="create_sku", at=4)
    async with Sandbox(skus=0, put_body=False, faults=[lost], **settings) as sandbox, of(sandbox) as session:
        sync = Syncing(session, tmp_path / "s", settle=0.4 if "listing_lag" in settings else 0.05)
        assert counts(await sync.run(CATALOG)) == {"created": len(CATALOG)}
        plan = await sync.plan(CATALOG)
        assert counts(plan) == {"unchanged": len(CATALOG)}, plan.entries
        assert len(sandbox.skus()) == len(CATALOG) == sandbox.calls["create_sku"]


@pytest.mark.parametrize("settings", [{"shuffled": True}, {"defaults": False}], ids=str)
async def test_forms_of_a_listing(tmp_path, settings):
    async with SkuService(**settings) as service:
        service.hook = lose(3)
        assert await the_second_run_has_nothing_to_do(service, tmp_path) == len(CATALOG)


async def test_a_listing_that_lags_behind_makes_no_second_sku(tmp_path):
    """Planned again at once, before the listing shows what was created, updated or deleted."""
    async with Sandbox(skus=0, listing_lag=0.5) as sandbox, of(sandbox) as session:
        sync = Syncing(session, tmp_path / "s", settle=0.7)
        plan = await sync.plan(CATALOG)
        # As if the apply had ended at once: nothing is waited for, and nothing read back.
        await sync.apply(plan, settle=0.0)
        again = await sync.plan(CATALOG)
        assert again.is_empty, again.entries
        changed = [item("0", "New name", HASH[0]), *CATALOG[1:]]
        await sync.apply(await sync.plan(changed), settle=0.0)
        assert counts(await sync.plan(changed)) == {"unchanged": len(CATALOG)}
        assert sandbox.calls["create_sku"] == len(CATALOG)


async def test_one_listing_without_it_is_not_enough_to_send_a_create_again(tmp_path):
    """It lags behind by more than the settle time, and by less than twice that."""
    lost = Fault(DropAfter(), operation="create_sku", at=1)
    async with Sandbox(skus=0, listing_lag=0.75, faults=[lost]) as sandbox, of(sandbox) as session:
        sync = Syncing(session, tmp_path / "s", settle=0.5)
        assert counts(await sync.run(CATALOG[:1])) == {"created": 1}
        assert sandbox.calls["create_sku"] == 1


@pytest.mark.parametrize("show", [with_urls, in_capitals, with_project_objects], ids=["urls", "capitals", "projects"])
async def test_an_update_carries_over_what_is_shown_otherwise(tmp_path, show):
    """The catalog states the name alone; the rest was made by somebody, and must survive the PUT as it is stored."""
    async with SkuService(show=show) as service, service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        await sync.run([item("a", "Name", HASH[1])])
        (sku_id,) = service.skus
        service.change(sku_id, backImage=HASH[2], projectIds=[7, 2])
        assert counts(await sync.run([item("a", "Renamed", HASH[1])])) == {"updated": 1}
        row = service.skus[sku_id]
        assert (row["name"], row["frontImage"], row["backImage"]) == ("Renamed", HASH[1], HASH[2])
        assert sorted(row["projectIds"]) == [2, 7]


async def test_what_cannot_be_carried_over_fails_the_item_and_nothing_is_sent(tmp_path):
    def show(row):
        return {**with_urls(row), "backImage": "https://elsewhere.example/x.png"}

    async with SkuService(show=show) as service, service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        await sync.run([item("a", "Name", HASH[1])])
        report = await sync.run([item("a", "Renamed", HASH[1])])
        assert counts(report) == {"failed": 1}
        assert "back_image cannot be carried over" in report.outcomes[0].error
        assert service.count("PUT") == 0


async def test_a_hidden_field_that_was_stated_once_is_not_erased(tmp_path):
    async with SkuService(show=without("projectIds")) as service, service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        await sync.run([item("a", project_ids=[5])])
        await sync.run([item("a", "New")])
        (row,) = service.skus.values()
        assert (row["name"], row["projectIds"]) == ("New", [5])


async def test_what_is_adopted_unseen_is_sent(tmp_path):
    """Nobody can know the projects of a SKU that does not show them, so the adopted one is given them."""
    async with SkuService(show=without("projectIds")) as service, service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        sku_id = service.put(name="Item a", frontImage="front-a", projectIds=[1])
        assert counts(await sync.run([item("a", project_ids=[5])])) == {"adopted": 1}
        assert service.skus[sku_id]["projectIds"] == [5]
        assert (await sync.plan([item("a", project_ids=[5])])).is_empty


@pytest.mark.parametrize("form", ["file", "url"])
async def test_a_sandbox_that_renders_images_and_omits_projects(tmp_path, form):
    async with (
        Sandbox(skus=7, render_images=form, omit_fields=["projectIds"]) as sandbox,
        of(sandbox) as session,
    ):
        sync = Syncing(session, tmp_path / "s")
        assert counts(await sync.run(CATALOG)) == {"created": len(CATALOG)}
        before = sandbox.calls.copy()
        assert counts(await sync.run(CATALOG)) == {"unchanged": len(CATALOG)}
        assert set(sandbox.calls - before) == {"list_skus"}


def identifier(number):
    return hashlib.sha256(b"%d" % number).hexdigest()


def opaque(value):
    return hashlib.md5(value.encode()).hexdigest()


FORMS = {
    "hash, signed": lambda value, turn: f"https://cdn.x/{value}?X-Sig={turn:08}",
    "hash, signed by a fragment": lambda value, turn: f"https://cdn.x/{value}.jpg#{turn}",
    "hash, relative URL": lambda value, turn: f"/image/{value}/a.jpg?token={opaque(str(turn))}",
    "hash in the query": lambda value, turn: f"https://cdn.x/get?sig={turn}&image={value}",
    "hash, signed as S3 does": lambda value, turn: (
        f"//s3.x/b/{value}?X-Amz-Signature={identifier(turn)}&X-Amz-Date={turn}"
    ),
    "hash behind a path that changes": lambda value, turn: f"https://cdn.x/t{turn}/{value}.jpg",
    "hash behind a signature in the path": lambda value, turn: f"https://cdn.x/{identifier(turn)}/{value}.jpg",
    "opaque, signed": lambda value, turn: f"https://cdn.x/{opaque(value)}?X-Sig={turn:08}",
    "opaque, escaped": lambda value, turn: f"https://cdn.x/a%20b/{opaque(value)}.jpg?a=1&b={turn}",
    "opaque path that changes": lambda value, turn: f"https://cdn.x/{opaque(value + str(turn))}.jpg",
    "object": lambda value, turn: {"url": f"https://cdn.x/{value}?X-Sig={turn}", "expires": turn},
    "opaque object": lambda value, turn: {"url": f"https://cdn.x/{opaque(value)}?X-Sig={turn}", "expires": turn},
}
# Nobody can tell there whether somebody else has changed an image.
BLIND = {"opaque path that changes"}


def signing(form):
    """Show each image otherwise in each answer."""
    turns = itertools.count(1)

    def show(row):
        shown = dict(row)
        for field in ("frontImage", "backImage"):
            if shown.get(field):
                shown[field] = FORMS[form](shown[field], next(turns))
        return shown

    return show


def catalog(count, name="Coat", first=0):
    return [item(f"k{number}", f"{name} {number}", identifier(first + number)) for number in range(count)]


@pytest.fixture(params=FORMS)
async def signed(request, tmp_path):
    async with SkuService(show=signing(request.param)) as service, service.session() as session:
        syncing = Syncing(session, tmp_path / "s")
        assert counts(await syncing.run(catalog(12))) == {"created": 12}
        yield request.param, service, syncing


async def test_nothing_is_done_twice(signed):
    _, service, syncing = signed
    for _ in range(2):
        assert counts(await syncing.run(catalog(12))) == {"unchanged": 12}
    assert (service.count("POST"), service.count("PUT")) == (12, 0)


async def test_an_update_is_made_and_is_settled(signed):
    _, service, syncing = signed
    assert counts(await syncing.run(catalog(12, "Jacket"))) == {"updated": 12}
    assert (await syncing.plan(catalog(12, "Jacket"))).is_empty
    assert service.count("PUT") == 12


async def test_a_new_image_is_sent_once(signed):
    _, service, syncing = signed
    changed = catalog(12, first=100)
    assert counts(await syncing.run(changed)) == {"updated": 12}
    assert (await syncing.plan(changed)).is_empty
    assert sorted(row["frontImage"] for row in service.skus.values()) == sorted(map(identifier, range(100, 112)))


async def test_what_the_catalog_has_no_more_is_deleted(signed):
    _, service, syncing = signed
    assert counts(await syncing.run(catalog(11), prune=True)) == {"unchanged": 11, "deleted": 1}
    assert len(service.skus) == 11


@pytest.mark.parametrize("is_edited", [False, True])
async def test_a_lost_state_makes_no_twins(signed, tmp_path, is_edited):
    form, service, syncing = signed
    again = Syncing(syncing.session, tmp_path / "another")
    wanted = catalog(12)
    if is_edited:
        wanted = [item(one.key, one.sku.name.upper(), one.sku.front_image) for one in wanted]
    is_certain = not is_edited and not form.startswith("opaque")
    assert counts(await again.run(wanted)) == {"adopted" if is_certain else "conflict": 12}
    assert len(service.skus) == 12
    assert counts(await again.run(wanted, decide="adopt")) == {"unchanged" if is_certain else "adopted": 12}
    assert (await again.plan(wanted)).is_empty
    assert service.count("POST") == 12


async def test_what_somebody_else_has_changed_is_seen(signed):
    form, service, syncing = signed
    first = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Coat 0")
    service.change(first, frontImage=identifier(500))
    is_blind = form in BLIND
    plan = await syncing.plan(catalog(12))
    assert counts(plan) == ({"unchanged": 12} if is_blind else {"update": 1, "unchanged": 11})
    pruned = counts(await syncing.run(catalog(12)[1:], prune=True))
    assert pruned == {"unchanged": 11, "deleted" if is_blind else "conflict": 1}


async def test_a_create_whose_answer_was_lost_is_found(signed):
    _, service, syncing = signed
    service.hook = lose(0)
    more = [*catalog(12), item("more", "Hat", identifier(77))]
    assert counts(await syncing.run(more)) == {"unchanged": 12, "created": 1}
    assert len(service.skus) == 13


@pytest.mark.parametrize("form", [form for form in FORMS if form.startswith("hash")])
async def test_an_update_carries_over_an_image_that_the_catalog_does_not_state(tmp_path, form):
    async with SkuService(show=signing(form)) as service, service.session() as session:
        syncing = Syncing(session, tmp_path / "s")
        await syncing.run([item("a", "Coat", identifier(1))])
        (sku_id,) = service.skus
        service.change(sku_id, backImage=identifier(2))
        report = await syncing.run([item("a", "Jacket", identifier(1))])
        row = service.skus[sku_id]
        # Either it is carried over as it is stored, or the item fails and keeps it: a URL is never sent back.
        assert row["backImage"] == identifier(2)
        assert counts(report) == ({"updated": 1} if row["name"] == "Jacket" else {"failed": 1})
        if "path" not in form and "query" not in form:
            assert counts(report) == {"updated": 1}


async def test_a_signed_url_that_says_no_identifier_is_never_sent_back(tmp_path):
    async with SkuService(show=signing("opaque, signed")) as service, service.session() as session:
        syncing = Syncing(session, tmp_path / "s")
        await syncing.run([item("a", "Coat", identifier(1))])
        (sku_id,) = service.skus
        service.change(sku_id, backImage=identifier(2))
        report = await syncing.run([item("a", "Jacket", identifier(1))])
        assert counts(report) == {"failed": 1}
        assert "back_image cannot be carried over" in report.outcomes[0].error
        assert service.count("PUT") == 0


async def test_one_change_costs_one_more_listing_and_none_costs_none(tmp_path):
    async with SkuService() as service, service.session() as session:
        syncing = Syncing(session, tmp_path / "s")
        await syncing.run(catalog(3))
        before = service.count("GET")
        await syncing.plan(catalog(3))
        usual = service.count("GET") - before
        service.change(next(iter(service.skus)), frontImage="other")
        await syncing.plan(catalog(3))
        assert service.count("GET") - before == 3 * usual
