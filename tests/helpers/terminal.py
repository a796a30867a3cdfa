"""A program in a pseudo-terminal, as a person sees it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence

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
    rows: int = 40,
    typed: bytes = b"",
    when: bytes | None = None,
    then: bytes = b"",
) -> Seen:
    """Run a command in a terminal.

    Args:
        command: the command.
        env: its environment; ``TERM`` is an xterm's, unless it is said.
        columns: how wide the terminal is; 0 by 0 is one that has no size.
        rows: how high it is.
        typed: what is in the keyboard's buffer from the start.
        when: a text to wait for.
        then: what is typed once that text is seen.
    """
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    clean = {key: value for key, value in {"TERM": "xterm-256color", **env}.items() if key != "COLUMNS"}
    # The leader of a session that opens a terminal is controlled by it: Ctrl-C becomes a signal.
    opens = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(terminal)]
    process = subprocess.Popen([*opens, *command], env=clean, start_new_session=True)
    os.write(controller, typed)
    seen = b""
    while True:
        ended = process.poll() is not None
        # What was written last may still be on its way through the terminal when the process has ended.
        if select.select([controller], [], [], 0.05)[0]:
            seen += os.read(controller, 65536)
        elif ended:
            break
        if when is not None and when in seen:
            os.write(controller, then)
            when = None
    os.close(terminal)
    os.close(controller)
    return Seen(process.returncode, seen.decode())
