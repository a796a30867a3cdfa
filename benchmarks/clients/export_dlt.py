"""dlt's rest_api source into its filesystem destination, as its documentation describes both.

Two settings are in its favour: no compression, and no tables for what is nested (``max_table_nesting=0``), which would
be two more rows an item. It says home what is run unless it is told not to.
"""

import os
from pathlib import Path

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
}

import dlt
from dlt.destinations import filesystem
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source

from benchmarks.clients.task import Task, main


def export(task: Task) -> int:
    config: RESTAPIConfig = {
        "client": {
            "base_url": f"{task.url}/ai-shoot/",
            "auth": {"type": "bearer", "token": "token"},
            "paginator": {
                "type": "page_number",
                "base_page": 1,
                "page_param": "page",
                # The total that the service gives is one of items; this one would be of pages.
                "total_path": None,
            },
        },
        "resources": [
            {
                "name": "results",
                "max_table_nesting": 0,
                "endpoint": {
                    "path": f"briefs/{task.items}/results",
                    "params": {"pageSize": 100},
                    "data_selector": "entries",
                },
            }
        ],
    }
    pipeline = dlt.pipeline(
        pipeline_name="benchmark",
        destination=filesystem(bucket_url=Path(task.folder, "out").as_uri()),
        dataset_name="briefs",
        pipelines_dir=str(Path(task.folder, "pipelines")),
    )
    pipeline.run(rest_api_source(config), loader_file_format=task.options["format"])
    return pipeline.last_trace.last_normalize_info.row_counts["results"]


if __name__ == "__main__":
    main(export)
