"""Every command, broken off in the middle of its work: by a signal, a reader who goes, a disk that is full."""

import fcntl
import os
import signal
import struct
import subprocess
import termios
import time

import pytest

from aishoot_async.sandbox import Delay, Fault
from helpers.pictures import png

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def each_with_a_signal(commands):
    """Pair commands with the two signals, by turns: each takes a process."""
    return [pytest.param(one, list(CODES)[at % 2], id=one) for at, one in enumerate(commands)]


PICTURES = 9
# Command, the operation in whose answer it is broken off, and which call of that.
AT_WORK = {
    "results list 1": ("brief_results", 3),
    "--json results list 1": ("brief_results", 3),
    "results export 1 2 3 --to {tmp}/folder": ("brief_results", 4),
    "results export 1 2 3 --to {tmp}/csv --format csv --columns id": ("brief_results", 4),
    "-v results export 1 --to {tmp}/r.jsonl.gz": ("brief_results", 2),
    "--log-format json results export 1 --to {tmp}/r.jsonl --strict": ("brief_results", 4),
    "skus list": ("list_skus", 1),
    "skus global": ("list_global_skus", 1),
    "skus get {sku} {sku}x": ("list_skus", 1),
    "skus create --name A --front-image f": ("create_sku", 1),
    "skus update {sku} --name A": ("list_skus", 1),
    "skus delete {sku} --yes": ("delete_sku", 1),
    "skus export --to {tmp}/skus.jsonl": ("list_skus", 1),
    "skus sync {tmp}/c.csv --state {tmp}/s": ("list_skus", 1),
    "skus sync {tmp}/c.csv --state {tmp}/s --apply": ("create_sku", 5),
    "--organization o images upload {pictures}": ("upload", 5),
    "status": ("list_skus", 1),
}
# And for how many bytes its pipe has room: for the first of several lines, or for a part of what is printed at once.
TALKATIVE = {
    "--json results list 4": 4096,
    "results list 4": 4096,
    "--organization o images upload {pictures}": 200,
    "--organization o --json images upload {pictures}": 220,
    "skus sync {tmp}/c.csv --state {tmp}/s": 4096,
    "skus sync {tmp}/c.csv --state {tmp}/s --apply": 4096,
}
CHATTY = {
    "--organization o images upload {missing}": 4096,
    "skus get {missing}": 4096,
    "-v results export {many} --to {tmp}/folder": 200,
    "-v results export {many} --to {tmp}/folder --report {tmp}/report.json": 200,
    "-v --sandbox results list 1": 100,
}


@pytest.fixture
def words(server, tmp_path):
    """Give the words of a command line, with what is named in braces."""
    server.add_brief(3, 100)
    server.add_brief(4, 1500)
    (tmp_path / "c.csv").write_text("key,name,frontImage\n" + "".join(f"K{n},N,f{n}\n" for n in range(300)))
    for number in range(PICTURES):
        (tmp_path / f"{number}.png").write_bytes(png(8, 8) + b"%d" % number)
    pictures = [str(tmp_path / f"{number}.png") for number in range(PICTURES)]

    missing = [f"{tmp_path}/{number}-is-not-there" for number in range(100)]
    lists = {"{pictures}": pictures, "{missing}": missing, "{many}": [str(1000 + number) for number in range(60)]}

    def split(command):
        named = {"tmp": str(tmp_path), "sku": server.skus()[0]["id"]}
        parts = [lists.get(one) or [one.format(**named)] for one in command.split()]
        return [word for part in parts for word in part]

    return split


@pytest.fixture
def start(aishoot, words):
    """Start a command; it does not outlive the test."""
    started = []

    def go(command, **options):
        started.append(aishoot.start(*words(command), **{"stderr": subprocess.PIPE, "text": True} | options))
        return started[-1]

    yield go
    for process in started:
        process.kill()


@pytest.fixture
def full_pipe():
    """Give a reader who does not read, and the pipe's other end; it has room for so many bytes."""
    reader, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)

    def fill(room):
        os.write(writer, b"x" * (size - room))
        return reader, writer

    yield fill
    os.close(reader)


def until_written(reader, process):
    """Wait until something more is in the pipe; what does not fit in makes its writer wait."""
    before, give_up = unread(reader), time.monotonic() + 20
    while unread(reader) == before:
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.01)


def unread(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0]


def assert_in_order(process, code, said=""):
    said = process.communicate(timeout=20)[1] or said
    for mark in ("Traceback", "ExceptionGroup", "bug in aishoot", "never retrieved", "Exception in"):
        assert mark not in said, said
    assert process.returncode == code, said
    return said


@pytest.mark.parametrize(("command", "number"), each_with_a_signal(AT_WORK))
def test_a_signal_in_the_middle_of_the_work(start, server, command, number):
    operation, at = AT_WORK[command]
    server.add_fault(Fault(Delay(60), operation=operation, at=at))
    process = start(command, stdout=subprocess.PIPE)
    server.wait_for_calls(at, operation, timeout=20)
    process.send_signal(number)
    assert "stopped" in assert_in_order(process, CODES[number])


@pytest.mark.parametrize(("command", "number"), each_with_a_signal(TALKATIVE))
def test_a_signal_while_nobody_reads_what_it_prints(start, full_pipe, command, number):
    reader, writer = full_pipe(TALKATIVE[command])
    process = start(command, stdout=writer)
    os.close(writer)
    until_written(reader, process)
    process.send_signal(number)
    assert_in_order(process, CODES[number])


@pytest.mark.parametrize(("command", "number"), each_with_a_signal(CHATTY))
def test_a_signal_while_nobody_reads_what_it_says(start, full_pipe, command, number):
    reader, writer = full_pipe(CHATTY[command])
    process = start(command, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    until_written(reader, process)
    process.send_signal(number)
    assert process.wait(20) == CODES[number]


# What tells of a change at the service is to be read; of a listing, a reader may have had enough.
CHANGES = ("skus create", "skus update", "--apply", "images upload")
PRINTS_NOTHING = ("results export", "skus export", "skus delete")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["full", "gone"])
@pytest.mark.parametrize("command", [*AT_WORK, "--sandbox --json login", "sandbox --port 0", "completion bash"])
def test_an_stdout_that_takes_nothing_ends_no_command_in_a_traceback(start, command, how):
    if how == "full":
        stdout = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, stdout = os.pipe()
        os.close(reader)
    process = start(command.replace(" {sku}x", ""), stdout=stdout)
    os.close(stdout)
    is_silent = any(words in command for words in PRINTS_NOTHING)
    has_changed = any(words in command for words in (*CHANGES, "login"))
    assert_in_order(process, 0 if is_silent or (how == "gone" and not has_changed) else 1)
