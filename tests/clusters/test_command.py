"""``aishoot results export … --dask``: the same progress, summary and exit codes, and nothing that Dask says itself."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from aishoot_async.sandbox import Delay, Fault
from helpers.parts import contents

COMMAND = [sys.executable, "-m", "aishoot_async"]


def environment(server=None, **more):
    settings = {} if server is None else {"AISHOOT_TOKEN": server.token, "AISHOOT_BASE_URL": server.url}
    return os.environ | settings | more


def aishoot(*arguments, **options):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=50, check=False, **options)


def test_a_cluster_of_this_command_alone(tmp_path):
    command = ("--sandbox", "--log-format", "json", "results", "export", "1", "2", "3", "--to")
    done = aishoot(*command, str(tmp_path / "r"), "--dask", "local", env=environment())
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    said = [json.loads(line) for line in done.stderr.splitlines()]  # nobody else says anything
    assert (said[-1]["items"], said[-1]["refetched_pages"], said[-1]["complete"]) == (1490, 0, True)
    assert aishoot(*command, str(tmp_path / "one"), env=environment()).returncode == 0
    assert contents(tmp_path / "r") == contents(tmp_path / "one")


@pytest.mark.slow
def test_a_cluster_that_is_there_and_a_brief_that_is_not(cluster, server, tmp_path):
    arguments = ("results", "export", "1", "2", "99", "--to", str(tmp_path / "r"), "--dask", cluster.address)
    done = aishoot(*arguments, "--report", str(tmp_path / "report.json"), env=environment(server))
    assert done.returncode == 3
    assert "brief 99 failed: NotFoundError" in done.stderr
    assert "100 results in" in done.stderr
    for unwanted in ("Traceback", "distributed", server.token):
        assert unwanted not in done.stderr
    said = json.loads((tmp_path / "report.json").read_text())
    assert said["failed"] == {"passing": [], "permanent": [99]}
    assert said["refetched_pages"] == 0
    again = aishoot(*arguments, env=environment(server))
    assert again.returncode == 3
    assert "2 briefs were finished before" in again.stderr


@pytest.mark.slow
def test_a_login_that_is_refused(cluster, server, tmp_path):
    server.expire_tokens()
    arguments = ("results", "export", "1", "2", "--to", str(tmp_path / "r"), "--dask", cluster.address)
    done = aishoot(*arguments, env=environment(server))
    assert done.returncode == 4
    assert "Log in again" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:9", "nowhere"])
def test_a_scheduler_that_cannot_be_reached(server, tmp_path, where):
    env = environment(server, DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s")
    done = aishoot("results", "export", "1", "2", "--to", str(tmp_path / "r"), "--dask", where, env=env)
    assert done.returncode == (1 if where.startswith("tcp") else 2)
    assert where in done.stderr
    assert "Traceback" not in done.stderr


def test_without_dask_it_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['distributed'] = None; from aishoot_async.cli import main; main()"
    arguments = ("--sandbox", "results", "export", "1", "--to", str(tmp_path / "r"), "--dask", "local")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'aishoot-async[dask]'" in done.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_ends_the_cluster_too(server, tmp_path, number, code):
    server.add_fault(Fault(Delay(60), operation="brief_results", page=3))
    arguments = ("results", "export", "1", "2", "3", "--to", str(tmp_path / "r"), "--dask", "local")
    command = [*COMMAND, *arguments]
    with subprocess.Popen(
        command, env=environment(server), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        server.wait_for_calls(4, "brief_results", timeout=30)
        os.killpg(process.pid, number)  # as a terminal does: to all processes of the command
        _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert "stopped" in said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    give_up = time.monotonic() + 10
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < give_up:
            os.killpg(process.pid, 0)
            time.sleep(0.05)
    assert not (tmp_path / "r" / "_SUCCESS").exists()
