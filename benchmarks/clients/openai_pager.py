"""The pager that openai-python (and whatever else is generated so) has for its own listings, given our endpoint.

A page class and an item class as its resources have them, through the client's own ``get_api_list``: retries, time-outs
and typed models, one page at a time.
"""

from typing import Any, Generic, TypeVar

from openai import AsyncOpenAI, BaseModel
from openai._base_client import BaseAsyncPage, BasePage, PageInfo, make_request_options

from benchmarks.clients.task import Task, main, on_loop

T = TypeVar("T")


class Model(BaseModel):
    name: str
    heightCm: int  # noqa: N815  # the wire's name
    hair: str


class Retouch(BaseModel):
    seed: int
    strength: float
    steps: list[str]


class Result(BaseModel):
    id: str
    skuId: str  # noqa: N815
    name: str
    status: str
    imageUrl: str  # noqa: N815
    pose: str
    createdAt: str  # noqa: N815
    reviewedAt: str | None  # noqa: N815
    width: int
    height: int
    isFavorite: bool  # noqa: N815
    model: Model
    retouch: Retouch


class Results(BaseAsyncPage[T], BasePage[T], Generic[T]):
    entries: list[T]
    total: int

    def _get_page_items(self) -> list[T]:
        return self.entries

    def next_page_info(self) -> PageInfo:
        query: Any = self._options.params
        return PageInfo(params={"page": query["page"] + 1})


async def walk(task: Task) -> int:
    count = 0
    row = None
    async with AsyncOpenAI(api_key="token", base_url=task.url) as client:
        async for each in client.get_api_list(
            f"/ai-shoot/briefs/{task.items}/results",
            page=Results[Result],
            model=Result,
            options=make_request_options(query={"page": 1, "pageSize": 100}),
        ):
            row = (each.id, each.name, each.status, each.imageUrl)
            count += 1
            if task.kept is not None:
                task.kept.append(row)
    return count


if __name__ == "__main__":
    main(on_loop(walk))
