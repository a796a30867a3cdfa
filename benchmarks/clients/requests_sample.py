"""The API page's own sample in a loop until an empty page: ``requests.get``, a connection each; or with a session."""

from typing import Any

import requests

from benchmarks.clients.rows import read
from benchmarks.clients.task import Task, main

HEADERS = {"Authorization": "Bearer token"}


def walk(task: Task) -> int:
    url = f"{task.url}/ai-shoot/briefs/{task.items}/results"
    if task.options["session"]:
        with requests.Session() as session:
            return pages(task, url, session)
    return pages(task, url, requests)


def pages(task: Task, url: str, client: Any) -> int:
    count, page = 0, 1
    while True:
        response = client.get(url, headers=HEADERS, params={"page": page, "pageSize": 100})
        response.raise_for_status()
        items = response.json()["entries"]
        if not items:
            return count
        count += read(task, items)
        page += 1


if __name__ == "__main__":
    main(walk)
