"""What a command has changed at the service, told where it can be heard: it must not be done again to read of it."""

import sys
from collections.abc import Callable

from ._failures import DONE, FAILED
from ._signals import Stopped
from ._streams import OutputError
from ._talk import Talk


def print_done(show: Callable[[], object], done: str, what: str, talk: Talk) -> int:
    """Print what was changed; where stdout does not take it, even if its reader is gone, say on stderr what was done.

    Args:
        show: prints it.
        done: what was done, with the ids that nobody could find again: "created SKU sku-1".
        what: what is printed: "its JSON".
        talk: says the rest.

    Returns:
        The exit code: a stderr that is closed too says nothing.

    Raises:
        Stopped: a signal broke off the write; what was done is said.
    """
    try:
        show()
        sys.stdout.flush()
    except OutputError as error:
        talk.error(f"{done}; {what} could not be written to stdout: {error.reason}")
        return FAILED
    except Stopped:
        talk.warn(f"{done}; {what} was not written to stdout")
        raise
    return DONE
