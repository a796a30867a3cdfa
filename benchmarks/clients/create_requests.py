"""The API page's sample for creates, on threads; ``requests.post``, a connection each."""

from concurrent.futures import ThreadPoolExecutor

import requests

from benchmarks.clients.task import Task, main

HEADERS = {"Authorization": "Bearer token"}


def create(task: Task) -> int:
    def one(number: int) -> int:
        body = {"name": f"Linen dress {number}", "frontImage": "front-1", "gender": "female", "projectIds": [17]}
        response = requests.post(f"{task.url}/ai-shoot/skus", headers=HEADERS, json=body)  # as there
        response.raise_for_status()
        return len(response.json())

    with ThreadPoolExecutor(task.window) as pool:
        return sum(pool.map(one, range(task.items)))


if __name__ == "__main__":
    main(create)
