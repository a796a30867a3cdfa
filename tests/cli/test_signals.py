"""Ctrl-C and SIGTERM: the command ends within a second, in whatever it is doing."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from aishoot_async.sandbox import Delay, Fault, Status

A_SECOND = 10.0  # one is promised; the others are for a machine that is busy with tests


def unread(pipe):
    """Count the bytes in a pipe that nobody has taken."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0]


def until(condition):
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def ended(process, number):
    """Send the signal; give what was said on stderr."""
    begun = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - begun < A_SECOND
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_in_a_slow_answer_of_an_export(aishoot, server, tmp_path, number, code):
    server.add_fault(Fault(Delay(60), operation="brief_results", page=2))
    command = ("--log-format", "json", "results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    process = aishoot.start(*command, stderr=subprocess.PIPE, text=True)
    server.wait_for_calls(2, "brief_results", timeout=20)
    said = ended(process, number)
    assert process.returncode == code
    assert "stopped" in json.loads(said.splitlines()[-1])["message"]
    assert not (tmp_path / "r.jsonl").exists()


def test_while_it_waits_to_try_again(aishoot, server):
    server.add_fault(Fault(Status(503, retry_after=50)))
    process = aishoot.start("skus", "list", stderr=subprocess.PIPE, text=True)
    server.wait_for_calls(1, timeout=20)
    assert "stopped" in ended(process, signal.SIGTERM)
    assert process.returncode == 143


def test_a_write_that_was_on_its_way_is_not_called_undone(aishoot, server):
    server.add_fault(Fault(Delay(60, after_effect=True), operation="create_sku"))
    command = ("skus", "create", "--name", "A", "--front-image", "f")
    process = aishoot.start(*command, stderr=subprocess.PIPE, text=True)
    server.wait_for_calls(1, "create_sku", timeout=20)
    assert "may have happened" in ended(process, signal.SIGINT)
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        (["skus", "delete", "-", "--yes"], signal.SIGINT, 130),
        (["skus", "create", "--body", "-"], signal.SIGTERM, 143),
    ],
)
def test_while_it_reads_what_nobody_writes(aishoot, server, arguments, number, code):
    reader, writer = os.pipe()
    process = aishoot.start(*arguments, stdin=reader, stderr=subprocess.PIPE, text=True)
    os.close(reader)
    os.write(writer, b"x\n")
    until(lambda: unread(writer) == 0)
    assert "stopped" in ended(process, number)
    os.close(writer)
    assert process.returncode == code
    assert server.calls.total() == 0


def test_while_nobody_reads_what_it_writes(alone):
    reader, writer = os.pipe()
    room = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    command = ("-q", "--sandbox", "--json", "results", "list", "3")
    process = alone.start(*command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    until(lambda: unread(reader) == room)
    assert "stopped" in ended(process, signal.SIGINT)
    os.close(reader)
    assert process.returncode == 130


def test_at_a_question(aishoot, server):
    seen = aishoot.in_a_terminal("skus", "delete", "x", when=b"[y/N] ", then=b"\x03")
    assert seen.code == 130
    question, stopped = seen.text.splitlines()
    assert question.startswith("Delete 1 SKU? [y/N] ")
    assert "stopped" in stopped
    assert server.calls.total() == 0


def python(command_line, before, *arguments):
    """Start the command line in a Python in which something has been prepared."""
    code = f"{before}\nfrom aishoot_async.cli import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=command_line.env, stderr=subprocess.PIPE, text=True
    )


HANG = """
import socket, sys, time
def hang(*_, **__):
    print("look", file=sys.stderr, flush=True)
    time.sleep(60)
socket.getaddrinfo = hang
"""


def test_in_a_name_look_up_that_hangs(alone):
    alone.env |= {"AISHOOT_TOKEN": "t", "AISHOOT_BASE_URL": "https://nowhere.example"}
    process = python(alone, HANG, "skus", "list")
    assert process.stderr.readline() == "look\n"
    assert "stopped" in ended(process, signal.SIGINT)
    assert process.returncode == 130


def test_a_signal_that_does_not_interrupt_the_event_loop_s_wait_is_heard_at_once(alone):
    """Another thread takes it, as may happen to any; likewise one that comes just before the loop begins to wait."""
    alone.env |= {"AISHOOT_TOKEN": "t", "AISHOOT_BASE_URL": "https://nowhere.example"}
    elsewhere = "time.sleep(0.3); signal.pthread_kill(threading.get_ident(), signal.SIGINT); time.sleep(60)"
    hang = HANG.replace("time.sleep(60)", elsewhere).replace("import socket", "import signal, threading, socket")
    process = python(alone, hang, "skus", "list")
    assert process.stderr.readline() == "look\n"
    begun = time.monotonic()
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - begun < A_SECOND
    assert "stopped" in said
    assert process.returncode == 130


INTERRUPT = """
import os, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                os.kill(os.getpid(), {number})
            except BaseException:
                if not {swallowed}:
                    raise
sys.meta_path.insert(0, Interrupt())
"""


@pytest.mark.parametrize(
    ("module", "number", "code"),
    [
        ("cyclopts", signal.SIGINT, 130),
        ("aishoot_async.cli._skus", signal.SIGTERM, 143),
        ("aishoot_async.sandbox", signal.SIGTERM, 143),
        ("aishoot_async.sandbox._database", signal.SIGINT, 130),  # not sqlite3: coverage has imported that before
    ],
)
def test_while_it_starts(alone, module, number, code):
    interrupt = INTERRUPT.format(module=module, number=int(number), swallowed=False)
    process = python(alone, interrupt, "-q", "--sandbox", "skus", "list")
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in said


def test_a_signal_that_an_import_swallows_is_heeded_all_the_same(aishoot, server):
    server.add_fault(Fault(Delay(60)))
    interrupt = INTERRUPT.format(module="cyclopts", number=int(signal.SIGINT), swallowed=True)
    process = python(aishoot, interrupt, "skus", "list")
    _, said = process.communicate(timeout=20)
    assert "stopped" in said
    assert process.returncode == 130
    assert server.calls.total() == 0
