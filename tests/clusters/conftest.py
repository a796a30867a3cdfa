"""What the tests of clusters share: one cluster for all of a process's tests, and a server whose briefs have pages."""

import asyncio

import attrs
import pytest

from aishoot_async.export import export_results
from aishoot_async.sandbox import ThreadedSandbox
from helpers.cluster import BRIEFS, cluster_of_two, session_at

pytest.importorskip("distributed")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    with cluster_of_two(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
async def client(cluster):
    """Look at the cluster as others can."""
    from distributed import Client  # noqa: PLC0415

    async with Client(cluster.address, asynchronous=True, set_as_default=False) as looking:
        await looking.wait_for_workers(2)
        yield looking


def five_pages(**options):
    """Serve 64 briefs of five pages of ten rows."""
    return ThreadedSandbox(briefs=dict.fromkeys(BRIEFS, 50), max_page_size=10, **options)


@pytest.fixture
def server():
    with five_pages(latency=0.01) as sandbox:
        yield sandbox


@pytest.fixture
async def session(server):
    async with session_at(server) as opened:
        yield opened


@attrs.frozen
class Whole:
    """What one machine brings, and how many requests that takes."""

    folder: object
    calls: int


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Export the server's briefs on one machine: their content does not depend on the port."""
    folder = tmp_path_factory.mktemp("one-machine") / "r"

    async def export(server):
        async with session_at(server) as session:
            await export_results(session, BRIEFS, folder)

    with five_pages() as sandbox:
        asyncio.run(export(sandbox))
        return Whole(folder, sandbox.calls["brief_results"])
