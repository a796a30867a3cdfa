"""All the ways in which a program can show a thing; none of them may show a secret."""

import pathlib
import pickle
import traceback
import urllib.parse

import aishoot_async

_OURS = str(pathlib.Path(aishoot_async.__file__).parent)


def everything(error: BaseException) -> str:
    """Show an error, and all that hangs on it: chained errors, our frames' variables, its pickle."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = ["".join(traceback.format_exception(error)), repr(error), str(error), repr(vars(error))]
    shown.append(pickle.dumps(error).decode("latin-1"))
    while report is not None:
        for frame in report.stack:
            if frame.filename.startswith(_OURS):
                shown += [f"{name}={value}" for name, value in (frame.locals or {}).items()]
        report = report.__cause__ or report.__context__
    return "\n".join(shown)


def leaked(text: str, *secrets: str) -> list[str]:
    """Give the secrets that a text shows; half of one counts."""
    found = []
    for secret in secrets:
        for whole in (secret, urllib.parse.quote(secret, safe="")):
            if whole[:12] in text or whole[-12:] in text:
                found.append(secret)
                break
    return found
