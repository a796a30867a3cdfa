"""Asking whether a user has confirmed a device login (RFC 8628, 3.4 and 3.5).

what was answered                                             what follows
--------------------------------------------------------------------------------------------------------------
tokens                                                        done
authorization_pending                                         go on, at the same pace
slow_down; 429                                                go on, 5 seconds slower for good
nothing, 5xx, or what cannot be read                          go on; each one in a row doubles the next wait
access_denied; expired_token; invalid_grant (as the           LoginRejectedError
platform says of an expired code); the time has run out
any other refusal, or no answer of an auth server             AuthError
"""

from collections.abc import Awaitable, Callable
from typing import Final

from ..errors import (
    AuthError,
    LoginRejectedError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from ..secret import Secret
from ._wire import Device, Refusal, Tokens

SLOWER: Final = 5.0  # seconds
LONGEST_WAIT: Final = 60.0  # seconds, after faults: a confirmed login should be noticed before the user gives up
_EXPIRED: Final = "the code was not confirmed in time; begin again: aishoot login"
_REJECTED: Final = {
    Refusal.ACCESS_DENIED: "the login was denied in the browser",
    Refusal.EXPIRED_TOKEN: _EXPIRED,
    Refusal.INVALID_GRANT: _EXPIRED,
}


async def wait_for_tokens(
    device: Device,
    poll: Callable[[Secret], Awaitable[Tokens | Refusal]],
    *,
    ends: float,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
) -> Tokens:
    """Poll until the user has decided, or the code has expired. May be cancelled at any moment.

    Args:
        device: the login under way.
        poll: asks once.
        ends: when the code expires, by the clock.
        clock: gives seconds that only go forward.
        sleep: waits for so many seconds.

    Raises:
        AuthError: the auth server refuses for another reason.
        LoginRejectedError: the user has denied it, or the time has run out.
    """
    interval, faults = device.interval, 0
    while True:
        wait = min(interval * 2.0**faults, max(interval, LONGEST_WAIT))
        if clock() + wait >= ends:
            wait = interval  # rather too soon after a fault than not at all
        if clock() + wait >= ends:
            await sleep(max(0.0, ends - clock()))
            raise LoginRejectedError(_EXPIRED)
        await sleep(wait)
        try:
            answer = await poll(device.code)
        except RateLimitedError:
            answer = Refusal.SLOW_DOWN
        except (TransportError, ServerError, UnexpectedResponseError):
            faults = min(faults + 1, 10)
            continue
        faults = 0
        if isinstance(answer, Tokens):
            return answer
        if answer is Refusal.SLOW_DOWN:
            interval += SLOWER
        elif answer in _REJECTED:
            raise LoginRejectedError(_REJECTED[answer])
        elif answer is not Refusal.AUTHORIZATION_PENDING:
            msg = f"the auth server refuses the login ({answer})"
            raise AuthError(msg)
