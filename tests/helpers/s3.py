"""An S3-compatible server on loopback."""

import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

KEY, SECRET = "key", "secret-never-shown"


@contextmanager
def s3_server() -> Generator[str]:
    """Run the server in a process of its own: it has its own ideas of warnings and of threads."""
    pytest.importorskip("obstore")
    pytest.importorskip("moto")
    command = [sys.executable, "-m", "moto.server", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                break
        # It tells of each request, and would wait for ever once nobody reads that.
        reading = threading.Thread(target=deque, args=(process.stderr, 0))
        reading.start()
        yield f"http://127.0.0.1:{found[1]}"
        process.terminate()
        reading.join()


def bucket_name(test: str) -> str:
    """Make a name of a test's id; its end tells it from others."""
    return re.sub("[^a-z0-9]", "-", test.lower())[-60:].strip("-")


def store_options(s3: str) -> dict[str, Any]:
    config = {
        "aws_access_key_id": KEY,
        "aws_secret_access_key": SECRET,
        "aws_region": "us-east-1",
        "aws_endpoint": s3,
    }
    return {"config": config, "client_options": {"allow_http": True}}


def other_client(s3: str) -> Any:
    """Make another client: what it sees is what others see."""
    boto3 = pytest.importorskip("boto3")
    return boto3.client(
        "s3", endpoint_url=s3, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    )


def objects(s3: str, bucket: str) -> dict[str, bytes]:
    """Read a bucket."""
    other = other_client(s3)
    listed = other.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {found["Key"]: other.get_object(Bucket=bucket, Key=found["Key"])["Body"].read() for found in listed}
