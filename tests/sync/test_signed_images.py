"""A service that signs the URLs of its images anew in each answer: what changes with that is no change of a SKU."""

import hashlib
import itertools

import pytest

from helpers.sku_service import SkuService, lose
from sync.running import Syncing, counts, item

pytestmark = pytest.mark.anyio


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
