"""What hooks are told. Imported with the first of them: most sessions have none."""

from collections.abc import Mapping
from typing import Final

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

from ..errors import Attempt

NO_HEADERS: Final[Mapping[str, str]] = CIMultiDictProxy(CIMultiDict[str]())


@attrs.frozen(kw_only=True)
class CallEvent:
    """One moment in a call. It never holds the session's token.

    Attributes:
        call: which call it is: a number that no other call of this process has.
        method: the HTTP method.
        url: the whole URL, percent-encoded, as it is sent.
        path: the path below the base URL, without its query.
        template: the path as the API's page has it, such as ``/ai-shoot/skus/{skuId}``: one for each operation.
        number: which attempt it is; 1 for the first.
        attempt: what the attempt came to; ``None`` before it. Its ``wait`` is set when it will be repeated.
        response_headers: the answer's headers, by names of any case; empty without an answer. Only tokens are taken
            out of them: they are whatever the server has sent, cookies and all.
    """

    call: int
    method: str
    url: str
    path: str
    template: str
    number: int
    attempt: Attempt | None = None
    response_headers: Mapping[str, str] = attrs.field(default=NO_HEADERS, hash=False)
