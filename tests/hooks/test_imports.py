"""OpenTelemetry is an extra: nobody needs it, or waits for it, who does not use it."""

import subprocess
import sys

import pytest


def python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", ["import aishoot_async; aishoot_async.AIShootSession", "import aishoot_async.hooks"])
def test_it_is_not_imported(code):
    done = python(f"import sys\n{code}\nassert 'opentelemetry' not in {{name.split('.')[0] for name in sys.modules}}")
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_missing():
    done = python(
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from aishoot_async import AIShootError\n"
        "from aishoot_async.hooks import LoggingHook, OpenTelemetryHook\n"
        "LoggingHook()\n"
        "try: OpenTelemetryHook()\n"
        "except AIShootError as error: print(type(error).__name__, error, type(error.__cause__).__name__)"
    )
    said = "OpenTelemetryHook needs the package opentelemetry-api: pip install 'aishoot-async[otel]'"
    assert (done.stdout, done.stderr) == (f"ConfigurationError {said} ModuleNotFoundError\n", "")
