"""Pure: what a service writes anew in each answer, taken out of a JSON text.

A URL's query and fragment are where services put signatures and expiry times, and no two answers have the same. A text
without them tells whether a row has changed, and whether a page is the one that was read before.
"""

import re
from collections.abc import Sequence
from typing import Final

# A string value, and no key, that holds an absolute URL, a scheme-relative one, or an absolute path, and then a query
# or a fragment. A slash may be written as "\/" or by its number, "?" and "#" by theirs. Text that goes on after a space
# is a sentence with a question mark, and no query.
_SLASH: Final = r"(?:\\?/|\\u002[fF])"
_QUERY_BEGINS: Final = r"(?:[?#]|\\u003[fF]|\\u0023)"
_SIGNED: Final = re.compile(
    rf"""
    (?<!\\)"                                                        # an opening quotation mark
    (  (?: [A-Za-z][A-Za-z0-9+.\-]*+ : {_SLASH} )?+ {_SLASH}
       (?: [^"\\?\#]++ | (?! {_QUERY_BEGINS} ) \\. )*+  )
    {_QUERY_BEGINS}
    (?: [^"\\\s]++ | \\[^nrtbf] )*+
    " (?! \s*+ : )
    """.encode(),
    re.VERBOSE,
)


def without_volatile(text: bytes) -> bytes:
    """Take the query and the fragment of every URL and of every absolute path out of a JSON text.

    Args:
        text: JSON; of something else, nobody knows what comes out.

    Returns:
        The text without them; the very same bytes where there is none. What is left may not be JSON that anybody wants
        to keep: it is for comparing.
    """
    if b"?" not in text and b"#" not in text and b"\\u00" not in text:  # most texts, and quicker to find out
        return text
    return _SIGNED.sub(rb'"\1"', text)


def rows_without_volatile(rows: Sequence[bytes]) -> Sequence[bytes]:
    """Take what is volatile out of the rows of a page, unless it is what tells these rows apart (``/image?id=17``).

    Args:
        rows: the JSON of each.

    Returns:
        As many texts; the rows as they are where two of them would become the same.
    """
    stable = [*map(without_volatile, rows)]
    return stable if len(set(stable)) == len(set(rows)) else rows
