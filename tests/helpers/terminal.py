"""A program in a pseudo-terminal, as a person sees it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence

import attrs


@attrs.frozen
class Seen:
    """What came of it."""

    code: int
    text: str


def in_a_terminal(
    command: Sequence[str],
    env: Mapping[str, str],
    *,
    columns: int = 160,
    typed: bytes = b"",
    when: bytes | None = None,
    then: Callable[[subprocess.Popen[bytes], int], object] | None = None,
) -> Seen:
    """Run a command in a terminal.

    Args:
        command: the command.
        env: its environment; ``TERM`` is an xterm's, unless it is said.
        columns: how wide the terminal is.
        typed: what is in the keyboard's buffer from the start.
        when: a text to wait for.
        then: called with the process and the terminal once that text is seen.
    """
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    clean = {key: value for key, value in {"TERM": "xterm-256color", **env}.items() if key != "COLUMNS"}
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=clean, start_new_session=True
    )
    os.close(terminal)
    os.write(controller, typed)
    seen = b""
    while process.poll() is None or select.select([controller], [], [], 0)[0]:
        if select.select([controller], [], [], 0.1)[0]:
            try:
                seen += os.read(controller, 65536)
            except OSError:  # the other end is closed
                break
        if when is not None and when in seen and then is not None:
            when, act = None, then
            act(process, controller)
    code = process.wait(20)
    os.close(controller)
    return Seen(code, seen.decode())
