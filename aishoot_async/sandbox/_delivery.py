"""Getting an answer onto the wire, whole or spoiled. The only file that touches sockets."""

import asyncio
import gzip
import socket
import struct
from typing import Final

from aiohttp import web
from attrs import evolve

from aishoot_async.sandbox._faults import CutBody, DeliveryAction, SlowDrip
from aishoot_async.sandbox._wire import JSON_TYPE, Answer, reason

_TICK_SECONDS: Final = 0.02
_LINGER_OFF: Final = struct.pack("ii", 1, 0)


def compressed(answer: Answer, accepted: str) -> Answer:
    """Return the answer in gzip, if it is JSON and the client's `Accept-Encoding` names gzip."""
    codings = {coding.partition(";")[0].strip().lower() for coding in accepted.split(",")}
    if "gzip" not in codings or answer.content_type != JSON_TYPE:
        return answer
    headers = {**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    # No time in the gzip header: the same page must give the same bytes.
    return evolve(answer, body=gzip.compress(answer.body, 1, mtime=0), headers=headers)


def _headers(answer: Answer) -> dict[str, str]:
    headers = dict(answer.headers)
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    return headers


def drop(request: web.BaseRequest, *, reset: bool) -> web.StreamResponse:
    """Close the connection without an answer; `reset` makes the peer see a reset and not an end."""
    if request.transport is not None:
        if reset and (peer := request.transport.get_extra_info("socket")) is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
        request.transport.abort()
    # aiohttp wants a response; on an aborted transport it writes nothing.
    return web.Response()


async def deliver(request: web.BaseRequest, answer: Answer, action: DeliveryAction | None) -> web.StreamResponse:
    """Send an answer, spoiled as the action says."""
    phrase = reason(answer.status)
    if action is None:
        return web.Response(status=answer.status, reason=phrase, headers=_headers(answer), body=answer.body)
    response = web.StreamResponse(status=answer.status, reason=phrase, headers=_headers(answer))
    if isinstance(action, CutBody) and action.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(answer.body)
    await response.prepare(request)
    try:
        if isinstance(action, SlowDrip):
            await _drip(response, answer.body, action.bytes_per_second)
        else:
            await response.write(answer.body[: action.after])
            _close(request)
    except ConnectionError:
        # The client had enough; nobody is left to tell.
        _close(request)
    return response


def _close(request: web.BaseRequest) -> None:
    # Unlike abort(), this lets what was written reach the peer first.
    if request.transport is not None:
        request.transport.close()


async def _drip(response: web.StreamResponse, body: bytes, bytes_per_second: float) -> None:
    size = max(1, int(bytes_per_second * _TICK_SECONDS))
    for start in range(0, len(body), size):
        await response.write(body[start : start + size])
        await asyncio.sleep(size / bytes_per_second)
