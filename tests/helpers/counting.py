"""A second kind of job, as short as one can be: it counts each brief's results into a text file.

As a program, it runs such a job, to be killed.
"""

import asyncio
import sys

import attrs

from aishoot_async import AIShootSession
from aishoot_async.jobs import JobKind, PartSet, make_job, run_job, unit_names
from aishoot_async.storage.destinations import parse_destination


@attrs.frozen
class Count(JobKind):
    noun = "count"
    name = "counts"
    suffix = "txt"

    async def run_unit(self, work):
        counts = []
        report = await work.walk_pages(lambda page: counts.append(len(page.raw)))
        part = await work.stage(b"%d\n" % sum(counts), rows=sum(counts), pages=report.pages)
        return PartSet(staged=(part,), complete=report.complete)


def count_job(session, briefs, destination, **options):
    return make_job(session, Count(), unit_names(briefs), parse_destination(destination), options)


async def main(url, token, destination, *briefs):
    async with AIShootSession(token, base_url=url) as session:
        await run_job(session, count_job(session, [int(brief) for brief in briefs], destination))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
